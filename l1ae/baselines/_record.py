"""What a baseline is: one record, and what it becomes for a layout."""

from collections.abc import Callable
from dataclasses import dataclass

from l1ae.baselines._training import TrainingEvents
from l1ae.inputs import Layout
from l1ae.trigger import ScoreFunction

__all__ = ["Baseline", "Candidate"]


@dataclass(frozen=True, eq=False)
class Candidate:
    """A score on the events of one layout: `fit(training)` gives a function of hardware codes (n, size). Unit '' of a pure number."""

    name: str
    title: str
    unit: str
    fit: Callable[[TrainingEvents], ScoreFunction]


@dataclass(frozen=True, eq=False)
class Baseline:
    """A kind of simple trigger. `of(layout)` gives one candidate or several, or says why the layout allows none.

    `text`: what it is, in one sentence.
    """

    name: str
    title: str
    text: str
    of: Callable[[Layout], tuple[Candidate, ...] | str]
