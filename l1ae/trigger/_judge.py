"""The events that scores are judged on: crossings with their weights, signals, and what the menu makes of both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from l1ae.data import WEIGHT, Events, Spool
from l1ae.errors import UserError
from l1ae.evaluation import AtRate, group_numbers
from l1ae.trigger._at_rate import RATES, Crossings, RateSpectra, SignalEvents, at_rate_of
from l1ae.trigger._counts import Count, Exposure, added, count
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
    def _spool(self) -> Spool:
        """What is counted of the crossings, in parts. Raises `UserError` for no events."""
        found = Spool(self.background.at_most)
        for block in self.background.blocks(self.menu):
            found.append(_columns(block, self.menu))
        if not len(found):
            raise UserError(f"{self.background.name}: has no events to judge a score on; generate or import some, or take the store away")
        return found

    @cached_property
    def _of_parts(self) -> tuple[list[Count], Exposure]:
        """Counts of the parts, and the exposure of all. Raises `UserError` for unusable weights."""
        counts, exposures = [], []
        for columns in self._spool.parts():
            groups = group_numbers(columns["process"], columns["source_event"])
            counts.append(count(columns["weights"], groups))
            exposures.append(Exposure.of(columns["weights"], groups, self.crossing_khz))
        return counts, Exposure.merged(exposures)

    @property
    def exposure(self) -> Exposure:
        """What turns counts of crossings into rates."""
        return self._of_parts[1]

    @property
    def counted(self) -> Count:
        """All crossings."""
        return added(self._of_parts[0])

    @property
    def pileup_mean(self) -> float | None:
        """Weighted mean of the known numbers of pileup collisions; None when none is known."""
        total = weight = events = 0.0
        for columns in self._spool.parts():
            known = columns["pileup"] >= 0
            weights = columns["weights"][known]
            total += float((columns["pileup"][known] * weights).sum())
            weight += float(weights.sum())
            events += len(weights)
        return total / weight if events else None

    def parts(self) -> Iterator[Crossings]:
        """The crossings in parts that share no group, each with the exposure of all. Raises `UserError` for no events."""
        for columns in self._spool.parts():
            groups = group_numbers(columns["process"], columns["source_event"])
            yield Crossings(columns["weights"], groups, columns.get("alone"), self.exposure, columns["pileup"])

    @cached_property
    def crossings(self) -> Crossings:
        """All crossings in memory. Raises `UserError` for no events or unusable weights."""
        if self._spool.whole:
            return next(self.parts())
        found = _read(self.background, self.menu)
        groups = group_numbers(found["process"], found["source_event"])  # type: ignore[arg-type]
        return Crossings(found["weights"], groups, found.get("alone"), self.exposure, found["pileup"])  # type: ignore[arg-type]

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

    def spooled(self, scores: Mapping[str, ScoreFunction]) -> Spool:
        """Columns of scores of the crossings, in the parts and the order of `parts`."""
        found = Spool(self.background.at_most)
        functions = {name: self.background.scored(score) for name, score in scores.items()}
        for events in self.background.blocks():
            columns = {name: np.asarray(score(events.hw)) for name, score in functions.items()}
            found.append({"process": events.process, "source_event": events.source_event, **columns})
        return found

    def at_rate(self, score: ScoreFunction, rates: Sequence[float] = RATES) -> AtRate:
        """Efficiencies of a score at rates in kHz."""
        scored = self.spooled({"score": score}).parts()
        counted = RateSpectra.of(((columns["score"], part) for columns, part in zip(scored, self.parts(), strict=True)), self.exposure)
        signals = {name: events.scores(score) for name, events in self.signals.items()}
        return at_rate_of(counted, signals, self.signal_events, rates=rates)
