import numpy as np
import pytest

from l1ae.data import dataset_folder, open_dataset
from l1ae.errors import UserError
from l1ae.inputs import calo_layer1_spec


def test_signals_are_sorted_and_named_after_their_files(make_events, write_store, spec, tmp_path):
    for name in ("lq", "background", "a4l"):
        write_store(make_events(3), name=f"{name}.h5", sample=name)
    (tmp_path / "notes.txt").write_text("not a store")
    dataset = open_dataset(str(tmp_path), spec)
    assert dataset.folder == tmp_path
    assert dataset.background.sample == "background"
    assert [(name, store.sample) for name, store in dataset.signals.items()] == [("a4l", "a4l"), ("lq", "lq")]


def test_missing_background(make_events, write_store, tmp_path):
    write_store(make_events(3), name="a4l.h5")
    with pytest.raises(UserError) as error:
        dataset_folder(str(tmp_path))
    assert str(error.value) == (
        f"data source '{tmp_path}': there is no {tmp_path}/background.h5; give a folder with background.h5 and one file per signal, "
        "made with l1ae data generate or l1ae data import, or 'shipped' or 'shipped_regions'"
    )


def test_a_broken_signal_is_named(make_events, write_store, spec, tmp_path):
    write_store(make_events(3), name="background.h5")
    (tmp_path / "a4l.h5").write_bytes(b"not HDF5")
    with pytest.raises(UserError, match=r"a4l\.h5: cannot be read"):
        open_dataset(str(tmp_path), spec)


def test_the_shipped_regions_are_an_image_of_the_first_shipped_events(spec):
    both, objects, images = (
        open_dataset(name, view) for name, view in (("shipped_regions", spec), ("shipped", spec), ("shipped_regions", calo_layer1_spec()))
    )
    assert both.background.n_events == 20_000
    assert set(both.signals) == set(images.signals) == {"a4l", "h0", "hc", "lq"}
    assert {store.n_events for store in both.signals.values()} == {2_000}
    for name, store in {"background": both.background, **both.signals}.items():
        full = objects.background if name == "background" else objects.signals[name]
        np.testing.assert_array_equal(store.read().hw, full.read(0, store.n_events).hw)
    image = images.background.read().hw
    assert image.shape == (20_000, 18, 14)
    # The beam is along z: no direction in phi is preferred, nor a side in eta.
    per_phi, per_eta = image.sum(axis=2).mean(axis=0), image.mean(axis=(0, 1))
    spread = image.sum(axis=2).std() / 20_000**0.5
    assert np.abs(per_phi - per_phi.mean()).max() < 5 * spread
    np.testing.assert_allclose(per_eta, per_eta[::-1], rtol=0.04)


def test_the_shipped_objects_have_no_image(spec):
    with pytest.raises(UserError, match=r"use data\.source: shipped_regions"):
        open_dataset("shipped", calo_layer1_spec())
