"""The search: candidates are asked for, refused or trained, and what they found is told."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna

from l1ae.config import Config
from l1ae.engine import Engine, Outcome
from l1ae.errors import UserError
from l1ae.pipeline import forecast
from l1ae.rtl_results import beyond, sentences
from l1ae.search._files import SearchFolder
from l1ae.search._halving import goes_on
from l1ae.search._measure import Task, measure
from l1ae.search._results import Measured, Settings, Trial
from l1ae.search._sampling import asked, bases, parameters_of
from l1ae.search._storage import Ledger
from l1ae.search._study import Point, Study

__all__ = ["Progress", "SearchProgress", "run_search"]

_log = logging.getLogger("l1ae")

_LONGEST_ROW = 500
"""Candidates in a row that are not trained (refused, or tried before), after which a space is taken to hold no more."""


@dataclass(frozen=True)
class SearchProgress:
    """How far a search is: candidates that were trained, of how many; refused ones; trainings that run."""

    trained: int
    trials: int
    refused: int
    running: int


Progress = Callable[[SearchProgress], None]


@dataclass
class _Running:
    trial: optuna.Trial
    point: Point
    settings: Settings
    rung: int
    started: float
    earlier: tuple[Measured, ...] = ()


@dataclass
class _Search:
    """A search under way. `rungs`: what was found at each rung of each model, in the order in which it was found."""

    study: Study
    folder: SearchFolder
    ledger: Ledger
    engine: Engine
    function: Callable[[Task], tuple[Measured, ...]]
    running: dict[str, _Running] = field(default_factory=dict)
    known: dict[str, Trial] = field(default_factory=dict)
    rungs: dict[tuple[str, int], list[list[float]]] = field(default_factory=dict)
    trained: int = 0
    refused: int = 0
    in_a_row: int = 0

    # -- before -----------------------------------------------------------------------------------------------------

    def take_up(self) -> None:
        """What an earlier process left: finished trials are told, and those that were under way begin again."""
        for trial in self.folder.trials():
            self._remember(trial)
        unfinished = self.ledger.running()
        for number in unfinished:
            found, again = self.folder.find(number), self.ledger.again(number)
            if found is not None:
                self._tell(again, found)
            else:
                self._begin(again)

    def _remember(self, trial: Trial) -> None:
        if trial.state in {"complete", "failed"}:
            self.trained += 1
            self.known[self.study.point(trial.model, trial.parameters).key] = trial
        self.refused += trial.state == "refused"
        for rung in range(trial.rung + 1 if trial.state == "complete" else 0):
            values = self._values(trial.by_rung(rung))
            if values is not None:
                self.rungs.setdefault((trial.model, rung), []).append(self._costs(values))

    # -- asking -----------------------------------------------------------------------------------------------------

    @property
    def wants_more(self) -> bool:
        """Whether another candidate is to be trained."""
        return self.trained + len(self.running) < self.study.config.trials and self.in_a_row < _LONGEST_ROW

    def ask(self) -> None:
        """The next candidate."""
        self._begin(self.ledger.ask())

    def _begin(self, trial: optuna.Trial) -> None:
        point = asked(self.study, trial)
        if point.key in self.known:
            self._finish(trial, self._trial(trial, point, "repeated", reason=f"as trial {self.known[point.key].number}"))
            self.in_a_row += 1
            return
        running = _Running(trial, point, {}, 0, time.perf_counter())
        try:
            self._prepare(running)
            found = forecast(self._configs(running)[0])
        except UserError as error:
            self._refuse(running, str(error), {"possible": 1.0})
            return
        broken = beyond(found, self.study.config.budget, sure=True)
        if found.problems:
            self._refuse(running, "; ".join(found.problems), {"possible": 1.0})
        elif broken:
            self._refuse(running, "; ".join(sentences(found, self.study.config.budget)), broken)
        else:
            self.in_a_row = 0
            self._submit(running)

    def _refuse(self, running: _Running, reason: str, broken: dict[str, float]) -> None:
        self.refused += 1
        self.in_a_row += 1
        self._finish(running.trial, self._trial(running.trial, running.point, "refused", reason=reason), broken)

    def _prepare(self, running: _Running) -> None:
        running.settings = self.study.trained(running.point, running.trial.number, running.rung)

    def _configs(self, running: _Running) -> tuple[Config, ...]:
        model = self.study.models[running.point.model]
        base = model.config(running.settings, f"{self.study.path}: {model.name}", self.study.path.parent)
        return tuple(base.model_copy(update={"seed": base.seed + k}) for k in range(self.study.config.seeds))

    def _submit(self, running: _Running) -> None:
        key = f"trial-{running.trial.number}-{running.rung}"
        self.running[key] = running
        objectives = self.study.config.objectives
        rates = tuple(sorted({one.khz for one in objectives if one.quantity == "efficiency"}))
        task = Task(self._configs(running), rates, any(one.quantity == "label_free" for one in objectives))
        self.engine.submit(key, self.function, task)

    # -- telling ----------------------------------------------------------------------------------------------------

    def receive(self, outcome: Outcome) -> None:
        """What became of a training."""
        running = self.running.pop(outcome.key)
        if outcome.error is not None:
            self._failed(running, outcome.error)
            return
        measured: tuple[Measured, ...] = outcome.value
        running.earlier += measured
        values = self._values(measured)
        if values is None:
            self._failed(running, ValueError(self._missing(measured)))
            return
        reached = self.rungs.setdefault((running.point.model, running.rung), [])
        reached.append(self._costs(values))
        last = self.study.last_rung(running.point.model)
        if running.rung < last and self._within(measured) and goes_on(reached, self._eta):
            running.rung += 1
            self._prepare(running)
            self._submit(running)
            return
        self.trained += 1
        stopped = "" if running.rung == last else "others had found more with as many epochs"
        self._finish(running.trial, self._trial(running.trial, running.point, "complete", running, reason=stopped))

    @property
    def _eta(self) -> int:
        return 2 if self.study.config.halving is None else self.study.config.halving.eta

    def _within(self, measured: Sequence[Measured]) -> bool:
        return not beyond(measured[0].cost, self.study.config.budget, sure=False)

    def _failed(self, running: _Running, error: Exception) -> None:
        self.trained += 1
        reason = " ".join(str(error).split()) or type(error).__name__
        _log.warning("trial %d (%s) failed: %s", running.trial.number, running.point.model, reason)
        self._finish(running.trial, self._trial(running.trial, running.point, "failed", running, reason=reason))

    def _values(self, measured: Sequence[Measured]) -> list[float] | None:
        try:
            return [objective.value(measured) for objective in self.study.config.objectives]
        except ValueError:
            return None

    def _missing(self, measured: Sequence[Measured]) -> str:
        for objective in self.study.config.objectives:
            try:
                objective.value(measured)
            except ValueError as error:
                return str(error)
        raise AssertionError

    def _costs(self, values: Sequence[float]) -> list[float]:
        """Values of which less is better."""
        pairs = zip(self.study.config.objectives, values, strict=True)
        return [-value if objective.maximised else value for objective, value in pairs]

    def _trial(self, trial: optuna.Trial, point: Point, state: Any, running: _Running | None = None, *, reason: str = "") -> Trial:
        return Trial(
            number=trial.number,
            model=point.model,
            parameters=point.parameters,
            settings=point.settings if running is None else running.settings,
            state=state,
            rung=0 if running is None else running.rung,
            measured=() if running is None else running.earlier,
            reason=reason,
            seconds=0.0 if running is None else time.perf_counter() - running.started,
        )

    def _finish(self, trial: optuna.Trial, found: Trial, broken: dict[str, float] | None = None) -> None:
        self.folder.save(found)
        if found.state in {"complete", "failed"}:
            self.known[self.study.point(found.model, found.parameters).key] = found
        self._tell(trial, found, broken)

    def _tell(self, trial: optuna.Trial, found: Trial, broken: dict[str, float] | None = None) -> None:
        same = self.known.get(self.study.point(found.model, found.parameters).key, found) if found.state == "repeated" else found
        if found.reason:
            self.ledger.note(trial, found.reason)
        if same.state == "complete":
            measured = same.by_rung(same.rung)
            values = self._values(measured)
            assert values is not None
            broken = beyond(measured[0].cost, self.study.config.budget, sure=False)
            limits = [name for name, limit in self.study.config.budget if limit is not None]
            self.ledger.tell(trial, values, {name: broken.get(name, 0.0) for name in limits})
        elif same.state == "refused":
            self.ledger.refuse(trial, broken or {"possible": 1.0})
        else:
            self.ledger.fail(trial)


def run_search(
    study: Study,
    folder: SearchFolder,
    ledger: Ledger,
    engine: Engine,
    *,
    function: Callable[[Task], tuple[Measured, ...]] = measure,
    progress: Progress = lambda found: None,
) -> None:
    """Ask, train and tell until the study has its trials, or its space holds no more; what an earlier process left is taken up.

    Every trial that finished is a file before its database knows of it. Raises `UserError` when the database or the engine goes away.
    """
    search = _Search(study, folder, ledger, engine, function)
    for point in bases(study):
        ledger.enqueue(parameters_of(study, point))
    search.take_up()

    def tell_progress() -> None:
        progress(SearchProgress(search.trained, study.config.trials, search.refused, len(search.running)))

    # one candidate waits, so that no worker does while the next ones are looked at; a single worker's study must not depend on when
    at_once = engine.workers + (engine.workers > 1)
    while search.running or search.wants_more:
        while search.wants_more and len(search.running) < at_once:
            search.ask()
            tell_progress()
        for outcome in engine.finished() if search.running else ():
            search.receive(outcome)
            tell_progress()
    if search.in_a_row >= _LONGEST_ROW:
        _log.warning("%d candidates in a row were refused or known already; the space holds no more, and the search ends", _LONGEST_ROW)
