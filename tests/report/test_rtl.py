"""The sections on RTL and synthesis, with and without each file that they are made from."""

import re
from dataclasses import replace
from itertools import product

import pytest

from l1ae.errors import UserError
from l1ae.records import SynthesisedDesign, SynthesisedLayer, SynthesisReport
from l1ae.report import write_report
from l1ae.report._rtl import rtl_sections
from l1ae.rtl_results import (
    Folding,
    LayerAdders,
    LayerProof,
    LinearProof,
    NetlistProof,
    RtlMismatch,
    RtlProof,
    RtlReport,
    RtlSeconds,
    RtlSummary,
    StageDelay,
    StageProof,
    TableProof,
    TablesProof,
    TextProof,
)
from l1ae.synth import CriticalPath, PathKind, PathStep, TimingBand


def summary(mode="unrolled"):
    design = RtlSummary(
        name="dnn_ae_v3",
        inputs=57,
        input_bits=10,
        score_bits=18,
        score_signed=False,
        score_fraction=4,
        threshold=1537,
        latency=15,
        interval=8 if mode == "folded" else 1,
        clock_period=2.78,
        part="xcvu13p-flga2577-2-e",
        digest="c0ffee" * 10 + "abcd",
        mode="folded" if mode == "folded" else "unrolled",
        crossings=2 if mode == "crossings" else None,
        adders="binary",
        clock_uncertainty=12.5,
        latency_ns=41.7,
    )
    if mode == "folded":
        return replace(design, folded_layers=(Folding("enc0", "serial", 8, 3), Folding("conv1", "window", 6, 44)))
    return replace(
        design,
        register_bits=9876,
        stages=(StageDelay(2.1, ("inputs", "enc0")),),
        layers=(LayerAdders("inputs", 57), LayerAdders("enc0", 2345)),
    )


def simulation(language="verilog", failing=False):
    return RtlReport(
        project="dnn_ae_v3",
        language=language,
        events=100_000,
        corner_vectors=683,
        clock_cycles=234_567,
        latency=15,
        interval=1,
        mismatches=31 if failing else 0,
        first_mismatch=RtlMismatch("trigger", False, 4711, 1.0, 0.0, "gaps", 99) if failing else None,
        protocol_violations=17 if failing else 0,
        first_violation=None,
        outputs=(),
        compiler="Verilator 5.048" if language == "verilog" else "GHDL 2.0.0 (mcode)",
        seconds=RtlSeconds(61.2, 3.4),
    )


def proof(linear=True):
    if not linear:
        return RtlProof(None, None, None, None, 2000, ())
    layers = (
        LayerProof("enc0", "Dense", 32, 3000, 2345, True, "", 1.5),
        LayerProof("dec9", "Dense", 9, 40, 30, False, "its accumulator wraps", 0.1),
    )
    tables = (TableProof("bins", "Binning", 1, 5, 8192, True, "", 0.2),)
    return RtlProof(LinearProof(layers, 1.6), TablesProof(tables, 0.2), StageProof(15, 7654), TextProof(17, 7700), 2000, ())


def resources(luts):
    found = {"luts": luts, "luts_packed": luts - 1000, "flip_flops": 8888, "carry4": 777, "carry8": 400, "dsp": 0, "bram36": 0.5}
    kinds = {"luts_by_size": (0, 0, 0, 0, 0, luts), "latches": 0, "muxes": 0, "uram": 0, "inverters": 0, "other": {}}
    return found | kinds | {"memory_luts": 20, "shift_registers": 3, "seconds": 12.5, "peak_gb": 0.75, "cached": False}


def timing(optimistic=2.2, typical=2.95, pessimistic=4.4):
    steps = tuple(PathStep("LUT6", "n", layer, 0.5, 0.1, 1.0) for layer in (None, "enc0", "score"))
    paths = (CriticalPath(ns, PathKind.REGISTER_TO_REGISTER, steps) for ns in (optimistic, typical, pessimistic))
    return TimingBand(*paths, stage="pre-placement estimate", source="RapidWright's delay model", untimed=())


def synthesis(proofs=None, changed=(), layers=True, mode="unrolled"):
    return SynthesisReport(
        project="dnn_ae_v3",
        stage="synthesis, before placement",
        tool="Yosys 0.70",
        digest="ab" * 32,
        part="xcvu13p-flga2577-2-e",
        resources=SynthesisedDesign(**resources(22_000)),
        percent={"luts": 1.274, "flip_flops": 0.257},
        latency_cycles=15,
        interval=1,
        clock_period=2.78,
        timing=timing(),
        layers=(SynthesisedLayer(name="enc0", **resources(20_000)),) if layers else (),
        rtl=summary(mode),
        changed_files=tuple(changed),
        proof=proofs,
        wall_seconds=30.0,
    )


PROOFS = (
    NetlistProof("dnn_ae_v3_stage0", "proven", "", 120, 3.25, False),
    NetlistProof("dnn_ae_v3_stage1", "not finished", "abc took too long", 80, 120.0, False),
)


def text_of(run):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", write_report(run).read_text()))


def test_nothing_was_made(empty_run):
    (section,) = rtl_sections(empty_run)
    assert section.title == "RTL"
    assert "l1ae rtl" in text_of(empty_run)


