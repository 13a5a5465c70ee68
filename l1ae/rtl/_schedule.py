"""Honest pipelining: no stage is longer than its budget, by delays that charge every line."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from alkaid.types import CombLogic, Op

from l1ae.config import MOST_CROSSINGS
from l1ae.errors import UserError
from l1ae.rtl._delay import Delays, absorbed, line_delays
from l1ae.rtl._opcodes import GIVEN, Opcode
from l1ae.rtl._trace import Graph

__all__ = ["Clock", "Lines", "Pipeline", "Stage", "assign", "cut", "schedule"]


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

    The comparison with the threshold is charged to the last stage. Raises `UserError` when one line or the comparison alone is
    longer than a clock, more stages are needed than the clock allows, or no input changes the score.
    """
    delays = delays or Delays()
    logic, layers = _reachable(graph)
    if all(op.opcode != Opcode.INPUT for op in logic.ops):
        raise UserError(
            f"layer '{layers[-1]}': the score is {logic.ops[-1].qint.min:g} for every event, which needs no firmware; "
            "look for a layer whose weights are all 0 or whose output saturates"
        )
    times, budget = line_delays(logic, delays), clock.budget(delays)
    # long stages: a LUT that a register would cut in two is rare
    shared = {} if clock.stages is None else absorbed(logic)
    lines = assign(logic, layers, times, clock, budget, shared=shared)
    score = logic.out_idxs[0]
    compare = _comparison(logic.ops[score], delays, clock)
    last = lines.stages[score] + (lines.ends[score] + compare > budget)
    if clock.stages is not None and last + 1 > clock.stages:
        more = "allow more crossings, or make" if clock.stages < MOST_CROSSINGS else "leave rtl.crossings out for a pipeline, or make"
        raise UserError(
            f"the logic takes {_whole(logic, times, shared) + compare:.1f} ns, which is {last + 1} stages of {clock.period} ns (of which "
            f"{budget:.1f} ns are for logic), but rtl.crossings is {clock.stages}; {more} the network smaller"
        )
    return _pipeline(lines, last, compare, clock)


def _comparison(score: Op, delays: Delays, clock: Clock) -> float:
    width, budget = sum(score.qint.kif), clock.budget(delays)
    time = delays.adder(width)
    if time > budget:
        raise UserError(
            f"the comparison of the score ({width} bits) with the threshold takes {time:.2f} ns, but a clock of {clock.period} ns "
            f"leaves {budget:.2f} ns for logic; choose a slower clock (rtl.clock_period)"
        )
    return time


@dataclass(frozen=True)
class Lines:
    """The lines that count, the operation and the stage of each, and when in its stage it is ready (ns)."""

    logic: CombLogic
    layers: Sequence[str]
    stages: Sequence[int]
    ends: Sequence[float]


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


def assign(
    logic: CombLogic,
    layers: Sequence[str],
    times: Sequence[float],
    clock: Clock,
    budget: float,
    *,
    shared: Mapping[int, Collection[int]] | None = None,
) -> Lines:
    """Each line, which takes `times[i]`, in the earliest stage of `budget` ns that its inputs allow.

    `shared`, from `absorbed`: a line takes no time behind one of the same stage that it absorbs.

    Raises `UserError` naming the layer of a line that alone takes longer.
    """
    stages, ends, shared = [0] * len(times), [0.0] * len(times), shared or {}
    for i, op in enumerate(logic.ops):
        if times[i] > budget:
            raise UserError(
                f"one addition in layer '{layers[i]}' ({sum(op.qint.kif)} bits) takes {times[i]:.2f} ns, but a clock of {clock.period} ns "
                f"leaves {budget:.2f} ns for logic; choose a slower clock (rtl.clock_period)"
            )
        stage = max((stages[a] for a in op.addr), default=0)
        end = _end(times[i], [a for a in op.addr if stages[a] == stage], ends, shared.get(i, ()))
        if end > budget:
            stage, end = stage + 1, times[i]
        stages[i], ends[i] = stage, end
    return Lines(logic, layers, stages, ends)


def _whole(logic: CombLogic, times: Sequence[float], shared: Mapping[int, Collection[int]]) -> float:
    ends = [0.0] * len(times)
    for i, op in enumerate(logic.ops):
        ends[i] = _end(times[i], op.addr, ends, shared.get(i, ()))
    return max(ends)


def _end(time: float, before: Sequence[int], ends: Sequence[float], inside: Collection[int]) -> float:
    """When a line that takes `time` has its value, after the lines `before`; behind those `inside`, which it absorbs, it takes none."""
    return max((ends[a] + (0.0 if a in inside else time) for a in before), default=time)


def _pipeline(lines: Lines, last: int, compare: float, clock: Clock) -> Pipeline:
    score, delays = lines.logic.out_idxs[0], [0.0] * (last + 1)
    for i, stage in enumerate(lines.stages):
        delays[stage] = max(delays[stage], lines.ends[i])
    delays[last] = (lines.ends[score] if lines.stages[score] == last else 0.0) + compare
    stages = zip(cut(lines, last), delays, strict=True)
    inputs = tuple(op.data[0] for op in lines.logic.ops if op.opcode == Opcode.INPUT)
    return Pipeline(tuple(Stage(*program, delay) for program, delay in stages), inputs, clock)


def _last_uses(lines: Lines, last: int) -> list[int]:
    """The last stage that reads each line; the outputs are read behind stage `last`."""
    uses = list(lines.stages)
    for i, op in enumerate(lines.logic.ops):
        for a in op.addr:
            uses[a] = max(uses[a], lines.stages[i])
    for i in lines.logic.out_idxs:
        uses[i] = last + 1
    return uses


def cut(lines: Lines, last: int) -> list[tuple[CombLogic, tuple[str, ...]]]:
    """The programs of the stages 0 to `last`, each with the operation of every line.

    The first reads the program's inputs in the order of their lines, every other one the registers behind the one before it.
    """
    ops, uses = lines.logic.ops, _last_uses(lines, last)
    entering = [i for i, op in enumerate(ops) if op.opcode == Opcode.INPUT]
    programs = []
    for stage in range(last + 1):
        inside = [i for i, op in enumerate(ops) if lines.stages[i] == stage and op.opcode not in GIVEN]
        leaving = [i for i in [*entering, *inside] if uses[i] > stage] if stage < last else list(lines.logic.out_idxs)
        programs.append(_program(lines, entering, inside, leaving))
        entering = leaving
    return programs


def _program(lines: Lines, entering: Sequence[int], inside: Sequence[int], leaving: Sequence[int]) -> tuple[CombLogic, tuple[str, ...]]:
    """Lines as a program of their own, whose inputs are the registers in front of it, and the operation of each."""
    ops, place = lines.logic.ops, {i: k for k, i in enumerate(entering)}
    program = [Op((), Opcode.INPUT, (k,), ops[i].qint, 0.0, 0.0) for k, i in enumerate(entering)]
    names = [lines.layers[i] for i in entering]
    read = {a for i in inside for a in ops[i].addr} | set(leaving)
    constants = {a for a in read if ops[a].opcode == Opcode.CONSTANT}
    for i in [*sorted(constants), *inside]:
        place[i] = len(program)
        program.append(ops[i]._replace(addr=tuple(place[a] for a in ops[i].addr)))
        names.append(lines.layers[i])
    count = len(leaving)
    outputs = [place[i] for i in leaving]
    logic = CombLogic(
        (len(entering), count), [0] * len(entering), outputs, [0] * count, [False] * count, program, 1, 1, lines.logic.lookup_tables
    )
    return logic, tuple(names)
