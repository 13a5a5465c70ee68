"""HDF5 files on full disks, and of other types than they should be."""

import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import numpy as np
import pytest

from l1ae.data import EventStore, StoreWriter
from l1ae.errors import UserError
from l1ae.hdf5 import created
from l1ae.inputs import named_layout

FULL = """
    import resource, sys
    from pathlib import Path
    import numpy as np
    from l1ae.files import is_full
    from l1ae.hdf5 import created

    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    try:
        with created(Path(sys.argv[1])) as file:
            for k in range(20):
                file.hdf5.create_dataset(f"x{k}", data=np.arange(5000), chunks=(1000,))
    except OSError as error:
        print("full" if is_full(error) else error)
    """


@pytest.mark.parametrize("room", [0, 100, 3000, 50_000, 799_000])
def test_a_full_disk_is_an_error_and_ends_nothing(room: int, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), str(tmp_path / "a.h5"), str(room)], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "full\n"), ended.stderr
    assert not (tmp_path / "a.h5").exists()
    assert not list(tmp_path.glob(".a.h5.tmp"))


def test_a_new_file_is_what_hdf5_writes(tmp_path: Path) -> None:
    values = np.random.default_rng(2).integers(0, 100, (1000, 3))
    with created(tmp_path / "a.h5") as file:
        file.hdf5.create_dataset("x", data=values, chunks=(100, 3), compression="gzip")
        file.check()
    with h5py.File(tmp_path / "a.h5") as read:
        np.testing.assert_array_equal(read["x"][()], values)


@pytest.mark.parametrize("value", [np.zeros(4), 7, h5py.Empty("f"), "{" * 5000])
@pytest.mark.parametrize("name", ["format", "format_version", "processes", "provenance", "sample"])
def test_attributes_of_a_store_that_are_something_else(name: str, value: object, tmp_path: Path) -> None:
    path = tmp_path / "s.h5"
    with StoreWriter(path, named_layout("ugt"), sample="x", processes=["w"], provenance={}):
        pass
    with h5py.File(path, "r+") as file:
        file.attrs[name] = value
    if name == "sample":
        assert EventStore.open(path).n_events == 0
        return
    with pytest.raises(UserError, match=str(path)):
        EventStore.open(path)
