"""What `evaluate` measures, of samples that are too large to hold: part by part, in two passes."""

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.data import Spool
from l1ae.errors import UserError
from l1ae.evaluation._auc import logit_interval, separated
from l1ae.evaluation._estimate import Estimate, FloatArray, check_scores, normal_quantile
from l1ae.evaluation._label_free import DRIFT_SEED, Drift, drift_between, expected_drift
from l1ae.evaluation._metrics import FPRS, REFERENCE, Comparison, Metrics, ScoreDifference
from l1ae.evaluation._ranked import Ranked, coarse
from l1ae.evaluation._sample import IntArray, Sample, group_numbers
from l1ae.evaluation._working_point import WorkingPoint, accepted_fraction, tpr_of

__all__ = ["METHOD", "SpooledScores", "evaluate_spooled", "spooled_threshold_drift"]

METHOD = "DeLong by source event, part by part"

_Table = dict[str, dict[str, Estimate]]


@dataclass(frozen=True, eq=False)
class _Part:
    """Scores (N,) by variant of whole groups of events, and `groups` and `weights` as those of `Sample`."""

    scores: dict[str, FloatArray]
    groups: IntArray | None
    weights: FloatArray | None

    @property
    def counted(self) -> FloatArray:
        return np.ones(len(next(iter(self.scores.values())))) if self.weights is None else self.weights

    def by_group(self, values: FloatArray) -> FloatArray:
        """Sums over groups of weights times values (N,)."""
        weighed = self.counted * values
        return weighed if self.groups is None else np.asarray(np.bincount(self.groups, weighed), np.float64)


@dataclass(frozen=True, eq=False)
class SpooledScores:
    """Scores of every variant on the events of one sample, in a spool.

    Its columns are "process", "source_event", one per variant in `lsb` (float64, of one unit), and "weight" where events have weights,
    which are positive. `lsb` by variant is the step of discrete scores, None of continuous ones: these count as `coarse` where they
    are ranked.
    """

    name: str
    spool: Spool
    lsb: Mapping[str, float | None]

    def parts(self) -> Iterator[_Part]:
        """The events, part by part. Raises `UserError` for scores that are not finite."""
        for columns in self.spool.parts():
            scores = {variant: check_scores(columns[variant], f"{self.name} ({variant})") for variant in self.lsb}
            yield _Part(scores, group_numbers(columns["process"], columns["source_event"]), columns.get("weight"))

    @cached_property
    def ranked(self) -> dict[str, Ranked]:
        """The sample by distinct scores, for each variant. Raises `UserError` for no events."""
        if not len(self.spool):
            raise UserError(f"'{self.name}' has no events; nothing can be measured on it")
        found: dict[str, Ranked] = {}
        with ThreadPoolExecutor(len(self.lsb)) as pool:  # numpy sorts without Python's lock
            for part in self.parts():
                ranks = pool.map(lambda scores, of=part: Ranked.of(scores, of.groups, of.weights), self.to_rank(part))
                for variant, ranked in zip(self.lsb, ranks, strict=True):
                    found[variant] = Ranked.merged([found[variant], ranked] if variant in found else [ranked])
        return found

    def to_rank(self, part: _Part) -> list[FloatArray]:
        """Scores of a part as they are ranked, by variant."""
        return [part.scores[variant] if lsb is not None else coarse(part.scores[variant]) for variant, lsb in self.lsb.items()]

    @cached_property
    def shown(self) -> Mapping[str, Sample]:
        """Events of one part, by variant: what a figure of single events shows."""
        part = next(self.parts())
        return {variant: Sample(scores, part.groups, part.weights) for variant, scores in part.scores.items()}


def evaluate_spooled(samples: Mapping[str, SpooledScores], *, threshold: float | None = None, fprs: Sequence[float] = FPRS) -> Metrics:
    """As `evaluate`, for "background" and signals in spools.

    What lies above a threshold is counted exactly. Where `evaluate` draws a bootstrap, the intervals of AUCs are DeLong's with sums over
    source events in the place of single events (Obuchowski, Biometrics 53 (1997) 567). Sums are made part by part.

    Raises `UserError` for no events or scores that are not finite.
    """
    background, signals = samples["background"], {name: samples[name] for name in sorted(samples) if name != "background"}
    ordered = {"background": background, **signals}
    first = {name: next(iter(sample.ranked.values())) for name, sample in ordered.items()}
    aucs, differences = _aucs(background, signals)
    return Metrics(
        events={name: len(ranked) for name, ranked in first.items()},
        groups={name: ranked.sources for name, ranked in first.items()},
        auc_method=METHOD + (", events weighted" if any(ranked.weighted for ranked in first.values()) else ""),
        auc=aucs,
        working_points={variant: _working_points(background, signals, variant, fprs) for variant in background.lsb},
        threshold=threshold,
        accepted={} if threshold is None else _accepted(ordered, threshold),
        comparisons=_comparisons(ordered, differences, threshold),
        effective={name: ranked.effective for name, ranked in first.items() if ranked.weighted},
    )


