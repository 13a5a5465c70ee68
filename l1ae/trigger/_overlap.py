"""A second computation of the pure rate, event by event, that shares no code with the first.

`Menu` compares hardware codes with thresholds that were converted from GeV once, for all events in arrays, and `Spectrum`
sorts. Here every event is taken by itself: each object's codes become the edges of its bin in exact numbers of GeV, which
are compared with the cuts as they are written in the configuration; the names of the seeds that fire are a set; and
an event is pure when that set is empty.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import fsum, lcm

import numpy as np
import numpy.typing as npt

from l1ae.config import SeedConfig
from l1ae.data import Events
from l1ae.inputs import InputSpec

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
            weight = float(events.extra["weight"][i]) if "weight" in events.extra else 1.0
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


def fired_cuts(menu: Sequence[SeedConfig], spec: InputSpec) -> Fired:
    """The cut-based seeds that fire on an event, from the cuts in GeV."""
    judges = [_Judge.of(seed, spec) for seed in menu]

    def fired(events: Events, i: int) -> set[str]:
        objects: list[list[int]] = events.hw[i].tolist()
        return {judge.name for judge in judges if judge.fires(objects)}

    return fired


@dataclass(frozen=True)
class _Judge:
    """One seed. Energies and pseudorapidities are whole multiples of a unit so small that all of them are exact.

    `first` and `count` say where the slots of the object are; `pt_lsb`, `eta_lsb`, `pt`, `eta` and `total` are in that unit.
    """

    name: str
    first: int
    count: int
    pt_lsb: int
    pt_origin: int
    eta_lsb: int
    eta_origin: int
    pt: tuple[int, ...]
    eta: int | None
    total: int | None

    @classmethod
    def of(cls, seed: SeedConfig, spec: InputSpec) -> "_Judge":
        where = spec.slices()[seed.object]
        group = next(group for group in spec.groups if group.name == seed.object)
        eta_lsb, eta_origin = (0.0, 0) if group.eta is None else (group.eta.lsb, group.eta.origin)
        numbers = [group.pt.lsb, eta_lsb, *seed.pt, *(value for value in (seed.eta, seed.sum) if value is not None)]
        unit = lcm(*(_exact(number).denominator for number in numbers))

        def units(value: float) -> int:
            return int(_exact(value) * unit)

        return cls(
            name=seed.name,
            first=where.start,
            count=group.count,
            pt_lsb=units(group.pt.lsb),
            pt_origin=group.pt.origin,
            eta_lsb=units(eta_lsb),
            eta_origin=eta_origin,
            pt=tuple(map(units, seed.pt)),
            eta=None if seed.eta is None else units(seed.eta),
            total=None if seed.sum is None else units(seed.sum),
        )

    def fires(self, objects: list[list[int]]) -> bool:
        found = []
        for pt, eta, _ in objects[self.first : self.first + self.count]:
            if pt == 0:
                continue
            if self.eta is not None:
                edge = (eta - self.eta_origin) * self.eta_lsb
                if edge >= self.eta or edge + self.eta_lsb <= -self.eta:
                    continue
            found.append((pt - self.pt_origin) * self.pt_lsb)
        if self.total is not None:
            return sum(pt for pt in found if pt >= self.pt[0]) >= self.total
        found.sort(reverse=True)
        return len(found) >= len(self.pt) and all(pt >= cut for pt, cut in zip(found, self.pt, strict=False))


def _exact(value: float) -> Fraction:
    """The decimal number that was written, not its nearest binary one."""
    return Fraction(repr(float(value)))
