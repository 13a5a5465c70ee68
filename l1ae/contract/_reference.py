"""The meaning of every operation in int64: slow, plain, and what the fast evaluation is checked against.

Tensors are feature-major, (size, events).
"""

from collections.abc import Sequence
from functools import singledispatch

import numpy as np
import numpy.typing as npt

from l1ae.contract._ops import (
    Accumulating,
    Binning,
    Concatenate,
    Convolution,
    Dense,
    Dot,
    Elementwise,
    Gather,
    HardwareInput,
    IntArray,
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
from l1ae.inputs import FixedFormat

__all__ = ["apply"]

BoolArray = npt.NDArray[np.bool_]


@singledispatch
def apply(operation: Operation, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    """Codes of the output, given codes and formats of the inputs."""
    raise NotImplementedError(type(operation).__name__)


def _filled(gate: IntArray, present: BoolArray, hardware: IntArray) -> IntArray:
    """(size, events): 1 where the element carries information, else 0."""
    open_gate = (gate[:, None] < 0) | (hardware[gate] != 0)
    return (open_gate & present[:, None]).astype(np.int64)


def _at_lsb(operation: Accumulating, codes: IntArray, fraction: int) -> IntArray:
    """Products, or a bias, at the accumulator's LSB; 62 bits hold them, as the bounds have shown."""
    form = operation.format
    return FixedFormat(True, 62, 62 - form.fraction, form.rounding).cast(codes, fraction)


def _accumulate(operation: Accumulating, total: IntArray) -> IntArray:
    """The accumulator's bits. int64 wraps as well, at a multiple of this modulus: no sum is too large."""
    form = operation.format
    return FixedFormat(form.signed, form.width, form.integer).bring_into_range(total)


@apply.register
def _(operation: HardwareInput, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    return tensors[0]


@apply.register
def _(operation: Preprocess, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    work, shift = operation.work, operation.shift[:, None]
    grow, offset, fraction = operation.aligned(formats[0].fraction)
    difference = work.cast((tensors[0] << grow) - offset[:, None], fraction)
    shifted = (difference >> np.maximum(shift, 0)) << np.maximum(-shift, 0)
    kept = FixedFormat(work.signed, work.width, work.integer).bring_into_range(shifted)
    return operation.format.cast(kept, work.fraction) * _filled(operation.gate, operation.present, tensors[0])


@apply.register
def _(operation: Dense, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    bias = _at_lsb(operation, operation.bias, operation.bias_format.fraction)[:, None]
    fraction = formats[0].fraction + operation.weight_format.fraction
    if fraction <= operation.format.fraction:
        return _accumulate(operation, (operation.weights.T @ tensors[0] << (operation.format.fraction - fraction)) + bias)
    total = np.repeat(bias, tensors[0].shape[1], axis=1)
    for codes, weights in zip(tensors[0], operation.weights, strict=True):
        total += _at_lsb(operation, codes * weights[:, None], fraction)
    return _accumulate(operation, total)


@apply.register
def _(operation: Convolution, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    image = tensors[0].reshape(*operation.shape, -1)
    (out_rows, out_columns), (down, right) = operation.positions, operation.stride
    bias = _at_lsb(operation, operation.bias, operation.bias_format.fraction)
    total = np.tile(bias[:, None], (out_rows, out_columns, 1, image.shape[-1]))
    for row, column, channel in np.ndindex(operation.weights.shape[:3]):
        under = image[row::down, column::right, channel][:out_rows, :out_columns, None]
        products = under * operation.weights[row, column, channel][:, None]
        total += _at_lsb(operation, products, formats[0].fraction + operation.weight_format.fraction)
    return _accumulate(operation, total.reshape(operation.size, -1))


@apply.register
def _(operation: Dot, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    products = _at_lsb(operation, tensors[0] * tensors[-1], formats[0].fraction + formats[-1].fraction)
    return _accumulate(operation, products.sum(axis=0, keepdims=True))


@apply.register
def _(operation: Quantize, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    return operation.format.cast(tensors[0], formats[0].fraction)


@apply.register
def _(operation: Relu, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    return operation.format.cast(np.maximum(tensors[0], 0), formats[0].fraction)


@apply.register
def _(operation: Table, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    if not operation.bits:
        return operation.codes[tensors[0] & (len(operation.codes) - 1)]
    return np.stack([table[codes & (len(table) - 1)] for table, codes in zip(operation.tables, tensors[0], strict=True)])


@apply.register
def _(operation: Binning, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    rows = zip(operation.index, operation.edges, strict=True)
    return np.stack([np.searchsorted(np.array(edges, np.int64), tensors[0][k], side="right") for k, edges in rows])


@apply.register
def _(operation: Lookup, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    found = []
    for table, index, widths in zip(operation.tables, operation.index, operation.bits, strict=True):
        address = np.zeros(tensors[0].shape[1], np.int64)
        for k, bits in zip(index, widths, strict=True):
            address = address << bits | tensors[0][k] & ((1 << bits) - 1)
        found.append(table[address])
    return np.stack(found)


@apply.register
def _(operation: Gather, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    return np.where(operation.index[:, None] < 0, 0, tensors[0][operation.index])


@apply.register
def _(operation: Pool, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    windows = tensors[0][operation.windows] << (operation.format.fraction - formats[0].fraction)
    return np.asarray(windows.sum(axis=1) if operation.function == "sum" else windows.max(axis=1), np.int64)


@apply.register
def _(operation: Elementwise, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    if operation.function == "multiply":
        return operation.format.cast(tensors[0] * tensors[1], formats[0].fraction + formats[1].fraction)
    fraction = max(form.fraction for form in formats)
    a, b = (codes << (fraction - form.fraction) for codes, form in zip(tensors, formats, strict=True))
    return operation.format.cast(a + b if operation.function == "add" else a - b, fraction)


@apply.register
def _(operation: Concatenate, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    return np.concatenate([operation.format.cast(codes, form.fraction) for codes, form in zip(tensors, formats, strict=True)])


@apply.register
def _(operation: ReconstructionError, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    fraction = operation.difference.fraction
    a, b = (codes << (fraction - form.fraction) for codes, form in zip(tensors[:2], formats[:2], strict=True))
    terms = np.abs(a - b) ** operation.power
    if len(tensors) == 3:
        terms *= _filled(operation.gate, operation.present, tensors[2])
    return terms.sum(axis=0, keepdims=True) << (operation.format.fraction - operation.power * fraction)


@apply.register
def _(operation: Sum, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    fraction = operation.format.fraction - operation.halvings
    aligned = [np.sum(codes << (fraction - form.fraction), axis=0, keepdims=True) for codes, form in zip(tensors, formats, strict=True)]
    return np.sum(aligned, axis=0)


@apply.register
def _(operation: Threshold, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    return (tensors[0] >= operation.threshold).astype(np.int64)
