"""What `l1ae deliver` and `l1ae estimate` say of the slot, of a run that holds a contract and its RTL."""

import types
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from l1ae.cli import _delivery, _rtl
from l1ae.cli._delivery import deliver
from l1ae.cli._rtl import estimate
from l1ae.config import BudgetConfig, Config, dump_config
from l1ae.delivery import TARGETS, Check, Source, Timing, VerifiedDelivery
from l1ae.delivery._emp_links import Links
from l1ae.delivery._manifest import slot_of
from l1ae.errors import CheckFailedError
from l1ae.pipeline import Run
from l1ae.rtl import Clock, open_design, unroll
from l1ae.rtl_results import Estimated, Forecast

from ..delivery.tiny import tiny_contract


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The tiny network for a clock of 5 ns."""
    folder = tmp_path_factory.mktemp("slots") / "run"
    folder.mkdir()
    model = {"architecture": "dense_ae", "score": "squared_error"}
    config = Config.model_validate({"name": "tiny", "version": 3, "model": model})
    (folder / "config.yaml").write_text(dump_config(config))
    contract = tiny_contract()
    Run(folder, config).produce("contract", {}, lambda target: contract.save(target / "contract.json"))
    unroll(contract, Clock(5.0, 12.5), part=config.rtl_part).project.write(folder / "rtl")
    return Run(folder, config)


@pytest.fixture
def delivering(run, monkeypatch):
    """`l1ae deliver RUN` with these arguments; nothing is written but what it says."""
    source = Source(tiny_contract(), run.config, np.zeros((0, 57), np.int64), rtl=open_design(run.path("rtl")))

    def made(opened, name):
        slot = slot_of(TARGETS[name], source)
        return VerifiedDelivery(run.folder, name, source.provenance, (Check("contract", True, "fine"),), slot)

    pipeline = types.SimpleNamespace(Run=Run, check_targets=lambda run, names: None, deliver_stage=made)
    monkeypatch.setattr(_delivery, "load_pipeline", lambda: pipeline)
    return lambda *arguments: CliRunner().invoke(deliver, [str(run.folder), *arguments])


def test_deliver_says_what_misses_its_slot(delivering):
    result = delivering("--target", "ugt", "--target", "emp", "--target", "cmssw")
    assert result.exit_code == 0
    lines = [line for line in result.output.splitlines() if " slot: " in line]
    assert lines[0].startswith(
        "  MISSED      slot: does not fit into the global trigger: it answers after 5 clocks of 25 ns (125 ns, within 5 crossings)"
    )
    assert lines[1].startswith("  MISSED      slot: does not fit into an EMP board: it was made for a clock of 5 ns")
    assert len(lines) == 2


def test_deliver_can_fail_for_what_misses_its_slot(delivering):
    result = delivering("--strict", "--target", "ugt", "--target", "cmssw", "--target", "emp")
    assert isinstance(result.exception, CheckFailedError)
    assert str(result.exception) == "delivered, but not fast enough: ugt, emp"
    assert delivering("--strict", "--target", "cmssw").exit_code == 0


def test_without_rtl_nothing_is_known_of_the_slot(run):
    source = Source(tiny_contract(), run.config, np.zeros((0, 57), np.int64))
    assert slot_of(TARGETS["ugt"], source) is None


def test_an_emp_board_counts_the_frames_that_an_event_arrives_in(run):
    """57 words of 12 bits, 4 to a frame: 3 links bring them in 5 frames of the 6 that a crossing has at 240 MHz."""
    design = replace(open_design(run.path("rtl")).design, latency=4, clock_period=4.16)
    links = Links.of(design)
    assert (links.beats, links.delay) == (5, 10)
    text = TARGETS["emp"].slot(design, run.config.budget).text
    assert "answers 10 clocks of 4.167 ns (41.67 ns, within 2 crossings) after the first frame of its event: 5 to collect it" in text
    assert not TARGETS["emp"].slot(design, BudgetConfig(latency_ns=30)).fits
    wide = Timing(inputs=4, input_bits=65, latency=2, interval=1, clock_period=4.16)
    assert "65 bits do not fit into a frame" in TARGETS["emp"].slot(wide, run.config.budget).text


def test_estimate_says_what_would_miss_its_slot(run):
    result = CliRunner().invoke(estimate, [str(run.folder)], catch_exceptions=False)
    lines = [line for line in result.output.splitlines() if "fit" in line]
    assert [line.split()[0] for line in lines] == ["MISSED", "MISSED"]
    assert "into the global trigger: it answers after" in lines[0]
    assert "at the clock there and not at that of 5 ns that it was made for" in lines[0]
    assert not any("again" in line for line in lines), "nothing was made for it"
    assert "frame" not in lines[0]
    assert "made for a clock of 5 ns, and that of an EMP board is 4.167 ns" in lines[1]


CROSSINGS = {"name": "tiny", "model": {"architecture": "dense_ae", "score": "squared_error"}, "rtl": {"crossings": 1}}


@pytest.mark.parametrize(
    ("cycles", "refused", "first_words"),
    [
        ((1, 1, 1), (), ["ok", "MISSED"]),
        ((2, 1, 2), (), ["MAYBE", "ok", "MISSED"]),
        ((2, 2, 3), ("the logic takes 2 to 3 stages",), ["REFUSED", "MISSED"]),
    ],
)
def test_what_is_refused_fits_nowhere_and_what_may_be_is_told(cycles, refused, first_words, capsys):
    ends = Estimated(*cycles)
    latency = Estimated(*(25 * end for end in cycles))
    found = Forecast(
        luts_packed=ends,
        flip_flops=ends,
        cycles=ends,
        latency_ns=latency,
        crossings=ends,
        weight_bits=100,
        problems=refused,
        inputs=57,
        input_bits=12,
    )
    _rtl._show("tiny.yaml", found, Config.model_validate(CROSSINGS))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.split()[:1] in [["ok"], ["MAYBE"], ["MISSED"], ["REFUSED"]]]
    assert [line.split()[0] for line in lines] == first_words
    if "MAYBE" in first_words:
        assert "takes 1 to 2 stages of 25 ns, most likely 2, and rtl.crossings is 1; allow more crossings" in lines[0]
