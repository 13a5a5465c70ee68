"""Out of all trials the front: the points that no other one beats in every objective, and their configurations."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from l1ae.evaluation import Estimate
from l1ae.files import write_text
from l1ae.results import save_result
from l1ae.rtl_results import beyond
from l1ae.search._files import SearchFolder
from l1ae.search._halving import nondominated
from l1ae.search._results import Counts, Front, FrontPoint, Measured, Objective, Trial
from l1ae.search._sampling import parameter_name
from l1ae.search._storage import Ledger
from l1ae.search._study import Study

__all__ = [
    "Best",
    "best_below",
    "configuration_of",
    "costs_of",
    "fitting",
    "front_of",
    "kind_of",
    "reported_of",
    "taken_of",
    "write_front",
]

_FEW = 10
"""Trials of a model below which nothing is said of the importance of its keys."""


def costs_of(study: Study, trial: Trial) -> list[float]:
    """The objectives of a complete trial, (objectives,), all to be made small."""
    measured = trial.by_rung(trial.rung)
    return [-one.value(measured) if one.maximised else one.value(measured) for one in study.config.objectives]


def fitting(study: Study, trials: Iterable[Trial]) -> list[Trial]:
    """The complete trials within the budget, as far as is estimated."""
    return [one for one in trials if one.state == "complete" and not beyond(one.by_rung(one.rung)[0].cost, study.config.budget, sure=False)]


def taken_of(study: Study, trial: Trial) -> Measured:
    """The training of a point that becomes its configuration: of several seeds the best one by the first objective."""
    first = study.config.objectives[0]
    found = trial.by_rung(trial.rung)
    return (max if first.maximised else min)(found, key=lambda one: first.estimate(one).value)


def configuration_of(study: Study, trial: Trial) -> tuple[str, str]:
    """Name and YAML of a trial's configuration, which makes the contract that was measured."""
    taken, name = taken_of(study, trial), f"{study.config.name}_{trial.number:04d}"
    values = "\n".join(f"{one.label}: {one.estimate(taken)}" for one in study.config.objectives)
    comment = (
        f"Trial {trial.number} of study {study.config.name}, model {trial.model}; as it was chosen:\n{values}\ncontract {taken.digest}"
    )
    point = study.point(trial.model, trial.parameters)
    return name, study.text(point, trial.settings | {"seed": taken.seed}, comment)


def _point(study: Study, trial: Trial) -> FrontPoint:
    taken, name = taken_of(study, trial), f"{study.config.name}_{trial.number:04d}"
    return FrontPoint(
        name=name,
        trial=trial.number,
        model=trial.model,
        kind=study.models[trial.model].kind,
        settings=trial.settings | {"seed": taken.seed},
        digest=taken.digest,
        seed=taken.seed,
        values=tuple(one.estimate(taken) for one in study.config.objectives),
        reported=tuple(reported_of(study, taken)),
        configuration=f"front/{name}.yaml",
    )


def reported_of(study: Study, measured: Measured) -> Iterable[Estimate | None]:
    """Every objective of a training on events that nothing is chosen on; None for those that events say nothing of."""
    for objective in study.config.objectives:
        try:
            yield objective.estimate(measured, reported=True) if objective.quantity == "efficiency" else None
        except ValueError:
            yield None


def front_of(study: Study, trials: Sequence[Trial], ledger: Ledger) -> Front:
    """The front of the trials within the budget, the best by the first objective first."""
    known = fitting(study, trials)
    points: list[FrontPoint] = []
    if known:
        costs = np.array([costs_of(study, trial) for trial in known])
        best = np.flatnonzero(nondominated(costs))
        points = [_point(study, known[k]) for k in best[np.lexsort((best, costs[best, 0]))]]
    counted = Counter(trial.state for trial in trials)
    stopped = sum(trial.state == "complete" and bool(trial.reason) for trial in trials)
    return Front(
        study=study.config.name,
        objectives=tuple(Objective(one.label, one.maximised) for one in study.config.objectives),
        budget={name: limit for name, limit in study.config.budget if limit is not None},
        counts=Counts(counted["complete"], stopped, counted["refused"], counted["failed"], counted["repeated"]),
        reasons=dict(Counter(kind_of(trial.reason) for trial in trials if trial.state in {"refused", "failed"}).most_common()),
        points=tuple(points),
        importance=_importance(study, trials, ledger),
        seconds=sum(trial.seconds for trial in trials),
    )


def kind_of(reason: str) -> str:
    """A reason without the numbers that make it one candidate's own."""
    return " ".join("…" if any(sign.isdigit() for sign in word) else word for word in reason.split())[:200]


def _importance(study: Study, trials: Sequence[Trial], ledger: Ledger) -> dict[str, dict[str, dict[str, float]]]:
    """Shares of the spread of each objective by fANOVA (Hutter et al., ICML 2014), by model, of the keys that all its trials have."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name in study.models:
        mine = [trial for trial in trials if trial.model == name and trial.state == "complete"]
        common = set.intersection(*(set(trial.parameters) for trial in mine)) if mine else set()
        keys = [key for key in study.models[name].dimensions if key in common and len({str(one.parameters[key]) for one in mine}) > 1]
        if len(mine) < _FEW or not keys:
            continue
        found[name] = {}
        for place, objective in enumerate(study.config.objectives):
            if len({objective.value(one.by_rung(one.rung)) for one in mine}) < 2:
                continue
            shares = ledger.importance([parameter_name(name, key) for key in keys], place)
            found[name][objective.label] = {key.partition("/")[2]: float(value) for key, value in shares.items()}
    return found


def write_front(study: Study, folder: SearchFolder, front: Front, trials: Sequence[Trial]) -> None:
    """front.json, and for each of its points a configuration."""
    by_number = {trial.number: trial for trial in trials}
    (folder.path / "front").mkdir(exist_ok=True)
    for point in front.points:
        name, text = configuration_of(study, by_number[point.trial])
        write_text(folder.path / "front" / f"{name}.yaml", text)
    save_result(folder.front, front)


@dataclass(frozen=True)
class Best:
    """The best trial of one kind of model up to a number of LUTs, by the first objective."""

    kind: str
    lut: int
    trial: Trial | None


def best_below(study: Study, trials: Sequence[Trial], steps: Sequence[int]) -> list[Best]:
    """Of each kind of model what finds most within the other limits of the budget and each number of packed LUTs, as estimated."""
    other = study.config.budget.model_copy(update={"lut": None})
    found: list[Best] = []
    for kind in dict.fromkeys(model.kind for model in study.models.values()):
        mine = [one for one in trials if one.state == "complete" and study.models[one.model].kind == kind]
        mine = [one for one in mine if not beyond(one.by_rung(one.rung)[0].cost, other, sure=False)]
        for lut in steps:
            within = [one for one in mine if one.by_rung(one.rung)[0].cost.luts_packed.value <= lut]
            found.append(Best(kind, lut, min(within, key=lambda one: costs_of(study, one)[0], default=None)))
    return found
