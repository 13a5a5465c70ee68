"""What a trigger event is: object slots, hardware scales, preprocessing and fixed-point formats."""

from l1ae.inputs._fixed import FixedFormat, Overflow, Rounding
from l1ae.inputs._spec import FEATURES, Format, InputSpec, ObjectGroup, Scale, ugt_input_spec

__all__ = ["FEATURES", "FixedFormat", "Format", "InputSpec", "ObjectGroup", "Overflow", "Rounding", "Scale", "ugt_input_spec"]
