"""Signal efficiency at a fixed false-positive rate, read conservatively from scores that may be discrete."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from l1ae.evaluation._estimate import LEVEL, Estimate, FloatArray, FractionEstimate, clopper_pearson
from l1ae.evaluation._ranked import Ranked
from l1ae.evaluation._sample import Sample
from l1ae.results import Count, Fraction, Real

__all__ = ["Falling", "WorkingPoint", "accepted_fraction", "tpr_at_fpr", "tpr_of"]

ENOUGH_TO_SEE_CLUSTERS = 100


@dataclass(frozen=True)
class WorkingPoint:
    """True-positive rate of one signal at one false-positive rate.

    An event is accepted when `score >= threshold`. `threshold`, `fpr` and `tpr` are None when the background is too
    small for `target_fpr`; `note` then says so. `fpr` is what was reached on the background sample: at most the
    target, and less when scores are tied.
    """

    target_fpr: Fraction
    background_events: Count
    threshold: Real | None
    fpr: FractionEstimate | None
    tpr: FractionEstimate | None
    note: str = ""


def tpr_at_fpr(
    background_scores: npt.ArrayLike,
    signal_scores: npt.ArrayLike,
    fpr: float,
    *,
    background_groups: npt.ArrayLike | None = None,
    signal_groups: npt.ArrayLike | None = None,
    background_weights: npt.ArrayLike | None = None,
    signal_weights: npt.ArrayLike | None = None,
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

    With weights all fractions are of the sum of weights, k is the number of highest background events whose weights sum up to at most
    fpr of the total, and the effective number of background events is that for which a binomial fraction has the variance of the
    weighted one (the design effect again, which is below 1 where a tail is populated with small weights).

    Raises `UserError` for no events, NaN or infinite scores, groups or weights of another length, weights that are negative, not
    finite or all 0.
    """
    if lsb is None and np.issubdtype(np.asarray(background_scores).dtype, np.integer):
        lsb = 1.0
    background = Sample.of(background_scores, "background", background_groups, background_weights)
    return tpr_of(Falling.of(background), background, Sample.of(signal_scores, "signal", signal_groups, signal_weights), fpr, lsb)


@dataclass(frozen=True, eq=False)
class Falling:
    """Background scores in falling order (N,), and the sums of the weights of each event and all above it (N,)."""

    scores: FloatArray
    cumulative: FloatArray

    @classmethod
    def of(cls, background: Sample) -> Self:
        """Sort a sample."""
        order = np.argsort(-background.scores, kind="stable")
        if background.weights is None:
            return cls(background.scores[order], np.arange(1.0, len(background) + 1))
        return cls(background.scores[order], np.cumsum(background.weights[order]))

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def total(self) -> float:
        """Sum of all weights."""
        return float(self.cumulative[-1])

    def allowed(self, weight: float) -> int:
        """How many of the highest events have a sum of weights of at most `weight`, forgiving the rounding just below it."""
        return int(np.searchsorted(self.cumulative, weight * (1 + 1e-9), side="right"))

    def fractions(self, thresholds: FloatArray) -> FloatArray:
        """Fraction with `score >= threshold` at each threshold."""
        counts = np.searchsorted(-self.scores, -thresholds, "right")
        return np.asarray(np.append(0.0, self.cumulative)[counts] / self.total, np.float64)

    def score_of(self, k: int) -> float:
        """Of the event with number k, the highest being 0."""
        return float(self.scores[k])

    @property
    def first_weight(self) -> float:
        """Weight of the highest event."""
        return float(self.cumulative[0])

    def above(self, accepted: int, lsb: float | None) -> float:
        """The lowest threshold that accepts at most `accepted` of the background scores."""
        if accepted >= len(self):
            return float(self.scores[-1])
        edge = float(self.scores[accepted])
        return edge + lsb if lsb is not None else float(np.nextafter(edge, math.inf))


def tpr_of(falling: Falling | Ranked, background: Sample | Ranked, signal: Sample | Ranked, fpr: float, lsb: float | None) -> WorkingPoint:
    """As `tpr_at_fpr`, for checked samples; `falling` is `background` in falling order."""
    from scipy.stats import binom

    n = len(falling)
    k = falling.allowed(fpr * falling.total)
    if k == 0:
        return WorkingPoint(fpr, n, None, None, None, _too_few(falling, background, fpr))
    threshold = falling.above(k, lsb)
    effect = background.design_effect(falling.score_of(min(max(k, ENOUGH_TO_SEE_CLUSTERS), n) - 1))
    quantiles = binom.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2], max(round(n / effect), 1), fpr)
    few, many = (falling.allowed(effect * count * (falling.total / n)) for count in quantiles)
    reached = accepted_fraction(background, threshold, effect=effect)
    central = accepted_fraction(signal, threshold)
    tightest = 0.0 if few == 0 else signal.accepted(falling.above(few, lsb))
    loosest = signal.accepted(falling.above(many, lsb))
    low = math.hypot(central.value - central.low, max(central.value - tightest, 0.0))
    high = math.hypot(central.high - central.value, max(loosest - central.value, 0.0))
    interval = Estimate(central.value, max(central.value - low, 0.0), min(central.value + high, 1.0))
    note = "" if reached.value > 0 else "more background events than allowed are tied at the highest score: nothing is accepted"
    return WorkingPoint(fpr, n, threshold, reached, interval, note)


def _too_few(falling: Falling | Ranked, background: Sample | Ranked, fpr: float) -> str:
    """Why a false-positive rate cannot be measured."""
    if not background.weighted:
        return f"not measurable with {len(falling):,} background events, needs at least {math.ceil(1 / fpr * (1 - 1e-12)):,}"
    share = falling.first_weight / falling.total
    return (
        f"not measurable with {len(falling):,} weighted background events, of which the highest score alone has {share:.2g} of the weight"
    )


def accepted_fraction(sample: Sample | Ranked, threshold: float, *, effect: float | None = None) -> Estimate:
    """Fraction of events with `score >= threshold`, with its Clopper-Pearson interval.

    Counts are divided by the design effect, `effect` when given, else that of the sample at this threshold.
    """
    if effect is None:
        effect = sample.design_effect(threshold)
    return clopper_pearson(min(sample.accepted_events(threshold), len(sample)) / effect, len(sample) / effect)
