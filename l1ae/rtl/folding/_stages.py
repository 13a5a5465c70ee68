"""Pipelines between the folded layers: programs of any number of outputs, cut by the same delays as unrolled designs."""

from collections.abc import Sequence
from dataclasses import dataclass

from alkaid.types import CombLogic

from l1ae.rtl._delay import Delays, line_delays
from l1ae.rtl._opcodes import Opcode
from l1ae.rtl._schedule import Clock, assign, cut

__all__ = ["Stages", "stages_of"]


@dataclass(frozen=True)
class Stages:
    """`logic[0]` reads the program's inputs in the order `inputs`, every other stage the registers in front of it."""

    logic: tuple[CombLogic, ...]
    inputs: tuple[int, ...]


def stages_of(logic: CombLogic, layers: Sequence[str], clock: Clock, after: float, delays: Delays) -> Stages:
    """Cut `logic`; `after`: what else its outputs pass before their register, in ns."""
    budget = clock.budget(delays)
    lines = assign(logic, layers, line_delays(logic, delays), clock, budget)
    last = max(lines.stages[i] + (lines.ends[i] + after > budget) for i in logic.out_idxs)
    inputs = tuple(op.data[0] for op in logic.ops if op.opcode == Opcode.INPUT)
    return Stages(tuple(program for program, _ in cut(lines, last)), inputs)
