"""Parts of events on disk."""

import errno

import numpy as np
import pytest

from l1ae.data import Spool, _spool
from l1ae.errors import UserError

SEED = 5


def columns(n, seed=SEED):
    rng = np.random.default_rng(seed)
    return {
        "process": rng.integers(2, size=n).astype(np.int16),
        "source_event": rng.integers(n // 3, size=n),
        "score": rng.normal(size=n),
        "alone": rng.random(n) < 0.5,
    }


def filled(found, at_most, block=250):
    spool = Spool(at_most)
    for start in range(0, len(found["process"]), block):
        spool.append({name: column[start : start + block] for name, column in found.items()})
    return spool


def test_few_events_are_one_part_in_their_order():
    found = columns(1000)
    (part,) = filled(found, 1000).parts()
    for name, column in found.items():
        assert part[name].dtype == column.dtype
        np.testing.assert_array_equal(part[name], column)


def test_many_events_are_parts_of_whole_groups(monkeypatch):
    monkeypatch.setattr(_spool, "PART_EVENTS", 1000)
    found = columns(10_000)
    parts = list(filled(found, 10_000).parts())
    assert len(parts) == 10
    assert max(len(part["process"]) for part in parts) < 1500
    keys = [set(zip(part["process"].tolist(), part["source_event"].tolist(), strict=True)) for part in parts]
    assert sum(map(len, keys)) == len(set.union(*keys))
    rows = [np.stack([part[name] for name in found], axis=1) for part in parts]
    expected = np.stack(list(found.values()), axis=1)
    assert sorted(np.concatenate(rows).tolist()) == sorted(expected.tolist())


def test_two_spools_of_the_same_events_have_the_same_parts(monkeypatch):
    monkeypatch.setattr(_spool, "PART_EVENTS", 1000)
    found = columns(5000)
    one, other = filled(found, 5000), filled(found | {"score": np.arange(5000)}, 5000, block=777)
    for first, second in zip(one.parts(), other.parts(), strict=True):
        np.testing.assert_array_equal(first["source_event"], second["source_event"])
        np.testing.assert_array_equal(first["score"], found["score"][second["score"]])


def test_a_full_temporary_folder_is_told(monkeypatch):
    monkeypatch.setattr(_spool, "PART_EVENTS", 10)

    class Full:
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self):
            pass

    monkeypatch.setattr(_spool, "TemporaryFile", lambda buffering: Full())
    with pytest.raises(UserError, match="set TMPDIR to a folder on a larger disk"):
        filled(columns(100), 100)
