"""Scores of one sample, with what each event counts and which events are not independent."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.data import check_weights
from l1ae.errors import UserError
from l1ae.evaluation._estimate import FloatArray, check_scores

__all__ = ["IntArray", "Sample", "compact_groups", "design_effect", "group_numbers"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sample:
    """N events: `scores` float64 (N,), `groups` (N,) as `compact_groups` gives them, positive `weights` (N,).

    `groups` are None where all events are independent, `weights` where all count the same.
    """

    scores: FloatArray
    groups: IntArray | None = None
    weights: FloatArray | None = None

    @classmethod
    def of(cls, scores: npt.ArrayLike, what: str, groups: npt.ArrayLike | None = None, weights: npt.ArrayLike | None = None) -> "Sample":
        """Check and keep the events that count: those of weight 0 are as if they were not there.

        Raises `UserError` for no events, scores that are not finite, groups or weights of another length, weights that are negative,
        not finite or all 0.
        """
        checked = check_scores(scores, what)
        known = None if weights is None else _checked_weights(weights, len(checked), what)
        if known is None or known.all():
            return cls(checked, compact_groups(groups, len(checked)), known)
        compact_groups(groups, len(checked))
        kept = known > 0
        return cls(checked[kept], None if groups is None else compact_groups(np.asarray(groups)[kept], int(kept.sum())), known[kept])

    def __len__(self) -> int:
        return len(self.scores)

    def mean(self, values: npt.NDArray[np.floating] | npt.NDArray[np.bool_]) -> float:
        """Weighted mean of a number per event (N,)."""
        return float(np.average(values, weights=self.weights))

    @property
    def weighted(self) -> bool:
        """Whether events do not all count the same."""
        return self.weights is not None

    def accepted(self, threshold: float) -> float:
        """Weighted fraction with `score >= threshold`."""
        return self.mean(self.scores >= threshold)

    def accepted_events(self, threshold: float) -> float:
        """That of the events, of which a fraction may count."""
        passed = self.scores >= threshold
        return float(np.count_nonzero(passed)) if self.weights is None else self.mean(passed) * len(self)

    def design_effect(self, threshold: float) -> float:
        """See `design_effect`."""
        return design_effect(self.scores, threshold, self.groups, self.weights)

    @property
    def lowest_share(self) -> float:
        """The smallest part of the sample that one event is."""
        return float(self.shares.min())

    @property
    def distribution(self) -> tuple[FloatArray, FloatArray]:
        """Scores and the part of the sample at each."""
        return self.scores, self.shares

    @property
    def shares(self) -> FloatArray:
        """Part (N,) of the sample that each event is; the sum is 1."""
        return np.full(len(self), 1 / len(self)) if self.weights is None else np.asarray(self.weights / self.weights.sum(), np.float64)

    def quantile(self, fraction: float) -> float:
        """Quantile of the scores; with weights the smallest score that at least this part of them lies at or below."""
        if self.weights is None:
            return float(np.quantile(self.scores, fraction))
        return float(np.quantile(self.scores, fraction, method="inverted_cdf", weights=self.weights))

    @property
    def sources(self) -> int:
        """Number of independent groups of events."""
        return len(self) if self.groups is None else int(self.groups.max()) + 1

    @property
    def effective(self) -> float:
        """Independent groups of equal weight that know a mean over all events as well (L. Kish, Survey Sampling, 1965)."""
        if self.weights is None:
            return float(self.sources)
        sums = self.weights if self.groups is None else np.bincount(self.groups, self.weights)
        return float(sums.sum() ** 2 / (sums @ sums))


def compact_groups(groups: npt.ArrayLike | None, n: int) -> IntArray | None:
    """Groups as 0, 1, ... without gaps; None when every event is on its own."""
    if groups is None:
        return None
    given = np.asarray(groups)
    if given.shape != (n,) or not np.issubdtype(given.dtype, np.integer):
        raise UserError(f"groups must be one integer per event, shape ({n},), not {given.dtype} of shape {given.shape}")
    names, compact = np.unique(given, return_inverse=True)
    return None if len(names) == n else compact.astype(np.int64).ravel()


def group_numbers(process: npt.NDArray[np.integer], source_event: npt.NDArray[np.integer]) -> IntArray | None:
    """Numbers (N,) from 0 on, equal for equal (process, source_event); None when no two are equal.

    As `group_ids`, in less memory.
    """
    rising = (process[1:] > process[:-1]) | ((process[1:] == process[:-1]) & (source_event[1:] >= source_event[:-1]))
    # copies mostly come one after the other
    order = np.arange(len(process)) if rising.all() else np.lexsort((source_event, process))
    new = np.ones(len(order), np.bool_)
    new[1:] = (np.diff(process[order]) != 0) | (np.diff(source_event[order]) != 0)
    if new.all():
        return None
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.cumsum(new) - 1
    return numbers


def _checked_weights(weights: npt.ArrayLike, n: int, what: str) -> FloatArray:
    values = np.asarray(weights, np.float64)
    if values.shape != (n,):
        raise UserError(f"weights of '{what}' must be one number per event, shape ({n},), not {values.shape}")
    check_weights(values, f"{what}: ")
    if not values.any():
        raise UserError(f"'{what}': all {n} weights are 0; nothing can be measured on it, use weights of mean 1")
    return values


def design_effect(scores: FloatArray, threshold: float, groups: IntArray | None, weights: FloatArray | None = None) -> float:
    """Variance of the accepted fraction, with groups that are not independent and weights, over that of as many independent events of
    equal weight; without weights at least 1.

    The variance of a ratio of cluster totals (Cochran, Sampling Techniques, section 3.12). Where all or none are accepted, that of
    the weights alone (L. Kish, Survey Sampling, 1965).
    """
    if weights is not None:
        return _weighted_effect(scores >= threshold, groups, weights)
    if groups is None:
        return 1.0
    passed = scores >= threshold
    fraction = float(passed.mean())
    if fraction in (0.0, 1.0):
        return 1.0
    residuals = np.bincount(groups, weights=passed - fraction)
    return max(1.0, float(residuals @ residuals) / (len(scores) * fraction * (1 - fraction)))


def _weighted_effect(passed: npt.NDArray[np.bool_], groups: IntArray | None, weights: FloatArray) -> float:
    residuals, spread = weights, 1.0
    if passed.any() and not passed.all():
        fraction = float(np.average(passed, weights=weights))
        residuals, spread = weights * (passed - fraction), fraction * (1 - fraction)
    sums = residuals if groups is None else np.bincount(groups, residuals)
    return len(passed) * float(sums @ sums) / (float(weights.sum()) ** 2 * spread)
