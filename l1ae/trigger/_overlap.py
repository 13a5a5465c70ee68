"""A second computation of the pure rate, event by event, that shares no code with the first.

`Menu` compares hardware codes with thresholds that were converted from GeV once, for all events in arrays, and `Spectrum`
sorts. Here every event is taken by itself: each object's codes become the edges of its bin in exact numbers of GeV, which
are compared with the cuts as they are written in the configuration; the names of the seeds that fire are a set; and
an event is pure when that set is empty.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import fsum, lcm
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from l1ae.config import LegConfig, SeedConfig
from l1ae.data import WEIGHT, Events
from l1ae.inputs import Column, Layout

__all__ = ["Overlap", "fired_cuts", "fired_recorded", "overlap"]

Fired = Callable[[Events, int], set[str]]


@dataclass(frozen=True)
class Overlap:
    """Events and sums of weights that `score >= threshold` accepts: all of them, and those that no other seed accepts."""

    threshold: int
    events: int
    weight: float
    pure_events: int | None
    pure_weight: float | None


def overlap(
    blocks: Iterable[Events],
    score: Callable[[npt.NDArray[np.integer]], npt.NDArray[np.generic]],
    fired: Fired | None,
    thresholds: Sequence[int],
) -> list[Overlap]:
    """Count event by event; `fired(events, i)` gives the names of the other seeds that accept event i; None: no menu."""
    accepted: dict[int, list[float]] = {threshold: [] for threshold in thresholds}
    pure: dict[int, list[float]] = {threshold: [] for threshold in thresholds}
    for events in blocks:
        codes = np.asarray(score(events.hw), np.int64)
        for i in np.flatnonzero(codes >= min(thresholds)).tolist():
            code = int(codes[i])
            weight = float(events.extra[WEIGHT][i]) if WEIGHT in events.extra else 1.0
            alone = fired is not None and not fired(events, i)
            for threshold, found in accepted.items():
                if not code < threshold:
                    found.append(weight)
                    if alone:
                        pure[threshold].append(weight)
    known = fired is not None
    return [
        Overlap(t, len(accepted[t]), fsum(accepted[t]), len(pure[t]) if known else None, fsum(pure[t]) if known else None)
        for t in thresholds
    ]


def fired_recorded(columns: Sequence[str]) -> Fired:
    """The recorded seeds of an event."""

    def fired(events: Events, i: int) -> set[str]:
        return {column for column in columns if bool(events.extra[column][i])}

    return fired


def fired_cuts(menu: Sequence[SeedConfig], layout: Layout) -> Fired:
    """The cut-based seeds that fire on an event, from the cuts in GeV."""
    legs = list(dict.fromkeys(leg for seed in menu for leg in seed.all))
    unit = _unit(legs, layout)
    readers = {name: _Reader.of(name, layout, unit) for name in dict.fromkeys(leg.object for leg in legs)}
    judges = [(k, leg.object, _Judge.of(leg, unit)) for k, leg in enumerate(legs)]
    seeds = [(seed.name, {legs.index(leg) for leg in seed.all}) for seed in menu]

    def fired(events: Events, i: int) -> set[str]:
        event: list[int] = events.hw[i].tolist()
        objects = {name: reader.objects(event) for name, reader in readers.items()}
        true = {k for k, group, judge in judges if judge.fires(objects[group])}
        return {name for name, needed in seeds if needed <= true}

    return fired


def _unit(legs: Sequence[LegConfig], layout: Layout) -> int:
    """Parts of a GeV, and of one in eta, so small that all cuts and edges of bins, and halves of bins, are whole numbers of them."""
    numbers = [value for leg in legs for value in (*leg.pt, leg.eta, leg.sum, leg.deta) if value is not None]
    groups = {leg.object for leg in legs}
    numbers += [c.feature.lsb for c in layout.columns if c.group.name in groups and str(c.feature.role) in {"energy", "eta"}]
    return 2 * lcm(*(_exact(number).denominator for number in numbers))


class _Object(NamedTuple):
    """What a filled slot holds: pT, the lower and upper edge in eta, in the unit; quality and isolation as they are."""

    pt: int
    low: int
    high: int
    quality: int
    isolation: int


@dataclass(frozen=True)
class _Scale:
    """Edges of the bins of a feature's codes, in whole multiples of a unit: code c has [(c - origin) x step - shift, ... + step)."""

    origin: int
    step: int
    shift: int

    @classmethod
    def of(cls, column: Column, unit: int) -> "_Scale":
        step = int(_exact(column.feature.lsb) * unit)
        return cls(column.feature.origin, step, step // 2 if column.feature.bin == "centre" else 0)

    def edges(self, code: int) -> tuple[int, int]:
        low = (code - self.origin) * self.step - self.shift
        return low, low + self.step


@dataclass(frozen=True)
class _Reader:
    """The objects of one group: for every slot the column of its gate (None: always filled), and one by role."""

    slots: tuple[tuple[int | None, Mapping[str, int]], ...]
    scales: Mapping[str, _Scale]

    @classmethod
    def of(cls, group: str, layout: Layout, unit: int) -> "_Reader":
        slots: dict[int, dict[str, Column]] = {}
        for column in layout.columns:
            if column.group.name == group and not column.feature.absent:
                slots.setdefault(column.slot, {}).setdefault(str(column.feature.role), column)
        gates = [int(layout.gate[slot["energy"].number]) for slot in slots.values()]
        numbers = [{role: column.number for role, column in slot.items()} for slot in slots.values()]
        scales = {role: _Scale.of(column, unit) for role, column in slots[0].items() if role in {"energy", "eta"}}
        return cls(tuple((None if gate < 0 else gate, slot) for gate, slot in zip(gates, numbers, strict=True)), scales)

    def objects(self, event: list[int]) -> list[_Object]:
        """Those of filled slots, the hardest first."""
        found = [self._object(event, slot) for gate, slot in self.slots if gate is None or event[gate]]
        found.sort(reverse=True)
        return found

    def _object(self, event: list[int], slot: Mapping[str, int]) -> _Object:
        """Its pT is the lower edge of its bin, or where codes are centres the middle."""
        energy = self.scales["energy"]
        low, high = self.scales["eta"].edges(event[slot["eta"]]) if "eta" in slot else (0, 0)
        quality, isolation = (event[slot[role]] if role in slot else 0 for role in ("quality", "isolation"))
        return _Object(energy.edges(event[slot["energy"]])[0] + energy.shift, low, high, quality, isolation)


@dataclass(frozen=True)
class _Judge:
    """One leg of a seed, its cuts in whole multiples of the unit."""

    leg: LegConfig
    pt: tuple[int, ...]
    eta: int | None
    total: int | None
    deta: int | None

    @classmethod
    def of(cls, leg: LegConfig, unit: int) -> "_Judge":
        eta, total, deta = (None if value is None else int(_exact(value) * unit) for value in (leg.eta, leg.sum, leg.deta))
        return cls(leg, tuple(int(_exact(value) * unit) for value in leg.pt), eta, total, deta)

    def fires(self, objects: list[_Object]) -> bool:
        """On the objects of the leg's group, the hardest first."""
        if len(objects) < len(self.pt) or (self.total is None and objects[0].pt < self.pt[0]):
            return False
        found = [item for item in objects if self._counts(item)]
        if self.total is not None:
            return sum(item.pt for item in found if item.pt >= self.pt[0]) >= self.total
        if self.deta is not None:
            first, second = self.pt
            pairs = ((a, b) for a in found for b in found if a is not b and a.pt >= first and b.pt >= second)
            return any(abs(a.low - b.low) <= self.deta for a, b in pairs)
        return len(found) >= len(self.pt) and all(item.pt >= cut for item, cut in zip(found, self.pt, strict=False))

    def _counts(self, item: _Object) -> bool:
        if self.eta is not None and (item.low >= self.eta or item.high <= -self.eta):
            return False
        if self.leg.quality is not None and item.quality < self.leg.quality:
            return False
        return self.leg.isolation is None or bool(_bits(item.isolation) & _bits(self.leg.isolation))


def _bits(number: int) -> set[int]:
    """Positions of the bits that are set."""
    return {position for position, digit in enumerate(reversed(f"{number:b}")) if digit == "1"}


def _exact(value: float) -> Fraction:
    """The decimal number that was written, not its nearest binary one."""
    return Fraction(repr(float(value)))