def _working_points(
    background: SpooledScores, signals: Mapping[str, SpooledScores], variant: str, fprs: Sequence[float]
) -> dict[str, tuple[WorkingPoint, ...]]:
    mine, lsb = background.ranked[variant], background.lsb[variant]
    return {name: tuple(tpr_of(mine, mine, signal.ranked[variant], fpr, lsb) for fpr in fprs) for name, signal in signals.items()}


def _accepted(samples: Mapping[str, SpooledScores], threshold: float) -> _Table:
    variants = samples["background"].lsb
    return {
        variant: {name: accepted_fraction(sample.ranked[variant], threshold) for name, sample in samples.items()} for variant in variants
    }


# -- AUCs -------------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Variances:
    """Variance of the weighted mean of a number per event, of which the mean is known: of each column (K,).

    Sums over groups of weighted residuals, squared; with one event per group, that of `evaluate`.
    """

    mean: FloatArray
    squares: FloatArray
    weight: float = 0.0
    group_squares: float = 0.0

    @classmethod
    def around(cls, mean: FloatArray) -> "_Variances":
        return cls(mean, np.zeros(len(mean)))

    def add(self, part: _Part, columns: Sequence[FloatArray]) -> None:
        for k, values in enumerate(columns):
            sums = part.by_group(values - self.mean[k])
            self.squares[k] += float(sums @ sums)
        whole = part.by_group(np.ones(len(part.counted)))
        self.weight += float(part.counted.sum())
        self.group_squares += float(whole @ whole)

    @property
    def values(self) -> FloatArray:
        """Infinite for a sample of one group."""
        share = self.group_squares / self.weight**2
        return np.asarray(self.squares / self.weight**2 / (1 - share), np.float64) if share < 1 else np.full(len(self.mean), math.inf)


def _aucs(background: SpooledScores, signals: Mapping[str, SpooledScores]) -> tuple[_Table, _Table]:
    """AUC by variant and signal, and differences to the reference."""
    variants = list(background.lsb)
    means = {name: _mean_placements(background, signal) for name, signal in signals.items()}
    other = {name: _variances_of_signal(background, signal, means[name]) for name, signal in signals.items()}
    mine = _variances_of_background(background, signals, means)
    aucs: _Table = {variant: {} for variant in variants}
    differences: _Table = {variant: {} for variant in variants}
    for name, signal in signals.items():
        variance = mine[name] + other[name]
        for k, variant in enumerate(variants):
            value = float(means[name][k])
            pairs = min(background.ranked[variant].effective, signal.ranked[variant].effective)
            aucs[variant][name] = separated(value, pairs) if value in (0.0, 1.0) else logit_interval(value, math.sqrt(variance[k]))
            if REFERENCE in variants:
                shift = value - float(means[name][variants.index(REFERENCE)])
                half = normal_quantile() * math.sqrt(variance[len(variants) + k])
                differences[variant][name] = Estimate(shift, max(shift - half, -1.0), min(shift + half, 1.0))
    return aucs, differences if REFERENCE in variants else {}


def _with_differences(columns: Sequence[FloatArray], variants: Sequence[str]) -> list[FloatArray]:
    """A column per variant, and where there is a reference behind them each minus that."""
    if REFERENCE not in variants:
        return list(columns)
    reference = columns[list(variants).index(REFERENCE)]
    return [*columns, *(values - reference for values in columns)]


def _placed(background: SpooledScores, scores: Sequence[FloatArray]) -> list[FloatArray]:
    """For each event of a signal the fraction of background below it, by variant."""
    return [background.ranked[variant].below(ranks) for variant, ranks in zip(background.lsb, scores, strict=True)]


