"""The search: candidates are asked for, refused or trained, and what they found is told."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from l1ae.config import Config
from l1ae.engine import Engine, Outcome
from l1ae.errors import MissingExtraError, UserError
from l1ae.pipeline import forecast
from l1ae.progress import Task as Shown
from l1ae.progress import task
from l1ae.rtl_results import beyond, sentences
from l1ae.search._files import SearchFolder
from l1ae.search._halving import goes_on
from l1ae.search._measure import Task, measure
from l1ae.search._results import Measured, Settings, State, Trial
from l1ae.search._sampling import parameters_of
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
    number: int
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
        trials = {trial.number: trial for trial in self.folder.trials()}
        for trial in trials.values():
            self._remember(trial)
        self._restore(trials)
        unfinished = {*self.ledger.running(), *(number for number in range(len(self.ledger)) if number not in trials)}
        for number in sorted(unfinished):
            if number in trials:
                self._tell(trials[number])
            else:
                self._begin(number, self.ledger.again(number))

    def _remember(self, trial: Trial) -> None:
        if trial.state in {"complete", "failed"}:
            self.trained += 1
            self.known[self.study.point(trial.model, trial.parameters).key] = trial
            self.in_a_row = 0
        else:
            self.in_a_row += 1
        self.refused += trial.state == "refused"
        for rung in range(trial.rung + 1 if trial.state == "complete" else 0):
            self._reached(trial.model, rung, trial.by_rung(rung))

    def _reached(self, model: str, rung: int, measured: Sequence[Measured]) -> list[list[float]]:
        """What was found at a rung, the last of it now. Raises `ValueError` where there is nothing."""
        reached = self.rungs.setdefault((model, rung), [])
        reached.append(self._costs(measured))
        return reached

    def _restore(self, trials: Mapping[int, Trial]) -> None:
        """A database that was lost, or brought back from an older copy, learns again what there was."""
        for number in range(len(self.ledger), max(trials, default=-1) + 1):
            found = trials.get(number)
            self.ledger.restore(None if found is None else parameters_of(self.study, self.study.point(found.model, found.parameters)))

    # -- asking -----------------------------------------------------------------------------------------------------

    @property
    def wants_more(self) -> bool:
        """Whether another candidate is to be trained."""
        return self.trained + len(self.running) < self.study.config.trials and self.in_a_row < _LONGEST_ROW

    def ask(self) -> None:
        """The next candidate."""
        self._begin(*self.ledger.ask())

    def _begin(self, number: int, point: Point) -> None:
        twin = self._twin(point)
        running = _Running(number, point, {}, 0, time.perf_counter())
        if twin is not None:
            self.in_a_row += 1
            self._finish(running, "repeated", f"as trial {twin}")
        elif self._go_on(running):
            self.in_a_row = 0
        else:
            self._consider(running)

    def _twin(self, point: Point) -> int | None:
        """A trial with the same candidate, which finished or runs."""
        if point.key in self.known:
            return self.known[point.key].number
        return next((other.number for other in self.running.values() if other.point.key == point.key), None)

    def _go_on(self, running: _Running) -> bool:
        """Whether a candidate was trained in part by an earlier process; then it goes on from there."""
        earlier = self.folder.find_part(running.number)
        if earlier is None:
            return False
        for rung in range(earlier.rung + 1):
            self._reached(earlier.model, rung, earlier.by_rung(rung))
        running.earlier, running.rung = earlier.measured, earlier.rung + 1
        running.started -= earlier.seconds
        self._prepare(running)
        self._submit(running)
        return True

    def _consider(self, running: _Running) -> None:
        """Refuse a candidate, or have it trained."""
        try:
            self._prepare(running)
            found = forecast(self._configs(running)[0])
        except MissingExtraError:
            raise
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
        self._finish(running, "refused", reason, broken)

    def _prepare(self, running: _Running) -> None:
        running.settings = self.study.trained(running.point, running.number, running.rung)

    def _configs(self, running: _Running) -> tuple[Config, ...]:
        model = self.study.models[running.point.model]
        base = model.config(running.settings, f"{self.study.path}: {model.name}", self.study.path.parent)
        return tuple(base.model_copy(update={"seed": base.seed + k}) for k in range(self.study.config.seeds))

    def _submit(self, running: _Running) -> None:
        key = f"trial-{running.number}-{running.rung}"
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
        try:
            reached = self._reached(running.point.model, running.rung, measured)
        except ValueError as error:
            self._failed(running, error)
            return
        last = self.study.last_rung(running.point.model)
        if running.rung < last and self._within(measured) and goes_on(reached, self._eta):
            self.folder.save_part(self._trial(running, "complete", "under way"))
            running.rung += 1
            self._prepare(running)
            self._submit(running)
            return
        self.trained += 1
        self._finish(running, "complete", "" if running.rung == last else "others had found more with as many epochs")

    @property
    def _eta(self) -> int:
        return 2 if self.study.config.halving is None else self.study.config.halving.eta

    def _within(self, measured: Sequence[Measured]) -> bool:
        return not beyond(measured[0].cost, self.study.config.budget, sure=False)

    def _failed(self, running: _Running, error: Exception) -> None:
        self.trained += 1
        reason = " ".join(str(error).split()) or type(error).__name__
        _log.warning("trial %d (%s) failed: %s", running.number, running.point.model, reason)
        self._finish(running, "failed", reason)

    def _values(self, measured: Sequence[Measured]) -> list[float]:
        return [objective.value(measured) for objective in self.study.config.objectives]

    def _costs(self, measured: Sequence[Measured]) -> list[float]:
        """Values of which less is better. Raises `ValueError` where there is none."""
        pairs = zip(self.study.config.objectives, self._values(measured), strict=True)
        return [-value if objective.maximised else value for objective, value in pairs]

    def _trial(self, running: _Running, state: State, reason: str) -> Trial:
        trained = state in {"complete", "failed"}
        return Trial(
            number=running.number,
            model=running.point.model,
            parameters=running.point.parameters,
            settings=running.settings if trained else running.point.settings,
            state=state,
            rung=running.rung,
            measured=running.earlier,
            reason=reason,
            seconds=time.perf_counter() - running.started if trained else 0.0,
        )

    def _finish(self, running: _Running, state: State, reason: str, broken: dict[str, float] | None = None) -> None:
        found = self._trial(running, state, reason)
        self.folder.save(found)
        if state in {"complete", "failed"}:
            self.known[running.point.key] = found
        self._tell(found, broken)

    def _tell(self, found: Trial, broken: dict[str, float] | None = None) -> None:
        same = self.known.get(self.study.point(found.model, found.parameters).key, found) if found.state == "repeated" else found
        if same.state == "complete":
            measured = same.by_rung(same.rung)
            broken = beyond(measured[0].cost, self.study.config.budget, sure=False)
            limits = [name for name, limit in self.study.config.budget if limit is not None]
            self.ledger.tell(found.number, self._values(measured), {name: broken.get(name, 0.0) for name in limits}, found.reason)
        elif same.state == "refused":
            self.ledger.refuse(found.number, broken or {"possible": 1.0}, found.reason)
        else:
            self.ledger.fail(found.number, found.reason)


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
    ledger.belong_to(folder.identity())
    search.take_up()

    def tell_progress(shown: Shown) -> None:
        shown.update(search.trained, note=f"{len(search.running)} running, {search.refused} refused")
        progress(SearchProgress(search.trained, study.config.trials, search.refused, len(search.running)))

    # one candidate waits, so that no worker does while the next ones are looked at; a single worker's study must not depend on when
    at_once = engine.workers + (engine.workers > 1)
    with task("search", total=study.config.trials, unit="candidates") as candidates:
        candidates.begin_at(search.trained)
        while search.running or search.wants_more:
            while search.wants_more and len(search.running) < at_once:
                search.ask()
                tell_progress(candidates)
            for outcome in engine.finished() if search.running else ():
                search.receive(outcome)
                tell_progress(candidates)
    if search.in_a_row >= _LONGEST_ROW:
        _log.warning("%d candidates in a row were refused or known already; the space holds no more, and the search ends", _LONGEST_ROW)
