"""A zero-bias sample with its scores, read in blocks and held in a few bytes per crossing."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.data import Events, weights_of
from l1ae.errors import UserError
from l1ae.evaluation import group_numbers
from l1ae.trigger._counts import Exposure, FloatArray, IntArray, count
from l1ae.trigger._events import JudgedEvents, ScoreFunction
from l1ae.trigger._menu import Menu

__all__ = ["Sample", "read_sample"]

BoolArray = npt.NDArray[np.bool_]
_PERIOD = ("run", "lumi")


@dataclass(frozen=True, eq=False)
class Sample:
    """N zero-bias crossings.

    `scores` int64 (N,) score codes; `weights` (N,); `groups` (N,) numbers of crossings that are not independent, None when
    all are; `pileup` (N,), -1 unknown; `run` and `lumi` (N,) or None. Of the menu: `any_seed` (N,), whether one of its seeds
    accepts, None without a menu; `fired` (M,) are the positions where one does, and `bits` (M, seeds) which, packed by
    `numpy.packbits`.
    """

    scores: IntArray
    weights: FloatArray
    groups: IntArray | None
    pileup: npt.NDArray[np.int16]
    run: IntArray | None
    lumi: IntArray | None
    any_seed: BoolArray | None
    fired: IntArray
    bits: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.scores)

    def groups_of(self, positions: npt.NDArray[np.integer] | BoolArray) -> IntArray | None:
        """Group numbers of some crossings."""
        return None if self.groups is None else self.groups[positions]

    def exposure(self, crossing_khz: float) -> Exposure:
        """What turns counts of this sample into rates. Raises `UserError` as `Exposure.of` does."""
        return Exposure.of(self.weights, self.groups, crossing_khz)

    @property
    def effective_events(self) -> float:
        """Independent crossings of equal weight that are worth as much as the whole sample."""
        return count(self.weights, self.groups).effective

    @property
    def pileup_mean(self) -> float | None:
        """Weighted mean of the known numbers of pileup collisions; None when none is known."""
        known = self.pileup >= 0
        return float(np.average(self.pileup[known], weights=self.weights[known])) if self.weights[known].any() else None

    def passed_by(self, seed: int) -> IntArray:
        """Positions of the crossings that the seed with this number accepts."""
        return self.fired[(self.bits[:, seed // 8] >> (7 - seed % 8)) & 1 == 1]


def read_sample(crossings: JudgedEvents, score: ScoreFunction, menu: Menu | None) -> Sample:
    """Read crossings, score them and let the menu decide. `score` takes hardware codes and gives score codes (n,).

    Raises `UserError` when there are none.
    """
    period = _PERIOD if all(name in crossings.extra for name in _PERIOD) else ()
    columns: dict[str, npt.NDArray[np.generic]] = {}
    fired, bits = [np.zeros(0, np.int64)], []
    start, score = 0, crossings.scored(score)
    for events in crossings.blocks(menu, more=period):
        stop = start + len(events)
        block = _columns(events, score)
        if menu is not None:
            decisions = menu.decide(events)
            accepted = np.asarray(decisions.any(axis=1))
            block["any_seed"] = accepted
            fired.append(start + np.flatnonzero(accepted).astype(np.int64))
            bits.append(np.packbits(decisions[accepted], axis=1))
        for name, column in block.items():
            # filled in place: joining blocks would hold everything twice
            columns.setdefault(name, np.empty(crossings.at_most, column.dtype))[start:stop] = column
        start = stop
    if not start:
        raise UserError(f"{crossings.name}: has no events to measure rates on; generate or import zero-bias crossings")
    columns = {name: column[:start] for name, column in columns.items()}
    groups = group_numbers(columns.pop("process"), columns.pop("source_event"))  # type: ignore[arg-type]
    packed = np.concatenate(bits) if bits else np.zeros((0, 0), np.uint8)
    absent = {"run": None, "lumi": None, "any_seed": None}
    return Sample(**(absent | columns), groups=groups, fired=np.concatenate(fired), bits=packed)  # type: ignore[arg-type]


def _columns(events: Events, score: ScoreFunction) -> dict[str, npt.NDArray[np.generic]]:
    weights = weights_of(events)
    return {
        "scores": np.asarray(score(events.hw), np.int64),
        "weights": np.ones(len(events)) if weights is None else weights,
        "process": events.process,
        "source_event": events.source_event,
        "pileup": events.pileup,
        **{name: np.asarray(events.extra[name], np.int64) for name in _PERIOD if name in events.extra},
    }
