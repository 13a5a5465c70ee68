"""Both simulators agree with the contract in every clock cycle, and every planted fault is found."""

import dataclasses
import json
import os
from dataclasses import asdict

import numpy as np
import pytest

from l1ae.errors import CheckFailedError, UserError
from l1ae.rtl import DESCRIPTION, Clock, unroll
from l1ae.rtl.simulation._simulate import simulate_rtl

from ...levels import slow
from ..toy import toy_contract, toy_project

EVENTS = 300


@pytest.fixture
def events():
    hardware = toy_contract().hardware
    return np.random.default_rng(1).integers(hardware.low, hardware.high + 1, (EVENTS, 3))


@pytest.fixture
def written(tmp_path):
    def make(interval=1):
        folder = tmp_path / "rtl"
        toy_project(interval).write(folder)
        return folder

    return make


@pytest.mark.parametrize(("interval", "language"), [(1, "vhdl"), (4, "verilog"), pytest.param(4, "vhdl", marks=pytest.mark.slow)])
def test_no_clock_cycle_differs(written, events, interval, language):
    report = simulate_rtl(toy_contract(), written(interval), events, language=language)
    assert report.passed, (report.first_mismatch, report.first_violation)
    name = {"vhdl": "GHDL, VHDL", "verilog": "Verilator, Verilog"}[language]
    assert report.verdict == f"RTL simulation ({name}): 0 mismatches in 300 events"
    assert (report.events, report.latency, report.interval) == (EVENTS, 2, interval)
    assert report.corner_vectors >= 100
    assert [(output.name, output.mismatches) for output in report.outputs] == [("score", 0), ("trigger", 0)]
    content = json.loads(json.dumps(asdict(report)))
    assert {"events", "mismatches", "first_mismatch", "outputs", "layers", "float", "corner_vectors", "compiler", "seconds"} <= set(content)


