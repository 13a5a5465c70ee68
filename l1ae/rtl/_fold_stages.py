"""Pipelines between the folded layers: programs of any number of outputs, cut by the same delays as unrolled designs."""

from collections.abc import Sequence
from dataclasses import dataclass

from alkaid.types import CombLogic

from l1ae.rtl._delay import Delays, line_delays
from l1ae.rtl._schedule import Clock, _assign, _program

__all__ = ["Stages", "stages_of"]


@dataclass(frozen=True)
class Stages:
    """`logic[0]` reads the program's inputs in the order `inputs`, every other stage the registers in front of it."""

    logic: tuple[CombLogic, ...]
    inputs: tuple[int, ...]


def stages_of(logic: CombLogic, layers: Sequence[str], clock: Clock, after: float, delays: Delays) -> Stages:
    """Cut `logic`; `after`: what else its outputs pass before their register, in ns."""
    ops, budget, outputs = logic.ops, clock.budget(delays), list(logic.out_idxs)
    lines = _assign(logic, layers, line_delays(logic, delays), clock, budget)
    last = max(lines.stages[i] + (lines.ends[i] + after > budget) for i in outputs)
    uses = list(lines.stages)
    for i, op in enumerate(ops):
        for a in op.addr:
            uses[a] = max(uses[a], lines.stages[i])
    for i in outputs:
        uses[i] = last + 1
    entering = [i for i, op in enumerate(ops) if op.opcode == -1]
    inputs = tuple(ops[i].data[0] for i in entering)
    parts = []
    for stage in range(last + 1):
        inside = [i for i, op in enumerate(ops) if lines.stages[i] == stage and op.opcode not in (-1, 5)]
        leaving = [i for i in [*entering, *inside] if uses[i] > stage] if stage < last else outputs
        parts.append(_program(lines, entering, inside, leaving)[0])
        entering = leaving
    return Stages(tuple(parts), inputs)
