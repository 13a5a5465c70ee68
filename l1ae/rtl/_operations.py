"""Every operation of a contract as symbolic arithmetic, element by element, on alkaid's fixed-point variables.

A variable stands for a real value: `code * 2**-fraction`. What is written here is read off the operations' docstrings,
not off their evaluation in numpy, with which the result is compared.
"""

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np
from alkaid.trace import FVArray
from alkaid.trace.fixed_variable import FVariable

from l1ae.contract import (
    Accumulating,
    Binning,
    Concatenate,
    Convolution,
    Dense,
    Dot,
    Elementwise,
    Gather,
    Lookup,
    Operation,
    Pool,
    Preprocess,
    Quantize,
    ReconstructionError,
    Relu,
    Sum,
    Table,
)
from l1ae.inputs import FixedFormat
from l1ae.rtl._arithmetic import (
    HARDWARE,
    SOLVER,
    any_bit,
    bring_into_range,
    cast,
    gated,
    product,
    square,
    total,
    truncate,
)
from l1ae.rtl._tables import addressed, own_entry, reached, table

__all__ = ["Tensor", "apply"]

Tensor = Any  # one-dimensional array of alkaid's variables


@singledispatch
def apply(operation: Operation, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    """The output's elements (size,), given those of the inputs."""
    raise NotImplementedError(type(operation).__name__)


def _constant(value: float) -> Any:
    return FVariable.from_const(value, hwconf=HARDWARE)


def _array(elements: Sequence[Any]) -> Tensor:
    out = np.empty(len(elements), dtype=object)
    out[:] = list(elements)
    return out


def _matrix_product(x: Tensor, matrix: Any) -> Tensor:
    """`x @ matrix` as one adder graph; constants among the elements leave it."""
    constant = np.array([v.low == v.high for v in x], np.bool_)
    fixed = np.array([float(v.low) if c else 0.0 for v, c in zip(x, constant, strict=True)]) @ matrix
    if constant.all() or not np.any(matrix[~constant]):
        return _array([_constant(value) for value in fixed])
    product = np.asarray(FVArray(x[~constant], SOLVER) @ matrix[~constant], dtype=object)
    return _array([v if isinstance(v, FVariable) else _constant(float(v)) for v in product]) + fixed


def _filled(operation: Preprocess | ReconstructionError, hardware: Tensor) -> list[Any]:
    """1 where the element carries information, else 0: a variable or a number per element."""
    gates: dict[int, Any] = {}
    filled = []
    for present, gate in zip(operation.present, operation.gate, strict=True):
        if not present or gate < 0:
            filled.append(_constant(int(present)))
            continue
        gates.setdefault(int(gate), any_bit(hardware[gate]))
        filled.append(gates[int(gate)])
    return filled


@apply.register
def _(operation: Preprocess, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    work, offsets = operation.work, operation.offset * 2.0**-operation.offset_fraction
    keeps = FixedFormat(work.signed, work.width, work.integer)
    values = []
    for hw, offset, shift, filled in zip(tensors[0], offsets, operation.shift, _filled(operation, tensors[0]), strict=True):
        shifted = truncate(cast(hw - float(offset), work) * 2.0 ** -int(shift), work.fraction)
        values.append(gated(filled, cast(bring_into_range(shifted, keeps), operation.format)))
    return _array(values)


def _weights(operation: Dense | Convolution) -> Any:
    return operation.weights * operation.weight_format.lsb


def _bias(operation: Dense | Convolution) -> Any:
    form = FixedFormat(True, 62, 62 - operation.format.fraction, operation.format.rounding)
    return form.cast(operation.bias, operation.bias_format.fraction) * operation.format.lsb


def _accumulated(operation: Accumulating, total: Tensor) -> Tensor:
    form = operation.format
    wrapping = FixedFormat(form.signed, form.width, form.integer)
    return _array([bring_into_range(v, wrapping) for v in total]) if operation.wraps else total


def _product(operation: Dense | Convolution, x: Tensor, weights: Any, fraction: int) -> Tensor:
    """`x @ weights`; where a product has bits below the accumulator's LSB, each product is cast on its own."""
    if fraction + operation.weight_format.fraction <= operation.format.fraction:
        return _matrix_product(x, weights)
    form = operation.format
    wide = FixedFormat(True, 62, 62 - form.fraction, form.rounding)
    columns = []
    for column in weights.T:
        terms = [cast(v * float(w), wide) for v, w in zip(x, column, strict=True) if w]
        columns.append(total(terms) if terms else _constant(0))
    return _array(columns)


@apply.register
def _(operation: Dense, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    product = _product(operation, tensors[0], _weights(operation), formats[0].fraction)
    return _accumulated(operation, product + _bias(operation))


@apply.register
def _(operation: Convolution, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    image = tensors[0].reshape(operation.shape)
    (down, right), (rows, columns) = operation.stride, operation.weights.shape[:2]
    weights = _weights(operation).reshape(-1, operation.weights.shape[-1])
    outputs = []
    for row, column in np.ndindex(*operation.positions):
        patch = image[row * down : row * down + rows, column * right : column * right + columns].ravel()
        outputs.append(_product(operation, patch, weights, formats[0].fraction) + _bias(operation))
    return _accumulated(operation, np.concatenate(outputs))


@apply.register
def _(operation: Dot, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    form = operation.format
    wide = FixedFormat(True, 62, 62 - form.fraction, form.rounding)
    products = [square(a) for a in tensors[0]] if len(tensors) == 1 else [product(a, b) for a, b in zip(*tensors, strict=True)]
    return _accumulated(operation, _array([total([cast(p, wide) for p in products])]))


@apply.register
def _(operation: Quantize, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    return _array([cast(v, operation.format) for v in tensors[0]])


@apply.register
def _(operation: Relu, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    return _array([cast(v.relu(), operation.format) for v in tensors[0]])


@apply.register
def _(operation: Table, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    if operation.bits:
        scale, lsb = 2.0 ** formats[0].fraction, np.float64(operation.format.lsb)
        return _array([own_entry(v * scale, entries * lsb) for entries, v in zip(operation.tables, tensors[0], strict=True)])
    return _array([_look_up(operation, v, formats[0]) for v in tensors[0]])


def _look_up(operation: Table, x: Any, form: FixedFormat) -> Any:
    step = x.step
    values = np.arange(round((x.high - x.low) / step) + 1) * step + x.low
    bits = np.round(values / form.lsb).astype(np.int64) & (len(operation.codes) - 1)
    return table(x, operation.codes[bits] * operation.format.lsb)


@apply.register
def _(operation: Binning, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    scale = 2.0 ** formats[0].fraction
    return _array([reached(tensors[0][k] * scale, edges) for k, edges in zip(operation.index, operation.edges, strict=True)])


@apply.register
def _(operation: Lookup, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    codes, lsb = tensors[0] * 2.0 ** formats[0].fraction, operation.format.lsb
    rows = zip(operation.tables, operation.index, operation.bits, strict=True)
    return _array(
        [
            addressed([(codes[k], n) for k, n in zip(index, bits, strict=True)], np.asarray(table * lsb, np.float64))
            for table, index, bits in rows
        ]
    )


@apply.register
def _(operation: Gather, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    return _array([_constant(0) if k < 0 else tensors[0][k] for k in operation.index])


@apply.register
def _(operation: Pool, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    pool = total if operation.function == "sum" else _maximum
    return _array([pool(tensors[0][window]) for window in operation.windows])


def _maximum(terms: Tensor) -> Any:
    while len(terms) > 1:
        pairs = [a.max_of(b) for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms = _array(pairs + list(terms[2 * len(pairs) :]))
    return terms[0]


@apply.register
def _(operation: Elementwise, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    functions = {"add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": product}
    function = functions[operation.function]
    return _array([cast(function(a, b), operation.format) for a, b in zip(*tensors, strict=True)])


@apply.register
def _(operation: Concatenate, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    return _array([cast(v, operation.format) for v in np.concatenate(list(tensors))])


@apply.register
def _(operation: ReconstructionError, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    differences = tensors[0] - tensors[1]
    if len(tensors) == 3:
        differences = [gated(filled, d) for filled, d in zip(_filled(operation, tensors[2]), differences, strict=True)]
    found, form = total([abs(d) if operation.power == 1 else square(d) for d in differences]), operation.format
    # squares made of parts have wider ranges than they need, and the contract's bounds hold: what lies above them is never set
    return _array([bring_into_range(found, FixedFormat(form.signed, form.width, form.integer))])


@apply.register
def _(operation: Sum, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
    return _array([total([v for elements in tensors for v in elements]) * 2.0**-operation.halvings])
