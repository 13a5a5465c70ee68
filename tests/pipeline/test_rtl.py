"""RTL and synthesis of a small trained run: files, manifest, and what happens when something is wrong."""

import json
import logging
import shutil
from dataclasses import asdict, replace

import pytest

from l1ae.config import Config
from l1ae.contract import Contract
from l1ae.errors import CheckFailedError, UserError
from l1ae.manifest import Manifest
from l1ae.pipeline import Run, rtl, train_stage
from l1ae.pipeline.rtl import netlist_lines, proof_lines, rtl_inputs, rtl_stage, synth_inputs, synth_stage
from l1ae.records import SYNTHESIS
from l1ae.rtl import open_design
from l1ae.rtl_results import NetlistProof
from l1ae.tools import ghdl

pytestmark = pytest.mark.slow

EVENTS = 300
MODEL = {"architecture": "dense_vae", "score": "mu2", "encoder": [2], "latent": 1, "decoder": [2], "target_fpr": 0.05}


@pytest.fixture(scope="module")
def trained(make_config, tmp_path_factory):
    """A trained run, shared; tests work on copies of it that hold no other stage."""
    config = make_config(model=MODEL, rtl={"events": EVENTS, "vhdl_events": 20})
    return train_stage(config, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    """No synthesis of the user's cache is used or changed."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setattr("l1ae.pipeline.rtl.user_cache", lambda kind: folder / kind)
        yield


def with_rtl(run, folder, **section):
    """A run of the same contract in `folder`, with other settings."""
    content = run.config.model_dump(mode="json")
    content["rtl"] |= section
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "contract").symlink_to(run.path("contract"))
    Manifest(run.config.project, {"contract": run.manifest.stages["contract"]}).save(folder)
    other = Run(folder, Config.model_validate(content))
    other.save_config()
    return other


@pytest.fixture(scope="module")
def made(trained, tmp_path_factory):
    """RTL and synthesis with the defaults; tests must leave the files as they are."""
    run = with_rtl(trained, tmp_path_factory.mktemp("made") / "run")
    return run, rtl_stage(run), synth_stage(run)


def content(run, name):
    return json.loads((run.folder / name).read_text())


def test_what_the_stage_writes(made):
    run, result, _ = made
    assert result.passed
    files = {path.name for path in run.path("rtl").iterdir()}
    assert {"design.json", "summary.json", "proof.json", "report.json", "verilog", "vhdl", "tiny_v1.xdc"} <= files
    assert not [path for path in run.folder.iterdir() if path.name.startswith(".tmp")]
    contract = Contract.load(run.path("contract") / "contract.json")
    report = content(run, "rtl/report.json")
    assert (report["project"], report["events"], report["mismatches"], report["protocol_violations"]) == ("tiny_v1", EVENTS, 0, 0)
    # the variances are in the contract, but not in the score
    assert {layer["name"] for layer in report["layers"]} == {o.name for o in contract.operations[1:-1] if "log_var" not in o.name}
    assert all(layer["mismatches"] == 0 for layer in report["layers"])
    summary = content(run, "rtl/summary.json")
    assert (summary["mode"], summary["adders"], summary["digest"]) == ("unrolled", "binary", contract.digest)
    assert summary["latency"] == len(summary["stages"]) == result.verilog.latency
    assert summary["latency_ns"] == pytest.approx(summary["latency"] * run.config.rtl_clock_period)
    for stage in summary["stages"]:
        assert stage["delay_ns"] <= run.config.rtl_clock_period * 0.875
    assert open_design(run.path("rtl")).design.latency == summary["latency"]


def test_what_is_proven(made):
    run, result, _ = made
    proof = content(run, "rtl/proof.json")
    assert proof == json.loads(json.dumps(asdict(result.proof)))
    assert [layer["name"] for layer in proof["linear"]["layers"] if not layer["proven"]] == []
    lines = proof_lines(result.proof)
    number = len(proof["linear"]["layers"])
    assert lines[0].startswith(f"proof: {number} of {number} linear layers for all inputs")
    assert proof["stages"]["stages"] == result.verilog.latency


def test_the_vhdl_is_simulated_where_ghdl_is(made):
    run, result, _ = made
    if result.vhdl is None:
        pytest.skip("no GHDL")
    report = content(run, "rtl/report_vhdl.json")
    assert (report["language"], report["events"], report["mismatches"]) == ("vhdl", 20, 0)


def test_what_synthesis_writes(made):
    run, result, synthesis = made
    report = content(run, "synth/report.json")
    assert report == json.loads(json.dumps(asdict(synthesis)))
    assert report["rtl"] == content(run, "rtl/summary.json")
    assert report["latency_cycles"] == result.verilog.latency
    assert report["resources"]["luts"] >= report["resources"]["luts_packed"] > 100
    assert report["resources"]["dsp"] == 0
    # the registers that the pipeline has, and those of the trigger shell; none is lost but where bits are constant
    shell = 2 * 18 + 2 + report["latency_cycles"]
    assert 0.8 * report["rtl"]["register_bits"] < report["resources"]["flip_flops"] <= report["rtl"]["register_bits"] + shell
    names = [layer["name"] for layer in report["layers"]]
    assert names == [layer["name"] for layer in report["rtl"]["layers"]]
    assert 0.5 < sum(layer["luts"] for layer in report["layers"]) / report["resources"]["luts"] < 2
    timing = [report["timing"][name]["ns"] for name in ("optimistic", "typical", "pessimistic")]
    assert timing == sorted(timing)
    assert 0 < timing[0] < 2 * report["clock_period"]
    assert {step["layer"] for step in report["timing"]["typical"]["steps"]} <= {None, *names, "hw"}
    assert report["changed_files"] == []
    assert report["proof"] is None
    assert netlist_lines(synthesis.proof) == []


def test_stages_are_current_until_something_changes(made, trained, tmp_path):
    run, _, _ = made
    assert run.is_current("rtl", rtl_inputs(run, EVENTS))
    assert run.is_current("synth", synth_inputs(run))
    assert not run.is_current("rtl", rtl_inputs(run, EVENTS + 1))
    assert not run.is_current("synth", synth_inputs(run, prove=True))
    for section in ({"clock_period": 7.0}, {"part": "xcvu13p-flga2577-2-e"}, {"adders": "ternary"}, {"crossings": 2}):
        other = Run(run.folder, with_rtl(trained, tmp_path / next(iter(section)), **section).config)
        assert not run.is_current("rtl", rtl_inputs(other, EVENTS)), section


def test_another_configuration_needs_other_rtl_before_synthesis(made, trained, tmp_path):
    run, _, _ = made
    for section in ({"clock_period": 9.0}, {"adders": "ternary"}, {"clock_uncertainty": 30.0}):
        other = Run(run.folder, with_rtl(trained, tmp_path / next(iter(section)), **section).config)
        with pytest.raises(UserError, match=r"is of another contract, configuration or version of l1ae; run `l1ae rtl` again"):
            synth_stage(other)


def test_no_rtl(trained, tmp_path):
    with pytest.raises(UserError, match=r"there is no RTL in '.*'; run `l1ae rtl` first"):
        synth_stage(with_rtl(trained, tmp_path / "run"))


def copied(run, folder):
    """The run with its own copy of the RTL."""
    shutil.copytree(run.folder, folder, symlinks=True)
    return Run(folder, run.config)


def test_files_that_were_changed_are_told(made, tmp_path, caplog):
    run = copied(made[0], tmp_path / "run")
    path = run.path("rtl") / "tiny_v1.xdc"
    path.write_text(path.read_text() + "# mine\n")
    with caplog.at_level(logging.WARNING, "l1ae"):
        report = synth_stage(run, per_layer=False)
    assert report.changed_files == ("tiny_v1.xdc",)
    assert report.resources.cached
    assert "not as `l1ae rtl` left them: tiny_v1.xdc" in caplog.text
    assert report.layers == ()
    assert not run.is_current("rtl", rtl_inputs(run, EVENTS))
    assert run.is_current("synth", synth_inputs(run, per_layer=False))


def test_a_changed_source_is_synthesised_again(made, tmp_path):
    run = copied(made[0], tmp_path / "run")
    path = run.path("rtl") / "verilog" / "tiny_v1.v"
    path.write_text(path.read_text() + "// mine\n")
    assert not run.is_current("synth", synth_inputs(run))


def proofs_of(*verdicts):
    return tuple(NetlistProof(f"tiny_v1_stage{k}", verdict, f"reason {k}", 100, 1.5, False) for k, verdict in enumerate(verdicts))


def test_proofs_of_the_netlist_are_reported(made, tmp_path, monkeypatch):
    run = copied(made[0], tmp_path / "run")
    monkeypatch.setattr(rtl, "prove_netlist", lambda *_, **__: proofs_of("proven", "not finished"))
    proofs = synth_stage(run, per_layer=False, prove=True).proof
    assert [proof.verdict for proof in proofs] == ["proven", "not finished"]
    assert netlist_lines(proofs) == ["netlist: 1 of 2 stages proven equivalent to their RTL", "  tiny_v1_stage1: not finished: reason 1"]
    assert SYNTHESIS.read(run.folder).proof == proofs


def test_a_netlist_that_differs_fails(made, tmp_path, monkeypatch):
    run = copied(made[0], tmp_path / "run")
    monkeypatch.setattr(rtl, "prove_netlist", lambda *_, **__: proofs_of("proven", "differs"))
    with pytest.raises(CheckFailedError, match="the netlist of 'tiny_v1_stage1' is not its RTL: reason 1"):
        synth_stage(run, per_layer=False, prove=True)
    assert content(run, "synth/report.json")["proof"][1]["verdict"] == "differs"
    assert "synth" not in run.manifest.stages


def planted(monkeypatch, name, old, new):
    """Every project that is made from now on has a fault in one file."""
    right = rtl.unroll

    def wrong(*arguments, **options):
        made = right(*arguments, **options)
        assert made.project.files[name].count(old) == 1
        files = {**made.project.files, name: made.project.files[name].replace(old, new)}
        return replace(made, project=replace(made.project, files=files))

    monkeypatch.setattr(rtl, "unroll", wrong)


def test_a_fault_that_only_simulation_finds_keeps_its_report(trained, tmp_path, monkeypatch, caplog):
    """In the hand-written shell, of which nothing is proven."""
    run = with_rtl(trained, tmp_path / "run", vhdl_events=5)
    planted(monkeypatch, "verilog/l1ae_trigger.v", "score >= threshold;", "score > threshold;")
    with pytest.raises(CheckFailedError, match=r"RTL simulation \(Verilator, Verilog\): \d+ mismatches in 300 events.*\noutput 'trigger'"):
        rtl_stage(run)
    report = content(run, "rtl/report.json")
    assert report["mismatches"] > 0
    assert report["first_mismatch"]["layer"] == "trigger"
    assert "rtl" not in run.manifest.stages
    (run.path("rtl") / "summary.json").unlink()
    with caplog.at_level(logging.WARNING, "l1ae"), pytest.raises(UserError, match=r"summary.json' does not exist; run `l1ae rtl .*` first"):
        synth_stage(run)
    assert "has not passed its simulation" in caplog.text


def test_a_fault_in_the_vhdl_alone(trained, tmp_path, monkeypatch):
    try:
        ghdl()
    except UserError as error:
        pytest.skip(str(error))
    run = with_rtl(trained, tmp_path / "run", vhdl_events=20)
    planted(monkeypatch, "vhdl/tiny_v1_core.vhd", "if rising_edge(clk) then", "if falling_edge(clk) then")
    with pytest.raises(CheckFailedError, match=r"^RTL simulation \(GHDL, VHDL\): "):
        rtl_stage(run)
    assert content(run, "rtl/report.json")["mismatches"] == 0
    report = content(run, "rtl/report_vhdl.json")
    assert report["mismatches"] + report["protocol_violations"] > 0
    assert "rtl" not in run.manifest.stages


def test_a_fault_that_the_proof_finds_leaves_nothing_behind(trained, tmp_path, monkeypatch):
    run = with_rtl(trained, tmp_path / "run")
    planted(monkeypatch, "verilog/tiny_v1_core.v", "stage1_in <= stage0_out;", "stage1_in <= ~stage0_out;")
    with pytest.raises(CheckFailedError, match="core"):
        rtl_stage(run)
    assert not run.path("rtl").exists()


def test_without_ghdl(trained, tmp_path, monkeypatch, caplog):
    def missing():
        raise UserError("there is no GHDL; Debian/Ubuntu: apt-get install ghdl")

    monkeypatch.setattr(rtl, "ghdl", missing)
    run = with_rtl(trained, tmp_path / "run")
    with caplog.at_level(logging.WARNING, "l1ae"):
        result = rtl_stage(run, events=50)
    assert result.passed
    assert result.vhdl is None
    assert "the VHDL was not simulated: there is no GHDL; Debian/Ubuntu: apt-get install ghdl" in caplog.text
    assert not (run.path("rtl") / "report_vhdl.json").exists()
    assert content(run, "rtl/report.json")["events"] == 50


@pytest.mark.exhaustive
def test_folded(trained, tmp_path, caplog):
    run = with_rtl(trained, tmp_path / "run", interval=4, events=100)
    result = rtl_stage(run)
    assert result.passed
    assert result.verilog.interval == 4
    summary = content(run, "rtl/summary.json")
    assert (summary["mode"], summary["interval"]) == ("folded", 4)
    assert summary["folded_layers"][0]["layer"] == "enc0"
    assert proof_lines(result.proof) == ["proof: none for folded layers; the plan's own simulation agrees with the contract"]
    report = synth_stage(run, per_layer=False)
    assert report.interval == 4
    assert report.layers == ()
    assert report.resources.luts > 0


def test_a_wrong_plan_of_folded_layers_is_told(trained, tmp_path, monkeypatch):
    right = rtl.fold

    def wrong(contract, *arguments):
        made = right(contract, *arguments)
        plan = type("Plan", (), {"simulate": lambda self, hardware: made.plan.simulate(hardware) + 1, "foldings": made.plan.foldings})()
        return replace(made, plan=plan)

    monkeypatch.setattr(rtl, "fold", wrong)
    with pytest.raises(CheckFailedError, match="the plan of the folded layers differs from the contract in layer 'score': 50 values"):
        rtl_stage(with_rtl(trained, tmp_path / "run", interval=4), events=50)


def test_crossings(trained, tmp_path):
    run = with_rtl(trained, tmp_path / "run", crossings=2, vhdl_events=5, adders="ternary")
    result = rtl_stage(run, events=100)
    assert result.passed
    assert result.verilog.latency <= 2
    summary = content(run, "rtl/summary.json")
    assert (summary["crossings"], summary["clock_period"], summary["adders"]) == (2, 25.0, "ternary")


def test_too_few_crossings_and_too_fast_a_clock_leave_the_run_as_it_was(made, trained, tmp_path):
    run = copied(made[0], tmp_path / "run")
    for section, message in (({"clock_period": 0.9}, "choose a slower clock"), ({"part": "xc3s50"}, "xc3s50")):
        other = Run(run.folder, with_rtl(trained, tmp_path / next(iter(section)), **section).config)
        with pytest.raises(UserError, match=message):
            rtl_stage(other)
        assert run.is_current("rtl", rtl_inputs(run, EVENTS))
