"""Several runs side by side: settings, efficiencies at a rate with paired errors, cost; as a value, tables, and one page."""

from l1ae.comparison._compare import compare
from l1ae.comparison._page import write_comparison
from l1ae.comparison._result import ComparedRun, Comparison, Quantity, Setting, Threshold, load_comparison, save_comparison
from l1ae.comparison._tables import tables

__all__ = [
    "ComparedRun",
    "Comparison",
    "Quantity",
    "Setting",
    "Threshold",
    "compare",
    "load_comparison",
    "save_comparison",
    "tables",
    "write_comparison",
]
