"""Optuna's study: which trials were asked for, in a database that may be busy, full or away for a while."""

import logging
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import optuna
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError

from l1ae.errors import UserError
from l1ae.search._sampling import sampler_of
from l1ae.search._study import Study

__all__ = ["Ledger"]

_log = logging.getLogger("l1ae")
_T = TypeVar("_T")

_DIGEST = "l1ae:study"
_MOST_EXCESS = 1e6


class Ledger:
    """The trials of a study in its database. Only one process asks and tells; others may look, as optuna-dashboard does."""

    def __init__(self, study: Study, folder: Path, *, patience: float = 120.0) -> None:
        """Open the study's database, or make it. `patience` (s): how long one that does not answer is asked again.

        Raises `UserError` when it is of another study, or cannot be reached.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        # names of objectives, and spaces that depend on the model
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        self._study, self._patience = study, patience
        self.url = study.config.storage or f"sqlite:///{folder.absolute() / 'study.db'}"
        self._optuna = self._steady(self._open)

    def _open(self) -> optuna.Study:
        options = {} if self.url.startswith("sqlite") else {"pool_pre_ping": True}
        storage = optuna.storages.RDBStorage(self.url, engine_kwargs=options)
        direction = {True: optuna.study.StudyDirection.MAXIMIZE, False: optuna.study.StudyDirection.MINIMIZE}
        directions = [direction[objective.maximised] for objective in self._study.config.objectives]
        opened = optuna.create_study(storage=storage, study_name=self._study.config.name, directions=directions, load_if_exists=True)
        known = opened.user_attrs.get(_DIGEST)
        if known not in {None, self._study.digest}:
            raise UserError(
                f"{self._study.path}: storage '{_shown(self.url)}' holds another study of the name '{self._study.config.name}'; give "
                "this one another name, or the storage that it was begun with"
            )
        if known is None:
            opened.set_user_attr(_DIGEST, self._study.digest)
            opened.set_metric_names([objective.label for objective in self._study.config.objectives])
        return opened

    def _steady(self, operation: Callable[[], _T]) -> _T:
        """The result of an operation, which is tried again while the database does not answer."""
        began, wait = time.monotonic(), 0.2
        while True:
            try:
                return operation()
            except (StorageInternalError, SQLAlchemyError, OSError) as error:
                if time.monotonic() - began + wait > self._patience:
                    raise UserError(
                        f"the study's database '{_shown(self.url)}' has not answered for {self._patience:.0f} s ({_reason(error)}); "
                        "nothing that finished is lost: bring it back, and continue with --resume"
                    ) from error
                _log.warning("the study's database does not answer (%s); trying again", _reason(error))
                time.sleep(wait)
                wait = min(2 * wait, 10.0)

    def trials(self) -> list[optuna.trial.FrozenTrial]:
        """All trials, by number."""
        return self._steady(lambda: self._optuna.get_trials(deepcopy=False))

    def running(self) -> list[int]:
        """Numbers of trials that were asked for and not told."""
        return [trial.number for trial in self.trials() if trial.state == optuna.trial.TrialState.RUNNING]

    def enqueue(self, parameters: dict[str, object]) -> None:
        """A candidate that is asked for before those that the sampler finds."""
        self._steady(lambda: self._optuna.enqueue_trial(parameters, skip_if_exists=True))

    def ask(self) -> optuna.Trial:
        """The next trial, whose parameters its sampler decides."""
        self._optuna.sampler = sampler_of(self._study.config, self._next())
        return self._steady(self._optuna.ask)

    def _next(self) -> int:
        trials = self.trials()
        waiting = [trial.number for trial in trials if trial.state == optuna.trial.TrialState.WAITING]
        return min(waiting, default=len(trials))

    def again(self, number: int) -> optuna.Trial:
        """A trial that was asked for before; parameters that it had then are kept, and the others come out as they would have."""
        self._optuna.sampler = sampler_of(self._study.config, number)
        identity = self.trials()[number]._trial_id
        return self._steady(lambda: optuna.Trial(self._optuna, identity))

    def tell(self, trial: optuna.Trial, values: list[float], excess: dict[str, float]) -> None:
        """What a trial found; `excess` of each limit of the budget, above 0 where it is broken."""
        self._constrain(trial, excess)
        self._steady(lambda: self._optuna.tell(trial.number, values, skip_if_finished=True))

    def refuse(self, trial: optuna.Trial, excess: dict[str, float]) -> None:
        """A candidate that was not trained: of its parameters only that they break the budget is known."""
        self._constrain(trial, excess)
        self._steady(lambda: self._optuna.tell(trial.number, state=optuna.trial.TrialState.PRUNED, skip_if_finished=True))

    def fail(self, trial: optuna.Trial) -> None:
        """A candidate that says nothing of its parameters."""
        self._steady(lambda: self._optuna.tell(trial.number, state=optuna.trial.TrialState.FAIL, skip_if_finished=True))

    def note(self, trial: optuna.Trial, reason: str) -> None:
        """Say in the database why a trial has no values."""
        self._steady(lambda: trial.set_user_attr("reason", reason[:500]))

    def importance(self, names: list[str], objective: int) -> dict[str, float]:
        """Share of each of these parameters, which all completed trials of a model have, in the spread of an objective."""
        return self._steady(
            lambda: optuna.importance.get_param_importances(
                self._optuna,
                params=names,
                target=lambda trial: trial.values[objective],
                evaluator=optuna.importance.FanovaImportanceEvaluator(seed=self._study.config.seed),
            )
        )

    def _constrain(self, trial: optuna.Trial, excess: dict[str, float]) -> None:
        for name, value in excess.items():
            self._steady(partial(trial.set_constraint, name, min(value, _MOST_EXCESS)))


def _shown(url: str) -> str:
    """A URL without its password."""
    head, sign, tail = url.rpartition("@")
    scheme, slashes, user = head.partition("://")
    return f"{scheme}{slashes}{user.partition(':')[0]}@{tail}" if sign else url


def _reason(error: Exception) -> str:
    """The innermost reason, in one line."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return " ".join(str(error).split())[:200] or type(error).__name__
