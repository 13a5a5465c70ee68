"""Verilog and VHDL of pipelines: ports, the bits of the score, the words of the event, and that two compilers accept them."""

import os
import re
import subprocess

import numpy as np
import pytest

from l1ae.contract import Gather, Quantize, Table, Threshold
from l1ae.errors import UserError
from l1ae.rtl import Clock, combinational_sources, layer_of_net, primitives, simulate_rtl, unroll
from l1ae.rtl._emit import design_of
from l1ae.tools import ghdl, verilator

from ..hls.networks import Network
from ..levels import exhaustive
from .exactness import vectors
from .test_schedule import trivial

PART = "xcvu13p-flga2577-2-e"


def network(score="ufixed<12,8,TRN,SAT>", threshold=9, project="emit_v1", terms=(0, 2, 3)):
    """Of six inputs, 1 and 4 are read by nobody; `terms` are the digits of the score, with one fractional bit."""
    b = Network(seed=8)
    b.inputs(6, np.array([0, 1, 2, -1, 1, 0]), np.full(6, -1), "fixed<12,10>", form="fixed<5,4,RND,SAT>")
    b.put(Gather, "some", "inputs", size=4, form=b["inputs"].format, index=np.array([0, 2, 3, 5]))
    b.dense("enc", "some", 3)
    b.put(Quantize, "latent", "enc", size=3, form="fixed<5,4,RND,SAT>")
    codes = np.arange(32) * 7 % 32
    b.put(Table, "table", "latent", size=3, form="ufixed<5,4>", codes=codes, function="test", max_error=0.0)
    b.dense("last", "table", 1)
    b.put(Quantize, "coarse", "last", size=1, form="fixed<6,5,RND_CONV,SAT>")
    b.put(Quantize, "score", "coarse", size=1, form=score)
    b.put(Threshold, "trigger", "score", size=1, form="ufixed<1,1>", threshold=threshold)
    return b.contract(project)


@pytest.fixture(scope="module")
def design():
    contract = network()
    return contract, unroll(contract, Clock(3.0), PART)


def ghdl_or_skip():
    try:
        return ghdl()
    except UserError as error:
        pytest.skip(str(error))


def ports(text, module):
    """Direction and width of every port, of either language, by name."""
    found = {}
    verilog = re.search(rf"^module {module} \((.*?)\);", text, re.DOTALL | re.MULTILINE)
    if verilog:
        for way, high, name in re.findall(r"(input|output)\s+wire\s+(?:\[(\d+):0\]\s+)?(\w+)", verilog[1]):
            found[name] = (way.removesuffix("put"), int(high or 0) + 1)
        return found
    vhdl = re.search(rf"entity {module} is\s+port \((.*?)\n    \);\nend entity", text, re.DOTALL)
    for name, way, kind in re.findall(r"(\w+)\s*: (in|out)\s+(std_logic(?:_vector\(\d+ downto 0\))?)", vhdl[1]):
        high = re.search(r"\d+", kind)
        found[name] = (way, int(high[0]) + 1 if high else 1)
    return found


@pytest.mark.parametrize("suffix", ["v", "vhd"])
def test_ports(design, suffix):
    contract, unrolled = design
    folder = {"v": "verilog", "vhd": "vhdl"}[suffix]
    top = ports(unrolled.project.files[f"{folder}/emit_v1.{suffix}"], "emit_v1")
    assert top == {
        "clk": ("in", 1),
        "rst": ("in", 1),
        "in_valid": ("in", 1),
        "in_ready": ("out", 1),
        "in_event": ("in", 60),
        "threshold_write": ("in", 1),
        "threshold_in": ("in", 12),
        "threshold": ("out", 12),
        "out_valid": ("out", 1),
        "out_score": ("out", 12),
        "out_trigger": ("out", 1),
        "model_version": ("out", 32),
        "model_digest": ("out", 64),
    }
    core = ports(unrolled.project.files[f"{folder}/emit_v1_core.{suffix}"], "emit_v1_core")
    assert core == {"clk": ("in", 1), "in_event": ("in", 60), "score": ("out", 12)}
    assert contract.hardware.format.width == 10


