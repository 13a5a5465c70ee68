"""What a threshold accepts of a signal."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.evaluation import clopper_pearson, design_effect, group_numbers
from l1ae.trigger._counts import IntArray
from l1ae.trigger._events import JudgedEvents, ScoreFunction
from l1ae.trigger._menu import Menu
from l1ae.trigger._result import Interval, RawPure

__all__ = ["SignalScores", "read_signal"]


@dataclass(frozen=True, eq=False)
class SignalScores:
    """Score codes int64 (N,) of a signal, group numbers (N,) or None, and whether a seed of the menu accepts (N,) or None.

    `seeds` counts those of the menu that the sample has, `missing` names the others.
    """

    scores: IntArray
    groups: IntArray | None
    any_seed: npt.NDArray[np.bool_] | None
    seeds: int = 0
    missing: tuple[str, ...] = ()

    @property
    def note(self) -> str | None:
        """What limits the pure efficiency, or why there is none; None where nothing does."""
        if not self.missing:
            return None
        if self.any_seed is None:
            return f"no pure efficiency: the sample has none of the {len(self.missing)} seeds of the menu"
        return f"pure efficiency against the {self.seeds} of {self.seeds + len(self.missing)} seeds of the menu that the sample has"

    def efficiency(self, threshold: int) -> RawPure:
        """Raw and pure efficiency of `score >= threshold`, with the interval of Clopper and Pearson.

        Copies of one source event are counted by the design effect, see `l1ae.evaluation.design_effect`.
        """
        passed = self.scores >= threshold
        pure = None if self.any_seed is None else self._interval(passed & ~self.any_seed)
        return RawPure(raw=self._interval(passed), pure=pure, note=self.note)

    def _interval(self, passed: npt.NDArray[np.bool_]) -> Interval:
        effect = design_effect(passed.astype(np.float64), 1.0, self.groups)
        found = clopper_pearson(int(passed.sum()) / effect, len(passed) / effect)
        return Interval(value=found.value, low=found.low, high=found.high)

    def at(self, thresholds: Sequence[int]) -> tuple[float, ...]:
        """Raw efficiency at each threshold."""
        rising = np.sort(self.scores)
        return tuple((1 - np.searchsorted(rising, np.asarray(thresholds, np.int64), side="left") / len(rising)).tolist())


def read_signal(signal: JudgedEvents, score: ScoreFunction, menu: Menu | None) -> SignalScores:
    """Score a signal's events and let those seeds of the menu decide that the signal has.

    Raises `UserError` when there are none.
    """
    own = None if menu is None else menu.within(signal.extra)
    if menu is not None and own is not None and menu.seeds and not own.seeds:
        own = None
    scores, seeds, process, source = [], [], [], []
    score = signal.scored(score)
    for events in signal.blocks(own):
        scores.append(np.asarray(score(events.hw), np.int64))
        process.append(events.process)
        source.append(events.source_event)
        if own is not None:
            seeds.append(own.decide(events).any(axis=1))
    if not sum(map(len, scores)):
        raise UserError(f"{signal.name}: has no events; no efficiency can be measured on it")
    groups = group_numbers(np.concatenate(process), np.concatenate(source))
    kept = () if own is None else own.seeds
    missing = () if menu is None else tuple(seed.name for seed in menu.seeds if seed not in kept)
    return SignalScores(np.concatenate(scores), groups, None if own is None else np.concatenate(seeds), len(kept), missing)
