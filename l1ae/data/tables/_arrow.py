"""Tables in parquet and CSV files, through Arrow."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from l1ae.data.tables._table import Block, Field, Jagged, Table, damaged
from l1ae.errors import UserError

__all__ = ["open_csv", "open_parquet"]

_CONVERSION = re.compile(r"Row #(\d+): CSV conversion error to (\w+): invalid value '(.*)'")
_ERRORS = (pa.ArrowException, OSError)


@dataclass(frozen=True)
class _ParquetTable(Table):
    def blocks(self, names: Sequence[str], size: int) -> Iterator[Block]:
        tops = list(dict.fromkeys(name.split(".")[0] if name not in self._schema_names() else name for name in names))
        with damaged(self.path, "parquet", *_ERRORS), pq.ParquetFile(self.path) as file:
            first = 0
            for batch in file.iter_batches(batch_size=size, columns=tops, use_threads=False):
                yield {name: _values(_column(batch, name), self.path, name, first) for name in names}
                first += len(batch)

    def _schema_names(self) -> set[str]:
        return {name for name in self.fields if "." not in name}


def open_parquet(path: Path, table: str | None = None) -> Table:
    """The columns of a parquet file; members of structs, and of lists of structs, as `column.member`.

    Raises `UserError` for a damaged file.
    """
    if table is not None:
        raise UserError(f"{path}: a parquet file is one table; leave out table: {table}")
    with damaged(path, "parquet", *_ERRORS), pq.ParquetFile(path) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
    fields, skipped = {}, []
    for column in schema:
        for name, kind in _members(column.name, column.type):
            field = _field(name, kind, rows)
            if field is None:
                skipped.append(name)
            else:
                fields[name] = field
    return _ParquetTable(path, "parquet", fields, rows, tuple(skipped))


def _members(name: str, kind: pa.DataType) -> list[tuple[str, pa.DataType]]:
    """A column, or the members of the struct or list of structs that it is."""
    inner = kind.value_type if _is_list(kind) else kind
    if not pa.types.is_struct(inner):
        return [(name, kind)]
    return [(f"{name}.{member.name}", pa.list_(member.type) if _is_list(kind) else member.type) for member in inner]


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _field(name: str, kind: pa.DataType, rows: int | None) -> Field | None:
    shape: tuple[int, ...] = ()
    while pa.types.is_fixed_size_list(kind):
        shape, kind = (*shape, kind.list_size), kind.value_type
    jagged = _is_list(kind)
    if jagged:
        kind = kind.value_type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return None if jagged or shape else Field(name, np.dtype(object), rows=rows)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)) or (jagged and shape):
        return None
    return Field(name, np.dtype(kind.to_pandas_dtype()), shape, jagged, rows)


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    if name in batch.schema.names:
        return batch.column(name)
    top, member = name.split(".", 1)
    column = batch.column(top)
    if not _is_list(column.type):
        return column.field(member)
    return pa.LargeListArray.from_arrays(_offsets(column), column.values.field(member))


def _offsets(column: pa.Array) -> pa.Array:
    return pc.cast(column.offsets, pa.int64())


def _values(column: pa.Array, path: Path, name: str, first: int) -> npt.NDArray[Any] | Jagged:
    if column.null_count and not (pa.types.is_floating(column.type)):
        row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise UserError(f"{path}: event {first + row}: column '{name}' has no value; fill the gaps, or leave the column out")
    shape: list[int] = []
    while pa.types.is_fixed_size_list(column.type):
        shape.append(column.type.list_size)
        column = column.flatten()
    if _is_list(column.type):
        counts = np.asarray(pc.list_value_length(column), np.int64)
        return Jagged(_plain(column.flatten(), path, name), counts)
    plain = _plain(column, path, name)
    return plain.reshape(-1, *shape) if shape else plain


def _plain(column: pa.Array, path: Path, name: str) -> npt.NDArray[Any]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.null_count and not pa.types.is_floating(column.type):
        raise UserError(f"{path}: column '{name}' has entries without a value; fill the gaps, or leave the column out")
    return np.asarray(column.to_numpy(zero_copy_only=False))


# -- CSV ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _CsvTable(Table):
    delimiter: str = ","
    header: bool = True

    def blocks(self, names: Sequence[str], size: int) -> Iterator[Block]:
        # numbers beyond the first block may need another type than those in it
        wide = {name: pa.float64() for name in names if self.fields[name].dtype.kind == "f"}
        with (
            damaged(self.path, "CSV", *_ERRORS),
            _no_numbers(self.path),
            _reader(self.path, self.delimiter, self.header, wide, names) as reader,
        ):
            held: list[pa.RecordBatch] = []
            first = 0
            for batch in reader:
                held.append(batch)
                if sum(len(item) for item in held) >= size:
                    table = pa.Table.from_batches(held)
                    whole = len(table) // size * size
                    for start in range(0, whole, size):
                        yield self._block(table.slice(start, size), names, first + start)
                    first += whole
                    held = table.slice(whole).to_batches()
            if held and sum(len(item) for item in held):
                yield self._block(pa.Table.from_batches(held), names, first)

    def _block(self, table: pa.Table, names: Sequence[str], first: int) -> Block:
        return {name: _values(table.column(name).combine_chunks(), self.path, name, first) for name in names}

    def expected(self) -> int:
        """The number of lines without the header."""
        with self.path.open("rb") as file:
            lines = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
        return lines - self.header


def _reader(
    path: Path, delimiter: str, header: bool, types: dict[str, pa.DataType], names: Sequence[str] | None = None
) -> pyarrow.csv.CSVStreamingReader:
    return pyarrow.csv.open_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(autogenerate_column_names=not header, block_size=1 << 22, use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types, include_columns=list(names or ()), null_values=["", "NA", "NULL", "null"], strings_can_be_null=False
        ),
    )


@contextmanager
def _no_numbers(path: Path) -> Iterator[None]:
    """What cannot be a number, or needs another type than those before it, is no damage."""
    try:
        yield
    except pa.ArrowInvalid as error:
        found = _CONVERSION.search(str(error))
        if found is None:
            raise
        raise UserError(
            f"{path}: line {found[1]}: {found[3]!r} in a column of {found[2]}; correct it, or write the numbers of this column alike from "
            "the first line on (1.0 in a column of real numbers)"
        ) from error


def _lines(path: Path) -> int:
    """The number of lines with text, up to 2."""
    with path.open("rb") as file:
        return sum(1 for _ in islice((line for line in file if line.strip()), 2))


def open_csv(path: Path, table: str | None = None, *, delimiter: str = ",", header: bool = True) -> Table:
    """The columns of a text file with one event per line; without a header they are called `f0`, `f1`, ...

    Raises `UserError` where lines have different numbers of columns, for a name that is there twice, and for a header alone.
    """
    if table is not None:
        raise UserError(f"{path}: a CSV file is one table; leave out table: {table}")
    with damaged(path, "CSV", *_ERRORS), _reader(path, delimiter, header, {}) as reader:
        schema = reader.schema
    if twice := [name for name, number in Counter(schema.names).items() if number > 1]:
        places = " and ".join(str(k) for k, name in enumerate(schema.names) if name == twice[0])
        raise UserError(
            f"{path}: the header has the name '{twice[0]}' more than once (columns {places}, counted from 0); give each column a name of "
            "its own"
        )
    if header and all(pa.types.is_null(column.type) for column in schema) and _lines(path) < 2:
        raise UserError(f"{path}: no events: the file has a header, and no line behind it")
    fields = {column.name: field for column in schema if (field := _field(column.name, column.type, None)) is not None}
    return _CsvTable(path, "CSV", fields, None, tuple(set(schema.names) - set(fields)), delimiter, header)
