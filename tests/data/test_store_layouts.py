"""Other layouts than the objects of `ugt`: objects and image in one store, parts of a store, files of version 1."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from l1ae.data import EventStore, StoreWriter, concatenate, open_dataset
from l1ae.errors import UserError
from l1ae.inputs import layout_names, named_layout

IMAGE = named_layout("calo_regions")


@pytest.mark.parametrize("name", layout_names())
def test_every_named_layout_is_written_and_read_back(name, make_events, write_store):
    layout = named_layout(name)
    blocks = [make_events(n, seed=n, of=layout) for n in (5000, 3)]
    store = EventStore.open(write_store(*blocks, of=layout))
    assert store.layout == store.own == layout
    np.testing.assert_array_equal(store.read().hw, concatenate(blocks).hw)
    assert store.read(0, 1).hw.dtype == layout.dtype


def test_either_part_is_read_as_hw(make_events, write_store, joined, layout):
    blocks = [make_events(n, seed=n, processes=2, of=joined) for n in (5000, 3)]
    path = write_store(*blocks, of=joined)
    both = concatenate(blocks)
    objects, image = EventStore.open(path, layout), EventStore.open(path, IMAGE)
    np.testing.assert_array_equal(EventStore.open(path).read().hw, both.hw)
    np.testing.assert_array_equal(objects.read().hw, both.hw[:, :57] * layout.present)
    part = image.read(10, 5002)
    np.testing.assert_array_equal(part.hw, both.hw[10:5002, 57:])
    np.testing.assert_array_equal(part.source_event, both.source_event[10:5002])
    np.testing.assert_array_equal(concatenate(list(image.chunks(1000))).hw, both.hw[:, 57:])
    assert image.own == joined


def test_fewer_slots_and_features_are_a_part(make_events, write_store, layout):
    events = make_events(20)
    chosen = layout.select({"jet": 3, "mu": 0, "features": ("pt", "phi")})
    found = EventStore.open(write_store(events), chosen).read().hw
    assert found.shape == (20, 16)
    for group in ("met", "eg", "jet"):
        for feature in ("pt", "phi"):
            mine, all_of_them = chosen.positions(group, feature), layout.positions(group, feature)
            np.testing.assert_array_equal(found[:, mine], events.hw[:, all_of_them[: len(mine)]])


def test_a_layout_that_the_store_has_not_is_refused(make_events, write_store, layout):
    path = write_store(make_events(3))
    for wanted, message in (
        (IMAGE, r"store\.h5: no group 'region' in its layout 'ugt' \(there are met, eg, mu, jet\); leave it out"),
        (named_layout("ugt_full"), r"store\.h5: no group 'ett' in its layout 'ugt'"),
        (named_layout("ugt_full").select(dict.fromkeys(("ett", "htt", "mht", "met_hf", "mht_hf", "tau"), 0)), r"has 4 slots, 12 are asked"),
    ):
        with pytest.raises(UserError, match=message):
            EventStore.open(path, wanted)
    path.rename(path.with_name("background.h5"))
    with pytest.raises(UserError, match="no group 'region'"):
        open_dataset(str(path.parent), IMAGE)


def test_ugt_is_a_part_of_ugt_full(make_events, write_store, layout):
    full = named_layout("ugt_full")
    events = make_events(10, of=full)
    found = EventStore.open(write_store(events, of=full), layout).read().hw
    np.testing.assert_array_equal(found[:, layout.positions("jet", "eta")], events.hw[:, full.positions("jet", "eta")[:10]])
    assert not found[:, layout.positions("met", "eta")].any()


def test_codes_outside_an_image_are_refused(make_events, joined, tmp_path):
    good, wrong = make_events(3, of=joined), make_events(3, of=joined)
    wrong.hw[1, 57 + 2 * 14 + 3] = 1024
    with StoreWriter(tmp_path / "s.h5", joined, sample="x", processes=["w"], provenance={}) as writer:
        writer.append(good)
        with pytest.raises(UserError, match=r"event 4: region_phi2_eta3 = 1024 is outside its hardware range \[0, 1023\]"):
            writer.append(wrong)
    assert EventStore.open(tmp_path / "s.h5", IMAGE).n_events == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "dataset 'layout' must hold JSON"),
        (b'{"name": "mine", "groups": []}', "layout: layout 'mine' has no groups; give it at least one"),
        (b'{"name": "mine", "groups": [{"name": "a", "features": [{"name": "b", "lsb": -1}]}]}', "feature 'b': lsb -1"),
    ],
)
def test_a_damaged_layout_is_named(content, message, make_events, write_store):
    path = write_store(make_events(3))
    with h5py.File(path, "r+") as file:
        del file["layout"]
        file["layout"] = np.frombuffer(content, np.uint8)
    with pytest.raises(UserError, match=rf"store\.h5: .*{message}"):
        EventStore.open(path)


# --- version 1

DIGESTS = {
    "input_digest": "cb548295d51f41aaffd6134d25027c2995b4cd52bb877c189379c94f6ede67b5",
    "regions_digest": "5f073b8e1b5d0e0d609f5acb2ef43d98c445b4a9c51129e0e60f6fbc5a285b06",
}


def version_1(path: Path, objects: np.ndarray, image: np.ndarray | None = None, **attributes: str) -> Path:
    """A file as l1ae wrote it before stores had layouts."""
    facts = {"format": "l1ae-event-store", "format_version": 1, "sample": "background", "processes": '["w"]', "provenance": "{}"}
    count = len(objects)
    with h5py.File(path, "w") as file:
        file.attrs.update(facts | DIGESTS | attributes)
        file["hw"] = objects.reshape(count, 19, 3).astype(np.int16)
        if image is not None:
            file["regions"] = image.reshape(count, 18, 14).astype(np.uint16)
        file["process"], file["pileup"] = np.zeros((2, count), np.int16)
        file["source_event"] = np.arange(count)
    return path


def test_files_of_version_1_are_read(make_events, joined, layout, tmp_path):
    events = make_events(7, of=joined)
    objects, image = np.split(events.hw, [57], axis=1)
    path = version_1(tmp_path / "old.h5", objects, image)
    assert EventStore.open(path).layout == joined
    np.testing.assert_array_equal(EventStore.open(path).read().hw, events.hw * joined.present)
    np.testing.assert_array_equal(EventStore.open(path, IMAGE).read(2, 4).hw, image[2:4])
    alone = version_1(tmp_path / "objects.h5", objects)
    assert EventStore.open(alone).layout == layout
    with pytest.raises(UserError, match=r"objects\.h5: no group 'region'"):
        EventStore.open(alone, IMAGE)


def test_version_1_of_other_scales_is_refused(make_events, joined, tmp_path):
    objects, image = np.split(make_events(3, of=joined).hw, [57], axis=1)
    for name in DIGESTS:
        path = version_1(tmp_path / f"{name}.h5", objects, image, **{name: "of something else"})
        with pytest.raises(UserError, match=rf"made with other hardware scales \({name} of something"):
            EventStore.open(path)


def test_a_damaged_image_of_version_1_is_named(make_events, joined, tmp_path):
    objects, image = np.split(make_events(3, of=joined).hw, [57], axis=1)
    path = version_1(tmp_path / "old.h5", objects, image)
    with h5py.File(path, "r+") as file:
        del file["regions"]
        file["regions"] = np.zeros((3, 14, 18), np.uint16)
    with pytest.raises(UserError, match=r"'regions' is uint16 of shape \(3, 14, 18\), expected integers of shape \(3, 18, 14\)"):
        EventStore.open(path, IMAGE)


def test_without_layout_and_objects_there_is_no_store(make_events, layout, tmp_path):
    path = version_1(tmp_path / "old.h5", make_events(3).hw)
    with h5py.File(path, "r+") as file:
        del file["hw"]
    with pytest.raises(UserError, match="no dataset 'hw'"):
        EventStore.open(path, layout)
