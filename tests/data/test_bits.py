"""Packed yes-or-no columns against numpy, and through the store."""

import h5py
import numpy as np
import pytest

from l1ae.data import Bits, Events, EventStore, StoreWriter, concatenate
from l1ae.data._bits import pack, unpack
from l1ae.errors import UserError
from l1ae.inputs import named_layout

LAYOUT = named_layout("samples")


def block(count, seed, names, **extra):
    random = np.random.default_rng(seed)
    columns = {name: random.random(count) < 0.4 for name in names}
    hw = np.zeros((count, LAYOUT.size), LAYOUT.dtype)
    known = (np.zeros(count, np.int16), np.arange(count), np.full(count, -1, np.int16))
    return Events(hw, *known, {name: np.full(count, value) for name, value in extra.items()}, Bits.of(columns) if names else None), columns


@pytest.mark.parametrize("number", [1, 7, 8, 9, 23, 178])
def test_packing_is_that_of_numpy(number):
    columns = np.random.default_rng(number).random((number, 101)) < 0.5
    packed = pack(columns)
    np.testing.assert_array_equal(packed, np.packbits(columns.T, axis=1))
    for k in range(number):
        np.testing.assert_array_equal(unpack(packed, k), columns[k])


def test_bits_are_columns_of_a_store(tmp_path):
    names = [f"seed_{k}" for k in range(11)]
    blocks = [block(count, count, names, run=7) for count in (5, 1, 70)]
    with StoreWriter(tmp_path / "a.h5", LAYOUT, sample="s", processes=["p"], provenance={}) as writer:
        for events, _ in blocks:
            writer.append(events)
    store = EventStore.open(tmp_path / "a.h5")
    assert store.extra == tuple(sorted([*names, "run"]))
    found = store.read(extra=("run", "seed_9", "seed_0")).extra
    assert list(found) == ["run", "seed_9", "seed_0"]
    for name in ("seed_9", "seed_0"):
        assert found[name].dtype == np.bool_
        np.testing.assert_array_equal(found[name], np.concatenate([columns[name] for _, columns in blocks]))
    np.testing.assert_array_equal(store.read(3, 8, extra=["seed_4"]).extra["seed_4"], found_of(blocks, "seed_4")[3:8])


def found_of(blocks, name):
    return np.concatenate([columns[name] for _, columns in blocks])


def test_events_with_bits_are_selected_and_joined():
    (first, a), (second, b) = (block(count, count, ["x", "y"]) for count in (6, 4))
    joined = concatenate([first, second]).select(np.array([9, 0, 4]))
    assert joined.bits is not None
    np.testing.assert_array_equal(unpack(joined.bits.values, 1), np.concatenate([a["y"], b["y"]])[[9, 0, 4]])


def test_other_bits_than_before_are_refused(tmp_path):
    with StoreWriter(tmp_path / "a.h5", LAYOUT, sample="s", processes=["p"], provenance={}) as writer:
        writer.append(block(3, 0, ["x", "y"])[0])
        with pytest.raises(UserError, match="bits x differ from those of the first block, x, y"):
            writer.append(block(3, 0, ["x"])[0])
        with pytest.raises(UserError, match="bits none differ"):
            writer.append(block(3, 0, [])[0])


def test_names_that_are_there_twice_and_wrong_shapes_are_refused(tmp_path):
    events, _ = block(3, 0, ["x"], x=1)
    wrong = Events(events.hw, events.process, events.source_event, events.pileup, {}, Bits(("x",), np.zeros((3, 2), np.uint8)))
    for bad, message in ((events, "extra column 'x' is there twice"), (wrong, r"1 bits of 3 events cannot have the shape \(3, 2\)")):
        with (
            pytest.raises(UserError, match=message),
            StoreWriter(tmp_path / "a.h5", LAYOUT, sample="s", processes=["p"], provenance={}) as writer,
        ):
            writer.append(bad)


def test_damaged_bits_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    with StoreWriter(path, LAYOUT, sample="s", processes=["p"], provenance={}) as writer:
        writer.append(block(3, 0, [f"x{k}" for k in range(9)])[0])
    with h5py.File(path, "r+") as file:
        del file["bit_names"]
        file["bit_names"] = np.frombuffer(b'["a"]', np.uint8)
    with pytest.raises(UserError, match=r"'bits' is uint8 of shape \(3, 2\), which does not fit to 'bit_names'"):
        EventStore.open(path)
