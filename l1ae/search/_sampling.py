"""Candidates out of a space: asked of Optuna, and the ones that everybody tries first."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import optuna

from l1ae.search._config import DimensionConfig, StudyConfig, same
from l1ae.search._study import Model, Point, Study, tidy, value_at

__all__ = ["MODEL", "asked", "bases", "corners", "parameter_name", "parameters_of", "sampler_of"]

MODEL = "model"
"""Name of Optuna's parameter that says which base model a candidate is of."""

_STARTUP = 20
_POPULATION = 30


def sampler_of(config: StudyConfig, number: int) -> optuna.samplers.BaseSampler:
    """The sampler that decides on trial `number`: its seed follows from both, so that an interrupted study goes on as it would have."""
    seed = int(np.random.SeedSequence([config.seed, number]).generate_state(1)[0])
    match config.sampler:
        case "tpe":
            return optuna.samplers.TPESampler(seed=seed, n_startup_trials=_STARTUP, multivariate=True, group=True)
        case "nsga2":
            return optuna.samplers.NSGAIISampler(seed=seed, population_size=_POPULATION)
        case "random":
            return optuna.samplers.RandomSampler(seed=seed)


def parameter_name(model: str, dimension: str) -> str:
    """Of a dimension in Optuna's study: spaces of different models are different."""
    return f"{model}/{dimension}"


def asked(study: Study, trial: optuna.Trial) -> Point:
    """The candidate that Optuna's trial stands for; what it has decided already stays."""
    names = list(study.models)
    name = names[0] if len(names) == 1 else trial.suggest_categorical(MODEL, names)
    model, parameters = study.models[name], dict[str, Any]()
    for key, dimension in model.dimensions.items():
        if model.applies(dimension, parameters, study.settings_of(name, parameters)):
            parameters[key] = _suggested(trial, parameter_name(name, key), dimension)
    return study.point(name, parameters)


def _suggested(trial: optuna.Trial, name: str, dimension: DimensionConfig) -> Any:
    if dimension.range is None:
        return _named(dimension)[trial.suggest_categorical(name, list(_named(dimension)))]
    low, high = dimension.range
    if dimension.whole:
        return trial.suggest_int(name, int(low), int(high), step=int(dimension.step or 1), log=dimension.log)
    return tidy(trial.suggest_float(name, low, high, step=dimension.step, log=dimension.log))


def _named(dimension: DimensionConfig) -> dict[str, Any]:
    """Choices by their JSON, which Optuna's databases can hold; sets by name."""
    if dimension.sets is not None:
        return {name: name for name in dimension.sets}
    return {json.dumps(value): value for value in dimension.choices or ()}


def parameters_of(study: Study, point: Point) -> dict[str, Any]:
    """A candidate as Optuna's parameters, for `enqueue_trial`."""
    found: dict[str, Any] = {} if len(study.models) == 1 else {MODEL: point.model}
    for key, value in point.parameters.items():
        dimension = study.models[point.model].dimensions[key]
        found[parameter_name(point.model, key)] = value if dimension.range is not None or dimension.sets is not None else json.dumps(value)
    return found


def bases(study: Study) -> Iterator[Point]:
    """The base models as they are, where their spaces hold them: every dimension that they have a value of has this one."""
    for model in study.models.values():
        found = _base(study, model)
        if found is not None:
            yield found


def _base(study: Study, model: Model) -> Point | None:
    content = model.config({}, f"{study.path}: models.{model.name}").model_dump(mode="json")
    parameters: dict[str, Any] = {}
    for key, dimension in model.dimensions.items():
        if not model.applies(dimension, parameters, study.settings_of(model.name, parameters)):
            continue
        value = _held(dimension, key, content)
        if value is None:
            return None
        parameters[key] = value[0]
    return study.point(model.name, parameters)


def _held(dimension: DimensionConfig, key: str, content: Mapping[str, Any]) -> tuple[Any] | None:
    """The value of a dimension that stands in a configuration's content, in a tuple; None where it is none of the dimension's."""
    if dimension.sets is not None:
        for name, values in dimension.sets.items():
            if all(same(value_at(content, inner), value) for inner, value in values.items()):
                return (name,)
        return None
    value = value_at(content, key)
    if dimension.range is not None:
        low, high = dimension.range
        fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        whole = not dimension.whole or isinstance(value, int)
        return (value,) if fits and whole and _on_grid(value, low, dimension.step) else None
    return next(((choice,) for choice in dimension.choices or () if same(choice, value)), None)


def _on_grid(value: float, low: float, step: float | None) -> bool:
    return step is None or abs((value - low) / step - round((value - low) / step)) < 1e-9


def corners(study: Study, model: Model) -> Iterator[Point]:
    """Candidates to look at before anything is trained: all first values and lower ends, all last and upper ones, and some at random."""
    rng = np.random.default_rng(study.config.seed)
    for draw in range(_LOOKED_AT):
        parameters: dict[str, Any] = {}
        for key, dimension in model.dimensions.items():
            if model.applies(dimension, parameters, study.settings_of(model.name, parameters)):
                parameters[key] = _drawn(dimension, draw, rng)
        yield study.point(model.name, parameters)


_LOOKED_AT = 12


def _drawn(dimension: DimensionConfig, draw: int, rng: np.random.Generator) -> Any:
    if dimension.range is None:
        values = list(dimension.sets or dimension.choices or ())
        return values[{0: 0, 1: -1}.get(draw, int(rng.integers(len(values))))]
    low, high = dimension.range
    if draw < 2:
        return dimension.range[draw]
    drawn = rng.uniform(low, high)
    return round(drawn) if dimension.whole else tidy(drawn)
