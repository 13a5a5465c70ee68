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

import numpy as np
import numpy.typing as npt

from l1ae.config import SeedConfig
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
    score: Callable[[npt.NDArray[np.integer]], npt.NDArray[np.integer]],
    fired: Fired | None,
    thresholds: Sequence[int],
) -> list[Overlap]:
    """Count event by event; `fired(events, i)` gives the names of the other seeds that accept event i; None: no menu."""
    accepted: dict[int, list[float]] = {threshold: [] for threshold in thresholds}
    pure: dict[int, list[float]] = {threshold: [] for threshold in thresholds}
    for events in blocks:
        codes = score(events.hw)
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
    judges = [_Judge.of(seed, layout) for seed in menu]

    def fired(events: Events, i: int) -> set[str]:
        event: list[int] = events.hw[i].tolist()
        return {judge.name for judge in judges if judge.fires(event)}

    return fired


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
class _Judge:
    """One seed. Energies and pseudorapidities are whole multiples of a unit so small that all of them, and halves, are exact.

    `slots` has for every slot of the seed's group the column of its gate (None: always filled), and one by role. `pt`, `eta` and
    `total` are in the unit.
    """

    seed: SeedConfig
    slots: tuple[tuple[int | None, Mapping[str, Column]], ...]
    scales: Mapping[str, _Scale]
    pt: tuple[int, ...]
    eta: int | None
    total: int | None

    @property
    def name(self) -> str:
        return self.seed.name

    @classmethod
    def of(cls, seed: SeedConfig, layout: Layout) -> "_Judge":
        slots: dict[int, dict[str, Column]] = {}
        for column in layout.columns:
            if column.group.name == seed.object and not column.feature.absent:
                slots.setdefault(column.slot, {}).setdefault(str(column.feature.role), column)
        roles = ["energy"] if seed.eta is None else ["energy", "eta"]
        numbers = [slots[0][role].feature.lsb for role in roles]
        numbers += [*seed.pt, *(value for value in (seed.eta, seed.sum) if value is not None)]
        unit = 2 * lcm(*(_exact(number).denominator for number in numbers))
        gates = [layout.gate[slot["energy"].number] for slot in slots.values()]
        return cls(
            seed=seed,
            slots=tuple((None if gate < 0 else int(gate), slot) for gate, slot in zip(gates, slots.values(), strict=True)),
            scales={role: _Scale.of(slots[0][role], unit) for role in roles},
            pt=tuple(int(_exact(value) * unit) for value in seed.pt),
            eta=None if seed.eta is None else int(_exact(seed.eta) * unit),
            total=None if seed.sum is None else int(_exact(seed.sum) * unit),
        )

    def fires(self, event: list[int]) -> bool:
        found = [self._energy(event, slot) for gate, slot in self.slots if (gate is None or event[gate]) and self._counts(event, slot)]
        if self.total is not None:
            return sum(pt for pt in found if pt >= self.pt[0]) >= self.total
        found.sort(reverse=True)
        return len(found) >= len(self.pt) and all(pt >= cut for pt, cut in zip(found, self.pt, strict=False))

    def _energy(self, event: list[int], slot: Mapping[str, Column]) -> int:
        """What an object counts with: the lower edge of its bin, or where codes are centres the middle."""
        scale = self.scales["energy"]
        return scale.edges(event[slot["energy"].number])[0] + scale.shift

    def _counts(self, event: list[int], slot: Mapping[str, Column]) -> bool:
        if self.eta is not None:
            low, high = self.scales["eta"].edges(event[slot["eta"].number])
            if low >= self.eta or high <= -self.eta:
                return False
        if self.seed.quality is not None and event[slot["quality"].number] < self.seed.quality:
            return False
        return self.seed.isolation is None or bool(_bits(event[slot["isolation"].number]) & _bits(self.seed.isolation))


def _bits(number: int) -> set[int]:
    """Positions of the bits that are set."""
    return {position for position, digit in enumerate(reversed(f"{number:b}")) if digit == "1"}


def _exact(value: float) -> Fraction:
    """The decimal number that was written, not its nearest binary one."""
    return Fraction(repr(float(value)))
