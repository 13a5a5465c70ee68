"""Fast evaluation that is exact by proof: float arithmetic wherever the interval bounds show that no bit is lost.

Integers below 2**24 (2**53) and all their sums are exact in float32 (float64), in any order and with fused
multiply-add, so that BLAS may do the matrix products. The bounds of every tensor include all partial sums; they
decide the number type of each operation. What no float type holds is evaluated by the int64 reference.

Tensors are feature-major, (size, events): every element-wise loop then runs over events, contiguously.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.contract import _reference
from l1ae.contract._bounds import Interval
from l1ae.contract._ops import Dense, Operation, Preprocess, Quantize, Relu, SquaredError, SquaredNorm, Sum, Table, Threshold
from l1ae.inputs import FixedFormat, Overflow, Rounding

__all__ = ["Context", "Kernel", "compile_kernel", "number_type"]

Array = npt.NDArray[Any]
Kernel = Callable[[Sequence[Array]], Array]

_LIMITS: dict[np.dtype[Any], int] = {np.dtype(np.float32): 2**24, np.dtype(np.float64): 2**53}


def number_type(largest: int) -> np.dtype[Any]:
    """The fastest number type in which all integers up to `largest` in magnitude, and their sums, are exact."""
    for dtype, limit in _LIMITS.items():
        if largest < limit:
            return dtype
    return np.dtype(np.int64)


@dataclass(frozen=True)
class Context:
    """What is known of all tensors when a kernel is made."""

    intervals: Mapping[str, Interval]
    formats: Mapping[str, FixedFormat]

    def type_of(self, name: str) -> np.dtype[Any]:
        """Number type in which a tensor is stored."""
        return number_type(self.intervals[name].largest)

    def largest(self, name: str) -> int:
        """Largest magnitude of a tensor's codes and partial sums."""
        return self.intervals[name].largest


@singledispatch
def compile_kernel(operation: Operation, context: Context) -> Kernel:
    """A function from input arrays to the output array, in the number types that the context proves exact."""
    return _reference_kernel(operation, context)


def _reference_kernel(operation: Operation, context: Context) -> Kernel:
    dtype = context.type_of(operation.name)
    formats = [context.formats[name] for name in operation.inputs]

    def run(tensors: Sequence[Array]) -> Array:
        return _reference.apply(operation, [np.asarray(tensor, np.int64) for tensor in tensors], formats).astype(dtype)

    return run


def _round_in_place(codes: Array, rounding: Rounding) -> Array:
    if rounding is Rounding.RND_CONV:
        return np.rint(codes, out=codes)
    if rounding is Rounding.RND:
        codes += codes.dtype.type(0.5)
    return np.floor(codes, out=codes)


def _float_cast_is_exact(form: FixedFormat, drop: int, largest: int, dtype: np.dtype[Any]) -> bool:
    """Whether scaling by 2**-drop, rounding and clipping `largest` are exact in `dtype`."""
    if dtype not in _LIMITS or form.rounding not in {Rounding.RND_CONV, Rounding.RND, Rounding.TRN}:
        return False
    if form.overflow not in {Overflow.SAT, Overflow.SAT_SYM}:
        return False
    grown = largest * 2 ** max(-drop, 0) + (2 ** max(drop - 1, 0) if form.rounding is Rounding.RND else 0)
    return grown < _LIMITS[dtype] and max(-form.low, form.high) < _LIMITS[dtype]


@compile_kernel.register
def _(operation: Preprocess, context: Context) -> Kernel:
    form, dtype = operation.format, context.type_of(operation.name)
    drop = operation.shift - form.fraction
    largest = context.largest(operation.inputs[0]) + int(np.abs(operation.offset).max())
    if not _float_cast_is_exact(form, int(drop.min()), largest, dtype):
        return _reference_kernel(operation, context)
    offset = operation.offset[:, None].astype(dtype)
    scale = (2.0 ** -drop[:, None]).astype(dtype)
    scale[~operation.present] = 0

    def run(tensors: Sequence[Array]) -> Array:
        codes = tensors[0] - offset
        codes *= scale
        _round_in_place(codes, form.rounding)
        np.clip(codes, form.low, form.high, out=codes)
        return _mask(codes, tensors[0])

    return run


