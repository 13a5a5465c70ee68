"""Interval bounds of every tensor, valid for any input, in Python integers (no overflow can hide).

A sum's interval is the hull over *all subsets* of its terms, each present or not, bias included. It therefore holds
every partial sum in every order of addition, of every adder tree and every blocked matrix product.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import singledispatch

import numpy as np
import numpy.typing as npt

from l1ae.contract._ops import Dense, HardwareInput, Operation, Preprocess, Quantize, Relu, SquaredError, SquaredNorm, Sum, Table, Threshold
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat

__all__ = ["Interval", "bounds", "interval_of"]

BigInts = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Interval:
    """Element-wise code range [low, high] of a tensor; `partial_low` and `partial_high` also cover every partial sum."""

    low: BigInts
    high: BigInts
    partial_low: int
    partial_high: int
    fraction: int

    @property
    def largest(self) -> int:
        """Largest magnitude of any code or partial sum."""
        return max(-self.partial_low, self.partial_high, 0)


def _plain(low: BigInts, high: BigInts, fraction: int) -> Interval:
    return Interval(low, high, min(0, *low), max(0, *high), fraction)


def bounds(operations: tuple[Operation, ...]) -> dict[str, Interval]:
    """Intervals of all tensors.

    Raises `UserError` naming the layer where a format cannot hold its exact result: an accumulator that could wrap.
    """
    known: dict[str, Interval] = {}
    for operation in operations:
        interval = interval_of(operation, known)
        form = operation.format
        if interval.partial_low < form.low or interval.partial_high > form.high:
            raise UserError(
                f"layer '{operation.name}': {form} holds codes {form.low} to {form.high}, but an input exists for which "
                f"a (partial) sum reaches {interval.partial_low} to {interval.partial_high}; widen it to at least "
                f"{FixedFormat.covering(interval.partial_low, interval.partial_high, form.fraction)}"
            )
        known[operation.name] = interval
    return known


@singledispatch
def interval_of(operation: Operation, known: Mapping[str, Interval]) -> Interval:
    """Interval of one operation's output, given those of its inputs."""
    raise NotImplementedError(type(operation).__name__)


def _as_big(values: npt.NDArray[np.integer]) -> BigInts:
    return values.astype(object)


def _through(form: FixedFormat, fraction: int, interval: Interval, change: Callable[[int], int] = int) -> Interval:
    """Bounds after a cast: exact when the cast is monotone, the format's whole range when values may wrap."""
    low = [change(int(code)) for code in interval.low]
    high = [change(int(code)) for code in interval.high]
    monotone = form.overflow.startswith("SAT") and form.overflow != "SAT_ZERO"
    wide = FixedFormat(form.signed, 62, 62 - form.fraction, form.rounding)
    rounded_low, rounded_high = wide.cast(low, fraction), wide.cast(high, fraction)
    fits = (rounded_low >= form.low) & (rounded_high <= form.high)
    cast_low, cast_high = form.bring_into_range(rounded_low), form.bring_into_range(rounded_high)
    safe = fits | monotone
    return _plain(_as_big(np.where(safe, cast_low, form.low)), _as_big(np.where(safe, cast_high, form.high)), form.fraction)


@interval_of.register
def _(operation: HardwareInput, known: Mapping[str, Interval]) -> Interval:
    return _plain(_as_big(operation.low), _as_big(operation.high), 0)


@interval_of.register
def _(operation: Preprocess, known: Mapping[str, Interval]) -> Interval:
    source = known[operation.inputs[0]]
    form = operation.format
    low = form.cast((source.low - operation.offset).astype(np.int64), operation.shift)
    high = form.cast((source.high - operation.offset).astype(np.int64), operation.shift)
    if form.overflow not in {"SAT", "SAT_SYM"}:
        low, high = np.full_like(low, form.low), np.full_like(high, form.high)
    low, high = np.minimum(low, 0), np.maximum(high, 0)
    return _plain(_as_big(np.where(operation.present, low, 0)), _as_big(np.where(operation.present, high, 0)), form.fraction)


@interval_of.register
def _(operation: Dense, known: Mapping[str, Interval]) -> Interval:
    source = known[operation.inputs[0]]
    weights = _as_big(operation.weights)
    first, second = source.low[:, None] * weights, source.high[:, None] * weights
    low, high = np.minimum(first, second), np.maximum(first, second)
    product_fraction = source.fraction + operation.weight_format.fraction
    fraction = operation.format.fraction
    bias = _as_big(operation.bias) * 2 ** (fraction - operation.bias_format.fraction)
    scale = 2 ** (fraction - product_fraction)
    partial_low = (np.minimum(low, 0) * scale).sum(0) + np.minimum(bias, 0)
    partial_high = (np.maximum(high, 0) * scale).sum(0) + np.maximum(bias, 0)
    total_low, total_high = low.sum(0) * scale + bias, high.sum(0) * scale + bias
    return Interval(total_low, total_high, int(partial_low.min()), int(partial_high.max()), fraction)


@interval_of.register
def _(operation: Quantize, known: Mapping[str, Interval]) -> Interval:
    source = known[operation.inputs[0]]
    return _through(operation.format, source.fraction, source)


@interval_of.register
def _(operation: Relu, known: Mapping[str, Interval]) -> Interval:
    source = known[operation.inputs[0]]
    return _through(operation.format, source.fraction, source, lambda code: max(code, 0))


@interval_of.register
def _(operation: Table, known: Mapping[str, Interval]) -> Interval:
    source = known[operation.inputs[0]]
    size = len(operation.codes)
    reached = [operation.codes[np.arange(int(low), int(high) + 1) % size] for low, high in zip(source.low, source.high, strict=True)]
    low = np.array([int(codes.min()) for codes in reached], object)
    high = np.array([int(codes.max()) for codes in reached], object)
    return _plain(low, high, operation.format.fraction)


def _squares(low: BigInts, high: BigInts) -> tuple[BigInts, BigInts]:
    crosses = np.array([a <= 0 <= b for a, b in zip(low, high, strict=True)])
    largest = np.maximum(low * low, high * high)
    return np.where(crosses, 0, np.minimum(low * low, high * high)), largest


@interval_of.register
def _(operation: SquaredError, known: Mapping[str, Interval]) -> Interval:
    a, b = known[operation.inputs[0]], known[operation.inputs[1]]
    fraction = max(a.fraction, b.fraction)
    scale_a, scale_b = 2 ** (fraction - a.fraction), 2 ** (fraction - b.fraction)
    low, high = a.low * scale_a - b.high * scale_b, a.high * scale_a - b.low * scale_b
    _check_difference(operation, min(low), max(high))
    _, largest = _squares(low, high)
    total = int(np.where(operation.present, largest, 0).sum())
    return _plain(np.array([0], object), np.array([total], object), 2 * fraction)


def _check_difference(operation: SquaredError, low: int, high: int) -> None:
    form = operation.difference
    if low < form.low or high > form.high:
        raise UserError(f"layer '{operation.name}': the difference reaches {low} to {high}, beyond {form}; widen it")


@interval_of.register
def _(operation: SquaredNorm, known: Mapping[str, Interval]) -> Interval:
    source = known[operation.inputs[0]]
    low, high = _squares(source.low, source.high)
    return _plain(np.array([int(low.sum())], object), np.array([int(high.sum())], object), 2 * source.fraction)


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
    low, high = int(source.low[0] >= operation.threshold), int(source.high[0] >= operation.threshold)
    return _plain(np.array([low], object), np.array([high], object), 0)
