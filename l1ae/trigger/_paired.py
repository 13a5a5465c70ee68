"""How much more one score finds than another at the same rate, on the same crossings and signals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.evaluation import CVAR, LEVEL, Estimate, RateKind, clopper_pearson, design_effect, worst
from l1ae.progress import task
from l1ae.results import Positive
from l1ae.trigger._at_rate import RATES, Crossings, SignalEvents
from l1ae.trigger._counts import FloatArray, IntArray

__all__ = ["PairedPoint", "paired_differences"]

BoolArray = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.generic]

REPLICAS = 500
_BLOCK = 50
"""Replicas at a time, which bounds the memory."""

_TAIL = 10.0
"""Times the largest rate, below which no replica puts a threshold."""


@dataclass(frozen=True)
class PairedPoint:
    """Efficiencies of one score minus those of another at one rate, with 68.3 % intervals; empty or None where one has no threshold."""

    kind: RateKind
    khz: Positive
    efficiency: dict[str, Estimate]
    mean: Estimate | None
    cvar25: Estimate | None


def paired_differences(
    crossing_scores: Sequence[Scores],
    crossings: Crossings,
    signal_scores: Sequence[Mapping[str, Scores]],
    signals: Mapping[str, SignalEvents],
    *,
    rates: Sequence[float] = RATES,
    replicas: int = REPLICAS,
    seed: int = 1,
) -> tuple[tuple[PairedPoint, ...], ...]:
    """For each score but the first, the differences of its efficiencies to those of the first, raw and, with a menu, pure.

    `crossing_scores` holds (N,) scores of the same crossings for each score, `signal_scores` (M,) by signal, in any unit. Each score has
    its own threshold, that of `at_rate`. An interval has two parts, added in quadrature:

    * of the thresholds: a Bayesian bootstrap (Rubin, Ann. Stat. 9 (1981) 130). Every independent group of crossings gets a weight from the
      unit exponential distribution, the same for all scores, and each score its threshold for the rate, `replicas` times; the interval
      is that between the quantiles of the differences. With equal weights the number of crossings above a threshold is then Poisson, as
      in the interval of an order statistic. The sum of all weights, which is known far better, stays as it is;
    * of the signal's events: events that one of the two accepts and the other does not are counted, each kind with the interval of
      Clopper and Pearson after division by its design effect, and combined as the ends of a difference of correlated fractions (Zou and
      Donner, Stat. Med. 27 (2008) 1693). Signals are independent of each other.

    Scores that order all events alike differ by 0, without an error.
    """
    kinds: tuple[RateKind, ...] = ("raw",) if crossings.alone is None else ("raw", "pure")
    result: list[list[PairedPoint]] = [[] for _ in crossing_scores[1:]]
    same = [
        _same_order([crossing_scores[0], *signal_scores[0].values()], [scores, *(found[name] for name in signal_scores[0])])
        for scores, found in zip(crossing_scores[1:], signal_scores[1:], strict=True)
    ]
    for kind in kinds:
        judged = {name: signal for name, signal in signals.items() if kind == "raw" or signal.alone is not None}
        accepted = [_Accepted.of(found, judged, kind) for found in signal_scores]
        ladders = [_Ladder.of(scores, crossings, kind, _TAIL * max(rates)) for scores in crossing_scores]
        drawn = _draw(ladders, crossings.exposure.khz_per_weight, rates, replicas, seed)
        for i, khz in enumerate(rates):
            first, *others = (
                _At.of(ladder, crossings.exposure.khz_per_weight, khz, found, steps[i])
                for ladder, found, steps in zip(ladders, accepted, drawn, strict=True)
            )
            for points, other, exact in zip(result, others, same, strict=True):
                points.append(_point(kind, khz, first, other, judged, exact=exact))
    return tuple(tuple(points) for points in result)


@dataclass(frozen=True, eq=False)
class _Ladder:
    """The distinct scores (K,) of the crossings with the highest ones, falling, and their crossings in that order.

    `weights` and `groups` (T,) are those of the crossings, `last` (K,) the position of the last one of each score.
    """

    values: FloatArray
    last: IntArray
    weights: FloatArray
    groups: IntArray

    @classmethod
    def of(cls, scores: Scores, crossings: Crossings, kind: RateKind, khz: float) -> "_Ladder":
        chosen = crossings.weights > 0
        if kind == "pure" and crossings.alone is not None:
            chosen = chosen & crossings.alone
        where = np.flatnonzero(chosen)
        values = np.asarray(scores[where], np.float64)
        order = np.argsort(-values, kind="stable")
        tail = crossings.exposure.khz(np.cumsum(crossings.weights[where[order]])) <= khz
        # one more, so that there is a threshold below the rate
        order = order[: int(tail.sum()) + 1]
        falling = values[order]
        last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)) if len(falling) else np.zeros(0, np.int64)
        groups = where if crossings.groups is None else crossings.groups[where]
        return cls(falling[last], last, crossings.weights[where[order]], groups[order])

    def steps(self, khz_per_weight: float, rates: Sequence[float], factors: FloatArray) -> IntArray:
        """How many of the scores may be accepted at each rate (rates, R), with weights times `factors` (R, T)."""
        cumulative = khz_per_weight * np.cumsum(self.weights * factors, axis=1)[:, self.last]
        return np.stack([(cumulative <= khz * (1 + 1e-12)).sum(axis=1) for khz in rates])


def _draw(ladders: Sequence[_Ladder], khz_per_weight: float, rates: Sequence[float], replicas: int, seed: int) -> list[IntArray]:
    """For each ladder the accepted steps (rates, replicas); the same groups weigh alike in all of them."""
    rng = np.random.default_rng(seed)
    groups = np.unique(np.concatenate([ladder.groups for ladder in ladders]))
    where = [np.searchsorted(groups, ladder.groups) for ladder in ladders]
    blocks = []
    with task("paired errors", total=replicas, unit="replicas") as made:
        for start in range(0, replicas, _BLOCK):
            factors = rng.exponential(size=(min(_BLOCK, replicas - start), len(groups)))
            blocks.append([ladder.steps(khz_per_weight, rates, factors[:, at]) for ladder, at in zip(ladders, where, strict=True)])
            made.advance(len(factors))
    return [np.concatenate(column, axis=1) for column in zip(*blocks, strict=True)]


@dataclass(frozen=True, eq=False)
class _Accepted:
    """Scores (M,) of each signal's events, lowest where an event cannot be accepted."""

    scores: dict[str, FloatArray]

    @classmethod
    def of(cls, scores: Mapping[str, Scores], signals: Mapping[str, SignalEvents], kind: RateKind) -> "_Accepted":
        found = {}
        for name, signal in signals.items():
            values = np.asarray(scores[name], np.float64)
            found[name] = values if kind == "raw" or signal.alone is None else np.where(signal.alone, values, -np.inf)
        return cls(found)

    def fractions(self, thresholds: FloatArray) -> FloatArray:
        """Accepted fraction (thresholds, signals)."""
        columns = [1 - np.searchsorted(np.sort(values), thresholds, side="left") / len(values) for values in self.scores.values()]
        return np.stack(columns, axis=1) if columns else np.zeros((len(thresholds), 0))


