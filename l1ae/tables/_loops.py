"""Compiled loops over events: pairs of bins are counted, and tables of pairs trained."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["add_pairs", "descend"]

Array = npt.NDArray[Any]


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def add_pairs(bins: Array, weights: Array, joint: Array) -> None:
    """Add the weights (N,) of events to joint (B, B) at every pair of their bins (N, K), k-th with those before it and with itself."""
    for n in range(len(weights)):
        own, weight = bins[n], weights[n]
        for a in range(len(own)):
            row = joint[own[a]]
            for b in range(a + 1):
                row[np.uint32(own[b])] += weight


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def descend(sample: Any, order: Array, shape: Any, state: Any, settings: Any) -> None:
    """One epoch of Adam (arXiv:1412.6980) on the logistic loss, in batches of events in the given order; `state` is changed.

    The last row of the state is the sum of the entries after each step, of which the mean is kept.
    """
    bins, label, weight = sample
    first, stride, pairs = shape
    table, momentum, square, total, counters = state
    rate, decay, batch = settings
    gradient = np.zeros_like(table)
    for start in range(0, len(order), batch):
        events = order[start : start + batch]
        gradient[:] = decay * table
        slope = 0.0
        for n in events:
            score = counters[0]
            for p in range(len(pairs)):
                score += table[first[p] + bins[n, pairs[p, 0]] * stride[p] + bins[n, pairs[p, 1]]]
            error = weight[n] * (1.0 / (1.0 + np.exp(-score)) - label[n]) / len(events)
            slope += error
            for p in range(len(pairs)):
                gradient[first[p] + bins[n, pairs[p, 0]] * stride[p] + bins[n, pairs[p, 1]]] += error
        counters[1] += 1
        counters[0] -= rate * slope / 2
        one, two = 1 - 0.9 ** counters[1], 1 - 0.999 ** counters[1]
        for i in range(len(table)):
            momentum[i] += 0.1 * (gradient[i] - momentum[i])
            square[i] += 0.001 * (gradient[i] * gradient[i] - square[i])
            table[i] -= rate * (momentum[i] / one) / (np.sqrt(square[i] / two) + 1e-6)
            total[i] += table[i]
