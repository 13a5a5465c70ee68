"""Optuna's study: which trials were asked for, in a database that may be busy, full or away for a while."""

import logging
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

import optuna
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from l1ae.errors import UserError
from l1ae.search._database import POSTGRESQL, database_of, shown
from l1ae.search._sampling import asked, bases, parameters_of, sampler_of
from l1ae.search._study import Point, Study

__all__ = ["Ledger"]

_log = logging.getLogger("l1ae")
_T = TypeVar("_T")

_DIGEST = "l1ae:study"
_FOLDER = "l1ae:folder"
_MOST_EXCESS = 1e6
_FIRST_ANSWER = 5
"""Seconds in which a database must answer that a search begins with."""


class Ledger:
    """The trials of a study in its database. Only one process asks and tells; others may look, as optuna-dashboard does.

    Candidates are found in a copy in memory. The database learns a candidate with all its parameters at once, so that a process that
    is killed leaves it whole or not there.
    """

    def __init__(self, study: Study, folder: Path, *, patience: float = 120.0) -> None:
        """Open the study's database, or make it. `patience` (s): how long one that stops answering is asked again.

        Raises `UserError` when it is of another study, or cannot be reached.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        # names of objectives, and spaces that depend on the model
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        self._study = study
        own = URL.create("sqlite", database=str(folder.absolute() / "study.db"))
        given = study.config.storage
        self._url = own if given is None else database_of(given, f"{study.path}: storage")
        self._patience = float(_FIRST_ANSWER)
        self._optuna = self._steady(self._open)
        self._patience = patience
        self._memory = optuna.create_study(directions=self._optuna.directions)
        self._memory.add_trials(self.trials())
        self._bases = [parameters_of(study, point) for point in bases(study)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the database."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    @property
    def url(self) -> str:
        """Of the database, with its password."""
        return self._url.render_as_string(hide_password=False)

    # -- the database -----------------------------------------------------------------------------------------------

    def _open(self) -> optuna.Study:
        options: dict[str, object] = {"pool_pre_ping": True, "connect_args": {"connect_timeout": _FIRST_ANSWER}}
        if self._url.drivername != POSTGRESQL:
            options = {"connect_args": {"timeout": _FIRST_ANSWER}}
        storage = self._storage = optuna.storages.RDBStorage(self.url, engine_kwargs=options)
        direction = {True: optuna.study.StudyDirection.MAXIMIZE, False: optuna.study.StudyDirection.MINIMIZE}
        directions = [direction[objective.maximised] for objective in self._study.config.objectives]
        opened = optuna.create_study(
            storage=storage,
            study_name=self._study.config.name,
            directions=directions,
            load_if_exists=True,
            sampler=optuna.samplers.RandomSampler(),
        )
        known = opened.user_attrs.get(_DIGEST)
        if known not in {None, self._study.digest}:
            self.close()
            raise UserError(
                f"{self._study.path}: storage '{shown(self._url)}' holds another study of the name '{self._study.config.name}'; give "
                "this one another name, or the storage that it was begun with"
            )
        if known is None:
            opened.set_metric_names([objective.label for objective in self._study.config.objectives])
            opened.set_user_attr(_DIGEST, self._study.digest)
        return opened

    def _steady(self, operation: Callable[[], _T], *, again: Callable[[], _T] | None = None) -> _T:
        """The result of an operation, which is tried again while the database does not answer.

        It must be one to repeat, where there is none that is done `again` in its place.
        """
        began, wait = time.monotonic(), 0.2
        while True:
            try:
                return operation()
            except (StorageInternalError, SQLAlchemyError, OSError) as error:
                reason = self._reason(error)
                if "database or disk is full" in reason:
                    raise UserError(
                        f"no space is left for '{shown(self._url)}'; free some, and continue with --resume: nothing that finished is lost"
                    ) from error
                if time.monotonic() - began + wait > self._patience:
                    raise UserError(
                        f"the study's database '{shown(self._url)}' has not answered for {self._patience:.0f} s ({reason}); is its "
                        "address right, and does it run? Nothing that finished is lost: bring it back, and continue with --resume"
                    ) from error
                _log.warning("the study's database does not answer (%s); trying again", reason)
                operation = again or operation
                time.sleep(wait)
                wait = min(2 * wait, 10.0)

    def _reason(self, error: Exception) -> str:
        """The innermost reason, in one line, without the password."""
        while error.__cause__ is not None and isinstance(error.__cause__, Exception):
            error = error.__cause__
        said = " ".join(str(error).split())[:300] or type(error).__name__
        return said.replace(str(self._url.password), "***") if self._url.password else said

    def belong_to(self, folder: str) -> None:
        """Have the database know the search's folder by its identity. Raises `UserError` when it belongs to another one."""
        known = self._steady(lambda: self._optuna.user_attrs).get(_FOLDER)
        if known not in {None, folder}:
            raise UserError(
                f"{self._study.path}: storage '{shown(self._url)}' holds this study as it was begun in another run folder; continue it "
                "there, or give this one another name"
            )
        if known is None:
            self._steady(lambda: self._optuna.set_user_attr(_FOLDER, folder))

    # -- looking ----------------------------------------------------------------------------------------------------

    def trials(self) -> list[optuna.trial.FrozenTrial]:
        """All trials, by number."""
        return self._steady(lambda: self._optuna.get_trials(deepcopy=False))

    def __len__(self) -> int:
        """How many trials were asked for."""
        return len(self._memory.get_trials(deepcopy=False))

    def running(self) -> list[int]:
        """Numbers of trials that were asked for and not told."""
        return [trial.number for trial in self._memory.get_trials(deepcopy=False, states=(TrialState.RUNNING,))]

    def again(self, number: int) -> Point:
        """The candidate of a trial that was asked for before."""
        return asked(self._study, self._trial(number))

    def importance(self, names: list[str], objective: int) -> dict[str, float]:
        """Share of each of these parameters, which all completed trials of a model have, in the spread of an objective."""
        return optuna.importance.get_param_importances(
            self._memory,
            params=names,
            target=lambda trial: trial.values[objective],
            evaluator=optuna.importance.FanovaImportanceEvaluator(seed=self._study.config.seed),
        )

    # -- asking and telling -----------------------------------------------------------------------------------------

    def ask(self) -> tuple[int, Point]:
        """The next trial and its candidate: the base models first, then what the sampler finds."""
        number = len(self)
        return number, self.restore(self._bases[number] if number < len(self._bases) else None)

    def restore(self, parameters: dict[str, object] | None) -> Point:
        """The candidate of the next trial, which has these parameters, or those that its sampler decides on."""
        number = len(self)
        self._memory.sampler = sampler_of(self._study.config, number)
        if parameters is not None:
            self._memory.enqueue_trial(parameters)
        point = asked(self._study, self._memory.ask())
        self._steady(lambda: self._add(number), again=lambda: self._add_where_missing(number))
        return point

    def _add(self, number: int) -> None:
        self._optuna.add_trial(self._memory.get_trials(deepcopy=False)[number])

    def _add_where_missing(self, number: int) -> None:
        """A server that went away may have done what it did not answer. To ask it takes longer the more trials are under way."""
        if self._optuna._storage.get_n_trials(self._optuna._study_id) == number:
            self._add(number)

    def tell(self, number: int, values: list[float], excess: dict[str, float], reason: str = "") -> None:
        """What a trial found; `excess` of each limit of the budget, above 0 where it is broken."""
        self._tell(number, TrialState.COMPLETE, values, excess, reason)

    def refuse(self, number: int, excess: dict[str, float], reason: str) -> None:
        """A candidate that was not trained: of its parameters only that they break the budget is known."""
        self._tell(number, TrialState.PRUNED, None, excess, reason)

    def fail(self, number: int, reason: str) -> None:
        """A candidate that says nothing of its parameters."""
        self._tell(number, TrialState.FAIL, None, {}, reason)

    def _tell(self, number: int, state: TrialState, values: list[float] | None, excess: dict[str, float], reason: str) -> None:
        self._memory.sampler = sampler_of(self._study.config, number)
        trial = self._trial(number)
        frozen = self._memory.get_trials(deepcopy=False)[number]
        if frozen.state.is_finished():
            return
        before = set(frozen.system_attrs)
        if reason:
            trial.set_user_attr("reason", reason[:500])
        for name in sorted(excess.keys() - frozen.constraints.keys()):
            trial.set_constraint(name, min(excess[name], _MOST_EXCESS))
        self._memory.tell(number, values, state=state)
        self._steady(lambda: self._pass_on(number, before))

    def _pass_on(self, number: int, before: set[str]) -> None:
        """Tell the database what the copy in memory knows of a trial beyond the attributes that it had before."""
        told, storage = self._memory.get_trials(deepcopy=False)[number], self._optuna._storage
        identity = storage.get_trial_id_from_study_id_trial_number(self._optuna._study_id, number)
        # a server that went away may have done what it did not answer
        with suppress(optuna.exceptions.UpdateFinishedTrialError):
            for key in sorted(told.system_attrs.keys() - before):
                storage.set_trial_system_attr(identity, key, told.system_attrs[key])
            for key, value in told.user_attrs.items():
                storage.set_trial_user_attr(identity, key, value)
            storage.set_trial_state_values(identity, told.state, told.values)

    def _trial(self, number: int) -> optuna.Trial:
        return optuna.Trial(self._memory, self._memory._storage.get_trial_id_from_study_id_trial_number(self._memory._study_id, number))
