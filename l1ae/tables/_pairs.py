"""All pairs of columns: tables that tell crossings as they are from crossings with objects put into them.

Noise-contrastive estimation (Gutmann and Hyvärinen, AISTATS 2010): logistic regression between a sample and a reference learns the
logarithm of the ratio of their densities, up to a constant. Here of the reference to the sample, so that anomalies score high.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from l1ae.config import PairsConfig
from l1ae.errors import UserError
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


def fit_pairs(columns: Sequence[int], config: PairsConfig, sample: Contrast, seed: int, *, checked: bool = True) -> AdditiveTables:
    """Tables of all pairs of some columns, entries log2 of the ratio of probabilities; the same arguments give the same tables.

    When `checked`, raises `UserError` where they tell crossings and reference no better apart than no tables do.
    """
    rng = np.random.default_rng(seed)
    found = edges_of_both(sample.codes, sample.weights, sample.reference, config.bins, rng)
    binned = AdditiveTables(tuple(columns), tuple(found[column] for column in columns), (), ())
    events = _sample(binned.bins(sample.codes), sample.weights, binned.bins(sample.reference), config.contrast)
    pairs = np.array([(a, b) for a in range(len(columns)) for b in range(a + 1, len(columns))])
    tables = _fit(events, pairs, [len(edges) + 1 for edges in binned.edges], config, rng, checked=checked)
    return replace(binned, parts=tuple((int(a), int(b)) for a, b in pairs), tables=tuple(tables))


def _sample(crossings: IntArray, weights: FloatArray, reference: IntArray, contrast: float) -> _Sample:
    """Events are drawn by the root of their weight, and weigh what is left of it: rare ones are seen, and no event alone moves much."""
    weight = np.append(contrast * weights / weights.sum(), np.full(len(reference), 1 / len(reference)))
    probability = np.sqrt(weight)
    probability /= probability.sum()
    label = np.repeat([0.0, 1.0], [len(crossings), len(reference)])
    return _Sample(np.concatenate([crossings, reference]), label, weight / probability / (contrast + 1), probability)


def _fit(
    sample: _Sample, pairs: IntArray, bins: Sequence[int], config: PairsConfig, rng: np.random.Generator, *, checked: bool = True
) -> list[FloatArray]:
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
    mean = total / steps
    if checked:
        _check_gain(sample, mean, shape, order[:_CHECKED], config)
    mean /= np.log(2)
    return [part.reshape(own) for part, own in zip(np.split(mean, shape[0][1:]), shapes, strict=True)]


_CHECKED = 20_000
"""Drawn events on which it is checked that something was learnt."""


def _check_gain(sample: _Sample, table: FloatArray, shape: tuple[IntArray, ...], order: IntArray, config: PairsConfig) -> None:
    """Raise `UserError` unless the logistic loss of the tables is below that of the best constant."""
    score = np.zeros(len(order))
    for first, stride, (a, b) in zip(*shape, strict=True):
        score += table[first + sample.bins[order, a] * stride + sample.bins[order, b]]
    label, weight = sample.label[order], sample.weight[order]
    none = _loss(np.zeros(len(order)), label, weight)
    found = _loss(score, label, weight) if np.isfinite(score).all() else np.inf
    if found >= none:
        usual = PairsConfig().learning_rate
        rate = min(usual, config.learning_rate / 10) if config.learning_rate > usual else usual
        raise UserError(
            f"model.pair_tables: nothing was learnt, the logistic loss of the tables after {config.epochs} epochs is {found:.6g}, that of "
            f"no tables {none:.6g}; set model.pair_tables.learning_rate (it is {config.learning_rate:g}), for example to {rate:g}, or "
            "give more events or epochs"
        )


def _loss(score: FloatArray, label: FloatArray, weight: FloatArray) -> float:
    """Mean logistic loss with the best constant added, which halving an interval finds."""
    from scipy.special import expit

    low, high = -float(score.max()) - _FAR, -float(score.min()) + _FAR
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        slope = float(np.sum(weight * (expit(score + middle) - label)))
        low, high = (low, middle) if slope > 0 else (middle, high)
    return float(np.average(np.logaddexp(0.0, score + high) - label * (score + high), weights=weight))


_FAR, _HALVINGS = 50.0, 60
