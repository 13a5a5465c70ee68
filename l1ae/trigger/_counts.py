"""Weighted counts of crossings, and the rates and intervals that follow from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from l1ae.data import check_weights
from l1ae.errors import UserError
from l1ae.evaluation import LEVEL, Estimate

__all__ = ["WIDE_LEVEL", "Count", "Exposure", "IntervalArrays", "added", "count", "gamma_interval", "prediction_interval"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

WIDE_LEVEL = 0.9544997361036416
"""Confidence level of the wide intervals, two standard deviations of a Gaussian (95.4 %)."""

IntervalArrays = tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class Count:
    """Accepted crossings: their number, their sum of weights, and the sum over independent groups of squared sums of weights.

    `largest` is the largest weight that one more group is taken to add (0: the largest of the whole sample), which only the
    upper ends of intervals depend on.
    """

    events: int
    weight: float
    squares: float
    largest: float = field(default=0.0, compare=False)

    @property
    def effective(self) -> float:
        """Number of independent crossings of equal weight that would be known as well: weight**2 / squares."""
        return self.weight**2 / self.squares if self.squares > 0 else 0.0


def added(parts: Sequence[Count]) -> Count:
    """Count of crossings in parts that share no group."""
    if len(parts) == 1:
        return parts[0]
    events, weight, squares = (sum(getattr(part, name) for part in parts) for name in ("events", "weight", "squares"))
    return Count(events, weight, squares, max((part.largest for part in parts), default=0.0))


def count(weights: npt.ArrayLike, groups: npt.ArrayLike | None = None) -> Count:
    """Count of the crossings with these weights (N,) and group numbers (N,); no groups: every crossing is one.

    One more group is taken to add at most as much as the largest of these.
    """
    values = np.asarray(weights, np.float64)
    sums = values if groups is None or not len(values) else np.bincount(np.unique(groups, return_inverse=True)[1].ravel(), values)
    return Count(len(values), float(values.sum()), float(sums @ sums), float(sums.max(initial=0.0)))


def gamma_interval(weight: npt.ArrayLike, squares: npt.ArrayLike, largest: npt.ArrayLike, level: float = LEVEL) -> IntervalArrays:
    """Central confidence interval of the expectation of a sum of weights; arrays of any shape.

    The gamma interval of Fay and Feuer (Stat. Med. 16 (1997) 791): the lower end is the quantile of a
    gamma distribution with the sum as mean and `squares` as variance, the upper end that after one more crossing of the
    largest weight. With all weights 1 it is the exact interval of Garwood (Biometrika 28 (1936) 437), which covers at
    least `level`.

    `largest` is the largest weight that a group of crossings that was not seen could add.
    """
    from scipy.special import gammaincinv

    y, v, w = (np.asarray(value, np.float64) for value in (weight, squares, largest))
    tail = (1 - level) / 2
    seen = y > 0
    scale = np.divide(v, y, out=np.ones_like(y), where=seen)
    low = np.where(seen, scale * gammaincinv(np.where(seen, y / scale, 1.0), tail), 0.0)
    more = (v + w**2) / (y + w)
    return low, np.asarray(more * gammaincinv((y + w) / more, 1 - tail), np.float64)


def prediction_interval(
    weight: npt.ArrayLike, squares: npt.ArrayLike, largest: float, level: float = LEVEL, *, exposure: float = 1.0
) -> IntervalArrays:
    """Interval that the sum of weights of an independent sample of `exposure` times the size lies in, divided by `exposure`.

    For weights of 1 the exact interval for a future Poisson count (Faulkenberry, JASA 68 (1973) 474), whose ends are
    quantiles of negative binomial distributions. It holds for a threshold chosen on the same sample too: the number of
    future values above the n-th highest one of a continuous distribution is negative binomial, whatever that distribution
    (exceedances: Gumbel and von Schelling, Ann. Math. Stat. 21 (1950) 247), with the parameter n of the lower end; the
    upper end has n + 1. Weighted sums are treated as in `gamma_interval`: as scaled Poisson numbers with the same mean and
    variance (Bohm and Zech, Nucl. Instrum. Meth. A 748 (2014) 1). Ends belong to the interval.
    """
    from scipy.stats import nbinom

    y, v = np.asarray(weight, np.float64), np.asarray(squares, np.float64)
    tail, share = (1 - level) / 2, 1 / (1 + exposure)
    seen = y > 0
    scale = np.divide(v, y, out=np.ones_like(y), where=seen)
    low = np.where(seen, scale * nbinom.ppf(tail, np.where(seen, y / scale, 1.0), share), 0.0)
    more = (v + largest**2) / (y + largest)
    high = more * nbinom.ppf(1 - tail, (y + largest) / more, share)
    return low / exposure, np.asarray(high / exposure, np.float64)


@dataclass(frozen=True)
class Exposure:
    """What turns a count into a rate.

    `weight` is the sum of all weights of the sample, `largest` the largest sum of weights of a group of crossings that are
    not independent, `crossing_khz` the rate of crossings of colliding bunches.
    """

    weight: float
    largest: float
    crossing_khz: float

    @classmethod
    def of(cls, weights: FloatArray, groups: IntArray | None, crossing_khz: float) -> "Exposure":
        """The exposure of a sample. Raises `UserError` for no events, or weights that are negative, not finite or all 0."""
        if not len(weights):
            raise UserError("the zero-bias sample has no events; no rate can be measured on it")
        check_weights(weights, "zero-bias ")
        sums = weights if groups is None else np.bincount(groups, weights)
        if sums.max() == 0:
            raise UserError("all weights of the zero-bias sample are 0; make it again with weights of mean 1")
        return cls(float(weights.sum()), float(sums.max()), crossing_khz)

    @classmethod
    def merged(cls, parts: Sequence["Exposure"]) -> "Exposure":
        """The exposure of samples that share no group."""
        return cls(sum(part.weight for part in parts), max(part.largest for part in parts), parts[0].crossing_khz)

    @property
    def khz_per_weight(self) -> float:
        """kHz that a crossing of weight 1 stands for."""
        return self.crossing_khz / self.weight

    def khz(self, weight: npt.ArrayLike) -> FloatArray:
        """Rate of accepted sums of weights."""
        return np.asarray(weight, np.float64) * self.khz_per_weight

    def interval(self, counted: Count, level: float = LEVEL) -> Estimate:
        """Rate in kHz with its `gamma_interval`; never above the rate of crossings."""
        low, high = gamma_interval(counted.weight, counted.squares, counted.largest or self.largest, level)
        return Estimate(float(self.khz(counted.weight)), float(self.khz(low)), min(float(self.khz(high)), self.crossing_khz))

    def prediction(self, counted: Count, level: float = LEVEL) -> tuple[float, float]:
        """`prediction_interval` in kHz, for an independent sample of the same size."""
        low, high = prediction_interval(counted.weight, counted.squares, counted.largest or self.largest, level)
        return float(self.khz(low)), min(float(self.khz(high)), self.crossing_khz)
