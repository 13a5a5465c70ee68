"""Chunks that threads compress against what HDF5 makes of them when it reads."""

import h5py
import numpy as np
import pytest

from l1ae.data._chunks import ChunkWriter

COLUMNS = {
    "codes": (np.dtype(np.int16), (12, 3)),
    "wide": (np.dtype(np.int32), (20, 5)),
    "number": (np.dtype(np.int64), ()),
    "weight": (np.dtype(np.float64), ()),
    "flag": (np.dtype(np.bool_), ()),
    "bytes": (np.dtype(np.uint8), (23,)),
}


def rows(count, seed):
    random = np.random.default_rng(seed)
    return {name: (random.random((count, *row)) * 100 - 20).astype(dtype) for name, (dtype, row) in COLUMNS.items()}


def written(path, blocks):
    with h5py.File(path, "w", libver="earliest") as file:
        writer = ChunkWriter(file)
        for name, column in COLUMNS.items():
            writer.create(name, *column)
        for block in blocks:
            writer.append(block)
        writer.close()
    return path


@pytest.mark.parametrize("sizes", [(1,), (65536,), pytest.param((70_000, 3, 65_533, 100), marks=pytest.mark.slow), (0, 5)])
def test_hdf5_reads_what_was_appended(tmp_path, sizes):
    blocks = [rows(count, seed) for seed, count in enumerate(sizes)]
    with h5py.File(written(tmp_path / "a.h5", blocks)) as file:
        for name, (dtype, row) in COLUMNS.items():
            expected = np.concatenate([block[name] for block in blocks])
            assert (file[name].dtype, file[name].shape) == (dtype, (sum(sizes), *row))
            np.testing.assert_array_equal(file[name][()], expected)
            np.testing.assert_array_equal(file[name][sum(sizes) // 3 : sum(sizes) // 2], expected[sum(sizes) // 3 : sum(sizes) // 2])


def test_the_bytes_do_not_depend_on_the_blocks(tmp_path):
    whole = rows(70_000, 1)
    parts = [{name: column[start:stop] for name, column in whole.items()} for start, stop in ((0, 1), (1, 66_000), (66_000, 70_000))]
    assert written(tmp_path / "a.h5", [whole]).read_bytes() == written(tmp_path / "b.h5", parts).read_bytes()


def test_what_was_appended_may_change_afterwards(tmp_path):
    block = rows(10, 2)
    expected = block["number"].copy()
    with h5py.File(tmp_path / "a.h5", "w") as file:
        writer = ChunkWriter(file)
        writer.create("number", np.dtype(np.int64))
        writer.append({"number": block["number"]})
        block["number"][:] = 0
        writer.close()
        np.testing.assert_array_equal(file["number"][()], expected)


def test_nothing_at_all(tmp_path):
    with h5py.File(written(tmp_path / "a.h5", [])) as file:
        assert {file[name].shape[0] for name in COLUMNS} == {0}