def test_numbers_of_the_rtl(empty_run, write):
    write("rtl/summary.json", summary())
    write("rtl/report.json", simulation())
    write("rtl/report_vhdl.json", simulation("vhdl"))
    write("rtl/proof.json", proof())
    text = text_of(empty_run)
    for part in (
        "dnn_ae_v3, contract c0ffeec0ffee",
        "unrolled",
        "xcvu13p-flga2577-2-e",
        "2.78 ns, of which 12.5 % are left to uncertainty",
        "15 clock cycles, 41.7 ns",
        "1 clock cycles",
        "2,402 (binary)",
        "RTL simulation, Verilog in Verilator: 0 mismatches in 100000 events",
        "RTL simulation, VHDL in GHDL: 0 mismatches in 100000 events",
        "683 corner vectors",
        "234,567 clock cycles, 0 of them against the protocol",
        "Verilator 5.048",
        "the adder graphs of 1 of 2 linear layers",
        "the 15 stages together are the 7,654 lines of the graph, and the 17 Verilog files",
        "no: its accumulator wraps",
    ):
        assert part in text, part
    assert "GHDL was not installed" not in text
    assert "l1ae synth" in text


def test_a_failing_simulation_is_shown_as_such(empty_run, write):
    write("rtl/summary.json", summary())
    write("rtl/report.json", simulation(failing=True))
    page = write_report(empty_run).read_text()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "31 mismatches in 100000 events" in text
    assert "17 of them against the protocol" in text
    assert "4711" in text
    assert 'class="notice bad"' in page
    assert "GHDL was not installed" in text


@pytest.mark.parametrize("violations", [0, 3])
def test_protocol_alone_can_fail(empty_run, write, violations):
    write("rtl/summary.json", summary())
    write("rtl/report.json", replace(simulation(), protocol_violations=violations))
    page = write_report(empty_run).read_text()
    assert ('class="notice bad"' in page) == (violations > 0)


def test_folded(empty_run, write):
    write("rtl/summary.json", summary("folded"))
    write("rtl/report.json", simulation())
    write("rtl/proof.json", proof(linear=False))
    text = text_of(empty_run)
    assert "folded: layers work on one event for several clocks" in text
    assert "8 clock cycles" in text
    assert "Folded layers are not proven, only simulated." in text
    assert "enc0 serial 8 3" in text
    assert "conv1 window 6 44" in text
    assert "Adders" not in text


def test_crossings(empty_run, write):
    write("rtl/summary.json", summary("crossings"))
    assert "logic alone between registers, 2 bunch crossing(s) of 25 ns at most" in text_of(empty_run)


def test_numbers_of_the_synthesis(empty_run, write):
    write("rtl/summary.json", summary())
    write("synth/report.json", synthesis(PROOFS, ["verilog/a.v", "verilog/b.v"]))
    text = text_of(empty_run)
    for part in (
        "Made for xcvu13p-flga2577-2-e by open tools (synthesis, before placement, Yosys 0.70)",
        # LUTs that are memory or shift registers are LUTs too
        "22,023 LUTs, 21,023 after packing, and 777 blocks of carry (CARRY4)",
        "enc0 20,023 19,023 8,888 777 0 0.5",
        "typical 2.95 2.78 enc0 → score",
        "optimistic 2.20",
        "pessimistic 4.40",
        "RapidWright",
        "verilog/a.v, verilog/b.v",
        "dnn_ae_v3_stage1 not finished abc took too long",
    ):
        assert part in text, part
    assert "The synthesis has not been run" not in text


@pytest.mark.parametrize(("ns", "tone", "said"), [(24.9, "good", "fits into"), (27.3, "info", "exceeds"), (25.1, "info", "exceeds")])
def test_a_pessimistic_path_beyond_the_crossing_is_said_plainly(empty_run, write, ns, tone, said):
    write("rtl/summary.json", summary("crossings"))
    write("synth/report.json", replace(synthesis(mode="crossings"), clock_period=25.0, timing=timing(pessimistic=ns)))
    page = write_report(empty_run).read_text()
    (notice,) = (part for part in page.split('class="notice ')[1:] if "The slowest path" in part.partition("</")[0])
    assert notice.startswith(tone)
    assert f"The slowest path {said} the bunch crossing of 25 ns" in notice
    assert (f"{ns:.2f} ns under pessimistic" in notice) == (tone == "info")


_FILES = {
    "rtl/report.json": [None, simulation(), simulation(failing=True)],
    "rtl/report_vhdl.json": [None, simulation("vhdl", failing=True)],
    "rtl/proof.json": [None, proof(), proof(linear=False)],
    "synth/report.json": [None, synthesis(), synthesis(PROOFS, ["x.v"], layers=False)],
}


@pytest.mark.parametrize("mode", ["unrolled", "folded", "crossings"])
def test_any_combination_makes_sections(empty_run, write, mode):
    """The numbers of what is there, whatever is missing."""
    write("rtl/summary.json", summary(mode))
    for contents in product(*_FILES.values()):
        for name, content in zip(_FILES, contents, strict=True):
            (empty_run / name).unlink(missing_ok=True)
            if content is not None:
                write(name, content)
        text = repr(rtl_sections(empty_run))
        assert "15 clock cycles" in text
        assert ("in Verilator: " in text) == (contents[0] is not None)
        assert ("in GHDL: " in text) == (contents[1] is not None)
        assert ("22,023" in text) == (contents[3] is not None)


@pytest.mark.parametrize("name", ["rtl/summary.json", "rtl/report.json", "rtl/proof.json", "synth/report.json"])
def test_damaged_files_are_named(empty_run, write, name):
    write("rtl/summary.json", summary())
    write(name, "{")
    with pytest.raises(UserError, match=name.rpartition("/")[2].replace(".", r"\.")):
        write_report(empty_run)
