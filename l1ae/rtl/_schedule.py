"""Honest pipelining: no stage is longer than its budget, by delays that charge every line."""

from collections.abc import Sequence
from dataclasses import dataclass

from alkaid.types import CombLogic, Op

from l1ae.errors import UserError
from l1ae.rtl._delay import Delays, line_delays
from l1ae.rtl._trace import Graph

__all__ = ["Clock", "Pipeline", "Stage", "schedule"]


@dataclass(frozen=True)
class Clock:
    """`period` in ns, of which `uncertainty` percent is left to jitter and skew. `stages`: at most so many."""

    period: float
    uncertainty: float = 12.5
    stages: int | None = None

    def budget(self, delays: Delays) -> float:
        """What is left for logic and nets between two registers, in ns."""
        return self.period * (1 - self.uncertainty / 100) - delays.register


@dataclass(frozen=True)
class Stage:
    """The logic between two registers. `layers[i]` is the operation of line i; `delay` in ns."""

    logic: CombLogic
    layers: tuple[str, ...]
    delay: float


@dataclass(frozen=True)
class Pipeline:
    """`stages` in order; the first reads the registered hardware inputs `inputs`, the last gives the score, unregistered."""

    stages: tuple[Stage, ...]
    inputs: tuple[int, ...]
    clock: Clock

    @property
    def register_bits(self) -> int:
        """Bits of the registers in front of the stages."""
        return sum(int(stage.logic.inp_kifs.sum()) for stage in self.stages)


def schedule(graph: Graph, clock: Clock, delays: Delays | None = None) -> Pipeline:
    """Cut the graph into stages of `clock`, each line as early as its inputs allow.

    The comparison with the threshold is charged to the last stage. Raises `UserError` when one line alone is longer than
    a clock, or more stages are needed than the clock allows.
    """
    delays = delays or Delays()
    logic, layers = _reachable(graph)
    times, budget = line_delays(logic, delays), clock.budget(delays)
    stages, ends = _assign(logic, layers, times, budget, clock)
    score = logic.out_idxs[0]
    compare = delays.adder(sum(logic.ops[score].qint.kif))
    last = stages[score] + (ends[score] + compare > budget)
    if clock.stages is not None and last + 1 > clock.stages:
        longest = _whole(logic, times) + compare
        raise UserError(
            f"the logic takes {longest:.1f} ns, which is {last + 1} stages of {clock.period} ns (of which {budget:.1f} ns are for logic), "
            f"but rtl.crossings is {clock.stages}; allow more crossings, or make the network smaller"
        )
    return _cut(logic, layers, stages, ends, last, compare, clock)


def _reachable(graph: Graph) -> tuple[CombLogic, list[str]]:
    """Only the lines that the score depends on."""
    ops = graph.logic.ops
    needed = set(graph.logic.out_idxs)
    for i in range(len(ops) - 1, -1, -1):
        if i in needed:
            needed.update(ops[i].addr)
    kept = sorted(needed)
    place = {i: k for k, i in enumerate(kept)}
    lines = [ops[i]._replace(addr=tuple(place[a] for a in ops[i].addr)) for i in kept]
    logic = graph.logic._replace(ops=lines, out_idxs=[place[i] for i in graph.logic.out_idxs])
    return logic, [graph.layers[i] for i in kept]


def _assign(
    logic: CombLogic, layers: Sequence[str], times: Sequence[float], budget: float, clock: Clock
) -> tuple[list[int], list[float]]:
    """Stage of every line, and when in its stage it is ready."""
    stages, ends = [0] * len(times), [0.0] * len(times)
    for i, op in enumerate(logic.ops):
        if times[i] > budget:
            raise UserError(
                f"one addition in layer '{layers[i]}' ({sum(op.qint.kif)} bits) takes {times[i]:.2f} ns, but a clock of {clock.period} ns "
                f"leaves {budget:.2f} ns for logic; choose a slower clock (rtl.clock_period)"
            )
        stage = max((stages[a] for a in op.addr), default=0)
        start = max((ends[a] for a in op.addr if stages[a] == stage), default=0.0)
        if start + times[i] > budget:
            stage, start = stage + 1, 0.0
        stages[i], ends[i] = stage, start + times[i]
    return stages, ends


def _whole(logic: CombLogic, times: Sequence[float]) -> float:
    ends = [0.0] * len(times)
    for i, op in enumerate(logic.ops):
        ends[i] = times[i] + max((ends[a] for a in op.addr), default=0.0)
    return max(ends)


def _cut(
    logic: CombLogic, layers: Sequence[str], stages: Sequence[int], ends: Sequence[float], last: int, compare: float, clock: Clock
) -> Pipeline:
    ops, score = logic.ops, logic.out_idxs[0]
    last_use = [stages[i] for i in range(len(ops))]
    for i, op in enumerate(ops):
        for a in op.addr:
            last_use[a] = max(last_use[a], stages[i])
    last_use[score] = last + 1
    entering = [i for i, op in enumerate(ops) if op.opcode == -1]
    parts = []
    for stage in range(last + 1):
        inside = [i for i, op in enumerate(ops) if stages[i] == stage and op.opcode not in (-1, 5)]
        available = [*entering, *inside]
        leaving = [i for i in available if last_use[i] > stage] if stage < last else [score]
        delay = max([ends[i] for i in inside], default=0.0)
        if stage == last:
            delay = (ends[score] if stages[score] == last else 0.0) + compare
        parts.append(_stage(logic, layers, entering, inside, leaving, delay))
        entering = leaving
    inputs = tuple(op.data[0] for op in ops if op.opcode == -1)
    return Pipeline(tuple(parts), inputs, clock)


def _stage(
    logic: CombLogic, layers: Sequence[str], entering: Sequence[int], inside: Sequence[int], leaving: Sequence[int], delay: float
) -> Stage:
    """The lines of one stage as a program whose inputs are the registers in front of it."""
    place: dict[int, int] = {}
    ops: list[Op] = []
    names: list[str] = []

    def append(i: int, op: Op) -> None:
        place[i] = len(ops)
        ops.append(op)
        names.append(layers[i])

    for k, i in enumerate(entering):
        append(i, Op((), -1, (k,), logic.ops[i].qint, 0.0, 0.0))
    for i in inside:
        for a in logic.ops[i].addr:
            if a not in place:
                assert logic.ops[a].opcode == 5
                append(a, logic.ops[a])
        append(i, logic.ops[i]._replace(addr=tuple(place[a] for a in logic.ops[i].addr)))
    for i in leaving:
        if i not in place:
            append(i, logic.ops[i])
    count = len(leaving)
    program = CombLogic(
        (len(entering), count), [0] * len(entering), [place[i] for i in leaving], [0] * count, [False] * count, ops, 1, 1, logic.lookup_tables
    )
    return Stage(program, tuple(names), delay)
