"""Models made of lookup tables: density trees and forests."""

from l1ae.tables._additive import AdditiveTables, load_tables, save_tables
from l1ae.tables._density import Blocks, DensityTree, fit_forest, fit_trees
from l1ae.tables._train import TABLES, TablesResult, sketched_tables, train_tables, untrained_tables, used_columns

__all__ = [
    "TABLES",
    "AdditiveTables",
    "Blocks",
    "DensityTree",
    "TablesResult",
    "fit_forest",
    "fit_trees",
    "load_tables",
    "save_tables",
    "sketched_tables",
    "train_tables",
    "untrained_tables",
    "used_columns",
]