def _mask(codes: Array, hardware: Array) -> Array:
    """Set the three features of every empty slot to 0, in place."""
    slots = codes.reshape(-1, 3, codes.shape[1])
    slots *= (hardware[::3] != 0).astype(codes.dtype)[:, None]
    return codes


@compile_kernel.register
def _(operation: Dense, context: Context) -> Kernel:
    dtype = context.type_of(operation.name)
    shift = operation.format.fraction - context.formats[operation.inputs[0]].fraction - operation.weight_format.fraction
    weights = np.ascontiguousarray(operation.weights.T * 2**shift).astype(dtype)
    bias = (operation.bias * 2 ** (operation.format.fraction - operation.bias_format.fraction))[:, None].astype(dtype)

    def run(tensors: Sequence[Array]) -> Array:
        total = weights @ tensors[0].astype(dtype, copy=False)
        total += bias
        return total

    return run


def _cast_kernel(operation: Operation, context: Context, *, floor: int | None) -> Kernel:
    source = operation.inputs[0]
    form, dtype = operation.format, context.type_of(source)
    drop = context.formats[source].fraction - form.fraction
    if not _float_cast_is_exact(form, drop, context.largest(source), dtype):
        return _reference_kernel(operation, context)
    out_dtype = context.type_of(operation.name)
    scale, low = dtype.type(2.0**-drop), form.low if floor is None else max(floor, form.low)

    def run(tensors: Sequence[Array]) -> Array:
        codes = _round_in_place(tensors[0] * scale, form.rounding)
        np.clip(codes, low, form.high, out=codes)
        return codes.astype(out_dtype, copy=False)

    return run


@compile_kernel.register
def _(operation: Quantize, context: Context) -> Kernel:
    return _cast_kernel(operation, context, floor=None)


@compile_kernel.register
def _(operation: Relu, context: Context) -> Kernel:
    return _cast_kernel(operation, context, floor=0)


@compile_kernel.register
def _(operation: Table, context: Context) -> Kernel:
    codes = operation.codes.astype(context.type_of(operation.name))
    mask = len(codes) - 1

    def run(tensors: Sequence[Array]) -> Array:
        return codes[tensors[0].astype(np.int64) & mask]

    return run


@compile_kernel.register
def _(operation: SquaredError, context: Context) -> Kernel:
    dtype = context.type_of(operation.name)
    if dtype not in _LIMITS:
        return _reference_kernel(operation, context)
    narrow = number_type(max(-operation.difference.low, operation.difference.high))
    fraction = operation.difference.fraction
    scales = [narrow.type(2.0 ** (fraction - context.formats[name].fraction)) for name in operation.inputs[:2]]
    absent = np.flatnonzero(~operation.present)

    def run(tensors: Sequence[Array]) -> Array:
        difference = np.subtract(*(codes if scale == 1 else codes * scale for codes, scale in zip(tensors[:2], scales, strict=True)))
        _mask(difference, tensors[2])
        difference[absent] = 0
        wide = difference.astype(dtype, copy=False)
        return np.einsum("ij,ij->j", wide, wide)[None]

    return run


@compile_kernel.register
def _(operation: SquaredNorm, context: Context) -> Kernel:
    dtype = context.type_of(operation.name)

    def run(tensors: Sequence[Array]) -> Array:
        wide = tensors[0].astype(dtype, copy=False)
        return np.einsum("ij,ij->j", wide, wide)[None]

    return run


@compile_kernel.register
def _(operation: Sum, context: Context) -> Kernel:
    dtype = context.type_of(operation.name)
    fraction = operation.format.fraction - operation.halvings
    scales = [2 ** (fraction - context.formats[name].fraction) for name in operation.inputs]

    def run(tensors: Sequence[Array]) -> Array:
        total = np.zeros((1, tensors[0].shape[1]), dtype)
        for tensor, scale in zip(tensors, scales, strict=True):
            total += tensor.sum(axis=0, keepdims=True, dtype=dtype) * dtype.type(scale)
        return total

    return run


@compile_kernel.register
def _(operation: Threshold, context: Context) -> Kernel:
    threshold = operation.threshold

    def run(tensors: Sequence[Array]) -> Array:
        return (tensors[0] >= threshold).astype(np.float32)

    return run
