"""Events that a trigger is measured on, streamed from a store as often as they are needed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from l1ae.config import DataConfig
from l1ae.data import WEIGHT, Events, EventStore, events_of, held_out, split_fractions
from l1ae.errors import UserError
from l1ae.inputs import Layout
from l1ae.trigger._menu import Menu

__all__ = ["JudgedEvents", "ScoreFunction"]

_HALVES = 7
"""Seed of the hash that halves samples; another one than that of training, validation and test."""

ScoreFunction = Callable[[npt.NDArray[np.integer]], npt.NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class JudgedEvents:
    """The events of a store, or of a part of it, that rates or efficiencies are measured on.

    `stream(extra)` gives them in blocks with these extra columns, the same ones in the same order at every call; `at_most` bounds
    their number. The menu may look at more columns than a network reads: `layout` is that of the events, `inputs` the network's.
    """

    name: str
    extra: tuple[str, ...]
    at_most: int
    stream: Callable[[Sequence[str]], Iterator[Events]]
    layout: Layout
    inputs: Layout

    @classmethod
    def of(cls, store: EventStore, data: DataConfig | None = None, inputs: Layout | None = None) -> "JudgedEvents":
        """All events of a store; with a recorded split in `data`, those of the test part where the store says it.

        `inputs`: what scores are functions of, default all columns that the store was opened with. Raises `UserError` when it lacks some.
        """
        if inputs is not None:
            inputs.taken_from(store.layout, str(store.path))

        def stream(extra: Sequence[str]) -> Iterator[Events]:
            return store.chunks(extra=extra) if data is None else held_out(data, store, extra=extra)

        return cls(str(store.path), store.extra, store.n_events, stream, store.layout, inputs or store.layout)

    @classmethod
    def part_of(cls, store: EventStore, data: DataConfig, part: int, inputs: Layout | None = None) -> "JudgedEvents":
        """One part of a background, recorded or by hash: that of `events_of`."""
        return replace(cls.of(store, inputs=inputs), stream=lambda extra: events_of(data, store, part, extra=extra))

    def half(self, first: bool) -> "JudgedEvents":
        """One of two halves, by the hash of the source event: what is chosen on the first is reported on the second."""

        def stream(extra: Sequence[str]) -> Iterator[Events]:
            for events in self.stream(extra):
                yield events.select(split_fractions(events, (0.5,), _HALVES) == (0 if first else 1))

        return replace(self, stream=stream)

    def blocks(self, menu: Menu | None = None, *, more: Sequence[str] = ()) -> Iterator[Events]:
        """Blocks with their weights, what the menu needs, and `more`. Crossings of weight 0 are as if they were not there, and no
        block is empty."""
        weights = (WEIGHT,) if WEIGHT in self.extra else ()
        for events in self.stream((*weights, *(() if menu is None else menu.columns), *more)):
            counting = events.select(events.extra[WEIGHT] != 0) if weights and not events.extra[WEIGHT].all() else events
            if len(counting):
                yield counting

    def scored(self, score: ScoreFunction) -> ScoreFunction:
        """The function of a network's inputs as one of all columns of the events."""
        if self.inputs == self.layout:
            return score
        columns = self.inputs.taken_from(self.layout, self.name)
        return lambda hardware: score(np.where(columns < 0, 0, hardware[:, np.maximum(columns, 0)]).astype(self.inputs.dtype))

    def scores(self, score: ScoreFunction) -> npt.NDArray[np.generic]:
        """Scores (N,) by a function of the network's hardware codes (n, size). Raises `UserError` where there are no events."""
        found = [np.asarray(self.scored(score)(events.hw)) for events in self.blocks()]
        if not found:
            raise UserError(f"{self.name}: has no events to judge a score on; generate or import some, or take the store away")
        return np.concatenate(found)
