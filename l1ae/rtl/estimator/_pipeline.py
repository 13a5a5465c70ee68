"""Stages and registers from the levels of each operation: the rule of `_schedule`, applied to longest paths instead of lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from l1ae.contract import Operation, ReconstructionError
from l1ae.errors import UserError
from l1ae.rtl._delay import Delays
from l1ae.rtl._schedule import Clock
from l1ae.rtl.estimator._shape import Level, Shape, Tensor

__all__ = ["Registers", "registers_of", "whole_time"]

# yosys makes a shift register (one LUT for 32 bits of delay) of as many registers in a row, `synth_xilinx` in its manual.
_SHIFT_REGISTER = 3
# Between registers that are far apart, gates of a cast share LUTs (`absorbed`), and the slowest element of one operation seldom
# feeds the slowest of the next: parts of the time of gates of casts and of carry chains that are left, fitted to 144 designs.
_SHARED, _EARLIER = 0.7, 0.93
_ENDLESS = 1e9  # ns


@dataclass(frozen=True)
class Registers:
    """`cycles` stages, `total` bits of registers between them. By operation: those that stay, and shift registers for the others."""

    cycles: int
    total: float
    bits: Mapping[str, float]
    shifts: Mapping[str, float]


@dataclass(frozen=True)
class _Time:
    stage: int
    end: float


@dataclass
class _Value:
    """Bits that exist from a stage on, until the last stage that reads them."""

    owner: str
    bits: float
    made: int
    read: int


def registers_of(operations: Sequence[Operation], shapes: Mapping[str, Shape], tensors: Mapping[str, Tensor], clock: Clock) -> Registers:
    """Schedule the longest path of each operation, in the order of `operations`; the first is the registered input."""
    plan = _Plan(clock)
    plan.place(operations, shapes, tensors)
    return plan.registers(operations[-1].name, tensors)


def whole_time(operations: Sequence[Operation], shapes: Mapping[str, Shape], tensors: Mapping[str, Tensor]) -> float:
    """The longest path from the registered input to the result of the comparison, in ns, without a register between."""
    plan = _Plan(Clock(_ENDLESS, stages=1))
    plan.place(operations, shapes, tensors)
    return plan.compared(operations[-1].name, tensors).end


class _Plan:
    def __init__(self, clock: Clock) -> None:
        self._delays = Delays()
        self._clock, self._budget = clock, clock.budget(self._delays)
        self._ready: dict[str, _Time] = {}
        self._values: dict[str, _Value] = {}
        self._inside: list[_Value] = []

    def place(self, operations: Sequence[Operation], shapes: Mapping[str, Shape], tensors: Mapping[str, Tensor]) -> None:
        """All operations, the first of which is the registered input."""
        self.enter(operations[0].name, tensors[operations[0].name].bits)
        for operation in operations[1:]:
            self.add(operation, shapes[operation.name].levels, tensors[operation.name].bits)

    def enter(self, name: str, bits: float) -> None:
        """The input's register is in front of stage 0."""
        self._ready[name] = _Time(0, 0.0)
        self._values[name] = _Value(name, bits, -1, 0)

    def _delay(self, level: Level) -> float:
        # As `line_delays`: a line that reads another loads its bits twice.
        fan_out = round(2 * level.fan_out)
        delay = self._delays.adder(round(level.chain), fan_out) if level.chain else self._delays.level(fan_out)
        if self._clock.stages is None:
            return delay
        return delay * (_EARLIER if level.chain else _SHARED if level.cast else 1.0)

    def _after(self, time: _Time, delay: float, name: str) -> _Time:
        if delay > self._budget:
            raise UserError(
                f"layer '{name}': one addition takes about {delay:.2f} ns, but a clock of {self._clock.period:.2f} ns leaves "
                f"{self._budget:.2f} ns for logic; choose a slower clock (rtl.clock_period)"
            )
        if time.end + delay > self._budget:
            return _Time(time.stage + 1, delay)
        return _Time(time.stage, time.end + delay)

    def add(self, operation: Operation, levels: Sequence[Level], bits: float) -> None:
        """Place one operation behind its inputs."""
        gates = operation.gate if isinstance(operation, ReconstructionError) and len(operation.inputs) == 3 else None
        # Nothing else is known of an input that pruning has made constant.
        inputs = [name for name in (operation.inputs if gates is None else operation.inputs[:2]) if name in self._ready]
        time = max((self._ready[name] for name in inputs), key=lambda ready: (ready.stage, ready.end), default=_Time(0, 0.0))
        read = time.stage
        value: _Value | None = None
        for k, level in enumerate(levels):
            time = self._after(time, self._delay(level), operation.name)
            if value is None:
                read = time.stage
            else:
                value.read = time.stage
            value = _Value(operation.name, level.live if k < len(levels) - 1 else bits, time.stage, time.stage)
            self._inside.append(value)
        if gates is not None:
            # Which objects are empty is known in stage 0: one bit for each waits, not the words.
            self._inside.append(_Value(operation.name, float(len(np.unique(gates[gates >= 0]))), 0, read))
        for name in inputs:
            self._values[name].read = max(self._values[name].read, read)
        if value is None:
            value = _Value(operation.name, bits if len(operation.inputs) > 1 else 0.0, time.stage, time.stage)
            self._inside.append(value)
        self._ready[operation.name], self._values[operation.name] = time, value

    def compared(self, score: str, tensors: Mapping[str, Tensor]) -> _Time:
        """When the comparison of the score with the threshold is done."""
        return self._after(self._ready[score], self._delays.adder(max(int(tensors[score].widths[0]), 1)), score)

    def registers(self, score: str, tensors: Mapping[str, Tensor]) -> Registers:
        """Everything placed; the comparison with the threshold comes last."""
        compared = self.compared(score, tensors)
        self._values[score].read = compared.stage
        bits: dict[str, float] = {}
        shifts: dict[str, float] = {}
        values = [*self._inside, *(value for value in self._values.values() if value.made < 0)]
        for value in values:
            waits = value.read - value.made
            kept, count = (shifts, -(-waits // 32)) if waits >= _SHIFT_REGISTER else (bits, waits)
            kept[value.owner] = kept.get(value.owner, 0.0) + value.bits * count
        total = sum(value.bits * (value.read - value.made) for value in values)
        return Registers(compared.stage + 1, total, bits, shifts)
