"""Fast evaluation that is exact by proof: float arithmetic wherever the interval bounds show that no bit is lost.

Integers below 2**24 (2**53) and all their sums are exact in float32 (float64), in any order and with fused
multiply-add, so that BLAS may do the matrix products. The bounds of every tensor include all partial sums; they
decide the number type of each operation. What no float type holds is evaluated by the int64 reference.

Tensors are feature-major, (size, events): every element-wise loop then runs over events, contiguously.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.contract import _reference
from l1ae.contract._bounds import Interval, patches, shifted_range
from l1ae.contract._float_cast import LIMITS, FloatCast, float_cast, number_type, round_in_place
from l1ae.contract._ops import (
    Accumulating,
    Binning,
    Concatenate,
    Convolution,
    Dense,
    Dot,
    Elementwise,
    Gather,
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
from l1ae.contract._table_kernels import binning_kernel, fused_tables_kernel, lookup_kernel
from l1ae.inputs import FixedFormat, Rounding

__all__ = ["Context", "Kernel", "compile_kernel", "fused_kernel", "hardware_type"]

Array = npt.NDArray[Any]
Kernel = Callable[[Sequence[Array], Array], None]
InPlace = Callable[[Array], None]


@dataclass(frozen=True)
class Context:
    """What is known of all tensors when a kernel is made."""

    intervals: Mapping[str, Interval]
    formats: Mapping[str, FixedFormat]

    def type_of(self, name: str) -> np.dtype[Any]:
        """Number type in which a tensor is stored."""
        return number_type(self.largest(name))

    def largest(self, name: str) -> int:
        """Largest magnitude of a tensor's codes and partial sums."""
        return self.intervals[name].largest


@singledispatch
def compile_kernel(operation: Operation, context: Context) -> Kernel:
    """A function that fills the output array from input arrays, in the number types that the context proves exact."""
    return _reference_kernel(operation, context)


def _reference_kernel(operation: Operation, context: Context) -> Kernel:
    formats = [context.formats[name] for name in operation.inputs]

    def run(tensors: Sequence[Array], out: Array) -> None:
        out[:] = _reference.apply(operation, [np.asarray(tensor, np.int64) for tensor in tensors], formats)

    return run


# -- preprocessing and gates ---------------------------------------------------------------------------------------


def hardware_type(largest: int) -> np.dtype[Any]:
    """The fastest type for hardware codes and their differences: they need no product, and half the memory is twice as fast."""
    return np.dtype(np.int16) if largest < 2**15 else number_type(largest)


@compile_kernel.register
def _(operation: Preprocess, context: Context) -> Kernel:
    source, dtype = context.intervals[operation.inputs[0]], context.type_of(operation.name)
    cast = _preprocessing_cast(operation, source, dtype)
    if cast is None:
        return _reference_kernel(operation, context)
    grow, offset, fraction = operation.aligned(source.fraction)
    differences = hardware_type(max((source.largest << grow) + int(np.abs(offset).max()), 1))
    offset, unit = offset[:, None].astype(differences), differences.type(1 << grow)
    truncates = bool(np.any(operation.work.fraction < operation.shift + fraction))
    into_work = (2.0 ** (operation.work.fraction - operation.shift - fraction))[:, None].astype(dtype)
    into_format = dtype.type(2.0 ** (operation.format.fraction - operation.work.fraction))
    scale = into_work if truncates else into_work * into_format
    close = _gate(operation.gate, operation.present)

    def run(tensors: Sequence[Array], out: Array) -> None:
        codes = tensors[0] if grow == 0 else np.multiply(tensors[0], unit, dtype=differences, casting="unsafe")
        difference = np.subtract(codes, offset, dtype=differences, casting="unsafe")  # added columns come as floats
        close(difference, tensors[0])
        out[:] = difference
        out *= scale
        if truncates:
            np.floor(out, out=out)
            out *= into_format
        cast(out)

    return run


def _preprocessing_cast(operation: Preprocess, source: Interval, dtype: np.dtype[Any]) -> FloatCast | None:
    """The last cast, where the arithmetic before it can be done in floats: `work` never overflows."""
    low, high, fits, keeps = shifted_range(operation, source)
    work, drop = operation.work, operation.work.fraction - operation.format.fraction
    grow, offset, fraction = operation.aligned(source.fraction)
    if not (fits & keeps).all() or work.fraction < fraction or dtype not in LIMITS:
        return None
    ends = (source.low << grow) - offset, (source.high << grow) - offset
    if max(-int(ends[0].min()), int(ends[1].max()), source.largest << grow, int(np.abs(offset).max())) >= LIMITS[dtype]:
        return None
    cast = float_cast(operation.format, drop, max(-int(low.min()), int(high.max()), 0), dtype)
    rounds = bool(np.any(np.minimum(operation.shift + fraction, work.fraction) > operation.format.fraction))
    return cast and replace(cast, rounds=rounds)


