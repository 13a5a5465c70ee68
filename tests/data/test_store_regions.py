"""Two views of the same events in one store."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from l1ae.data import EventStore, StoreWriter, concatenate, open_dataset
from l1ae.errors import UserError
from l1ae.inputs import RegionSpec, calo_layer1_spec

REGIONS = calo_layer1_spec()


def test_either_view_is_read_as_hw(make_events, with_regions, write_store, spec):
    blocks = [with_regions(make_events(n, seed=n, processes=2)) for n in (5000, 3)]
    path = write_store(*blocks, regions=REGIONS)
    both = concatenate(blocks)
    objects, regions = EventStore.open(path, spec), EventStore.open(path, REGIONS)
    assert (objects.view, regions.view, objects.views, regions.views) == ("objects", "regions", *[("objects", "regions")] * 2)
    np.testing.assert_array_equal(objects.read().hw, both.hw)
    image = regions.read(10, 5002)
    assert image.hw.dtype == np.uint16
    np.testing.assert_array_equal(image.hw, both.regions[10:5002])
    np.testing.assert_array_equal(image.source_event, both.source_event[10:5002])
    np.testing.assert_array_equal(concatenate(list(regions.chunks(1000))).hw, both.regions)
    np.testing.assert_array_equal(image.select(slice(3, 5)).hw, both.regions[13:15])


def test_regions_stay_with_their_events(make_events, with_regions):
    events = with_regions(make_events(6))
    np.testing.assert_array_equal(events.select(np.array([4, 1])).regions, events.regions[[4, 1]])
    np.testing.assert_array_equal(concatenate([events.select(slice(0, 2)), events.select(slice(2, 6))]).regions, events.regions)
    assert make_events(3).select(slice(1)).regions is None


def test_layout_on_disk_only_grows(make_events, with_regions, write_store, spec):
    events = make_events(10)
    with (
        h5py.File(write_store(events, name="old.h5")) as old,
        h5py.File(write_store(with_regions(events), name="new.h5", regions=REGIONS)) as new,
    ):
        assert dict(new.attrs) == dict(old.attrs) | {"regions_digest": REGIONS.digest}
        assert set(new) == {*old, "regions"}
        assert (new["regions"].shape, new["regions"].dtype.str, new["regions"].chunks) == ((10, 18, 14), "<u2", (4096, 18, 14))
        np.testing.assert_array_equal(old["hw"], new["hw"])


def test_a_store_of_objects_has_no_regions(make_events, write_store, spec):
    path = write_store(make_events(3))
    assert EventStore.open(path, spec).views == ("objects",)
    with pytest.raises(UserError, match=r"store\.h5: holds objects only, no calorimeter regions; generate it with .* --regions, use"):
        EventStore.open(path, REGIONS)
    path.rename(path.with_name("background.h5"))
    with pytest.raises(UserError, match="objects only"):
        open_dataset(str(path.parent), REGIONS)


def test_each_view_is_checked_on_its_own(make_events, with_regions, write_store, spec):
    path = write_store(with_regions(make_events(3)), regions=REGIONS)
    other = RegionSpec.model_validate(REGIONS.model_dump() | {"eta_edges": (*REGIONS.eta_edges[:-1], 3.1)})
    with pytest.raises(UserError, match=rf"regions_digest {REGIONS.digest[:12]}\.\.\., expected {other.digest[:12]}"):
        EventStore.open(path, other)
    with h5py.File(path, "r+") as file:
        file.attrs["input_digest"] = "of other objects"
    assert EventStore.open(path, REGIONS).n_events == 3
    with pytest.raises(UserError, match="input_digest of other obj"):
        EventStore.open(path, spec)
    assert EventStore.open(path, calo_layer1_spec("ufixed<10,10>", 0)).n_events == 3


def test_wrong_regions_are_refused(make_events, with_regions, spec, tmp_path):
    good = with_regions(make_events(3))
    large = replace(good, regions=good.regions.copy())
    large.regions[1, 2, 3] = 1024
    cases = [
        (replace(good, regions=None), "'regions' for all events or for none"),
        (replace(good, regions=good.regions.astype(np.int16)), r"'regions' must be uint16 of shape \(3, 18, 14\), not int16"),
        (replace(good, regions=good.regions[:2]), r"'regions' must be uint16 of shape \(3, 18, 14\), not uint16 of shape \(2, 18, 14\)"),
        (large, r"event 4: region_phi2_eta3 = 1024 is outside its hardware range \[0, 1023\]"),
    ]
    with StoreWriter(tmp_path / "s.h5", spec, sample="x", processes=["w"], provenance={}, regions=REGIONS) as writer:
        writer.append(good)
        for events, message in cases:
            with pytest.raises(UserError, match=message):
                writer.append(events)
        assert writer.written == 3
    with (
        StoreWriter(tmp_path / "t.h5", spec, sample="x", processes=["w"], provenance={}) as writer,
        pytest.raises(UserError, match="for all events or for none"),
    ):
        writer.append(good)
    assert EventStore.open(tmp_path / "s.h5", REGIONS).n_events == 3


def test_a_damaged_dataset_of_regions_is_named(make_events, with_regions, write_store):
    path = write_store(with_regions(make_events(3)), regions=REGIONS)
    with h5py.File(path, "r+") as file:
        del file["regions"]
        file["regions"] = np.zeros((3, 14, 18), np.uint16)
    with pytest.raises(UserError, match=r"'regions' is uint16 of shape \(3, 14, 18\), expected uint16 of shape \(3, 18, 14\)"):
        EventStore.open(path, REGIONS)
