"""What a trigger event is: a layout of columns, hardware scales, preprocessing and fixed-point formats."""

from l1ae.inputs._added import AbsEta, Added, AddedColumn, DeltaPhi, EnergySum, Multiplicity, add_columns
from l1ae.inputs._arrange import Arranged, arrange
from l1ae.inputs._base import Format
from l1ae.inputs._computed import Computed, Condition, Count, Distance, Magnitude, Term, Total, Word
from l1ae.inputs._counts import Counts, Spectrum, WeightedBlock, count_codes
from l1ae.inputs._derive import derive_preprocessing
from l1ae.inputs._fixed import FixedFormat, FormatText, Overflow, Rounding
from l1ae.inputs._groups import Axis, Cut, Feature, Group, Role
from l1ae.inputs._layout import Column, Layout
from l1ae.inputs._named import find_layout, layout_names, layout_text, named_layout
from l1ae.inputs._preset import Numbers, Preset
from l1ae.inputs._spec import InputSpec
from l1ae.inputs._transform import Steps, Transform, check_transform, derive_tables, steps_of, table_bits, table_of, transformed_columns

__all__ = [
    "AbsEta",
    "Added",
    "AddedColumn",
    "Arranged",
    "Axis",
    "Column",
    "Computed",
    "Condition",
    "Count",
    "Counts",
    "Cut",
    "DeltaPhi",
    "Distance",
    "EnergySum",
    "Feature",
    "FixedFormat",
    "Format",
    "FormatText",
    "Group",
    "InputSpec",
    "Layout",
    "Magnitude",
    "Multiplicity",
    "Numbers",
    "Overflow",
    "Preset",
    "Role",
    "Rounding",
    "Spectrum",
    "Steps",
    "Term",
    "Total",
    "Transform",
    "WeightedBlock",
    "Word",
    "add_columns",
    "arrange",
    "check_transform",
    "count_codes",
    "derive_preprocessing",
    "derive_tables",
    "find_layout",
    "layout_names",
    "layout_text",
    "named_layout",
    "steps_of",
    "table_bits",
    "table_of",
    "transformed_columns",
]
