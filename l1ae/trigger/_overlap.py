"""A second computation of the pure rate, event by event, that shares no code with the first.

`Menu` compares hardware codes with thresholds that were converted from GeV once, for all events in arrays, and `Spectrum`
sorts. Here every event is taken by itself: each object's codes become the edges of its bin in exact fractions of a GeV,
which are compared with the cuts as they are written in the configuration; the names of the seeds that fire are a set; and
an event is pure when that set is empty.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import fsum

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
    groups = {group.name: (group, where) for group, where in zip(spec.groups, spec.slices().values(), strict=True)}

    def objects(events: Events, i: int, seed: SeedConfig) -> list[Fraction]:
        """Lower edges in GeV of the pT of the objects within the seed's eta, the hardest first."""
        group, where = groups[seed.object]
        found = []
        for pt, eta, _ in events.hw[i, where].tolist():
            if pt == 0:
                continue
            if seed.eta is not None and group.eta is not None:
                low, high = ((eta - group.eta.origin + edge) * _exact(group.eta.lsb) for edge in (0, 1))
                if low >= _exact(seed.eta) or high <= -_exact(seed.eta):
                    continue
            found.append((pt - group.pt.origin) * _exact(group.pt.lsb))
        return sorted(found, reverse=True)

    def fires(events: Events, i: int, seed: SeedConfig) -> bool:
        found = objects(events, i, seed)
        if seed.sum is not None:
            return sum(pt for pt in found if pt >= _exact(seed.pt[0])) >= _exact(seed.sum)
        return len(found) >= len(seed.pt) and all(pt >= _exact(cut) for pt, cut in zip(found, seed.pt, strict=False))

    return lambda events, i: {seed.name for seed in menu if fires(events, i, seed)}


def _exact(value: float) -> Fraction:
    """The decimal number that was written, not its nearest binary one."""
    return Fraction(repr(float(value)))
