"""A score that is a sum of tables over binned columns: what density trees, forests and additive students are."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from l1ae.errors import UserError
from l1ae.files import write_json
from l1ae.inputs import Layout
from l1ae.results import Count, FirstVersion, load_result

__all__ = ["AdditiveTables", "Codes", "FloatArray", "IntArray", "load_tables", "save_tables"]

Codes = npt.NDArray[np.integer]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_BLOCK = 65536


@dataclass(frozen=True, eq=False)
class AdditiveTables:
    """Sum of tables, divided by 2**`halvings`.

    Binning k takes column `columns[k]` of an event: the number of `edges[k]`, rising hardware codes, that the code reaches. Table i has
    one axis for each binning in `parts[i]`, as long as that has bins.
    """

    columns: tuple[int, ...]
    edges: tuple[IntArray, ...]
    parts: tuple[tuple[int, ...], ...]
    tables: tuple[FloatArray, ...]
    halvings: int = 0

    def bins(self, hardware: Codes) -> IntArray:
        """(N, binnings) of events (N, size)."""
        rows = zip(self.columns, self.edges, strict=True)
        return np.stack([np.searchsorted(edges, hardware[:, column], side="right") for column, edges in rows], axis=1)

    def __call__(self, hardware: Codes) -> FloatArray:
        """Scores (N,) of events (N, size)."""
        total = np.zeros(len(hardware))
        for start in range(0, len(hardware), _BLOCK):
            block = slice(start, start + _BLOCK)
            bins = self.bins(hardware[block])
            for part, table in zip(self.parts, self.tables, strict=True):
                total[block] += table[tuple(bins[:, k] for k in part)]
        return total / 2**self.halvings


def joined(models: Sequence[AdditiveTables], halvings: int) -> AdditiveTables:
    """The sum of several; binnings that are alike are kept once."""
    known: dict[tuple[int, tuple[int, ...]], int] = {}
    parts: list[tuple[int, ...]] = []
    for model in models:
        place = [
            known.setdefault((column, tuple(edges.tolist())), len(known)) for column, edges in zip(model.columns, model.edges, strict=True)
        ]
        parts += [tuple(place[k] for k in part) for part in model.parts]
    tables = tuple(table for model in models for table in model.tables)
    columns, edges = tuple(column for column, _ in known), tuple(np.array(found, np.int64) for _, found in known)
    return AdditiveTables(columns, edges, tuple(parts), tables, halvings)


# -- the file ----------------------------------------------------------------------------------------------------------


class _Binning(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    edges: tuple[Annotated[int, Field(gt=-(2**62), lt=2**62)], ...]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    of: tuple[Count, ...]
    entries: tuple[Annotated[float, Field(gt=-1e9, lt=1e9)], ...]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["l1ae-tables"]
    version: FirstVersion
    halvings: Annotated[int, Field(ge=0, le=16)]
    binnings: tuple[_Binning, ...]
    tables: tuple[_Table, ...]


def save_tables(model: AdditiveTables, layout: Layout, path: Path) -> None:
    """Write the model as JSON, columns by their names in `layout`; the same model gives the same bytes."""
    names = layout.names
    content = {
        "format": "l1ae-tables",
        "version": 1,
        "halvings": model.halvings,
        "binnings": [{"column": names[c], "edges": edges.tolist()} for c, edges in zip(model.columns, model.edges, strict=True)],
        "tables": [{"of": list(part), "entries": table.ravel().tolist()} for part, table in zip(model.parts, model.tables, strict=True)],
    }
    write_json(path, content)


def load_tables(path: Path, layout: Layout) -> AdditiveTables:
    """Read what `save_tables` wrote.

    Raises `UserError` when there is none, when it is damaged, and when it has columns that `layout` has not.
    """
    found = load_result(_File, path, what="model of tables", remedy="run `l1ae train` first", again="run `l1ae train` again")
    place = {name: column for column, name in enumerate(layout.names)}
    for k, binning in enumerate(found.binnings):
        if binning.column not in place:
            raise UserError(f"{path}: binnings {k}: the layout has no column '{binning.column}'; train again with these inputs")
        if any(a >= b for a, b in pairwise(binning.edges)):
            raise UserError(f"{path}: binnings {k}: edges {list(binning.edges)} must rise; run `l1ae train` again")
    edges = tuple(np.array(binning.edges, np.int64) for binning in found.binnings)
    tables = tuple(_shaped(path, i, table, edges) for i, table in enumerate(found.tables))
    columns = tuple(place[binning.column] for binning in found.binnings)
    return AdditiveTables(columns, edges, tuple(table.of for table in found.tables), tables, found.halvings)


def _shaped(path: Path, i: int, table: _Table, edges: Sequence[IntArray]) -> FloatArray:
    if any(k >= len(edges) for k in table.of):
        raise UserError(f"{path}: tables {i}: there is no binning {max(table.of)}; run `l1ae train` again")
    shape = tuple(len(edges[k]) + 1 for k in table.of)
    if len(table.entries) != np.prod(shape, dtype=int):
        raise UserError(f"{path}: tables {i}: {len(table.entries)} entries do not fill {shape} bins; run `l1ae train` again")
    return np.array(table.entries, np.float64).reshape(shape)
