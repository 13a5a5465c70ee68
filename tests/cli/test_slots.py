"""What `l1ae deliver` and `l1ae estimate` say of the slot, of a run that holds a contract and its RTL."""

import types

import pytest
from click.testing import CliRunner

from l1ae.cli import _delivery
from l1ae.cli._delivery import deliver
from l1ae.cli._rtl import estimate
from l1ae.config import Config, dump_config
from l1ae.delivery import Check, Provenance, VerifiedDelivery
from l1ae.pipeline import Run, check_targets, slot_of
from l1ae.rtl import Clock, unroll

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
        "  MISSED      slot: does not fit into the global trigger: it answers after 5 clocks of 25 ns, 5 crossings (125 ns)"
    )
    assert lines[1].startswith("  MISSED      slot: does not fit into an EMP board: it was made for a clock of 5 ns")
    assert len(lines) == 2


def test_without_rtl_nothing_is_known_of_the_slot(run, tmp_path):
    assert slot_of(Run(tmp_path, run.config), "ugt") is None


def test_estimate_says_what_would_miss_its_slot(run):
    result = CliRunner().invoke(estimate, [str(run.folder)], catch_exceptions=False)
    lines = [line for line in result.output.splitlines() if "fit" in line]
    assert [line.split()[0] for line in lines] == ["MISSED", "MISSED"]
    assert "into the global trigger: it answers after" in lines[0]
    assert "made for a clock of 5 ns, and that of an EMP board is 4.167 ns" in lines[1]
