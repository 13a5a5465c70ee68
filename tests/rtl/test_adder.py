"""Our adder against alkaid's, whose place it takes: the same function for every input, and one carry chain."""

from importlib.resources import files
from itertools import product
from pathlib import Path

import pytest

from l1ae.errors import UserError
from l1ae.rtl import primitives
from l1ae.synth import part_of, synthesise
from l1ae.tools import run_yosys

# bits, bits, signed, signed, shift: overlapping, apart, one inside the other, and a shift beyond the result
SHAPES = [(4, 3, 0, 0), (3, 4, 1, 0), (4, 4, 0, 1), (3, 3, 1, 1)]
SHIFTS = (-5, -2, 0, 2, 4)


def _theirs():
    text = (files("alkaid.codegen.rtl") / "verilog" / "source" / "shift_adder.v").read_text()
    return text.replace("module shift_adder", "module theirs")


def _pairs():
    """Modules that hold one adder each, of every shape, and one that says whether all pairs agree."""
    lines, equal = [], []
    for k, ((a, b, signed_a, signed_b), shift, subtract, dropped) in enumerate(product(SHAPES, SHIFTS, (0, 1), (0, 2))):
        whole = max(a + max(-shift, 0), b + max(shift, 0)) + 1
        bits = whole - dropped
        parameters = f"#({a},{b},{signed_a},{signed_b},{bits},{dropped},{shift},{subtract})"
        lines.append(f"wire [{bits - 1}:0] p{k}, q{k}; assign e[{k}] = p{k} == q{k};")
        lines.append(f"shift_adder {parameters} ours{k} (x[{a - 1}:0], y[{b - 1}:0], p{k});")
        lines.append(f"theirs {parameters} theirs{k} (x[{a - 1}:0], y[{b - 1}:0], q{k});")
        equal.append(k)
    return (
        f"module pairs(input [3:0] x, input [3:0] y, output all);\nwire [{len(equal) - 1}:0] e;\n"
        + "\n".join(lines)
        + "\nassign all = &e;\nendmodule\n"
    )


def _proves(folder: Path, ours: str) -> bool:
    for name, text in (("ours.v", ours), ("theirs.v", _theirs()), ("pairs.v", _pairs())):
        (folder / name).write_text(text)
    script = "read_verilog -sv ours.v theirs.v pairs.v\nprep -flatten -top pairs\nsat -verify -prove all 1\n"
    try:
        run_yosys(script, folder, memory_gb=4, timeout=120)
    except UserError:
        return False
    return True


def test_every_sum_and_difference_is_that_of_alkaid(tmp_path):
    """Proven for all values of both terms, in every combination of signs, shifts, and bits that are left out."""
    ours = primitives("v")["shift_adder.v"]
    assert _proves(tmp_path, ours)
    assert not _proves(tmp_path, ours.replace("term0[WIDTH-1:COPIED] - term1", "term0[WIDTH-1:COPIED] + term1"))


@pytest.mark.slow
def test_a_difference_with_low_bits_of_its_own_is_one_carry_chain():
    """x * 16 - y, 13 bits: a LUT for each at most. alkaid's takes 20 and two carry chains, of which one waits for the other."""
    top = "module top(input [7:0] x, input [7:0] y, output [12:0] z); shift_adder #(8,8,0,0,13,0,-4,1) a (x, y, z); endmodule"
    sources = {"shift_adder.v": primitives("v")["shift_adder.v"], "top.v": top}
    found = synthesise(sources, "top", part_of("xcvu9p"), dsp=False, memory_gb=4, cache=None)
    assert found.resources.luts <= 13
    assert len(found.netlist.carry_chains) == 1
