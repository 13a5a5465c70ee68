"""Tables and bins on alkaid's variables: six bits address LUTs, multiplexers behind them choose, and nothing is a carry chain.

A pipeline may cut between LUTs and multiplexers, and synthesis has nothing to find out. Entries that no input reaches are
open (NaN) here, so that they cost nothing; what is written out has a value for each.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from alkaid.trace.fixed_variable import FVariable

from l1ae.rtl._arithmetic import HARDWARE, LUT_INPUTS, all_bits, any_bit, bit, bits_below, choose, truncate

__all__ = ["MOST_TABLE_BITS", "addressed", "own_entry", "reached", "table"]

Variable = Any  # alkaid has no type information
FloatArray = npt.NDArray[np.float64]

# 4096 entries: a block RAM is the better place for more.
MOST_TABLE_BITS = 12
# The bits that select among LUTs are chosen among all; with more bits there are too many choices, and the highest ones select.
_MOST_CHOICE_BITS = 10


def table(x: Variable, outputs: FloatArray) -> Variable:
    """`outputs[k]` for the k-th value of `x`, from `x.low` upwards. Tables of more than `MOST_TABLE_BITS` bits stay whole."""
    signed, integer, fraction = (int(v) for v in x.kif)
    bits = signed + integer + fraction
    if bits <= LUT_INPUTS or bits > MOST_TABLE_BITS:
        return _whole_table(x, outputs)
    entries = np.full(1 << bits, np.nan)
    entries[(round(x.low * 2.0**fraction) + np.arange(len(outputs))) % (1 << bits)] = outputs
    return _selected(bits_below(x, integer + signed) * 2.0**fraction, entries, tuple(range(bits))[::-1])


def own_entry(x: Variable, entries: FloatArray) -> Variable:
    """The entry that the lowest bits of `x` (LSB 1), as a number without sign, address."""
    bits = len(entries).bit_length() - 1
    address = bits_below(x, bits)
    return FVariable.from_const(float(entries[0]), hwconf=HARDWARE) if bits == 0 else table(address, entries[_codes(address)])


def addressed(parts: Sequence[tuple[Variable, int]], entries: FloatArray) -> Variable:
    """The entry at the address that the lowest bits of variables make, the first in the highest bits.

    `parts`: variables with LSB 1 or more and how many bits count; `entries` (2**sum of them,).
    """
    address, bits, arriving = FVariable.from_const(0.0, hwconf=HARDWARE), 0, np.zeros(1, np.int64)
    pieces = [bits_below(x, count) for x, count in parts]
    known = tuple(round(piece.low) if piece.low == piece.high else slice(None) for piece in pieces)
    entries = entries.reshape([1 << count for _, count in parts])[known].ravel()
    for piece, (_, count) in zip(pieces[::-1], parts[::-1], strict=True):
        if piece.low < piece.high:
            arriving = ((_codes(piece)[:, None] << bits) | arriving).ravel()
            address, bits = address + piece * 2.0**bits, bits + count
    reached_entries = np.full(1 << bits, np.nan)
    reached_entries[arriving] = entries[arriving]
    if bits > MOST_TABLE_BITS:
        return _whole_table(address, _filled(reached_entries)[_codes(address)])
    return _selected(address, reached_entries, _order(reached_entries, bits))


def _codes(x: Variable) -> npt.NDArray[np.int64]:
    """All values that `x`, a whole number, can have, from its lowest on."""
    return np.arange(round(x.low), round(x.high) + 1, round(x.step))


def _order(entries: FloatArray, bits: int) -> tuple[int, ...]:
    """All bits of the address, those that select in front: those with which the fewest LUTs are left."""
    highest = tuple(range(bits))[::-1]
    count = bits - LUT_INPUTS
    if count <= 0 or bits > _MOST_CHOICE_BITS:
        return highest
    orders = [(*chosen, *(k for k in highest if k not in chosen)) for chosen in combinations(highest, count)]
    return min(orders, key=lambda order: _luts(_blocks(entries, order, count)))


def _blocks(entries: FloatArray, order: Sequence[int], count: int) -> FloatArray:
    """(2**count, the others): entries by the bits that select."""
    bits = len(order)
    return entries.reshape((2,) * bits).transpose([bits - 1 - k for k in order]).reshape(1 << count, -1)


def _luts(blocks: FloatArray) -> int:
    """LUTs for all bits of the output: one for each function of a block that differs, and those that choose among them."""
    blocks = blocks[~np.isnan(blocks).all(axis=1)]
    codes = np.nan_to_num(blocks * 2.0 ** _fraction(blocks)).astype(np.int64)
    total = 0
    for position in range(max(int(np.abs(codes).max()).bit_length(), 1) + int(codes.min() < 0)):
        functions = np.unique(codes >> position & 1, axis=0)
        varying = int((functions.min(axis=1) < functions.max(axis=1)).sum())
        total += varying + -(-(len(functions) - 1) // 3)
    return total


def _fraction(values: FloatArray) -> int:
    """Fractional bits of the finest value; at most 0 where all are whole numbers."""
    finite, fraction = values[~np.isnan(values)], 0
    while (finite * 2.0**fraction % 1).any():
        fraction += 1
    return fraction


def _selected(x: Variable, entries: FloatArray, order: tuple[int, ...]) -> Variable:
    """Entries by the bits of `x` (LSB 1, no sign), of which the first of `order` select among LUTs that the last six address."""
    count = max(len(order) - LUT_INPUTS, 0)
    leaf = _gathered(x, order[count:])
    found = _tree(x, leaf, _blocks(entries, order, count), order[:count])
    assert found is not None, "no entry is reached"
    return found


def _gathered(x: Variable, positions: Sequence[int]) -> Variable:
    """A number made of bits of `x`, the first position in its highest bit; neighbours stay together."""
    result, place, k = FVariable.from_const(0.0, hwconf=HARDWARE), 0, len(positions) - 1
    while k >= 0:
        first = k
        while k > 0 and positions[k - 1] == positions[k] + 1:
            k -= 1
        result = result + _word(x, positions[first], positions[k] + 1) * 2.0**place
        place, k = place + first - k + 1, k - 1
    return result


def _word(x: Variable, low: int, high: int) -> Variable:
    """The bits of `x` of weight `2**low` up to `2**(high - 1)`, as a number with LSB 1."""
    return truncate(bits_below(x, high), -low) * 2.0**-low


def _tree(x: Variable, leaf: Variable, blocks: FloatArray, selects: tuple[int, ...]) -> Variable | None:
    """Multiplexers over the bits `selects` of `x`; None where no entry is reached."""
    known = blocks[~np.isnan(blocks)]
    if not len(known):
        return None
    if (known == known[0]).all():
        return FVariable.from_const(float(known[0]), hwconf=HARDWARE)
    if not selects:
        return _whole_table(leaf, _filled(blocks[0])[_codes(leaf)])
    low, high = np.split(blocks, 2)
    if np.all((low == high) | np.isnan(low) | np.isnan(high)):
        return _tree(x, leaf, np.where(np.isnan(low), high, low), selects[1:])
    a, b = _tree(x, leaf, high, selects[1:]), _tree(x, leaf, low, selects[1:])
    if a is None or b is None:
        return a if b is None else b
    return choose(bit(x, selects[0]), a, b)


def _filled(entries: FloatArray) -> FloatArray:
    """Open entries take the value of the address that differs in one bit, the highest one first; 0 where none has one."""
    bits = len(entries).bit_length() - 1
    cube = entries.reshape((2,) * bits)
    for axis in range(bits):
        cube = np.where(np.isnan(cube), np.flip(cube, axis), cube)
    return np.nan_to_num(cube).ravel()


def _whole_table(x: Variable, outputs: FloatArray) -> Variable:
    return FVariable.from_const(float(outputs[0]), hwconf=x.hwconf) if np.all(outputs == outputs[0]) else x.lookup(outputs)


def reached(x: Variable, edges: Sequence[int]) -> Variable:
    """How many of `edges`, rising whole numbers, `x` reaches; `x` has whole values."""
    before, possible = sum(edge <= x.low for edge in edges), [edge for edge in edges if x.low < edge <= x.high]
    signed, integer, _ = (int(v) for v in x.kif)
    if not signed or not possible:
        return _count(x, integer, possible, before)
    negative, offset = [edge for edge in possible if edge < 0], 1 << integer
    below = _count(bits_below(x, integer), integer, [edge + offset for edge in negative], before)
    from_zero = [edge for edge in possible if edge > 0]
    above = _count(bits_below(x, integer), integer, from_zero, before + len(possible) - len(from_zero))
    return choose(x.is_negative(), below, above)


def _count(x: Variable, bits: int, edges: Sequence[int], before: int) -> Variable:
    """`before`, and how many of `edges`, each above 0 and below `2**bits`, the lowest `bits` bits of `x` reach."""
    if not edges:
        return FVariable.from_const(float(before), hwconf=HARDWARE)
    if bits <= LUT_INPUTS:
        low = bits_below(x, bits)
        return _whole_table(low, before + np.searchsorted(edges, _codes(low), side="right").astype(np.float64))
    first, last = max(edges[-1].bit_length(), LUT_INPUTS), max(((1 << bits) - edges[0]).bit_length(), LUT_INPUTS)
    if first < bits:
        inside = _count(x, first, edges, before)
        return choose(any_bit(_word(x, first, bits)), FVariable.from_const(float(before + len(edges)), hwconf=HARDWARE), inside)
    if last < bits:
        start = (1 << bits) - (1 << last)
        inside = _count(x, last, *_behind(edges, start, before))
        return choose(_all_of(x, last, bits), inside, FVariable.from_const(float(before), hwconf=HARDWARE))
    half = 1 << (bits - 1)
    upper = _count(x, bits - 1, *_behind(edges, half, before))
    return choose(bit(x, bits - 1), upper, _count(x, bits - 1, [edge for edge in edges if edge < half], before))


def _behind(edges: Sequence[int], start: int, before: int) -> tuple[list[int], int]:
    """Edges above `start`, counted from there, and `before` with those up to it."""
    rest = [edge - start for edge in edges if edge > start]
    return rest, before + len(edges) - len(rest)


def _all_of(x: Variable, low: int, high: int) -> Variable:
    """1 where all bits of `x` of weight `2**low` up to `2**(high - 1)` are set."""
    return all_bits(_word(x, low, high)) if x.kif[1] >= high else FVariable.from_const(0.0, hwconf=HARDWARE)
