"""The meaning of every operation in int64: slow, plain, and what the fast evaluation is checked against.

Tensors are feature-major, (size, events).
"""

from collections.abc import Sequence
from functools import singledispatch

import numpy as np

from l1ae.contract._ops import (
    Dense,
    HardwareInput,
    IntArray,
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
from l1ae.inputs import FixedFormat

__all__ = ["apply", "slot_filled"]


def slot_filled(hardware: IntArray) -> IntArray:
    """(size, events): 1 where the slot's pT code, the first of each triple, is not 0."""
    return np.repeat(hardware[::3] != 0, 3, axis=0).astype(np.int64)


@singledispatch
def apply(operation: Operation, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    """Codes of the output, given codes and formats of the inputs."""
    raise NotImplementedError(type(operation).__name__)


@apply.register
def _(operation: HardwareInput, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    return tensors[0]


@apply.register
def _(operation: Preprocess, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    codes = operation.format.cast(tensors[0] - operation.offset[:, None], operation.shift[:, None])
    return np.asarray(codes * slot_filled(tensors[0]) * operation.present[:, None], np.int64)


@apply.register
def _(operation: Dense, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    fraction = operation.format.fraction
    product_shift = fraction - formats[0].fraction - operation.weight_format.fraction
    bias = operation.bias << (fraction - operation.bias_format.fraction)
    return np.asarray((operation.weights.T @ tensors[0] << product_shift) + bias[:, None], np.int64)


@apply.register
def _(operation: Quantize, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    return operation.format.cast(tensors[0], formats[0].fraction)


@apply.register
def _(operation: Relu, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    return operation.format.cast(np.maximum(tensors[0], 0), formats[0].fraction)


@apply.register
def _(operation: Table, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    return operation.codes[tensors[0] & (len(operation.codes) - 1)]


@apply.register
def _(operation: SquaredError, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    fraction = operation.difference.fraction
    a, b = (codes << (fraction - form.fraction) for codes, form in zip(tensors[:2], formats[:2], strict=True))
    difference = (a - b) * slot_filled(tensors[2]) * operation.present[:, None]
    return np.sum(difference * difference, axis=0, keepdims=True)


@apply.register
def _(operation: SquaredNorm, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    return np.sum(tensors[0] * tensors[0], axis=0, keepdims=True)


@apply.register
def _(operation: Sum, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    fraction = operation.format.fraction - operation.halvings
    aligned = [np.sum(codes << (fraction - form.fraction), axis=0, keepdims=True) for codes, form in zip(tensors, formats, strict=True)]
    return np.sum(aligned, axis=0)


@apply.register
def _(operation: Threshold, tensors: Sequence[IntArray], formats: Sequence[FixedFormat]) -> IntArray:
    return (tensors[0] >= operation.threshold).astype(np.int64)
