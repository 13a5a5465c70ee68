"""The shape of every operation of a contract: which carry chains, gates and tables `_operations` will make of it."""

from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatch
from math import comb
from typing import Any

import numpy as np
from alkaid.trace.fixed_variable import FVariable

from l1ae.contract import (
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
from l1ae.errors import UserError
from l1ae.rtl._arithmetic import HALF_UP, HARDWARE, LUT_INPUTS
from l1ae.rtl._tables import MOST_TABLE_BITS, addressed, own_entry, reached
from l1ae.rtl.estimator._gates import counted_gates
from l1ae.rtl.estimator._shape import (
    Level,
    Shape,
    Tensor,
    absolute,
    biased,
    cast,
    gates,
    longest,
    product,
    rounded_products,
    rounds_products,
    signed_square,
    square,
    times,
    total,
)

__all__ = ["shape_of"]

# Entries of tables in every order of their bits that are tried in half a second.
_MOST_ORDERED = 1 << 16


@singledispatch
def shape_of(operation: Operation, sources: Sequence[Tensor], output: Tensor, rounded: bool) -> Shape:
    """The shape of `operation`, which reads `sources`, without the adder trees of matrix products that share additions.

    `rounded`: its half LSB of rounding is added one operation earlier, or, for a linear operation, here. Raises `UserError`
    for an operation that the estimator does not know.
    """
    raise UserError(f"layer '{operation.name}': the estimator does not know {type(operation).__name__}; `l1ae synth` measures it")


def _gating(operation: Preprocess | ReconstructionError, widths: np.ndarray, hardware: Tensor) -> Shape:
    """An element is 0 where its object's first word is 0."""
    gated = operation.present & (operation.gate >= 0) & (widths > 0)
    if not gated.any():
        return Shape()
    words = np.unique(operation.gate[gated])
    looked = float(hardware.widths[words].sum()) / 5
    return Shape(logic=float(widths[gated].sum()) + looked, levels=gates(1, float(widths.sum()), 3.0))


@shape_of.register
def _(operation: Preprocess, sources: Sequence[Tensor], output: Tensor, rounded: bool) -> Shape:
    hardware, form = sources[0], operation.format
    used = operation.present & hardware.varies & output.varies
    grow, offset, fraction = operation.aligned(hardware.fraction)
    low, high = (hardware.low << grow) - offset, (hardware.high << grow) - offset
    difference = Tensor(low[used], high[used], 0)
    # Half an LSB of the cast is part of the offset; the two may cancel.
    points = operation.shift + fraction
    drop = np.minimum(points, operation.work.fraction) - form.fraction
    half = np.where((drop > 0) & (form.rounding in HALF_UP), 2.0 ** (points - form.fraction - 1), 0.0)
    moved = difference.widths[(half != offset)[used]]
    shape = Shape()
    if len(moved):
        shape += Shape(additions=len(moved), constant_bits=float(moved.sum()), levels=(Level(float(moved.max()), 1.0, difference.bits),))
    casts = []
    for point in np.unique(points[used]):
        mine = points[used] == point
        # The value keeps its codes; the binary point moves, and `work` has bits down to its own LSB.
        lost = max(int(point) - operation.work.fraction, 0)
        part = Tensor(difference.low[mine] >> lost, difference.high[mine] >> lost, min(int(point), operation.work.fraction))
        casts.append(cast(part, form, rounded=True))
    shape += longest(casts)
    return shape + _gating(operation, np.where(operation.present, output.widths, 0), hardware)


@shape_of.register
def _(operation: Dense | Convolution, sources: Sequence[Tensor], output: Tensor, rounded: bool) -> Shape:
    trees = rounded_products(operation, sources[0], output) if rounds_products(operation, sources[0]) else Shape()
    return trees + biased(operation, output, rounded)


@shape_of.register
def _(operation: Quantize, sources: Sequence[Tensor], output: Tensor, rounded: bool) -> Shape:
    return cast(sources[0], operation.format, rounded=rounded)


@shape_of.register
def _(operation: Relu, sources: Sequence[Tensor], output: Tensor, rounded: bool) -> Shape:
    return cast(sources[0], operation.format, relu=True, rounded=rounded)


@shape_of.register
def _(operation: Gather, sources: Sequence[Tensor], output: Tensor, rounded: bool) -> Shape:
    return Shape()


@shape_of.register
def _(operation: Table, sources: Sequence[Tensor], output: Tensor, rounded: bool) -> Shape:
    varies = sources[0].varies & output.varies
    if operation.bits:
        variables = _variables(sources[0], np.arange(len(varies)))
        rows = zip(variables, operation.tables, varies, strict=True)
        return counted_gates([own_entry(x, codes.astype(np.float64)) for x, codes, used in rows if used], variables)
    widths = sources[0].widths[varies]
    return longest([_looked_up(int(width), operation.format.width) for width in widths])


def _looked_up(bits: int, width: int) -> Shape:
    """As `_arithmetic.table`: six bits address LUTs, each further bit a row of multiplexers; a long table stays whole."""
    further = max(bits - LUT_INPUTS, 0)
    leaves = 2.0**further
    if bits > MOST_TABLE_BITS:
        return Shape(tables=width * leaves, levels=gates(1 + (max(further - 2, 0) + 1) // 2, width))
    levels = gates(1, width * leaves)
    for _ in range(further):
        leaves /= 2
        levels += gates(1, width * leaves, leaves)
    return Shape(tables=width * 2.0**further, logic=width * (2.0**further - 1), levels=levels)


@shape_of.register
def _(operation: Binning, sources: Sequence[Tensor], output: Tensor, rounded: bool) -> Shape:
    variables = _variables(sources[0], operation.index)
    rows = zip(variables, operation.edges, output.varies, strict=True)
    return counted_gates([reached(x, edges) for x, edges, varies in rows if varies], variables)


@shape_of.register
def _(operation: Lookup, sources: Sequence[Tensor], output: Tensor, rounded: bool) -> Shape:
    known = dict(enumerate(_variables(sources[0], np.arange(len(sources[0].low)))))
    used = np.flatnonzero(output.varies)
    # of many large tables some stand for all: the choice of the bits that select among LUTs takes long
    work = sum(comb(width, max(width - LUT_INPUTS, 0)) << width for width in map(sum, (operation.bits[k] for k in used.tolist())))
    some = used[:: max(-(-work // _MOST_ORDERED), 1)]
    made = [
        addressed(
            [(known[i], n) for i, n in zip(operation.index[k], operation.bits[k], strict=True)], operation.tables[k].astype(np.float64)
        )
        for k in some.tolist()
    ]
    return times(counted_gates(made, list(known.values())), len(used) / max(len(some), 1))


def _variables(tensor: Tensor, index: np.ndarray) -> list[Any]:
    """alkaid's variables for the codes of elements."""
    return [FVariable(float(tensor.low[k]), float(tensor.high[k]), 1.0, hwconf=HARDWARE) for k in index]


@shape_of.register
def _(operation: Pool, sources: Sequence[Tensor], output: Tensor, rounded: bool) -> Shape:
    count, size = operation.windows.shape
    width, end = float(sources[0].widths.mean()), float(output.widths.mean())
    shape = times(total(size, width, end), count)
    # A maximum is a comparison and a multiplexer.
    return shape if operation.function == "sum" else replace(shape, logic=shape.chain_bits, levels=_doubled(shape.levels))


def _doubled(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    return tuple(step for level in levels for step in (level, Level(0.0, level.chain, level.live)))


@shape_of.register
def _(operation: Elementwise, sources: Sequence[Tensor], output: Tensor, rounded: bool) -> Shape:
    a, b = sources
    pairs = zip(a.widths, b.widths, strict=True)
    if operation.function == "multiply":
        return longest([product(int(x), int(y)) for x, y in pairs])
    return longest([total(2, float(max(x, y)), float(max(x, y) + 1)) for x, y in pairs if x and y])


@shape_of.register
def _(operation: Concatenate, sources: Sequence[Tensor], output: Tensor, rounded: bool) -> Shape:
    return longest([cast(source, operation.format) for source in sources])


@shape_of.register
def _(operation: Dot, sources: Sequence[Tensor], output: Tensor, rounded: bool) -> Shape:
    if len(sources) == 1:
        magnitudes = [_magnitude(sources[0], k) for k in range(len(sources[0].low))]
        parts = [_square(sources[0], k) for k in range(len(magnitudes))]
        widths = [2 * width for width in magnitudes]
    else:
        parts = [product(int(x), int(y)) for x, y in zip(sources[0].widths, sources[1].widths, strict=True)]
        widths = [int(x + y) for x, y in zip(sources[0].widths, sources[1].widths, strict=True)]
    return longest(parts) + total(len(widths), float(np.mean(widths)), float(output.widths[0]))


def _magnitude(tensor: Tensor, k: int) -> int:
    return max(int(tensor.high[k]), -int(tensor.low[k])).bit_length()


def _absolute(tensor: Tensor, k: int) -> Shape:
    return absolute(_magnitude(tensor, k)) if tensor.low[k] < 0 else Shape()


def _square(tensor: Tensor, k: int) -> Shape:
    beside = int(tensor.widths[k]) - 1
    if tensor.low[k] < 0 and beside <= LUT_INPUTS:
        return signed_square(beside)
    return _absolute(tensor, k) + square(_magnitude(tensor, k))


@shape_of.register
def _(operation: ReconstructionError, sources: Sequence[Tensor], output: Tensor, rounded: bool) -> Shape:
    difference = _difference(operation, *sources[:2])
    widths = difference.widths[difference.varies]
    if not len(widths):
        return Shape()
    shape = Shape(additions=len(widths), chain_bits=float(widths.sum()), levels=(Level(float(widths.max()), 2.0, difference.bits),))
    if len(sources) == 3:
        shape += _gating(operation, difference.widths, sources[2])
    magnitudes = [(k, _magnitude(difference, k)) for k in np.flatnonzero(difference.varies).tolist()]
    terms = [_square(difference, k) if operation.power == 2 else _absolute(difference, k) for k, _ in magnitudes]
    mean = operation.power * float(np.mean([width for _, width in magnitudes]))
    return shape + longest(terms) + total(len(terms), mean, float(output.widths[0]))


def _difference(operation: ReconstructionError, a: Tensor, b: Tensor) -> Tensor:
    """`a - b`, element by element; beside a constant without the bits below the LSB of what varies, for they are constant too."""
    fraction = operation.difference.fraction
    up_a, up_b = fraction - a.fraction, fraction - b.fraction
    low, high = (a.low << up_a) - (b.high << up_b), (a.high << up_a) - (b.low << up_b)
    below = np.where(a.varies == b.varies, 0, np.where(a.varies, up_a, up_b))
    return Tensor(np.where(operation.present, low >> below, 0), np.where(operation.present, high >> below, 0), fraction)


@shape_of.register
def _(operation: Sum, sources: Sequence[Tensor], output: Tensor, rounded: bool) -> Shape:
    widths = [width for source in sources for width in source.widths[source.varies]]
    return total(len(widths), float(np.mean(widths)) if widths else 0.0, float(output.widths[0]))
