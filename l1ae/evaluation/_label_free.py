"""What background alone says of a score: no label and no signal enters.

The three numbers are those of the public record of CMS Level-1 events (Zenodo 10.5281/zenodo.21787779) and its study
(github.com/bb511/ADatL1), for samples with weights.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.evaluation._estimate import FloatArray, check_scores
from l1ae.results import Count, Fraction, Positive, Real

__all__ = [
    "DRIFT_SEED",
    "Agreement",
    "Capacity",
    "Drift",
    "LabelFree",
    "agreement",
    "approximation_capacity",
    "capacity_at",
    "drift_between",
    "expected_drift",
    "threshold_drift",
    "wasserstein",
]

Energies = Literal["plain", "adaptive"]

_LARGEST_BETA = 1000.0
DRIFT_SEED = 12345


@dataclass(frozen=True)
class Capacity:
    """Approximation capacity, between -ln 2 and 0, and the inverse temperature at which it is reached; `at_limit`: the largest tried."""

    value: Real
    beta: Positive
    at_limit: bool


@dataclass(frozen=True)
class Drift:
    """A threshold of one half of a sample on the other half.

    Attributes:
        value: |ln((exceeded + e) / (fpr + e))|, e half an event of the second half.
        fpr: the false-positive rate asked for.
        exceeded: the fraction of the second half above the threshold.
        threshold: of the first half.
        expected: median of `value` if both halves are of one distribution, from the effective events above the threshold alone.
    """

    value: Positive
    fpr: Fraction
    exceeded: Fraction
    threshold: Real
    expected: Positive


@dataclass(frozen=True)
class LabelFree:
    """What background says of one variant of a model, from two samples of it that the model was not trained on.

    Attributes:
        events: of the two samples.
        capacity, adaptive: approximation capacity with plain and with adaptive energies; higher is better.
        wasserstein: distance of the two samples' scores in units of the score; lower is better.
        wasserstein_log: the same of log(1 + score).
        drift: of the threshold for the headline rate; None where the sample cannot resolve it.
    """

    events: tuple[Count, Count]
    capacity: Capacity
    adaptive: Capacity
    wasserstein: Positive
    wasserstein_log: Positive
    drift: Drift | None


def approximation_capacity(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    weights: tuple[npt.ArrayLike | None, npt.ArrayLike | None] = (None, None),
    energies: Energies = "plain",
) -> Capacity:
    """How well two samples agree on what is anomalous: CAP, from scores (N,) and (M,) of two samples of background.

    Events of equal rank, by weight, are pairs. All scores s of pairs become p = 1 / (1 + exp(-4 (s - median) / std)); an event has the
    energy 1 - p as an anomaly and p as an ordinary one. With pairs (1, 2) and the inverse temperature b >= 0,

        CAP = max over b of the mean of ln[sum_k exp(-b (E1(k) + E2(k)))] - ln[sum_k exp(-b E1(k)) sum_k exp(-b E2(k))].

    "adaptive" energies add relu(p - (m - s/2)) to the ordinary one and relu((m + s/2) - p) to the anomaly, with mean m and standard
    deviation s of all p. At b = 0 every pair gives -ln 2, and none gives more than 0. b is searched up to 1000. The idea is that of
    approximation-set coding (Buhmann, ICPR 2010).

    Raises `UserError` for no events, scores that are not finite, or unusable weights.
    """
    from scipy.optimize import minimize_scalar

    one, other, pair_weights = _pairs(_sample(first, weights[0], "first sample"), _sample(second, weights[1], "second sample"))
    gaps = _energy_gaps(one, other, pair_weights, energies)
    steps = np.concatenate([[0.0], np.geomspace(1e-2, _LARGEST_BETA, 41)])
    values = [_capacity(beta, *gaps, pair_weights) for beta in steps]
    best = int(np.argmax(values))
    bounds = (float(steps[max(best - 1, 0)]), float(steps[min(best + 1, len(steps) - 1)]))
    found = minimize_scalar(lambda beta: -_capacity(beta, *gaps, pair_weights), bounds=bounds, method="bounded", options={"xatol": 1e-6})
    value, beta = max((-float(found.fun), float(found.x)), (values[best], float(steps[best])))
    return Capacity(value, beta, best == len(steps) - 1)


def capacity_at(
    beta: float,
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    weights: tuple[npt.ArrayLike | None, npt.ArrayLike | None] = (None, None),
    energies: Energies = "plain",
) -> float:
    """What `approximation_capacity` maximises, at one inverse temperature."""
    one, other, pair_weights = _pairs(_sample(first, weights[0], "first sample"), _sample(second, weights[1], "second sample"))
    return _capacity(beta, *_energy_gaps(one, other, pair_weights, energies), pair_weights)


class Agreement(TypedDict):
    """What two samples of scores say of each other: fields of `LabelFree`."""

    capacity: Capacity
    adaptive: Capacity
    wasserstein: float
    wasserstein_log: float


def agreement(first: npt.ArrayLike, second: npt.ArrayLike, weights: tuple[npt.ArrayLike | None, npt.ArrayLike | None]) -> Agreement:
    """All that scores (N,) and (M,) of two samples of background, with weights, say of each other.

    Raises `UserError` as `approximation_capacity`.
    """
    return Agreement(
        capacity=approximation_capacity(first, second, weights=weights),
        adaptive=approximation_capacity(first, second, weights=weights, energies="adaptive"),
        wasserstein=wasserstein(first, second, weights=weights),
        wasserstein_log=wasserstein(first, second, weights=weights, log=True),
    )


def wasserstein(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    weights: tuple[npt.ArrayLike | None, npt.ArrayLike | None] = (None, None),
    log: bool = False,
) -> float:
    """Wasserstein distance W1 of two samples of scores, (N,) and (M,): the mean distance of scores of equal rank, by weight.

    The area between the two distribution functions, in units of the score; of log(1 + score), negative scores taken as 0, with `log`.
    Raises `UserError` as `approximation_capacity`.
    """
    one, other, pair_weights = _pairs(_sample(first, weights[0], "first sample"), _sample(second, weights[1], "second sample"))
    if log:
        one, other = (np.log1p(np.maximum(scores, 0.0)) for scores in (one, other))
    return float(pair_weights @ np.abs(one - other))


def threshold_drift(
    scores: npt.ArrayLike,
    fpr: float,
    *,
    weights: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
    seed: int = DRIFT_SEED,
) -> Drift | None:
    """How far the false-positive rate of a threshold moves from one half of a sample, on which it was chosen, to the other.

    The halves are drawn by `groups`, (N,) numbers of events that are not independent. The threshold is the lowest score up to which the
    first half has at least 1 - `fpr` of its weight, ceil((1 - fpr) n) of n equal ones; scores above it exceed it. `weights` (N,) have
    mean 1. None when the first half's highest score alone has more than `fpr`.

    Raises `UserError` as `approximation_capacity`, and for a `fpr` that is not between 0 and 1.
    """
    if not 0 < fpr < 1:
        raise UserError(f"a threshold drift needs a false-positive rate between 0 and 1, not {fpr}")
    values, w = _sample(scores, weights, "scores")
    counted = slice(None) if weights is None else np.asarray(weights) > 0
    ids = np.arange(len(values)) if groups is None else np.unique(np.asarray(groups)[counted], return_inverse=True)[1].ravel()
    n = int(ids.max()) + 1
    chosen = (np.random.default_rng(seed).permutation(n) < (n + 1) // 2)[ids]
    if chosen.all() or w[chosen].sum() == 0 or w[~chosen].sum() == 0:
        return None
    threshold = _order_statistic(values[chosen], w[chosen], 1 - fpr)
    if not (w[chosen] * (values[chosen] > threshold)).any():
        return None
    accepted, total = w[~chosen] * (values[~chosen] > threshold), float(w[~chosen].sum())
    exceeded, kept = float(accepted.sum()) / total, w * (values > threshold)
    variances = [_relative_variance(np.asarray(np.bincount(ids[half], kept[half]), np.float64)) for half in (chosen, ~chosen)]
    return Drift(drift_between(exceeded, fpr, total), fpr, exceeded, threshold, expected_drift(variances))


def drift_between(exceeded: float, fpr: float, total: float) -> float:
    """`Drift.value` for the sum `total` of the second half's weights, of mean 1."""
    half = 0.5 / total
    return abs(math.log((exceeded + half) / (fpr + half)))


