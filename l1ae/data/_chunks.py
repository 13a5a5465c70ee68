"""Rows of many columns into the compressed chunks of an HDF5 file.

HDF5 compresses one chunk after the other, in the thread that writes. Here threads shuffle and compress whole chunks as HDF5's own
filters do, while the caller goes on, and the results are stored as they are: any HDF5 library reads them.
"""

import os
import zlib
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from math import prod
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

__all__ = ["ChunkWriter"]

_BUFFER = 1 << 16  # rows that are compressed together: one chunk of a plain column
_CHUNK_BYTES = 1 << 19  # HDF5 holds a chunk of up to 1 MiB while it is read piece by piece
# Runs and frequent bytes only: of shuffled codes, as small as the best level makes them in a third of the time.
_LEVEL, _STRATEGY = 1, zlib.Z_RLE

_Pending = list[tuple[h5py.h5d.DatasetID, tuple[int, ...], Future[bytes]]]


class ChunkWriter:
    """Columns of a file that grow together; `close` writes what is left, `abandon` does not.

    The bytes of the file depend on the rows alone, not on the blocks in which they come.
    """

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._datasets: dict[str, h5py.Dataset] = {}
        self._buffers: dict[str, npt.NDArray[Any]] = {}
        self._spare: dict[str, npt.NDArray[Any]] = {}
        self._held = 0
        self._written = 0
        self._threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1))
        self._pending: _Pending = []

    def create(self, name: str, dtype: np.dtype[Any], row: tuple[int, ...] = ()) -> None:
        """An empty column of rows of shape `row`."""
        chunk = _BUFFER
        while chunk > 1 and chunk * prod(row) * dtype.itemsize > _CHUNK_BYTES:
            chunk //= 2
        self._datasets[name] = self._file.create_dataset(
            name, (0, *row), dtype, maxshape=(None, *row), chunks=(chunk, *row), compression="gzip", compression_opts=_LEVEL, shuffle=True
        )

    def append(self, columns: Mapping[str, npt.NDArray[Any]]) -> None:
        """Append rows: every column, all of one length."""
        count = len(next(iter(columns.values())))
        start = 0
        while start < count:
            if not self._buffers:
                self._buffers = {name: np.empty((_BUFFER, *data.shape[1:]), data.dtype) for name, data in self._datasets.items()}
            taken = min(count - start, _BUFFER - self._held)
            for name, buffer in self._buffers.items():
                buffer[self._held : self._held + taken] = columns[name][start : start + taken]
            start += taken
            self._held += taken
            if self._held == _BUFFER:
                self._flush()

    def close(self) -> None:
        """Write all rows, and end the threads."""
        if self._held:
            self._flush()
        self._collect()
        self._threads.shutdown()

    def abandon(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    def _flush(self) -> None:
        """Begin to compress the buffered rows, after the ones before them are written."""
        self._collect()
        end = self._written + self._held
        for name, buffer in self._buffers.items():
            data = self._datasets[name].id
            data.set_extent((end, *buffer.shape[1:]))
            rows = self._datasets[name].chunks[0]
            buffer[self._held :] = 0
            for first in range(0, self._held, rows):
                place = (self._written + first, *(0 for _ in buffer.shape[1:]))
                self._pending.append((data, place, self._threads.submit(_compressed, buffer[first : first + rows])))
        # the other buffers are written, and filled next
        self._written, self._held, self._buffers, self._spare = end, 0, self._spare, self._buffers

    def _collect(self) -> None:
        for data, place, result in self._pending:
            data.write_direct_chunk(place, result.result())
        self._pending = []


def _compressed(chunk: npt.NDArray[Any]) -> bytes:
    """What the filters shuffle and deflate of HDF5 make of a chunk."""
    size = chunk.dtype.itemsize
    shuffled = np.ascontiguousarray(chunk.reshape(-1).view(np.uint8).reshape(-1, size).T)
    compressor = zlib.compressobj(_LEVEL, strategy=_STRATEGY)
    return compressor.compress(shuffled.data) + compressor.flush()
