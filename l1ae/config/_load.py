"""Reading a configuration file, with messages that print the offending key and what would have been right."""

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from l1ae.config._schema import Config
from l1ae.errors import UserError

__all__ = ["dump_config", "load_config", "parse_config"]


def load_config(path: Path, overrides: tuple[str, ...] = ()) -> Config:
    """Read a YAML file and apply `key.subkey=value` overrides (values are YAML too).

    Raises `UserError` when the file is missing or no YAML, or a key or value is wrong.
    """
    try:
        content = yaml.safe_load(Path(path).read_text())
    except FileNotFoundError as error:
        raise UserError(f"configuration '{path}' does not exist; the ones that come with l1ae are in configs/") from error
    except yaml.YAMLError as error:
        raise UserError(f"'{path}' is no valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"'{path}' must hold a mapping of keys, not {type(content).__name__}")
    for override in overrides:
        _apply(content, override)
    return parse_config(content, str(path))


def parse_config(content: dict[str, Any], where: str) -> Config:
    """Validate a nested dictionary; `where` names its origin in error messages."""
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise UserError("\n".join(_message(item, where) for item in error.errors())) from error


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
    section[leaf] = yaml.safe_load(text)


def _message(item: Any, where: str) -> str:
    path = ".".join(str(part) for part in item["loc"])
    if item["type"] != "extra_forbidden":
        return f"{where}: {path or 'configuration'}: {item['msg'].removeprefix('Value error, ')} (value: {item['input']!r})"
    known = _fields_at(item["loc"][:-1])
    close = difflib.get_close_matches(str(item["loc"][-1]), known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"known keys are {', '.join(known)}"
    return f"{where}: unknown key '{path}'; {hint}"


def _fields_at(location: tuple[Any, ...]) -> list[str]:
    model: Any = Config
    for part in location:
        field = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        model = field.annotation if field else None
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []
