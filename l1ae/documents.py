"""YAML files with typed content: reading, and messages that print the offending key and what would have been right."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from l1ae.errors import UserError

__all__ = ["Overrides", "load_yaml", "read_yaml", "validate", "yaml_value"]

_Model = TypeVar("_Model", bound=BaseModel)

# Far more than any configuration has.
_LARGEST = 10_000_000


def load_yaml(model: type[_Model], path: Path, **words: str) -> _Model:
    """Read a YAML file into any typed description; `words` as `read_yaml`.

    Raises `UserError` when the file is missing or no YAML, or a key or value is wrong.
    """
    return validate(model, read_yaml(path, **words), str(path))


def read_yaml(path: Path, *, what: str = "configuration", remedy: str = "`l1ae configs` lists those that come with l1ae") -> dict[str, Any]:
    """The mapping that a YAML file holds. `what` it is and the `remedy` for a missing one are for messages.

    Raises `UserError` when it is missing or holds none.
    """
    try:
        content = yaml_value(Path(path).read_bytes().decode())
    except FileNotFoundError as error:
        raise UserError(f"{what} '{path}' does not exist; {remedy}") from error
    except ValueError as error:
        raise UserError(f"'{path}' is no valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"'{path}' must hold a mapping of keys, not {type(content).__name__}")
    return content


def yaml_value(text: str) -> Any:
    """What a YAML text says, without objects. Raises `ValueError` for what is no YAML, too deep, or grows without end by its aliases."""
    loader = None
    try:
        # what no text may hold is said here already
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        if _size(node, {}) > _LARGEST:
            raise ValueError(f"with its aliases written out it has more than {_LARGEST:,} values")
        return loader.construct_document(node)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except (yaml.YAMLError, OverflowError, TypeError, AttributeError, KeyError, IndexError) as error:
        raise ValueError(str(error)) from error
    finally:
        if loader is not None:
            loader.dispose()


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node has with its aliases written out."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) not in known:
        # an alias to a node that it is part of has no end
        known[id(node)] = _LARGEST + 1
        parts = node.value if isinstance(node, yaml.SequenceNode) else [part for pair in node.value for part in pair]
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]


@dataclass(frozen=True)
class Overrides:
    """Keys that were set over those of a file, dotted, and the `option` that set them: mistakes in them are not the file's."""

    option: str
    keys: tuple[str, ...]

    def where(self, path: str, file: str) -> str:
        """What the message for a mistake at a dotted `path` begins with."""
        if any(f"{path}.".startswith(f"{key}.") for key in self.keys):
            return f"{self.option} {path}"
        above = [key for key in self.keys if not path or key.startswith(f"{path}.")]
        return ": ".join(filter(None, (file + (f" with {self.option} {', '.join(above)}" if above else ""), path)))


def validate(model: type[_Model], content: dict[str, Any], where: str, overrides: Overrides = Overrides("", ())) -> _Model:
    """The typed description in `content`; `where` begins the message of the `UserError` for what does not fit, but for `overrides`."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise UserError("\n".join(_message(model, item, where, overrides) for item in _causes(error.errors()))) from error


def _causes(errors: list[Any]) -> list[Any]:
    """Without complaints that a list is too short only because of what is wrong in it."""
    places = [item["loc"] for item in errors]

    def follows(item: Any) -> bool:
        loc = item["loc"]
        return item["type"] == "too_short" and any(len(place) > len(loc) and place[: len(loc)] == loc for place in places)

    return [item for item in errors if not follows(item)]


def _message(model: type[BaseModel], item: Any, file: str, overrides: Overrides) -> str:
    location = tuple(item["loc"])
    path = ".".join(map(str, location))
    where = overrides.where(path, file)
    match item["type"]:
        case "extra_forbidden":
            # of a key that was set the whole is what has to be written otherwise
            if any(f"{key}.".startswith(f"{path}.") or path.startswith(f"{key}.") for key in overrides.keys):
                return f"{overrides.option} {path}: unknown key; {_remedy(model, location, whole=True)}"
            return f"{file}: unknown key '{path}'; {_remedy(model, location, whole=False)}"
        case "missing":
            return f"{where} is missing; add '{location[-1]}: ...'{_meaning(model, location)}"
        case _:
            value = "" if isinstance(item["input"], dict) else f" (value: {item['input']!r})"
            return f"{where}: {_complaint(item)}{value}"


def _remedy(model: type[BaseModel], location: tuple[Any, ...], *, whole: bool) -> str:
    """Which key was probably meant by one that there is not: the same name further down, or a similar one here."""
    section, leaf = location[:-1], str(location[-1])
    models = _models_at(model, section)
    known = [name for one in models for name in one.model_fields]
    prefix = "".join(f"{part}." for part in section)
    deeper = list(dict.fromkeys(prefix + key for one in models for key in _below(one) if key.endswith(f".{leaf}")))
    if deeper:
        *others, last = map(repr, deeper)
        return f"did you mean {' or '.join(filter(None, (', '.join(others), last)))}?"
    close = difflib.get_close_matches(leaf, known, n=1)
    if close:
        return f"did you mean '{prefix if whole else ''}{close[0]}'?"
    return f"known keys are {', '.join(known)}" if known else "nothing can stand there; remove it"


def _below(model: type[BaseModel], known: tuple[type[BaseModel], ...] = ()) -> Iterator[str]:
    """Dotted keys of the sections in a section."""
    for name, field in model.model_fields.items():
        for section in (one for one in _sections_in(field.annotation) if one not in known):
            yield from (f"{name}.{key}" for key in (*section.model_fields, *_below(section, (*known, section))))


def _sections_in(annotation: Any) -> list[type[BaseModel]]:
    """The sections that a key holds itself, not in a list or by name."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    union = get_origin(annotation) in {Union, UnionType}
    return [section for argument in get_args(annotation) for section in _sections_in(argument)] if union else []


def _meaning(model: type[BaseModel], location: tuple[Any, ...]) -> str:
    """What a key is, in brackets."""
    fields = [one.model_fields[location[-1]] for one in _models_at(model, location[:-1]) if location[-1] in one.model_fields]
    text = next((field.description for field in fields if field.description), None)
    return "" if text is None else f" ({text})"


def _complaint(item: Any) -> str:
    """What is wrong with a value, in words of YAML instead of those of Python's types."""
    value = item["input"]
    match item["type"]:
        case "tuple_type" | "list_type":
            return f"must be a list; write for example [{value if isinstance(value, str | int | float) else 1}]"
        case "dict_type" | "model_type" | "model_attributes_type" | "dataclass_type":
            return "must be a section with keys of its own"
        case _:
            return str(item["msg"].removeprefix("Value error, "))


def _models_at(root: type[BaseModel], location: tuple[Any, ...]) -> list[type[BaseModel]]:
    """The sections at a location, which goes through fields, positions in lists and keys of mappings."""
    models = [root]
    for part in location:
        if isinstance(part, str) and any(part in model.model_fields for model in models):
            models = [found for model in models if part in model.model_fields for found in _models_in(model.model_fields[part].annotation)]
    return models


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The sections that a field's type mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
