"""The names of alkaid's operations against alkaid: what it traces an expression to, and what that line computes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from alkaid.codegen.rtl.verilog.comb import comb_logic_gen
from alkaid.trace.fixed_variable import FVariable
from alkaid.trace.passes import dead_code_elimin, fuse_ternary_adders

from l1ae.rtl._arithmetic import HARDWARE, any_bit, program
from l1ae.rtl._opcodes import ADDERS, GIVEN, Opcode

ENTRIES = np.arange(16.0) ** 2 % 61


class Case(NamedTuple):
    """An expression of x and y (-8 to 7) and z (0 to 3), the same for numpy, and what the line has besides its operands."""

    traced: Callable[[Any, Any, Any], Any]
    expected: Callable[[Any, Any, Any], Any]
    data: tuple[int, ...]


CASES = [
    (Opcode.NEGATIVE, Case(lambda x, y, z: -x, lambda x, y, z: -x, ())),
    (Opcode.INPUT, Case(lambda x, y, z: y, lambda x, y, z: y, (1,))),
    (Opcode.ADD, Case(lambda x, y, z: x + y * 4.0, lambda x, y, z: x + 4 * y, (2,))),
    (Opcode.SUBTRACT, Case(lambda x, y, z: x - y * 4.0, lambda x, y, z: x - 4 * y, (2,))),
    (Opcode.RELU, Case(lambda x, y, z: x.relu(), lambda x, y, z: np.maximum(x, 0), ())),
    (Opcode.CAST, Case(lambda x, y, z: x.quantize(1, 2, -1), lambda x, y, z: (x // 2 * 2 + 4) % 8 - 4, (0,))),
    (Opcode.ADD_CONSTANT, Case(lambda x, y, z: x - 1.25, lambda x, y, z: x - 1.25, (-5, 2))),
    (Opcode.CONSTANT, Case(lambda x, y, z: FVariable.from_const(-2.5, hwconf=HARDWARE), lambda x, y, z: -2.5 + 0 * x, (-5,))),
    (Opcode.MUX, Case(lambda x, y, z: z.msb_mux(x, y), lambda x, y, z: np.where(z >= 2, x, y), (0,))),
    (Opcode.MULTIPLY, Case(lambda x, y, z: x * y, lambda x, y, z: x * y, ())),
    (Opcode.TABLE, Case(lambda x, y, z: x.lookup(ENTRIES), lambda x, y, z: ENTRIES[x + 8], (0,))),
    (Opcode.BIT_UNARY, Case(lambda x, y, z: ~x, lambda x, y, z: -1 - x, (0,))),
    (Opcode.BIT_UNARY, Case(lambda x, y, z: any_bit(x), lambda x, y, z: x != 0, (1,))),
    (Opcode.BIT_BINARY, Case(lambda x, y, z: x & y, lambda x, y, z: x & y, (0, 0))),
    (Opcode.BIT_BINARY, Case(lambda x, y, z: x | y, lambda x, y, z: x | y, (0, 1))),
    (Opcode.BIT_BINARY, Case(lambda x, y, z: x ^ y, lambda x, y, z: x ^ y, (0, 2))),
    (Opcode.SUM, Case(lambda x, y, z: x + y - z * 2.0, lambda x, y, z: x + y - 2 * z, (1, 0, 1, 0, 0, 1))),
]


def traced(case):
    x, y, z = (FVariable(low, high, 1.0, hwconf=HARDWARE) for low, high in [(-8.0, 7.0), (-8.0, 7.0), (0.0, 3.0)])
    return dead_code_elimin(fuse_ternary_adders(program([x, y, z], [case.traced(x, y, z)])), keep_dead_inputs=True)


@pytest.mark.parametrize(("opcode", "case"), CASES)
def test_alkaid_calls_it_by_this_number(opcode, case):
    logic = traced(case)
    (score,) = logic.out_idxs
    assert (logic.ops[score].opcode, logic.ops[score].data) == (opcode, case.data)
    assert {op.opcode for op in logic.ops} <= {Opcode.INPUT, opcode}
    inputs = np.stack(np.meshgrid(np.arange(-8, 8), np.arange(-8, 8), np.arange(4)), axis=-1).reshape(-1, 3)
    np.testing.assert_array_equal(logic.predict(inputs.astype(float), n_threads=1)[:, 0], case.expected(*inputs.T))


def test_every_name_is_checked():
    assert {opcode for opcode, _ in CASES} == set(Opcode)


def test_what_is_given_reads_no_line():
    programs = [(opcode, traced(case)) for opcode, case in CASES]
    assert {opcode for opcode, logic in programs if not logic.ops[logic.out_idxs[0]].addr} == GIVEN


@pytest.mark.parametrize(("opcode", "case"), CASES)
def test_adders_are_what_alkaid_writes_adders_for(opcode, case):
    written = comb_logic_gen(traced(case), "one_line")
    assert (opcode in ADDERS) == any(f" {module} #(" in written for module in ("negative", "shift_adder", "ternary_adder"))
