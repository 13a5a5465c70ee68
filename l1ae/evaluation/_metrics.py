"""Everything that is measured of a trained model: one frozen result, computed once, written as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError

from l1ae.errors import UserError
from l1ae.evaluation._at_rate import AtRate, RateSampleFacts
from l1ae.evaluation._auc import REPLICAS, IntArray, auc, auc_difference, auc_from_draws, bootstrap_aucs, compact_groups, quantile_interval
from l1ae.evaluation._estimate import Estimate, FloatArray, check_scores
from l1ae.evaluation._label_free import LabelFree
from l1ae.evaluation._working_point import WorkingPoint, accepted_fraction, tpr_of_sorted

__all__ = ["FPRS", "Comparison", "Metrics", "ScoreDifference", "ScoreSet", "compare_scores", "evaluate", "load_metrics", "save_metrics"]

FPRS = (1e-5, 1e-4, 1e-3)
REFERENCE = "float"

_Table = dict[str, dict[str, Estimate]]


@dataclass(frozen=True)
class ScoreSet:
    """Scores of one variant of the model ("float", "quantized" or "fixed") on every sample.

    All variants give the same events in the same order and the same unit: real values, so fixed-point codes times
    their LSB. `lsb` is the step of discrete scores, None for continuous ones. `background` is (N,), each signal (M,).
    """

    background: npt.NDArray[np.floating]
    signals: Mapping[str, npt.NDArray[np.floating]]
    lsb: float | None = None


@dataclass(frozen=True)
class ScoreDifference:
    """Scores of one sample against those of the reference variant, in units of the score.

    `flips` counts events that one of the two accepts and the other does not, at `Metrics.threshold`; None without a
    threshold.
    """

    events: int
    max_abs: float
    rms: float
    mean: float
    flips: int | None


@dataclass(frozen=True)
class Comparison:
    """One variant minus the float model on the same events: AUC by signal, scores by sample."""

    auc: dict[str, Estimate]
    scores: dict[str, ScoreDifference]


@dataclass(frozen=True)
class Metrics:
    """Result of `evaluate`. Variants are "float", "quantized", "fixed"; samples are "background" and the signals.

    Attributes:
        events: events by sample.
        groups: source events by sample; fewer than `events` where copies exist.
        auc_method: how the intervals of the AUCs were made.
        auc: AUC by variant and signal.
        working_points: TPR at each target FPR, by variant and signal.
        threshold: trigger threshold in units of the score (accepted when score >= threshold), None if not given.
        accepted: fraction accepted at `threshold`, by variant and sample.
        comparisons: "quantized" and "fixed" minus "float".
        at_rate: efficiencies at rates that a trigger can afford, by variant; empty without zero-bias crossings.
        rate_sample: the crossings that these rates were measured on.
        label_free: what background alone says, by variant; empty where a part of the background has no events.
    """

    events: dict[str, int]
    groups: dict[str, int]
    auc_method: str
    auc: dict[str, dict[str, Estimate]]
    working_points: dict[str, dict[str, tuple[WorkingPoint, ...]]]
    threshold: float | None = None
    accepted: dict[str, dict[str, Estimate]] = field(default_factory=dict)
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    at_rate: dict[str, AtRate] = field(default_factory=dict)
    rate_sample: RateSampleFacts | None = None
    label_free: dict[str, LabelFree] = field(default_factory=dict)


@dataclass(frozen=True)
class _Checked:
    """Scores by variant and sample, and groups by sample, after validation."""

    scores: dict[str, dict[str, FloatArray]]
    groups: dict[str, IntArray | None]
    lsb: dict[str, float | None]

    @property
    def signals(self) -> list[str]:
        return [name for name in self.groups if name != "background"]


def evaluate(
    scores: Mapping[str, ScoreSet],
    groups: Mapping[str, npt.ArrayLike] | None = None,
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
        threshold: trigger threshold in units of the score, for decision flips and accepted fractions.
        fprs: false-positive rates at which the TPR is read.
        replicas: bootstrap replicas where events are correlated.
        seed: of the bootstrap.

    Raises:
        UserError: no variants, no events, NaN scores, or variants whose samples differ.
    """
    checked = _check(scores, groups or {})
    aucs, differences, method = _aucs(checked, replicas, seed)
    first = next(iter(checked.scores.values()))
    return Metrics(
        events={sample: len(values) for sample, values in first.items()},
        groups={sample: len(first[sample]) if ids is None else int(ids.max()) + 1 for sample, ids in checked.groups.items()},
        auc_method=method,
        auc=aucs,
        working_points={variant: _working_points(checked, variant, fprs) for variant in checked.scores},
        threshold=threshold,
        accepted={} if threshold is None else _accepted(checked, threshold),
        comparisons={
            variant: Comparison(differences[variant], _score_differences(checked, variant, threshold))
            for variant in checked.scores
            if REFERENCE in checked.scores and variant != REFERENCE
        },
    )


