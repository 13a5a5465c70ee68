"""Our adder against alkaid's, whose place it takes: the same function for every input, and one carry chain."""

import shutil
from importlib.resources import files
from itertools import product
from pathlib import Path

import pytest

from l1ae.errors import UserError
from l1ae.rtl import primitives
from l1ae.synth import part_of, synthesise
from l1ae.tools import run_program, run_yosys

# bits, bits, signed, signed, shift: overlapping, apart, one inside the other, and a shift beyond the result
SHAPES = [(4, 3, 0, 0), (3, 4, 1, 0), (4, 4, 0, 1), (3, 3, 1, 1)]
SHIFTS = (-5, -2, 0, 2, 4)


def _theirs():
    text = (files("alkaid.codegen.rtl") / "verilog" / "source" / "shift_adder.v").read_text()
    return text.replace("module shift_adder", "module theirs")


def _adders():
    """Bits of both terms and of the result, and all parameters, of every shape."""
    for (a, b, signed_a, signed_b), shift, subtract, dropped in product(SHAPES, SHIFTS, (0, 1), (0, 2)):
        bits = max(a + max(-shift, 0), b + max(shift, 0)) + 1 - dropped
        yield a, b, bits, f"({a},{b},{signed_a},{signed_b},{bits},{dropped},{shift},{subtract})"


def _pairs():
    """Modules that hold one adder each, of every shape, and one that says whether all pairs agree."""
    lines, equal = [], []
    for k, (a, b, bits, values) in enumerate(_adders()):
        parameters = f"#{values}"
        lines.append(f"wire [{bits - 1}:0] p{k}, q{k}; assign e[{k}] = p{k} == q{k};")
        lines.append(f"shift_adder {parameters} ours{k} (x[{a - 1}:0], y[{b - 1}:0], p{k});")
        lines.append(f"theirs {parameters} theirs{k} (x[{a - 1}:0], y[{b - 1}:0], q{k});")
        equal.append(k)
    return (
        f"module pairs(input [3:0] x, input [3:0] y, output all);\nwire [{len(equal) - 1}:0] e;\n"
        + "\n".join(lines)
        + "\nassign all = &e;\nendmodule\n"
    )


def _proves(folder: Path, ours: str, theirs: str, pairs: str) -> bool:
    for name, text in (("ours.v", ours), ("theirs.v", theirs), ("pairs.v", pairs)):
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
    assert _proves(tmp_path, ours, _theirs(), _pairs())
    wrong = ours.replace("term0[WIDTH-1:COPIED] - term1", "term0[WIDTH-1:COPIED] + term1")
    assert not _proves(tmp_path, wrong, _theirs(), _pairs())


def _in_vhdl() -> tuple[str, str]:
    """An entity that holds an adder of every shape, and a Verilog module that compares it with the same ones in Verilog."""
    ours, theirs, place = [], [], 0
    for k, (a, b, bits, values) in enumerate(_adders()):
        low, high = place, place + bits - 1
        ports = f"x({a - 1} downto 0), y({b - 1} downto 0), z({high} downto {low})"
        ours.append(f"a{k} : entity work.shift_adder generic map {values} port map ({ports});")
        theirs.append(f"shift_adder #{values} a{k} (x[{a - 1}:0], y[{b - 1}:0], w[{high}:{low}]);")
        place = high + 1
    terms, result = "x, y : in std_logic_vector(3 downto 0)", f"z : out std_logic_vector({place - 1} downto 0)"
    entity = [f"entity adders is port ({terms}; {result}); end entity;", "architecture rtl of adders is begin", *ours, "end architecture;"]
    wires = f"wire [{place - 1}:0] z, w; adders other (.x(x), .y(y), .z(z));"
    module = ["module pairs(input [3:0] x, input [3:0] y, output all);", wires, *theirs, "assign all = z == w;", "endmodule"]
    return "\n".join(["library ieee;", "use ieee.std_logic_1164.all;", *entity]), "\n".join(module)


def _as_netlist(folder: Path, adder: str, adders: str) -> str:
    """What GHDL synthesises of VHDL, as Verilog."""
    (folder / "shift_adder.vhd").write_text(adder)
    (folder / "adders.vhd").write_text(adders)
    found = run_program(["ghdl", "--synth", "--std=08", "--out=verilog", "shift_adder.vhd", "adders.vhd", "-e", "adders"], folder=folder)
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.skipif(shutil.which("ghdl") is None, reason="needs GHDL")
def test_the_vhdl_is_the_verilog(tmp_path):
    """Proven for all values of both terms, in the same combinations, of what GHDL synthesises."""
    verilog, vhdl = primitives("v")["shift_adder.v"], primitives("vhd")["shift_adder.vhd"]
    adders, pairs = _in_vhdl()
    assert _proves(tmp_path, verilog, _as_netlist(tmp_path, vhdl, adders), pairs)
    wrong = vhdl.replace("TERM0(WIDTH - 1 downto copied) - TERM1", "TERM0(WIDTH - 1 downto copied) + TERM1")
    assert not _proves(tmp_path, verilog, _as_netlist(tmp_path, wrong, adders), pairs)


@pytest.mark.slow
def test_a_difference_with_low_bits_of_its_own_is_one_carry_chain():
    """x * 16 - y, 13 bits: a LUT for each at most. alkaid's takes 20 and two carry chains, of which one waits for the other."""
    top = "module top(input [7:0] x, input [7:0] y, output [12:0] z); shift_adder #(8,8,0,0,13,0,-4,1) a (x, y, z); endmodule"
    sources = {"shift_adder.v": primitives("v")["shift_adder.v"], "top.v": top}
    found = synthesise(sources, "top", part_of("xcvu9p"), dsp=False, memory_gb=4, cache=None)
    assert found.resources.luts <= 13
    assert len(found.netlist.carry_chains) == 1
