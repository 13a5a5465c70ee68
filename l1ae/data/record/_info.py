"""What the record says about each event: numbers of run and event, pileup, its split and its place in the study."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from l1ae.data.record._parquet import Batch, Columns, Table, is_list, scalars
from l1ae.data.record._sources import SPLIT_ALIASES, SPLITS, Part
from l1ae.errors import UserError

__all__ = ["NUMBERS", "ORDER", "OUTSIDE", "Survey", "check_info", "info_columns", "read_info", "survey"]

NUMBERS = ("run", "lumi", "bx", "orbit", "event", "time")
"""Columns that are stored as they are, int64."""

ORDER, OUTSIDE = "order", -1
"""Place in the split, counted over all data sets; -1 outside the standard cut."""

_SPLIT = "split"
_PILEUP = ("nPV_True", "pileup")
_BATCH = 1 << 16


def info_columns(table: Table) -> tuple[str, ...]:
    """Those of the columns that the table has."""
    pileup = next((name for name in _PILEUP if table.has(name)), None)
    return tuple(name for name in (*NUMBERS, ORDER, pileup) if name is not None and table.has(name))


def check_info(table: Table, names: Sequence[str]) -> None:
    """Raise `UserError` unless the columns hold numbers."""
    for name in names:
        if name in _PILEUP:
            table.check(name, lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind), "numbers")
        else:
            table.check(name, pa.types.is_integer, "integers")


def read_info(batch: Batch, names: Sequence[str]) -> Columns:
    """The columns as int64 (n,), and `pileup` int16 (n,): rounded, -1 where it is not known."""
    result: Columns = {name: _integers(batch, name) for name in names if name not in _PILEUP}
    pileup = next((name for name in names if name in _PILEUP), None)
    if pileup is None:
        return result | {"pileup": np.full(batch.content.num_rows, -1, np.int16)}
    mean = np.nan_to_num(scalars(batch, pileup).astype(np.float64), nan=0.0)
    return result | {"pileup": np.where(mean > 0, np.round(np.clip(mean, 0, 1000)), -1).astype(np.int16)}


def _integers(batch: Batch, name: str) -> npt.NDArray[np.int64]:
    """A column as int64; all ones, which simulation has where there is no such number, are -1."""
    values = scalars(batch, name)
    if values.dtype.kind != "u":
        return values.astype(np.int64)
    unknown = values == np.iinfo(values.dtype).max
    large = (values > np.iinfo(np.int64).max) & ~unknown
    if large.any():
        row = int(np.argmax(large))
        raise batch.refuse(row, f"{name} = {values[row]} is beyond 64 bits with sign; the file is damaged")
    return np.where(unknown, -1, values.astype(np.int64))


@dataclass(frozen=True)
class Survey:
    """What is known of a part before its events are read.

    `split` is the code of its split, None where nothing says it. `inside` and `outside` count the events within and outside the
    standard cut. `rising`: `order` rises from row to row inside the cut, None without `order`; `outside_last`: the rest comes last.
    """

    split: int | None
    inside: int
    outside: int
    rising: bool | None
    outside_last: bool


def survey(part: Part) -> Survey:
    """Read the columns `split` and `order` of a part.

    Raises `UserError` where events are of another split than folder or file are called after, or of several.
    """
    table = part.main
    columns = [name for name in (ORDER, _SPLIT) if table.has(name)]
    check_info(table, [name for name in columns if name == ORDER])
    split = None if part.split is None else SPLITS.index(part.split)
    rows, inside, rising, outside_last, last = 0, 0, True, True, OUTSIDE
    for batch in table.batches(columns, _BATCH, dictionary=[name for name in columns if name == _SPLIT]) if columns else ():
        if _SPLIT in columns:
            split = _same_split(batch, part, split)
        if ORDER in columns:
            order = _integers(batch, ORDER)
            places = order[order >= 0]
            outside_last &= not len(places) or (inside == rows and bool((order[: len(places)] >= 0).all()))
            rising &= bool((np.diff(places, prepend=last) > 0).all())
            last = int(places[-1]) if len(places) else last
            inside, rows = inside + len(places), rows + len(order)
    if ORDER not in columns:
        return Survey(split, table.total, 0, None, True)
    return Survey(split, inside, table.total - inside, rising, outside_last)


def _same_split(batch: Batch, part: Part, split: int | None) -> int | None:
    column = batch.content.column(_SPLIT)
    for value in (column.flatten() if is_list(column.type) else column).unique().to_pylist():
        name = SPLIT_ALIASES.get(str(value), str(value))
        code = SPLITS.index(name) if name in SPLITS else None
        if code is None or (split is not None and code != split):
            here = f"one of {', '.join(SPLITS)}" if split is None else f"'{SPLITS[split]}'"
            raise UserError(
                f"{batch.path}: column '{_SPLIT}' says '{value}' in rows {batch.row} to {batch.row + len(column) - 1}, expected {here} in "
                f"{part.path}; the record keeps its splits apart: download the files again"
            )
        split = code
    return split
