"""What a threshold accepts of a signal."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.data import EventStore
from l1ae.errors import UserError
from l1ae.evaluation import clopper_pearson, design_effect
from l1ae.trigger._counts import IntArray, group_numbers
from l1ae.trigger._menu import Menu
from l1ae.trigger._result import Interval, RawPure
from l1ae.trigger._sample import ScoreFunction

__all__ = ["SignalScores", "read_signal"]


@dataclass(frozen=True, eq=False)
class SignalScores:
    """Score codes int64 (N,) of a signal, group numbers (N,) or None, and whether a seed of the menu accepts (N,) or None."""

    scores: IntArray
    groups: IntArray | None
    any_seed: npt.NDArray[np.bool_] | None

    def efficiency(self, threshold: int) -> RawPure:
        """Raw and pure efficiency of `score >= threshold`, with the interval of Clopper and Pearson.

        Copies of one source event are counted by the design effect, see `l1ae.evaluation.design_effect`.
        """
        passed = self.scores >= threshold
        pure = None if self.any_seed is None else self._interval(passed & ~self.any_seed)
        return RawPure(raw=self._interval(passed), pure=pure)

    def _interval(self, passed: npt.NDArray[np.bool_]) -> Interval:
        effect = design_effect(passed.astype(np.float64), 1.0, self.groups)
        found = clopper_pearson(int(passed.sum()) / effect, len(passed) / effect)
        return Interval(value=found.value, low=found.low, high=found.high)

    def at(self, thresholds: Sequence[int]) -> tuple[float, ...]:
        """Raw efficiency at each threshold."""
        rising = np.sort(self.scores)
        return tuple((1 - np.searchsorted(rising, np.asarray(thresholds, np.int64), side="left") / len(rising)).tolist())


def read_signal(store: EventStore, score: ScoreFunction, menu: Menu | None) -> SignalScores:
    """Score a signal's store and let the menu decide, where the store has what the menu needs.

    Raises `UserError` when the store has no events.
    """
    if store.n_events == 0:
        raise UserError(f"{store.path}: has no events; no efficiency can be measured on it")
    known = menu is not None and all(column in store.extra for column in menu.columns)
    scores, seeds, process, source = [], [], [], []
    for events in store.chunks(extra=menu.columns if menu is not None and known else ()):
        scores.append(np.asarray(score(events.hw), np.int64))
        process.append(events.process)
        source.append(events.source_event)
        if menu is not None and known:
            seeds.append(menu.decide(events).any(axis=1))
    groups = group_numbers(np.concatenate(process), np.concatenate(source))
    return SignalScores(np.concatenate(scores), groups, np.concatenate(seeds) if known else None)