def compare_scores(reference: npt.ArrayLike, other: npt.ArrayLike, threshold: float | None = None) -> ScoreDifference:
    """`other` minus `reference` on the same events, (N,) each, and the decisions that flip at `threshold`.

    Raises `UserError` for scores that are empty, not finite, or not equally many.
    """
    first, second = check_scores(reference, "reference scores"), check_scores(other, "compared scores")
    if len(first) != len(second):
        raise UserError(f"only scores of the same events can be compared, not {len(first)} with {len(second)}")
    delta = second - first
    flips = None if threshold is None else int(np.count_nonzero((first >= threshold) != (second >= threshold)))
    return ScoreDifference(len(first), float(np.abs(delta).max()), float(np.sqrt(np.mean(delta**2))), float(delta.mean()), flips)


def save_metrics(path: Path, metrics: Metrics) -> None:
    """Write `metrics` as JSON, under a temporary name first."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(TypeAdapter(Metrics).dump_json(metrics, indent=1) + b"\n")
    temporary.replace(path)


def load_metrics(path: Path) -> Metrics:
    """Read what `save_metrics` wrote. Raises `UserError` when the file is missing or is something else."""
    try:
        return TypeAdapter(Metrics).validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise UserError(f"'{path}' does not exist; run 'l1ae evaluate' on this run folder first") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(f"'{path}' is no metrics file of this version ({place}: {first['msg']}); run 'l1ae evaluate' again") from error


def _check(scores: Mapping[str, ScoreSet], groups: Mapping[str, npt.ArrayLike]) -> _Checked:
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
    unknown = sorted(set(groups) - set(first))
    if unknown:
        raise UserError(f"groups are given for '{unknown[0]}', which has no scores; the samples are {', '.join(first)}")
    compact = {name: compact_groups(groups.get(name), len(values)) for name, values in first.items()}
    return _Checked(result, compact, {variant: score_set.lsb for variant, score_set in scores.items()})


def _aucs(checked: _Checked, replicas: int, seed: int) -> tuple[_Table, _Table, str]:
    """AUC by variant and signal, differences to the reference, and the method of both."""
    if all(ids is None for ids in checked.groups.values()):
        return *_delong_aucs(checked), "DeLong, all events independent"
    method = f"block bootstrap over source events, {replicas} replicas"
    return *_bootstrap_aucs(checked, replicas, seed), method


def _bootstrap_aucs(checked: _Checked, replicas: int, seed: int) -> tuple[_Table, _Table]:
    groups = checked.groups
    background = {variant: samples["background"] for variant, samples in checked.scores.items()}
    signals = {variant: {name: samples[name] for name in checked.signals} for variant, samples in checked.scores.items()}
    draws = bootstrap_aucs(background, signals, background_groups=groups["background"], signal_groups=groups, replicas=replicas, seed=seed)
    aucs: _Table = {variant: {} for variant in checked.scores}
    differences: _Table = {variant: {} for variant in checked.scores}
    for (variant, name), drawn in draws.items():
        aucs[variant][name] = auc_from_draws(background[variant], signals[variant][name], groups["background"], groups[name], drawn)
    for (variant, name), drawn in draws.items():
        if REFERENCE in checked.scores:
            shift = aucs[variant][name].value - aucs[REFERENCE][name].value
            differences[variant][name] = quantile_interval(shift, drawn - draws[REFERENCE, name])
    return aucs, differences


def _delong_aucs(checked: _Checked) -> tuple[_Table, _Table]:
    aucs: _Table = {}
    differences: _Table = {}
    for variant, samples in checked.scores.items():
        aucs[variant] = {name: auc(samples["background"], samples[name]) for name in checked.signals}
        if REFERENCE in checked.scores:
            reference = checked.scores[REFERENCE]
            differences[variant] = {
                name: auc_difference((reference["background"], samples["background"]), (reference[name], samples[name]))
                for name in checked.signals
            }
    return aucs, differences


def _working_points(checked: _Checked, variant: str, fprs: Sequence[float]) -> dict[str, tuple[WorkingPoint, ...]]:
    samples, lsb = checked.scores[variant], checked.lsb[variant]
    background, ids = samples["background"], checked.groups["background"]
    falling = np.sort(background)[::-1]
    return {
        name: tuple(
            tpr_of_sorted(falling, background, samples[name], fpr, background_groups=ids, signal_groups=checked.groups[name], lsb=lsb)
            for fpr in fprs
        )
        for name in checked.signals
    }


def _accepted(checked: _Checked, threshold: float) -> dict[str, dict[str, Estimate]]:
    return {
        variant: {name: accepted_fraction(values, threshold, groups=checked.groups[name]) for name, values in samples.items()}
        for variant, samples in checked.scores.items()
    }


def _score_differences(checked: _Checked, variant: str, threshold: float | None) -> dict[str, ScoreDifference]:
    reference = checked.scores[REFERENCE]
    return {name: compare_scores(reference[name], values, threshold) for name, values in checked.scores[variant].items()}
