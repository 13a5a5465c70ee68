"""The operations of a fixed-point model. Each says its inputs, its weights as integers and its output format.

Arrays are integers ("codes"); a tensor's real value is `code * 2**-format.fraction`. Weights have shape
(n_in, n_out) as in Keras.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from l1ae.inputs import FixedFormat

__all__ = [
    "Dense",
    "HardwareInput",
    "IntArray",
    "Operation",
    "Preprocess",
    "Quantize",
    "Relu",
    "SquaredError",
    "SquaredNorm",
    "Sum",
    "Table",
    "Threshold",
]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Operation:
    """One node: `name` is also the name of its output tensor, whose type is `format` and length `size`."""

    name: str
    inputs: tuple[str, ...]
    format: FixedFormat
    size: int


@dataclass(frozen=True, eq=False, kw_only=True)
class HardwareInput(Operation):
    """The event as it arrives: hardware codes, each within [low, high], which nothing downstream can widen.

    For a contract made here that is every word that fits into the port's type, whether a detector sends it or not.
    """

    low: IntArray
    high: IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Preprocess(Operation):
    """`(hw - offset) >> shift`, exact, cast to `format`; 0 where the slot's pT code is 0 or the feature is absent.

    A negative shift multiplies. `present` is false for absent features; inputs come in triples (pT, eta, phi).
    `work` is a format that holds every `(hw - offset) >> shift` exactly.
    """

    offset: IntArray
    shift: IntArray
    present: npt.NDArray[np.bool_]
    work: FixedFormat


@dataclass(frozen=True, eq=False, kw_only=True)
class Dense(Operation):
    """`x @ weights + bias`; `format` is the accumulator and holds the exact result."""

    weights: IntArray
    bias: IntArray
    weight_format: FixedFormat
    bias_format: FixedFormat


@dataclass(frozen=True, eq=False, kw_only=True)
class Quantize(Operation):
    """Cast to `format` with its rounding and overflow."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Relu(Operation):
    """`max(x, 0)`, then cast to `format`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Table(Operation):
    """A function of one tensor, element by element, as a table over the raw bits of the input.

    `codes[b]` is the output code for the input whose two's-complement bits are `b`. `function` names the function,
    `max_error` is the largest deviation from it where the output does not saturate, in real units.
    """

    codes: IntArray
    function: str
    max_error: float


@dataclass(frozen=True, eq=False, kw_only=True)
class SquaredError(Operation):
    """Sum of (a - b)^2 over the inputs that carry information: inputs = (a, b, hardware).

    `present` as in `Preprocess`; `difference` is the format of a - b.
    """

    present: npt.NDArray[np.bool_]
    difference: FixedFormat


@dataclass(frozen=True, eq=False, kw_only=True)
class SquaredNorm(Operation):
    """Sum of squares of all elements."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Sum(Operation):
    """Sum of all elements of both inputs, times 2**-`halvings` (exact: the binary point moves)."""

    halvings: int = field(default=0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Threshold(Operation):
    """1 where the score's code is at least `threshold` (in LSB of the score), else 0."""

    threshold: int
