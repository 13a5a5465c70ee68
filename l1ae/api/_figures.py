"""The figures of a run, drawn anew from what its stages left."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from l1ae.errors import UserError
from l1ae.evaluation import difference_figure, history_figure, inputs_figure, roc_figure, score_figure
from l1ae.families import find_score
from l1ae.pipeline import OBSERVED_EVENTS, first_events
from l1ae.report import efficiency_figure, periods_figure, pileup_figure, rate_figure

if TYPE_CHECKING:
    from l1ae.api._run import LoadedRun

__all__ = ["FIGURES", "draw", "possible"]


@dataclass(frozen=True)
class _Figure:
    """One figure: the `stage` that must have been made, and how it is drawn."""

    stage: str
    make: Callable[["LoadedRun"], Figure]


def _roc(run: "LoadedRun") -> Figure:
    judged, metrics = run.scores(), run.metrics
    marked = None if metrics.at_rate else run.config.model.target_fpr
    return roc_figure(judged.scores, judged.groups, judged.weights, aucs=metrics.auc["fixed"], target_fpr=marked)


def _scores(run: "LoadedRun") -> Figure:
    judged, contract = run.scores(), run.contract
    found = judged.scores["fixed"]
    return score_figure(
        found.background,
        found.signals,
        judged.weights,
        threshold=contract.threshold * contract.score.format.lsb,
        lsb=found.lsb,
        name=find_score(run.config.model.score).title,
    )


def _difference(run: "LoadedRun") -> Figure:
    found, metrics = run.scores("float", "fixed").scores, run.metrics
    if "float" not in found:
        raise UserError(f"'{run.folder}' has no model in floating point to compare with; choose another figure")
    first, second = found["float"], found["fixed"]
    return difference_figure(first.background, second.background, labels=("float", "fixed"), lsb=second.lsb, threshold=metrics.threshold)


def _inputs(run: "LoadedRun") -> Figure:
    first, weights = first_events(run.config, OBSERVED_EVENTS)
    return inputs_figure(first, run.config.inputs.selected, weights)


FIGURES: Mapping[str, _Figure] = MappingProxyType(
    {
        "roc": _Figure("evaluation", _roc),
        "scores": _Figure("contract", _scores),
        "difference": _Figure("evaluation", _difference),
        "history": _Figure("train", lambda run: history_figure(run.history)),
        "inputs": _Figure("train", _inputs),
        "rates": _Figure("trigger", lambda run: rate_figure(run.working_points, run.contract.threshold)),
        "efficiency": _Figure("trigger", lambda run: efficiency_figure(run.working_points)),
        "pileup": _Figure("trigger", lambda run: pileup_figure(run.working_points)),
        "periods": _Figure("trigger", lambda run: periods_figure(run.working_points)),
    }
)
"""Every figure by its name."""


def possible(run: "LoadedRun") -> tuple[str, ...]:
    """Names of the figures whose stage the run has."""
    return tuple(name for name, figure in FIGURES.items() if figure.stage in run.stages and not _lacks(run, name))


def _lacks(run: "LoadedRun", name: str) -> str:
    """What a run does not have that a figure shows, although its stage was made."""
    if name == "history" and not (run.folder / "train" / "history.csv").is_file():
        return f"a {run.config.model.architecture} is not trained in epochs"
    if name == "difference" and "float" not in run.metrics.auc:
        return "it has no model in floating point"
    if name == "pileup" and not run.working_points.stability.pileup:
        return "the pileup of its crossings is not known"
    if name == "periods" and not run.working_points.stability.periods:
        return "its crossings have no run and luminosity block"
    return ""


def draw(run: "LoadedRun", name: str) -> Figure:
    """One of `FIGURES`. Raises `UserError` for another name, and where the run lacks what it shows."""
    if name not in FIGURES:
        raise UserError(f"there is no figure '{name}'; figures are {', '.join(FIGURES)}")
    figure = FIGURES[name]
    if figure.stage not in run.stages:
        raise UserError(f"'{run.folder}' has no stage '{figure.stage}', which figure '{name}' shows; make it with l1ae.run or `l1ae run`")
    if missing := _lacks(run, name):
        raise UserError(f"'{run.folder}' has no figure '{name}': {missing}; there are {', '.join(possible(run))}")
    return figure.make(run)
