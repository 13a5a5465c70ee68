import math

import pytest

from l1ae.errors import UserError
from l1ae.synth import STAGE, Cell, Netlist, PathKind, analyse_timing, part_of

DRIVING = {**{f"LUT{size}": frozenset({"O"}) for size in range(1, 7)}, "FDRE": frozenset({"Q"}), "INV": frozenset({"O"}),
           "CARRY4": frozenset({"O", "CO"}), "MUXF7": frozenset({"O"}), "PS8": frozenset({"X"}), "DSP48E2": frozenset({"P"})}  # fmt: skip


def flop(data, out):
    return Cell(f"f{out}", "FDRE", {"C": (1,), "CE": (-2,), "D": (data,), "R": (-1,), "Q": (out,)})


def lut(inputs, out):
    return Cell(f"l{out}", f"LUT{len(inputs)}", {**{f"I{k}": (bit,) for k, bit in enumerate(inputs)}, "O": (out,)})


def chain(number, select, data, total, carry, enter):
    return Cell(f"c{number}", "CARRY4", {"S": select, "DI": data, "O": total, "CO": carry, "CI": (enter,), "CYINIT": (-1,)})


def netlist(cells, inputs=(), outputs=(), names=None):
    return Netlist("top", tuple(cells), {"in": tuple(inputs), "clk": (1,)}, {"out": tuple(outputs)}, names or {}, DRIVING)


def band_of(design, name="xcvu9p", **options):
    return analyse_timing(design, part_of(name), **options)


def values(band):
    return [path.ns * 1000 for path in (band.optimistic, band.typical, band.pessimistic)]


def test_two_flip_flops_side_by_side():
    # clock to Q 77, a net with one reader, bypass into the slice 100, setup 25
    band = band_of(netlist([flop(-1, 10), flop(10, 11)]))
    assert values(band) == pytest.approx([77 + 150 + 125, 77 + 350 + 125, 77 + 650 + 125])
    assert band.stage == STAGE
    assert "RapidWright" in band.source
    assert band.typical.kind is PathKind.REGISTER_TO_REGISTER


def test_a_chain_of_luts_costs_a_closed_form():
    depth, readers = 7, 3
    cells, bit = [flop(-1, 10)], 10
    for level in range(depth):
        cells += [lut((bit, bit), 100 + level)] + [lut((bit,), 200 + 2 * level)] * (readers - 2)
        bit = 100 + level
    band = band_of(netlist([*cells, flop(bit, 11)]))
    slow = 50  # a LUT2 uses its two fastest free pins: 50 and 90 ps
    for value, pin, base, slope in zip(values(band), (35, 70, 90), (150, 350, 650), (0, 80, 100), strict=True):
        assert value == pytest.approx(77 + depth * (pin + base + slope * math.log2(readers)) + slow + 25)


def test_a_carry_chain_of_sixteen_bits():
    # two blocks of eight bits, from S[0] of the first to O[7] of the second: S0 to CO7 199, link 46, CI to O7 116
    parts = [chain(i, (500 + i, -1, -1, -1), (-1,) * 4, tuple(range(600 + 10 * i, 604 + 10 * i)),
                   tuple(range(700 + 10 * i, 704 + 10 * i)), 703 + 10 * (i - 1) if i else -1) for i in range(4)]  # fmt: skip
    design = netlist([flop(-1, 10), lut((10,), 500), *parts, flop(633, 11)])
    expected = [77 + net + pin + 15 + 199 + 46 + 116 + 25 + 25 for net, pin in ((150, 35), (350, 50), (650, 50))]
    assert values(band_of(design)) == pytest.approx(expected)


def test_series_7_is_slower_and_has_blocks_of_four_bits():
    parts = [chain(i, (500 + i, -1, -1, -1), (-1,) * 4, tuple(range(600 + 10 * i, 604 + 10 * i)),
                   tuple(range(700 + 10 * i, 704 + 10 * i)), 703 + 10 * (i - 1) if i else -1) for i in range(4)]  # fmt: skip
    design = netlist([flop(-1, 10), lut((10,), 500), *parts, flop(633, 11)])
    expected = 269 + 600 + 53 + 0.63 * (508 + 2 * 114 + 313) + 25
    assert values(band_of(design, "xc7vx690t"))[1] == pytest.approx(expected)


def test_a_select_input_without_a_lut_passes_through_one():
    block = chain(0, (10, -1, -1, -1), (-1,) * 4, (600, 601, 602, 603), (700, 701, 702, 703), -1)
    band = band_of(netlist([flop(-1, 10), block, flop(600, 11)]))
    assert values(band)[1] == pytest.approx(77 + 350 + 50 + 15 + 65 + 25 + 25)


