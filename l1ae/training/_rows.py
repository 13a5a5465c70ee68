"""Rows of one kind that are collected once and read in any order: in memory where they fit, else in a file."""

import mmap
import os
import weakref
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from l1ae.data import PART_EVENTS
from l1ae.errors import UserError

__all__ = ["Collected", "blocks", "release", "scaled"]

Array = npt.NDArray[Any]


class Collected:
    """Blocks of rows (n, ...), one after the other, in a file without a name in the temporary folder, which goes with the process."""

    def __init__(self) -> None:
        self._file: IO[bytes] = TemporaryFile()  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._dtype: np.dtype[Any] | None = None
        self._row: tuple[int, ...] = ()
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def append(self, block: Array) -> None:
        """Add rows, all of one type and shape. Raises `UserError` when the temporary folder is full."""
        self._dtype, self._row, self._rows = block.dtype, block.shape[1:], self._rows + len(block)
        try:
            self._file.write(block.tobytes())
            self._file.flush()
        except OSError as error:
            raise UserError(
                f"the temporary folder cannot hold the training events ({os.strerror(error.errno or 0)}); make room there, or set "
                "TMPDIR to a folder on a larger disk"
            ) from error

    def array(self) -> Array:
        """All rows: in memory up to `PART_EVENTS` of them, else a view of the file that `release` keeps out of memory. Once only."""
        assert self._dtype is not None, "nothing was collected"
        with self._file:
            shape = (self._rows, *self._row)
            if self._rows > PART_EVENTS:
                return np.memmap(self._file, self._dtype, mode="r", shape=shape)
            self._file.seek(0)
            return np.frombuffer(self._file.read(), self._dtype).reshape(shape)


def blocks(values: Array) -> Iterator[Array]:
    """The rows in blocks of at most `PART_EVENTS`."""
    for start in range(0, max(len(values), 1), PART_EVENTS):
        yield values[start : start + PART_EVENTS]
        release(values)


def release(values: Array) -> None:
    """Give memory back that holds what was read of a file."""
    if isinstance(values, np.memmap):
        values._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]


def scaled(weights: Array, power: float) -> npt.NDArray[np.float32]:
    """Weights (N,) to a power, times what makes their mean 1; the mean is that of sums over `blocks`."""
    mean = sum(float((block**power).sum()) for block in blocks(weights)) / len(weights)
    result = Collected()
    for block in blocks(weights):
        result.append((block**power / mean).astype(np.float32))
    return result.array()
