"""Where the bins of a column begin, and what lies beyond the last."""

from collections.abc import Sequence

import numpy as np

from l1ae.inputs import Spectrum
from l1ae.tables._additive import Codes, FloatArray, IntArray

__all__ = ["edges_at", "edges_of_both", "power_law_tail"]

_DECADE = 10.0
_SOFTENED = 0.3
_LEAST = 2.0**-40  # of a probability, so that its logarithm is a number


def edges_at(spectrum: Spectrum, quantiles: Sequence[float], populated: int) -> IntArray:
    """Rising codes at weighted quantiles of a spectrum; none, but the first, that leaves fewer than `populated` effective entries above."""
    if not len(spectrum.codes):
        return np.zeros(0, np.int64)
    up_to = np.cumsum(spectrum.weight)
    # a step more than rounding, so that a quantile at the end of a code's share is the next code
    at = np.searchsorted(up_to, np.array(quantiles) * up_to[-1] * (1 + 1e-12), side="right")
    chosen = np.unique(np.minimum(at, len(spectrum.codes) - 1))
    above = _reached(spectrum.weight) ** 2 / _reached(spectrum.square)
    return spectrum.codes[[k for k in chosen.tolist() if k == 0 or above[k] >= populated]]


def _reached(values: FloatArray) -> FloatArray:
    """Sum of each value and all behind it."""
    return np.cumsum(values[::-1])[::-1]


def power_law_tail(spectrum: Spectrum, last: int, high: int) -> tuple[IntArray, FloatArray]:
    """Edges at every doubling of the code `last` up to `high`, and the parts of the bin from `last` on that lie in each bin then.

    The survival probability falls on with the power of the code that it has over the decade before `last`; no edges and one bin where
    a column shows less than that. The parts, one more than the edges, sum to 1.
    """
    reached = _reached(spectrum.weight)
    at = int(np.searchsorted(spectrum.codes, last))
    if last <= 0 or at >= len(reached):
        return np.zeros(0, np.int64), np.ones(1)
    before = np.flatnonzero((spectrum.codes > 0) & (spectrum.codes < last) & (reached <= _DECADE * reached[at]))
    if not len(before):
        return np.zeros(0, np.int64), np.ones(1)
    start = int(before[0])
    power = np.log(reached[start] / reached[at]) / np.log(last / spectrum.codes[start])
    edges = last * 2 ** np.arange(1, max(int(high // last).bit_length(), 1), dtype=np.int64)
    survive = 2.0 ** (-power * np.arange(len(edges) + 1))
    return edges, np.maximum(survive - np.append(survive[1:], 0.0), _LEAST)


def edges_of_both(codes: Codes, weights: FloatArray, reference: Codes, bins: int, rng: np.random.Generator) -> list[IntArray]:
    """Edges of every column (size,) at quantiles of the codes above 0 of events (N, size) with weights (N,) and of a reference together.

    The tail of the events takes part: they are drawn by a power of their weight, as many as the reference has. The first edge, 1, tells
    the empty slot.
    """
    softened = weights**_SOFTENED
    some = codes[rng.choice(len(codes), len(reference), p=softened / softened.sum())]
    return [_quantiles(np.concatenate(pair), bins) for pair in zip(some.T, reference.T, strict=True)]


def _quantiles(codes: Codes, bins: int) -> IntArray:
    filled = np.sort(codes[codes > 0])
    if not len(filled):
        return np.ones(1, np.int64)
    places = (np.arange(bins - 1) * (len(filled) - 1) / (bins - 1)).astype(int)
    return np.unique(np.append(1, filled[places[1:]])).astype(np.int64)
