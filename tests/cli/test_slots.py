"""What `l1ae deliver` and `l1ae estimate` say of the slot, of a run that holds a contract and its RTL."""

import types

import pytest
from click.testing import CliRunner

from l1ae.cli import _delivery, _rtl
from l1ae.cli._delivery import deliver
from l1ae.cli._rtl import estimate
from l1ae.config import Config, dump_config
from l1ae.delivery import Check, Provenance, VerifiedDelivery
from l1ae.pipeline import Run, check_targets, slot_of
from l1ae.rtl import Clock, unroll
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


def test_deliver_says_what_misses_its_slot(run, monkeypatch):
    latency = slot_of(run, "ugt")
    assert latency is not None
    checked = VerifiedDelivery(run.folder, "ugt", Provenance.of(tiny_contract()), (Check("contract", True, "fine"),))
    pipeline = types.SimpleNamespace(
        Run=types.SimpleNamespace(open=lambda folder: run),
        check_targets=check_targets,
        deliver_stage=lambda run, target: checked,
        slot_of=slot_of,
    )
    monkeypatch.setattr(_delivery, "load_pipeline", lambda: pipeline)
    result = CliRunner().invoke(deliver, [str(run.folder), "--target", "ugt", "--target", "emp", "--target", "cmssw"])
    assert result.exit_code == 0
    lines = [line for line in result.output.splitlines() if " slot: " in line]
    assert lines[0].startswith(
        "  MISSED      slot: does not fit into the global trigger: for a clock of 5 ns it takes 5 clocks, and the clock here "
        "is one of 25 ns, so that they are 125 ns, and the budget is 50 ns; set rtl.crossings to 1 or 2 (and rtl.interval to 1) and run "
        "`l1ae rtl` again"
    )
    assert lines[1].startswith("  MISSED      slot: does not fit into an EMP board: it is for a clock of 5 ns")
    assert len(lines) == 2


def test_without_rtl_nothing_is_known_of_the_slot(run, tmp_path):
    assert slot_of(Run(tmp_path, run.config), "ugt") is None


def test_estimate_says_what_would_miss_its_slot(run):
    result = CliRunner().invoke(estimate, [str(run.folder)], catch_exceptions=False)
    lines = [line for line in result.output.splitlines() if "fit" in line]
    assert [line.split()[0] for line in lines] == ["MISSED", "MISSED"]
    assert "into the global trigger: for a clock of 5 ns it takes" in lines[0]
    assert "it is for a clock of 5 ns, and that of an EMP board is 4.167 ns" in lines[1]


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
    found = Forecast(ends, ends, ends, Estimated(*(25 * end for end in cycles)), ends, 100, refused)
    _rtl._show("tiny.yaml", found, Config.model_validate(CROSSINGS), made=False)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.split()[:1] in [["ok"], ["MAYBE"], ["MISSED"], ["REFUSED"]]]
    assert [line.split()[0] for line in lines] == first_words
    if "MAYBE" in first_words:
        assert "takes 1 to 2 stages of 25 ns, most likely 2, and rtl.crossings is 1; allow more crossings" in lines[0]
