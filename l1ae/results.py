"""Typed results as JSON files: what one stage leaves for another, or for people's own programs."""

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from l1ae.errors import UserError

__all__ = ["load_result", "save_result"]

_Result = TypeVar("_Result")


def save_result(path: Path, result: object) -> None:
    """Write a frozen dataclass as JSON, under a temporary name first."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(TypeAdapter(type(result)).dump_json(result, indent=1) + b"\n")
    temporary.replace(path)


def load_result(kind: type[_Result], path: Path, *, what: str, remedy: str, again: str) -> _Result:
    """Read what `save_result` wrote. `what` the file is, the `remedy` for a missing one and what makes it `again` are for messages.

    Raises `UserError` when the file is missing or is something else.
    """
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise UserError(f"'{path}' does not exist; {remedy}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(f"'{path}' is no {what} of this version ({place}: {first['msg']}); {again}") from error
