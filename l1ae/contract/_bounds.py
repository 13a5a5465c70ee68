"""Interval bounds of every tensor, valid for any input. Python integers wherever int64 could overflow.

A sum's interval is the hull over *all subsets* of its terms, each present or not, bias included. It therefore holds
every partial sum in every order of addition, of every adder tree and every blocked matrix product.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

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
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, Overflow

__all__ = ["Interval", "bounds", "interval_of", "may_wrap", "patches", "shifted_range", "unlimited"]

BigInts = npt.NDArray[np.object_]
BoolArray = npt.NDArray[np.bool_]
Ints = npt.NDArray[Any]  # int64 or Python integers

_LIMIT = 1 << 61  # the reference holds every product, at its own LSB and at that of its accumulator, in int64


@dataclass(frozen=True, eq=False)
class Interval:
    """Element-wise code range [low, high] of a tensor; `partial_low` and `partial_high` also cover every partial sum.

    Where an accumulator wraps, `low` and `high` hold after it, the partial sums before it.
    """

    low: BigInts
    high: BigInts
    partial_low: int
    partial_high: int
    fraction: int

    @property
    def largest(self) -> int:
        """Largest magnitude of any code or partial sum."""
        return max(-self.partial_low, self.partial_high, 0)


def bounds(operations: tuple[Operation, ...]) -> dict[str, Interval]:
    """Intervals of all tensors.

    Raises `UserError` naming the layer where a format cannot hold its exact result: an accumulator that could overflow,
    unless it is known to wrap (`Accumulating.wraps`); and where a product needs more than 62 bits.
    """
    known: dict[str, Interval] = {}
    for operation in operations:
        try:
            interval = interval_of(operation, known)
        except OverflowError as error:
            raise UserError(f"layer '{operation.name}': {error}; use narrower formats") from error
        _check_range(operation, interval)
        known[operation.name] = interval
    return known


def _check_range(operation: Operation, interval: Interval) -> None:
    form = operation.format
    if form.low <= interval.partial_low and interval.partial_high <= form.high:
        return
    wraps = isinstance(operation, Accumulating) and operation.wraps
    if wraps and form.overflow is Overflow.WRAP:
        return
    order = "; what a saturating accumulator holds would depend on the order of its additions" if wraps else ""
    raise UserError(
        f"layer '{operation.name}': {form} holds codes {form.low} to {form.high}, but an input exists for which "
        f"a (partial) sum reaches {interval.partial_low} to {interval.partial_high}{order}; "
        f"widen it to at least {_wide_enough(interval, form.fraction)}"
    )


def _wide_enough(interval: Interval, fraction: int) -> str:
    width = max((-interval.partial_low - 1).bit_length() + 1, interval.partial_high.bit_length() + (interval.partial_low < 0))
    if width > 62:
        return f"{width} bits, which is more than the 62 supported: use narrower inputs and weights"
    return str(FixedFormat.covering(interval.partial_low, interval.partial_high, fraction))


def may_wrap(operation: Operation, known: Mapping[str, Interval]) -> bool:
    """Whether some input makes the operation's sum, or the cast of its result, wrap, whatever an `Accumulating.wraps` says.

    A partial sum may: it comes back.
    """
    form = operation.format
    if isinstance(operation, Preprocess) and _work_may_wrap(operation, known[operation.inputs[0]]):
        return True
    held = known[operation.name]
    never = isinstance(operation, Accumulating) and form.low <= held.partial_low <= held.partial_high <= form.high
    if never or isinstance(operation, HardwareInput):
        return False
    interval = interval_of(unlimited(operation), known)
    return bool(min(interval.low) < form.low or max(interval.high) > form.high)


def unlimited(operation: Operation) -> Operation:
    """The operation with more bits, at the same LSB, wherever it could wrap; where it saturates it does."""
    if isinstance(operation, Preprocess) and operation.work.overflow is Overflow.WRAP:
        operation = replace(operation, work=_widest(operation.work))
    wraps = isinstance(operation, Accumulating) or operation.format.overflow is Overflow.WRAP
    return replace(operation, format=_widest(operation.format)) if wraps else operation


def _widest(form: FixedFormat) -> FixedFormat:
    return FixedFormat(True, 62, 62 - form.fraction, form.rounding)


def _work_may_wrap(operation: Preprocess, hardware: Interval) -> bool:
    _, _, fits, keeps = shifted_range(operation, hardware)
    return operation.work.overflow is Overflow.WRAP and bool((operation.present & ~(fits & keeps)).any())


@singledispatch
def interval_of(operation: Operation, known: Mapping[str, Interval]) -> Interval:
    """Interval of one operation's output, given those of its inputs.

    Raises `OverflowError` where a product, or a code before a cast, needs more than 62 bits.
    """
    raise NotImplementedError(type(operation).__name__)


# -- parts ---------------------------------------------------------------------------------------------------------


def _plain(low: Ints, high: Ints, fraction: int) -> Interval:
    return Interval(low.astype(object), high.astype(object), min(0, int(low.min())), max(0, int(high.max())), fraction)


def _at_lsb(form: FixedFormat, codes: Ints, fraction: int) -> Ints:
    """Codes with `fraction` fractional bits, rounded to the LSB of `form`; no overflow."""
    grow = max(form.fraction - fraction, 0)
    largest = max(int(codes.max()), -int(codes.min())) << grow
    if largest >= _LIMIT:
        raise OverflowError(f"a value of {largest.bit_length()} bits and a sign arises, more than the 62 supported")
    return _widest(form).cast(codes.astype(np.int64), fraction).astype(codes.dtype)


def _saturates(form: FixedFormat) -> bool:
    return form.overflow in {Overflow.SAT, Overflow.SAT_SYM}


def _cast(form: FixedFormat, low: Ints, high: Ints, fraction: int) -> Interval:
    """Bounds after a cast: exact where the cast is monotone, the format's whole range where values may wrap."""
    lows, highs = (_at_lsb(form, codes, fraction).astype(np.int64) for codes in (low, high))
    monotone = (lows >= form.low) & (highs <= form.high) | _saturates(form)
    low = np.where(monotone, form.bring_into_range(lows), form.low)
    return _plain(low, np.where(monotone, form.bring_into_range(highs), form.high), form.fraction)


