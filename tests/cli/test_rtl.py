"""The commands rtl and synth: what they print, and what they say when a package is missing."""

import re
import subprocess
import sys
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from l1ae.cli import _rtl as commands
from l1ae.records import SynthesisedDesign, SynthesisedLayer

from ..records import examples
from ..records.examples import PROOFS, counted, rtl_summary, timing


@dataclass(frozen=True)
class Report:
    """As much of a simulation's report as is printed."""

    language: str
    corner_vectors: int = 683
    clock_cycles: int = 123_456
    latency: int = 11
    interval: int = 1

    @property
    def verdict(self) -> str:
        return f"RTL simulation ({self.language}): 0 mismatches in 100000 events"


def resources(luts):
    return counted(luts) | {"luts_packed": luts - 10, "flip_flops": 44, "carry4": 55, "bram36": 0, "memory_luts": 3, "shift_registers": 4}


def synthesis(**changes):
    found = replace(
        examples.synthesis(),
        project="tiny_v1",
        layers=(SynthesisedLayer(name="enc0", **resources(1000)),),
        resources=SynthesisedDesign(**resources(23_000)),
        percent={"luts": 1.33, "luts_packed": 1.2, "flip_flops": 0.01},
        timing=timing(3.111, 4.222, 5.333),
        clock_period=5.0,
        latency_cycles=11,
    )
    return replace(found, **changes)


@pytest.fixture
def stages(monkeypatch, tmp_path):
    """The library, of which only the calls are recorded."""
    called = {}

    def rtl_stage(run, *, events):
        called["events"] = events
        return SimpleNamespace(verilog=Report("Verilator"), vhdl=called.get("vhdl"), proof={"what": "proof"})

    def synth_stage(run, *, per_layer, prove):
        called["options"] = (per_layer, prove)
        return called.get("report", synthesis())

    opened = SimpleNamespace(path=lambda stage: tmp_path / stage)
    fake = SimpleNamespace(
        Run=SimpleNamespace(open=lambda folder: opened),
        rtl_stage=rtl_stage,
        synth_stage=synth_stage,
        proof_lines=lambda proof: [f"lines of the {proof['what']}"],
        netlist_lines=lambda proofs: [] if proofs is None else [f"{len(proofs)} proofs"],
    )
    monkeypatch.setattr(commands, "_load_stages", lambda: fake)
    return called


def invoke(command, *arguments):
    result = CliRunner().invoke(command, list(arguments), env={"COLUMNS": "150"})
    assert result.exit_code == 0, result.output
    return result.output


def test_rtl_prints_the_verdicts(stages, tmp_path):
    stages["vhdl"] = Report("GHDL")
    lines = invoke(commands.rtl, "run", "--events", "500").splitlines()
    assert stages["events"] == 500
    assert lines == [
        f"RTL: {tmp_path / 'rtl'}",
        "lines of the proof",
        "RTL simulation (Verilator): 0 mismatches in 100000 events, 683 corner vectors, gaps and resets (123456 clock cycles)",
        "RTL simulation (GHDL): 0 mismatches in 100000 events, 683 corner vectors, gaps and resets (123456 clock cycles)",
        "latency 11 clock cycles, one event every 1 (II)",
    ]


def test_rtl_without_vhdl(stages):
    output = invoke(commands.rtl, "run")
    assert stages["events"] is None
    assert "GHDL" not in output
    assert output.count("RTL simulation") == 1


def test_synth_prints_resources_and_timing(stages, tmp_path):
    output = invoke(commands.synth, "run")
    assert stages["options"] == (True, False)
    assert "tiny_v1 on xcvu13p-flga2577-2-e: synthesis, before placement (Yosys 0.70)" in " ".join(output.split())
    rows = {name: cells for name, *cells in (re.split(r" {2,}", line.strip()) for line in output.splitlines())}
    # LUTs that are memory or shift registers are LUTs too
    assert rows["enc0"] == ["1,007", "997", "44", "55", "0", "0"]
    assert rows["whole design"] == ["23,007", "22,997", "44", "55", "0", "0"]
    assert rows["per cent of the part"] == ["1.33", "1.20", "0.01", "0.00", "0.00", "0.00"]
    assert "optimistic 3.11 ns, typical 4.22 ns, pessimistic 5.33 ns" in output
    assert "it goes through: enc0 -> score" in output
    assert "clock 5 ns" in output
    assert output.splitlines()[-1] == f"report: {tmp_path / 'synth' / 'report.json'}"


@pytest.mark.parametrize(
    ("slowest", "said"),
    [
        (
            (10.0, 17.5, 24.99),
            "the slowest path fits into the bunch crossing of 25 ns under every assumption about the wiring, before placement "
            "and without the uncertainty of the clock",
        ),
        (
            (10.0, 17.5, 27.3),
            "the slowest path exceeds the bunch crossing of 25 ns: 27.30 ns under pessimistic assumptions about the wiring; it fits under "
            "typical ones (17.50 ns, without the uncertainty of the clock). Only place and route tells",
        ),
        (
            (10.0, 25.01, 27.3),
            "the slowest path exceeds the bunch crossing of 25 ns: 27.30 ns under pessimistic and 25.01 ns under typical assumptions about "
            "the wiring; it fits under optimistic ones (10.00 ns, without the uncertainty of the clock). Only place and route tells",
        ),
        (
            (26.0, 27.0, 28.0),
            "the slowest path does not fit into the bunch crossing of 25 ns under any assumption about the wiring: 28.00 ns under "
            "pessimistic, 27.00 ns under typical, 26.00 ns under optimistic",
        ),
    ],
)
def test_synth_says_whether_a_crossing_holds_the_slowest_path(stages, slowest, said):
    stages["report"] = synthesis(timing=timing(*slowest), clock_period=25.0, rtl=rtl_summary("crossings"))
    assert said in invoke(commands.synth, "run").splitlines()


def test_synth_says_it_of_any_clock(stages):
    output = invoke(commands.synth, "run")
    assert (
        "the slowest path exceeds the clock of 5 ns: 5.33 ns under pessimistic assumptions about the wiring; it fits under typical"
        in output
    )


def test_synth_options(stages):
    stages["report"] = synthesis(layers=(), proof=PROOFS)
    output = invoke(commands.synth, "run", "--no-per-layer", "--prove")
    assert stages["options"] == (False, True)
    assert "2 proofs" in output


def test_a_path_outside_of_all_layers(stages):
    found = timing()
    stages["report"] = synthesis(timing=replace(found, typical=replace(found.typical, steps=found.typical.steps[:1])))
    assert "it goes through: the trigger shell" in invoke(commands.synth, "run")


@pytest.mark.parametrize("arguments", [("--events", "0"), ("--events", "many"), ("--part", "x")])
def test_wrong_options(arguments):
    result = CliRunner().invoke(commands.rtl, ["run", *arguments])
    assert result.exit_code == 2


@pytest.mark.slow
@pytest.mark.parametrize("command", ["rtl", "synth"])
def test_no_run_folder(command, tmp_path):
    code = "from l1ae.cli import main; main()"
    result = subprocess.run([sys.executable, "-c", code, command, str(tmp_path)], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "is no run folder" in " ".join(result.stderr.split())
