"""Compiled loop that counts pairs of bins."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["add_pairs"]

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
