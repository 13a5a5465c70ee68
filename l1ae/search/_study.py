"""A study with its base models read: which configurations it can make, and what is wrong with it before anything is trained."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from l1ae.config import Config, find_config, read_config, set_key
from l1ae.documents import read_yaml, validate
from l1ae.errors import UserError
from l1ae.families import Body
from l1ae.search._config import DimensionConfig, StudyConfig, same
from l1ae.search._database import database_of
from l1ae.search._results import Settings

__all__ = ["Model", "Point", "Study", "load_study", "tidy", "value_at"]

_EPOCHS = ("training.float_phase.epochs", "training.quantized_phase.epochs", "training.kl_warmup", "model.pair_tables.epochs")


@dataclass(frozen=True)
class Point:
    """A candidate: its model, the value of each dimension by name, and what these change in the base's configuration."""

    model: str
    parameters: dict[str, Any]
    settings: Settings

    @property
    def key(self) -> str:
        """The same for the same configuration, whatever the names of values are."""
        return json.dumps([self.model, self.settings], sort_keys=True)


@dataclass(frozen=True, eq=False)
class Model:
    """One base model of a study: its configuration's content with the study's `set`, and the dimensions of its space in order."""

    name: str
    base: Path
    content: dict[str, Any]
    dimensions: Mapping[str, DimensionConfig]
    kind: str

    def config(self, settings: Settings, where: str, folder: Path = Path()) -> Config:
        """The configuration with these settings. Raises `UserError` that begins with `where` for what cannot be."""
        return validate(Config, self.with_settings(settings, where, folder), where)

    def with_settings(self, settings: Settings, where: str, folder: Path = Path()) -> dict[str, Any]:
        """The content with these settings; files that they name are relative to `folder`. Raises `UserError` for impossible keys."""
        content = deepcopy(self.content)
        for key, value in settings.items():
            _set(content, key, value, where, folder)
        return content

    def applies(self, dimension: DimensionConfig, parameters: Mapping[str, Any], settings: Settings) -> bool:
        """Whether a dimension has a value where those further up have `parameters`, which change `settings`."""
        return all(self._has(key, values, parameters, settings) for key, values in dimension.when.items())

    def _has(self, key: str, values: Sequence[Any], parameters: Mapping[str, Any], settings: Settings) -> bool:
        found = parameters[key] if key in parameters else settings.get(key, value_at(self.content, key))
        return any(same(found, value) for value in values)


@dataclass(frozen=True, eq=False)
class Study:
    """A study's file, what it says, and its models by name. Trials on another machine need the same files of data there."""

    path: Path
    config: StudyConfig
    models: Mapping[str, Model]

    @property
    def rungs(self) -> tuple[float, ...]:
        """Fractions of the epochs that trainings go through."""
        return (1.0,) if self.config.halving is None else self.config.halving.fractions

    @property
    def digest(self) -> str:
        """sha256 of all that decides which trials there are and what becomes of them, but for their number."""
        content = self.config.model_dump(mode="json", exclude={"trials", "verify", "storage", "title"})
        bases = {name: model.content for name, model in self.models.items()}
        return hashlib.sha256(json.dumps([content, bases], sort_keys=True).encode()).hexdigest()

    def settings_of(self, model: str, parameters: Mapping[str, Any]) -> Settings:
        """What values of dimensions change."""
        settings: Settings = {}
        for name, value in parameters.items():
            dimension = self.models[model].dimensions[name]
            settings |= dimension.sets[value] if dimension.sets is not None else {name: value}
        return settings

    def point(self, model: str, parameters: Mapping[str, Any]) -> Point:
        """A candidate with these values of its dimensions."""
        return Point(model, dict(parameters), self.settings_of(model, parameters))

    def trained(self, point: Point, number: int, rung: int) -> Settings:
        """The settings of a training: those of the point, a name of its own, and the epochs of its rung."""
        settings = dict(point.settings)
        if self.rungs[rung] < 1:
            config = self.models[point.model].config(settings, f"{self.path}: {point.model}")
            settings |= _shortened(config, self.rungs[rung])
        return settings | {"name": f"{self.config.name}_{number:04d}"}

    def last_rung(self, model: str) -> int:
        """The rung at which a training has all its epochs; 0 where there are none to save."""
        config = self.models[model].config({}, f"{self.path}: {model}")
        return len(self.rungs) - 1 if _has_epochs(config) else 0

    def text(self, point: Point, settings: Settings, comment: str) -> str:
        """A configuration file with these settings; it names its files by absolute paths."""
        content = self.models[point.model].with_settings(settings, f"{self.path}: {point.model}", self.path.parent)
        lines = "".join(f"# {line}\n" for line in comment.splitlines())
        return lines + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=130)


