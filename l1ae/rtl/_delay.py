"""How long a line of the adder graph takes, routing included: what the pipeline is cut by.

Every line is charged, also those that synthesis will probably absorb, so that a stage that fits by these figures is a
promise and not a hope for retiming. The logic delays are those of UltraScale+ (speed grade -2) as RapidWright's delay
model publishes them (Maidee et al., "An Open-source Lightweight Timing Model for RapidWright", FPT 2019), the delay of
a net is a statistical guess that grows with its fan-out, chosen so that most designs keep the clock in the typical case of `l1ae synth`,
whose static timing checks the result (docs/rtl_estimator.md counts how many do).
"""

import math
from collections import Counter
from dataclasses import dataclass

from alkaid.types import CombLogic, Op

from l1ae.rtl._arithmetic import LUT_INPUTS
from l1ae.rtl._opcodes import Opcode

__all__ = ["Delays", "absorbed", "line_delays"]


_BITWISE = (Opcode.MUX, Opcode.BIT_BINARY)


@dataclass(frozen=True)
class Delays:
    """Delays of one family in ns: a LUT with its site, a net, carry chains, and what a register takes from a clock."""

    lut: float = 0.09
    net: float = 0.43
    net_per_doubling: float = 0.08
    carry_start: float = 0.15
    carry_per_bit: float = 0.009
    carry_end: float = 0.10
    mux: float = 0.10
    register: float = 0.15

    def level(self, fan_out: int = 1) -> float:
        """One LUT and the net in front of it."""
        return self.lut + self.net + self.net_per_doubling * math.log2(max(fan_out, 1))

    def adder(self, width: int, fan_out: int = 1) -> float:
        """A carry chain of `width` bits behind one LUT level."""
        return self.level(fan_out) + self.carry_start + self.carry_per_bit * width + self.carry_end


def line_delays(logic: CombLogic, delays: Delays) -> list[float]:
    """Delay of every line in ns, from the last of its inputs to its output.

    A line that reads another loads its bits twice, for example the LUT and the carry multiplexer of an adder.
    """
    readers = Counter(a for op in logic.ops for a in set(op.addr))
    return [_delay(logic, op, delays, max((2 * readers[a] for a in op.addr), default=1)) for op in logic.ops]


def absorbed(logic: CombLogic) -> dict[int, frozenset[int]]:
    """By line, the lines in front of it that fit with it into one LUT for each bit, so that only the first of them need take time.

    Multiplexers and gates, where the lines in front have no other reader, have absorbed none themselves, and all together read at
    most six bits: a multiplexer of four with two bits to select by fills a LUT.
    """
    readers = Counter(a for op in logic.ops for a in set(op.addr)) + Counter(logic.out_idxs)
    found: dict[int, frozenset[int]] = {}
    for i, op in enumerate(logic.ops):
        if op.opcode not in _BITWISE:
            continue
        inside: frozenset[int] = frozenset()
        for a in sorted(set(op.addr)):
            alone = readers[a] == 1 and a not in found and logic.ops[a].opcode in (*_BITWISE, Opcode.BIT_UNARY)
            if alone and _inputs(logic, i, inside | {a}) <= LUT_INPUTS:
                inside |= {a}
        if inside:
            found[i] = inside
    return found


def _inputs(logic: CombLogic, i: int, inside: frozenset[int]) -> int:
    """Inputs of one bit of line i together with the lines `inside`: a bit for each operand, all bits of what a line looks at as a whole.

    Only what multiplexers select by is known to be the same bit for several of them.
    """
    selecting, bits = set(), 0
    for k in (i, *inside):
        op = logic.ops[k]
        for place, a in enumerate(op.addr):
            if a in inside or logic.ops[a].opcode == Opcode.CONSTANT:
                continue
            if op.opcode == Opcode.MUX and place == 2:
                selecting.add(a)
            else:
                bits += _width(logic.ops[a]) if op.opcode == Opcode.BIT_UNARY and op.data[0] else 1
    return len(selecting) + bits


def _width(op: Op) -> int:
    return int(sum(op.qint.kif))


def _delay(logic: CombLogic, op: Op, delays: Delays, fan_out: int) -> float:
    width = _width(op)
    match op.opcode:
        case Opcode.INPUT | Opcode.CAST | Opcode.CONSTANT:
            time = 0.0
        case Opcode.NEGATIVE:
            time = 0.0 if width == 1 else delays.adder(width, fan_out)
        case Opcode.ADD | Opcode.SUBTRACT | Opcode.ADD_CONSTANT:
            time = 0.0 if _disjoint(logic, op) else delays.adder(width, fan_out)
        case Opcode.SUM:
            # A compressor of three terms to two, then the carry chain.
            time = delays.level() + delays.adder(width, fan_out)
        case Opcode.RELU | Opcode.MUX | Opcode.BIT_BINARY:
            time = delays.level(fan_out)
        case Opcode.BIT_UNARY:
            bits = _width(logic.ops[op.addr[0]]) if op.data[0] else 1
            time = math.ceil(math.log(max(bits, 2), 6)) * delays.level(fan_out)
        case Opcode.TABLE:
            time = _table(_width(logic.ops[op.addr[0]]), delays, fan_out)
        case unknown:
            raise AssertionError(f"no delay for alkaid's operation {unknown}")
    return time


def _disjoint(logic: CombLogic, op: Op) -> bool:
    """Whether an addition only puts bits side by side: the first term's end above the highest of the second, or the reverse."""
    if op.opcode != Opcode.ADD:
        return False
    (a, b), shift = (logic.ops[k].qint for k in op.addr), op.data[0]
    (signed_a, integer_a, fraction_a), (signed_b, integer_b, fraction_b) = a.kif, b.kif
    above = -fraction_a >= integer_b + shift and not signed_b
    below = -fraction_b + shift >= integer_a and not signed_a
    return bool(above or below)


def _table(bits: int, delays: Delays, fan_out: int) -> float:
    """Six inputs in a LUT, two more by the multiplexers beside it, then one LUT for each two."""
    extra = max(bits - 6, 0)
    return delays.level(fan_out) + min(extra, 2) * delays.mux + math.ceil(max(extra - 2, 0) / 2) * delays.level()
