"""References of a mapping file to columns: `jet_pt`, `jets[:, 0]`, `jet{slot}_pt`.

A name alone is a column with one number per event, one number per slot (N, slots), or a list per event. In brackets, as in
numpy, what is taken of the axes behind the event's. `{slot}` stands for 0, 1, 2, ... and `{slot1}` for 1, 2, 3, ..., `{slot:02}`
for 00, 01, ...: as many as the file has. `[...]` alone, or a number, is of the only column; in a table of many columns a number
is the column at this place.
"""

import re
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.data.tables._table import Array, Block, Field, Jagged, Table
from l1ae.errors import UserError

__all__ = ["Lists", "Places", "Reference", "Source", "resolve", "resolve_array", "resolve_scalar"]

Reference = str | int | tuple[str | int, ...]
IntArray = npt.NDArray[np.int64]

_SLOT = re.compile(r"\{slot(1?)(?::0(\d))?\}")
_INDEXED = re.compile(r"(?P<name>.*?)\[(?P<index>[^\[\]]*)\]")
_PART = re.compile(r"\s*(-?\d+)\s*|\s*(-?\d*)\s*:\s*(-?\d*)\s*(?::\s*(-?\d+)\s*)?")


@dataclass(frozen=True)
class Places:
    """A number per slot: for each, a column and the position in its flattened row."""

    places: tuple[tuple[str, int], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are needed."""
        return tuple(dict.fromkeys(name for name, _ in self.places))

    def __str__(self) -> str:
        if len(self.places) == 1:
            name, position = self.places[0]
            return f"{name}[{position}]" if position else name
        (first, start), (last, stop) = self.places[0], self.places[-1]
        return f"{first}[{start} ... {stop}]" if first == last else f"{first} ... {last}"

    def label(self, slot: int) -> str:
        """The column of one slot, as messages name it."""
        name, position = self.places[slot]
        return f"{name}[{position}]" if len(self.places) > len(self.names) else name

    def take(self, block: Block) -> Array:
        """(N, slots) out of a block. Raises `IndexError`, naming the row in it, for a list that is too short."""
        first = block[self.names[0]]
        if len(self.names) == 1 and not isinstance(first, Jagged):
            return first.reshape(len(first), -1)[:, [position for _, position in self.places]]
        return np.stack([_one(block[name], name, position) for name, position in self.places], axis=1)


def _one(values: Array | Jagged, name: str, position: int) -> Array:
    """(N,): one number per row."""
    if not isinstance(values, Jagged):
        return values.reshape(len(values), -1)[:, position]
    if (short := values.counts <= position).any():
        row = int(np.argmax(short))
        raise IndexError(f"row {row}: the list '{name}' has {values.counts[row]} entries, {position + 1} are needed")
    return values.content[np.cumsum(values.counts) - values.counts + position]


@dataclass(frozen=True)
class Lists:
    """A list of any length per event."""

    name: str

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are needed."""
        return (self.name,)

    def __str__(self) -> str:
        return self.name

    def label(self, slot: int) -> str:
        """The column, as messages name it."""
        return self.name


Source = Places | Lists


def resolve(table: Table, reference: Reference) -> Source:
    """What a reference to a number per slot means. Raises `UserError` naming the columns that there are, and where it means none."""
    found = _meant(table, reference)
    if not found.names:
        raise UserError(f"{table.path}: {reference!r} names no column; there are {', '.join(list(table.fields)[:12]) or 'none'}")
    return found


def _meant(table: Table, reference: Reference) -> Source:
    if isinstance(reference, tuple):
        return Places(tuple(place for item in reference for place in _scalar(table, item)))
    if isinstance(reference, int):
        return Places(_scalar(table, reference))
    if reference not in table.fields and _SLOT.search(reference):
        return Places(_slots(table, reference))
    field, index = _field_and_index(table, reference)
    if field.jagged and index is None:
        return Lists(field.name)
    positions = _positions(table, field, index)
    if positions.ndim > 1:
        raise UserError(
            f"{table.path}: '{reference}' has {positions.ndim} axes behind that of the events, {positions.shape}; take one with an "
            f"index, for example {field.name}[{', '.join([':', *['0'] * (positions.ndim - 1)])}]"
        )
    return Places(tuple((field.name, int(position)) for position in positions.reshape(-1)))


def resolve_array(table: Table, reference: str) -> tuple[str, IntArray]:
    """A column, and the positions in its flattened row, of a reference to numbers in any number of axes."""
    field, index = _field_and_index(table, reference)
    if field.jagged:
        raise UserError(f"{table.path}: '{reference}' has lists, not an array; name a column for each feature")
    return field.name, _positions(table, field, index)


def resolve_scalar(table: Table, reference: Reference) -> Places:
    """What a reference to one number per event means. Raises `UserError` where it has more."""
    if isinstance(reference, str) and reference in table.fields and table.fields[reference].jagged:
        return Places(((reference, 0),))
    found = resolve(table, reference)
    if isinstance(found, Lists) or len(found.places) != 1:
        raise UserError(f"{table.path}: '{reference}' has more than one number per event; take one with an index, as in {reference}[0]")
    return found


def _scalar(table: Table, reference: str | int) -> tuple[tuple[str, int], ...]:
    if isinstance(reference, str):
        return resolve_scalar(table, reference).places
    fields = list(table.fields.values())
    if len(fields) == 1:
        size = prod(fields[0].shape)
        if not -size <= reference < size:
            raise UserError(f"{table.path}: no number {reference} in a row of '{fields[0].name}', which has {size}")
        return ((fields[0].name, reference % size),)
    if not -len(fields) <= reference < len(fields):
        raise UserError(f"{table.path}: no column number {reference}; it has {len(fields)} columns")
    return ((fields[reference].name, 0),)


def _slots(table: Table, pattern: str) -> tuple[tuple[str, int], ...]:
    places: list[tuple[str, int]] = []
    in_name = _SLOT.search(pattern.split("[", maxsplit=1)[0]) is not None
    while True:
        name = _numbered(pattern, len(places))
        if in_name and name.split("[", maxsplit=1)[0] not in table.fields:
            break
        try:
            places += resolve_scalar(table, name).places
        except UserError:
            if in_name or not places:
                raise
            break
    if not places:
        table.field(_numbered(pattern, 0))
    return tuple(places)


def _numbered(pattern: str, slot: int) -> str:
    return _SLOT.sub(lambda match: f"{slot + bool(match[1]):0{match[2] or 1}d}", pattern)


def _field_and_index(table: Table, reference: str) -> tuple[Field, str | None]:
    if reference in table.fields:
        return table.fields[reference], None
    match = _INDEXED.fullmatch(reference)
    if match is None:
        return table.field(reference), None
    if match["name"]:
        return table.field(match["name"].strip()), match["index"]
    if len(table.fields) != 1:
        raise UserError(f"{table.path}: '{reference}' names no column, and there are {len(table.fields)}; write COLUMN{reference}")
    return next(iter(table.fields.values())), match["index"]


def _positions(table: Table, field: Field, index: str | None) -> IntArray:
    if field.jagged:
        parts = _index(index or "")
        if len(parts) != 1 or not isinstance(parts[0], int) or parts[0] < 0:
            raise UserError(f"{table.path}: '{field.name}[{index}]': of a list one entry can be taken, for example {field.name}[0]")
        return np.array(parts[0])
    whole = np.arange(prod(field.shape)).reshape(field.shape)
    if index is None:
        return whole
    try:
        return np.asarray(whole[_index(index)])
    except (IndexError, ValueError) as error:
        raise UserError(
            f"{table.path}: '{field.name}[{index}]' does not fit: a row of '{field.name}' has the shape {field.shape}; an index is like "
            "[:, 0] or [9:19, 2]"
        ) from error


def _index(text: str) -> tuple[Any, ...]:
    parts: list[int | slice] = []
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(part)
        if match[1] is not None:
            parts.append(int(match[1]))
        else:
            parts.append(slice(*(int(item) if item else None for item in match.groups()[1:])))
    return tuple(parts)
