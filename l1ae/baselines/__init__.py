"""What a model must beat at the same rate: cuts, linear models, an isolation forest, a density tree."""

from l1ae.baselines._fit import Fitted, FittedBaselines, fit_baselines, judge_baselines
from l1ae.baselines._kinds import BASELINES
from l1ae.baselines._record import Baseline, Candidate
from l1ae.baselines._result import (
    BaselineResult,
    BaselinesResult,
    Beaten,
    at_rate_of,
    beaten_by,
    load_baselines,
    same_crossings,
    save_baselines,
)
from l1ae.baselines._training import TrainingEvents

__all__ = [
    "BASELINES",
    "Baseline",
    "BaselineResult",
    "BaselinesResult",
    "Beaten",
    "Candidate",
    "Fitted",
    "FittedBaselines",
    "TrainingEvents",
    "at_rate_of",
    "beaten_by",
    "fit_baselines",
    "judge_baselines",
    "load_baselines",
    "same_crossings",
    "save_baselines",
]
