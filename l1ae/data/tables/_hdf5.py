"""Tables in HDF5 files: datasets with one entry per event, fields of compound datasets, lists of variable length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from l1ae.data.tables._table import Block, Field, Jagged, Table, damaged
from l1ae.errors import UserError

__all__ = ["open_hdf5"]

_ERRORS = (OSError, RuntimeError, KeyError, TypeError, ValueError, MemoryError)


@dataclass(frozen=True)
class _Hdf5Table(Table):
    """`place` (dataset, its field or None) of every column."""

    place: dict[str, tuple[str, str | None]] | None = None

    def blocks(self, names: Sequence[str], size: int) -> Iterator[Block]:
        assert self.place is not None
        rows = self._common_rows(names)
        with damaged(self.path, "HDF5", *_ERRORS), h5py.File(self.path, "r") as file:
            for start in range(0, rows, size):
                part = slice(start, min(start + size, rows))
                yield {name: self._read(file, name, part) for name in names}

    def _read(self, file: h5py.File, name: str, rows: slice) -> Any:
        assert self.place is not None
        dataset, field = self.place[name]
        values = file[dataset][rows] if field is None else file[dataset].fields(field)[rows]
        if not self.fields[name].jagged:
            return values
        counts = np.array([len(item) for item in values], np.int64)
        content = np.concatenate(values) if len(values) else np.zeros(0)
        return Jagged(content.astype(self.fields[name].dtype), counts)

    def _common_rows(self, names: Sequence[str]) -> int:
        if not names:
            return self.rows or 0
        rows = {name: self.fields[name].rows for name in names}
        if len(set(rows.values())) > 1:
            listed = ", ".join(f"'{name}' {count}" for name, count in rows.items())
            raise UserError(f"{self.path}: the columns have different numbers of events: {listed}; map only columns of the same events")
        return next(iter(rows.values())) or 0


def open_hdf5(path: Path, table: str | None = None) -> Table:
    """The datasets below the group `table` (default: all), or a dataset alone.

    Raises `UserError` for a damaged file, and naming what there is for an unknown table.
    """
    with damaged(path, "HDF5", *_ERRORS), h5py.File(path, "r") as file:
        found: dict[str, h5py.Dataset] = {}
        file.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
        if table is not None and table.strip("/") not in file:
            raise UserError(f"{path}: no dataset or group '{table}'; it has {', '.join(found) or 'none'}")
        fields, place, skipped = _columns(found, (table or "").strip("/"))
    rows = [field.rows or 0 for field in fields.values()]
    return _Hdf5Table(path, "HDF5", fields, max(rows, default=0), tuple(skipped), place)


def _columns(found: dict[str, h5py.Dataset], table: str) -> tuple[dict[str, Field], dict[str, tuple[str, str | None]], list[str]]:
    fields: dict[str, Field] = {}
    place: dict[str, tuple[str, str | None]] = {}
    skipped = []
    for full, dataset in found.items():
        if table and full != table and not full.startswith(f"{table}/"):
            continue
        name = full.rsplit("/", 1)[-1] if full == table else full.removeprefix(f"{table}/") if table else full
        parts = dataset.dtype.names
        for part in parts or (None,):
            column = name if part is None else part if full == table else f"{name}.{part}"
            field = _field(column, dataset, part)
            if field is None:
                skipped.append(column)
            else:
                fields[column], place[column] = field, (full, part)
    return fields, place, skipped


def _field(column: str, dataset: h5py.Dataset, part: str | None) -> Field | None:
    if not dataset.shape:
        return None
    dtype, rows, shape = dataset.dtype if part is None else dataset.dtype[part], dataset.shape[0], dataset.shape[1:]
    if dtype.subdtype is not None:
        dtype, inner = dtype.subdtype
        shape = (*shape, *inner)
    if dtype.kind in "biuf" or h5py.check_string_dtype(dtype) is not None:
        return Field(column, np.dtype(dtype), tuple(shape), rows=rows)
    base = h5py.check_vlen_dtype(dtype)
    if base is None or shape or np.dtype(base).kind not in "biuf":
        return None
    return Field(column, np.dtype(base), jagged=True, rows=rows)
