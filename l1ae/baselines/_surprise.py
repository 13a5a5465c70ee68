"""Surprises: every slot on its own, measured by how rarely its number is reached."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.baselines._columns import Codes, FloatArray, IntArray, Sizes, sizes_of
from l1ae.baselines._training import TrainingEvents

__all__ = ["UNSEEN", "Surprise", "Surprises"]

UNSEEN = 1e-6
"""Survival probability beyond what was seen, where there is no tail to go by."""

_DECADE = 10.0


@dataclass(frozen=True, eq=False)
class Surprise:
    """-log of the survival probability of one column: the weighted fraction of events with a filled slot and at least this code.

    `codes` (M,), rising, are those of filled slots in training, `surprise` (M,) theirs. A code between two of them has the surprise of
    the next one. Beyond the largest the probability falls on with the power of the code that it has over the last decade, `exponent`;
    where there is no such decade (None), it is at most `UNSEEN`. An empty slot is no surprise.
    """

    codes: IntArray
    surprise: FloatArray
    exponent: float | None

    @classmethod
    def of(cls, codes: Codes, filled: npt.NDArray[np.bool_], weights: FloatArray) -> "Surprise":
        """From codes, whether their slots are filled, and weights, (N,) each."""
        found, place = np.unique(codes[filled], return_inverse=True)
        reached = np.cumsum(np.bincount(place.ravel(), weights[filled], minlength=len(found))[::-1])[::-1]
        surprise = -np.log(np.minimum(reached / weights.sum(), 1.0))
        return cls(found.astype(np.int64), surprise, _exponent(found, surprise))

    def __call__(self, codes: Codes, filled: npt.NDArray[np.bool_]) -> FloatArray:
        """(N,) from codes and whether their slots are filled, (N,) each."""
        if not len(self.codes):
            return np.where(filled, -np.log(UNSEEN), 0.0)
        place = np.searchsorted(self.codes, codes)
        inside = place < len(self.codes)
        return np.where(filled, np.where(inside, self.surprise[np.minimum(place, len(self.codes) - 1)], self._beyond(codes)), 0.0)

    def _beyond(self, codes: Codes) -> FloatArray:
        last, least = int(self.codes[-1]), float(self.surprise[-1])
        if self.exponent is None:
            return np.full(len(codes), max(least, -np.log(UNSEEN)))
        return np.asarray(least + self.exponent * np.log(np.maximum(codes, last) / last))


def _exponent(codes: npt.NDArray[np.integer], surprise: FloatArray) -> float | None:
    """Fall of log probability per log code over the last decade of probability; None where the column shows less than that."""
    if not len(codes):
        return None
    before = np.flatnonzero((codes > 0) & (surprise <= surprise[-1] - np.log(_DECADE)))
    if not len(before):
        return None
    start = before[-1]
    return float((surprise[-1] - surprise[start]) / np.log(codes[-1] / codes[start]))


@dataclass(frozen=True, eq=False)
class Surprises:
    """One `Surprise` for the size of every slot."""

    sizes: Sizes
    columns: tuple[Surprise, ...]

    @classmethod
    def of(cls, training: TrainingEvents) -> "Surprises":
        """Learn the survival probabilities of all slots."""
        sizes = sizes_of(training.layout)
        codes, filled = sizes.codes(training.hardware), sizes.filled(training.hardware)
        return cls(sizes, tuple(Surprise.of(codes[:, k], filled[:, k], training.weights) for k in range(len(sizes))))

    def each(self, hardware: Codes) -> FloatArray:
        """(N, K): the surprise of every slot of events (N, size)."""
        codes, filled = self.sizes.codes(hardware), self.sizes.filled(hardware)
        return np.stack([column(codes[:, k], filled[:, k]) for k, column in enumerate(self.columns)], axis=1)

    def total(self, hardware: Codes) -> FloatArray:
        """(N,): their sum, -log of the probability of an event at least as hard if slots were independent."""
        return np.asarray(self.each(hardware).sum(axis=1))

    def largest(self, hardware: Codes) -> FloatArray:
        """(N,): the largest, so that a threshold is a cut on every slot, all at the same rate."""
        return np.asarray(self.each(hardware).max(axis=1))
