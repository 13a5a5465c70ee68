"""Parquet files whose rows follow one another: footers, batches of rows, plain numbers out of columns."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from l1ae.errors import UserError

__all__ = ["Batch", "Columns", "Table", "blocks", "is_list", "lists", "parquet_files", "readable", "scalars", "value_type"]

Columns = dict[str, npt.NDArray[Any]]
"""Values by name; the last axis is that of the rows."""

_BUFFERS = 1 << 24  # bytes in all
_SMALLEST_BUFFER, _LARGEST_BUFFER = 1 << 14, 1 << 20
_VALUES, _FEWEST = 1 << 21, 1 << 12  # lists that are read at once, and rows of a table with many columns of them


@dataclass(frozen=True)
class Batch:
    """Consecutive rows of a file, from number `row` on."""

    path: Path
    row: int
    content: pa.RecordBatch

    def refuse(self, index: int, problem: str) -> UserError:
        """An error about the row at `index` of this batch."""
        return UserError(f"{self.path}: row {self.row + index}: {problem}")


@dataclass(frozen=True)
class Table:
    """Files (at least one) with their schemas and numbers of rows; `path` is the folder that holds them, or the only file."""

    path: Path
    files: tuple[Path, ...]
    schemas: tuple[pa.Schema, ...]
    rows: tuple[int, ...]

    @classmethod
    def open(cls, path: Path, files: Sequence[Path]) -> "Table":
        """Read the footers. Raises `UserError` for a file that is truncated or no parquet file."""
        schemas, rows = [], []
        for file in files:
            with readable(file):
                parquet = pq.ParquetFile(file)
                schemas.append(parquet.schema_arrow)
                rows.append(parquet.metadata.num_rows)
        return cls(path, tuple(files), tuple(schemas), tuple(rows))

    @property
    def total(self) -> int:
        """Number of rows of all files."""
        return sum(self.rows)

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the first file, in its order."""
        return tuple(self.schemas[0].names)

    def has(self, column: str) -> bool:
        """Whether every file has the column."""
        return all(column in schema.names for schema in self.schemas)

    def check(self, column: str, fits: Callable[[pa.DataType], bool], expected: str) -> None:
        """Raise `UserError` naming the file where the column is missing, or its values are of a type that does not fit."""
        for file, schema in zip(self.files, self.schemas, strict=True):
            if column not in schema.names:
                raise UserError(f"{file}: no column '{column}' (found: {', '.join(schema.names)}); is this file of another data set?")
            kind = schema.field(column).type
            if not fits(value_type(kind)):
                raise UserError(f"{file}: column '{column}' is {kind}, expected {expected}; was this file made by another program?")

    def batches(self, columns: Sequence[str], size: int, *, dictionary: Sequence[str] = ()) -> Iterator[Batch]:
        """Rows of all files in order, at most `size` at a time; memory does not grow with the size of files or row groups."""
        buffer = min(max(_BUFFERS // len(columns), _SMALLEST_BUFFER), _LARGEST_BUFFER)
        many = sum(is_list(self.schemas[0].field(column).type) for column in columns)
        size = min(size, max(_VALUES // max(many, 1), _FEWEST))
        for file in self.files:
            with readable(file):
                row = 0
                # Unless both are said, pyarrow holds a whole row group, which can be the whole file.
                parquet = pq.ParquetFile(file, pre_buffer=False, buffer_size=buffer, read_dictionary=list(dictionary))
                for content in parquet.iter_batches(size, columns=list(columns)):
                    yield Batch(file, row, content)
                    row += content.num_rows


def blocks(table: Table, columns: Sequence[str], convert: Callable[[Batch], Columns], size: int) -> Iterator[Columns]:
    """The converted rows of a table in blocks of exactly `size`, but for the last."""
    pending: list[Columns] = []
    held = 0
    for batch in _ahead(table.batches(columns, size)):
        pending.append(convert(batch))
        held += batch.content.num_rows
        while held >= size:
            joined = _joined(pending)
            yield {name: values[..., :size] for name, values in joined.items()}
            held -= size
            pending = [{name: values[..., size:] for name, values in joined.items()}] if held else []
    if held:
        yield _joined(pending)


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches, each read while the one before it is worked on."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = thread.submit(next, batches, None)
            yield batch


def _joined(pieces: Sequence[Columns]) -> Columns:
    if len(pieces) == 1:
        return pieces[0]
    return {name: np.concatenate([piece[name] for piece in pieces], axis=-1) for name in pieces[0]}


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What pyarrow finds wrong while the block reads `path` becomes a `UserError`."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path}: cannot be read ({error}); the file is truncated or damaged: download or copy it again") from error


def parquet_files(folder: Path) -> tuple[Path, ...]:
    """Parquet files in a folder, numbered ones in the order of their numbers; hidden files and others beside them do not count."""
    found = (path for path in folder.glob("*.parquet") if not path.name.startswith((".", "_")) and path.is_file())
    return tuple(sorted(found, key=lambda path: (int(path.stem) if path.stem.isdecimal() else -1, path.name)))


def is_list(kind: pa.DataType) -> bool:
    """Whether a column holds lists of some kind."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def value_type(kind: pa.DataType) -> pa.DataType:
    """Type of the values of a column of lists, or of the column itself."""
    return kind.value_type if is_list(kind) else kind


def lists(batch: Batch, column: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """Lengths (n,) and all values of a column of lists; a column of plain values has one each. Raises `UserError` for nulls."""
    array = batch.content.column(column)
    if not is_list(array.type):
        return np.ones(len(array), np.int64), _plain(batch, column, array)
    if array.null_count:
        raise batch.refuse(_first_null(array), f"{column} is missing (null)")
    if pa.types.is_fixed_size_list(array.type):
        lengths = np.full(len(array), array.type.list_size, np.int64)
    else:
        lengths = np.diff(array.offsets.to_numpy()).astype(np.int64, copy=False)
    values = array.flatten()
    if values.null_count:
        row = int(np.searchsorted(np.cumsum(lengths), _first_null(values), side="right"))
        raise batch.refuse(row, f"{column} has a missing (null) value")
    return lengths, _numbers(values)


def scalars(batch: Batch, column: str) -> npt.NDArray[Any]:
    """Values (n,) of a column with one value per row, in a list or not."""
    array = batch.content.column(column)
    if not is_list(array.type):
        return _plain(batch, column, array)
    lengths, values = lists(batch, column)
    if (bad := lengths != 1).any():
        row = int(np.argmax(bad))
        raise batch.refuse(row, f"{column} holds {lengths[row]} values, expected one")
    return values


def _plain(batch: Batch, column: str, array: pa.Array) -> npt.NDArray[Any]:
    if array.null_count:
        raise batch.refuse(_first_null(array), f"{column} is missing (null)")
    return _numbers(array)


def _first_null(array: pa.Array) -> int:
    return int(np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False))[0])


def _numbers(array: pa.Array) -> npt.NDArray[Any]:
    """Values of an array without nulls; true and false out of their bits, which pyarrow takes one by one."""
    if pa.types.is_boolean(array.type) and len(array):
        end = array.offset + len(array)
        bits = np.unpackbits(np.frombuffer(array.buffers()[1], np.uint8), count=end, bitorder="little")
        return bits[array.offset :].view(np.bool_)
    return np.asarray(array.to_numpy(zero_copy_only=False))
