"""Bins and tables are counted in the gates that they are traced to: what is small is not worth a law of its own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from alkaid.types import CombLogic, Op

from l1ae.rtl._arithmetic import LUT_INPUTS, program
from l1ae.rtl._delay import absorbed
from l1ae.rtl._opcodes import Opcode
from l1ae.rtl.estimator._shape import Level, Shape, any_of

__all__ = ["counted_gates"]


def counted_gates(made: Sequence[Any], variables: Sequence[Any]) -> Shape:
    """The shape of alkaid's variables `made` of `variables`: tables, multiplexers and gates, without carry chains."""
    varying = [v for v in made if v.low < v.high]
    if not varying:
        return Shape()
    logic = program(list(dict.fromkeys(variables)), varying)
    tables, gates, depth, live = 0.0, 0.0, [0] * len(logic.ops), dict[int, float]()
    inside = set[int]().union(*absorbed(logic).values())
    for i, op in enumerate(logic.ops):
        steps = _steps(logic, op)
        depth[i] = steps + max((depth[a] for a in op.addr), default=0)
        if op.opcode == Opcode.TABLE:
            tables += _functions(logic, op)
        elif steps and i not in inside:
            gates += _width(logic.ops[op.addr[0]]) / (LUT_INPUTS - 1) if op.opcode == Opcode.BIT_UNARY else _width(op)
        if steps:
            live[depth[i]] = live.get(depth[i], 0.0) + _width(op)
    levels = tuple(Level(0.0, 1.0, live.get(level, 0.0)) for level in range(1, max(depth) + 1))
    return Shape(logic=gates, tables=tables, levels=levels)


def _width(op: Op) -> int:
    return int(sum(op.qint.kif))


def _steps(logic: CombLogic, op: Op) -> int:
    """Levels of LUTs."""
    match op.opcode:
        case Opcode.TABLE:
            further = max(_width(logic.ops[op.addr[0]]) - LUT_INPUTS, 0)
            return 1 + (max(further - 2, 0) + 1) // 2
        case Opcode.BIT_UNARY if op.data[0]:
            return any_of(_width(logic.ops[op.addr[0]]))
        case Opcode.MUX | Opcode.BIT_BINARY | Opcode.RELU:
            return 1
    return 0


def _functions(logic: CombLogic, op: Op) -> float:
    """LUTs: of each bit of the entries that is not the same in a block of 64."""
    assert logic.lookup_tables is not None
    codes = logic.lookup_tables[op.data[0]].table.astype(np.int64)
    padded = np.append(codes, np.repeat(codes[-1:], -len(codes) % (1 << LUT_INPUTS)))
    bits = (padded[:, None] >> np.arange(_width(op)) & 1).reshape(-1, 1 << LUT_INPUTS, _width(op))
    return float((bits != bits[:, :1]).any(axis=1).sum())