def expected_drift(variances: Sequence[float]) -> float:
    """Median of |difference of the logarithms| of two independent sums of weights, of relative variances: 0.6745 standard deviations."""
    return 0.6744897501960817 * math.sqrt(sum(variances, 0.0))


def _relative_variance(sums: FloatArray) -> float:
    """Of the sum of the weights of groups (G,)."""
    total = float(sums.sum())
    return float(sums @ sums) / total**2 if total > 0 else 1.0


def _order_statistic(values: FloatArray, weights: FloatArray, fraction: float) -> float:
    """The lowest value up to which there is at least `fraction` of the weight."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    k = int(np.searchsorted(cumulative, fraction * cumulative[-1] * (1 - 1e-12)))
    return float(values[order][min(k, len(order) - 1)])


def _sample(scores: npt.ArrayLike, weights: npt.ArrayLike | None, what: str) -> tuple[FloatArray, FloatArray]:
    values = check_scores(scores, what)
    w = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    if w.shape != values.shape or not (np.isfinite(w) & (w >= 0)).all() or not w.any():
        raise UserError(f"weights of '{what}' must be one finite number per event, none below 0 and not all 0, shape {values.shape}")
    return values[w > 0], w[w > 0]


def _pairs(first: tuple[FloatArray, FloatArray], second: tuple[FloatArray, FloatArray]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Scores of both samples at equal ranks (K,), and the share of all ranks that each pair stands for."""
    sorted_values, edges = [], []
    for values, weights in (first, second):
        order = np.argsort(values, kind="stable")
        cumulative = np.cumsum(weights[order])
        sorted_values.append(values[order])
        edges.append(cumulative / cumulative[-1])
    ends = np.union1d(*edges)
    share = np.diff(ends, prepend=0.0)
    middle = ends - share / 2
    picked = [values[np.minimum(np.searchsorted(edge, middle), len(edge) - 1)] for values, edge in zip(sorted_values, edges, strict=True)]
    return picked[0], picked[1], share


