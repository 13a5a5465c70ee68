"""The fixed-point model of a trained network: integers, formats, exact evaluation, proven bounds."""

from l1ae.contract._contract import Contract
from l1ae.contract._from_keras import build_contract, exp_table, threshold_for_fpr
from l1ae.contract._ops import (
    Dense,
    HardwareInput,
    Operation,
    Preprocess,
    Quantize,
    Relu,
    SquaredError,
    SquaredNorm,
    Sum,
    Table,
    Threshold,
)

__all__ = [
    "Contract",
    "Dense",
    "HardwareInput",
    "Operation",
    "Preprocess",
    "Quantize",
    "Relu",
    "SquaredError",
    "SquaredNorm",
    "Sum",
    "Table",
    "Threshold",
    "build_contract",
    "exp_table",
    "threshold_for_fpr",
]
