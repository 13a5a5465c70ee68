"""A number with its interval, and how both are written."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.results import Real, check_that

__all__ = ["LEVEL", "Estimate", "FractionEstimate", "RateEstimate", "check_scores", "clopper_pearson", "format_estimate"]

FloatArray = npt.NDArray[np.float64]

LEVEL = math.erf(1 / math.sqrt(2))
"""Confidence level of every interval, that of one standard deviation of a Gaussian (68.3 %)."""


@dataclass(frozen=True)
class Estimate:
    """A measured value and the ends of its 68.3 % confidence interval, all in the same unit."""

    value: Real
    low: Real
    high: Real

    def __str__(self) -> str:
        return format_estimate(self)


# sums of weights are rounded
_ROUNDING = 1e-9

RateEstimate = Annotated[Estimate, check_that(lambda found: min(found.value, found.low, found.high) >= -_ROUNDING, "is below zero")]
"""A rate or another number that is never negative."""

FractionEstimate = Annotated[
    Estimate,
    check_that(lambda found: all(-_ROUNDING <= end <= 1 + _ROUNDING for end in (found.value, found.low, found.high)), "is no fraction"),
]
"""A share of a whole: an efficiency, a probability, an AUC."""


def format_estimate(estimate: Estimate, unit: float = 1.0) -> str:
    """`0.8523 ± 0.0021`, or `0.0031 +0.0012 −0.0009` when the two errors differ by more than 20 %.

    The smaller error decides the digits by the rule of the Particle Data Group (Review of Particle Physics,
    Introduction, section 5.3): two digits when its three leading digits are at most 354, one up to 949, and
    above that it is rounded up to 1000 and keeps two. Both numbers are divided by `unit`, for example 0.01 for percent.
    """
    value, up, down = (x / unit for x in (estimate.value, estimate.high - estimate.value, estimate.value - estimate.low))
    errors = [error for error in (up, down) if error > 0]
    if not errors:
        return f"{value:.6g}".replace("-", "−")
    decimals = _decimals(min(errors))
    number = _fixed(value, decimals)
    if _fixed(up, decimals) == _fixed(down, decimals) or abs(up - down) <= 0.2 * max(up, down):
        return f"{number} ± {_fixed((up + down) / 2, decimals)}"
    return f"{number} +{_fixed(up, decimals)} −{_fixed(down, decimals)}"


def _decimals(error: float) -> int:
    exponent = math.floor(math.log10(error))
    leading = round(error / 10.0 ** (exponent - 2))
    return 1 - exponent if leading <= 354 else -exponent


def _fixed(value: float, decimals: int) -> str:
    rounded = round(value, decimals)
    return f"{rounded + 0.0:.{max(decimals, 0)}f}".replace("-", "−")


def clopper_pearson(passed: float, total: float, level: float = LEVEL) -> Estimate:
    """Efficiency `passed / total` with the exact binomial interval of Clopper and Pearson (Biometrika 26 (1934) 404).

    It covers at least `level`, usually more. Counts need not be integers: an effective number of independent
    events may be handed over instead (Korn and Graubard, Survey Methodology 24 (1998) 193).
    Raises `UserError` unless 0 <= passed <= total and total > 0.
    """
    if not 0 <= passed <= total or total == 0:
        raise UserError(f"an efficiency needs 0 <= passed <= total and total > 0, not {passed} of {total}")
    from scipy.stats import beta

    tail = (1 - level) / 2
    low = 0.0 if passed == 0 else float(beta.ppf(tail, passed, total - passed + 1))
    high = 1.0 if passed == total else float(beta.ppf(1 - tail, passed + 1, total - passed))
    return Estimate(passed / total, low, high)


def normal_quantile() -> float:
    """Number of standard deviations on either side that make up `LEVEL`."""
    return NormalDist().inv_cdf((1 + LEVEL) / 2)


def check_scores(scores: npt.ArrayLike, what: str) -> FloatArray:
    """`scores` as float64, (N,). Raises `UserError` when they are empty, not one-dimensional, NaN or infinite."""
    values: npt.NDArray[Any] = np.asarray(scores)
    if values.ndim != 1:
        raise UserError(f"scores of '{what}' must be one number per event, an array of shape (N,), not {values.shape}")
    if len(values) == 0:
        raise UserError(f"'{what}' has no events; nothing can be measured on it")
    result = values.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(result))
    if len(bad):
        raise UserError(
            f"'{what}': event {bad[0]} has the score {result[bad[0]]} ({len(bad)} of {len(result)} are not finite); "
            "the model that made it is broken, look at its weights and at the inputs of this event"
        )
    return result
