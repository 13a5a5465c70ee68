"""Typed results as JSON files: what one stage leaves for another, or for people's own programs."""

from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from l1ae.errors import UserError
from l1ae.files import DamagedError, json_content, write_bytes

__all__ = ["Count", "Fraction", "Positive", "load_result", "save_result"]

_Result = TypeVar("_Result")

Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""How many there are."""

Fraction = Annotated[float, Field(ge=0, le=1)]
"""A share of a whole."""

Positive = Annotated[float, Field(ge=0)]
"""A rate, time or size, which is never below zero."""


def save_result(path: Path, result: object) -> None:
    """Write a frozen dataclass as JSON, whole or not at all."""
    write_bytes(path, _adapter(type(result)).dump_json(result, indent=1) + b"\n")


def load_result(kind: type[_Result], path: Path, *, what: str, remedy: str, again: str) -> _Result:
    """Read what `save_result` wrote. `what` the file is, the `remedy` for a missing one and what makes it `again` are for messages.

    Types are not converted: true is no number, and a number no text. Raises `UserError` when the file is missing or is something else.
    """
    try:
        text = path.read_bytes()
        json_content(text)
        found: _Result = _adapter(kind).validate_json(text, strict=True)
    except FileNotFoundError as error:
        raise UserError(f"'{path}' does not exist; {remedy}") from error
    except DamagedError as error:
        raise UserError(f"'{path}' is damaged ({error}); {again}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(f"'{path}' is no {what} of this version ({place}: {first['msg']}); {again}") from error
    return found


_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(kind: type) -> TypeAdapter[Any]:
    """Made once for each type: it takes longer than the reading."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]
