"""Runs of networks that somebody else made: self-contained, without the variants that do not exist."""

import json
import re
import shutil

import numpy as np
import pytest
import yaml

from l1ae.config import load_config
from l1ae.contract import Contract, import_description
from l1ae.errors import UserError
from l1ae.pipeline import Run, contract_stage, evaluate_stage, hls_stage, report_stage, run_all, train_stage


def _description(size=57, width=13, threshold=300):
    rng = np.random.default_rng(2)
    arrays = {"dense": rng.integers(-8, 8, (size, 5)) / 8}
    layers = [
        {"name": "dense", "kind": "dense", "input": "inputs", "kernel": "dense", "kernel_type": "ap_fixed<4,1>"}
        | {"accumulator": "ap_fixed<14,8>", "wraps": True, "result": "ap_fixed<12,8>"},
        {"name": "relu", "kind": "relu", "input": "dense", "result": "ap_ufixed<10,6,AP_RND_CONV,AP_SAT>"},
        {"name": "norm", "kind": "dot", "inputs": ["relu"], "accumulator": "ap_ufixed<24,16>"},
    ]
    return arrays, {
        "weights": "arrays.npz",
        "hardware": {"size": size, "width": width},
        "preprocessing": {"shift": 4, "work": "ap_fixed<18,13>", "result": "ap_fixed<14,6,AP_RND_CONV,AP_SAT>"},
        "layers": layers,
        "score": {"input": "norm", "type": "ap_ufixed<18,14,AP_TRN,AP_SAT>", "threshold": threshold},
    }


@pytest.fixture
def write_config(source, tmp_path):
    """Write a configuration beside the model that it imports, in a folder of their own; returns its path."""
    folder = tmp_path / "foreign"
    folder.mkdir()

    def write(model, **sections):
        content = {"name": "imported", "data": {"source": str(source)}, "csim": {"events": 500}}
        content["model"] = {"architecture": "imported", "target_fpr": 0.05} | model
        (folder / "config.yaml").write_text(yaml.safe_dump(content | sections))
        return folder / "config.yaml"

    return write


@pytest.fixture
def write_description(write_config):
    """A described network and its configuration; returns the configuration's path."""

    def write(*, sections=None, **options):
        path = write_config({"source": "network.yaml", "score": "output"}, **(sections or {}))
        arrays, content = _description(**options)
        np.savez(path.parent / "arrays.npz", **arrays)
        (path.parent / "network.yaml").write_text(yaml.safe_dump(content))
        return path

    return write


def test_a_run_needs_nothing_but_its_folder(write_description, tmp_path):
    path = write_description()
    run = train_stage(load_config(path), tmp_path / "run")
    made = Contract.load(run.path("contract") / "contract.json")
    assert made.digest == import_description(path.parent / "network.yaml", "imported_v1").digest
    assert made.threshold == 300
    shutil.rmtree(path.parent)
    run.folder.rename(tmp_path / "moved")
    moved = Run.open(tmp_path / "moved")
    assert contract_stage(moved).digest == made.digest
    train_stage(load_config(moved.folder / "config.yaml"), moved.folder)
    assert Contract.load(moved.path("contract") / "contract.json").digest == made.digest


def test_report_says_what_was_imported_and_what_wraps(write_description, tmp_path):
    run = train_stage(load_config(write_description()), tmp_path / "run")
    summary = json.loads((run.path("contract") / "summary.json").read_text())
    assert set(summary["wrapped"]) == {"dense"}
    page = re.sub(r"<[^>]+>", "", report_stage(run).read_text())
    assert "a network imported from network.yaml" in page
    assert "some words at the input ports make wrap, as they do where it was deployed: dense." in page
    assert "300 LSB" in page
    assert "part of the imported model" in page
    assert "57, type fixed&lt;14,6,RND_CONV,SAT&gt;" in page


@pytest.mark.slow
def test_without_a_threshold_of_its_own_the_rate_sets_it(write_description, tmp_path):
    run = train_stage(load_config(write_description(threshold=None)), tmp_path / "run")
    summary = json.loads((run.path("contract") / "summary.json").read_text())
    above, events = summary["threshold_events"]
    assert summary["threshold"] > 0
    assert 0 < above / events <= 0.05


