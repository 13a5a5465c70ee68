"""Opening HDF5 files of users: what the library finds wrong becomes a message with a remedy."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from l1ae.errors import UserError

__all__ = ["opened"]


@contextmanager
def opened(path: Path, remedy: str) -> Iterator[h5py.File]:
    """Open for reading. Whatever HDF5 finds wrong, now or while the block reads, becomes a `UserError`."""
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError) as error:
        raise UserError(f"{path}: cannot be read ({error}); the file is truncated, damaged or no HDF5 file; {remedy}") from error
