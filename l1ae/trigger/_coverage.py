"""Pseudo-experiments: how often the stated intervals of a working point hold what they claim to hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from l1ae.evaluation import Estimate, clopper_pearson
from l1ae.trigger._counts import Exposure, FloatArray, IntArray
from l1ae.trigger._spectrum import spectrum
from l1ae.trigger._working_points import RateCurve

__all__ = ["Coverage", "Population", "StratifiedPopulation", "coverage"]

Drawn = tuple[IntArray, FloatArray, IntArray | None]


class Population(Protocol):
    """Where samples come from: score codes, weights and group numbers of `events` crossings, and the truth behind them."""

    def draw(self, events: int, rng: np.random.Generator) -> Drawn:
        """A sample: scores (N,), weights (N,), groups (N,) or None."""

    def fraction(self, threshold: int) -> float:
        """True weighted fraction of crossings with score >= threshold."""


@dataclass(frozen=True)
class StratifiedPopulation:
    """Strata with exponential scores, of which all that is asked is known in closed form.

    Stratum r makes up `probability[r]` of the crossings and `share[r]` of a sample, hence the weight probability / share. A
    score is the integer part of `slope[r]` x an exponential number: large slopes are nearly continuous, small ones discrete.
    `copies` consecutive crossings of a stratum share a group; a share `alike` of them have the very score of their group.
    """

    name: str
    probability: tuple[float, ...]
    share: tuple[float, ...]
    slope: tuple[float, ...]
    copies: int = 1
    alike: float = 0.0

    def draw(self, events: int, rng: np.random.Generator) -> Drawn:
        """A sample with exact shares: scores (N,), weights (N,), groups (N,) or None."""
        counts = np.round(events * np.asarray(self.share)).astype(np.int64)
        weights = np.repeat(np.asarray(self.probability) * events / counts, counts)
        slopes = np.repeat(self.slope, counts)
        stratum = np.repeat(np.arange(len(counts)), counts)
        number = np.concatenate([np.arange(count) // self.copies for count in counts])
        groups = stratum * events + number
        value = rng.exponential(size=len(weights))
        if self.copies > 1:
            shared = rng.exponential(size=int(groups.max()) + 1)[groups]
            value = np.where(rng.random(len(value)) < self.alike, shared, value)
        scores = np.floor(value * slopes).astype(np.int64)
        return scores, weights, groups if self.copies > 1 else None

    def fraction(self, threshold: int) -> float:
        """True weighted fraction of crossings with score >= threshold."""
        return float(np.dot(self.probability, np.exp(-max(threshold, 0) / np.asarray(self.slope))))


@dataclass(frozen=True)
class Coverage:
    """How often, in pseudo-experiments, an interval held what it should, with the 68.3 % interval of that frequency.

    `confidence`: the true rate within [low, high]; `wide`: within the wide interval; `prediction`: the rate measured on an
    independent sample of the same size within its interval. `unresolved` experiments had no threshold and are not counted.
    """

    requested: float
    experiments: int
    unresolved: int
    effective_events: float
    confidence: Estimate
    wide: Estimate
    prediction: Estimate


def coverage(population: Population, *, events: int, fractions: Sequence[float], experiments: int, seed: int) -> list[Coverage]:
    """Draw a sample, choose thresholds for pass `fractions` on it, and hold their intervals against the truth and a new sample.

    Everything goes through `RateCurve`, as in `l1ae trigger`; the crossing rate is 1, so that rates are fractions.
    """
    rng = np.random.default_rng(seed)
    hits = np.zeros((len(fractions), 3), np.int64)
    resolved, effective = np.zeros(len(fractions), np.int64), np.zeros(len(fractions))
    for _ in range(experiments):
        points = _curve(population.draw(events, rng)).points(fractions, "raw", 1.0)
        second = _curve(population.draw(events, rng))
        for k, point in enumerate(points):
            if point.threshold is None or point.raw is None:
                continue
            truth, rate = population.fraction(point.threshold), point.raw
            measured = float(second.exposure.khz(second.raw.at(point.threshold).weight))
            hits[k] += (
                rate.low <= truth <= rate.high,
                rate.wide_low <= truth <= rate.wide_high,
                rate.prediction_low * (1 - 1e-9) <= measured <= rate.prediction_high * (1 + 1e-9),
            )
            resolved[k] += 1
            effective[k] += point.effective_events
    return [
        Coverage(
            requested=fraction,
            experiments=int(count),
            unresolved=experiments - int(count),
            effective_events=float(total / count),
            confidence=clopper_pearson(int(row[0]), int(count)),
            wide=clopper_pearson(int(row[1]), int(count)),
            prediction=clopper_pearson(int(row[2]), int(count)),
        )
        for fraction, row, count, total in zip(fractions, hits, resolved, effective, strict=True)
        if count
    ]


def _curve(drawn: Drawn) -> RateCurve:
    scores, weights, groups = drawn
    exposure = Exposure.of(weights, None if groups is None else np.unique(groups, return_inverse=True)[1].ravel(), 1.0)
    return RateCurve(exposure, spectrum(scores, weights, groups), None, 0, int(scores.max()) + 1)
