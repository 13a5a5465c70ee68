"""Isolation forest on the sizes of all slots."""

import numpy as np

from l1ae.baselines._columns import Codes, FloatArray, IntArray, sizes_of
from l1ae.baselines._training import TrainingEvents
from l1ae.trigger import ScoreFunction

__all__ = ["SAMPLES", "SEED", "TREES", "drawn", "fit_forest"]

TREES, SAMPLES = 100, 256
"""As in the paper."""

SEED = 1

_POOL = 100_000


def fit_forest(training: TrainingEvents, seed: int = SEED) -> ScoreFunction:
    """Score of Liu, Ting and Zhou (ICDM 2008, 413), 2^(-E[path length] / c(n)), by scikit-learn.

    Each tree sees `SAMPLES` events of a pool that is drawn by weight: what scikit-learn does with weights depends on its version.
    """
    # brings a second of imports that the other baselines do not need
    from sklearn.ensemble import IsolationForest

    sizes = sizes_of(training.layout)
    pool = training.hardware[drawn(training.weights, _POOL, seed)]
    forest = IsolationForest(n_estimators=TREES, max_samples=SAMPLES, random_state=seed).fit(sizes.values(pool).astype(np.float32))

    def score(codes: Codes) -> FloatArray:
        return -np.asarray(forest.score_samples(sizes.values(codes).astype(np.float32)), np.float64)

    return score


def drawn(weights: FloatArray, count: int, seed: int) -> IntArray:
    """Positions (count,) drawn with replacement, each as often as its weight says: an event repeated n times counts as weight n."""
    up_to = np.cumsum(weights)
    at = np.random.default_rng(seed).random(count) * up_to[-1]
    return np.minimum(np.searchsorted(up_to, at, side="right"), len(weights) - 1)