def test_description(design):
    contract, unrolled = design
    found = unrolled.project.design
    assert found.latency == len(unrolled.pipeline.stages) > 3
    assert (found.name, found.inputs, found.input_bits, found.interval) == ("emit_v1", 6, 10, 1)
    assert (found.score_bits, found.score_signed, found.score_fraction, found.threshold) == (12, False, 4, 9)
    assert (found.clock_period, found.part, found.digest) == (3.0, PART, contract.digest)
    assert unrolled.project.files["emit_v1.xdc"].endswith("\ncreate_clock -name clk -period 3.0 [get_ports clk]\n")
    assert "CORE_LATENCY" in unrolled.project.files["verilog/emit_v1.v"]
    assert f".CORE_LATENCY({found.latency})" in unrolled.project.files["verilog/emit_v1.v"]
    assert re.search(rf"CORE_LATENCY\s+=> {found.latency},", unrolled.project.files["vhdl/emit_v1.vhd"])


def test_version_and_digest_are_constants():
    files = unroll(network(project="emit_v28"), Clock(3.0), PART).project.files
    digest = network(project="emit_v28").digest[:16]
    assert "model_version = 32'd28;" in files["verilog/emit_v28.v"]
    assert f"model_digest = 64'h{digest};" in files["verilog/emit_v28.v"]
    assert 'model_version <= x"0000001c";' in files["vhdl/emit_v28.vhd"]
    assert re.search(rf'model_digest +<= x"{digest}";', files["vhdl/emit_v28.vhd"])


def test_every_generated_file_names_the_contract(design):
    contract, unrolled = design
    own = {name: text for name, text in unrolled.project.files.items() if "emit_v1" in name or "tables" in name}
    assert len(own) > 8
    assert [name for name, text in own.items() if contract.digest not in text] == []


def test_the_same_contract_gives_the_same_bytes(design):
    contract, unrolled = design
    again = unroll(network(), Clock(3.0), PART).project
    assert dict(again.files) == dict(unrolled.project.files)
    assert list(again.files) == list(unrolled.project.files)
    assert unroll(contract.with_threshold(10), Clock(3.0), PART).project.files != unrolled.project.files


def test_only_words_that_are_read_are_registered(design):
    """Words 2 and 3 are neighbours, one assignment."""
    _, unrolled = design
    core = unrolled.project.files["verilog/emit_v1_core.v"]
    found = re.findall(r"stage0_in\[(\d+):(\d+)\] <= in_event\[(\d+):(\d+)\]", core)
    assert found == [("9", "0", "9", "0"), ("29", "10", "39", "20"), ("39", "30", "59", "50")]
    core = unrolled.project.files["vhdl/emit_v1_core.vhd"]
    found = re.findall(r"stage0_in\((\d+) downto (\d+)\) <= in_event\((\d+) downto (\d+)\)", core)
    assert found == [("9", "0", "9", "0"), ("29", "10", "39", "20"), ("39", "30", "59", "50")]


# Format of the score, and what is put around the bits of the last stage; its values are those of fixed<6,5>.
SCORES = {
    "fixed<6,5>": ([], []),
    "fixed<9,7>": (["sign"] * 2, ["'b0"]),
    "fixed<12,5>": ([], ["'b000000"]),
    "fixed<14,13>": (["sign"] * 8, []),
    "ufixed<12,8,TRN,SAT>": (["'b0000"], ["'b000"]),
    "ufixed<5,4,TRN,SAT>": ([], []),
}


