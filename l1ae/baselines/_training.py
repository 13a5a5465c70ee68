"""Background events in memory that baselines learn from."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.config import DataConfig
from l1ae.data import TRAIN, WEIGHT, Events, EventStore, events_of
from l1ae.errors import UserError
from l1ae.inputs import Layout

__all__ = ["MOST_EVENTS", "TrainingEvents"]

MOST_EVENTS = 500_000
"""Events that are kept in memory at most; of more, every second, fourth, ... is taken."""


@dataclass(frozen=True, eq=False)
class TrainingEvents:
    """Hardware codes (N, size) of a layout with weights (N,), all above 0; `available` events were there.

    Raises `UserError` when there are no events, or weights that are negative or not finite.
    """

    hardware: npt.NDArray[np.integer]
    weights: npt.NDArray[np.float64]
    layout: Layout
    available: int

    def __post_init__(self) -> None:
        if not len(self.weights):
            raise UserError("baselines are trained on the training part of the background, which has no event of a weight above 0")
        if not (np.isfinite(self.weights) & (self.weights > 0)).all():
            raise UserError(f"weights of events (extra column '{WEIGHT}') must be finite and not negative; make the store again")

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def effective(self) -> float:
        """Events of equal weight that are worth as much, (sum w)^2 / sum w^2 (Kish, Survey Sampling, 1965)."""
        return float(self.weights.sum() ** 2 / (self.weights**2).sum())

    @classmethod
    def of(cls, data: DataConfig, store: EventStore, *, most: int = MOST_EVENTS) -> "TrainingEvents":
        """The training part of a background in the layout that the store was opened with. Raises `UserError` as `events_of`."""
        extra = (WEIGHT,) if WEIGHT in store.extra else ()
        return cls.from_blocks(events_of(data, store, TRAIN, extra=extra), store.layout, most=most)

    @classmethod
    def from_blocks(cls, blocks: Iterable[Events], layout: Layout, *, most: int = MOST_EVENTS) -> "TrainingEvents":
        """Blocks of events, of which those of weight 0 count as absent."""
        kept: list[tuple[npt.NDArray[np.integer], npt.NDArray[np.float64]]] = []
        step, seen, held = 1, 0, 0
        for block in blocks:
            weights = np.asarray(block.extra[WEIGHT], np.float64) if WEIGHT in block.extra else np.ones(len(block))
            some = weights != 0
            hardware, weights = block.hw[some], weights[some]
            kept.append((hardware[-seen % step :: step], weights[-seen % step :: step]))
            seen, held = seen + len(weights), held + len(kept[-1][1])
            while held > most:
                step *= 2
                together = np.concatenate([h for h, _ in kept])[::2], np.concatenate([w for _, w in kept])[::2]
                kept, held = [together], len(together[1])
        empty = np.zeros((0, layout.size), layout.dtype), np.zeros(0)
        codes, weight = (np.concatenate(parts) for parts in zip(*(kept or [empty]), strict=True))
        return cls(codes, weight, layout, seen)
