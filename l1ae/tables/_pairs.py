"""All pairs of columns: tables that tell crossings as they are from crossings with objects put into them.

Noise-contrastive estimation (Gutmann and Hyvärinen, AISTATS 2010): logistic regression between a sample and a reference learns the
logarithm of the ratio of their densities, up to a constant. Here of the reference to the sample, so that anomalies score high.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from l1ae.config import InputsConfig, PairsConfig
from l1ae.tables._additive import AdditiveTables, Codes, FloatArray, IntArray
from l1ae.tables._injection import Injection

__all__ = ["fit_pairs"]

_EDGES_POWER = 0.3
"""Of the weights of crossings in the sample whose quantiles are the edges: the tail takes part in it."""

_LAST_RATE = 0.01
"""Learning rate at the end, as a part of the first."""


@dataclass(frozen=True, eq=False)
class _Sample:
    """Bins (N, K), label 0 of crossings and 1 of the reference, importance weights, and how often each event is drawn."""

    bins: IntArray
    label: FloatArray
    weight: FloatArray
    probability: FloatArray


def fit_pairs(inputs: InputsConfig, config: PairsConfig, codes: Codes, weights: FloatArray, seed: int) -> AdditiveTables:
    """Tables of all pairs of columns of `inputs.columns` that the hardware has, entries log2 of the ratio of probabilities.

    `codes` (N, selected columns) and `weights` (N,) are training events. The same arguments give the same tables. Raises `UserError`
    for a layout without energies.
    """
    rng = np.random.default_rng(seed)
    reference = inputs.event(_reference(inputs, config, codes, weights, rng).astype(codes.dtype))
    events, columns = inputs.event(codes), tuple(np.flatnonzero(inputs.columns.present).tolist())
    edges = tuple(_quantiles(codes, config.bins) for codes in _together(events, weights, reference, rng)[:, columns].T)
    binned = AdditiveTables(columns, edges, (), ())
    sample = _sample(binned.bins(events), weights, binned.bins(reference), config.contrast)
    pairs = np.array([(a, b) for a in range(len(columns)) for b in range(a + 1, len(columns))])
    tables = _fit(sample, pairs, [len(found) + 1 for found in edges], config, rng)
    return AdditiveTables(columns, edges, tuple((int(a), int(b)) for a, b in pairs), tuple(tables))


def _reference(inputs: InputsConfig, config: PairsConfig, codes: Codes, weights: FloatArray, rng: np.random.Generator) -> Codes:
    """Crossings with objects put into them, equally many of each kind."""
    injection = Injection.of(inputs.selected, codes, weights)
    share = -(-config.reference_events // (len(config.injected) + 1))

    def drawn() -> Codes:
        return codes[rng.choice(len(codes), share, p=weights / weights.sum())]

    kinds = [injection.added(drawn(), mean, rng) for mean in config.injected]
    return np.concatenate([*kinds, injection.replaced(drawn(), rng)])


def _together(events: Codes, weights: FloatArray, reference: Codes, rng: np.random.Generator) -> Codes:
    """Equally many crossings and events of the reference: their quantiles are the edges of bins."""
    softened = weights**_EDGES_POWER
    return np.concatenate([events[rng.choice(len(events), len(reference), p=softened / softened.sum())], reference])


def _quantiles(codes: Codes, bins: int) -> IntArray:
    """Of the codes above 0; the first edge tells the empty slot."""
    filled = np.sort(codes[codes > 0])
    if not len(filled):
        return np.ones(1, np.int64)
    places = (np.arange(bins - 1) * (len(filled) - 1) / (bins - 1)).astype(int)
    return np.unique(np.append(1, filled[places[1:]])).astype(np.int64)


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
