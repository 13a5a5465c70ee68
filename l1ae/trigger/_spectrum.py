"""Accepted crossings as a function of the threshold, for all thresholds at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.evaluation import sums_before
from l1ae.trigger._counts import Count, FloatArray, IntArray

__all__ = ["Spectrum", "merged", "spectrum"]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What `score >= threshold` accepts at every score code that occurs.

    `codes` (K,) are the distinct codes, the highest first; `events`, `weight` and `squares` (K,) are the three numbers of
    `Count` for the threshold at that code. Thresholds between two codes that occur accept the same crossings.

    `largest` (K,) is the largest weight that a crossing which was not seen could add. One that is seen above the threshold
    counts in full. One that is seen below it only, at a code where the sum of weights is R times larger, counts 1 / R: crossings
    of its kind are taken to become rare with rising threshold at least as fast as all crossings do. In samples that are stitched
    of slices by hardness, the soft ones weigh most and do so; with equal weights nothing is assumed. It follows from `heaviest` (K,), the
    largest sum of weights of a group with a crossing at each code.
    """

    codes: IntArray
    events: IntArray
    weight: FloatArray
    squares: FloatArray
    largest: FloatArray
    heaviest: FloatArray

    def position(self, threshold: int) -> int:
        """Index of the lowest code that the threshold accepts, -1 when it accepts none."""
        return int(np.searchsorted(-self.codes, -threshold, side="right")) - 1

    def at(self, threshold: int) -> Count:
        """What `score >= threshold` accepts."""
        k = self.position(threshold)
        if k < 0:
            return Count(0, 0.0, 0.0)
        return Count(int(self.events[k]), float(self.weight[k]), float(self.squares[k]), float(self.largest[k]))

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
    growth = w * w if groups is None else w * (w + 2 * sums_before(w, groups[order]))
    falling = np.asarray(scores[order], np.int64)
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)) if len(falling) else np.zeros(0, np.int64)
    total = np.cumsum(w)
    whole = w if groups is None else np.asarray(np.bincount(groups, weights), np.float64)[groups[order]]
    heaviest = np.maximum.reduceat(whole, np.append(0, last[:-1] + 1)) if len(last) else np.zeros(0)
    largest = _largest(heaviest, total[last])
    return Spectrum(falling[last], last.astype(np.int64) + 1, total[last], np.cumsum(growth)[last], largest, heaviest)


def merged(parts: Sequence[Spectrum]) -> Spectrum:
    """Spectrum of several samples that share no group, with codes of the same meaning. Sums are made part by part, in their order."""
    if len(parts) == 1:
        return parts[0]
    codes, where = np.unique(np.concatenate([-part.codes for part in parts]), return_inverse=True)
    where = where.ravel()

    def summed(name: str) -> FloatArray:
        steps = np.concatenate([np.diff(getattr(part, name), prepend=0) for part in parts])
        return np.asarray(np.cumsum(np.bincount(where, steps, len(codes))), np.float64)

    events, weight, squares = (summed(name) for name in ("events", "weight", "squares"))
    heaviest = np.zeros(len(codes))
    np.maximum.at(heaviest, where, np.concatenate([part.heaviest for part in parts]))
    return Spectrum(-codes, np.rint(events).astype(np.int64), weight, squares, _largest(heaviest, weight), heaviest)


def _largest(heaviest: FloatArray, total: FloatArray) -> FloatArray:
    """`Spectrum.largest` from `Spectrum.heaviest` and sums of weights, (K,) each."""
    if not len(total):
        return np.zeros(0)
    above = np.maximum.accumulate(heaviest)
    diluted = np.divide(heaviest, total, out=np.zeros_like(total), where=total > 0)
    below = np.append(np.maximum.accumulate(diluted[::-1])[::-1][1:], 0.0)
    return np.asarray(np.maximum(above, total * below), np.float64)
