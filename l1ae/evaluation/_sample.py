"""Scores of one sample, with what each event counts and which events are not independent."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.data import check_weights
from l1ae.errors import UserError
from l1ae.evaluation._estimate import FloatArray, check_scores

__all__ = ["IntArray", "Sample", "compact_groups"]

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


def _checked_weights(weights: npt.ArrayLike, n: int, what: str) -> FloatArray:
    values = np.asarray(weights, np.float64)
    if values.shape != (n,):
        raise UserError(f"weights of '{what}' must be one number per event, shape ({n},), not {values.shape}")
    check_weights(values, f"{what}: ")
    if not values.any():
        raise UserError(f"'{what}': all {n} weights are 0; nothing can be measured on it, use weights of mean 1")
    return values
