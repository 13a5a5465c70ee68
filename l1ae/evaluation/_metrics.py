"""Everything that is measured of a trained model: one frozen result, computed once, written as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.evaluation._at_rate import AtRate, RateSampleFacts
from l1ae.evaluation._auc import REPLICAS, auc_difference_of, auc_from_draws, auc_of, bootstrap_aucs, quantile_interval
from l1ae.evaluation._estimate import Estimate, FloatArray, FractionEstimate, check_scores
from l1ae.evaluation._label_free import LabelFree
from l1ae.evaluation._sample import Sample
from l1ae.evaluation._working_point import Falling, WorkingPoint, accepted_fraction, tpr_of
from l1ae.results import Count, Positive, Real, load_result, save_result

__all__ = ["FPRS", "Comparison", "Metrics", "ScoreDifference", "ScoreSet", "compare_scores", "evaluate", "load_metrics", "save_metrics"]

FPRS = (1e-5, 1e-4, 1e-3)
REFERENCE = "float"

_Table = dict[str, dict[str, Estimate]]


@dataclass(frozen=True)
class ScoreSet:
    """Scores of one variant of the model ("float", "quantized" or "fixed") on every sample.

    All variants give the same events in the same order and the same unit: real values, so fixed-point codes times
    their LSB. `lsb` is the step of discrete scores, None for continuous ones. `background` is (N,), each signal (M,).

    >>> rng = np.random.default_rng(1)
    >>> mine = l1ae.ScoreSet(rng.normal(size=1000), {"bumps": rng.normal(2.0, size=200)})
    """

    background: npt.NDArray[np.floating]
    signals: Mapping[str, npt.NDArray[np.floating]]
    lsb: float | None = None


@dataclass(frozen=True)
class ScoreDifference:
    """Scores of one sample against those of the reference variant, in units of the score.

    `rms` and `mean` follow the weights of the events. `flips` counts events, whatever they weigh, that one of the two accepts and the
    other does not, at `Metrics.threshold`; None without a threshold.
    """

    events: Count
    max_abs: Positive
    rms: Positive
    mean: Real
    flips: Count | None


@dataclass(frozen=True)
class Comparison:
    """One variant minus the float model on the same events: AUC by signal, scores by sample."""

    auc: dict[str, Estimate]
    scores: dict[str, ScoreDifference]


@dataclass(frozen=True)
class Metrics:
    """Result of `evaluate`. Variants are "float", "quantized", "fixed"; samples are "background" and the signals.

    Attributes:
        events: events by sample, without those of weight 0.
        groups: source events by sample; fewer than `events` where copies exist.
        auc_method: how the intervals of the AUCs were made.
        auc: AUC by variant and signal.
        working_points: TPR at each target FPR, by variant and signal.
        threshold: trigger threshold in units of the score (accepted when score >= threshold), None if not given.
        accepted: fraction accepted at `threshold`, by variant and sample.
        comparisons: "quantized" and "fixed" minus "float".
        effective: of samples with weights, independent events of equal weight that are worth as much. All fractions and AUCs are then
            by weight.
        at_rate: efficiencies at rates that a trigger can afford, by variant; empty without zero-bias crossings.
        rate_sample: the crossings that these rates were measured on.
        label_free: what background alone says, by variant; empty where a part of the background has no events.
    """

    events: dict[str, Count]
    groups: dict[str, Count]
    auc_method: str
    auc: dict[str, dict[str, FractionEstimate]]
    working_points: dict[str, dict[str, tuple[WorkingPoint, ...]]]
    threshold: Real | None = None
    accepted: dict[str, dict[str, FractionEstimate]] = field(default_factory=dict)
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    effective: dict[str, Positive] = field(default_factory=dict)
    at_rate: dict[str, AtRate] = field(default_factory=dict)
    rate_sample: RateSampleFacts | None = None
    label_free: dict[str, LabelFree] = field(default_factory=dict)


@dataclass(frozen=True)
class _Checked:
    """Samples by variant and name after validation; those of one name differ in their scores only."""

    samples: dict[str, dict[str, Sample]]
    lsb: dict[str, float | None]

    @property
    def first(self) -> dict[str, Sample]:
        return next(iter(self.samples.values()))

    @property
    def signals(self) -> list[str]:
        return [name for name in self.first if name != "background"]


def evaluate(
    scores: Mapping[str, ScoreSet],
    groups: Mapping[str, npt.ArrayLike] | None = None,
    weights: Mapping[str, npt.ArrayLike] | None = None,
    *,
    threshold: float | None = None,
    fprs: Sequence[float] = FPRS,
    replicas: int = REPLICAS,
    seed: int = 1,
) -> Metrics:
    """Measure every variant on every signal, and compare each variant with "float" on the same events.

    Args:
        scores: by variant.
        groups: by sample ("background" or a signal), one integer per event, equal for copies of one source event (see
            `group_ids`); the events of a sample that is not named are independent.
        weights: by sample, one number per event, not negative; the events of a sample that is not named count alike.
        threshold: trigger threshold in units of the score, for decision flips and accepted fractions.
        fprs: false-positive rates at which the TPR is read.
        replicas: bootstrap replicas where events are correlated.
        seed: of the bootstrap.

    Raises:
        UserError: no variants, no events, NaN scores, variants whose samples differ, or weights that are negative, not finite or all 0.
    """
    checked = _check(scores, groups or {}, weights or {})
    aucs, differences, method = _aucs(checked, replicas, seed)
    return Metrics(
        events={name: len(sample) for name, sample in checked.first.items()},
        groups={name: sample.sources for name, sample in checked.first.items()},
        auc_method=method,
        auc=aucs,
        working_points={variant: _working_points(checked, variant, fprs) for variant in checked.samples},
        threshold=threshold,
        accepted={} if threshold is None else _accepted(checked, threshold),
        comparisons={
            variant: Comparison(differences[variant], _score_differences(checked, variant, threshold))
            for variant in checked.samples
            if REFERENCE in checked.samples and variant != REFERENCE
        },
        effective={name: sample.effective for name, sample in checked.first.items() if sample.weights is not None},
    )


def compare_scores(
    reference: npt.ArrayLike, other: npt.ArrayLike, threshold: float | None = None, weights: npt.ArrayLike | None = None
) -> ScoreDifference:
    """`other` minus `reference` on the same events, (N,) each, and the decisions that flip at `threshold`.

    Raises `UserError` for scores that are empty, not finite, or not equally many; `weights` (N,) must be good for `Sample.of`.
    """
    first, second = check_scores(reference, "reference scores"), check_scores(other, "compared scores")
    if len(first) != len(second):
        raise UserError(f"only scores of the same events can be compared, not {len(first)} with {len(second)}")
    samples = [Sample.of(scores, "compared scores", weights=weights) for scores in (first, second)]
    return _difference(samples[0], samples[1], threshold)


def _difference(reference: Sample, other: Sample, threshold: float | None) -> ScoreDifference:
    first, second = reference.scores, other.scores
    delta = second - first
    flips = None if threshold is None else int(np.count_nonzero((first >= threshold) != (second >= threshold)))
    return ScoreDifference(len(first), float(np.abs(delta).max()), float(np.sqrt(other.mean(delta**2))), other.mean(delta), flips)


def save_metrics(path: Path, metrics: Metrics) -> None:
    """Write `metrics` as JSON, under a temporary name first."""
    save_result(path, metrics)


def load_metrics(path: Path) -> Metrics:
    """Read what `save_metrics` wrote. Raises `UserError` when the file is missing or is something else."""
    return load_result(
        Metrics, path, what="metrics file", remedy="run 'l1ae evaluate' on this run folder first", again="run 'l1ae evaluate' again"
    )


def _check(scores: Mapping[str, ScoreSet], groups: Mapping[str, npt.ArrayLike], weights: Mapping[str, npt.ArrayLike]) -> _Checked:
    if not scores:
        raise UserError("no scores were given; evaluate needs at least one variant, for example 'float'")
    result: dict[str, dict[str, FloatArray]] = {}
    for variant, score_set in scores.items():
        samples = {"background": score_set.background, **dict(sorted(score_set.signals.items()))}
        result[variant] = {name: check_scores(values, f"{name} ({variant})") for name, values in samples.items()}
    first_name, first = next(iter(result.items()))
    for variant, checked in result.items():
        sizes, expected = ({name: len(v) for name, v in group.items()} for group in (checked, first))
        if sizes != expected:
            raise UserError(f"variants must score the same events: '{variant}' has {sizes}, '{first_name}' has {expected}")
    for what, given in (("groups", groups), ("weights", weights)):
        if unknown := sorted(set(given) - set(first)):
            raise UserError(f"{what} are given for '{unknown[0]}', which has no scores; the samples are {', '.join(first)}")
    return _Checked(
        {
            variant: {name: Sample.of(values, name, groups.get(name), weights.get(name)) for name, values in checked.items()}
            for variant, checked in result.items()
        },
        {variant: score_set.lsb for variant, score_set in scores.items()},
    )


def _aucs(checked: _Checked, replicas: int, seed: int) -> tuple[_Table, _Table, str]:
    """AUC by variant and signal, differences to the reference, and the method of both."""
    samples = checked.first.values()
    weighted = "" if all(sample.weights is None for sample in samples) else ", events weighted"
    if all(sample.groups is None for sample in samples):
        return *_delong_aucs(checked), f"DeLong, all events independent{weighted}"
    method = f"block bootstrap over source events, {replicas} replicas{weighted}"
    return *_bootstrap_aucs(checked, replicas, seed), method


def _bootstrap_aucs(checked: _Checked, replicas: int, seed: int) -> tuple[_Table, _Table]:
    background = {variant: samples["background"] for variant, samples in checked.samples.items()}
    signals = {variant: {name: samples[name] for name in checked.signals} for variant, samples in checked.samples.items()}
    draws = bootstrap_aucs(background, signals, replicas=replicas, seed=seed)
    aucs: _Table = {variant: {} for variant in checked.samples}
    differences: _Table = {variant: {} for variant in checked.samples}
    for (variant, name), drawn in draws.items():
        aucs[variant][name] = auc_from_draws(background[variant], signals[variant][name], drawn)
    for (variant, name), drawn in draws.items():
        if REFERENCE in checked.samples:
            shift = aucs[variant][name].value - aucs[REFERENCE][name].value
            differences[variant][name] = quantile_interval(shift, drawn - draws[REFERENCE, name])
    return aucs, differences


def _delong_aucs(checked: _Checked) -> tuple[_Table, _Table]:
    aucs: _Table = {}
    differences: _Table = {}
    for variant, samples in checked.samples.items():
        aucs[variant] = {name: auc_of(samples["background"], samples[name]) for name in checked.signals}
        if REFERENCE in checked.samples:
            reference = checked.samples[REFERENCE]
            differences[variant] = {
                name: auc_difference_of((reference["background"], samples["background"]), (reference[name], samples[name]))
                for name in checked.signals
            }
    return aucs, differences


def _working_points(checked: _Checked, variant: str, fprs: Sequence[float]) -> dict[str, tuple[WorkingPoint, ...]]:
    samples, lsb = checked.samples[variant], checked.lsb[variant]
    background = samples["background"]
    falling = Falling.of(background)
    return {name: tuple(tpr_of(falling, background, samples[name], fpr, lsb) for fpr in fprs) for name in checked.signals}


def _accepted(checked: _Checked, threshold: float) -> dict[str, dict[str, Estimate]]:
    return {
        variant: {name: accepted_fraction(sample, threshold) for name, sample in samples.items()}
        for variant, samples in checked.samples.items()
    }


def _score_differences(checked: _Checked, variant: str, threshold: float | None) -> dict[str, ScoreDifference]:
    reference = checked.samples[REFERENCE]
    return {name: _difference(reference[name], sample, threshold) for name, sample in checked.samples[variant].items()}
