from l1ae.synth import Cell, Netlist, count_resources, parse_netlist, part_of, percent_of

CARRY = {"S": (-1,) * 4, "DI": (-1,) * 4, "CYINIT": (-1,)}
OUTPUTS = {"CARRY4": frozenset({"O", "CO"})}


def block(number, enter):
    outputs = {"O": tuple(range(number, number + 4)), "CO": tuple(range(number + 4, number + 8))}
    return Cell(f"c{number}", "CARRY4", {**CARRY, **outputs, "CI": (enter,)})


def test_every_kind_of_cell_is_counted_where_it_belongs():
    counts = {"LUT1": 1, "LUT6": 3, "FDRE": 4, "FDSE": 1, "LDCE": 1, "MUXF7": 2, "MUXF8": 1, "SRL16E": 2, "SRLC32E": 1, "RAM32M": 2,
              "RAM64X1D": 1, "DSP48E2": 2,
              "RAMB36E2": 1, "RAMB18E2": 3, "URAM288": 1, "INV": 5, "GND": 1, "VCC": 1, "BUFGCE": 1}  # fmt: skip
    cells = [Cell(f"{name}{i}", name, {"O": (9,)}) for name, count in counts.items() for i in range(count)]
    resources = count_resources(Netlist("top", tuple(cells), {}, {}, {}, dict.fromkeys(counts, frozenset({"O"}))))
    assert resources.luts_by_size == (1, 0, 0, 0, 0, 3)
    assert (resources.luts, resources.luts_packed, resources.flip_flops, resources.latches) == (4, 4, 5, 1)
    assert (resources.muxes, resources.shift_registers, resources.memory_luts) == (3, 3, 2 * 4 + 2)
    assert (resources.dsp, resources.bram36, resources.uram, resources.inverters) == (2, 2.5, 1, 5)
    assert resources.other == {"BUFGCE": 1}
    assert percent_of(part_of("xcau15p"), resources)["luts"] == 100 * (4 + 3 + 10) / 77760


def test_two_blocks_of_one_chain_share_a_carry8():
    chained = (block(100, -1), block(200, 107), block(300, 207), block(400, -1))
    design = Netlist("top", chained, {}, {}, {}, OUTPUTS)
    assert [[cell.name for cell in chain] for chain in design.carry_chains] == [["c100", "c200", "c300"], ["c400"]]
    assert (count_resources(design).carry4, count_resources(design).carry8) == (4, 3)


def test_only_the_last_carry_of_a_block_continues_a_chain():
    design = Netlist("top", (block(100, -1), block(200, 103), block(300, 106)), {}, {}, {}, OUTPUTS)
    assert [len(chain) for chain in design.carry_chains] == [1, 1, 1]


def test_public_names_constants_and_offsets_are_read():
    text = """{"modules": {"top": {
      "ports": {"a": {"direction": "input", "bits": [2, 3]}, "y": {"direction": "output", "bits": [4, "0"]}},
      "cells": {"u": {"type": "LUT2", "parameters": {"INIT": "0110"}, "port_directions": {"I0": "input", "I1": "input", "O": "output"},
                      "connections": {"I0": [2], "I1": ["x"], "O": [4]}}, "s": {"type": "$scopeinfo"}},
      "netnames": {"a": {"hide_name": 0, "bits": [2, 3], "offset": 8},
                   "$1": {"hide_name": 1, "bits": [4]}, "z": {"hide_name": 0, "bits": [4]}}}}}"""
    design = parse_netlist(text, "top")
    assert design.cells == (Cell("u", "LUT2", {"I0": (2,), "I1": (-3,), "O": (4,)}),)
    assert (design.inputs, design.outputs) == ({"a": (2, 3)}, {"y": (4, -1)})
    assert design.names == {2: ("a[8]",), 3: ("a[9]",), 4: ("z",)}
    assert design.driver[4] == (design.cells[0], "O")
