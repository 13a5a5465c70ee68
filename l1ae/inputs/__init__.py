"""What a trigger event is: object slots or calorimeter regions, hardware scales, preprocessing and fixed-point formats."""

from l1ae.inputs._fixed import FixedFormat, Overflow, Rounding
from l1ae.inputs._regions import RegionSpec, calo_layer1_spec
from l1ae.inputs._spec import FEATURES, InputSpec, ObjectGroup, ugt_input_spec
from l1ae.inputs._view import Format, InputView, Scale

__all__ = [
    "FEATURES",
    "FixedFormat",
    "Format",
    "InputSpec",
    "InputView",
    "ObjectGroup",
    "Overflow",
    "RegionSpec",
    "Rounding",
    "Scale",
    "calo_layer1_spec",
    "ugt_input_spec",
]
