"""The pairwise density tree: a joint probability of all slots in which every slot depends on one other."""

import numpy as np

from l1ae.baselines._columns import Codes, FloatArray, sizes_of
from l1ae.baselines._training import TrainingEvents
from l1ae.config import TreeConfig
from l1ae.tables import fit_forest
from l1ae.trigger import ScoreFunction

__all__ = ["fit_density_tree"]

_PAIRS = 2e9
"""Pairs of slots that are counted at most; of more, on every second, third, ... event."""


def fit_density_tree(training: TrainingEvents) -> ScoreFunction:
    """-log2 p of the sizes of all slots (Chow and Liu, IEEE Trans. Inf. Theory 14 (1968) 462), with the bins that a density model has
    by default; an empty slot holds the code 0, whatever is written there."""
    layout, sizes = training.layout, sizes_of(training.layout)
    step = max(1, round(len(training) * len(sizes) ** 2 / 2 / _PAIRS))

    def emptied(hardware: Codes) -> Codes:
        return np.where(layout.mask(hardware), hardware, 0)

    blocks = [(emptied(training.hardware[::step]), training.weights[::step])]
    model = fit_forest(layout, (TreeConfig(),), lambda: blocks, sizes.columns.tolist())

    def score(hardware: Codes) -> FloatArray:
        return model(emptied(hardware))

    return score
