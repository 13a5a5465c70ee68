"""Tables in any file, and mapping files that say which of their columns are which of a layout."""

from l1ae.data.tables._foreign import foreign
from l1ae.data.tables._formats import format_of, open_table
from l1ae.data.tables._import import SPLITS, describe_tables, describe_values, import_tables
from l1ae.data.tables._l1_ntuple import is_l1_ntuple, open_l1_ntuple
from l1ae.data.tables._mapping import TableMapping, load_mapping
from l1ae.data.tables._nanoaod import flavour_of, nanoaod_provenance, open_nanoaod, warnings_of
from l1ae.data.tables._plan import Plan
from l1ae.data.tables._resolve import plan_mapping
from l1ae.data.tables._table import Table

__all__ = [
    "SPLITS",
    "Plan",
    "Table",
    "TableMapping",
    "describe_tables",
    "describe_values",
    "flavour_of",
    "foreign",
    "format_of",
    "import_tables",
    "is_l1_ntuple",
    "load_mapping",
    "nanoaod_provenance",
    "open_l1_ntuple",
    "open_nanoaod",
    "open_table",
    "plan_mapping",
    "warnings_of",
]
