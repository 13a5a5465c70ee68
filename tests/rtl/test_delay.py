"""Delays of single lines, from the constants of `Delays`."""

from dataclasses import replace
from math import log2

import numpy as np
import pytest
from alkaid.trace.fixed_variable import FVariable
from alkaid.trace.passes import dead_code_elimin, fuse_ternary_adders

from l1ae.rtl._arithmetic import HARDWARE, any_bit, choose, gated, program
from l1ae.rtl._delay import Delays, absorbed, line_delays
from l1ae.rtl._opcodes import Opcode

# One unit each, of different size, so that every sum of them is one combination only.
DELAYS = Delays(lut=1, net=10, net_per_doubling=0, carry_start=1e3, carry_per_bit=1e4, carry_end=1e6, mux=1e8, register=1e9)
LEVEL = 11
ADDER = LEVEL + 1e3 + 1e6


def variable(low, high, fraction=0):
    return FVariable(low * 2.0**-fraction, high * 2.0**-fraction, 2.0**-fraction, hwconf=HARDWARE)


def delays(inputs, outputs):
    """Opcode and delay of every line that is no input."""
    logic = program(inputs, outputs)
    return [(op.opcode, time) for op, time in zip(logic.ops, line_delays(logic, DELAYS), strict=True) if op.opcode != Opcode.INPUT]


def test_inputs_and_wires_cost_nothing():
    x = variable(-8, 7)
    logic = program([x], [x.quantize(0, 2, 0)])
    assert line_delays(logic, DELAYS) == [0] * len(logic.ops)


def test_an_adder_is_a_carry_chain_over_all_bits_of_its_result():
    a, b = variable(-8, 7), variable(-8, 7)
    assert delays([a, b], [a + b]) == [(Opcode.ADD, ADDER + 5e4)]
    assert delays([a, b], [a - b]) == [(Opcode.SUBTRACT, ADDER + 5e4)]


def test_a_rounding_constant_is_charged():
    x = variable(-8, 7, 2)
    assert delays([x], [x + 0.5]) == [(Opcode.ADD_CONSTANT, ADDER + 5e4)]


def test_bits_side_by_side_are_no_adder():
    a, b = variable(-8, 7), variable(0, 3)
    assert delays([a, b], [a * 4.0 + b]) == [(Opcode.ADD, 0)]
    assert delays([b, a], [b + a * 4.0]) == [(Opcode.ADD, 0)]
    assert delays([a, b], [a * 2.0 + b])[0][1] > 0
    signed = variable(-2, 1)
    assert delays([a, signed], [a * 4.0 + signed])[0][1] > 0


def test_a_difference_of_disjoint_bits_is_an_adder():
    a, b = variable(-8, 7), variable(0, 3)
    assert delays([a, b], [a * 4.0 - b])[0][1] > ADDER


def test_a_negative_number_is_an_adder_and_a_negative_bit_is_not():
    x, bit = variable(-8, 7), variable(0, 1)
    logic = program([x], [-x + 0.0])
    times = [time for op, time in zip(logic.ops, line_delays(logic, DELAYS), strict=True) if op.opcode == Opcode.NEGATIVE]
    assert times in ([], [ADDER + 5e4])
    assert [time for code, time in delays([bit, x], [gated(bit, x)]) if code == Opcode.NEGATIVE] in ([], [0])


def test_gates_are_one_level():
    a, b, on = variable(0, 15), variable(0, 15), variable(0, 1)
    assert delays([a, b], [a & b]) == [(Opcode.BIT_BINARY, LEVEL)]
    assert delays([a], [(a - 3.0).relu()])[-1] == (Opcode.RELU, LEVEL)
    assert max(time for code, time in delays([on, a, b], [on.msb_mux(a, b)]) if code == Opcode.MUX) == LEVEL


