"""The pairwise density tree: a joint probability of all slots in which every slot depends on one other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from l1ae.baselines._columns import Codes, FloatArray, IntArray, Sizes, sizes_of
from l1ae.baselines._training import TrainingEvents

__all__ = ["BULK", "POPULATED", "SMOOTHING", "TAILS", "DensityTree"]

BULK = (0.0, 1 / 3, 2 / 3)
"""Weighted quantiles of the codes of filled slots at which bins begin."""

TAILS = tuple(10.0**-k for k in range(1, 7))
"""Fractions of the filled slots that lie above the bins' lower edges in the tail."""

POPULATED = 10
"""Training events that a bin of the tail and those above it must have together."""

SMOOTHING = 1e-5
"""Weight, as a part of that of all events, with which the distribution of a slot without its parent is mixed in."""

_BLOCK = 8192
_OPERATIONS = 1e11
"""Multiplications that pairs are counted with at most; with very many slots, on every n-th event."""


@dataclass(frozen=True, eq=False)
class DensityTree:
    """-log p(event), p = product over slots k of p(bin of k | bin of its parent) (Chow and Liu, IEEE Trans. Inf. Theory 14 (1968) 462).

    Bin 0 of a slot is the empty slot, bin b > 0 the codes from `edges[k][b - 1]` up to the next edge; what lies below the first edge
    belongs to the first bin, and what lies beyond the last edge to the last one, which has no end. `parents` are slots, -1 that of the
    root. `tables[k]` holds -log p of shape (bins of the parent, bins of k), (1, bins) of the root.
    """

    sizes: Sizes
    edges: tuple[IntArray, ...]
    parents: tuple[int, ...]
    tables: tuple[FloatArray, ...]

    @classmethod
    def of(
        cls, training: TrainingEvents, *, bulk: Sequence[float] = BULK, tails: Sequence[float] = TAILS, smoothing: float = SMOOTHING
    ) -> "DensityTree":
        """Bins, the tree with the largest sum of weighted mutual information, and its tables, from training events."""
        sizes = sizes_of(training.layout)
        codes, filled = sizes.codes(training.hardware), sizes.filled(training.hardware)
        edges = tuple(
            _edges(codes[filled[:, k], k], training.weights[filled[:, k]], (*bulk, *(1 - tail for tail in tails)))
            for k in range(len(sizes))
        )
        joint = _Joint.of(_bins(edges, codes, filled), np.array([max(len(e), 1) + 1 for e in edges]), training.weights)
        parents = _parents(joint.information())
        return cls(sizes, edges, parents, tuple(joint.table(k, parent, smoothing) for k, parent in enumerate(parents)))

    def bins(self, hardware: Codes) -> IntArray:
        """(N, K) of events (N, size)."""
        return _bins(self.edges, self.sizes.codes(hardware), self.sizes.filled(hardware))

    def __call__(self, hardware: Codes) -> FloatArray:
        """(N,)."""
        bins, total = self.bins(hardware), np.zeros(len(hardware))
        for k, (parent, table) in enumerate(zip(self.parents, self.tables, strict=True)):
            total += table[0 if parent < 0 else bins[:, parent], bins[:, k]]
        return total


def _edges(codes: Codes, weights: FloatArray, quantiles: Sequence[float]) -> IntArray:
    """Lower edges of bins at weighted quantiles of codes (n,); none that would leave fewer than `POPULATED` events above, but the first."""
    found, place, events = np.unique(codes, return_inverse=True, return_counts=True)
    if not len(found):
        return np.zeros(0, np.int64)
    up_to = np.cumsum(np.bincount(place.ravel(), weights))
    # a step more than rounding, so that a quantile at the end of a code's share is the next code
    at = np.searchsorted(up_to, np.array(quantiles) * up_to[-1] * (1 + 1e-12), side="right")
    above = np.cumsum(events[::-1])[::-1]
    chosen = np.unique(np.minimum(at, len(found) - 1))
    return found[[k for k in chosen if k == 0 or above[k] >= POPULATED]].astype(np.int64)


def _bins(edges: Sequence[IntArray], codes: Codes, filled: npt.NDArray[np.bool_]) -> IntArray:
    found = [np.maximum(np.searchsorted(edge, codes[:, k], side="right"), 1) for k, edge in enumerate(edges)]
    return np.where(filled, np.stack(found, axis=1), 0)


@dataclass(frozen=True, eq=False)
class _Joint:
    """Summed weights of all pairs of bins, (B, B) with B bins of all slots; slot k has those from `first[k]` on."""

    weight: FloatArray
    first: IntArray
    bins: IntArray

    @classmethod
    def of(cls, bins: IntArray, number: IntArray, weights: FloatArray) -> "_Joint":
        first = np.cumsum(number) - number
        size = int(number.sum())
        step = max(1, round(len(bins) * size**2 / _OPERATIONS))
        bins, weights = bins[::step], weights[::step]
        joint = np.zeros((size, size))
        for start in range(0, len(bins), _BLOCK):
            block = bins[start : start + _BLOCK]
            seen = np.zeros((len(block), size))
            np.put_along_axis(seen, block + first, 1.0, axis=1)
            joint += seen.T @ (seen * weights[start : start + _BLOCK, None])
        return cls(joint, first, number)

    @property
    def total(self) -> float:
        return float(np.diag(self.weight)[: self.bins[0]].sum())

    def _of(self, k: int) -> slice:
        return slice(self.first[k], self.first[k] + self.bins[k])

    def information(self) -> FloatArray:
        """Mutual information (K, K) of slots in nats; the entropy of each on the diagonal."""
        p = self.weight / self.total
        own = np.diag(p)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(p > 0, p * np.log(p / np.outer(own, own)), 0.0)
        return np.maximum(np.add.reduceat(np.add.reduceat(terms, self.first, axis=0), self.first, axis=1), 0.0)

    def table(self, k: int, parent: int, smoothing: float) -> FloatArray:
        """-log p of slot k's bins given its parent's, (bins of the parent, bins of k)."""
        added = smoothing * self.total
        own = np.diag(self.weight)[self._of(k)] + added / self.bins[k]
        counts = own[None] if parent < 0 else self.weight[self._of(parent), self._of(k)] + added * own / own.sum()
        return np.asarray(-np.log(counts / counts.sum(axis=1, keepdims=True)))


def _parents(information: FloatArray) -> tuple[int, ...]:
    """The parent of each slot in the maximum spanning tree, -1 of the first one."""
    # an entry of 0 would count as no edge, and two slots may share no information
    tree = minimum_spanning_tree(-(information + 1.0))
    _, before = breadth_first_order(tree, 0, directed=False)
    return tuple(max(int(slot), -1) for slot in before)
