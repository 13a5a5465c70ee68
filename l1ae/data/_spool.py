"""Numbers of more events than memory should hold, on disk, in parts that can be looked at one by one."""

import os
import weakref
from collections.abc import Iterator, Mapping
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from l1ae.data._store import mix
from l1ae.errors import UserError

__all__ = ["PART_EVENTS", "Spool", "parts_of"]

PART_EVENTS = 1 << 20
"""Events of which everything fits into memory: up to so many are one part, in their order."""

_Columns = Mapping[str, npt.NDArray[Any]]


def parts_of(events: int) -> int:
    """How many parts a sample of at most so many events is divided into."""
    return max(1, -(-events // PART_EVENTS))


class Spool:
    """Columns (N, ...) of the events of one sample, `at_most` of them, in parts.

    Copies of one source event, equal `process` and `source_event`, lie in one part, so that whatever is a sum over groups of events is a
    sum over parts. Up to `PART_EVENTS` events are one part, which stays in memory. Larger samples are divided by a hash into parts of
    about so many: files without a name in the temporary folder, which go with the process whatever ends it. Two spools of the same
    events have the same parts. Events keep their order within a part.
    """

    def __init__(self, at_most: int) -> None:
        self._count = parts_of(at_most)
        self._blocks: list[dict[str, npt.NDArray[Any]]] = []
        self._files: list[IO[bytes]] = []
        self._record: np.dtype[Any] | None = None
        self._events = 0

    def __len__(self) -> int:
        return self._events

    @property
    def whole(self) -> bool:
        """Whether all events are one part."""
        return self._count == 1

    def append(self, columns: _Columns) -> None:
        """Append events; `columns` hold "process", "source_event" and others, the same ones at every call.

        Raises `UserError` when the temporary folder is full.
        """
        self._events += len(columns["process"])
        if self.whole:
            self._blocks.append({name: np.array(column) for name, column in columns.items()})
            return
        if self._record is None:
            self._record = np.dtype([(name, column.dtype, column.shape[1:]) for name, column in columns.items()])
            for _ in range(self._count):
                self._files.append(TemporaryFile(buffering=0))  # noqa: SIM115
                weakref.finalize(self, self._files[-1].close)
        part = _part(columns, self._count)
        order = np.argsort(part, kind="stable")
        records = np.empty(len(part), self._record)
        for name, column in columns.items():
            records[name] = column[order]
        ends = np.cumsum(np.bincount(part, minlength=self._count))
        for file, start, stop in zip(self._files, [0, *ends[:-1].tolist()], ends.tolist(), strict=True):
            _write(file, records[start:stop])

    def parts(self) -> Iterator[dict[str, npt.NDArray[Any]]]:
        """The columns of one part after the other; parts without events are left out."""
        if self.whole:
            if len(self._blocks) > 1:
                joined = {name: np.concatenate([block[name] for block in self._blocks]) for name in self._blocks[0]}
                self._blocks = [joined]
            yield from self._blocks
            return
        for file in self._files:
            file.seek(0)
            records = np.frombuffer(file.read(), self._record)
            if len(records):
                yield {name: np.ascontiguousarray(records[name]) for name in records.dtype.names or ()}


def _part(columns: _Columns, count: int) -> npt.NDArray[np.int64]:
    """Which part each event lies in: a hash of its source event."""
    state = mix(columns["process"].astype(np.int64).view(np.uint64))
    state = mix(state + columns["source_event"].astype(np.int64).view(np.uint64))
    return (state % np.uint64(count)).astype(np.int64)


def _write(file: IO[bytes], records: npt.NDArray[Any]) -> None:
    data = memoryview(records.tobytes())
    try:
        while data:
            data = data[file.write(data) :]
    except OSError as error:
        raise UserError(
            f"the temporary folder cannot hold what is known of {len(records)} more events ({os.strerror(error.errno or 0)}); make room "
            "there, or set TMPDIR to a folder on a larger disk"
        ) from error
