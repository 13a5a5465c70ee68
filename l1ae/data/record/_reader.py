"""The events of one split of one data set: all its tables, row by row."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.data.record._info import ORDER, Survey, check_info, read_info
from l1ae.data.record._objects import Collection, read_collections
from l1ae.data.record._parquet import Batch, Columns, Table, blocks
from l1ae.data.record._seeds import L1BIT, check_seeds, seeds_of
from l1ae.data.record._sources import EVENT_INFO, SEEDS, Part
from l1ae.errors import UserError
from l1ae.inputs import Layout

__all__ = ["Reader", "check_aligned"]

_TWINS = ("event", ORDER)
"""Columns that the mirror has in both tables."""


@dataclass(frozen=True)
class Reader:
    """What is read of a part: `info` of the events, `seeds` to store, `others` that `l1bit` is the OR of as well.

    `outside`: keep events outside the standard cut.
    """

    part: Part
    survey: Survey
    layout: Layout
    collections: tuple[Collection, ...]
    info: tuple[str, ...]
    seeds: tuple[str, ...]
    others: tuple[str, ...]
    l1bit: bool
    outside: bool

    def __post_init__(self) -> None:
        check_info(self.part.main, self.info)
        if self.reads_seeds:
            check_seeds(self.part.tables[SEEDS], (*self.seeds, *self.others, *((L1BIT,) if self.l1bit else ())))
        check_aligned(self.part, [self.part.tables[key] for key in self.tables])

    @property
    def reads_seeds(self) -> bool:
        """Whether the table of seeds is read."""
        return bool(self.seeds) or (self.l1bit and SEEDS in self.part.tables)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that are read; that of the events comes first."""
        more = (SEEDS,) if self.reads_seeds else ()
        return tuple(dict.fromkeys((EVENT_INFO, *(collection.table for collection in self.collections), *more)))

    def rows(self, size: int, left_out: Counter[str]) -> Iterator[Columns]:
        """At most `size` events at a time: `hw` (columns, n), `reordered`, `pileup` and the columns of `info` (n,), and the packed
        `bits` (bytes, n) of `bit_names`. `left_out` counts what is left out, by reason.
        """
        streams = [blocks(self.part.tables[key], self._columns(key), self._converter(key), size) for key in self.tables]
        first = 0
        for found in zip(*streams, strict=not self.part.prefix):
            count = len(found[0]["pileup"])
            tables = [{name: values[..., :count] for name, values in table.items()} for table in found]
            self._check_twins(tables, first)
            first += count
            rows = self._joined(tables, left_out)
            if rows["hw"].shape[1]:
                yield rows

    def _columns(self, key: str) -> tuple[str, ...]:
        names = [name for collection in self.collections if collection.table == key for name in collection.names]
        if key == EVENT_INFO:
            names += [*self.info, *((L1BIT,) if self.l1bit and not self.reads_seeds else ())]
        if key == SEEDS:
            names += [*self.seeds, *self.others, *((L1BIT,) if self.l1bit else ()), *self._twins]
        return tuple(dict.fromkeys(names))

    @property
    def _twins(self) -> tuple[str, ...]:
        return tuple(name for name in _TWINS if name in self.info and self.part.tables[SEEDS].has(name))

    def _converter(self, key: str) -> Callable[[Batch], Columns]:
        collections = [collection for collection in self.collections if collection.table == key]

        def convert(batch: Batch) -> Columns:
            result: Columns = read_collections(batch, collections, self.layout.dtype) if collections else {}
            if key == EVENT_INFO:
                result |= read_info(batch, self.info)
                if self.l1bit and not self.reads_seeds:
                    result |= seeds_of(batch, (L1BIT,), (), with_or=False)
            if key == SEEDS:
                result |= seeds_of(batch, self.seeds, self.others, with_or=self.l1bit)
                result |= {f"twin/{name}": values for name, values in read_info(batch, self._twins).items() if name != "pileup"}
            return result

        return convert

    def _check_twins(self, tables: Sequence[Columns], first: int) -> None:
        for name in self._twins if self.reads_seeds else ():
            events, seeds = tables[0][name], tables[-1][f"twin/{name}"]
            if (events != seeds).any():
                row = int(np.argmax(events != seeds))
                raise UserError(
                    f"{self.part.tables[SEEDS].path}: row {first + row}: {name} is {seeds[row]}, but {events[row]} in that row of "
                    f"{self.part.main.path}; their rows must be the same events: download both again"
                )

    def _joined(self, tables: Sequence[Columns], left_out: Counter[str]) -> Columns:
        columns = {name: values for table in tables for name, values in table.items() if not name.startswith("twin/")}
        kept = np.all([table["kept"] for table in tables if "kept" in table], axis=0)
        del columns["kept"]
        hw = np.empty((len(kept), self.layout.size), self.layout.dtype)
        for group in self.layout.groups:
            self.layout.block(hw, group.name)[...] = columns.pop(f"group/{group.name}").transpose(2, 0, 1)
        columns["hw"] = hw.T
        columns["reordered"] = np.any([table["reordered"] for table in tables if "reordered" in table], axis=0)
        inside = columns[ORDER] >= 0 if ORDER in columns and not self.outside else np.ones(len(kept), np.bool_)
        left_out["outside the standard cut"] += int((~inside).sum())
        left_out["vetoed by the layout's cuts"] += int((inside & ~kept).sum())
        chosen: npt.NDArray[np.bool_] = inside & kept
        if chosen.all():
            return columns
        return {name: values.T[chosen].T for name, values in columns.items()}


def check_aligned(part: Part, tables: Sequence[Table]) -> None:
    """Row numbers are what ties tables together. Raises `UserError` naming those that differ in it."""
    first = tables[0]
    for other in tables[1:]:
        enough = other.total >= first.total if part.prefix else other.total == first.total
        if not enough:
            raise UserError(
                f"{other.path}: {other.total} rows in all, but {first.path} has {first.total}{_differing(first, other)}; "
                "their rows must be the same events: download both again"
            )


def _differing(first: Table, other: Table) -> str:
    """What the names of the files say about it."""
    names = [{file.name: rows for file, rows in zip(table.files, table.rows, strict=True)} for table in (first, other)]
    if one := sorted(set(names[0]) ^ set(names[1])):
        return f"; only one of them has {', '.join(one[:3])}"
    unlike = next(name for name in names[0] if names[0][name] != names[1][name])
    return f"; {unlike} has {names[1][unlike]} rows in one and {names[0][unlike]} in the other"
