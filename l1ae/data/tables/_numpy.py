"""Tables in npy and npz files, read block by block.

A npy file is mapped. A member of a npz file cannot be, whether it is compressed or not: it is read from its beginning to its
end, a block at a time. Arrays in Fortran order have no events one after the other and are read whole. Pickled objects are
never loaded.
"""

import logging
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from l1ae.data.tables._table import Block, Field, Table, damaged
from l1ae.errors import UserError
from l1ae.files import array_header

__all__ = ["open_npy", "open_npz"]

log = logging.getLogger("l1ae")

_ERRORS = (OSError, ValueError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class _NpyTable(Table):
    def blocks(self, names: Sequence[str], size: int) -> Iterator[Block]:
        with damaged(self.path, "npy", *_ERRORS):
            array = np.load(self.path, mmap_mode="r", allow_pickle=False)
        for start in range(0, self.rows or 0, size):
            part = array[start : start + size]
            yield {name: np.array(part if array.dtype.names is None else part[name]) for name in names}


@dataclass(frozen=True)
class _NpzTable(Table):
    """`whole` are the members in Fortran order."""

    whole: frozenset[str] = frozenset()

    def blocks(self, names: Sequence[str], size: int) -> Iterator[Block]:
        rows = {name: self.fields[name].rows or 0 for name in names}
        if len(set(rows.values())) > 1:
            listed = ", ".join(f"'{name}' {count}" for name, count in rows.items())
            raise UserError(f"{self.path}: the arrays have different numbers of events: {listed}; map only arrays of the same events")
        with damaged(self.path, "npz", *_ERRORS), ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(self.path))
            streams = {name: self._stream(stack, archive, name, size) for name in names}
            for _ in range(0, max(rows.values(), default=0), size):
                yield {name: next(stream) for name, stream in streams.items()}

    def _stream(self, stack: ExitStack, archive: zipfile.ZipFile, name: str, size: int) -> Iterator[npt.NDArray[Any]]:
        field = self.fields[name]
        rows = field.rows or 0
        info = archive.getinfo(f"{name}.npy")
        member = stack.enter_context(archive.open(info))
        if name in self.whole:
            log.warning("%s: array '%s' is in Fortran order and is read into memory as a whole", self.path, name)
            array = np.lib.format.read_array(member, allow_pickle=False)
            return (array[start : start + size] for start in range(0, rows, size))
        array_header(member, info.file_size)
        return (_rows(member, field, min(size, rows - start)) for start in range(0, rows, size))


def _rows(member: IO[bytes], field: Field, count: int) -> npt.NDArray[Any]:
    wanted = count * prod(field.shape) * field.dtype.itemsize
    content = member.read(wanted)
    if len(content) < wanted:
        raise EOFError(f"array '{field.name}' ends too early")
    return np.frombuffer(content, field.dtype).reshape(count, *field.shape)


def open_npy(path: Path, table: str | None = None) -> Table:
    """The array of a npy file, a column of the file's name; the fields of a structured one. Raises `UserError` for a damaged file."""
    if table is not None:
        raise UserError(f"{path}: a npy file holds one array; leave out table: {table}")
    with damaged(path, "npy", *_ERRORS):
        with path.open("rb") as file:
            shape, _, dtype = array_header(file, path.stat().st_size)
        if not dtype.hasobject and shape:
            np.load(path, mmap_mode="r", allow_pickle=False)  # finds a file that is too short
    fields = _fields(path.stem, shape, dtype)
    return _NpyTable(path, "npy", fields, shape[0] if shape else 0, () if fields else (path.stem,))


def _fields(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> dict[str, Field]:
    parts = {name: dtype} if dtype.names is None else {part: dtype[part] for part in dtype.names}
    fields = {}
    for column, kind in parts.items():
        base, inner = kind.subdtype or (kind, ())
        if shape and base.kind in "biufSU":
            fields[column] = Field(column, base, (*shape[1:], *inner), rows=shape[0])
    return fields


def open_npz(path: Path, table: str | None = None) -> Table:
    """The arrays of a npz file, or one of them alone. Raises `UserError` for a damaged file or an unknown array."""
    fields, skipped, whole = {}, [], set()
    with damaged(path, "npz", *_ERRORS), zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if name.endswith(".npy")]
        for name in members:
            with archive.open(name) as member:
                shape, fortran, dtype = array_header(member, archive.getinfo(name).file_size)
            column = name.removesuffix(".npy")
            field = _fields(column, shape, dtype).get(column) if dtype.names is None else None
            if field is None:
                skipped.append(column)
            elif table is None or table == column:
                fields[column] = field
            if fortran and len(shape) > 1:
                whole.add(column)
    if table is not None and not fields:
        raise UserError(f"{path}: no array '{table}' of numbers; it has {', '.join(n.removesuffix('.npy') for n in members) or 'none'}")
    rows = [field.rows or 0 for field in fields.values()]
    return _NpzTable(path, "npz", fields, max(rows, default=0), tuple(skipped), frozenset(whole))
