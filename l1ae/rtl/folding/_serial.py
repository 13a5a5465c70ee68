"""Digit-serial matrix products: the adder graph of constant weights, a few bits per clock.

All numbers are in two's complement and come least significant digit first. An adder of DIGIT bits keeps its carry in a
register until the next clock. (R. Hartley, P. Corbett, "Digit-serial processing techniques", IEEE Trans. Circuits and
Systems 37 (1990) 707.) Sums are exact modulo 2**(digits * DIGIT), which only the outputs must stay below.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from alkaid.trace import FVArray
from alkaid.trace.fixed_variable import FVariable
from alkaid.types import CombLogic, Op

from l1ae.rtl._arithmetic import program
from l1ae.rtl._opcodes import Opcode
from l1ae.rtl.folding._words import Values, Word, traced_values, variable

__all__ = ["SerialAdder", "SerialNet", "serial_net"]

IntArray = npt.NDArray[np.int64]

# Registers follow every adder, so that depth costs one clock per level and no delay: share as many terms as possible.
# Adders only: no tables for inputs of one bit.
_SOLVER = {"hard_dc": -1, "binary_lut": False}


@dataclass(frozen=True)
class SerialAdder:
    """`a * 2**shift_a +- b * 2**shift_b`. Streams are numbered, inputs first; -1 is zero. `clock`: see `SerialNet`."""

    a: int
    b: int
    shift_a: int
    shift_b: int
    subtract: bool
    clock: int


@dataclass(frozen=True, eq=False)
class SerialNet:
    """`digits` clocks of `digit` bits. `adders[k]` makes stream `len(words) + k`.

    `clocks[i]`: clock in which the lowest digit of stream i is there, the inputs' in clock 0. `outputs`: stream, and how
    many of its lowest bits are always 0. All outputs have their lowest digit in clock `depth`, after a delay if need be.
    """

    words: tuple[Word, ...]
    adders: tuple[SerialAdder, ...]
    clocks: tuple[int, ...]
    outputs: tuple[tuple[int, int], ...]
    values: Values
    digit: int
    digits: int

    @property
    def depth(self) -> int:
        """Clocks from the lowest digit of the inputs to that of the outputs."""
        return max((self.clocks[stream] for stream, _ in self.outputs), default=0)

    def delays(self) -> dict[int, int]:
        """Registers behind each stream, so that it meets the others in time."""
        longest = dict.fromkeys(range(len(self.clocks)), 0)
        for adder in self.adders:
            for stream in (adder.a, adder.b):
                if stream >= 0:
                    longest[stream] = max(longest[stream], adder.clock - 1 - self.clocks[stream])
        for stream, _ in self.outputs:
            longest[stream] = max(longest[stream], self.depth - self.clocks[stream])
        return {stream: clocks for stream, clocks in longest.items() if clocks}

    def simulate(self, words: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The values of the output's words (N, outputs), given those of the inputs (N, words), digit by digit."""
        codes = np.round(words / np.array([word.step for word in self.words])).astype(np.int64)
        streams: list[IntArray] = [self._digits_of(codes[:, k]) for k in range(len(self.words))]
        for adder in self.adders:
            streams.append(_add(adder, streams, self.digit))
        out = [self._word(streams[i], drop, word) for (i, drop), word in zip(self.outputs, self.values.words, strict=True)]
        return np.stack(out, axis=1) if out else np.zeros((len(words), 0))

    def _digits_of(self, codes: IntArray) -> IntArray:
        shifts = np.minimum(self.digit * np.arange(self.digits), 63)[:, None]
        return codes >> shifts & (1 << self.digit) - 1

    def _word(self, digits: IntArray, drop: int, word: Word) -> npt.NDArray[np.float64]:
        kept = [digits[p] << self.digit * p for p in range(self.digits) if self.digit * p < drop + word.width]
        code = np.sum(kept, axis=0) >> drop & (1 << word.width) - 1
        return np.where(word.signed & (code >> (word.width - 1) == 1), code - (1 << word.width), code) * word.step


def _add(adder: SerialAdder, streams: Sequence[IntArray], digit: int) -> IntArray:
    zero = np.zeros_like(streams[0])
    a = _shifted(streams[adder.a] if adder.a >= 0 else zero, adder.shift_a, digit)
    b = _shifted(streams[adder.b] if adder.b >= 0 else zero, adder.shift_b, digit)
    mask, sums = (1 << digit) - 1, np.empty_like(a)
    carry = np.full(a.shape[1], int(adder.subtract))
    for phase in range(len(a)):
        total = a[phase] + (~b[phase] & mask if adder.subtract else b[phase]) + carry
        sums[phase], carry = total & mask, total >> digit
    return sums