def _has_epochs(config: Config) -> bool:
    return config.model.family.body is not Body.DENSITY and config.model.source is None


def _shortened(config: Config, fraction: float) -> Settings:
    """Fewer epochs, at least one where there were some."""
    if not _has_epochs(config):
        return {}
    content = config.model_dump()
    tabular = config.model.family.tabular
    asked = {key: value_at(content, key) for key in _EPOCHS if key.startswith("model.") == tabular}
    return {key: max(math.ceil(count * fraction - 1e-9), 1) for key, count in asked.items() if count}


def load_study(path: Path) -> Study:
    """Read a study and its base configurations.

    Raises `UserError` with file and key for what is missing, unknown, or of the wrong kind, and for values of dimensions that no
    configuration can have.
    """
    words = {"what": "study", "remedy": "`l1ae configs` lists those that come with l1ae"}
    config = validate(StudyConfig, read_yaml(path, **words), str(path))
    if config.storage is not None:
        database_of(config.storage, f"{path}: storage")
    study = Study(Path(path), config, {name: _model(path, config, name) for name in config.models})
    for name, model in study.models.items():
        _check(study, name, model)
    return study


def _model(path: Path, config: StudyConfig, name: str) -> Model:
    given = config.models[name]
    try:
        base = find_config(given.base, folder=Path(path).parent)
        content = read_config(base)
    except UserError as error:
        raise UserError(f"{path}: models.{name}.base: {error}") from error
    for where, values in (("set", config.set), (f"models.{name}.set", given.set)):
        for key, value in values.items():
            _set(content, key, value, f"{path}: {where}", Path(path).parent)
    architecture = validate(Config, content, f"{path}: models.{name}").model.architecture
    return Model(name, base, content, dict(config.space) | dict(given.space), given.kind or architecture)


def _set(content: dict[str, Any], key: str, value: Any, where: str, folder: Path) -> None:
    try:
        set_key(content, key, deepcopy(value), folder)
    except ValueError as error:
        raise UserError(f"{where}: {key}: {error}; such keys are written as in --set, for example model.latent") from error


def value_at(content: Mapping[str, Any], key: str) -> Any:
    """What a dotted key holds; None where it holds nothing."""
    found: Any = content
    for part in key.split("."):
        if isinstance(found, list | tuple) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        elif isinstance(found, Mapping):
            found = found.get(part)
        else:
            return None
    return found


def _check(study: Study, name: str, model: Model) -> None:
    """Every value of every dimension alone can stand in the configuration, as far as its ends go.

    What is wrong with a value itself is wrong in all candidates; what is wrong beside the base's values may not be.
    """
    seen: list[str] = []
    for key, dimension in model.dimensions.items():
        where = f"{study.path}: models.{name}.space.{key}" if key in study.config.models[name].space else f"{study.path}: space.{key}"
        if key == "name":
            raise UserError(f"{where}: the search names its candidates itself; remove the dimension")
        for condition in dimension.when:
            if condition not in seen and "." not in condition:
                raise UserError(
                    f"{where}: when: '{condition}' is no dimension further up{_listed(seen)} and no dotted key; move the dimension below "
                    "the one that it depends on"
                )
        seen.append(key)
        ends = list(_ends(key, dimension))
        problems = [(error, settings) for settings in ends if (error := _problem(model, settings, where)) is not None]
        if impossible := [error for error, settings in problems if _of_itself(error, settings)]:
            raise impossible[0]
        if len(problems) == len(ends) and not dimension.when:
            raise problems[0][0]


def _listed(names: Sequence[str]) -> str:
    return f" ({', '.join(names)})" if names else ""


def _ends(key: str, dimension: DimensionConfig) -> Iterator[Settings]:
    """The settings of single values: all choices and sets, both ends of a range."""
    if dimension.sets is not None:
        yield from dimension.sets.values()
    else:
        yield from ({key: value} for value in dimension.choices or dimension.ends)


def _problem(model: Model, settings: Settings, where: str) -> UserError | None:
    try:
        model.config(settings, where)
    except UserError as error:
        return error
    return None


def _of_itself(error: UserError, settings: Settings) -> bool:
    """Whether an error is at one of the keys that were set, and not one of several keys together."""
    if not isinstance(error.__cause__, ValidationError):
        return False
    places = [".".join(map(str, item["loc"])) for item in error.__cause__.errors()]
    return any(f"{place}.".startswith(f"{key}.") for place in places for key in settings)


def tidy(value: float) -> float:
    """A number of a range with four significant digits, so that configurations can be read."""
    return float(f"{value:.4g}")
