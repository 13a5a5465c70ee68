"""YAML files with typed content: reading, and messages that print the offending key and what would have been right."""

import difflib
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from l1ae.errors import UserError

__all__ = ["load_yaml", "read_yaml", "validate"]

_Model = TypeVar("_Model", bound=BaseModel)


def load_yaml(model: type[_Model], path: Path) -> _Model:
    """Read a YAML file into any typed description.

    Raises `UserError` when the file is missing or no YAML, or a key or value is wrong.
    """
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
        # other parts are keys of a mapping or numbers in a list
        if isinstance(model, type) and issubclass(model, BaseModel) and part in model.model_fields:
            model = _within(model.model_fields[part].annotation)
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _within(annotation: Any) -> Any:
    """The model that an annotation is of, that of the values of a mapping too; the annotation itself where there is none."""
    found = [part for part in (annotation, *get_args(annotation)) if isinstance(part, type) and issubclass(part, BaseModel)]
    deeper = (_within(part) for part in get_args(annotation))
    return found[0] if found else next((part for part in deeper if isinstance(part, type) and issubclass(part, BaseModel)), annotation)