def _shifted(digits: IntArray, shift: int, digit: int) -> IntArray:
    out, past = np.empty_like(digits), np.zeros(digits.shape[1], np.int64)
    for phase in range(len(digits)):
        bits = digits[phase] << shift | past
        out[phase], past = bits & (1 << digit) - 1, bits >> digit
    return out


def serial_net(words: Sequence[Word], matrix: npt.NDArray[np.float64], interval: int) -> SerialNet:
    """`x @ matrix` in `interval` clocks; x (n_in,) has the formats `words`, matrix (n_in, n_out) is in real units."""
    matrix = matrix * np.array([[word.low != 0 or word.high != 0] for word in words])
    words = [_stream(word) for word in words]
    inputs = [variable(word) for word in words]
    elements = np.empty(len(inputs), dtype=object)
    elements[:] = inputs
    products = np.asarray(FVArray(elements, _SOLVER) @ matrix, dtype=object)
    outputs = [v if isinstance(v, FVariable) else FVariable.from_const(float(v), hwconf=inputs[0].hwconf) for v in products]
    values, variables = traced_values(outputs)
    logic = program(inputs, variables)
    adders, streams, origins = _adders(logic, words)
    ends, widest = [], 1
    for index, shift, word in zip(logic.out_idxs, logic.out_shifts, values.words, strict=True):
        drop = origins[streams[index]] - shift - word.fraction
        assert drop >= 0
        ends.append((streams[index], drop))
        widest = max(widest, drop + word.width)
    clocks = _clocks(len(words), adders, ends)
    placed = [SerialAdder(*adder, clocks[len(words) + k]) for k, adder in enumerate(adders)]
    return SerialNet(tuple(words), tuple(placed), tuple(clocks), tuple(ends), values, -(-widest // interval), interval)


def _stream(word: Word) -> Word:
    """A format that a variable can have: one value alone would become a constant, which no stream of digits is."""
    if word.low < word.high:
        return word
    return Word(min(word.low, 0.0), max(word.high, 0.0), word.step) if word.low else Word(0.0, word.step, word.step)


_Adder = tuple[int, int, int, int, bool]


def _adders(logic: CombLogic, words: Sequence[Word]) -> tuple[list[_Adder], dict[int, int], list[int]]:
    """The adders, the stream of each line, and the place of the lowest bit of each stream (bits right of the point)."""
    origins, streams, adders = [word.fraction for word in words], {}, []
    for i, op in enumerate(logic.ops):
        if op.opcode == Opcode.INPUT:
            streams[i] = op.data[0]
            continue
        adder, origin = _adder(op, [streams[k] for k in op.addr], origins)
        streams[i] = len(origins)
        adders.append(adder)
        origins.append(origin)
    return adders, streams, origins


def _adder(op: Op, operands: Sequence[int], origins: Sequence[int]) -> tuple[_Adder, int]:
    if op.opcode == Opcode.NEGATIVE:
        return (-1, operands[0], 0, 0, True), origins[operands[0]]
    assert op.opcode in (Opcode.ADD, Opcode.SUBTRACT), f"a matrix product has no operation {op.opcode}"
    a, b = operands
    places = origins[a], origins[b] - op.data[0]
    origin = max(places)
    return (a, b, origin - places[0], origin - places[1], op.opcode == Opcode.SUBTRACT), origin


def _clocks(inputs: int, adders: Sequence[_Adder], outputs: Sequence[tuple[int, int]]) -> list[int]:
    """As early as possible, then everything as late as its readers allow: a sum is narrower than its two terms."""
    clocks = [0] * inputs
    for a, b, *_ in adders:
        clocks.append(1 + max(clocks[stream] for stream in (a, b) if stream >= 0))
    depth = max((clocks[stream] for stream, _ in outputs), default=0)
    latest = [depth] * len(clocks)
    for k in reversed(range(len(adders))):
        for stream in adders[k][:2]:
            if stream >= 0:
                latest[stream] = min(latest[stream], latest[inputs + k] - 1)
    late = [0] * inputs + latest[inputs:]
    return min((clocks, late), key=lambda clock: _registers(clock, adders, outputs, depth))


def _registers(clocks: Sequence[int], adders: Sequence[_Adder], outputs: Sequence[tuple[int, int]], depth: int) -> int:
    longest = [0] * len(clocks)
    first_adder = len(clocks) - len(adders)
    for k, (a, b, *_) in enumerate(adders):
        for stream in (a, b):
            longest[stream] = max(longest[stream], clocks[first_adder + k] - 1 - clocks[stream]) if stream >= 0 else longest[stream]
    for stream, _ in outputs:
        longest[stream] = max(longest[stream], depth - clocks[stream])
    return sum(longest)