@pytest.mark.parametrize(("bits", "levels"), [(2, 1), (6, 1), (7, 2), (30, 2), (36, 2), (37, 3)])
def test_an_or_of_many_bits_is_a_tree_of_luts(bits, levels):
    x = variable(0, 2**bits - 1)
    assert delays([x], [any_bit(x)]) == [(Opcode.BIT_UNARY, levels * LEVEL)]


@pytest.mark.parametrize(("bits", "muxes", "levels"), [(4, 0, 0), (6, 0, 0), (7, 1, 0), (8, 2, 0), (9, 2, 1), (10, 2, 1), (11, 2, 2)])
def test_a_table_is_a_lut_then_multiplexers_then_luts(bits, muxes, levels):
    x = variable(0, 2**bits - 1)
    assert delays([x], [x.lookup(np.arange(2.0**bits) ** 2 % 61)]) == [(Opcode.TABLE, LEVEL + muxes * 1e8 + levels * LEVEL)]


def test_a_net_with_more_readers_is_slower():
    """Every line that reads another loads its bits twice."""
    x, others = variable(-8, 7), [variable(-8, 7) for _ in range(5)]
    for count in (1, 2, 5):
        logic = program([x, *others], [x + y for y in others[:count]])
        times = line_delays(logic, replace(DELAYS, net_per_doubling=100))
        found = [time for op, time in zip(logic.ops, times, strict=True) if op.opcode == Opcode.ADD]
        assert found == [pytest.approx(ADDER + 5e4 + 100 * log2(2 * count))] * count


def test_three_terms_take_a_level_more_than_two():
    terms = [variable(-8, 7) for _ in range(3)]
    logic = dead_code_elimin(fuse_ternary_adders(program(terms, [terms[0] + terms[1] + terms[2]])))
    times = [time for op, time in zip(logic.ops, line_delays(logic, DELAYS), strict=True) if op.opcode == Opcode.SUM]
    assert times == [LEVEL + ADDER + 6e4]


def test_units_add_up():
    delays = Delays()
    assert delays.level() == delays.lut + delays.net
    assert delays.level(4) == pytest.approx(delays.level() + 2 * delays.net_per_doubling)
    assert delays.adder(8) == pytest.approx(delays.level() + delays.carry_start + 8 * delays.carry_per_bit + delays.carry_end)
    assert 0.3 < delays.level() < delays.adder(8) < 1.2


def shares(inputs, output):
    """How many lines each absorbing line takes into its LUTs, by its opcode."""
    logic = program(inputs, [output])
    return [(logic.ops[i].opcode, len(inside)) for i, inside in absorbed(logic).items()]


def test_four_to_one_with_two_bits_to_select_by_is_one_lut():
    words, low, high = [variable(0, 15) for _ in range(4)], variable(0, 1), variable(0, 1)
    pairs = choose(low, words[0], words[1]), choose(low, words[2], words[3])
    assert shares([*words, low, high], choose(high, *pairs)) == [(Opcode.MUX, 2)]


def test_seven_bits_do_not_fit_into_a_lut():
    words, bits = [variable(0, 15) for _ in range(4)], [variable(0, 1) for _ in range(3)]
    pairs = choose(bits[0], words[0], words[1]), choose(bits[1], words[2], words[3])
    assert shares([*words, *bits], choose(bits[2], *pairs)) == [(Opcode.MUX, 1)]


@pytest.mark.parametrize(("width", "expected"), [(5, [(Opcode.BIT_BINARY, 1)]), (6, [])])
def test_whether_any_bit_is_set_shares_a_lut_with_the_gate_behind_it(width, expected):
    x, gate = variable(0, 2**width - 1), variable(0, 1)
    assert shares([x, gate], any_bit(x) & gate) == expected


def test_what_others_read_too_keeps_its_own_lut():
    x, gate = variable(0, 15), variable(0, 1)
    some = any_bit(x)
    logic = program([x, gate], [some & gate, some])
    assert absorbed(logic) == {}
