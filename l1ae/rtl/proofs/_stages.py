"""Proof that the stages of a pipeline, put together, are the adder graph: no line missing, no register skipped or crossed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from alkaid.types import CombLogic

from l1ae.errors import CheckFailedError
from l1ae.rtl._opcodes import GIVEN, Opcode
from l1ae.rtl._schedule import Pipeline, Stage
from l1ae.rtl._trace import Graph
from l1ae.rtl_results import StageProof

__all__ = ["prove_stages"]


def prove_stages(graph: Graph, pipeline: Pipeline) -> StageProof:
    """Renumber the lines of all stages as terms over the hardware inputs, and compare with those of the graph.

    An input of a stage is what the stage before it puts into that register and nothing else, so a line that reads a value
    of another stage becomes another term. Raises `CheckFailedError` naming stage, line and layer.
    """
    terms, logic = _Terms(), graph.logic
    names = dict.fromkeys(_reachable(logic), -1)
    for i in names:
        names[i] = terms.name(logic, i, names)
    inputs = {logic.ops[i].data[0]: name for i, name in names.items() if logic.ops[i].opcode == Opcode.INPUT}
    if sorted(inputs) != sorted(pipeline.inputs):
        raise CheckFailedError(f"the first stage reads the hardware inputs {list(pipeline.inputs)}, the graph {sorted(inputs)}")
    wanted = Counter(name for i, name in names.items() if logic.ops[i].opcode not in GIVEN)
    missing, registers = wanted.copy(), [inputs[k] for k in pipeline.inputs]
    for k, stage in enumerate(pipeline.stages):
        registers = _walk(k, stage, registers, terms, missing)
    if left := [i for i, name in names.items() if missing[name] > 0]:
        raise CheckFailedError(f"line {left[0]} of layer '{graph.layers[left[0]]}' is in no stage")
    if registers != [names[i] for i in logic.out_idxs]:
        raise CheckFailedError("the last stage does not give the score")
    return StageProof(len(pipeline.stages), len(names))


def _walk(k: int, stage: Stage, registers: Sequence[int], terms: "_Terms", missing: Counter[int]) -> list[int]:
    """Take the lines of stage k off `missing`; the terms that leave it."""
    logic, names = stage.logic, dict[int, int]()
    for i, op in enumerate(logic.ops):
        where = f"stage {k}, line {i} of layer '{stage.layers[i]}'"
        if any(a not in names for a in op.addr):
            raise CheckFailedError(f"{where} reads a line that is not there yet")
        if op.opcode == Opcode.INPUT:
            names[i] = registers[op.data[0]]
            if terms.precision(names[i]) != tuple(op.qint.kif):
                raise CheckFailedError(f"{where} reads a register of another width or binary point than what is put into it")
            continue
        names[i] = terms.name(logic, i, names)
        if op.opcode == Opcode.CONSTANT:
            continue
        missing[names[i]] -= 1
        if missing[names[i]] < 0:
            raise CheckFailedError(f"{where} computes nothing that the graph does, or does it twice")
    if any(logic.out_shifts) or any(logic.out_negs):
        raise CheckFailedError(f"stage {k} shifts or negates on the way into a register")
    return [names[i] for i in logic.out_idxs]


class _Terms:
    """One name (a number) for each term: operation, its data, its range, and the names of its operands."""

    def __init__(self) -> None:
        self._names: dict[tuple[Any, ...], int] = {}
        self._precisions: list[tuple[int, ...]] = []

    def name(self, logic: CombLogic, i: int, known: Mapping[int, int]) -> int:
        """The name of line i, whose operands have the names in `known`."""
        op = logic.ops[i]
        data: tuple[Any, ...] = op.data
        if op.opcode == Opcode.TABLE:
            assert logic.lookup_tables is not None
            table = logic.lookup_tables[op.data[0]]
            data = (table.table.tobytes(), table.spec.out_qint, *op.data[1:])
        key = (op.opcode, data, tuple(op.qint), tuple(known[a] for a in op.addr))
        if key not in self._names:
            self._names[key] = len(self._names)
            self._precisions.append(tuple(op.qint.kif))
        return self._names[key]

    def precision(self, name: int) -> tuple[int, ...]:
        """Sign, integer and fractional bits of a term."""
        return self._precisions[name]


def _reachable(logic: CombLogic) -> list[int]:
    """The lines that the outputs depend on, in order of evaluation."""
    needed, waiting = set(logic.out_idxs), list(logic.out_idxs)
    while waiting:
        new = set(logic.ops[waiting.pop()].addr) - needed
        needed |= new
        waiting.extend(new)
    return sorted(needed)
