"""What others load: CMSSW emulator, test vectors and wrappers, vendor scripts; each checked against the contract.

And back in: the reports of the vendor's tools, and the budget that they are held against.
"""

from l1ae.delivery._budget import Budget, BudgetLine, check_budget
from l1ae.delivery._emulator import Emulator, EmulatorError
from l1ae.delivery._manifest import VerifiedDelivery, verify_delivery, write_delivery
from l1ae.delivery._reports import (
    Amount,
    CosimReport,
    CsynthReport,
    Origin,
    PowerReport,
    TimingReport,
    UtilizationReport,
)
from l1ae.delivery._reports_find import Found, StageFigures, figures_of, find_csynth, find_reports
from l1ae.delivery._source import Provenance, Source
from l1ae.delivery._target import Check, Target, Timing
from l1ae.delivery._targets import TARGETS
from l1ae.delivery._ugt_objects import unpack
from l1ae.delivery._ugt_vectors import Filling, compare_orbit, orbits, read_orbit, working_points

__all__ = [
    "TARGETS",
    "Amount",
    "Budget",
    "BudgetLine",
    "Check",
    "CosimReport",
    "CsynthReport",
    "Emulator",
    "EmulatorError",
    "Filling",
    "Found",
    "Origin",
    "PowerReport",
    "Provenance",
    "Source",
    "StageFigures",
    "Target",
    "Timing",
    "TimingReport",
    "UtilizationReport",
    "VerifiedDelivery",
    "check_budget",
    "compare_orbit",
    "figures_of",
    "find_csynth",
    "find_reports",
    "orbits",
    "read_orbit",
    "unpack",
    "verify_delivery",
    "working_points",
    "write_delivery",
]
