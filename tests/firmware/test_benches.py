"""The hand-written sources in both languages: every bench passes, both languages agree, and planted faults are caught."""

import os
import shutil

import find_libpython
import pytest

from l1ae.errors import UserError
from l1ae.rtl._firmware import firmware_source
from l1ae.tools._ghdl import ghdl
from l1ae.tools._verilator import verilator

from ..levels import exhaustive, slow
from .simulation import simulate

_FIND = {"verilator": verilator, "ghdl": ghdl}


def _need(simulator):
    """Without the simulator there is nothing to test, which is no pass where it was asked for by name (BENCH_REQUIRED=1)."""
    missing = pytest.fail if os.environ.get("BENCH_REQUIRED") == "1" else pytest.skip
    if find_libpython.find_libpython() is None:
        missing("cocotb needs a Python with a shared library; Debian/Ubuntu: apt-get install libpython3-dev")
    try:
        _FIND[simulator]()
    except UserError as error:
        missing(str(error))


@pytest.mark.parametrize("required", [True, False])
def test_benches_that_did_not_run_pass_only_where_nobody_asked_for_them(monkeypatch, required):
    def absent():
        raise UserError("there is no GHDL")

    monkeypatch.setitem(_FIND, "ghdl", absent)
    monkeypatch.setenv("BENCH_REQUIRED", str(int(required)))
    with pytest.raises(pytest.fail.Exception if required else pytest.skip.Exception):
        _need("ghdl")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """What the benches say about the sources as they are."""
    found = {}

    def run(simulator):
        _need(simulator)
        if simulator not in found:
            folder = tmp_path_factory.mktemp(simulator)
            found[simulator] = folder, simulate(simulator, folder)
        return found[simulator]

    return run


@pytest.mark.parametrize("simulator", slow(["ghdl", "verilator"], ("ghdl",)))
def test_all_benches_pass(outcome, simulator):
    _, result = outcome(simulator)
    assert result.failed == set()
    assert len(result.passed) == 13


@pytest.mark.slow
def test_both_languages_show_the_same_in_every_clock(outcome):
    (_, verilog), (_, vhdl) = outcome("verilator"), outcome("ghdl")
    assert set(verilog.logs) == {"t", "f"}
    assert len(verilog.logs["t"]) == len(verilog.logs["f"]) == 2000
    assert verilog.logs == vhdl.logs


