"""A search as a page looks at it: its study, its front and its trials, and what they are to each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from l1ae.evaluation import Estimate, format_estimate
from l1ae.report import percent
from l1ae.rtl_results import beyond
from l1ae.search._front import costs_of, fitting, reported_of, taken_of
from l1ae.search._objectives import ObjectiveConfig
from l1ae.search._results import Front, FrontPoint, Trial, Verified
from l1ae.search._sampling import bases
from l1ae.search._study import Model, Study

__all__ = ["HandMade", "SearchView", "as_text", "in_words", "luts_text", "synthesised", "title", "unit", "with_unit"]

_MADE = {"lut": "lut", "ff": "ff", "latency_ns": "latency_ns", "cycles": "latency_cycles"}
"""Objectives that a synthesised design has a value of, and how that is called."""


@dataclass(frozen=True)
class HandMade:
    """A base model as it is. `trial`: None where no trial is of it yet, or its space does not hold it (`inside` is False)."""

    model: Model
    inside: bool
    trial: Trial | None

    @property
    def name(self) -> str:
        """Of its configuration."""
        return self.model.base.stem


@dataclass(frozen=True, eq=False)
class SearchView:
    """A search and what is known of its trials."""

    study: Study
    front: Front
    trials: Sequence[Trial]

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of models in the study's order."""
        return tuple(dict.fromkeys(model.kind for model in self.study.models.values()))

    @cached_property
    def complete(self) -> tuple[Trial, ...]:
        """Trials that have values."""
        return tuple(trial for trial in self.trials if trial.state == "complete")

    @cached_property
    def fitting(self) -> frozenset[int]:
        """Numbers of the complete trials within the budget, as far as is estimated."""
        return frozenset(trial.number for trial in fitting(self.study, self.trials))

    @cached_property
    def hand_made(self) -> tuple[HandMade, ...]:
        """The base models, and the trials that are these and nothing else."""
        points = {point.model: point for point in bases(self.study)}
        found = {self.study.point(one.model, one.parameters).key: one for one in self.trials if one.state != "repeated"}
        return tuple(
            HandMade(model, name in points, found.get(points[name].key) if name in points else None)
            for name, model in self.study.models.items()
        )

    def kind(self, trial: Trial) -> str:
        """The kind of a trial's model."""
        return self.study.models[trial.model].kind

    def chosen(self, trial: Trial) -> tuple[Estimate, ...]:
        """Every objective of a complete trial on what models are chosen on, of the training that would become its configuration."""
        taken = taken_of(self.study, trial)
        return tuple(objective.estimate(taken) for objective in self.study.config.objectives)

    def reported(self, trial: Trial) -> tuple[Estimate | None, ...]:
        """As `chosen`, on what nothing is chosen on; None for objectives that events say nothing of."""
        return tuple(reported_of(self.study, taken_of(self.study, trial)))

    def luts(self, trial: Trial) -> Estimate:
        """Packed LUTs of a complete trial as estimated, with the 90 % band."""
        cost = taken_of(self.study, trial).cost.luts_packed
        return Estimate(cost.value, cost.low, cost.high)

    def within(self, trial: Trial) -> str:
        """What of the budget a complete trial is beyond, or `yes`."""
        broken = beyond(taken_of(self.study, trial).cost, self.study.config.budget, sure=False)
        return f"no: {', '.join(broken)}" if broken else "yes"

    def better(self, trial: Trial) -> FrontPoint | None:
        """A point of the front that a complete trial does not beat in any objective; None where the trial is such a point itself."""
        by_number = {one.number: one for one in self.complete}
        mine = costs_of(self.study, trial)
        for point in self.front.points:
            if point.trial == trial.number:
                return None
            if all(one <= other for one, other in zip(costs_of(self.study, by_number[point.trial]), mine, strict=True)):
                return point
        return None

    def recommended(self, steps: Sequence[int]) -> dict[int, FrontPoint]:
        """The point to take up to each number of packed LUTs, where it is another one than with less of them.

        The one with the best worse end of its interval as chosen, by the first objective: of many candidates the luckiest is at the
        front's edge, and its interval tells it from one that was measured well. LUTs are synthesised ones where the point was made; one
        that was made and is not what it seemed is left out.
        """
        found: dict[int, FrontPoint] = {}
        first = self.study.config.objectives[0]
        by_number = {trial.number: trial for trial in self.complete}
        sound = [point for point in self.front.points if point.verified is None or point.verified.sound]
        for step in steps:
            within = [point for point in sound if self._luts_of(point, by_number[point.trial]) <= step]
            best = min(within, key=lambda point: -point.values[0].low if first.maximised else point.values[0].high, default=None)
            if best is not None and best not in found.values():
                found[step] = best
        return found

    def _luts_of(self, point: FrontPoint, trial: Trial) -> float:
        return self.luts(trial).value if point.verified is None else point.verified.lut

    def state(self, trial: Trial) -> Literal["trained", "stopped", "refused", "failed", "repeated"]:
        """What became of a trial, in one word."""
        if trial.state == "complete":
            return "stopped" if trial.reason else "trained"
        return trial.state


def unit(objective: ObjectiveConfig) -> float:
    """What values of an objective are divided by to be read: efficiencies are in percent."""
    return 0.01 if objective.quantity == "efficiency" else 1.0


def as_text(objective: ObjectiveConfig, found: Estimate | None) -> str:
    """A value with its interval, in lines that do not break; `–` where there is none. Efficiencies are in percent, which is not said."""
    if found is None:
        return "–"
    if objective.quantity == "efficiency":
        return format_estimate(found, 0.01).replace(" ", "\N{NO-BREAK SPACE}")
    if objective.quantity == "label_free":
        return f"{found.value:.4g}".replace("-", "−")
    return luts_text(found)


def with_unit(objective: ObjectiveConfig, found: Estimate) -> str:
    """As `as_text`, with percent, for a sentence."""
    return percent(found) if objective.quantity == "efficiency" else as_text(objective, found)


def title(objective: ObjectiveConfig) -> str:
    """The label with a capital letter."""
    return objective.label[0].upper() + objective.label[1:]


def luts_text(found: Estimate) -> str:
    """A count with its band; `±` would say that the band is a standard error."""
    if found.low == found.high:
        return f"{found.value:,.0f}"
    return f"{found.value:,.0f} ({found.low:,.0f} to {found.high:,.0f})".replace(" ", "\N{NO-BREAK SPACE}")


def synthesised(objective: ObjectiveConfig, made: Verified | None) -> float | None:
    """The value of an objective that a point has when it is made; None where it has none, or was not made."""
    name = _MADE.get(objective.quantity)
    return None if made is None or name is None else float(getattr(made, name))


def in_words(trial: Trial) -> str:
    """The values of a trial's dimensions."""
    return "; ".join(f"{key}: {_value(value)}" for key, value in trial.parameters.items()) or "nothing"


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
