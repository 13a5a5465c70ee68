import pytest

from l1ae.data import dataset_folder, open_dataset
from l1ae.errors import UserError


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