def _edit(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1, f"{old} not once in {path.name}"
    path.write_text(text.replace(old, new))


# Name: file, text and fault in Verilog, text and fault in VHDL, interval, what must be counted (results, other cycles).
RESULTS, PROTOCOL = (True, False), (False, True)
FAULTS = {
    "coefficient": ("toy_v1", "x0 * 18'sd5", "x0 * 18'sd6", "x0 * 5", "x0 * 6", 1, RESULTS),
    "shift": ("toy_v1", ">>> 2", ">>> 3", "12), 2);", "12), 3);", 1, RESULTS),
    "constant": ("toy_v1", "+ 18'sd11", "+ 18'sd12", "+ 11;", "+ 12;", 1, RESULTS),
    "swapped bits": (
        "toy_v1",
        "event_r[10:0]",
        "{event_r[10:2], event_r[0], event_r[1]}",
        "signed(event_r(10 downto 0))",
        "signed(std_logic_vector'(event_r(10 downto 2) & event_r(0) & event_r(1)))",
        1,
        RESULTS,
    ),
    "missing pipeline register": (
        "toy_v1",
        "reg [32:0] event_r;\n    always @(posedge clk) event_r <= in_event;",
        "wire [32:0] event_r = in_event;",
        "rising_edge(clk) then\n            event_r <= in_event;",
        "event_r'event then\n            null;\n        end if;\n        event_r <= in_event;\n        if rising_edge(clk) then",
        1,
        RESULTS,
    ),
    "register that nothing initialises": (
        "toy_v1",
        "wire signed [17:0] score = t0",
        "reg signed [17:0] lost;\n    wire signed [17:0] score = lost + t0",
        "    sum <= t0",
        "    lost <= lost;\n    sum <= lost + t0",
        1,
        RESULTS,
    ),
    "default threshold": ("toy_v1", "17'd1500", "17'd1501", "to_signed(1500, 17)", "to_signed(1501, 17)", 1, (False, True)),
    "reset ignored in the pipeline": (
        "l1ae_trigger",
        "if (rst) in_flight <= 0;\n                else in_flight",
        "in_flight",
        "if rst = '1' then\n                    in_flight <= (others => '0');\n                else",
        "if true then",
        1,
        PROTOCOL,
    ),
    "reset ignored at the output": ("l1ae_trigger", "rst || !scored", "!scored", "rst = '1' or scored = '0'", "scored = '0'", 1, PROTOCOL),
    "pipeline that waits for events": (
        "l1ae_trigger",
        "else in_flight <=",
        "else if (accept || scored) in_flight <=",
        "                else\n                    in_flight",
        "                elsif accepted = '1' or scored = '1' then\n                    in_flight",
        1,
        (True, True),
    ),
    "greater than": (
        "l1ae_trigger",
        "$signed(score) >= $signed(threshold)",
        "$signed(score) > $signed(threshold)",
        "signed(code) >= signed(least);\n        else",
        "signed(code) > signed(least);\n        else",
        1,
        RESULTS,
    ),
    "unsigned comparison": (
        "l1ae_trigger",
        "SCORE_SIGNED != 0 ?",
        "SCORE_SIGNED == 0 ?",
        "SCORE_SIGNED = 1",
        "SCORE_SIGNED = 0",
        1,
        RESULTS,
    ),
    "threshold that a reset keeps": (
        "l1ae_trigger",
        "if (rst) threshold <= DEFAULT_THRESHOLD;\n        else if",
        "if",
        "if rst = '1' then\n                limit <= RESET_THRESHOLD;\n            elsif",
        "if",
        1,
        (True, True),
    ),
    "score without an event": (
        "l1ae_trigger",
        "out_score <= 0;",
        "out_score <= score;",
        "out_score   <= (others => '0');",
        "out_score   <= score;",
        1,
        PROTOCOL,
    ),
    "interval one too short": ("l1ae_trigger", "INTERVAL - 1;", "INTERVAL - 2;", "<= INTERVAL - 1;", "<= INTERVAL - 2;", 4, (False, True)),
    "interval that a reset does not end": (
        "l1ae_trigger",
        "if (rst) wait_clocks <= 0;\n                else if",
        "if",
        "if rst = '1' then\n                    wait_clocks <= 0;\n                elsif",
        "if",
        4,
        (True, True),
    ),
}


def _plant(folder, fault, language):
    file, verilog, wrong_verilog, vhdl, wrong_vhdl, _, counted = FAULTS[fault]
    if language == "verilog":
        _edit(folder / "src" / f"{file}.v", verilog, wrong_verilog)
    else:
        _edit(folder / "src" / f"{file}.vhd", vhdl, wrong_vhdl)
        if fault == "register that nothing initialises":
            _edit(folder / "src" / "toy_v1.vhd", "t2, sum :", "t2, sum, lost :")
    return counted


def _matrix(faults, *quick):
    """Every fault in both languages: those in `quick` run in `make quick` in VHDL, which compiles faster, and in `make test` in both."""
    levels = {"vhdl": (), "verilog": pytest.mark.slow}
    return [
        pytest.param(fault, language, marks=levels[language] if fault in quick else pytest.mark.exhaustive, id=f"{fault}, {language}")
        for fault in faults
        for language in ("vhdl", "verilog")
    ]


@pytest.mark.parametrize(("fault", "language"), _matrix(FAULTS, "coefficient", "reset ignored in the pipeline"))
def test_a_planted_fault_is_found(written, events, fault, language):
    folder = written(FAULTS[fault][-2])
    results, protocol = _plant(folder, fault, language)
    report = simulate_rtl(toy_contract(), folder, events, language=language)
    assert not report.passed
    assert not results or report.mismatches > 0
    assert not protocol or report.protocol_violations > 0
    assert (report.first_mismatch is None) == (report.mismatches == 0)
    assert (report.first_violation is None) == (report.protocol_violations == 0)


@pytest.fixture
def generated(tmp_path):
    folder = tmp_path / "generated"
    unroll(toy_contract(), Clock(period=2.78), "xcvu13p").project.write(folder)
    return folder


@pytest.mark.parametrize("language", slow(["vhdl", "verilog"], ("vhdl",)))
def test_no_clock_cycle_of_generated_rtl_differs(generated, events, language):
    report = simulate_rtl(toy_contract(), generated, events, language=language)
    assert report.passed, (report.first_mismatch, report.first_violation)
    assert report.latency == 3


@pytest.mark.slow
def test_a_fault_is_found_where_the_project_was_compiled_before(written, events, tmp_path, monkeypatch):
    """A change that leaves a file's length and time as they were."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = written()
    seconds = []
    for _ in range(2):
        report = simulate_rtl(toy_contract(), folder, events)
        assert report.passed
        seconds.append(report.seconds.compile)
    assert seconds[1] < seconds[0] / 2
    source = folder / "src" / "toy_v1.v"
    before = source.stat()
    _edit(source, "x0 * 18'sd5", "x0 * 18'sd6")
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not simulate_rtl(toy_contract(), folder, events).passed


# Name: file, text and fault in Verilog, text and fault in VHDL; more than one pair for some.
GENERATED_FAULTS = {
    "constant": ("stage0", [("4'b1001", "4'b1011")], [('in1=>"1001"', 'in1=>"1011"')]),
    "shift": ("stage0", [("#(11,1,1,0,12,0,2,1)", "#(11,1,1,0,12,0,3,1)")], [("SHIFT1=>2,", "SHIFT1=>3,")]),
    "coefficient": ("stage1", [("#(12,12,1,1,14,0,2,0)", "#(12,12,1,1,14,0,1,0)")], [("SHIFT1=>2,", "SHIFT1=>1,")]),
    "sign": ("stage1", [("15,0,0,1)", "15,0,0,0)")], [("IS_SUB=>1", "IS_SUB=>0")]),
    "swapped bits": (
        "stage1",
        [("model_inp[12:0]", "{model_inp[12:2], model_inp[0], model_inp[1]}")],
        [("v0 <= model_inp(12 downto 0)", "v0 <= model_inp(12 downto 2) & model_inp(0) & model_inp(1)")],
    ),
    "missing pipeline register": (
        "core",
        [("reg  [36:0] stage1_in;", "wire [36:0] stage1_in = stage0_out;"), ("stage1_in <= stage0_out;", "")],
        [("stage1_in <= stage0_out;", ""), ("    score <=", "    stage1_in <= stage0_out;\n    score <=")],
    ),
    "missing event register": (
        "core",
        [("reg  [32:0] stage0_in;", "wire [32:0] stage0_in = in_event;"), ("stage0_in[32:0] <= in_event[32:0];", "")],
        [("stage0_in(32 downto 0) <= in_event(32 downto 0);", ""), ("    score <=", "    stage0_in <= in_event;\n    score <=")],
    ),
}


@pytest.mark.parametrize(("fault", "language"), _matrix(GENERATED_FAULTS, "constant", "missing pipeline register"))
def test_a_fault_planted_in_generated_rtl_is_found(generated, events, fault, language):
    part, verilog, vhdl = GENERATED_FAULTS[fault]
    kind, edits = ("v", verilog) if language == "verilog" else ("vhd", vhdl)
    for old, new in edits:
        _edit(generated / language / f"toy_v1_{part}.{kind}", old, new)
    report = simulate_rtl(toy_contract(), generated, events, language=language)
    assert report.mismatches > 0
    assert report.protocol_violations == 0


def test_the_first_mismatch_tells_event_and_both_values(written, events):
    folder = written()
    _plant(folder, "coefficient", "vhdl")
    contract = toy_contract()
    first = simulate_rtl(contract, folder, events, language="vhdl").first_mismatch
    x0 = events[first.event][0] - 4
    scores = contract.evaluate_reference(events)["score"][:, 0]
    assert (first.layer, first.corner, first.contract) == ("score", False, scores[first.event] * 0.25)
    assert first.simulation == (scores[first.event] + x0) * 0.25  # the coefficient is 6 instead of 5
    assert str(first) == (
        f"output 'score', event {first.event}: contract {first.contract!r}, RTL simulation {first.simulation!r} "
        f"(stream 'back to back from 0', clock cycle {first.cycle})"
    )


def test_pieces_say_what_all_events_say(written, events):
    folder = written()
    _plant(folder, "coefficient", "vhdl")
    whole = simulate_rtl(toy_contract(), folder, events, language="vhdl")
    pieces = simulate_rtl(toy_contract(), folder, iter([events[:100], events[100:170], events[170:]]), language="vhdl")
    assert (pieces.events, pieces.corner_vectors) == (whole.events, whole.corner_vectors)
    assert pieces.mismatches == whole.mismatches > 0
    assert pieces.outputs[0] == whole.outputs[0]  # the bit depends on the thresholds that are drawn


def test_a_latency_that_is_not_the_described_one_is_found(tmp_path, events):
    project = toy_project()
    folder = tmp_path / "rtl"
    dataclasses.replace(project, design=dataclasses.replace(project.design, latency=3)).write(folder)
    report = simulate_rtl(toy_contract(), folder, events[:50], language="vhdl")
    assert report.mismatches == 150  # every event and corner vector
    assert report.first_violation.port == "out_valid"


def test_errors_tell_what_to_do(written, events, tmp_path, monkeypatch):
    folder = written()
    with pytest.raises(UserError, match=r"there is no RTL .* run `l1ae rtl` first"):
        simulate_rtl(toy_contract(), tmp_path / "nowhere", events)
    with pytest.raises(UserError, match=r"made from another contract .* run `l1ae rtl` again"):
        simulate_rtl(toy_contract(threshold=3), folder, events)
    description = folder / DESCRIPTION
    _edit(description, '"score_bits": 17', '"score_bits": 16')
    with pytest.raises(UserError, match="its ports are not the contract's"):
        simulate_rtl(toy_contract(), folder, events)
    _edit(description, '"score_bits": 16', '"score_bits": 17')
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="apt-get install ghdl"):
        simulate_rtl(toy_contract(), folder, events, language="vhdl")
    with pytest.raises(UserError, match=r"apt-get install (perl|g\+\+)"):
        simulate_rtl(toy_contract(), folder, events, language="verilog")


@pytest.mark.parametrize("language", ["vhdl", "verilog"])
def test_rtl_that_does_not_compile_is_an_error(written, events, language):
    folder = written()
    _edit(folder / "src" / f"toy_v1.{language.replace('verilog', 'v').replace('vhdl', 'vhd')}", "x2 * ", "nothing * ")
    with pytest.raises(CheckFailedError, match=r"does not compile:[\s\S]*nothing"):
        simulate_rtl(toy_contract(), folder, events, language=language)


def test_a_simulation_that_stops_is_an_error(written, events):
    folder = written()
    _edit(
        folder / "src" / "toy_v1.vhd",
        "event_r <= in_event;",
        'event_r <= in_event; assert in_event(5 downto 0) /= "010101" severity failure;',
    )
    with pytest.raises(CheckFailedError, match=r"stopped with status .* cycles of 'back to back from 0'"):
        simulate_rtl(toy_contract(), folder, events, language="vhdl")
