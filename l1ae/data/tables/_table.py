"""Tables: what the readers see of any file, a row per event and named columns, read block by block."""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError

__all__ = ["Block", "Derived", "Field", "Jagged", "Table", "damaged"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Field:
    """A column: numbers of the shape (rows, *shape), or a list of numbers per row if `jagged`. `rows` is None where unknown."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...] = ()
    jagged: bool = False
    rows: int | None = None

    def __str__(self) -> str:
        kind = "text" if self.dtype.kind in "OSU" else str(self.dtype)
        shape = ", ".join(str(size) for size in ("N", *self.shape)) if self.shape else ""
        return f"{self.name}: " + (f"lists of {kind}" if self.jagged else f"{kind} ({shape})" if shape else kind)


@dataclass(frozen=True, eq=False)
class Jagged:
    """Lists of any length: the entries of all rows one after the other (total,), and how many each row has (N,)."""

    content: Array
    counts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.counts)


Block = dict[str, Array | Jagged]
"""Consecutive rows of some columns, by name."""


@dataclass(frozen=True)
class Table(ABC):
    """A file opened for reading: its columns by name, and the number of rows (None where only reading tells).

    `format` names the kind of file, `skipped` the columns of it that hold no numbers. No file stays open.
    """

    path: Path
    format: str
    fields: Mapping[str, Field]
    rows: int | None
    skipped: tuple[str, ...] = ()

    @abstractmethod
    def blocks(self, names: Sequence[str], size: int) -> Iterator[Block]:
        """The named columns, `size` rows at a time."""

    def count(self) -> int:
        """The number of rows, by reading where nothing else tells."""
        if self.rows is not None:
            return self.rows
        name = next(iter(self.fields))
        return sum(len(block[name]) for block in self.blocks([name], 1 << 20))

    def expected(self) -> int:
        """The number of rows, or about it where only reading tells."""
        return self.rows or 0

    def field(self, name: str) -> Field:
        """A column by name. Raises `UserError` naming the closest ones."""
        if name in self.fields:
            return self.fields[name]
        close = difflib.get_close_matches(name, self.fields, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(repr(item) for item in close)}?" if close else f"it has {_listed(self.fields)}"
        reason = "; that one holds no numbers" if name in self.skipped else ""
        raise UserError(f"{self.path}: no column '{name}'{reason}; {hint}")


def _listed(names: Mapping[str, Field], most: int = 12) -> str:
    shown = list(names)[:most]
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "") or "none"


@dataclass(frozen=True)
class Derived(Table):
    """A table with further columns that are computed from its own: for each a field, the columns it needs, and the function."""

    base: Table | None = None
    columns: Mapping[str, tuple[Field, tuple[str, ...], Callable[..., Array | Jagged]]] | None = None

    @classmethod
    def of(cls, base: Table, columns: Mapping[str, tuple[Field, tuple[str, ...], Callable[..., Array | Jagged]]]) -> "Derived":
        """`base` with further columns."""
        fields = {**base.fields, **{name: item[0] for name, item in columns.items()}}
        return cls(base.path, base.format, fields, base.rows, base.skipped, base, columns)

    def blocks(self, names: Sequence[str], size: int) -> Iterator[Block]:
        """The named columns, `size` rows at a time."""
        assert self.base is not None
        assert self.columns is not None
        own = [name for name in names if name in self.columns]
        needed = dict.fromkeys([*(n for n in names if n not in own), *(n for name in own for n in self.columns[name][1])])
        for block in self.base.blocks(list(needed), size):
            yield block | {name: self.columns[name][2](*(block[n] for n in self.columns[name][1])) for name in own}


_NO_TABLE = (
    "if it is a table, all its lines must have the same columns: write the right delimiter: into a mapping file, or copy the file again if "
    "it is cut off; if it is none, leave it out"
)


@contextmanager
def damaged(path: Path, kind: str, *errors: type[Exception]) -> Iterator[None]:
    """What a library finds wrong while it reads becomes a `UserError` that says so."""
    try:
        yield
    except UserError:
        raise
    except errors as error:
        text = " ".join(str(error).split()) or type(error).__name__
        remedy = _NO_TABLE if kind == "CSV" else "the file is truncated or damaged; copy it again"
        raise UserError(f"{path}: cannot be read as {kind} ({text[:300]}); {remedy}") from error
