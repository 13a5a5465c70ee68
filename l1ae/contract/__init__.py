"""The fixed-point model of a trained network: integers, formats, exact evaluation, proven bounds."""

from l1ae.contract._bounds import Interval, patches
from l1ae.contract._builder import Builder, function_table
from l1ae.contract._contract import Contract, wrapped_text, wrapped_total
from l1ae.contract._foreign import for_events, import_description
from l1ae.contract._from_keras import build_contract
from l1ae.contract._from_tables import tables_contract
from l1ae.contract._layers import LAYERS, Layer
from l1ae.contract._ops import (
    OPERATIONS,
    Accumulating,
    Binning,
    Concatenate,
    Convolution,
    Dense,
    Dot,
    Elementwise,
    Gather,
    HardwareInput,
    Lookup,
    Operation,
    Pool,
    Preprocess,
    Quantize,
    ReconstructionError,
    Relu,
    Sum,
    Table,
    Threshold,
)
from l1ae.contract._saved import load_keras
from l1ae.contract._score_check import check_score

__all__ = [
    "LAYERS",
    "OPERATIONS",
    "Accumulating",
    "Binning",
    "Builder",
    "Concatenate",
    "Contract",
    "Convolution",
    "Dense",
    "Dot",
    "Elementwise",
    "Gather",
    "HardwareInput",
    "Interval",
    "Layer",
    "Lookup",
    "Operation",
    "Pool",
    "Preprocess",
    "Quantize",
    "ReconstructionError",
    "Relu",
    "Sum",
    "Table",
    "Threshold",
    "build_contract",
    "check_score",
    "for_events",
    "function_table",
    "import_description",
    "load_keras",
    "patches",
    "tables_contract",
    "wrapped_text",
    "wrapped_total",
]
