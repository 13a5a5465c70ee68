"""Scores of one sample that is too large to hold: what lies at each score that occurs."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from l1ae.evaluation._estimate import FloatArray
from l1ae.evaluation._sample import IntArray

__all__ = ["Ranked", "coarse", "sums_before"]

_BITS = 15


def coarse(scores: FloatArray) -> FloatArray:
    """Scores (N,) rounded to 15 significant bits, a relative 1.5e-5 at most: so few of them occur that they can be counted."""
    mantissa, exponent = np.frexp(scores)
    return np.asarray(np.ldexp(np.rint(np.ldexp(mantissa, _BITS)), exponent - _BITS), np.float64)


def sums_before(weights: FloatArray, groups: IntArray) -> FloatArray:
    """For each event the sum of weights of earlier ones of its group, (N,)."""
    order = np.argsort(groups, kind="stable")
    g = groups[order]
    first = np.flatnonzero(np.append(True, g[1:] != g[:-1])[: len(g)])
    before = weights[order]
    before = np.cumsum(before) - before
    before -= np.repeat(before[first], np.diff(np.append(first, len(g))))
    result = np.empty_like(before)
    result[order] = before
    return result


@dataclass(frozen=True, eq=False)
class Ranked:
    """A sample of N events by its distinct scores (K,), the highest first: what `Sample` and its falling order say, in the memory of K.

    Attributes:
        scores: (K,) falling.
        counts: events, (K,) with a score at least as high.
        cumulative: their weights.
        squares: sum over groups of the squared sum of their weights.
        crossed: sum over groups of their weights times all weights of the group.
        sources: groups of the whole sample.
        group_squares: sum over all groups of the squared sum of weights.
        smallest: the smallest weight of an event.
        weighted: whether events do not all count the same.
    """

    scores: FloatArray
    counts: IntArray
    cumulative: FloatArray
    squares: FloatArray
    crossed: FloatArray
    sources: int
    group_squares: float
    smallest: float
    weighted: bool

    @classmethod
    def of(cls, scores: FloatArray, groups: IntArray | None, weights: FloatArray | None) -> Self:
        """Of events in memory, (N,) each: a part of a sample that holds whole groups."""
        order = np.argsort(scores, kind="stable")[::-1]
        falling = scores[order]
        last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
        w = np.ones(len(scores)) if weights is None else weights[order]
        if groups is None:
            sums, growth, crossed = w, w * w, w * w
        else:
            named = np.unique(groups, return_inverse=True)[1].ravel()[order]
            sums = np.asarray(np.bincount(named, w), np.float64)
            growth, crossed = w * (w + 2 * sums_before(w, named)), w * sums[named]
        weight, squares, whole = (np.asarray(np.cumsum(column)[last], np.float64) for column in (w, growth, crossed))
        least = float(w.min()) if len(w) else math.inf
        return cls(falling[last], last + 1, weight, squares, whole, len(sums), float(sums @ sums), least, weights is not None)

    @classmethod
    def merged(cls, parts: Iterable["Ranked"]) -> "Ranked":
        """One sample out of parts that share no group. Sums are made part by part, in their order."""
        found = list(parts)
        if len(found) == 1:
            return found[0]
        scores, where = np.unique(np.concatenate([-part.scores for part in found]), return_inverse=True)

        def summed(name: str) -> FloatArray:
            steps = np.concatenate([np.diff(getattr(part, name), prepend=0) for part in found])
            return np.asarray(np.cumsum(np.bincount(where.ravel(), steps, len(scores))), np.float64)

        counts, weight, squares, crossed = (summed(name) for name in ("counts", "cumulative", "squares", "crossed"))
        return cls(
            -scores,
            np.rint(counts).astype(np.int64),
            weight,
            squares,
            crossed,
            sum(part.sources for part in found),
            sum(part.group_squares for part in found),
            min(part.smallest for part in found),
            found[0].weighted,
        )

    def __len__(self) -> int:
        return int(self.counts[-1])

    @property
    def total(self) -> float:
        """Sum of all weights."""
        return float(self.cumulative[-1])

    @property
    def effective(self) -> float:
        """As `Sample.effective`."""
        return self.total**2 / self.group_squares if self.weighted else float(self.sources)

    def _position(self, threshold: float) -> int:
        """How many of the distinct scores are at least as high."""
        return int(np.searchsorted(-self.scores, -threshold, side="right"))

    def fractions(self, thresholds: FloatArray) -> FloatArray:
        """Weighted fraction with `score >= threshold` at each threshold (n,)."""
        counts = np.searchsorted(-self.scores, -np.asarray(thresholds), side="right")
        return np.asarray(np.append(0.0, self.cumulative)[counts] / self.total, np.float64)

    def accepted(self, threshold: float) -> float:
        """Weighted fraction with `score >= threshold`."""
        return float(self.fractions(np.array([threshold]))[0])

    def events_above(self, threshold: float) -> int:
        """Events with `score >= threshold`, whatever they weigh."""
        return int(np.append(0, self.counts)[self._position(threshold)])

    def accepted_events(self, threshold: float) -> float:
        """That of the events, of which a fraction may count."""
        return self.accepted(threshold) * len(self)

    def design_effect(self, threshold: float) -> float:
        """As `l1ae.evaluation.design_effect`: sum over groups of (accepted weight - fraction x weight)^2, from its three parts."""
        k, n = self._position(threshold) - 1, len(self)
        share = 0.0 if k < 0 else float(self.cumulative[k]) / self.total
        if share in (0.0, 1.0):
            return n * self.group_squares / self.total**2 if self.weighted else 1.0
        spread = float(self.squares[k]) - 2 * share * float(self.crossed[k]) + share**2 * self.group_squares
        effect = n * spread / (self.total**2 * share * (1 - share))
        return effect if self.weighted else max(1.0, effect)

    def relative_variance(self, threshold: float) -> float:
        """Of the accepted weight, from groups as independent numbers; 1 where nothing is accepted."""
        k = self._position(threshold) - 1
        return float(self.squares[k]) / float(self.cumulative[k]) ** 2 if k >= 0 else 1.0

    def below(self, values: FloatArray) -> FloatArray:
        """For each value the weighted fraction of the sample that scores lower; equal scores count one half."""
        padded = np.append(0.0, self.cumulative)
        at_least, higher = (padded[np.searchsorted(-self.scores, -values, side=side)] for side in ("right", "left"))
        return np.asarray(1 - (at_least + higher) / (2 * self.total), np.float64)

    # -- as `Falling` ------------------------------------------------------------------------------------------------

    def allowed(self, weight: float) -> int:
        """How many of the highest events have a sum of weights of at most `weight`; of equal scores those of mean weight."""
        k = int(np.searchsorted(self.cumulative, weight * (1 + 1e-9), side="right"))
        events, reached = (int(self.counts[k - 1]), float(self.cumulative[k - 1])) if k else (0, 0.0)
        if k == len(self.scores):
            return events
        more = (weight * (1 + 1e-9) - reached) * (int(self.counts[k]) - events) / (float(self.cumulative[k]) - reached)
        return events + int(more)

    def highest_refused(self, fraction: float) -> float:
        """The score above which at most this fraction of the sample lies: the lowest such one that occurs."""
        k = int(np.searchsorted(self.cumulative, fraction * self.total, side="right"))
        return float(self.scores[min(k, len(self.scores) - 1)])

    def score_of(self, k: int) -> float:
        """Of the event with number k, the highest being 0."""
        return float(self.scores[np.searchsorted(self.counts, k, side="right")])

    @property
    def first_weight(self) -> float:
        """Mean weight of the events with the highest score."""
        return float(self.cumulative[0]) / int(self.counts[0])

    def above(self, accepted: int, lsb: float | None) -> float:
        """The lowest threshold that accepts at most `accepted` of the scores."""
        if accepted >= len(self):
            return float(self.scores[-1])
        edge = self.score_of(accepted)
        return edge + lsb if lsb is not None else float(np.nextafter(edge, math.inf))

    # -- for figures and for what needs a distribution only ----------------------------------------------------------

    @property
    def lowest_share(self) -> float:
        """The smallest part of the sample that one event is."""
        return self.smallest / self.total

    @property
    def distribution(self) -> tuple[FloatArray, FloatArray]:
        """Distinct scores, falling, and the part of the sample at each."""
        return self.scores, np.diff(self.cumulative, prepend=0.0) / self.total

    def quantile(self, fraction: float) -> float:
        """The smallest score that at least this part of the sample lies at or below."""
        rising = self.total - np.append(0.0, self.cumulative[:-1])
        return float(self.scores[np.flatnonzero(rising >= fraction * self.total * (1 - 1e-12))[-1]])