def _gate(gate: IntArray, present: npt.NDArray[np.bool_]) -> Callable[[Array, Array], None]:
    """Set to 0, in place, what carries no information: (codes, hardware)."""
    absent, gated = np.flatnonzero(~present), np.flatnonzero(gate >= 0)
    triples = len(gate) % 3 == 0 and np.array_equal(gate, np.arange(len(gate)) // 3 * 3)

    def run(codes: Array, hardware: Array) -> None:
        if triples:
            slots = codes.reshape(-1, 3, codes.shape[1])
            slots *= (hardware[: len(gate) : 3] != 0).astype(codes.dtype)[:, None]
        elif len(gated):
            codes[gated] *= hardware[gate[gated]] != 0
        codes[absent] = 0

    return run


# -- sums of products ----------------------------------------------------------------------------------------------


def _nothing(codes: Array) -> None:
    """What is left of a step that can change no code."""


def _overflows(operation: Accumulating, context: Context) -> bool:
    interval, form = context.intervals[operation.name], operation.format
    return interval.partial_low < form.low or interval.partial_high > form.high


def _wrap(operation: Accumulating, context: Context) -> InPlace:
    """Bring a sum into the accumulator's range, in place."""
    form = operation.format
    if not _overflows(operation, context):
        return _nothing
    cast = float_cast(form, 0, context.largest(operation.name), context.type_of(operation.name))

    def in_int64(codes: Array) -> None:
        codes[:] = form.bring_into_range(codes.astype(np.int64))

    return cast or in_int64


def _is_exact_at_lsb(operation: Dense | Convolution, drop: int) -> bool:
    """Whether the accumulator's LSB drops no bit of any product: it is fine enough, or the weights end in zeros."""
    return drop <= 0 or bool(np.all(operation.weights % (1 << min(drop, 62)) == 0))


def _bias(operation: Dense | Convolution) -> IntArray:
    form = operation.format
    return FixedFormat(True, 62, 62 - form.fraction, form.rounding).cast(operation.bias, operation.bias_format.fraction)


@compile_kernel.register(Dense)
@compile_kernel.register(Convolution)
def _(operation: Dense | Convolution, context: Context) -> Kernel:
    drop = _product_drop(operation, context)
    if _is_exact_at_lsb(operation, drop):
        return _linear_kernel(operation, context, drop, _wrap(operation, context))
    return _rounding_kernel(operation, context, drop)


def _product_drop(operation: Dense | Convolution, context: Context) -> int:
    """Bits of a product below the accumulator's LSB."""
    return context.formats[operation.inputs[0]].fraction + operation.weight_format.fraction - operation.format.fraction


def fused_kernel(chain: Sequence[Operation], context: Context) -> Kernel | None:
    """Operations, each the only reader of the one before, in one step from the first one's input; None where that is not possible.

    Sums of products and their cast, bins and the tables that they address, and these with their sum.
    """
    match chain:
        case [Dense() | Convolution() as product, Quantize() | Relu() as cast]:
            return _fused_cast(product, cast, context)
        case [Binning() as binning, Lookup() as lookup]:
            return fused_tables_kernel(binning, lookup, context.intervals[binning.inputs[0]], scale=None)
        case [Binning() as binning, Lookup() as lookup, Sum() as total] if len(total.inputs) == 1:
            scale = 1 << (total.format.fraction - total.halvings - lookup.format.fraction)
            return fused_tables_kernel(binning, lookup, context.intervals[binning.inputs[0]], scale=scale)
        case _:
            return None


def _fused_cast(product: Dense | Convolution, cast: Quantize | Relu, context: Context) -> Kernel | None:
    """The scaling by a power of two that comes first in a cast is part of the weights."""
    drop, dtype = _product_drop(product, context), context.type_of(product.name)
    if not _is_exact_at_lsb(product, drop) or _overflows(product, context) or context.type_of(cast.name) != dtype:
        return None
    finish = _float_cast(cast, context)
    if finish is None:
        return None
    return _linear_kernel(product, context, drop, finish, product.format.fraction - cast.format.fraction)


def _linear_kernel(operation: Dense | Convolution, context: Context, drop: int, finish: InPlace, lsb: int = 0) -> Kernel:
    """Weighted sums in units of 2**lsb accumulator LSB by BLAS, then `finish`."""
    dtype = context.type_of(operation.name)
    weights = (_kernel_matrix(operation).T * 2.0 ** (-drop - lsb)).astype(dtype)
    multiply = _convolve(operation) if isinstance(operation, Convolution) else np.matmul
    bias = (np.tile(_bias(operation), operation.size // len(weights))[:, None] * 2.0**-lsb).astype(dtype)

    def run(tensors: Sequence[Array], out: Array) -> None:
        multiply(weights, tensors[0].astype(dtype, copy=False), out=out)
        out += bias
        finish(out)

    return run


def _convolve(operation: Convolution) -> Callable[..., Any]:
    """`np.matmul` with the input elements under the kernel. One row of the output at a time: its copies stay in the cache."""
    rows, columns = operation.positions
    index = patches(operation).reshape(rows, columns, -1)

    def run(weights: Array, codes: Array, out: Array) -> None:
        for elements, row in zip(index, out.reshape(rows, columns, len(weights), -1), strict=True):
            np.matmul(weights, codes[elements], out=row)

    return run


def _kernel_matrix(operation: Dense | Convolution) -> IntArray:
    """Weights as (terms, outputs)."""
    return operation.weights.reshape(-1, operation.weights.shape[-1])


def _rounding_kernel(operation: Dense | Convolution, context: Context, drop: int) -> Kernel:
    """Product by product, each rounded to the accumulator's LSB: output (p, f) adds input `index[p, k]` times `weights[k, f]`."""
    weights = _kernel_matrix(operation)
    index = patches(operation) if isinstance(operation, Convolution) else np.arange(len(weights))[None]
    source, rounding = context.intervals[operation.inputs[0]], operation.format.rounding
    product = max(-int(source.low.min()), int(source.high.max())) * int(np.abs(weights).max())
    dtype = number_type(max(product + (1 << drop), context.largest(operation.name)))
    if dtype not in LIMITS or rounding not in {Rounding.RND_CONV, Rounding.RND, Rounding.TRN}:
        return _reference_kernel(operation, context)
    scaled, wrap = (weights * 2.0**-drop).astype(dtype), _wrap(operation, context)
    bias = _bias(operation)[:, None].astype(dtype)

    def run(tensors: Sequence[Array], out: Array) -> None:
        total = out.reshape(len(index), len(bias), -1)
        total[:] = bias
        for elements, row in zip(index.T, scaled, strict=True):
            terms = tensors[0][elements].astype(dtype, copy=False)[:, None] * row[:, None]
            round_in_place(terms, rounding)
            total += terms
        wrap(out)

    return run


@compile_kernel.register
def _(operation: Dot, context: Context) -> Kernel:
    dtype = context.type_of(operation.name)
    names = operation.inputs[0], operation.inputs[-1]
    drop = sum(context.formats[name].fraction for name in names) - operation.format.fraction
    if drop > 0 or dtype not in LIMITS:
        return _reference_kernel(operation, context)
    scale, wrap = dtype.type(2.0**-drop), _wrap(operation, context)

    def run(tensors: Sequence[Array], out: Array) -> None:
        a, b = tensors[0].astype(dtype, copy=False), tensors[-1].astype(dtype, copy=False)
        np.einsum("ij,ij->j", a, b, out=out[0])
        out *= scale
        wrap(out)

    return run


# -- element by element --------------------------------------------------------------------------------------------


def _float_cast(operation: Operation, context: Context) -> FloatCast | None:
    """The cast of `operation`'s input to its format, as floats."""
    source = operation.inputs[0]
    drop = context.formats[source].fraction - operation.format.fraction
    positive = isinstance(operation, Relu)
    return float_cast(operation.format, drop, context.largest(source), context.type_of(source), positive=positive)


@compile_kernel.register(Quantize)
@compile_kernel.register(Relu)
def _cast_kernel(operation: Operation, context: Context) -> Kernel:
    cast, source = _float_cast(operation, context), operation.inputs[0]
    if cast is None:
        return _reference_kernel(operation, context)
    dtype = context.type_of(source)
    scale = dtype.type(2.0 ** (operation.format.fraction - context.formats[source].fraction))

    def run(tensors: Sequence[Array], out: Array) -> None:
        codes = np.multiply(tensors[0], scale, out=out if out.dtype == dtype else None)
        cast(codes)
        if codes is not out:
            out[:] = codes

    return run


@compile_kernel.register
def _(operation: Table, context: Context) -> Kernel:
    dtype = context.type_of(operation.name)
    if operation.bits:
        return _tables_kernel([table.astype(dtype) for table in operation.tables])
    codes = operation.codes.astype(dtype)
    mask = len(codes) - 1

    def run(tensors: Sequence[Array], out: Array) -> None:
        np.take(codes, tensors[0].astype(np.int64) & mask, out=out, mode="clip")

    return run


def _tables_kernel(tables: Sequence[Array]) -> Kernel:
    def run(tensors: Sequence[Array], out: Array) -> None:
        for table, codes, row in zip(tables, tensors[0], out, strict=True):
            np.take(table, codes.astype(np.int64) & (len(table) - 1), out=row, mode="clip")

    return run


@compile_kernel.register
def _(operation: Binning, context: Context) -> Kernel:
    return binning_kernel(operation)


@compile_kernel.register
def _(operation: Lookup, context: Context) -> Kernel:
    return lookup_kernel(operation, context.type_of(operation.name))


@compile_kernel.register
def _(operation: Elementwise, context: Context) -> Kernel:
    largest = [context.largest(name) for name in operation.inputs]
    fractions = [context.formats[name].fraction for name in operation.inputs]
    function = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply}[operation.function]
    if operation.function == "multiply":
        fraction, reach, aligned = sum(fractions), largest[0] * largest[1], (1, 1)
    else:
        fraction = max(fractions)
        aligned = 1 << (fraction - fractions[0]), 1 << (fraction - fractions[1])
        reach = largest[0] * aligned[0] + largest[1] * aligned[1]
    dtype, drop = number_type(max(reach, *largest)), fraction - operation.format.fraction
    cast = float_cast(operation.format, drop, reach, dtype)
    if cast is None:
        return _reference_kernel(operation, context)
    scale = dtype.type(2.0**-drop)

    def run(tensors: Sequence[Array], out: Array) -> None:
        a, b = (_times(tensor.astype(dtype, copy=False), own) for tensor, own in zip(tensors, aligned, strict=True))
        codes = _times(function(a, b), scale)
        cast(codes)
        out[:] = codes

    return run


def _times(codes: Array, scale: float) -> Array:
    return codes if scale == 1 else codes * codes.dtype.type(scale)


@compile_kernel.register
def _(operation: Concatenate, context: Context) -> Kernel:
    parts = [_cast_kernel(replace(operation, inputs=(name,)), context) for name in operation.inputs]

    def run(tensors: Sequence[Array], out: Array) -> None:
        where = len(tensors[0])
        for part, tensor, rows in zip(parts, tensors, (out[:where], out[where:]), strict=True):
            part([tensor], rows)

    return run


# -- wires and reductions ------------------------------------------------------------------------------------------


@compile_kernel.register
def _(operation: Gather, context: Context) -> Kernel:
    index, constant = np.maximum(operation.index, 0), np.flatnonzero(operation.index < 0)

    def run(tensors: Sequence[Array], out: Array) -> None:
        out[:] = tensors[0][index]
        out[constant] = 0

    return run


@compile_kernel.register
def _(operation: Pool, context: Context) -> Kernel:
    scale = 1 << (operation.format.fraction - context.formats[operation.inputs[0]].fraction)
    function = np.add if operation.function == "sum" else np.maximum

    def run(tensors: Sequence[Array], out: Array) -> None:
        out[:] = tensors[0][operation.windows[:, 0]]
        for elements in operation.windows.T[1:]:
            function(out, tensors[0][elements], out=out)
        out *= out.dtype.type(scale)

    return run


@compile_kernel.register
def _(operation: ReconstructionError, context: Context) -> Kernel:
    dtype = context.type_of(operation.name)
    if dtype not in LIMITS:
        return _reference_kernel(operation, context)
    form = operation.difference
    operands = [context.largest(name) * 2 ** max(form.fraction - context.formats[name].fraction, 0) for name in operation.inputs[:2]]
    narrow = number_type(max(-form.low, form.high, *operands))
    scales = [narrow.type(2.0 ** (form.fraction - context.formats[name].fraction)) for name in operation.inputs[:2]]
    power, close = operation.power, _gate(operation.gate, operation.present)
    scale = dtype.type(2.0 ** (operation.format.fraction - power * form.fraction))

    def run(tensors: Sequence[Array], out: Array) -> None:
        a, b = (_times(codes.astype(narrow, copy=False), own) for codes, own in zip(tensors[:2], scales, strict=True))
        difference = a - b
        if len(tensors) == 3:
            close(difference, tensors[2])
        wide = difference.astype(dtype, copy=False)
        np.einsum("ij,ij->j", wide, wide, out=out[0]) if power == 2 else np.abs(wide).sum(axis=0, out=out[0])
        out *= scale

    return run


@compile_kernel.register
def _(operation: Sum, context: Context) -> Kernel:
    fraction = operation.format.fraction - operation.halvings
    scales = [1 << (fraction - context.formats[name].fraction) for name in operation.inputs]

    def run(tensors: Sequence[Array], out: Array) -> None:
        out[:] = 0
        for tensor, scale in zip(tensors, scales, strict=True):
            out += tensor.sum(axis=0, keepdims=True, dtype=out.dtype) * out.dtype.type(scale)

    return run


@compile_kernel.register
def _(operation: Threshold, context: Context) -> Kernel:
    threshold = operation.threshold

    def run(tensors: Sequence[Array], out: Array) -> None:
        np.greater_equal(tensors[0], threshold, out=out, casting="unsafe")

    return run
