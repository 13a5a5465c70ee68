"""Which trainings go on: asynchronous successive halving with several objectives."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["dominance_ranks", "goes_on", "nondominated"]

FloatArray = npt.NDArray[np.float64]


def nondominated(costs: FloatArray) -> npt.NDArray[np.bool_]:
    """Which of the points (N, objectives), all to be made small, no other one beats in every objective; of equal ones all."""
    no_worse = (costs[:, None] <= costs[None]).all(axis=2)
    better = (costs[:, None] < costs[None]).any(axis=2)
    return np.asarray(~(no_worse & better).any(axis=0), np.bool_)


def dominance_ranks(costs: FloatArray) -> npt.NDArray[np.int64]:
    """Rank (N,) of every point: 0 on the front, 1 on what is the front without it, and so on (Deb et al., IEEE TEC 6 (2002) 182)."""
    ranks, left, rank = np.zeros(len(costs), np.int64), np.arange(len(costs)), 0
    while len(left):
        front = nondominated(costs[left])
        ranks[left[front]] = rank
        left, rank = left[~front], rank + 1
    return ranks


def goes_on(costs: Sequence[Sequence[float]], eta: int) -> bool:
    """Whether the last of the points (N, objectives) that have come to a rung is among the best one in `eta` of them.

    As in the asynchronous algorithm of Li et al. (Proc. MLSys 2 (2020) 230) nobody is waited for: the first ones go on. Points of one
    rank are told apart by the first objective.
    """
    values = np.asarray(costs, np.float64)
    order = np.lexsort((values[:, 0], dominance_ranks(values)))
    return int(np.flatnonzero(order == len(values) - 1)[0]) < max(1, -(-len(values) // eta))
