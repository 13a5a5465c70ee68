"""RTL against netlist: equal ones are proven, and one changed bit of one LUT is found."""

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("pyosys")

from l1ae.errors import UserError
from l1ae.rtl import Clock, unroll
from l1ae.rtl.proofs._netlist import combinational_modules, compare_netlist, prove_netlist
from l1ae.synth import part_of, synthesise

from ...hls.networks import Network

PART = part_of("xcvu13p")
LIMITS = {"memory_gb": 4.0, "timeout": 300.0}

VERILOG = """
module square(input [4:0] model_inp, output [9:0] model_out);
  wire [9:0] looked;
  low op_0 (model_inp[2:0], looked[5:0]);
  assign looked[9:6] = model_inp[4:3] + model_inp[2:1];
  assign model_out = looked + model_inp;
endmodule
module low(input [2:0] in, output reg [5:0] out);
  always @(*) case (in)
    0: out = 0; 1: out = 1; 2: out = 4; 3: out = 9; 4: out = 16; 5: out = 25; 6: out = 36; 7: out = 49;
  endcase
endmodule
"""


@pytest.fixture(scope="module")
def netlist():
    return synthesise({"square.v": VERILOG}, "square", PART, dsp=False, cache=None, **LIMITS)


def changed(netlist, cell_type, parameter):
    """The netlist with the lowest bit of a cell's parameter inverted."""
    content = json.loads(gzip.decompress(netlist.netlist_json))
    cells = content["modules"]["square"]["cells"]
    name = next(name for name, cell in cells.items() if cell["type"].startswith(cell_type))
    bits = cells[name]["parameters"][parameter]
    cells[name]["parameters"][parameter] = bits[:-1] + "10"[int(bits[-1])]
    return replace(netlist, netlist_json=gzip.compress(json.dumps(content).encode()))


@pytest.mark.slow
def test_rtl_and_its_netlist_are_equal(netlist):
    assert compare_netlist({"square.v": VERILOG}, "square", netlist, **LIMITS) == ("proven", "")


def test_one_bit_of_one_lut_is_found(netlist):
    verdict, reason = compare_netlist({"square.v": VERILOG}, "square", changed(netlist, "LUT", "INIT"), **LIMITS)
    assert verdict == "differs"
    assert "another output" in reason


def test_one_entry_of_a_table_in_the_rtl_is_found(netlist):
    verdict, _ = compare_netlist({"square.v": VERILOG.replace("5: out = 25", "5: out = 24")}, "square", netlist, **LIMITS)
    assert verdict == "differs"


def tiny():
    b = Network(seed=2)
    b.inputs(2, np.zeros(2, int), np.full(2, -1), "fixed<12,10>", form="fixed<4,4>")
    b.dense("enc", "inputs", 1)
    b.score("enc", 3)
    return b.contract("tiny_v1")


@pytest.mark.slow
def test_all_stages_of_a_design_are_proven_and_remembered(tmp_path):
    contract = tiny()
    unrolled = unroll(contract, Clock(4.0), "xcvu13p", "binary")
    modules = combinational_modules(unrolled.project)
    assert modules == tuple(f"tiny_v1_stage{k}" for k in range(len(unrolled.pipeline.stages)))
    first, second = (prove_netlist(unrolled.project, PART, cache=tmp_path, **LIMITS) for _ in range(2))
    assert [(p.module, p.verdict, p.cached) for p in first] == [(name, "proven", False) for name in modules]
    assert second == tuple(replace(p, cached=True) for p in first)


def test_a_limit_that_is_reached_is_no_verdict(tmp_path):
    project = unroll(tiny(), Clock(20.0), "xcvu13p", "binary").project
    (proof,) = prove_netlist(project, PART, memory_gb=4.0, timeout=0.05, cache=tmp_path)
    assert proof.verdict == "not finished"
    assert "did not finish" in proof.reason
    (again,) = prove_netlist(project, PART, memory_gb=4.0, timeout=0.05, cache=tmp_path)
    assert again == replace(proof, cached=True)


def test_rtl_that_yosys_refuses_is_an_error_of_the_user(netlist):
    with pytest.raises(UserError, match="yosys refused the design"):
        compare_netlist({"square.v": "module square(; endmodule"}, "square", netlist, **LIMITS)
