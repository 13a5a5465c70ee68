"""Signal efficiency at a fixed false-positive rate, read conservatively from scores that may be discrete."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from l1ae.evaluation._auc import IntArray, compact_groups
from l1ae.evaluation._estimate import LEVEL, Estimate, FloatArray, check_scores, clopper_pearson

__all__ = ["WorkingPoint", "accepted_fraction", "tpr_at_fpr"]

ENOUGH_TO_SEE_CLUSTERS = 100


@dataclass(frozen=True)
class WorkingPoint:
    """True-positive rate of one signal at one false-positive rate.

    An event is accepted when `score >= threshold`. `threshold`, `fpr` and `tpr` are None when the background is too
    small for `target_fpr`; `note` then says so. `fpr` is what was reached on the background sample: at most the
    target, and less when scores are tied.
    """

    target_fpr: float
    background_events: int
    threshold: float | None
    fpr: Estimate | None
    tpr: Estimate | None
    note: str = ""


def tpr_at_fpr(
    background_scores: npt.ArrayLike,
    signal_scores: npt.ArrayLike,
    fpr: float,
    *,
    background_groups: npt.ArrayLike | None = None,
    signal_groups: npt.ArrayLike | None = None,
    lsb: float | None = None,
) -> WorkingPoint:
    """TPR at the lowest threshold whose FPR on this background does not exceed `fpr`.

    With k = floor(fpr N) the threshold lies one step above the (k+1)-th highest background score: `lsb` above it for
    discrete scores (integers have lsb 1), the next float64 otherwise. The intervals are

    * of the FPR that was reached: Clopper and Pearson;
    * of the TPR: the error of the signal efficiency (Clopper and Pearson) and that of the threshold, in quadrature.
      The number of background events above the true threshold is binomial with mean fpr N, so its quantiles say
      between which ordered background scores the true threshold lies (order-statistic interval of a quantile, David
      and Nagaraja, Order Statistics, section 7.1), and TPR is read there. Where even 0 events are likely, nothing
      bounds the threshold from above and the lower end of the TPR is 0.

    When events share a source, all counts are divided by the design effect, the ratio of the clustered to the binomial
    variance of the FPR (Korn and Graubard, Survey Methodology 24 (1998) 193), estimated from at least the 100 highest
    background events.

    Raises `UserError` for no events, NaN or infinite scores, or groups of another length.
    """
    if lsb is None and np.issubdtype(np.asarray(background_scores).dtype, np.integer):
        lsb = 1.0
    background, signal = check_scores(background_scores, "background"), check_scores(signal_scores, "signal")
    b_groups, s_groups = compact_groups(background_groups, len(background)), compact_groups(signal_groups, len(signal))
    falling = np.sort(background)[::-1]
    return tpr_of_sorted(falling, background, signal, fpr, background_groups=b_groups, signal_groups=s_groups, lsb=lsb)


def tpr_of_sorted(
    falling: FloatArray,
    background: FloatArray,
    signal: FloatArray,
    fpr: float,
    *,
    background_groups: IntArray | None,
    signal_groups: IntArray | None,
    lsb: float | None,
) -> WorkingPoint:
    """As `tpr_at_fpr`, for checked arrays; `falling` is `background` in falling order."""
    n = len(falling)
    k = _floor(fpr * n)
    if k == 0:
        needed = math.ceil(1 / fpr * (1 - 1e-12))
        return WorkingPoint(fpr, n, None, None, None, f"not measurable with {n:,} background events, needs at least {needed:,}")
    threshold = _above(falling, k, lsb)
    effect = design_effect(background, falling[min(max(k, ENOUGH_TO_SEE_CLUSTERS), n) - 1], background_groups)
    quantiles = binom.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2], max(round(n / effect), 1), fpr)
    few, many = (_floor(effect * count) for count in quantiles)
    reached = accepted_fraction(background, threshold, effect=effect)
    central = accepted_fraction(signal, threshold, groups=signal_groups)
    tightest = 0.0 if few == 0 else float(np.mean(signal >= _above(falling, few, lsb)))
    loosest = float(np.mean(signal >= _above(falling, many, lsb)))
    low = math.hypot(central.value - central.low, max(central.value - tightest, 0.0))
    high = math.hypot(central.high - central.value, max(loosest - central.value, 0.0))
    interval = Estimate(central.value, max(central.value - low, 0.0), min(central.value + high, 1.0))
    note = "" if reached.value > 0 else "more background events than allowed are tied at the highest score: nothing is accepted"
    return WorkingPoint(fpr, n, threshold, reached, interval, note)


def accepted_fraction(scores: FloatArray, threshold: float, *, groups: IntArray | None = None, effect: float | None = None) -> Estimate:
    """Fraction of events with `score >= threshold`, with its Clopper-Pearson interval.

    Counts are divided by the design effect, `effect` when given, else that of `groups` at this threshold.
    """
    if effect is None:
        effect = design_effect(scores, threshold, groups)
    passed = int(np.count_nonzero(scores >= threshold))
    return clopper_pearson(passed / effect, len(scores) / effect)


def design_effect(scores: FloatArray, threshold: float, groups: IntArray | None) -> float:
    """Variance of the accepted fraction with correlated groups over that of independent events; at least 1.

    The variance of a ratio of cluster totals (Cochran, Sampling Techniques, section 3.12).
    """
    if groups is None:
        return 1.0
    passed = scores >= threshold
    fraction = float(passed.mean())
    if fraction in (0.0, 1.0):
        return 1.0
    residuals = np.bincount(groups, weights=passed - fraction)
    return max(1.0, float(residuals @ residuals) / (len(scores) * fraction * (1 - fraction)))


def _floor(count: float) -> int:
    """Floor of a count, forgiving the rounding of `fpr x N` just below an integer."""
    return math.floor(count * (1 + 1e-9))


def _above(falling: FloatArray, accepted: int, lsb: float | None) -> float:
    """The lowest threshold that accepts at most `accepted` of the background scores."""
    if accepted >= len(falling):
        return float(falling[-1])
    edge = float(falling[accepted])
    return edge + lsb if lsb is not None else float(np.nextafter(edge, math.inf))
