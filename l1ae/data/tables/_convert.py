"""Blocks of a table into events: values to codes, filled slots, cuts, order, and the columns beside the inputs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.data._store import Events
from l1ae.data.tables._codes import ColumnValues
from l1ae.data.tables._plan import Categories, FeaturePlan, GroupPlan, Plan
from l1ae.data.tables._reference import Lists, Places, Source
from l1ae.data.tables._table import Array, Block, Jagged
from l1ae.errors import UserError
from l1ae.inputs import Feature, Group, arrange

__all__ = ["Converter"]

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

_SPLIT = "split"


@dataclass(frozen=True, eq=False)
class Converted:
    """Events, how many of them had to be put in order, and how many a cut of the layout left out."""

    events: Events
    reordered: int
    vetoed: int


@dataclass(frozen=True, eq=False)
class _Values:
    """Values (N, K) of a feature as they are in the file, and where there are any."""

    values: Array
    there: BoolArray


@dataclass
class _Lists:
    """The lists of one block, padded: each selection of entries is made once."""

    block: Block
    path: Path
    first: int
    _masks: dict[Any, Any] = field(default_factory=dict)

    def padded(self, name: str, where: tuple[tuple[str, float], ...], what: str) -> _Values:
        """A list, with the entries for which the lists of `where` have a value."""
        lists = self.block[name]
        assert isinstance(lists, Jagged)
        content, counts, key = lists.content, lists.counts, where
        if where:
            keep, counts = self._selected(where, lists, name, what)
            content = content[keep]
        there = self._there(key, counts)
        values = np.zeros(there.shape, content.dtype)
        values[there] = content
        return _Values(values, there)

    def _selected(self, where: tuple[tuple[str, float], ...], lists: Jagged, name: str, what: str) -> tuple[BoolArray, IntArray]:
        for other, _ in where:
            condition = self.block[other]
            assert isinstance(condition, Jagged)
            self.same_counts(lists.counts, condition.counts, name, other, what)
        if where not in self._masks:
            keep = np.ones(len(lists.content), np.bool_)
            for other, value in where:
                keep &= self.block[other].content == value  # type: ignore[union-attr]
            rows = np.repeat(np.arange(len(lists.counts)), lists.counts)
            self._masks[where] = keep, np.bincount(rows[keep], minlength=len(lists.counts))
        return self._masks[where]

    def _there(self, key: Any, counts: IntArray) -> BoolArray:
        slots = max(int(counts.max(initial=0)), 1)
        found = self._masks.get(("there", key))
        if found is not None and np.array_equal(found[0], counts):
            return found[1]
        there = np.arange(slots) < counts[:, None]
        self._masks["there", key] = counts, there
        return there

    def same_counts(self, mine: IntArray, other: IntArray, name: str, than: str, what: str) -> None:
        """Raise `UserError` naming the first event where two lists have different numbers of entries."""
        if mine is other or np.array_equal(mine, other):
            return
        row = int(np.argmax(mine != other))
        raise UserError(
            f"{self.path}: event {self.first + row}: {what}: column '{name}' has {mine[row]} entries and '{than}' {other[row]}; "
            "columns of one group must have the same"
        )


class Converter:
    """Turns the blocks of one file into events of a plan.

    `before` is the number of events of the files before. Raises `UserError`, naming file, event (counted from 0 in its file),
    group, column and value, for codes outside their range, values that are not finite, negative energies, lists of unequal
    length, and, by the first block, for physical values that cannot be in the unit that is said.
    """

    def __init__(self, plan: Plan, path: Path, before: int) -> None:
        self._plan, self._path, self._before = plan, path, before
        self._first = 0
        self._layout = plan.layout
        self._saturated: dict[tuple[str, str], tuple[int, ColumnValues]] = {}

    @property
    def done(self) -> int:
        """Number of events of the file that were converted."""
        return self._first

    @property
    def warnings(self) -> list[str]:
        """What was saturated so far: a text for each column."""
        return [values.saturation(count) for count, values in self._saturated.values()]

    def __call__(self, block: Block, split: int | None = None) -> Converted:
        """The events of the next block; with `split`, only those of this recorded split."""
        count = len(next(iter(block.values()))) if block else 0
        hw = np.zeros((count, self._layout.size), self._layout.dtype)
        kept, reordered = np.ones(count, np.bool_), np.zeros(count, np.bool_)
        lists = _Lists(block, self._path, self._first)
        for plan in self._plan.groups:
            codes, filled = self._group(plan, lists, count)
            arranged = arrange(plan.group, codes, filled) if plan.group.gated_kind else None
            target = self._layout.block(hw, plan.group.name)
            target[:] = codes if arranged is None else arranged.hw
            if arranged is not None:
                kept &= arranged.kept
                reordered |= arranged.reordered
        events = self._events(hw, block, count)
        self._first += count
        chosen = kept.copy()
        if split is not None:
            chosen &= events.extra[_SPLIT] == split
        vetoed = int((~kept).sum())
        return Converted(events if chosen.all() else events.select(chosen), int(reordered[chosen].sum()), vetoed)

    # -- one group -------------------------------------------------------------------------------------------------------

    def _group(self, plan: GroupPlan, lists: _Lists, count: int) -> tuple[npt.NDArray[np.integer], BoolArray]:
        """Codes (N, K, features) and which slots are filled (N, K)."""
        group = plan.group
        read = {feature.name: self._values(plan, feature, part, lists) for feature, part in plan.read}
        slots = max((item.values.shape[1] for item in read.values()), default=group.slots)
        if not group.gated_kind:
            self._check_complete(group, plan, read)
        there = self._there(plan, read, lists, count, slots)
        codes = np.zeros((count, slots, len(group.features)), self._layout.dtype)
        filled = self._filled(plan, read, there)
        for feature, part in plan.read:
            item = read[feature.name]
            width = item.values.shape[1]
            where = filled[:, :width] & item.there
            values = ColumnValues(self._path, self._layout.name, group, feature, part, self._first, where, item.values[where], plan.missing)
            codes[:, :width, group.index(feature.name)][where] = values.codes()
            self._note_saturated(group, feature, values)
        if "valid" in plan.features:
            codes[..., plan.features.index("valid")] = filled
        if (gate := group.gate_feature) is not None:
            filled = filled & (codes[..., group.index(gate)] != 0)
        return codes, filled

    def _note_saturated(self, group: Group, feature: Feature, values: ColumnValues) -> None:
        if count := values.saturated():
            before, first = self._saturated.get((group.name, feature.name), (0, values))
            self._saturated[group.name, feature.name] = before + count, first

    def _values(self, plan: GroupPlan, feature: Feature, part: FeaturePlan, lists: _Lists) -> _Values:
        what = f"group '{plan.group.name}'"
        if isinstance(part.source, Lists):
            return lists.padded(part.source.name, part.where, what)
        values = self._numbers(part.source, lists.block, f"{what}: ")
        return _Values(values, np.ones(values.shape, np.bool_))

    def _take(self, source: Source, block: Block) -> Array:
        assert isinstance(source, Places)
        try:
            return source.take(block)
        except IndexError as error:
            raise UserError(f"{self._path}: block from event {self._first} on: {error}; take an entry that every list has") from error

    def _numbers(self, source: Source, block: Block, what: str) -> Array:
        """`_take`, of numbers only. `what` the column is for begins the rest of the message."""
        values = self._take(source, block)
        if values.dtype.kind in "biuf" or not values.size:
            return values
        texts = (value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in values.flat)
        index, text = next(((k, text) for k, text in enumerate(texts) if not _is_number(text)), (0, str(values.flat[0])))
        row, slot = divmod(index, values.shape[1])
        raise UserError(
            f"{self._path}: event {self._first + row}: {what}column '{source.label(slot)}' holds text, {text!r}; map a column of numbers, "
            "or write a number there"
        )

    def _check_complete(self, group: Group, plan: GroupPlan, read: dict[str, _Values]) -> None:
        """A vector, image or waveform has a value in every slot."""
        ((feature, part),) = plan.read
        item = read[feature.name]
        counts = item.there.sum(axis=1)
        if (counts != group.slots).any():
            row = int(np.argmax(counts != group.slots))
            raise UserError(
                f"{self._path}: event {self._first + row}: group '{group.name}': column '{part.source}' has {counts[row]} values, but the "
                f"layout has {group.slots} slots, and none of them may be empty; use a layout with slots: {counts[row]}"
            )

    def _there(self, plan: GroupPlan, read: dict[str, _Values], lists: _Lists, count: int, slots: int) -> BoolArray:
        """(N, K): which slots have an entry at all."""
        found: tuple[str, BoolArray] | None = None
        for feature, part in plan.read:
            if not isinstance(part.source, Lists):
                continue
            there = read[feature.name].there
            if found is not None and plan.group.kind != "sums" and found[1] is not there and not np.array_equal(found[1], there):
                lists.same_counts(there.sum(axis=1), found[1].sum(axis=1), str(part.source), found[0], f"group '{plan.group.name}'")
            if found is None or there.shape[1] > found[1].shape[1]:
                found = str(part.source), there
        result = np.ones((count, slots), np.bool_)
        if found is not None:
            result[:, : found[1].shape[1]] = found[1]
        if plan.count is not None:
            number = self._numbers(plan.count, lists.block, f"group '{plan.group.name}': count: ")
            result &= np.arange(slots) < number
        if plan.filled is not None:
            of_lists = isinstance(plan.filled, Lists)
            what = f"group '{plan.group.name}': filled: "
            flags = lists.padded(plan.filled.names[0], (), "filled").values if of_lists else self._numbers(plan.filled, lists.block, what)
            result[:, : flags.shape[1]] &= flags[:, :slots] != 0
            result[:, flags.shape[1] :] = False
        return result

    def _filled(self, plan: GroupPlan, read: dict[str, _Values], there: BoolArray) -> BoolArray:
        gate = plan.group.gate_feature
        if gate is None or gate not in read:
            return there
        part = {feature.name: item for feature, item in plan.read}[gate]
        values = read[gate].values
        filled = there.copy()
        if plan.missing is not None:
            filled[:, : values.shape[1]] &= ~(np.isnan(values) if np.isnan(plan.missing) else values == plan.missing)
        if plan.count is None and plan.filled is None and not isinstance(part.source, Lists):
            filled[:, : values.shape[1]] &= values != 0
        return filled

    # -- beside the inputs ---------------------------------------------------------------------------------------------

    def _events(self, hw: npt.NDArray[np.integer], block: Block, count: int) -> Events:
        plan = self._plan
        extra = {name: _event_info(name, self._scalar(source, block, f"extra {name}")) for name, source in plan.extra.items()}
        if plan.split is not None:
            extra[_SPLIT] = self._categories(plan.split, block, "split").astype(np.int8)
        process = np.zeros(count, np.int16) if plan.process is None else self._categories(plan.process, block, "process")
        running = self._before + self._first + np.arange(count)
        source = running if plan.source_event is None else self._whole(plan.source_event, block, "source_event")
        pileup = np.full(count, -1) if plan.pileup is None else np.rint(self._scalar(plan.pileup, block, "pileup").astype(np.float64))
        return Events(
            hw,
            process.astype(np.int16),
            source.astype(np.int64),
            np.clip(pileup, -1, np.iinfo(np.int16).max).astype(np.int16),
            extra,
        )

    def _scalar(self, source: Places, block: Block, what: str) -> Array:
        values: Array = self._numbers(source, block, f"{what}: ")[:, 0]
        return values

    def _whole(self, source: Places, block: Block, what: str) -> Array:
        values = self._scalar(source, block, what)
        if values.dtype.kind == "f" and not (values == np.floor(values)).all():
            row = int(np.argmax(~(values == np.floor(values))))
            raise UserError(f"{self._path}: event {self._first + row}: {what}: column '{source}' = {values[row]:g} is no integer")
        return values

    def _categories(self, categories: Categories, block: Block, what: str) -> IntArray:
        values = self._take(categories.source, block)[:, 0]
        kinds, index = np.unique(values, return_inverse=True)
        codes: list[int] = []
        for value in kinds.tolist():
            key = value.decode(errors="replace") if isinstance(value, bytes) else value if isinstance(value, str) else _number(value)
            if key not in categories.codes:
                row = int(np.argmax(index == len(codes)))
                known = ", ".join(str(item) for item in categories.codes)
                raise UserError(
                    f"{self._path}: event {self._first + row}: {what}: column '{categories.source}' = {key!r} is not among {known}; "
                    f"add it to the names of {what} in the mapping file"
                )
            codes.append(categories.codes[key])
        return np.array(codes, np.int64)[index] if codes else np.zeros(len(values), np.int64)


_EVENT_INFO = {"run", "lumi", "bx", "orbit", "event", "time"}


def _event_info(name: str, values: Array) -> Array:
    """Numbers of run, crossing and so on are int64 in every store, -1 where the file has all bits set."""
    if name not in _EVENT_INFO or values.dtype.kind not in "iu":
        return values
    unknown = values == np.iinfo(values.dtype).max if values.dtype.kind == "u" else np.zeros(len(values), np.bool_)
    return np.where(unknown, -1, values.astype(np.int64))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(value: float) -> int | str:
    return int(value) if float(value).is_integer() else str(value)
