"""HDF5 files of users: opening, whatever is wrong in them, and making new ones, whatever becomes of the disk."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import h5py
import numpy as np

from l1ae.errors import UserError
from l1ae.files import remove_left, replacing

__all__ = ["NewFile", "created", "number_attribute", "opened", "text_attribute", "text_dataset"]

# no text that l1ae writes is longer
_LONGEST = 100_000_000


@contextmanager
def opened(path: Path, remedy: str) -> Iterator[h5py.File]:
    """Open for reading. Whatever HDF5 finds wrong, now or while the block reads, becomes a `UserError`."""
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError) as error:
        raise UserError(f"{path}: cannot be read ({error}); the file is truncated, damaged or no HDF5 file; {remedy}") from error


def text_attribute(place: h5py.HLObject, name: str) -> str | None:
    """A text, None where there is none."""
    value = place.attrs.get(name)
    return value if isinstance(value, str) else None


def number_attribute(place: h5py.HLObject, name: str) -> int | None:
    """An integer, None where there is none."""
    value = place.attrs.get(name)
    return int(value) if isinstance(value, np.integer) else None


def text_dataset(file: h5py.File, name: str) -> bytes:
    """The bytes of a dataset of uint8; none where it is missing or something else."""
    dataset = file.get(name)
    good = isinstance(dataset, h5py.Dataset) and dataset.dtype == np.uint8 and dataset.ndim == 1 and dataset.size <= _LONGEST
    return bytes(dataset[()]) if good else b""


@dataclass(frozen=True)
class NewFile:
    """A file that is being made; `check` raises the `OSError` of the disk where something could not be written."""

    hdf5: h5py.File
    check: Callable[[], None]


@contextmanager
def created(path: Path) -> Iterator[NewFile]:
    """A new file for the block to fill, which then replaces `path`: whole or absent, and nobody else writes it meanwhile.

    Raises `OSError` when the disk is full, and `UserError` as `replacing` does.
    """
    remove_left(path.parent)
    with replacing(path) as temporary, temporary.open("w+b", buffering=0) as raw:
        disk = _Disk(raw)
        try:
            # later layouts put the time of day into the file
            with h5py.File(temporary, "w", driver="fileobj", fileobj=disk, libver="earliest") as file:
                yield NewFile(file, disk.check)
        except (OSError, RuntimeError):
            disk.check()
            raise
        disk.check()


class _Disk:
    """What HDF5 writes to. HDF5 ends the process when it cannot write what it holds, so that it is never told: what a full disk refuses
    is kept in memory until the file is closed, and the error for `check`.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._refused: list[tuple[int, bytes]] = []
        self._error: OSError | None = None
        self._place = 0

    def check(self) -> None:
        """Raise what the disk said."""
        if self._error is not None:
            raise self._error

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        end = max([self._file.seek(0, os.SEEK_END), *(start + len(data) for start, data in self._refused)])
        self._place = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: end}[whence] + offset
        return self._place

    def tell(self) -> int:
        """The place."""
        return self._place

    def write(self, data: bytes) -> int:
        """Write all of it, or keep it."""
        content = memoryview(data).cast("B")
        done = 0
        try:
            self._file.seek(self._place)
            while self._error is None and done < len(content):
                done += self._file.write(content[done:])
        except OSError as error:
            self._error = error
        if done < len(content):
            self._refused.append((self._place + done, bytes(content[done:])))
        self._place += len(content)
        return len(content)

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer; what was never written is zero."""
        target = memoryview(buffer).cast("B")
        self._file.seek(self._place)
        found = self._file.read(len(target))
        target[:] = found + bytes(len(target) - len(found))
        for start, data in self._refused:
            first, last = max(start, self._place), min(start + len(data), self._place + len(target))
            if first < last:
                target[first - self._place : last - self._place] = data[first - start : last - start]
        self._place += len(target)
        return len(target)

    def truncate(self, size: int) -> int:
        """Set the size of the file."""
        try:
            self._file.truncate(size)
        except OSError as error:
            self._error = self._error or error
        return size

    def flush(self) -> None:
        """Nothing is held back."""
