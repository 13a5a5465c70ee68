"""Accepted crossings as a function of the threshold, for all thresholds at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.trigger._counts import Count, FloatArray, IntArray

__all__ = ["Spectrum", "spectrum"]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What `score >= threshold` accepts at every score code that occurs.

    `codes` (K,) are the distinct codes, the highest first; `events`, `weight` and `squares` (K,) are the three numbers of
    `Count` for the threshold at that code. Thresholds between two codes that occur accept the same crossings.
    """

    codes: IntArray
    events: IntArray
    weight: FloatArray
    squares: FloatArray

    def position(self, threshold: int) -> int:
        """Index of the lowest code that the threshold accepts, -1 when it accepts none."""
        return int(np.searchsorted(-self.codes, -threshold, side="right")) - 1

    def at(self, threshold: int) -> Count:
        """What `score >= threshold` accepts."""
        k = self.position(threshold)
        return Count(0, 0.0, 0.0) if k < 0 else Count(int(self.events[k]), float(self.weight[k]), float(self.squares[k]))

    def below(self, threshold: int) -> int | None:
        """The highest code that the threshold does not accept; None when it accepts all."""
        k = self.position(threshold) + 1
        return int(self.codes[k]) if k < len(self.codes) else None


def spectrum(scores: npt.NDArray[np.integer], weights: FloatArray, groups: IntArray | None = None) -> Spectrum:
    """Spectrum of crossings with integer scores (N,), weights (N,) and group numbers (N,), by one sort.

    When a crossing of weight w joins a group of which the sum W is accepted already, the sum of squares rises by
    (W + w)**2 - W**2.
    """
    order = np.argsort(scores, kind="stable")[::-1]
    w = weights[order]
    growth = w * w if groups is None else w * (w + 2 * _sum_before(w, groups[order]))
    falling = np.asarray(scores[order], np.int64)
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)) if len(falling) else np.zeros(0, np.int64)
    return Spectrum(falling[last], last.astype(np.int64) + 1, np.cumsum(w)[last], np.cumsum(growth)[last])


def _sum_before(weights: FloatArray, groups: IntArray) -> FloatArray:
    """For each crossing the sum of weights of earlier ones of its group, (N,)."""
    order = np.argsort(groups, kind="stable")
    g = groups[order]
    first = np.flatnonzero(np.append(True, g[1:] != g[:-1])[: len(g)])
    before = weights[order]
    before = np.cumsum(before) - before
    before -= np.repeat(before[first], np.diff(np.append(first, len(g))))
    result = np.empty_like(before)
    result[order] = before
    return result
