"""What a trigger event is: a layout of columns, hardware scales, preprocessing and fixed-point formats."""

from l1ae.inputs._arrange import Arranged, arrange
from l1ae.inputs._base import Format
from l1ae.inputs._derive import derive_preprocessing
from l1ae.inputs._fixed import FixedFormat, Overflow, Rounding
from l1ae.inputs._groups import Axis, Cut, Feature, Group, Role
from l1ae.inputs._layout import Column, Layout
from l1ae.inputs._named import find_layout, layout_names, layout_text, named_layout
from l1ae.inputs._preset import Numbers, Preset
from l1ae.inputs._spec import InputSpec

__all__ = [
    "Arranged",
    "Axis",
    "Column",
    "Cut",
    "Feature",
    "FixedFormat",
    "Format",
    "Group",
    "InputSpec",
    "Layout",
    "Numbers",
    "Overflow",
    "Preset",
    "Role",
    "Rounding",
    "arrange",
    "derive_preprocessing",
    "find_layout",
    "layout_names",
    "layout_text",
    "named_layout",
]
