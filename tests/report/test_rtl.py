"""The sections on RTL and synthesis, with and without each file that they are made from."""

from dataclasses import replace
from itertools import product

import pytest

from l1ae.errors import UserError
from l1ae.manifest import Manifest
from l1ae.report import write_report
from l1ae.report._rtl import rtl_sections

from ..records.examples import PROOFS, manifest, rtl_proof, rtl_simulation, rtl_summary, synthesis, timing
from .pages import words


def text_of(run):
    return words(write_report(run).read_text())


def test_nothing_was_made(empty_run):
    (section,) = rtl_sections(empty_run)
    assert section.title == "RTL"
    assert "l1ae rtl" in text_of(empty_run)


def test_numbers_of_the_rtl(empty_run, write):
    write("rtl/summary.json", rtl_summary())
    write("rtl/report.json", rtl_simulation())
    write("rtl/report_vhdl.json", rtl_simulation("vhdl"))
    write("rtl/proof.json", rtl_proof())
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
    write("rtl/summary.json", rtl_summary())
    write("rtl/report.json", rtl_simulation(failing=True))
    page = write_report(empty_run).read_text()
    text = words(page)
    assert "31 mismatches in 100000 events" in text
    assert "17 of them against the protocol" in text
    assert "4711" in text
    assert 'class="notice bad"' in page
    assert "GHDL was not installed" in text


@pytest.mark.parametrize("violations", [0, 3])
def test_protocol_alone_can_fail(empty_run, write, violations):
    known = manifest()
    write("manifest.json", Manifest(known.project, {"rtl": replace(known.stages["train"], inputs={}, outputs={})}))
    write("rtl/summary.json", rtl_summary())
    write("rtl/report.json", replace(rtl_simulation(), protocol_violations=violations))
    page = write_report(empty_run).read_text()
    # the other one: the example has another clock than the configuration
    assert page.count('class="notice bad"') == 1 + (violations > 0)


def test_folded(empty_run, write):
    write("rtl/summary.json", rtl_summary("folded"))
    write("rtl/report.json", rtl_simulation())
    write("rtl/proof.json", rtl_proof(linear=False))
    text = text_of(empty_run)
    assert "folded: layers work on one event for several clocks" in text
    assert "8 clock cycles" in text
    assert "Folded layers are not proven, only simulated." in text
    assert "enc0 serial 8 3" in text
    assert "conv1 window 6 44" in text
    assert "Adders" not in text


def test_crossings(empty_run, write):
    write("rtl/summary.json", rtl_summary("crossings"))
    assert "logic alone between registers, 2 bunch crossing(s) of 25 ns at most" in text_of(empty_run)


def test_numbers_of_the_synthesis(empty_run, write):
    write("rtl/summary.json", rtl_summary())
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
    write("rtl/summary.json", rtl_summary("crossings"))
    write("synth/report.json", replace(synthesis(mode="crossings"), clock_period=25.0, timing=timing(pessimistic=ns)))
    page = words(write_report(empty_run).read_text().replace('<div class="notice ', "NOTICE "))
    (notice,) = (part for part in page.split("NOTICE ")[1:] if "The slowest path" in part)
    assert notice.startswith(tone)
    assert f"The slowest path {said} the bunch crossing of 25 ns" in notice
    assert (f"{ns:.2f} ns under pessimistic" in notice) == (tone == "info")


_FILES = {
    "rtl/report.json": [None, rtl_simulation(), rtl_simulation(failing=True)],
    "rtl/report_vhdl.json": [None, rtl_simulation("vhdl", failing=True)],
    "rtl/proof.json": [None, rtl_proof(), rtl_proof(linear=False)],
    "synth/report.json": [None, synthesis(), synthesis(PROOFS, ["x.v"], layers=False)],
}


@pytest.mark.parametrize("mode", ["unrolled", "folded", "crossings"])
def test_any_combination_makes_sections(empty_run, write, mode):
    """The numbers of what is there, whatever is missing."""
    write("rtl/summary.json", rtl_summary(mode))
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
    write("rtl/summary.json", rtl_summary())
    write(name, "{")
    with pytest.raises(UserError, match=name.rpartition("/")[2].replace(".", r"\.")):
        write_report(empty_run)
