"""A run on a background with weights: its threshold, its metrics and the comparison with float count them."""

import json
import shutil

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from l1ae.config import Config
from l1ae.contract import Contract
from l1ae.data import EventStore, StoreWriter, split_fractions
from l1ae.evaluation import load_metrics
from l1ae.inputs import named_layout
from l1ae.pipeline import evaluate_stage, train_stage
from l1ae.pipeline._samples import csim_sample

FPR = 0.02


@pytest.fixture(scope="module")
def weighted(source, tmp_path_factory):
    """The background with weights that fall with its leading energy, some 0; one signal with weights, one without."""
    folder = tmp_path_factory.mktemp("weighted")
    rng = np.random.default_rng(51)
    for name in ("background", "a4l"):
        store = EventStore.open(source / f"{name}.h5")
        events = store.read()
        weights = np.exp(-events.hw[:, ::3].max(axis=1) / 60.0) * (rng.random(len(events)) < 0.9)
        events = type(events)(events.hw, events.process, events.source_event, events.pileup, {"weight": weights})
        with StoreWriter(folder / f"{name}.h5", named_layout("ugt"), sample=name, processes=[name], provenance={}) as writer:
            writer.append(events)
    shutil.copy(source / "lq.h5", folder / "lq.h5")
    return folder


def _part(folder, number, contract):
    """Scores in real units and weights of one part of the background, read and divided here."""
    events = EventStore.open(folder / "background.h5").read(extra=("weight",))
    chosen = events.select(split_fractions(events, (0.4, 0.1), 1) == number)
    codes = contract.evaluate(chosen.hw, [contract.score.name])[contract.score.name][:, 0]
    return codes, chosen.extra["weight"]


@pytest.mark.slow
def test_threshold_and_metrics_are_weighted(weighted, make_config, tmp_path):
    config = make_config(data={"source": str(weighted)})
    config = Config.model_validate(config.model_dump() | {"model": config.model.model_dump() | {"target_fpr": FPR}})
    run = train_stage(config, tmp_path / "run")
    contract = Contract.load(run.path("contract") / "contract.json")
    codes, weights = _part(weighted, 1, contract)
    accepted = np.average(codes >= contract.threshold, weights=weights)
    assert accepted <= FPR < np.average(codes >= contract.threshold - 1, weights=weights)
    assert np.mean(codes >= contract.threshold) > 2 * FPR
    summary = json.loads((run.path("contract") / "summary.json").read_text())
    assert summary["threshold_fraction"] == pytest.approx(accepted, rel=1e-9)

    evaluate_stage(run)
    metrics = load_metrics(run.path("evaluation") / "metrics.json")
    codes, weights = _part(weighted, 2, contract)
    assert metrics.events["background"] == np.count_nonzero(weights)
    assert metrics.effective.keys() == {"background", "a4l"}
    found = metrics.accepted["fixed"]["background"].value
    assert found == pytest.approx(np.average(codes >= contract.threshold, weights=weights), rel=1e-9)
    signal = contract.evaluate(EventStore.open(weighted / "lq.h5").read().hw, [contract.score.name])[contract.score.name][:, 0]
    is_signal = np.repeat([0, 1], [len(codes), len(signal)])
    expected = roc_auc_score(is_signal, np.concatenate([codes, signal]), sample_weight=np.concatenate([weights, np.ones(len(signal))]))
    assert metrics.auc["fixed"]["lq"].value == pytest.approx(expected, rel=1e-9)


def test_events_of_the_simulation_bring_their_weights(weighted, make_config):
    sample = csim_sample(make_config(data={"source": str(weighted)}), 1000)
    for name in ("background", "a4l"):
        there = sample.sample == name
        given = EventStore.open(weighted / f"{name}.h5").read(0, int(there.sum()), extra=("weight",)).extra["weight"]
        np.testing.assert_array_equal(sample.weights[there], given)
    assert (sample.weights[sample.sample == "lq"] == 1).all()
    assert csim_sample(make_config(), 1000).weights is None