def test_inverters_cost_nothing_and_add_no_net():
    plain = netlist([flop(-1, 10), lut((10, 10), 100), flop(100, 11)])
    inverted = netlist([flop(-1, 10), Cell("i", "INV", {"I": (10,), "O": (20,)}), lut((20, 10), 100), flop(100, 11)])
    assert values(band_of(inverted)) == pytest.approx(values(band_of(plain)))


def test_kinds_are_kept_apart():
    design = netlist([lut((2,), 100), flop(100, 10), lut((10, 10), 101), lut((101,), 102), lut((3, 2, 2), 103)], (2, 3), (102, 103))
    found = {kind: band_of(design, kinds=[kind]).typical for kind in PathKind}
    assert {kind: path.kind for kind, path in found.items()} == {
        PathKind.REGISTER_TO_REGISTER: None,
        PathKind.INPUT_TO_REGISTER: PathKind.INPUT_TO_REGISTER,
        PathKind.REGISTER_TO_OUTPUT: PathKind.REGISTER_TO_OUTPUT,
        PathKind.INPUT_TO_OUTPUT: PathKind.INPUT_TO_OUTPUT,
    }
    assert found[PathKind.REGISTER_TO_REGISTER].ns == 0
    assert found[PathKind.INPUT_TO_REGISTER].ns * 1000 == pytest.approx(350 + 80 * math.log2(3) + 50 + 50 + 25)
    assert found[PathKind.REGISTER_TO_OUTPUT].ns * 1000 == pytest.approx(77 + 430 + 70 + 350 + 50)
    assert found[PathKind.INPUT_TO_OUTPUT].ns * 1000 == pytest.approx(350 + 80 * math.log2(3) + (50 + 90 + 100) / 3)
    assert band_of(design).typical == found[PathKind.REGISTER_TO_OUTPUT]


def test_steps_add_up_and_name_the_layers():
    names = {10: ("stage0.x[3]",), 102: ("stage1.sum",)}
    design = netlist([flop(-1, 10), lut((10,), 100), lut((100,), 101), lut((101,), 102), flop(102, 11)], names=names)
    steps = band_of(design, layer_of=lambda name: name.split(".")[0]).typical.steps
    assert [step.cell for step in steps] == ["FDRE", "LUT1", "LUT1", "LUT1", "FDRE"]
    assert [step.layer for step in steps] == ["stage0", "stage1", "stage1", "stage1", None]
    assert [step.net for step in steps] == ["stage0.x[3]", "", "", "stage1.sum", ""]
    total = 0.0
    for step in steps:
        total += step.wire + step.logic
        assert step.arrival == pytest.approx(total)
    assert total == pytest.approx(band_of(design).typical.ns)


def test_a_combinational_loop_is_refused():
    design = netlist([lut((101, 2), 100), lut((100,), 101)], (2,), (101,), {101: ("out",)})
    with pytest.raises(UserError, match="module 'top' has a combinational loop through or in front of out; break it"):
        band_of(design)


def test_cells_without_known_delays_are_named():
    design = netlist([flop(-1, 10), Cell("p", "PS8", {"A": (10,), "X": (20,)}), flop(20, 11)])
    assert band_of(design).untimed == ("PS8",)


@pytest.mark.parametrize(("registers", "logic"), [({}, 77 + 350 + 1620 + 350 + 125), ({"PREG": "1"}, 77 + 350 + 300 + 1620)])
def test_dsp_blocks_count_with_and_without_registers(registers, logic):
    dsp = Cell("d", "DSP48E2", {"A": (10,), "P": (20,), "CLK": (1,)}, registers)
    assert values(band_of(netlist([flop(-1, 10), dsp, flop(20, 11)])))[1] == pytest.approx(logic)


@pytest.mark.slow
def test_an_adder_of_yosys_has_the_delay_of_its_carry_chain(blocks, part):
    # input to register: net, LUT2, S to the carry out of eight bits, link, CI to O[0], into the flip-flop
    band = analyse_timing(blocks.netlist, part, kinds=[PathKind.INPUT_TO_REGISTER])
    assert band.typical.ns * 1000 == pytest.approx(430 + 70 + 15 + 199 + 46 + 56 + 50)
    assert [step.cell for step in band.typical.steps] == ["input", "LUT2", "CARRY4", "CARRY4", "FDRE"]
    assert not band.untimed