def _products(a: tuple[Ints, Ints], b: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    """Range of the products of two ranges, element by element."""
    corners = [x * y for x in a for y in b]
    return np.minimum.reduce(corners), np.maximum.reduce(corners)


def _powers(low: BigInts, high: BigInts, power: int) -> tuple[BigInts, BigInts]:
    """Range of |x|^power."""
    ends = abs(low) ** power, abs(high) ** power
    return np.where((low <= 0) & (high >= 0), 0, np.minimum(*ends)), np.maximum(*ends)


def _accumulated(operation: Accumulating, low: Ints, high: Ints, fraction: int, bias: IntArray | None = None) -> Interval:
    """Sum over the first axis of products in [low, high] with `fraction` fractional bits, and of `bias` at the accumulator's LSB."""
    form = operation.format
    low, high = _at_lsb(form, low, fraction), _at_lsb(form, high, fraction)
    if bias is not None:
        low, high = np.concatenate([low, bias[None]]), np.concatenate([high, bias[None]])
    if len(low) * max(abs(int(low.min())), abs(int(high.max()))) >= _LIMIT:
        low, high = low.astype(object), high.astype(object)
    partial_low, partial_high = int(np.minimum(low, 0).sum(0).min()), int(np.maximum(high, 0).sum(0).max())
    total_low, total_high = low.sum(0), high.sum(0)
    if operation.wraps:
        may_wrap = (total_low < form.low) | (total_high > form.high)
        total_low, total_high = np.where(may_wrap, form.low, total_low), np.where(may_wrap, form.high, total_high)
    return Interval(total_low.astype(object), total_high.astype(object), partial_low, partial_high, form.fraction)


def _machine(low: BigInts, high: BigInts, weights: IntArray) -> tuple[Ints, Ints]:
    """The range as int64 where its products with the weights fit: much faster than Python integers."""
    largest = max(-int(low.min()), int(high.max()), 1) * max(int(np.abs(weights).max()), 1)
    return (low.astype(np.int64), high.astype(np.int64)) if largest < _LIMIT else (low, high)


def _linear(operation: Dense | Convolution, source: Interval, index: IntArray, weights: IntArray) -> Interval:
    """Weighted sums: output (p, f) adds input `index[p, k]` times `weights[k, f]` over k."""
    low, high = _machine(source.low, source.high, weights)
    shape = (index.shape[1], -1)
    column, row = (slice(None), slice(None), None), (slice(None), None, slice(None))
    corners = [x[index.T][column] * (weights if x.dtype != object else weights.astype(object))[row] for x in (low, high)]
    bias = _at_lsb(operation.format, operation.bias, operation.bias_format.fraction)
    return _accumulated(
        operation,
        np.minimum(*corners).reshape(shape),
        np.maximum(*corners).reshape(shape),
        source.fraction + operation.weight_format.fraction,
        np.tile(bias, len(index)),
    )


def patches(operation: Convolution) -> IntArray:
    """(positions, kernel size): the input elements under the kernel at each position of the output, row by row."""
    elements = np.arange(np.prod(operation.shape)).reshape(operation.shape)
    windows = np.lib.stride_tricks.sliding_window_view(elements, operation.weights.shape[:3])
    return windows[:: operation.stride[0], :: operation.stride[1]].reshape(int(np.prod(operation.positions)), -1)


def shifted_range(operation: Preprocess, hardware: Interval) -> tuple[Ints, Ints, BoolArray, BoolArray]:
    """Of every element the range of `(hw - offset) >> shift` in the LSB of `work`; whether the difference never leaves the range of
    `work`, and whether the shift never drops its highest bits."""
    work = operation.work
    grow, offset, fraction = operation.aligned(hardware.fraction)
    low, high = (hardware.low << grow) - offset, (hardware.high << grow) - offset
    aligned = _at_lsb(work, low, fraction), _at_lsb(work, high, fraction)
    fits = np.array((aligned[0] >= work.low) & (aligned[1] <= work.high), np.bool_)
    difference = _cast(work, low, high, fraction)
    right, left = np.maximum(operation.shift, 0).astype(object), np.maximum(-operation.shift, 0).astype(object)
    low, high = (difference.low >> right) << left, (difference.high >> right) << left
    bits = FixedFormat(work.signed, work.width, work.integer)
    kept = np.array((low >= bits.low) & (high <= bits.high), np.bool_)
    return np.where(kept, low, bits.low), np.where(kept, high, bits.high), fits, kept


# -- operations ----------------------------------------------------------------------------------------------------


@interval_of.register
def _(operation: HardwareInput, known: Mapping[str, Interval]) -> Interval:
    return _plain(operation.low, operation.high, operation.format.fraction)


@interval_of.register
def _(operation: Preprocess, known: Mapping[str, Interval]) -> Interval:
    source = known[operation.inputs[0]]
    low, high, _, _ = shifted_range(operation, source)
    cast = _cast(operation.format, low, high, operation.work.fraction)
    may_be_empty = _may_be_empty(operation, source)
    low, high = np.where(may_be_empty, np.minimum(cast.low, 0), cast.low), np.where(may_be_empty, np.maximum(cast.high, 0), cast.high)
    return _plain(np.where(operation.present, low, 0), np.where(operation.present, high, 0), cast.fraction)


def _may_be_empty(operation: Preprocess | ReconstructionError, hardware: Interval) -> npt.NDArray[np.bool_]:
    """Whether the hardware input that gates an element may be 0."""
    zero = np.array((hardware.low <= 0) & (hardware.high >= 0), np.bool_)
    return zero[operation.gate] & (operation.gate >= 0)


@interval_of.register
def _(operation: Dense, known: Mapping[str, Interval]) -> Interval:
    return _linear(operation, known[operation.inputs[0]], np.arange(len(operation.weights))[None], operation.weights)


@interval_of.register
def _(operation: Convolution, known: Mapping[str, Interval]) -> Interval:
    return _linear(operation, known[operation.inputs[0]], patches(operation), operation.weights.reshape(-1, operation.weights.shape[3]))


@interval_of.register
def _(operation: Dot, known: Mapping[str, Interval]) -> Interval:
    a, b = known[operation.inputs[0]], known[operation.inputs[-1]]
    low, high = _powers(a.low, a.high, 2) if len(operation.inputs) == 1 else _products((a.low, a.high), (b.low, b.high))
    return _accumulated(operation, low[:, None], high[:, None], a.fraction + b.fraction)


@interval_of.register
def _(operation: Quantize, known: Mapping[str, Interval]) -> Interval:
    source = known[operation.inputs[0]]
    return _cast(operation.format, source.low, source.high, source.fraction)


@interval_of.register
def _(operation: Relu, known: Mapping[str, Interval]) -> Interval:
    source = known[operation.inputs[0]]
    return _cast(operation.format, np.maximum(source.low, 0), np.maximum(source.high, 0), source.fraction)


@interval_of.register
def _(operation: Table, known: Mapping[str, Interval]) -> Interval:
    source = known[operation.inputs[0]]
    ends = zip(operation.tables, source.low, source.high, strict=True)
    reached = [table[np.arange(int(low), int(high) + 1) % len(table)] for table, low, high in ends]
    low, high = np.array([codes.min() for codes in reached]), np.array([codes.max() for codes in reached])
    return _plain(low, high, operation.format.fraction)


@interval_of.register
def _(operation: Binning, known: Mapping[str, Interval]) -> Interval:
    source = known[operation.inputs[0]]
    rows = [(int(k), np.array(edges, np.int64)) for k, edges in zip(operation.index, operation.edges, strict=True)]
    ends = [[np.searchsorted(edges, int(codes[k]), side="right") for k, edges in rows] for codes in (source.low, source.high)]
    return _plain(np.array(ends[0]), np.array(ends[1]), 0)


@interval_of.register
def _(operation: Lookup, known: Mapping[str, Interval]) -> Interval:
    source = known[operation.inputs[0]]
    reached = [
        table[_reached_addresses([(int(source.low[k]), int(source.high[k]), width) for k, width in zip(index, bits, strict=True)])]
        for table, index, bits in zip(operation.tables, operation.index, operation.bits, strict=True)
    ]
    return _plain(np.array([codes.min() for codes in reached]), np.array([codes.max() for codes in reached]), operation.format.fraction)


def _reached_addresses(parts: Sequence[tuple[int, int, int]]) -> IntArray:
    """Addresses of a table that some input reaches; of each part the least and largest code, and the number of its bits that count."""
    addresses = np.zeros(1, np.int64)
    for low, high, bits in parts:
        codes = np.unique(np.arange(low, min(high, low + (1 << bits) - 1) + 1) % (1 << bits))
        addresses = (addresses[:, None] << bits | codes).ravel()
    return addresses


@interval_of.register
def _(operation: Gather, known: Mapping[str, Interval]) -> Interval:
    source, constant = known[operation.inputs[0]], operation.index < 0
    low, high = (np.where(constant, 0, codes[operation.index]) for codes in (source.low, source.high))
    return _plain(low, high, source.fraction)


@interval_of.register
def _(operation: Pool, known: Mapping[str, Interval]) -> Interval:
    source, fraction = known[operation.inputs[0]], operation.format.fraction
    low, high = (codes[operation.windows] * 2 ** (fraction - source.fraction) for codes in (source.low, source.high))
    if operation.function == "max":
        return _plain(low.max(1), high.max(1), fraction)
    partial_low, partial_high = np.minimum(low, 0).sum(1).min(), np.maximum(high, 0).sum(1).max()
    return Interval(low.sum(1), high.sum(1), int(partial_low), int(partial_high), fraction)


@interval_of.register
def _(operation: Elementwise, known: Mapping[str, Interval]) -> Interval:
    a, b = (known[name] for name in operation.inputs)
    if operation.function == "multiply":
        return _cast(operation.format, *_products((a.low, a.high), (b.low, b.high)), a.fraction + b.fraction)
    fraction = max(a.fraction, b.fraction)
    scale_a, scale_b = 2 ** (fraction - a.fraction), 2 ** (fraction - b.fraction)
    other = (b.low, b.high) if operation.function == "add" else (-b.high, -b.low)
    return _cast(operation.format, a.low * scale_a + other[0] * scale_b, a.high * scale_a + other[1] * scale_b, fraction)


@interval_of.register
def _(operation: Concatenate, known: Mapping[str, Interval]) -> Interval:
    sources = [known[name] for name in operation.inputs]
    parts = [_cast(operation.format, source.low, source.high, source.fraction) for source in sources]
    low, high = np.concatenate([part.low for part in parts]), np.concatenate([part.high for part in parts])
    return _plain(low, high, operation.format.fraction)


@interval_of.register
def _(operation: ReconstructionError, known: Mapping[str, Interval]) -> Interval:
    a, b = known[operation.inputs[0]], known[operation.inputs[1]]
    low, high = _difference(operation, a, b)
    low, high = _powers(low, high, operation.power)
    if len(operation.inputs) == 3:
        low = np.where(_may_be_empty(operation, known[operation.inputs[2]]), 0, low)
    scale = 2 ** (operation.format.fraction - operation.power * operation.difference.fraction)
    total_low, total_high = (int(np.where(operation.present, ends, 0).sum()) * scale for ends in (low, high))
    return Interval(np.array([total_low], object), np.array([total_high], object), 0, total_high, operation.format.fraction)


def _difference(operation: ReconstructionError, a: Interval, b: Interval) -> tuple[BigInts, BigInts]:
    """Range of a - b; `UserError` where `difference` does not hold it."""
    form = operation.difference
    scale_a, scale_b = 2 ** (form.fraction - a.fraction), 2 ** (form.fraction - b.fraction)
    low, high = a.low * scale_a - b.high * scale_b, a.high * scale_a - b.low * scale_b
    if low.min() < form.low or high.max() > form.high:
        raise UserError(f"layer '{operation.name}': the difference reaches {low.min()} to {high.max()}, beyond {form}; widen it")
    return low, high


@interval_of.register
def _(operation: Sum, known: Mapping[str, Interval]) -> Interval:
    sources = [known[name] for name in operation.inputs]
    fraction = operation.format.fraction - operation.halvings
    low = np.concatenate([source.low * 2 ** (fraction - source.fraction) for source in sources])
    high = np.concatenate([source.high * 2 ** (fraction - source.fraction) for source in sources])
    partial_low, partial_high = int(np.minimum(low, 0).sum()), int(np.maximum(high, 0).sum())
    total_low, total_high = np.array([int(low.sum())], object), np.array([int(high.sum())], object)
    return Interval(total_low, total_high, partial_low, partial_high, operation.format.fraction)


@interval_of.register
def _(operation: Threshold, known: Mapping[str, Interval]) -> Interval:
    source = known[operation.inputs[0]]
    low, high = (np.array([int(ends[0] >= operation.threshold)]) for ends in (source.low, source.high))
    return _plain(low, high, 0)
