"""Typed results as JSON files: what one stage leaves for another, or for people's own programs."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from l1ae.errors import CheckFailedError, UserError
from l1ae.files import DamagedError, json_content, write_text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["Code", "Count", "Digest", "FirstVersion", "Fraction", "Positive", "Real", "check_that", "load_result", "save_result"]

_Result = TypeVar("_Result")

Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""How many there are."""

Code = Annotated[int, Field(gt=-(2**63), lt=2**63)]
"""A hardware integer."""

Fraction = Annotated[float, Field(ge=0, le=1 + 1e-9)]
"""A share of a whole; sums of weights are rounded."""

Positive = Annotated[float, Field(ge=0, lt=1e30)]
"""A rate, time or size, which is never below zero."""

Real = Annotated[float, Field(gt=-1e30, lt=1e30)]
"""A measured number of either sign; nothing that is measured here comes near the ends."""

FirstVersion = Annotated[int, Field(ge=1, le=1)]
"""The only version of a format, so far; `Literal[1]` would take true."""

Digest = Annotated[str, Field(pattern=r"^(sha256:)?[0-9a-f]{64}$")]
"""A sha256 in hexadecimal digits."""


def check_that(holds: Callable[[Any], object], message: str) -> AfterValidator:
    """For an annotated type: a value for which `holds` raises an error, or gives False, is refused with the message."""

    def check(value: Any) -> Any:
        try:
            good = holds(value) is not False
        except (UserError, ValueError):
            good = False
        if not good:
            raise ValueError(message)
        return value

    return AfterValidator(check)


def save_result(path: Path, result: object) -> None:
    """Write a frozen dataclass as JSON, whole or not at all.

    What `load_result` would refuse is not written: `CheckFailedError` names the place and the value.
    """
    try:
        text = json.dumps(asdict(_instance(result)), indent=1, allow_nan=False, ensure_ascii=False)
        _adapter(type(result)).validate_json(text, strict=True)
    except ValidationError as error:
        raise CheckFailedError(f"'{path}' was not written, a result is out of its range ({_first(error, type(result))})") from error
    except ValueError as error:
        raise CheckFailedError(f"'{path}' was not written, a result is no number ({error})") from error
    write_text(path, text + "\n")


def _instance(result: object) -> "DataclassInstance":
    return result  # type: ignore[return-value]


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
    except IsADirectoryError as error:
        raise UserError(f"'{path}' is a folder; remove it and {again}") from error
    except DamagedError as error:
        raise UserError(f"'{path}' is damaged ({error}); {again}") from error
    except ValidationError as error:
        raise UserError(f"'{path}' is no {what} of this version ({_first(error, kind)}); {again}") from error
    return found


def _first(error: ValidationError, kind: Any) -> str:
    """Place, complaint and value of the first thing that is wrong; of several types, in the one that fits best."""
    errors = error.errors()
    if isinstance(kind, UnionType) and all(item["loc"] for item in errors):
        members = Counter(item["loc"][0] for item in errors)
        best = min(members, key=lambda member: members[member])
        errors = [item | {"loc": item["loc"][1:]} for item in errors if item["loc"][0] == best]
    first = errors[0]
    place = ".".join(str(part) for part in first["loc"]) or "the whole"
    value = repr(first["input"])
    shown = "" if not isinstance(first["input"], str | int | float | None) else f", not {value if len(value) <= 40 else value[:40] + '…'}"
    return f"{place}: {first['msg'].removeprefix('Value error, ')}{shown}"


_adapters: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Made once for each type: it takes longer than the reading."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]