def test_a_network_without_weights_has_a_summary(write_description, tmp_path):
    path = write_description()
    _, content = _description()
    dot = {"name": "norm", "kind": "dot", "inputs": ["inputs"], "accumulator": "ap_ufixed<36,20>"}
    (path.parent / "network.yaml").write_text(yaml.safe_dump({k: v for k, v in content.items() if k != "weights"} | {"layers": [dot]}))
    run = train_stage(load_config(path), tmp_path / "run")
    summary = json.loads((run.path("contract") / "summary.json").read_text())
    assert (summary["parameters"], summary["weight_bits"], summary["wrapped"]) == (0, "0", {})
    assert report_stage(run).is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 60}, r"has 60 inputs without a layout, but the events of this run are 57 columns of layout 'ugt'"),
        ({"width": 12}, r"input 0 is met_pt, with codes 0 to 4095, but the hardware port holds -2048 to 2047; widen the port"),
        (
            {"sections": {"inputs": {"network": "fixed<10,5,RND_CONV,SAT>"}}},
            r"network.yaml' says how its inputs are preprocessed; remove everything but 'layout' and 'select' from inputs",
        ),
    ],
)
def test_networks_that_do_not_fit_the_events_are_refused(write_description, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        train_stage(load_config(write_description(**options)), tmp_path / "run")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"source": "none.keras", "score": "kl"}, r"model.source '.*none.keras' does not exist; it is relative to the configuration file"),
        ({"source": "none.yaml", "score": "output"}, r"model.source '.*none.yaml' does not exist"),
        ({"source": "network.onnx", "score": "output"}, r"source '.*network.onnx' must be a .keras or .h5 file or a description, .yaml"),
        ({"source": "network.yaml", "score": "kl"}, r"score 'kl' does not exist for architecture 'imported'; choose output"),
        ({"source": "network.keras", "score": "kl", "latent": 4}, r"model.latent is what '.*network.keras' says; remove it"),
        ({"score": "output"}, r"architecture 'imported' needs model.source"),
        (
            {"architecture": "dense_ae", "source": "network.keras", "score": "squared_error"},
            r"model.source belongs to architecture 'imported'",
        ),
    ],
)
def test_configurations_that_make_no_sense_are_refused(write_config, tmp_path, model, message):
    with pytest.raises(UserError, match=message):
        train_stage(load_config(write_config(model)), tmp_path / "run")


def test_a_refusal_names_the_file_that_a_user_edits(write_description, write_config, tmp_path):
    """Not the copy in the run, of a description and of a Keras model."""
    path = write_description(size=60)
    with pytest.raises(UserError) as error:
        train_stage(load_config(path), tmp_path / "run")
    assert str(path.parent / "network.yaml") in str(error.value)
    assert str(tmp_path / "run") not in str(error.value)
    path = write_config({"source": "network.keras", "score": "squared_error"})
    (path.parent / "network.keras").write_text("no model")
    with pytest.raises(UserError, match=f"^'{path.parent / 'network.keras'}' is neither a .keras nor a .h5 file") as error:
        train_stage(load_config(path), tmp_path / "other")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_an_hdf5_file_is_imported_as_a_keras_file_is(write_config, make_network, tmp_path):
    path = write_config({"source": "network.h5", "score": "squared_error"})
    network = make_network("squared_error", hidden=(6,))
    network.model.save(path.parent / "network.h5")
    run = train_stage(load_config(path), tmp_path / "run")
    found = Contract.load(run.path("contract") / "contract.json")
    assert [str(item.format) for item in found.operations] == [str(item.format) for item in network.contract.operations]


@pytest.mark.exhaustive
def test_described_network_goes_through_all_stages_and_only_once(write_description, tmp_path):
    path = write_description()
    seen = {}

    def stages():
        return run_all(load_config(path), tmp_path / "run", announce=lambda stage, current: seen.update({stage: current}))

    run, page = stages()
    report = json.loads((run.path("csim") / "report.json").read_text())
    assert (report["mismatches"], report["type_mismatches"], report["events"]) == (0, [], 500)
    assert report["float"] is None
    assert report["quantized"] == {"events": 0, "mismatches": 0}
    assert "C simulation: 0 mismatches in 500 events" in re.sub(r"<[^>]+>", "", page.read_text())
    stages()
    assert set(seen.values()) == {True}
    arrays, _ = _description()
    np.savez(path.parent / "arrays.npz", dense=arrays["dense"][:, ::-1])
    stages()
    made = dict.fromkeys(["train", "contract", "evaluation", "trigger", "hls", "csim"], False)
    assert seen == made | {"baselines": True}, "which do not depend on the network"
    shutil.rmtree(path.parent)
    evaluate_stage(Run.open(run.folder))
    metrics = json.loads((run.path("evaluation") / "metrics.json").read_text())
    assert list(metrics["auc"]) == ["fixed"]
    assert metrics["comparisons"] == {}


@pytest.mark.exhaustive
def test_keras_file_goes_through_all_stages(write_config, make_network, tmp_path):
    path = write_config({"source": "network.keras", "score": "squared_error"})
    network = make_network("squared_error", hidden=(6,))
    network.model.save(path.parent / "network.keras")
    run, page = run_all(load_config(path), tmp_path / "run")
    contract = Contract.load(run.path("contract") / "contract.json")
    assert [str(item.format) for item in contract.operations] == [str(item.format) for item in network.contract.operations]
    report = json.loads((run.path("csim") / "report.json").read_text())
    assert report["mismatches"] == 0
    assert report["float"] is None
    assert report["quantized"] == {"events": 500, "mismatches": 0}
    metrics = json.loads((run.path("evaluation") / "metrics.json").read_text())
    assert list(metrics["auc"]) == ["quantized", "fixed"]
    assert "network.keras" in page.read_text()
    shutil.rmtree(path.parent)
    hls_stage(Run.open(run.folder), backend="Vivado")
