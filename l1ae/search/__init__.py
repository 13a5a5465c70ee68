"""The search: from a budget and a space to the front of the triggers that fit, verified."""

from l1ae.search._check import check_study
from l1ae.search._config import DimensionConfig, HalvingConfig, ModelStudyConfig, StudyConfig
from l1ae.search._driver import SearchProgress, run_search
from l1ae.search._figures import front_figure
from l1ae.search._files import SearchFolder
from l1ae.search._finish import finish_search
from l1ae.search._front import Best, best_below, configuration_of, fitting, front_of, write_front
from l1ae.search._measure import Task, measure
from l1ae.search._objectives import ObjectiveConfig
from l1ae.search._page import headline
from l1ae.search._results import Counts, Front, FrontPoint, Measured, Objective, Trial, Verified
from l1ae.search._storage import Ledger
from l1ae.search._study import Model, Point, Study, load_study
from l1ae.search._tables import LUTS, search_tables, summary_table
from l1ae.search._verify import verify_front
from l1ae.search._view import SearchView

__all__ = [
    "LUTS",
    "Best",
    "Counts",
    "DimensionConfig",
    "Front",
    "FrontPoint",
    "HalvingConfig",
    "Ledger",
    "Measured",
    "Model",
    "ModelStudyConfig",
    "Objective",
    "ObjectiveConfig",
    "Point",
    "SearchFolder",
    "SearchProgress",
    "SearchView",
    "Study",
    "StudyConfig",
    "Task",
    "Trial",
    "Verified",
    "best_below",
    "check_study",
    "configuration_of",
    "finish_search",
    "fitting",
    "front_figure",
    "front_of",
    "headline",
    "load_study",
    "measure",
    "run_search",
    "search_tables",
    "summary_table",
    "verify_front",
    "write_front",
]
