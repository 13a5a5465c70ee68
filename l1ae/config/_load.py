"""Reading a configuration file, with messages that print the offending key and what would have been right."""

import difflib
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from l1ae.config._schema import Config
from l1ae.errors import UserError

__all__ = ["dump_config", "load_config", "load_yaml", "read_yaml", "validate"]


_Model = TypeVar("_Model", bound=BaseModel)


def load_config(path: Path, overrides: tuple[str, ...] = ()) -> Config:
    """Read a run's YAML file and apply `key.subkey=value` overrides (values are YAML too).

    Raises `UserError` when the file is missing or no YAML, or a key or value is wrong.
    """
    content = read_yaml(path)
    for override in overrides:
        _apply(content, override)
    _resolve_source(content, Path(path))
    return validate(Config, content, str(path))


def load_yaml(model: type[_Model], path: Path) -> _Model:
    """Read a YAML file into any typed description. Raises `UserError` as `load_config`."""
    return validate(model, read_yaml(path), str(path))


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds. Raises `UserError` when it holds none."""
    try:
        content = yaml.safe_load(Path(path).read_text())
    except FileNotFoundError as error:
        raise UserError(f"configuration '{path}' does not exist; the ones that come with l1ae are in configs/") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"'{path}' is no valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"'{path}' must hold a mapping of keys, not {type(content).__name__}")
    return content


def validate(model: type[_Model], content: dict[str, Any], where: str) -> _Model:
    """The typed description in `content`; `where` begins the message of the `UserError` for what does not fit."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise UserError("\n".join(_message(model, item, where) for item in error.errors())) from error


def dump_config(config: Config) -> str:
    """YAML of every field, defaults included."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


def _apply(content: dict[str, Any], override: str) -> None:
    key, sign, text = override.partition("=")
    if not sign:
        raise UserError(f"--set '{override}' has no '='; write for example --set training.batch_size=512")
    *parents, leaf = key.split(".")
    section = content
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            raise UserError(f"--set '{override}': '{parent}' is a value, not a section")
    try:
        section[leaf] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"--set '{override}': '{text}' is no valid YAML: {error}") from error


def _resolve_source(content: dict[str, Any], path: Path) -> None:
    """An imported model is named relative to the configuration file."""
    model = content.get("model")
    if isinstance(model, dict) and isinstance(model.get("source"), str):
        model["source"] = str(path.parent.resolve() / model["source"])


def _message(model: type[BaseModel], item: Any, where: str) -> str:
    path = ".".join(str(part) for part in item["loc"])
    if item["type"] != "extra_forbidden":
        value = "" if isinstance(item["input"], dict) else f" (value: {item['input']!r})"
        return f"{where}: {path or 'configuration'}: {item['msg'].removeprefix('Value error, ')}{value}"
    known = _fields_at(model, item["loc"][:-1])
    close = difflib.get_close_matches(str(item["loc"][-1]), known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"known keys are {', '.join(known)}"
    return f"{where}: unknown key '{path}'; {hint}"


def _fields_at(root: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    model: Any = root
    for part in location:
        field = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        model = field.annotation if field else None
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []
