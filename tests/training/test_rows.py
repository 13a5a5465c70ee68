"""Rows in a file are those in memory."""

import errno

import numpy as np
import pytest

from l1ae.errors import UserError
from l1ae.training import _rows
from l1ae.training._rows import Collected, blocks, release, scaled

SEED = 7


def collected(values, block=300):
    rows = Collected()
    for start in range(0, len(values), block):
        rows.append(values[start : start + block])
    assert len(rows) == len(values)
    return rows.array()


@pytest.mark.parametrize("in_file", [False, True])
def test_rows_come_back_in_any_order(monkeypatch, in_file):
    monkeypatch.setattr(_rows, "PART_EVENTS", 500 if in_file else 5000)
    rng = np.random.default_rng(SEED)
    values = rng.integers(-300, 300, (2000, 7)).astype(np.int16)
    found = collected(values)
    assert isinstance(found, np.memmap) == in_file
    chosen = rng.permutation(2000)[:100]
    np.testing.assert_array_equal(found[chosen], values[chosen])
    release(found)
    np.testing.assert_array_equal(found, values)
    np.testing.assert_array_equal(np.concatenate(list(blocks(found))), values)
    assert max(map(len, blocks(found))) == (500 if in_file else 2000)


@pytest.mark.parametrize("in_file", [False, True])
def test_scaled_weights_have_mean_one(monkeypatch, in_file):
    monkeypatch.setattr(_rows, "PART_EVENTS", 500 if in_file else 5000)
    weights = np.random.default_rng(SEED).lognormal(size=2000)
    expected = weights**0.3 / (weights**0.3).mean()
    np.testing.assert_allclose(scaled(collected(weights), 0.3), expected, rtol=1e-6)


def test_a_full_temporary_folder_is_told(monkeypatch):
    class Full:
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self):
            pass

    monkeypatch.setattr(_rows, "TemporaryFile", Full)
    with pytest.raises(UserError, match="set TMPDIR to a folder on a larger disk"):
        Collected().append(np.zeros(3))


def test_the_order_of_events_is_that_of_a_permutation():
    """The loop shuffles 32-bit numbers in place, which is what `permutation` of numpy does with 64 bits."""
    for n in (1, 10, 100_003):
        order = np.arange(n, dtype=np.int32)
        np.random.default_rng([SEED, n]).shuffle(order)
        np.testing.assert_array_equal(order, np.random.default_rng([SEED, n]).permutation(n))
