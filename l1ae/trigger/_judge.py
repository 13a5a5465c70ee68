"""The events that scores are judged on: crossings with their weights, signals, and what the menu makes of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from l1ae.data import WEIGHT, Events
from l1ae.errors import UserError
from l1ae.evaluation import AtRate, group_numbers
from l1ae.trigger._at_rate import RATES, Crossings, SignalEvents, at_rate
from l1ae.trigger._counts import Exposure
from l1ae.trigger._events import JudgedEvents, ScoreFunction
from l1ae.trigger._menu import Menu

__all__ = ["Judge"]

Scores = npt.NDArray[np.generic]


def _read(events: JudgedEvents, menu: Menu | None) -> dict[str, npt.NDArray[np.generic]]:
    """`weights`, `process`, `source_event`, `pileup` and, of a menu, `alone`, each (N,). Raises `UserError` for no events."""
    blocks = [_columns(block, menu) for block in events.blocks(menu)]
    if not blocks:
        raise UserError(f"{events.name}: has no events to judge a score on; generate or import some, or take the store away")
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _columns(events: Events, menu: Menu | None) -> dict[str, npt.NDArray[np.generic]]:
    weights = np.asarray(events.extra[WEIGHT], np.float64) if WEIGHT in events.extra else np.ones(len(events))
    found: dict[str, npt.NDArray[np.generic]] = {
        "weights": weights,
        "process": events.process,
        "source_event": events.source_event,
        "pileup": events.pileup,
    }
    if menu is not None:
        found["alone"] = np.logical_not(menu.decide(events).any(axis=1))
    return found


@dataclass(frozen=True, eq=False)
class Judge:
    """Zero-bias crossings and signals, on which any number of scores are compared: all meet the same events, menu and rates."""

    background: JudgedEvents
    signals: Mapping[str, JudgedEvents]
    menu: Menu | None
    crossing_khz: float

    @cached_property
    def crossings(self) -> Crossings:
        """What is counted of the crossings. Raises `UserError` for no events or unusable weights."""
        found = _read(self.background, self.menu)
        groups = group_numbers(found["process"], found["source_event"])  # type: ignore[arg-type]
        weights = np.asarray(found["weights"], np.float64)
        exposure = Exposure.of(weights, groups, self.crossing_khz)
        return Crossings(weights, groups, found.get("alone"), exposure, found["pileup"])  # type: ignore[arg-type]

    @cached_property
    def signal_events(self) -> dict[str, SignalEvents]:
        """What is counted of each signal."""
        return {name: self._signal(events) for name, events in self.signals.items()}

    def _signal(self, events: JudgedEvents) -> SignalEvents:
        """A signal is judged by those seeds of the menu that it has; by none where it has none. To an empty menu every event is pure."""
        menu = None if self.menu is None else self.menu.within(events.extra)
        if self.menu is not None and self.menu.seeds and menu is not None and not menu.seeds:
            menu = None
        found = _read(events, menu)
        groups = group_numbers(found["process"], found["source_event"])  # type: ignore[arg-type]
        return SignalEvents(groups, found.get("alone"), len(found["process"]))  # type: ignore[arg-type]

    def scores(self, score: ScoreFunction) -> tuple[Scores, dict[str, Scores]]:
        """Scores of all crossings (N,), and of each signal's events (M,)."""
        return self.background.scores(score), {name: events.scores(score) for name, events in self.signals.items()}

    def at_rate(self, score: ScoreFunction, rates: Sequence[float] = RATES) -> AtRate:
        """Efficiencies of a score at rates in kHz."""
        crossings, signals = self.scores(score)
        return at_rate(crossings, self.crossings, signals, self.signal_events, rates=rates)