@dataclass(frozen=True, eq=False)
class _At:
    """One score at one rate: the lowest score with a rate not above it, and the accepted steps (replicas,) of its ladder."""

    threshold: float
    accepted: _Accepted
    ladder: _Ladder
    steps: IntArray

    @classmethod
    def of(cls, ladder: _Ladder, khz_per_weight: float, khz: float, accepted: _Accepted, steps: IntArray) -> "_At | None":
        """None without a threshold."""
        step = int(ladder.steps(khz_per_weight, [khz], np.ones((1, len(ladder.weights))))[0, 0])
        return cls(float(ladder.values[step - 1]), accepted, ladder, steps) if step else None

    @property
    def efficiency(self) -> FloatArray:
        """(signals,)."""
        return self.accepted.fractions(np.array([self.threshold]))[0]

    @property
    def replicas(self) -> FloatArray:
        """Efficiencies (replicas, signals); 0 where a replica has no threshold."""
        return self.accepted.fractions(np.append(np.inf, self.ladder.values)[self.steps])

    def passed(self, name: str) -> BoolArray:
        """Decision (M,) of a signal's events."""
        return np.asarray(self.accepted.scores[name] >= self.threshold)


def _point(
    kind: RateKind, khz: float, first: _At | None, other: _At | None, signals: Mapping[str, SignalEvents], *, exact: bool
) -> PairedPoint:
    if first is None or other is None:
        return PairedPoint(kind, khz, {}, None, None)
    nothing = Estimate(0.0, 0.0, 0.0)
    if exact:
        mean = nothing if signals else None
        return PairedPoint(kind, khz, dict.fromkeys(signals, nothing), mean, mean)
    pairs = {name: _Pair.of(first.passed(name), other.passed(name), signal.groups) for name, signal in signals.items()}
    value, draws = (other.efficiency, first.efficiency), (other.replicas, first.replicas)
    each = value[0] - value[1], draws[0] - draws[1]
    efficiency = {name: _estimate(float(each[0][i]), each[1][:, i], [pair.both]) for i, (name, pair) in enumerate(pairs.items())}
    if not pairs:
        return PairedPoint(kind, khz, {}, None, None)
    n = len(pairs)
    mean = _estimate(float(each[0].mean()), each[1].mean(axis=1), [pair.both.scaled(n) for pair in pairs.values()])
    return PairedPoint(kind, khz, efficiency, mean, _cvar(value, draws, list(pairs.values())))