@pytest.mark.parametrize("score", SCORES)
def test_the_score_has_the_bits_of_its_format(score):
    above, below = SCORES[score]
    project = unroll(network(score), Clock(5.0), PART).project
    parts = re.search(r"assign score = \{(.*)\};", project.files["verilog/emit_v1_core.v"])[1].split(", ")
    number = next(k for k, part in enumerate(parts) if re.fullmatch(r"stage\d+_out", part))
    assert [re.sub(r"^stage\d+_out\[5\]$", "sign", re.sub(r"^\d+'", "'", part)) for part in parts[:number]] == above
    assert [re.sub(r"^\d+'", "'", part) for part in parts[number + 1 :]] == below


slow = pytest.mark.slow


_QUICK = ("fixed<9,7>", "ufixed<12,8,TRN,SAT>")


@pytest.mark.parametrize("score", [pytest.param(score, marks=() if score in _QUICK else slow) for score in SCORES])
@pytest.mark.parametrize("language", ["vhdl", pytest.param("verilog", marks=slow)])
def test_scores_of_all_formats_are_right_in_simulation(score, language, tmp_path):
    """A negative threshold too, where there is a sign."""
    if language == "vhdl":
        ghdl_or_skip()
    contract = network(score)
    contract = contract.with_threshold(-2 if contract.score.format.signed else 5)
    unroll(contract, Clock(5.0), PART).project.write(tmp_path / "rtl")
    scores = contract.evaluate(vectors(contract, 100))
    assert len(np.unique(scores["score"])) > 10
    assert 0 < scores["trigger"].mean() < 1
    report = simulate_rtl(contract, tmp_path / "rtl", vectors(contract, 100), language=language)
    assert report.passed, (report.first_mismatch, report.first_violation)


@pytest.mark.slow
@pytest.mark.parametrize("form", exhaustive(["fixed<10,10>", "fixed<12,11>", "ufixed<6,7,RND,SAT>"], ("fixed<12,11>",)))
@pytest.mark.parametrize("language", ["vhdl", "verilog"])
def test_a_score_that_is_an_input_word(form, language, tmp_path):
    """Stages of wires only, the first of two words read by nobody."""
    if language == "vhdl":
        ghdl_or_skip()
    contract = trivial(form)
    unroll(contract, Clock(5.0), PART).project.write(tmp_path / "rtl")
    report = simulate_rtl(contract, tmp_path / "rtl", vectors(contract, 60), language=language)
    assert report.passed, (report.first_mismatch, report.first_violation)


def lint(project, folder):
    """What Verilator says about the Verilog, warnings off that are matters of style (unused bits, widths of constants)."""
    project.write(folder)
    tool = verilator()
    sources = [str(folder / name) for name in project.verilog]
    command = [*tool.command, "--lint-only", "-Wno-fatal", "--top-module", project.design.name, *sources]
    return subprocess.run(command, env=os.environ | dict(tool.environment), capture_output=True, text=True, check=False)


def analyse(project, folder, scratch):
    """GHDL without relaxed rules."""
    scratch.mkdir()
    command = [str(ghdl_or_skip()), "-a", "--std=08", f"--workdir={scratch}", *(str(folder / name) for name in project.vhdl)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("adders", "period"), [("binary", 2.0), ("ternary", 25.0)])
def test_both_languages_compile(adders, period, tmp_path):
    project = unroll(network("fixed<9,7>", threshold=-3), Clock(period), PART, adders).project
    result = lint(project, tmp_path / "rtl")
    assert result.returncode == 0, result.stderr
    assert not re.search(r"%Error|%Warning-(LATCH|MULTIDRIVEN|COMBDLY|BLKSEQ|UNDRIVEN|IMPLICIT|PINMISSING|CASEINCOMPLETE)", result.stderr)
    result = analyse(project, tmp_path / "rtl", tmp_path / "work")
    assert result.returncode == 0, result.stderr


