"""Reading JSON that somebody else may have written: what is wrong with it becomes one exception with a reason for people."""

import json
from pathlib import Path
from typing import Any

from l1ae.errors import UserError

__all__ = ["DamagedError", "json_content", "read_json"]


class DamagedError(ValueError):
    """The text is no JSON mapping; the message says why."""


def json_content(text: str | bytes) -> dict[str, Any]:
    """The mapping that a JSON text holds. Raises `DamagedError` for anything else, numbers that are none (NaN, Infinity) included."""
    try:
        content = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise DamagedError("it is nested too deeply") from error
    except (ValueError, UnicodeError) as error:
        raise DamagedError(str(error)) from error
    if not isinstance(content, dict):
        raise DamagedError(f"it holds {_NAMES.get(type(content), 'a number')} where a mapping is expected")
    return content


_NAMES: dict[type, str] = {list: "a list", str: "a string", bool: "true or false", type(None): "null"}


def _refuse(constant: str) -> Any:
    raise ValueError(f"'{constant}' is no number of JSON")


def _finite(text: str) -> float:
    if abs(number := float(text)) == float("inf"):
        raise ValueError(f"{text} is beyond the range of a number")
    return number


def read_json(path: Path, *, missing: str, damaged: str) -> dict[str, Any]:
    """The mapping in a JSON file. Raises `UserError` ending in the remedy for a `missing` or a `damaged` one."""
    try:
        return json_content(path.read_bytes())
    except FileNotFoundError as error:
        raise UserError(f"'{path}' does not exist; {missing}") from error
    except DamagedError as error:
        raise UserError(f"'{path}' is damaged ({error}); {damaged}") from error
