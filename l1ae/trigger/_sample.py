"""A zero-bias sample with its scores, read in blocks and held in a few bytes per crossing."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from l1ae.data import Events, Spool, weights_of
from l1ae.errors import UserError
from l1ae.evaluation import group_numbers
from l1ae.trigger._counts import Count, Exposure, FloatArray, IntArray, added, count
from l1ae.trigger._events import JudgedEvents, ScoreFunction
from l1ae.trigger._menu import Menu

__all__ = ["Sample", "SpooledSample", "read_sample", "spool_sample"]

BoolArray = npt.NDArray[np.bool_]
_PERIOD = ("run", "lumi")
_SEEDS = "seeds"


@dataclass(frozen=True, eq=False)
class Sample:
    """N zero-bias crossings.

    `scores` int64 (N,) score codes; `weights` (N,); `groups` (N,) numbers of crossings that are not independent, None when
    all are; `pileup` (N,), -1 unknown; `run` and `lumi` (N,) or None. Of the menu: `any_seed` (N,), whether one of its seeds
    accepts, None without a menu; `fired` (M,) are the positions where one does, and `bits` (M, seeds) which, packed by
    `numpy.packbits`.
    """

    scores: IntArray
    weights: FloatArray
    groups: IntArray | None
    pileup: npt.NDArray[np.int16]
    run: IntArray | None
    lumi: IntArray | None
    any_seed: BoolArray | None
    fired: IntArray
    bits: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.scores)

    def parts(self, *, grouped: bool = True) -> Iterator["Sample"]:
        """The sample as one part."""
        yield self

    def groups_of(self, positions: npt.NDArray[np.integer] | BoolArray) -> IntArray | None:
        """Group numbers of some crossings."""
        return None if self.groups is None else self.groups[positions]

    def exposure(self, crossing_khz: float) -> Exposure:
        """What turns counts of this sample into rates. Raises `UserError` as `Exposure.of` does."""
        return Exposure.of(self.weights, self.groups, crossing_khz)

    @property
    def effective_events(self) -> float:
        """Independent crossings of equal weight that are worth as much as the whole sample."""
        return count(self.weights, self.groups).effective

    @property
    def pileup_mean(self) -> float | None:
        """Weighted mean of the known numbers of pileup collisions; None when none is known."""
        known = self.pileup >= 0
        return float(np.average(self.pileup[known], weights=self.weights[known])) if self.weights[known].any() else None

    def passed_by(self, seed: int) -> IntArray:
        """Positions of the crossings that the seed with this number accepts."""
        return self.fired[(self.bits[:, seed // 8] >> (7 - seed % 8)) & 1 == 1]


@dataclass(frozen=True, eq=False)
class SpooledSample:
    """Crossings in parts that share no group, on disk where there are many."""

    spool: Spool

    def __len__(self) -> int:
        return len(self.spool)

    def parts(self, *, grouped: bool = True) -> Iterator[Sample]:
        """One part after the other; without `grouped` their groups are left out."""
        for columns in self.spool.parts():
            groups = group_numbers(columns["process"], columns["source_event"]) if grouped else None
            any_seed, seeds = columns.get("any_seed"), columns.get(_SEEDS)
            fired = np.zeros(0, np.int64) if any_seed is None else np.flatnonzero(any_seed)
            bits = np.zeros((0, 0), np.uint8) if seeds is None else seeds[fired]
            named = {name: columns.get(name) for name in ("scores", "weights", "pileup", *_PERIOD)}
            yield Sample(**named, groups=groups, any_seed=any_seed, fired=fired, bits=bits)  # type: ignore[arg-type]

    @cached_property
    def _counts(self) -> list[Count]:
        return [count(part.weights, part.groups) for part in self.parts()]

    def exposure(self, crossing_khz: float) -> Exposure:
        """As `Sample.exposure`."""
        return Exposure.merged([part.exposure(crossing_khz) for part in self.parts()])

    @property
    def effective_events(self) -> float:
        """As `Sample.effective_events`."""
        return added(self._counts).effective

    @property
    def pileup_mean(self) -> float | None:
        """As `Sample.pileup_mean`."""
        total = weight = 0.0
        for part in self.parts(grouped=False):
            known = part.pileup >= 0
            total += float((part.pileup[known] * part.weights[known]).sum())
            weight += float(part.weights[known].sum())
        return total / weight if weight else None


def spool_sample(crossings: JudgedEvents, score: ScoreFunction, menu: Menu | None, *, at_most: int | None = None) -> SpooledSample:
    """Read crossings, score them and let the menu decide. `score` takes hardware codes and gives score codes (n,).

    `at_most` so many are there, default what the store says. Raises `UserError` when there are none.
    """
    period = _PERIOD if all(name in crossings.extra for name in _PERIOD) else ()
    spool, score = Spool(crossings.at_most if at_most is None else at_most), crossings.scored(score)
    for events in crossings.blocks(menu, more=period):
        block = _columns(events, score)
        if menu is not None:
            decisions = menu.decide(events)
            block |= {"any_seed": np.asarray(decisions.any(axis=1)), _SEEDS: np.packbits(decisions, axis=1)}
        spool.append(block)
    if not len(spool):
        raise UserError(f"{crossings.name}: has no events to measure rates on; generate or import zero-bias crossings")
    return SpooledSample(spool)


def read_sample(crossings: JudgedEvents, score: ScoreFunction, menu: Menu | None) -> Sample:
    """As `spool_sample`, all of them in memory and in their order."""
    return next(spool_sample(crossings, score, menu, at_most=0).parts())


def _columns(events: Events, score: ScoreFunction) -> dict[str, npt.NDArray[np.generic]]:
    weights = weights_of(events)
    return {
        "scores": np.asarray(score(events.hw), np.int64),
        "weights": np.ones(len(events)) if weights is None else weights,
        "process": events.process,
        "source_event": events.source_event,
        "pileup": events.pileup,
        **{name: np.asarray(events.extra[name], np.int64) for name in _PERIOD if name in events.extra},
    }