def _mean_placements(background: SpooledScores, signal: SpooledScores) -> FloatArray:
    """AUC of each variant."""
    total, weight = np.zeros(len(background.lsb)), 0.0
    for part in signal.parts():
        total += [float(part.counted @ values) for values in _placed(background, signal.to_rank(part))]
        weight += float(part.counted.sum())
    return np.minimum(total / weight, 1.0)


def _variances_of_signal(background: SpooledScores, signal: SpooledScores, means: FloatArray) -> FloatArray:
    """Of each variant, and of the differences to the reference."""
    found = _Variances.around(np.array(_with_differences(list(means), list(background.lsb))))
    for part in signal.parts():
        found.add(part, _with_differences(_placed(background, signal.to_rank(part)), list(background.lsb)))
    return found.values


def _variances_of_background(
    background: SpooledScores, signals: Mapping[str, SpooledScores], means: Mapping[str, FloatArray]
) -> dict[str, FloatArray]:
    """Of each variant, and of the differences to the reference, by signal: all in one pass over the background."""
    variants = list(background.lsb)
    found = {name: _Variances.around(np.array(_with_differences(list(means[name]), variants))) for name in signals}
    for part in background.parts():
        ranks = background.to_rank(part)

        def add(name: str, part: _Part = part, ranks: Sequence[FloatArray] = ranks) -> None:
            above = [1 - signals[name].ranked[variant].below(scores) for variant, scores in zip(variants, ranks, strict=True)]
            found[name].add(part, _with_differences(above, variants))

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(add, signals))
    return {name: variances.values for name, variances in found.items()}


# -- differences of scores ---------------------------------------------------------------------------------------------


def _comparisons(samples: Mapping[str, SpooledScores], aucs: _Table, threshold: float | None) -> dict[str, Comparison]:
    variants = list(samples["background"].lsb)
    if REFERENCE not in variants:
        return {}
    others = [variant for variant in variants if variant != REFERENCE]
    found = {name: _differences(sample, others, threshold) for name, sample in samples.items()}
    return {variant: Comparison(aucs[variant], {name: by_variant[variant] for name, by_variant in found.items()}) for variant in others}


def _differences(sample: SpooledScores, variants: Sequence[str], threshold: float | None) -> dict[str, ScoreDifference]:
    sums: dict[str, npt.NDArray[Any]] = {variant: np.zeros(4) for variant in variants}
    weight = 0.0
    for part in sample.parts():
        reference, weights = part.scores[REFERENCE], part.counted
        weight += float(weights.sum())
        for variant, found in sums.items():
            scores = part.scores[variant]
            delta = scores - reference
            flips = 0 if threshold is None else np.count_nonzero((reference >= threshold) != (scores >= threshold))
            found[0] = max(found[0], np.abs(delta).max())
            found[1:] += weights @ delta**2, weights @ delta, flips
    return {
        variant: ScoreDifference(
            len(sample.spool),
            float(largest),
            math.sqrt(squares / weight),
            float(total / weight),
            None if threshold is None else int(flips),
        )
        for variant, (largest, squares, total, flips) in sums.items()
    }


# -- halves ------------------------------------------------------------------------------------------------------------


def spooled_threshold_drift(sample: SpooledScores, variant: str, fpr: float, *, seed: int = DRIFT_SEED) -> Drift | None:
    """As `threshold_drift`: every part of the spool is divided into halves, which are put together."""
    rng = np.random.default_rng(seed)
    found: tuple[list[Ranked], list[Ranked]] = ([], [])
    for part in sample.parts():
        scores, lsb = part.scores[variant], sample.lsb[variant]
        n = len(scores) if part.groups is None else int(part.groups.max()) + 1
        ids = np.arange(len(scores)) if part.groups is None else part.groups
        first = (rng.permutation(n) < (n + 1) // 2)[ids]
        for half, chosen in zip(found, (first, ~first), strict=True):
            if chosen.any():
                ranked = scores[chosen] if lsb is not None else coarse(scores[chosen])
                weights = None if part.weights is None else part.weights[chosen]
                half.append(Ranked.of(ranked, None if part.groups is None else part.groups[chosen], weights))
    if not found[1]:
        return None
    one, other = (Ranked.merged(half) for half in found)
    threshold = one.quantile(1 - fpr)
    above = float(np.nextafter(threshold, math.inf))
    if not one.accepted(above):
        return None
    exceeded = other.accepted(above)
    value = drift_between(exceeded, fpr, other.total)
    return Drift(value, fpr, exceeded, threshold, expected_drift([half.relative_variance(above) for half in (one, other)]))
