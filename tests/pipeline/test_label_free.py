"""Metrics of background alone of a tiny run, against the arrays that they are made of."""

import numpy as np
import pytest

from l1ae.data import Events, EventStore, StoreWriter, open_dataset
from l1ae.evaluation import ScoreSet, threshold_drift, wasserstein
from l1ae.pipeline._label_free import label_free_of


class _Scorer:
    """The sum of the codes, which needs no network."""

    variants = ("fixed",)

    def __init__(self, config):
        self.config = config

    def __call__(self, hardware):
        return {"fixed": hardware.astype(np.float64).sum(axis=1)}


@pytest.fixture(scope="module")
def zero_bias(source, tmp_path_factory):
    """The background of `source` with weights 0.2 and 1.8 and a recorded split."""
    folder = tmp_path_factory.mktemp("weighted")
    store = EventStore.open(source / "background.h5")
    events = store.read()
    n = np.arange(len(events))
    extra = {"weight": np.where(n % 2 == 0, 0.2, 1.8), "split": (n % 3).astype(np.int8)}
    with StoreWriter(folder / "background.h5", store.layout, sample="zb", processes=["zb"], provenance={}) as writer:
        writer.append(Events(events.hw, events.process, events.source_event, events.pileup, extra))
    return folder


def test_weights_split_and_rate_are_those_of_the_store(zero_bias, make_config):
    config = make_config(data={"source": str(zero_bias)}, trigger={"bunches": 1, "revolution_khz": 100, "rates": [1]})
    events = open_dataset(str(zero_bias), config.inputs.selected).background.read(extra=["weight", "split"])
    scores, weight, split = events.hw.astype(float).sum(axis=1), events.extra["weight"], events.extra["split"]
    test = scores[split == 2]
    found = label_free_of(_Scorer(config), {"fixed": ScoreSet(test, {})})["fixed"]
    assert found.events == (1000, 1000)
    assert found.wasserstein == wasserstein(scores[split == 1], test, weights=(weight[split == 1], weight[split == 2]))
    assert found.drift == threshold_drift(test, 0.01, weights=weight[split == 2])
    assert found.drift is not None
    assert -np.log(2) < found.capacity.value < 0


def test_selected_background_drifts_at_the_target_and_empty_parts_have_no_metrics(source, make_config):
    config = make_config()
    n = sum(len(events.hw) for events in _test_events(config))
    found = label_free_of(_Scorer(config), {"fixed": ScoreSet(np.arange(float(n)), {})})["fixed"]
    assert found.drift.fpr == 0.05
    none = make_config(data={"source": str(source), "train": 0.5, "validation": 1e-9})
    rest = sum(len(events.hw) for events in _test_events(none))
    assert label_free_of(_Scorer(none), {"fixed": ScoreSet(np.zeros(rest), {})}) == {}


def _test_events(config):
    from l1ae.data import TEST, events_of

    return events_of(config.data, open_dataset(config.data.source, config.inputs.selected).background, TEST)