def test_a_damaged_source_does_not_compile(tmp_path):
    """The check of the compilers can fail."""
    project = unroll(network(), Clock(5.0), PART).project
    files = dict(project.files)
    files["verilog/emit_v1_core.v"] = files["verilog/emit_v1_core.v"].replace("stage1_in <= stage0_out", "stage1_in <= stage0_missing")
    files["vhdl/emit_v1_core.vhd"] = files["vhdl/emit_v1_core.vhd"].replace("stage1_in <= stage0_out", "stage1_in <= stage0_missing")
    damaged = type(project)(project.design, files, project.verilog, project.vhdl)
    assert lint(damaged, tmp_path / "rtl").returncode != 0
    assert analyse(damaged, tmp_path / "rtl", tmp_path / "work").returncode != 0


def test_default_threshold_in_twos_complement():
    project = unroll(network("fixed<9,7>", threshold=-3), Clock(5.0), PART).project
    assert ".DEFAULT_THRESHOLD(9'd509)" in project.files["verilog/emit_v1.v"]
    assert re.search(r'DEFAULT_THRESHOLD => "111111101"', project.files["vhdl/emit_v1.vhd"])
    assert ".SCORE_SIGNED(1)" in project.files["verilog/emit_v1.v"]


def test_nets_belong_to_layers(design):
    _, unrolled = design
    stages = unrolled.pipeline.stages
    for k, stage in enumerate(stages):
        for i, layer in enumerate(stage.layers):
            assert layer_of_net(unrolled.pipeline, f"core.stage{k}.v{i}") == layer
            assert layer_of_net(unrolled.pipeline, f"$techmap\\core.stage{k}.op_{i}.$add$x:3$7") == layer
    for net in ("core.stage0_in", "trigger.score", "clk", "core.stage1_out", "stage0.model_inp", "stage0.v99999", "stage999.v0"):
        assert layer_of_net(unrolled.pipeline, net) is None


def test_every_instance_and_wire_of_a_stage_has_its_layer(design):
    """The names in the Verilog are those that `layer_of_net` looks for."""
    _, unrolled = design
    for k, stage in enumerate(unrolled.pipeline.stages):
        text = unrolled.project.files[f"verilog/emit_v1_stage{k}.v"]
        wires = {int(n) for n in re.findall(r"wire \[\d+:0\] v(\d+);", text)}
        cells = {int(n) for n in re.findall(r"\) op_(\d+)", text)}
        assert wires
        assert max(wires | cells) < len(stage.layers)
        assert cells <= wires


def test_primitives_and_single_programs(design):
    _, unrolled = design
    for suffix, word in (("v", "module"), ("vhd", "entity")):
        sources = primitives(suffix)
        assert sources
        assert all(name.endswith(f".{suffix}") and word in text for name, text in sources.items())
    (layer,) = [part for part in unrolled.graph.parts if part.name == "table"]
    sources = combinational_sources([layer.logic], lambda _: "layer_table", "v")
    assert set(sources) == {"tables.v", "layer_table.v"}
    assert "module layer_table" in sources["layer_table.v"]
    assert list(combinational_sources([unrolled.graph.parts[0].logic], lambda _: "x", "vhd")) == ["x.vhd"]


def test_sources_are_in_order_of_compilation(design):
    """A VHDL entity stands before the one that contains it."""
    _, unrolled = design
    names = [re.sub(r"\d+", "#", name) for name in unrolled.project.vhdl]
    assert names.index("vhdl/emit_v#_stage#.vhd") < names.index("vhdl/emit_v#_core.vhd") < names.index("vhdl/emit_v#.vhd")
    assert names.index("vhdl/l#ae_trigger.vhd") < names.index("vhdl/emit_v#.vhd")


def test_design_of_a_signed_score():
    found = design_of(network("fixed<9,7>", threshold=-3), latency=4, interval=2, clock_period=2.5, part=PART)
    assert (found.score_bits, found.score_signed, found.score_fraction, found.threshold, found.interval) == (9, True, 2, -3, 2)
