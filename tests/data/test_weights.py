"""Which background events count, and how much."""

import numpy as np
import pytest

from l1ae.config import DataConfig
from l1ae.data import TEST, WEIGHT, Events, EventStore, StoreWriter, divided, events_of, split_fractions, weight_columns, weights_of
from l1ae.errors import UserError
from l1ae.inputs import named_layout

LAYOUT = named_layout("samples")


def store(path, weights=None, count=100):
    extra = {} if weights is None else {WEIGHT: np.asarray(weights)}
    hw = np.zeros((count, LAYOUT.size), LAYOUT.dtype)
    with StoreWriter(path, LAYOUT, sample="s", processes=["p"], provenance={}) as writer:
        writer.append(Events(hw, np.zeros(count, np.int16), np.arange(count), np.full(count, -1, np.int16), extra))
    return EventStore.open(path)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_events_come_with_weights_and_without_those_of_weight_zero(tmp_path, dtype):
    weights = np.random.default_rng(31).integers(0, 3, 100).astype(dtype)
    opened = store(tmp_path / "a.h5", weights)
    parts = split_fractions(opened.read(), (0.4, 0.1), 1)
    for part in range(3):
        blocks = list(events_of(DataConfig(), opened, part, size=7))
        expected = np.flatnonzero((parts == part) & (weights > 0))
        assert [int(number) for events in blocks for number in events.source_event] == expected.tolist()
        found = np.concatenate([weights_of(events) for events in blocks])
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, weights[expected])


def test_a_store_without_weights_has_all_its_events(tmp_path):
    opened = store(tmp_path / "a.h5")
    assert weight_columns(opened) == ()
    assert all(weights_of(events) is None for events in events_of(DataConfig(), opened, TEST))
    assert sum(len(events) for events, _ in divided(DataConfig(), opened, size=30)) == 100


@pytest.mark.parametrize(("position", "value"), [(0, -1.0), (64, np.nan), (99, np.inf)])
def test_a_weight_that_cannot_be_used_is_named_with_its_place(tmp_path, position, value):
    weights = np.ones(100)
    weights[position] = value
    with pytest.raises(UserError, match=rf"a.h5: event {position} has the weight {value}; weights must be finite and not negative"):
        list(divided(DataConfig(), store(tmp_path / "a.h5", weights), size=7))


def test_a_store_of_zeros_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"a.h5: all 100 events have the weight 0.0; make the store again with weights of mean 1"):
        list(divided(DataConfig(), store(tmp_path / "a.h5", np.zeros(100)), size=7))
