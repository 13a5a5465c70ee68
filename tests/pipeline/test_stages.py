"""All stages on a tiny data set: files, reproducibility, skipping, and a fault that must stop the command."""

import json
import re

import numpy as np
import pytest

from l1ae.contract import Contract
from l1ae.data import open_dataset
from l1ae.errors import CheckFailedError, UserError
from l1ae.pipeline import (
    Run,
    RunOptions,
    contract_stage,
    csim_stage,
    evaluate_stage,
    hls_stage,
    report_stage,
    run_all,
    train_stage,
    verdicts,
)
from l1ae.pipeline._samples import csim_sample, part_of

pytestmark = pytest.mark.slow

STAGES = ("train", "contract", "evaluation", "baselines", "trigger", "hls", "csim")


@pytest.fixture(scope="module")
def trained(make_config, tmp_path_factory):
    """A trained run, shared; tests must leave `train` and `contract` as they are."""
    return train_stage(make_config(), tmp_path_factory.mktemp("runs") / "run")


def test_same_configuration_data_and_seed_give_the_same_contract_and_firmware(trained, make_config, tmp_path):
    again = train_stage(make_config(), tmp_path / "again")
    hls_stage(trained)
    hls_stage(again)
    digests = [json.loads((run.path("hls") / "summary.json").read_text())["digest"] for run in (trained, again)]
    assert digests[0] == digests[1]
    assert (again.path("contract") / "contract.json").read_bytes() == (trained.path("contract") / "contract.json").read_bytes()


def test_threshold_keeps_the_configured_rate_on_validation_background(trained):
    config = trained.config
    contract = Contract.load(trained.path("contract") / "contract.json")
    events = open_dataset(config.data.source, config.inputs.selected).background.read()
    scores = contract.evaluate_reference(events.hw[part_of(config, events) == 1])["score"]
    assert np.mean(scores >= contract.threshold) <= config.model.target_fpr
    assert np.mean(scores >= contract.threshold - 1) > config.model.target_fpr


def test_summary_holds_bounds_that_hold_the_observed_range(trained):
    summary = json.loads((trained.path("contract") / "summary.json").read_text())
    assert summary["parameters"] == 57 * 6 + 6 + 6 * 2 + 2 + 2 * 6 + 6 + 6 * 57 + 57
    for row in summary["tensors"]:
        assert row["low"] <= row["observed_low"] <= row["observed_high"] <= row["high"], row["name"]


def test_csim_and_evaluation_agree_with_the_models(trained):
    hls_stage(trained, backend="Vivado")
    report = csim_stage(trained)
    assert report.passed
    assert verdicts(trained, ["csim", "rtl"]) == ("C simulation: 0 mismatches in 2000 events",)
    content = json.loads((trained.path("csim") / "report.json").read_text())
    assert content["backend"] == "Vivado"
    assert content["quantized"] == {"events": 2000, "mismatches": 0}
    assert set(content["float"]) == {"max_abs", "rms", "auc_float", "auc_fixed", "decision_flips", "threshold"}
    assert set(content["seconds"]) == {"convert", "compile", "simulate"}
    evaluate_stage(trained)
    page = report_stage(trained).read_text()
    assert "0 mismatches" in re.sub(r"<[^>]+>", "", page)


def test_a_planted_fault_fails_the_stage_and_is_in_its_report(trained):
    hls_stage(trained)
    header = trained.path("hls") / "firmware" / "weights" / "w3.h"
    header.write_text(re.sub(r"= \{-?0\.(\d)", r"= {0.9", header.read_text(), count=1))
    with pytest.raises(CheckFailedError, match=r"C simulation: \d+ mismatches in 500 events\nlayer 'enc0', event \d+"):
        csim_stage(trained, events=500)
    content = json.loads((trained.path("csim") / "report.json").read_text())
    assert content["mismatches"] > 0
    assert content["first_mismatch"]["layer"] == "enc0"
    assert "csim" not in trained.manifest.stages


