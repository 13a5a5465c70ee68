"""Architectures as Keras graphs, float and quantized, and the anomaly scores."""

from l1ae.models._build import (
    Networks,
    build_float_model,
    build_float_networks,
    build_quantized_model,
    build_quantized_networks,
    fold_batch_norm,
)
from l1ae.models._calibration import Calibration, WeightBits, calibrate, integer_bits
from l1ae.models._plan import DenseStep, decoder_plan, firmware_plan
from l1ae.models._scores import kl, mu2, score, squared_error

__all__ = [
    "Calibration",
    "DenseStep",
    "Networks",
    "WeightBits",
    "build_float_model",
    "build_float_networks",
    "build_quantized_model",
    "build_quantized_networks",
    "calibrate",
    "decoder_plan",
    "firmware_plan",
    "fold_batch_norm",
    "integer_bits",
    "kl",
    "mu2",
    "score",
    "squared_error",
]
