"""Area under the ROC curve, with intervals that know about ties and about correlated copies of an event."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.evaluation._estimate import LEVEL, Estimate, FloatArray, check_scores, normal_quantile
from l1ae.evaluation._sample import IntArray, Sample

__all__ = ["auc", "auc_difference", "group_ids"]

REPLICAS = 500


def group_ids(process: npt.ArrayLike, source_event: npt.ArrayLike) -> IntArray:
    """One integer per event, equal for copies of one source event: same `process` and same `source_event`; (N,)."""
    keys = np.stack([np.asarray(process, np.int64), np.asarray(source_event, np.int64)], axis=1)
    return np.unique(keys, axis=0, return_inverse=True)[1].astype(np.int64).ravel()


def auc(
    background_scores: npt.ArrayLike,
    signal_scores: npt.ArrayLike,
    *,
    background_groups: npt.ArrayLike | None = None,
    signal_groups: npt.ArrayLike | None = None,
    background_weights: npt.ArrayLike | None = None,
    signal_weights: npt.ArrayLike | None = None,
    replicas: int = REPLICAS,
    seed: int = 1,
) -> Estimate:
    """Probability that a signal event scores higher than a background event; equal scores count one half.

    The 68.3 % interval is

    * **DeLong** when all events are independent (no groups, or every group holds one event): variance from the
      placement values, ties included (DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837; computed by ranks
      as in Sun and Xu, IEEE Signal Process. Lett. 21 (2014) 1389), symmetric in logit(AUC) so that it stays
      inside [0, 1];
    * the **block bootstrap** when events share a source: whole groups are drawn with replacement, `replicas` times,
      and the interval is that between the quantiles of the replicas (Davison and Hinkley, Bootstrap Methods and
      their Application, chapter 3.8). DeLong would call copies independent and give too small an error;
    * when signal and background are fully separated, where both of the above collapse to zero width, that of
      Clopper and Pearson for min(groups of signal, groups of background) disjoint pairs, all ordered rightly.

    With weights an event is drawn in proportion to its weight in "probability that". DeLong's variance is then that of a weighted
    mean of placement values with weights known beforehand, replicas of the bootstrap draw groups with their weights, and pairs are
    counted by the effective number of groups, (sum w)^2 / sum w^2.

    Args:
        background_scores: (N,), any real unit.
        signal_scores: (M,), same unit; high means anomalous.
        background_groups: (N,) integers, equal for events that share a source; see `group_ids`.
        signal_groups: (M,) the same for the signal.
        background_weights: (N,), not negative; 0 is as if the event were not there. None: all alike.
        signal_weights: (M,) the same for the signal.
        replicas: number of bootstrap replicas.
        seed: of the bootstrap.

    Raises:
        UserError: no events, NaN or infinite scores, groups or weights of another length, weights that are negative, not finite or
            all 0.
    """
    background = Sample.of(background_scores, "background", background_groups, background_weights)
    signal = Sample.of(signal_scores, "signal", signal_groups, signal_weights)
    return auc_of(background, signal, replicas=replicas, seed=seed)


def auc_of(background: Sample, signal: Sample, *, replicas: int = REPLICAS, seed: int = 1) -> Estimate:
    """As `auc`, for checked samples."""
    if background.groups is None and signal.groups is None:
        return _delong(background, signal)
    draws = bootstrap_aucs({"": background}, {"": {"": signal}}, replicas=replicas, seed=seed)
    return auc_from_draws(background, signal, draws["", ""])


def auc_difference(
    background: tuple[npt.ArrayLike, npt.ArrayLike],
    signal: tuple[npt.ArrayLike, npt.ArrayLike],
    *,
    background_groups: npt.ArrayLike | None = None,
    signal_groups: npt.ArrayLike | None = None,
    background_weights: npt.ArrayLike | None = None,
    signal_weights: npt.ArrayLike | None = None,
    replicas: int = REPLICAS,
    seed: int = 1,
) -> Estimate:
    """AUC of the second scores minus AUC of the first, both on the same events.

    What the two share cancels, so the difference is known far better than either: DeLong's covariance for
    independent events (same paper as `auc`), otherwise a block bootstrap that draws the same groups for both.
    Each pair holds the scores of the same events in the same order, (N,) and (M,).
    Raises `UserError` as `auc` does, and when the two members of a pair differ in length.
    """
    for what, (first, second) in (("background", background), ("signal", signal)):
        if (sizes := (len(check_scores(first, what)), len(check_scores(second, what))))[0] != sizes[1]:
            raise UserError(f"a paired comparison needs the same {what} events twice, not {sizes[0]} and {sizes[1]}")
    backgrounds = [Sample.of(scores, "background", background_groups, background_weights) for scores in background]
    signals = [Sample.of(scores, "signal", signal_groups, signal_weights) for scores in signal]
    return auc_difference_of((backgrounds[0], backgrounds[1]), (signals[0], signals[1]), replicas=replicas, seed=seed)


def auc_difference_of(
    background: tuple[Sample, Sample], signal: tuple[Sample, Sample], *, replicas: int = REPLICAS, seed: int = 1
) -> Estimate:
    """As `auc_difference`, for checked samples of the same events."""
    (below_1, above_1), (below_2, above_2) = (placements(b, s) for b, s in zip(background, signal, strict=True))
    value = signal[0].mean(below_2) - signal[0].mean(below_1)
    if background[0].groups is None and signal[0].groups is None:
        half = normal_quantile() * math.sqrt(_variance(signal[0], below_2 - below_1) + _variance(background[0], above_2 - above_1))
        return Estimate(value, max(value - half, -1.0), min(value + half, 1.0))
    variants = ("1", "2")
    draws = bootstrap_aucs(
        dict(zip(variants, background, strict=True)),
        {variant: {"": sample} for variant, sample in zip(variants, signal, strict=True)},
        replicas=replicas,
        seed=seed,
    )
    return quantile_interval(value, draws["2", ""] - draws["1", ""])


def auc_from_draws(background: Sample, signal: Sample, draws: FloatArray) -> Estimate:
    """AUC with the interval of its bootstrap replicas, or that of full separation, where they do not vary."""
    value = signal.mean(placements(background, signal)[0])
    if value in (0.0, 1.0):
        return separated(value, min(background.effective, signal.effective))
    return quantile_interval(value, draws)


def placements(background: Sample, signal: Sample) -> tuple[FloatArray, FloatArray]:
    """For each signal event the fraction of background below it, for each background event that of signal above it.

    Equal scores count one half. The mean of either is the AUC.
    """
    return _below(background, signal.scores), 1 - _below(signal, background.scores)


def _below(sample: Sample, values: FloatArray) -> FloatArray:
    """For each value the fraction of a sample that scores lower; equal scores count one half."""
    order = np.argsort(sample.scores)
    left, right = _edges(sample.scores[order], values)
    if sample.weights is None:
        return np.asarray((left + right) / (2 * len(sample)), np.float64)
    cumulative = np.concatenate([[0.0], np.cumsum(sample.weights[order])])
    return np.asarray((cumulative[left] + cumulative[right]) / (2 * cumulative[-1]), np.float64)


def bootstrap_aucs(
    background: Mapping[str, Sample], signals: Mapping[str, Mapping[str, Sample]], *, replicas: int, seed: int
) -> dict[tuple[str, str], FloatArray]:
    """AUC replicas of every (variant, signal), (replicas,) each; all variants see the same drawn groups."""
    rng = np.random.default_rng(seed)
    order = {variant: np.argsort(sample.scores) for variant, sample in background.items()}
    rank = {}
    for variant, members in signals.items():
        ordered = background[variant].scores[order[variant]]
        rank.update({(variant, name): _edges(ordered, sample.scores) for name, sample in members.items()})
    result = {key: np.empty(replicas) for key in rank}
    members = {name: sample for samples in signals.values() for name, sample in samples.items()}
    first = next(iter(background.values()))
    for i in range(replicas):
        weights = _draw(rng, first)
        signal_weights = {name: _draw(rng, sample) for name, sample in members.items()}
        for variant, where in order.items():
            cumulative = np.concatenate([[0.0], np.cumsum(weights[where])])
            for name in signals[variant]:
                left, right = rank[variant, name]
                below = (cumulative[left] + cumulative[right]) / (2 * cumulative[-1])
                result[variant, name][i] = np.average(below, weights=signal_weights[name])
    return result


def quantile_interval(value: float, draws: FloatArray) -> Estimate:
    """`value` with the central 68.3 % of `draws`, widened to contain the value."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, min(float(low), value), max(float(high), value))