def test_run_skips_what_is_up_to_date(make_config, tmp_path):
    def stages(config):
        seen = {}
        run_all(config, tmp_path / "run", announce=lambda stage, current: seen.update({stage: current}))
        return seen

    assert stages(make_config("dense_vae")) == dict.fromkeys(STAGES, False)
    assert stages(make_config("dense_vae")) == dict.fromkeys(STAGES, True)
    other_clock = make_config("dense_vae", hls={"clock_period": 25.0})
    assert stages(other_clock) == dict.fromkeys(STAGES, True) | {"hls": False, "csim": False}
    Run.open(tmp_path / "run").forget("evaluation")
    assert stages(other_clock) == dict.fromkeys(STAGES, True) | {"evaluation": False}


def test_run_continues_an_interrupted_training_and_not_one_of_another_configuration(make_config, trained, tmp_path):
    class StopError(Exception):
        pass

    def stop(report):
        if report.epoch == 1:
            raise StopError

    for seed in (1, 2):
        with pytest.raises(StopError):
            run_all(make_config(seed=seed), tmp_path / "run", options=RunOptions(progress=stop))
    run, _ = run_all(make_config(), tmp_path / "run")
    assert (run.path("contract") / "contract.json").read_bytes() == (trained.path("contract") / "contract.json").read_bytes()


@pytest.mark.exhaustive
def test_an_interrupted_training_leaves_a_finished_run_as_it_was(make_config, tmp_path):
    class StopError(Exception):
        pass

    def stop(report):
        raise StopError

    run = train_stage(make_config(), tmp_path / "run")
    before = (run.folder / "config.yaml").read_bytes()
    with pytest.raises(StopError):
        train_stage(make_config(seed=5), run.folder, progress=stop)
    assert (run.folder / "config.yaml").read_bytes() == before
    evaluate_stage(Run.open(run.folder))
    train_stage(make_config(), run.folder, resume=True, progress=stop)  # finished: nothing is trained again


def test_a_contract_of_another_training_is_refused(make_config, tmp_path):
    run = train_stage(make_config(), tmp_path / "run")
    (run.path("train") / "history.csv").write_text("tampered")
    with pytest.raises(UserError, match=r"was not made from the training and configuration in .* train again"):
        evaluate_stage(run)


def test_changed_and_missing_files_of_the_project_are_listed(trained):
    hls_stage(trained)
    (trained.path("hls") / "project.tcl").unlink()
    csim_stage(trained, events=50)
    assert json.loads((trained.path("csim") / "report.json").read_text())["changed_files"] == ["project.tcl"]


def test_contract_can_be_made_again(trained):
    before = (trained.path("contract") / "contract.json").read_bytes()
    contract_stage(trained)
    assert (trained.path("contract") / "contract.json").read_bytes() == before


@pytest.mark.parametrize("events", [10, 3000, 10_000])
def test_csim_sample_is_real_events_with_a_fifth_of_signal(make_config, events):
    sample = csim_sample(make_config(), events)
    assert len(sample.hardware) == len(sample.sample) == len(sample.held_out) == min(events, 3800)
    signals = np.mean(sample.sample != "background")
    assert signals == pytest.approx(0.2 if events < 3800 else 800 / 3800, abs=0.001)
    assert np.all(sample.held_out[sample.sample != "background"])


@pytest.mark.parametrize("stage", ["train", "run"])
def test_a_strategy_that_cannot_work_is_refused_before_training(make_config, tmp_path, stage):
    config = make_config(hls={"strategy": "Resource", "layers": {"enc0": {"reuse_factor": 7}}})
    with pytest.raises(UserError, match=r"layer 'enc0'.*reuse"):
        run_all(config, tmp_path / "run") if stage == "run" else train_stage(config, tmp_path / "run")
    assert not (tmp_path / "run" / "train").exists()
    assert not (tmp_path / "run" / ".tmp-train" / "history.csv").exists()


def test_a_menu_that_is_not_possible_is_refused_before_training(make_config, tmp_path):
    menu = [{"name": "SingleTau30", "object": "tau", "pt": 30}]
    config = make_config(trigger={"zero_bias": "data", "menu": menu})
    with pytest.raises(
        UserError, match=r"trigger\.menu: seed 'SingleTau30': there is no group 'tau' with an energy in GeV; the groups that"
    ):
        train_stage(config, tmp_path / "run")
    assert not (tmp_path / "run" / "train").exists()
    assert not (tmp_path / "run" / ".tmp-train").exists()
