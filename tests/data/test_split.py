"""Training, validation and test: by hash or as recorded, and what is held out of signals and crossings."""

import numpy as np
import pytest

from l1ae.config import DataConfig
from l1ae.data import (
    TEST,
    TRAIN,
    VALIDATION,
    Events,
    EventStore,
    StoreWriter,
    events_of,
    held_out,
    some_of,
    split_columns,
    split_fractions,
    split_parts,
)
from l1ae.data import _split as split_module
from l1ae.errors import UserError
from l1ae.inputs import named_layout

LAYOUT = named_layout("samples")
RECORDED = DataConfig(split="recorded")


def store(path, parts=None, count=100):
    extra = {} if parts is None else {"split": np.asarray(parts, np.int8)}
    number = count if parts is None else len(parts)
    hw = np.zeros((number, LAYOUT.size), LAYOUT.dtype)
    with StoreWriter(path, LAYOUT, sample="s", processes=["p"], provenance={}) as writer:
        writer.append(Events(hw, np.zeros(number, np.int16), np.arange(number), np.full(number, -1, np.int16), extra))
    return EventStore.open(path)


def numbers(blocks):
    return [int(number) for events in blocks for number in events.source_event]


@pytest.mark.parametrize("data", [DataConfig(split="hash"), DataConfig(train=0.41)])
def test_fractions_by_hash_or_because_they_are_given(data, tmp_path):
    opened = store(tmp_path / "a.h5", [0] * 100)
    assert split_columns(data, opened) == ()
    events = opened.read()
    np.testing.assert_array_equal(split_parts(data, events), split_fractions(events, (data.train, 0.1), 1))
    assert numbers(held_out(data, opened)) == list(range(100))


def test_by_default_as_recorded_where_it_is(tmp_path):
    opened, without = store(tmp_path / "a.h5", [0, 1, 2, 2]), store(tmp_path / "b.h5")
    assert split_columns(DataConfig(), opened) == ("split",)
    assert numbers(events_of(DataConfig(), opened, TEST)) == [2, 3]
    assert split_columns(DataConfig(), without) == ()
    assert split_parts(DataConfig(), without.read()).tolist() == split_fractions(without.read(), (0.4, 0.1), 1).tolist()


def test_a_recorded_split_is_taken_as_it_is(tmp_path):
    parts = np.random.default_rng(3).integers(0, 3, 100)
    opened = store(tmp_path / "a.h5", parts)
    events = opened.read(extra=split_columns(RECORDED, opened))
    assert split_parts(RECORDED, events).tolist() == parts.tolist()
    assert numbers(held_out(RECORDED, opened, size=7)) == np.flatnonzero(parts == TEST).tolist()
    assert set(next(held_out(RECORDED, opened)).extra) == {"split"}


def test_a_store_without_a_recorded_split(tmp_path):
    opened = store(tmp_path / "a.h5")
    with pytest.raises(UserError, match=r"a.h5: has no recorded split \(extra column 'split'\).* set data.split: hash"):
        split_columns(RECORDED, opened)
    assert numbers(held_out(RECORDED, opened)) == list(range(100))


def test_nothing_to_judge_on(tmp_path):
    opened = store(tmp_path / "a.h5", [0, 1, 1])
    with pytest.raises(UserError, match=r"a.h5: has no event of the test split, .* import the split 'test' as well"):
        list(held_out(RECORDED, opened))


def test_a_part_that_is_none(tmp_path):
    opened = store(tmp_path / "a.h5", [0, 3])
    with pytest.raises(UserError, match="recorded split 3 is none of 0"):
        split_parts(RECORDED, opened.read(extra=["split"]))


def test_fractions_beside_a_recorded_split_are_refused():
    with pytest.raises(ValueError, match="train, split_seed has no effect with split: recorded"):
        DataConfig(split="recorded", train=0.5, split_seed=3)


def test_blocks_are_not_empty(tmp_path):
    """The test part of a store often comes last; a part without events is one empty block, with its columns."""
    opened = store(tmp_path / "a.h5", [0] * 50 + [2] * 50)
    assert [len(events) for events in events_of(DataConfig(), opened, TEST, size=20)] == [10, 20, 20]
    (nothing,) = events_of(DataConfig(), opened, VALIDATION, size=20)
    assert nothing.hw.shape == (0, opened.layout.size)
    assert set(nothing.extra) == {"split"}


def test_some_events_of_a_small_store_are_evenly_spaced(tmp_path):
    opened = store(tmp_path / "a.h5", [0, 0, 1, 0, 2, 0, 0, 0, 0, 0])
    every, share = some_of(RECORDED, opened, TRAIN, 100)
    assert (numbers([every]), share) == ([0, 1, 3, 5, 6, 7, 8, 9], 1.0)
    half, share = some_of(RECORDED, opened, TRAIN, 4)
    assert (numbers([half]), share) == ([0, 3, 6, 8], 0.5)


def test_a_large_store_is_read_in_runs_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(split_module, "_RUN", 5)
    opened = store(tmp_path / "a.h5", [0] * 900 + [2] * 100)
    found, share = some_of(RECORDED, opened, TRAIN, 1000)
    # 16 runs of 5 events, the last of which is of the test part
    first = [995 * k // 15 for k in range(16)]
    assert numbers([found]) == [start + k for start in first for k in range(5) if start + k < 900]
    assert share == pytest.approx(80 / 1000)
    with pytest.raises(UserError, match=r"no event of part 1 among 80 that were read; use more events"):
        some_of(RECORDED, opened, VALIDATION, 10)
