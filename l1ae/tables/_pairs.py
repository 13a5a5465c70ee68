"""All pairs of columns: tables that tell crossings as they are from crossings with objects put into them.

Noise-contrastive estimation (Gutmann and Hyvärinen, AISTATS 2010): logistic regression between a sample and a reference learns the
logarithm of the ratio of their densities, up to a constant. Here of the reference to the sample, so that anomalies score high.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from l1ae.config import PairsConfig
from l1ae.tables._additive import AdditiveTables, FloatArray, IntArray
from l1ae.tables._edges import edges_of_both
from l1ae.tables._injection import Contrast

__all__ = ["fit_pairs"]

_LAST_RATE = 0.01
"""Learning rate at the end, as a part of the first."""


@dataclass(frozen=True, eq=False)
class _Sample:
    """Bins (N, K), label 0 of crossings and 1 of the reference, importance weights, and how often each event is drawn."""

    bins: IntArray
    label: FloatArray
    weight: FloatArray
    probability: FloatArray


def fit_pairs(columns: Sequence[int], config: PairsConfig, sample: Contrast, seed: int) -> AdditiveTables:
    """Tables of all pairs of some columns, entries log2 of the ratio of probabilities; the same arguments give the same tables."""
    rng = np.random.default_rng(seed)
    found = edges_of_both(sample.codes, sample.weights, sample.reference, config.bins, rng)
    binned = AdditiveTables(tuple(columns), tuple(found[column] for column in columns), (), ())
    events = _sample(binned.bins(sample.codes), sample.weights, binned.bins(sample.reference), config.contrast)
    pairs = np.array([(a, b) for a in range(len(columns)) for b in range(a + 1, len(columns))])
    tables = _fit(events, pairs, [len(edges) + 1 for edges in binned.edges], config, rng)
    return replace(binned, parts=tuple((int(a), int(b)) for a, b in pairs), tables=tuple(tables))


def _sample(crossings: IntArray, weights: FloatArray, reference: IntArray, contrast: float) -> _Sample:
    """Events are drawn by the root of their weight, and weigh what is left of it: rare ones are seen, and no event alone moves much."""
    weight = np.append(contrast * weights / weights.sum(), np.full(len(reference), 1 / len(reference)))
    probability = np.sqrt(weight)
    probability /= probability.sum()
    label = np.repeat([0.0, 1.0], [len(crossings), len(reference)])
    return _Sample(np.concatenate([crossings, reference]), label, weight / probability / (contrast + 1), probability)


def _fit(sample: _Sample, pairs: IntArray, bins: Sequence[int], config: PairsConfig, rng: np.random.Generator) -> list[FloatArray]:
    # numba is loaded where it is needed: that takes as long as everything else together
    from l1ae.tables._loops import descend

    shapes = [(bins[a], bins[b]) for a, b in pairs]
    sizes = np.array([rows * columns for rows, columns in shapes])
    shape = np.cumsum(sizes) - sizes, np.array([columns for _, columns in shapes]), pairs
    table, momentum, square, total, counters = (np.zeros(size) for size in (sizes.sum(),) * 4 + (2,))
    steps = 0
    for epoch in range(config.epochs):
        total[:], steps = 0, -(-len(sample.label) // config.batch_size)
        order = rng.choice(len(sample.label), len(sample.label), p=sample.probability)
        rate = config.learning_rate * (0.5 * (1 + np.cos(np.pi * epoch / config.epochs)) + _LAST_RATE)
        settings = rate, config.decay, config.batch_size
        descend((sample.bins, sample.label, sample.weight), order, shape, (table, momentum, square, total, counters), settings)
    mean = total / steps / np.log(2)
    return [part.reshape(own) for part, own in zip(np.split(mean, shape[0][1:]), shapes, strict=True)]