def _energy_gaps(one: FloatArray, other: FloatArray, weights: FloatArray, energies: Energies) -> tuple[FloatArray, FloatArray]:
    """Energy as an ordinary event minus energy as an anomaly, of both events of each pair."""
    from scipy.special import expit

    both, twice = np.concatenate([one, other]), np.concatenate([weights, weights]) / 2
    mean = float(twice @ both)
    scale = math.sqrt(float(twice @ (both - mean) ** 2)) / 4
    p = np.asarray(expit((both - _order_statistic(both, twice, 0.5)) / (scale if scale >= 1e-8 else 1.0)), np.float64)
    gap = 2 * p - 1
    if energies == "adaptive":
        centre = float(twice @ p)
        margin = 0.5 * math.sqrt(float(twice @ (p - centre) ** 2))
        gap += np.maximum(p - (centre - margin), 0) - np.maximum(centre + margin - p, 0)
    return gap[: len(one)], gap[len(one) :]


def _capacity(beta: float, one: FloatArray, other: FloatArray, weights: FloatArray) -> float:
    """The mean of the logarithms depends on the energy gaps only: ln(e^a + e^b) = (a + b)/2 + ln 2 + ln cosh((a - b)/2)."""
    terms = _log_cosh(beta * (one + other) / 2) - _log_cosh(beta * one / 2) - _log_cosh(beta * other / 2)
    return float(weights @ terms) - math.log(2)


def _log_cosh(x: FloatArray) -> FloatArray:
    size = np.abs(x)
    return np.asarray(size + np.log1p(np.exp(-2 * size)) - math.log(2), np.float64)
