"""Weighted counts of all pairs of bins, and what the dependences of columns are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.tables._additive import FloatArray, IntArray

__all__ = ["ROOT", "Joint", "tree_of"]

ROOT = -1
"""The parent of a column that has none."""


@dataclass(frozen=True, eq=False)
class Joint:
    """Summed weights of all pairs of bins, (B, B) with B bins of all columns; column k has those from `first[k]` on, `bins[k]` of them."""

    weight: FloatArray
    first: IntArray
    bins: IntArray

    @classmethod
    def empty(cls, edges: Sequence[IntArray]) -> "Joint":
        """Before any event."""
        bins = np.array([len(found) + 1 for found in edges], np.int64)
        return cls(np.zeros((int(bins.sum()),) * 2), np.cumsum(bins) - bins, bins)

    def add(self, bins: IntArray, weights: FloatArray) -> None:
        """Events with bins (N, K) and weights (N,), in their order: however they are cut into blocks, the bits are the same."""
        # numba is loaded where it is needed: that takes as long as everything else together
        from l1ae.tables._loops import add_pairs

        add_pairs((bins + self.first).astype(np.int32), weights, self.weight)

    @property
    def total(self) -> float:
        """Sum of the weights of all events."""
        return float(np.diag(self.weight)[: self.bins[0]].sum())

    def of(self, k: int) -> slice:
        """The bins of a column."""
        return slice(self.first[k], self.first[k] + self.bins[k])

    def alone(self, k: int) -> FloatArray:
        """Weights of the bins of a column."""
        return np.diag(self.weight)[self.of(k)].copy()

    def pair(self, a: int, b: int) -> FloatArray:
        """Weights (bins of a, bins of b) of two columns."""
        return self.weight[self.of(a), self.of(b)].copy() if a > b else self.weight[self.of(b), self.of(a)].T.copy()

    def information(self) -> FloatArray:
        """Mutual information (K, K) of columns in bits, from below the diagonal; 0 elsewhere."""
        p = self.weight / self.total
        own = np.diag(p)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(p > 0, p * np.log2(p / np.outer(own, own)), 0.0)
        found = np.add.reduceat(np.add.reduceat(terms, self.first, axis=0), self.first, axis=1)
        return np.tril(np.maximum(found, 0.0), -1)


def tree_of(information: npt.NDArray[np.float64]) -> tuple[int, ...]:
    """The parent of each column in the maximum spanning tree of the mutual information (K, K), `ROOT` of the first one."""
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    # an entry of 0 would count as no edge, and two columns may share no information
    below = np.tril(np.ones_like(information, np.bool_), -1)
    tree = minimum_spanning_tree(np.where(below, -(information + 1.0), 0.0))
    _, before = breadth_first_order(tree, 0, directed=False)
    return tuple(max(int(column), ROOT) for column in before)
