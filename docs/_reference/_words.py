"""What a type annotation of a schema says, in words of people who write YAML."""

import dataclasses
import enum
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from l1ae.inputs import FixedFormat, Layout
from l1ae.schema import Unit

__all__ = ["anchor_of", "default_text", "limits_text", "models_in", "type_text", "types_in", "units_in"]

_PLAIN = {bool: "true or false", int: "whole number", float: "number", str: "text", Any: "any value", object: "any value", Path: "file"}
_CLASSES = {FixedFormat: "fixed-point type", Layout: "layout", BaseModel: "section"}
_SIGNS = ((Ge, "ge", "≥"), (Gt, "gt", ">"), (Le, "le", "≤"), (Lt, "lt", "<"))
_LONGEST_DEFAULT = 60


def _parts(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """The type in an `Annotated`, and what is noted beside it."""
    if get_origin(annotation) is Annotated:
        inner, *notes = get_args(annotation)
        return inner, tuple(notes)
    return annotation, ()


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in {Union, types.UnionType}


def type_text(annotation: Any) -> str:
    """`whole number`, `list of text`, `by name: number`, the values of a choice; sections by the word `section`."""
    annotation, _ = _parts(annotation)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{_yaml(value)}`" for value in inner)
    if _is_union(annotation):
        words = [type_text(one) for one in inner if one is not type(None)]
        words = ["number"] if set(words) == {"whole number", "number"} else words
        return " or ".join(dict.fromkeys(words))
    if origin in {tuple, list}:
        return _list_text(inner)
    if origin is dict or origin is not None:
        return f"by name: {type_text(inner[1])}" if len(inner) > 1 else type_text(inner[0])
    return _class_text(annotation)


def _list_text(inner: tuple[Any, ...]) -> str:
    if len(inner) == 1 or inner[-1] is Ellipsis:
        return f"list of {_plural(type_text(inner[0]))}"
    if len(set(inner)) == 1:
        return f"list of {len(inner)} {_plural(type_text(inner[0]))}"
    return f"list: {', '.join(type_text(one) for one in inner)}"


def _plural(text: str) -> str:
    return {"whole number": "whole numbers", "number": "numbers", "text": "texts", "section": "sections"}.get(text, text)


def _class_text(annotation: Any) -> str:
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, type):
        if dataclasses.is_dataclass(annotation) and not issubclass(annotation, FixedFormat):
            return f"[{annotation.__name__}](#{anchor_of(annotation)})"
        if issubclass(annotation, enum.Enum):
            return ", ".join(f"`{_yaml(one.value)}`" for one in annotation)
        for base, text in _CLASSES.items():
            if issubclass(annotation, base):
                return text
    return getattr(annotation, "__name__", str(annotation))


def _notes(annotation: Any) -> Iterator[Any]:
    """What is noted anywhere in a type."""
    inner, notes = _parts(annotation)
    for note in notes:
        yield from note.metadata if isinstance(note, FieldInfo) else (note,)
    for part in get_args(inner) if get_origin(inner) is not Literal else ():
        yield from _notes(part)


def limits_text(field: FieldInfo) -> str:
    """The ends of a number, or of each number of a list."""
    found = {}
    for note in (*field.metadata, *_notes(field.annotation)):
        for kind, name, sign in _SIGNS:
            if isinstance(note, kind):
                found.setdefault(sign, getattr(note, name))
    return ", ".join(f"{sign} {_number(found[sign])}" for _, _, sign in _SIGNS if sign in found)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def units_in(field: FieldInfo) -> list[str]:
    """The units that a field's type notes."""
    return [note.symbol for note in (*field.metadata, *_notes(field.annotation)) if isinstance(note, Unit)]


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Sections that a type is made of, in order; of layouts none, which have a page of their own."""
    inner, _ = _parts(annotation)
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return [] if issubclass(inner, Layout | RootModel) else [inner]
    found = [model for part in get_args(inner) if get_origin(inner) is not Literal for model in models_in(part)]
    return list(dict.fromkeys(found))


def anchor_of(kind: type) -> str:
    """The label of a type on its page; two packages may have types of one name."""
    return f"{kind.__module__}-{kind.__name__}".replace(".", "-").replace("_", "").lower()


def types_in(annotation: Any) -> list[type]:
    """Dataclasses and sections that a type is made of, in order."""
    inner, _ = _parts(annotation)
    if isinstance(inner, type) and (dataclasses.is_dataclass(inner) or issubclass(inner, BaseModel)):
        return [] if issubclass(inner, Layout | FixedFormat) else [inner]
    return [found for part in get_args(inner) if get_origin(inner) is not Literal for found in types_in(part)]


def default_text(field: FieldInfo) -> str:
    """What holds where a key is not given."""
    if field.is_required():
        return "needed"
    default = field.get_default(call_default_factory=True)
    if default is None or default is PydanticUndefined or isinstance(default, BaseModel) or default in ((), {}, ""):
        return f"`{default.name}`" if isinstance(default, Layout) else ""
    if isinstance(default, tuple) and any(isinstance(one, BaseModel) for one in default):
        return ""
    text = _yaml(default)
    return f"`{text}`" if len(text) <= _LONGEST_DEFAULT else f"`{text[:_LONGEST_DEFAULT]}…`"


def _yaml(value: Any) -> str:
    """A value as a configuration would have it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, enum.Enum):
        return _yaml(value.value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(_yaml(one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_yaml(one)}' for key, one in value.items())}}}"
    return f"{value:g}" if isinstance(value, float) else str(value)