# What is wrong, the module, the text in Verilog and its fault, the same in VHDL, and a bench test that must notice.
_FAULTS = {
    "reset spares the last stage": (
        "l1ae_trigger",
        (
            "if (rst) in_flight <= 0;",
            "if (rst) begin in_flight <= 0; in_flight[CORE_LATENCY-1] <= advanced[CORE_LATENCY-1]; end",
        ),
        (
            "in_flight <= (others => '0');",
            "in_flight <= (others => '0'); in_flight(CORE_LATENCY - 1) <= advanced(CORE_LATENCY - 1);",
        ),
        "bench_trigger.reset_forgets",
    ),
    "reset spares the outputs": (
        "l1ae_trigger",
        ("if (rst || !scored)", "if (!scored)"),
        ("rst = '1' or scored = '0'", "scored = '0'"),
        "bench_trigger.reset_forgets",
    ),
    "events are taken during reset": (
        "l1ae_trigger",
        ("in_ready & ~rst;", "in_ready;"),
        ("in_valid and ready and not rst", "in_valid and ready"),
        "bench_trigger.reset_forgets",
    ),
    "reset leaves a zero threshold": (
        "l1ae_trigger",
        ("if (rst) threshold <= DEFAULT_THRESHOLD;", "if (rst) threshold <= 0;"),
        ("limit <= RESET_THRESHOLD;", "limit <= (others => '0');"),
        "bench_trigger.reset_forgets",
    ),
    "a write wins over reset": (
        "l1ae_trigger",
        ("if (rst) threshold", "if (rst && !threshold_write) threshold"),
        ("if rst = '1' then\n                limit", "if rst = '1' and threshold_write = '0' then\n                limit"),
        "bench_trigger.reset_forgets",
    ),
    "reset leaves it not ready": (
        "l1ae_trigger",
        ("if (rst) wait_clocks <= 0;\n                else if", "if"),
        ("if rst = '1' then\n                    wait_clocks <= 0;\n                elsif", "if"),
        "bench_trigger.reset_forgets",
    ),
    "unsigned scores at the threshold fail": (
        "l1ae_trigger",
        (": score >= threshold;", ": score > threshold;"),
        (">= unsigned", "> unsigned"),
        "bench_trigger.borders",
    ),
    "signed scores at the threshold fail": (
        "l1ae_trigger",
        (">= $signed", "> $signed"),
        (">= signed", "> signed"),
        "bench_trigger.borders",
    ),
    "the sign is not looked at": (
        "l1ae_trigger",
        ("SCORE_SIGNED != 0 ?", "1'b0 ?"),
        ("if SCORE_SIGNED = 1 then", "if false then"),
        "bench_trigger.borders",
    ),
    "a valid register is missing": (
        "l1ae_trigger",
        ("= advanced[CORE_LATENCY];", "= advanced[CORE_LATENCY-1];"),
        ("<= advanced(CORE_LATENCY);", "<= advanced(CORE_LATENCY - 1);"),
        "bench_trigger.latency",
    ),
    "the score shows when it is not valid": (
        "l1ae_trigger",
        ("            out_score <= 0;", "            out_score <= score;"),
        ("out_score   <= (others => '0');", "out_score   <= score;"),
        "bench_trigger.latency",
    ),
    "ready one clock early": (
        "l1ae_trigger",
        ("LAST_WAIT = INTERVAL - 1", "LAST_WAIT = INTERVAL - 2"),
        ("wait_clocks <= INTERVAL - 1;", "wait_clocks <= INTERVAL - 2;"),
        "bench_trigger.interval",
    ),
    "the new threshold is compared one clock early": (
        "l1ae_trigger",
        (": score >= threshold;", ": score >= (threshold_write ? threshold_in : threshold);"),
        ("passes(score, limit);", "passes(score, threshold_in) when threshold_write = '1' else passes(score, limit);"),
        "bench_trigger.threshold_takes_effect",
    ),
    "an early in_first is no error": (
        "l1ae_framer",
        ("in_first ? next_beat != 0 && intact", "in_first ? 1'b0"),
        ("(in_first = '1' and next_beat /= 0 and intact = '1') or ", ""),
        "bench_framer.early_first",
    ),
    "in_first does not begin an event": (
        "l1ae_framer",
        ("in_first || next_beat == 0;", "next_beat == 0;"),
        ("0 when in_first = '1' else next_beat;", "next_beat;"),
        "bench_framer.early_first",
    ),
    "an event without in_first is handed on": (
        "l1ae_framer",
        ("restart ? in_first : intact", "restart ? 1'b1 : intact"),
        ("whole <= in_first when", "whole <= '1' when"),
        "bench_framer.missing_first",
    ),
    "reset keeps the place in the event": (
        "l1ae_framer",
        ("if (rst) begin\n            next_beat <= 0;", "if (rst) begin"),
        ("if rst = '1' then\n                next_beat <= 0;", "if rst = '1' then"),
        "bench_framer.reset_in_an_event",
    ),
    "words are taken without in_valid": (
        "l1ae_framer",
        ("if (in_valid && beat ==", "if (beat =="),
        ("if in_valid = '1' and beat =", "if beat ="),
        "bench_framer.gaps",
    ),
    "lanes are exchanged": (
        "l1ae_framer",
        ("(word%LANES)*WORD_BITS", "((word+1)%LANES)*WORD_BITS"),
        ("word mod LANES;", "(word + 1) mod LANES;"),
        "bench_framer.back_to_back",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", exhaustive(_FAULTS, list(_FAULTS)[:3]))
def test_a_fault_in_the_vhdl_is_caught(tmp_path, fault):
    _need("ghdl")
    module, _, replacement, noticed_by = _FAULTS[fault]
    assert noticed_by in simulate("ghdl", tmp_path, {module: replacement}, clocks=200).failed


@pytest.mark.parametrize("fault", _FAULTS)
def test_the_faults_still_fit_the_sources(fault):
    module, verilog, vhdl, _ = _FAULTS[fault]
    assert verilog[0] in firmware_source(f"{module}.v")
    assert vhdl[0] in firmware_source(f"{module}.vhd")


# Compiling takes long, and the benches are the same: these few show that they catch faults in Verilator as well.
_IN_VERILATOR = (
    "reset spares the last stage",
    "events are taken during reset",
    "unsigned scores at the threshold fail",
    "a valid register is missing",
    "ready one clock early",
    "an event without in_first is handed on",
)


@pytest.mark.slow
@pytest.mark.parametrize("fault", exhaustive(_IN_VERILATOR, _IN_VERILATOR[:1]))
def test_a_fault_in_the_verilog_is_caught(outcome, tmp_path, fault):
    folder, _ = outcome("verilator")
    # Verilator's own library is compiled already, and only what changes is compiled again.
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    module, replacement, _, noticed_by = _FAULTS[fault]
    assert noticed_by in simulate("verilator", tmp_path, {module: replacement}, clocks=200).failed