def _cvar(values: tuple[FloatArray, FloatArray], draws: tuple[FloatArray, FloatArray], pairs: Sequence["_Pair"]) -> Estimate:
    """Each score has its own worst quarter of the signals, in the sample and in every replica."""
    mine, theirs = (set(worst(value)) for value in values)
    k = math.ceil(CVAR * len(pairs))
    errors = [pairs[i].both.scaled(k) for i in mine & theirs]
    errors += [pairs[i].other.scaled(k) for i in mine - theirs] + [pairs[i].first.mirrored.scaled(k) for i in theirs - mine]
    value = float(values[0][list(mine)].mean() - values[1][list(theirs)].mean())
    low = [np.sort(drawn, axis=1)[:, :k].mean(axis=1) for drawn in draws]
    return _estimate(value, low[0] - low[1], errors)


@dataclass(frozen=True)
class _Errors:
    """Errors downwards and upwards."""

    down: float
    up: float

    @classmethod
    def of(cls, passed: BoolArray, groups: IntArray | None) -> "_Errors":
        """Those of the fraction of events that pass."""
        effect = design_effect(passed.astype(np.float64), 1.0, groups)
        found = clopper_pearson(float(passed.sum()) / effect, len(passed) / effect)
        return cls(found.value - found.low, found.high - found.value)

    @property
    def mirrored(self) -> "_Errors":
        """Those of the negative."""
        return _Errors(self.up, self.down)

    def scaled(self, n: int) -> "_Errors":
        return _Errors(self.down / n, self.up / n)


@dataclass(frozen=True)
class _Pair:
    """Errors by a signal's events: of either efficiency, and of the other minus the first."""

    first: _Errors
    other: _Errors
    both: _Errors

    @classmethod
    def of(cls, first: BoolArray, other: BoolArray, groups: IntArray | None) -> "_Pair":
        gained, lost = other & ~first, first & ~other
        up, down = _Errors.of(gained, groups), _Errors.of(lost, groups)
        p, q = float(gained.mean()), float(lost.mean())
        # events are gained or lost, not both
        correlation = -math.sqrt(p * q / ((1 - p) * (1 - q))) if p < 1 and q < 1 else 0.0
        ends = ((up.down, down.up), (up.up, down.down))
        both = _Errors(*(math.sqrt(a * a + b * b - 2 * correlation * a * b) for a, b in ends))
        return cls(_Errors.of(first, groups), _Errors.of(other, groups), both)


def _estimate(value: float, draws: FloatArray, errors: Sequence[_Errors]) -> Estimate:
    """The quantiles of the draws and the errors of the signals' events in quadrature."""
    low, high = (float(end) for end in np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    down = math.hypot(max(value - low, 0.0), *(error.down for error in errors))
    up = math.hypot(max(high - value, 0.0), *(error.up for error in errors))
    return Estimate(value, max(value - down, -1.0), min(value + up, 1.0))


def _same_order(first: Sequence[Scores], other: Sequence[Scores]) -> bool:
    """Whether two scores of the same samples order all their events alike, ties included."""
    one, two = (
        np.unique(np.concatenate([np.asarray(part, np.float64) for part in scores]), return_inverse=True)[1] for scores in (first, other)
    )
    return bool(np.array_equal(one, two))
