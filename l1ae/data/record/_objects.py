"""Lists of objects into the slots of a group."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from l1ae.data.record._parquet import Batch, Columns, lists
from l1ae.data.record._sources import Part
from l1ae.errors import UserError
from l1ae.inputs import Feature, Group, Layout, arrange

__all__ = ["Collection", "collections_of", "read_collections"]


@dataclass(frozen=True)
class Collection:
    """A group of the layout and the table and columns that hold it, one per feature; None where the hardware has none."""

    group: Group
    table: str
    columns: tuple[str | None, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Columns to read."""
        return tuple(name for name in self.columns if name is not None)


def collections_of(part: Part, layout: Layout) -> tuple[Collection, ...]:
    """Where the part holds each group of the layout.

    Raises `UserError` for a group or feature without source, for a collection or column that the part lacks, and for columns that
    do not hold lists of integers.
    """
    return tuple(_collection(part, group, layout) for group in layout.groups)


def _collection(part: Part, group: Group, layout: Layout) -> Collection:
    named = {feature.name: feature.source for feature in group.features if not feature.absent}
    missing = next((name for name, source in named.items() if not source), None)
    if not group.source or missing:
        what = f"feature '{missing}' of group '{group.name}'" if group.source else f"group '{group.name}'"
        raise UserError(
            f"{what} of layout '{layout.name}' has no source: the name that it has in the record; write it into a copy of the layout "
            "(group: source: jets, feature: source: jetIEt), or describe the files with a mapping file"
        )
    found = {name: part.find(group.source, str(source)) for name, source in named.items()}
    table = next(iter(found.values()))[0]
    if table not in part.tables or group.source not in part.collections:
        raise UserError(
            f"{part.path}: no collection '{group.source}', which group '{group.name}' of layout '{layout.name}' comes from (found: "
            f"{', '.join(part.collections)}); download it, or leave the group out of the layout"
        )
    for _, column in found.values():
        part.tables[table].check(column, pa.types.is_integer, "lists of hardware integers")
    return Collection(group, table, tuple(found[item.name][1] if item.name in found else None for item in group.features))


def read_collections(batch: Batch, collections: Sequence[Collection], dtype: np.dtype[Any]) -> Columns:
    """Of every group its codes as `group/NAME` (slots, features, n); `kept` and `reordered` (n,), see `arrange`."""
    count = batch.content.num_rows
    kept, reordered = np.ones(count, np.bool_), np.zeros(count, np.bool_)
    result: Columns = {}
    for collection in collections:
        codes, filled = _padded(batch, collection, dtype)
        arranged = arrange(collection.group, codes, filled)
        kept &= arranged.kept
        reordered |= arranged.reordered
        result[f"group/{collection.group.name}"] = arranged.hw.transpose(1, 2, 0)
    return result | {"kept": kept, "reordered": reordered}


def _padded(batch: Batch, collection: Collection, dtype: np.dtype[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Codes (n, K, features) of all objects in the file, and which of the K places are filled."""
    group, first = collection.group, collection.names[0]
    counts, _ = lists(batch, first)
    _check_counts(batch, group, first, counts)
    events, places = len(counts), max(int(counts.max(initial=0)), 1)
    filled = (np.arange(places)[:, None] < counts).T
    # place by place in memory: what is done with all events at once then runs along it
    codes = np.zeros((len(group.features), places, events), dtype).transpose(2, 1, 0)
    place = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    where = place * events + np.repeat(np.arange(events), counts)
    for k, (feature, name) in enumerate(zip(group.features, collection.columns, strict=True)):
        if name is None:
            continue
        lengths, values = lists(batch, name)
        _check_lengths(batch, first, counts, name, lengths)
        _check_range(batch, name, lengths, values, _limits(group, feature))
        codes[..., k].T.reshape(-1)[where] = values
    if group.gate_feature is not None:
        filled &= codes[..., group.index(group.gate_feature)] != 0
    return codes, filled


def _limits(group: Group, feature: Feature) -> tuple[int, int]:
    """Codes that may be in the files: 0 is the code of what is not there."""
    low, high = feature.range
    return (min(low, 0), max(high, 0)) if group.gate_feature is not None else (low, high)


def _check_counts(batch: Batch, group: Group, name: str, counts: npt.NDArray[np.int64]) -> None:
    exact = group.gate_feature is None
    bad = counts != group.slots if exact else counts > 1
    if (exact or group.kind == "sums") and bad.any():
        row = int(np.argmax(bad))
        expected = "one" if group.slots == 1 or not exact else str(group.slots)
        raise batch.refuse(row, f"{name} holds {counts[row]} values, expected {expected}")


def _check_lengths(batch: Batch, first: str, counts: npt.NDArray[np.int64], name: str, lengths: npt.NDArray[np.int64]) -> None:
    if (bad := counts != lengths).any():
        row = int(np.argmax(bad))
        raise batch.refuse(row, f"{first} holds {counts[row]} values but {name} {lengths[row]}; they must describe the same objects")


def _check_range(batch: Batch, name: str, lengths: npt.NDArray[np.int64], values: npt.NDArray[Any], limits: tuple[int, int]) -> None:
    if not len(values) or (limits[0] <= values.min() and values.max() <= limits[1]):
        return
    index = int(np.argmax((values < limits[0]) | (values > limits[1])))
    row = int(np.searchsorted(np.cumsum(lengths), index, side="right"))
    raise batch.refuse(
        row, f"{name} = {values[index]} is outside its hardware range [{limits[0]}, {limits[1]}]; are these hardware integers?"
    )