def _edges(ordered: FloatArray, scores: FloatArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    return np.searchsorted(ordered, scores, "left"), np.searchsorted(ordered, scores, "right")


def _draw(rng: np.random.Generator, sample: Sample) -> FloatArray:
    """What each event counts in one bootstrap replica, (N,): how often it was drawn, times its weight."""
    counts = np.bincount(rng.integers(sample.sources, size=sample.sources), minlength=sample.sources).astype(np.float64)
    drawn = counts if sample.groups is None else counts[sample.groups]
    return drawn if sample.weights is None else drawn * sample.weights


def _variance(sample: Sample, values: FloatArray) -> float:
    """Variance of the mean of independent values (N,); a sample of one event contributes what cannot be known: infinity."""
    if len(sample) == 1:
        return math.inf
    if sample.weights is None:
        return float(np.var(values, ddof=1)) / len(values)
    shares = sample.weights / sample.weights.sum()
    squares = float(shares @ shares)
    return float(shares**2 @ (values - shares @ values) ** 2) / (1 - squares) if squares < 1 else math.inf


def _delong(background: Sample, signal: Sample) -> Estimate:
    below, above = placements(background, signal)
    value = signal.mean(below)
    if value in (0.0, 1.0):
        return separated(value, min(background.effective, signal.effective))
    return logit_interval(value, math.sqrt(_variance(signal, below) + _variance(background, above)))


def logit_interval(value: float, deviation: float) -> Estimate:
    """Symmetric in logit(AUC), so that it stays inside [0, 1]; `deviation` is that of the AUC."""
    half = normal_quantile() * deviation / (value * (1 - value))
    centre = math.log(value / (1 - value))
    return Estimate(value, _expit(centre - half), _expit(centre + half))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def separated(value: float, pairs: float) -> Estimate:
    """Disjoint pairs (one signal, one background event) are independent trials that succeed with probability AUC."""
    edge = ((1 - LEVEL) / 2) ** (1 / pairs)
    return Estimate(1.0, edge, 1.0) if value == 1.0 else Estimate(0.0, 0.0, 1 - edge)
