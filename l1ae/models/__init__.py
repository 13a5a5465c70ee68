"""Architectures as Keras graphs, float and quantized, and the anomaly scores."""

from l1ae.models._batch_norm import WeightedBatchNormalization, event_weights
from l1ae.models._build import (
    Networks,
    build_float_model,
    build_float_networks,
    build_quantized_model,
    build_quantized_networks,
    fold_batch_norm,
)
from l1ae.models._calibration import Calibration, WeightBits, calibrate, integer_bits
from l1ae.models._layers import Slice, SumPooling2D
from l1ae.models._learned import LearnedActivation, LearnedConv2D, LearnedDense, effective_bit_operations
from l1ae.models._plan import INPUTS, TableStep, WeightStep, code_step, firmware_plan, output_steps, weight_steps
from l1ae.models._tables import TableDense, table_luts

__all__ = [
    "INPUTS",
    "Calibration",
    "LearnedActivation",
    "LearnedConv2D",
    "LearnedDense",
    "Networks",
    "Slice",
    "SumPooling2D",
    "TableDense",
    "TableStep",
    "WeightBits",
    "WeightStep",
    "WeightedBatchNormalization",
    "build_float_model",
    "build_float_networks",
    "build_quantized_model",
    "build_quantized_networks",
    "calibrate",
    "code_step",
    "effective_bit_operations",
    "event_weights",
    "firmware_plan",
    "fold_batch_norm",
    "integer_bits",
    "output_steps",
    "table_luts",
    "weight_steps",
]
