"""Exact linear forms of the lines of an adder graph, and what each line can hold.

A line's form is a row of integers in units of `2**-scale`: one for each input (times the input's code), then a constant.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from alkaid.types import CombLogic, Op

from l1ae.errors import CheckFailedError
from l1ae.rtl._opcodes import LINEAR, Opcode

__all__ = ["Forms", "Port", "linear_forms"]

Row = npt.NDArray[Any]  # int64, or Python integers where those could overflow


@dataclass(frozen=True)
class Port:
    """What a line that enters a layer carries: codes of [low, high], LSB `2**-fraction`."""

    low: int
    high: int
    fraction: int


@dataclass(frozen=True)
class Forms:
    """`rows` by line; `columns` says which column belongs to which entering line. A port of one value only is in the constant."""

    rows: Mapping[int, Row]
    columns: Mapping[int, int]
    scale: int


def _fraction(op: Op) -> int:
    """Number of fractional bits of a line."""
    return int(op.qint.kif[2])


def linear_forms(logic: CombLogic, lines: Sequence[int], ports: Mapping[int, Port], scale: int, keep: Sequence[int]) -> Forms:
    """Forms of the lines `keep` of a program, by propagation through `lines` (in order of evaluation) from `ports`.

    A table is linear where each entry is the sum of what the bits of its address count for: so alkaid adds bits up, six at a time.
    Each line is shown to hold its value for every input: neither a bit above its width nor one below its LSB is ever
    needed. Raises `CheckFailedError` naming the line where that is wrong, or where a line is no linear operation.
    """
    ops = logic.ops
    scale = max([scale, *(p.fraction for p in ports.values()), *(_finest(ops, i) for i in lines)])
    columns = {i: k for k, i in enumerate(i for i, port in ports.items() if port.low < port.high)}
    ranges = _Ranges(ports, columns, _dtype(ops, lines, ports, scale))
    rows = {i: _entering(i, port, columns, scale, ranges.dtype) for i, port in ports.items()}
    readers = Counter(a for i in lines for a in ops[i].addr) + Counter(keep)
    for i in lines:
        rows[i] = _counted(logic, i, rows, scale, ranges) if ops[i].opcode == Opcode.TABLE else _form(ops, i, rows, scale, ranges)
        ranges.check(i, ops[i], rows[i], scale)
        for a in ops[i].addr:
            readers[a] -= 1
            if not readers[a]:
                del rows[a]
    return Forms({i: rows[i] for i in keep}, columns, scale)


def _shifts(op: Op) -> tuple[tuple[int, int], ...]:
    """(sign, shift) of each operand: the line is the sum of operand * sign * 2**shift."""
    match op.opcode:
        case Opcode.NEGATIVE:
            return ((-1, 0),)
        case Opcode.ADD | Opcode.SUBTRACT:
            return ((1, 0), (1 if op.opcode == Opcode.ADD else -1, op.data[0]))
        case Opcode.CAST:
            return ((1, op.data[0]),)
        case Opcode.ADD_CONSTANT:
            return ((1, 0),)
        case Opcode.SUM:
            return tuple((1 if op.data[2 * k] else -1, op.data[2 * k + 1]) for k in range(len(op.addr)))
    return ()


def _finest(ops: Sequence[Op], i: int) -> int:
    """Fractional bits that the line needs before bits are dropped."""
    op = ops[i]
    constant = [op.data[1]] if op.opcode == Opcode.ADD_CONSTANT else []
    terms = zip(op.addr, _shifts(op), strict=True) if op.opcode in LINEAR else ()
    return max([_fraction(op), *constant, *(_fraction(ops[a]) - shift for a, (_, shift) in terms)])


def _dtype(ops: Sequence[Op], lines: Sequence[int], ports: Mapping[int, Port], scale: int) -> Any:
    """int64 where no sum of products of a coefficient and a code can leave it.

    A line that passed `_Ranges.check` has no coefficient above twice its span, because each port has two values or more.
    """
    operands = [ops[a].qint.kif[1] + shift for i in lines if ops[i].opcode in LINEAR for a, (_, shift) in _terms(ops[i])]
    integers = max([0, *(ops[i].qint.kif[1] for i in lines), *operands])
    codes = max((max(abs(p.low), abs(p.high)) for p in ports.values()), default=0)
    bits = integers + scale + codes.bit_length() + len(ports).bit_length() + 4
    return np.int64 if bits < 62 else object


def _terms(op: Op) -> Any:
    return zip(op.addr, _shifts(op), strict=True)


def _entering(i: int, port: Port, columns: Mapping[int, int], scale: int, dtype: Any) -> Row:
    row = np.zeros(len(columns) + 1, dtype)
    unit = 1 << (scale - port.fraction)
    if i in columns:
        row[columns[i]] = unit
    else:
        row[-1] = port.low * unit
    return row


def _form(ops: Sequence[Op], i: int, rows: Mapping[int, Row], scale: int, ranges: "_Ranges") -> Row:
    op = ops[i]
    if op.opcode not in LINEAR:
        raise CheckFailedError(f"line {i} is no linear operation (alkaid's operation {op.opcode})")
    row = np.zeros(ranges.width, ranges.dtype)
    for a, (sign, shift) in _terms(op):
        row = row + sign * _shifted(rows[a], shift)
    if op.opcode == Opcode.ADD_CONSTANT:
        row[-1] += op.data[0] * (1 << (scale - op.data[1]))
    if op.opcode == Opcode.CONSTANT:
        row[-1] = op.data[0] * (1 << (scale - _exponent(op.qint.step)))
    return row


_MOST_BITS = 12
"""Bits of an address of a table that is looked at entry by entry."""


def _counted(logic: CombLogic, i: int, rows: Mapping[int, Row], scale: int, ranges: "_Ranges") -> Row:
    """The form of a table, after each of its entries was held against the sum of what the bits of its address count for."""
    op = logic.ops[i]
    (a,) = op.addr
    assert logic.lookup_tables is not None
    columns = np.flatnonzero(rows[a][:-1])
    places = _places(logic.ops[a], rows[a], columns, scale, ranges)
    if places is None:
        raise CheckFailedError(f"line {i} is a table of more than single bits beside each other, and no linear operation")
    chosen = np.arange(1 << len(columns))[:, None] >> np.arange(len(columns)) & 1
    codes = logic.lookup_tables[op.data[0]].padded_table(logic.ops[a].qint)[chosen @ places]
    counts = codes[1 << np.arange(len(columns))] - codes[0]
    if not np.array_equal(codes, codes[0] + chosen @ counts):
        raise CheckFailedError(f"line {i} is a table whose entries are no sum of what single bits count for, and no linear operation")
    unit = 1 << (scale - _fraction(op))
    row = np.zeros(ranges.width, ranges.dtype)
    row[-1] = int(codes[0]) * unit
    for column, count in zip(columns, counts, strict=True):
        row[column] = int(count) * unit
    return row


def _places(address: Op, row: Row, columns: npt.NDArray[np.intp], scale: int, ranges: "_Ranges") -> npt.NDArray[np.int64] | None:
    """What each port counts for in the codes of an address; None where it is not one bit each, all at places of their own."""
    unit = 1 << (scale - _fraction(address))
    if row[-1] or len(columns) > _MOST_BITS or not ranges.are_bits(columns) or any(int(row[k]) % unit for k in columns):
        return None
    places = [int(row[k]) // unit for k in columns]
    alone = all(place > 0 and place & (place - 1) == 0 for place in places) and len(set(places)) == len(places)
    return np.array(places, np.int64) if alone else None


def _exponent(step: float) -> int:
    """N where `step` is `2**-N`."""
    mantissa, exponent = np.frexp(step)
    assert mantissa == 0.5, "a step is a power of two"
    return 1 - int(exponent)


def _shifted(row: Row, shift: int) -> Row:
    """`row * 2**shift`; the scale is fine enough for a negative shift to be exact."""
    if shift >= 0:
        return row * (1 << shift)
    shifted: Row = row // (1 << -shift)
    assert np.array_equal(shifted * (1 << -shift), row), "the scale is too coarse"
    return shifted


class _Ranges:
    """Ranges of forms over all codes of the ports."""

    def __init__(self, ports: Mapping[int, Port], columns: Mapping[int, int], dtype: Any) -> None:
        self.dtype = dtype
        self.width = len(columns) + 1
        self._low = np.array([ports[i].low for i in columns], dtype)
        self._high = np.array([ports[i].high for i in columns], dtype)

    def are_bits(self, columns: npt.NDArray[np.intp]) -> bool:
        """Whether the ports of all these columns have the codes 0 and 1."""
        return bool(np.all(self._low[columns] == 0) and np.all(self._high[columns] == 1))

    def check(self, i: int, op: Op, row: Row, scale: int) -> None:
        """Raise `CheckFailedError` unless the line's bits hold the form for all inputs."""
        positive, negative = np.maximum(row[:-1], 0), np.minimum(row[:-1], 0)
        low = int(row[-1] + positive @ self._low + negative @ self._high)
        high = int(row[-1] + positive @ self._high + negative @ self._low)
        signed, integer, fraction = (int(v) for v in op.qint.kif)
        unit, limit = 1 << (scale - fraction), 1 << max(integer + scale, 0)
        if high > limit - unit or low < -limit * signed:
            bits = f"{signed + integer + fraction} bits (LSB 2^{-fraction}{', signed' if signed else ''})"
            raise CheckFailedError(f"line {i} of {bits} overflows: its value reaches {low / 2**scale:g} to {high / 2**scale:g}")
        if np.any(row % unit):
            raise CheckFailedError(f"line {i} drops bits of its value below its LSB 2^{-fraction}")
