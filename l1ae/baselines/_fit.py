"""Baselines that have learned, and their efficiencies at rates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from l1ae.baselines._columns import Codes
from l1ae.baselines._kinds import BASELINES
from l1ae.baselines._record import Baseline, Candidate
from l1ae.baselines._result import BaselineResult, BaselinesResult
from l1ae.baselines._training import TrainingEvents
from l1ae.progress import tracked
from l1ae.trigger import RATES, Judge, JudgedEvents, ScoreFunction, at_rate

__all__ = ["Fitted", "FittedBaselines", "fit_baselines", "judge_baselines"]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A baseline as it was fitted: `score` is a function of hardware codes (n, size) of the training layout."""

    kind: Baseline
    candidate: Candidate
    score: ScoreFunction

    @property
    def name(self) -> str:
        """Unique among all."""
        return self.candidate.name


@dataclass(frozen=True, eq=False)
class FittedBaselines:
    """All baselines that the layout of the training events allows; `impossible` says by kind why the others are not."""

    training: TrainingEvents
    fitted: tuple[Fitted, ...]
    impossible: Mapping[str, str]

    def scores(self, hardware: Codes) -> npt.NDArray[np.float64]:
        """(N, baselines) of events (N, size)."""
        columns = [np.asarray(fitted.score(hardware), np.float64) for fitted in self.fitted]
        return np.stack(columns, axis=1) if columns else np.zeros((len(hardware), 0))


def fit_baselines(training: TrainingEvents, kinds: Sequence[Baseline] = BASELINES) -> FittedBaselines:
    """Fit every baseline of some kinds that the layout allows."""
    found = {kind: kind.of(training.layout) for kind in kinds}
    possible = [(kind, candidate) for kind, candidates in found.items() if not isinstance(candidates, str) for candidate in candidates]
    fitting = tracked(possible, "baselines: training", unit="triggers")
    fitted = tuple(Fitted(kind, candidate, candidate.fit(training)) for kind, candidate in fitting)
    return FittedBaselines(training, fitted, {kind.title: reason for kind, reason in found.items() if isinstance(reason, str)})


def judge_baselines(
    baselines: FittedBaselines, judge: Judge, *, source: str = "", rates: Sequence[float] = RATES, quoted: float | None = None
) -> BaselinesResult:
    """Efficiencies of all baselines at rates in kHz, on the events of a judge, whose own inputs do not matter.

    `source` names these, and `quoted` is the rate that comes first (`AtRate`).

    Raises `UserError` when these lack columns of the training events.
    """
    judge = replace(
        judge,
        background=_in(baselines, judge.background),
        signals={name: _in(baselines, events) for name, events in judge.signals.items()},
    )
    crossings, signals = judge.scores(baselines.scores)
    results = [
        BaselineResult(
            name=fitted.name,
            title=fitted.candidate.title,
            kind=fitted.kind.title,
            text=fitted.kind.text,
            unit=fitted.candidate.unit,
            at_rate=at_rate(
                crossings[:, k],
                judge.crossings,
                {name: found[:, k] for name, found in signals.items()},
                judge.signal_events,
                rates=rates,
                quoted=quoted,
            ),
        )
        for k, fitted in enumerate(tracked(baselines.fitted, "baselines: efficiencies", unit="triggers"))
    ]
    training = baselines.training
    return BaselinesResult(
        layout=training.layout.name,
        training_events=len(training),
        training_available=training.available,
        training_effective=training.effective,
        source=source,
        events=len(judge.crossings),
        results=tuple(results),
        impossible=dict(baselines.impossible),
    )


def _in(baselines: FittedBaselines, events: JudgedEvents) -> JudgedEvents:
    """The events, of which scores see all columns that the baselines learned from."""
    layout = baselines.training.layout
    layout.taken_from(events.layout, events.name)
    return replace(events, inputs=layout)
