"""Operations as plain JSON values and back, by the annotations of their fields."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from itertools import chain
from types import EllipsisType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from l1ae.contract._ops import OMITTED, OPERATIONS, Operation
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat

__all__ = ["from_dict", "to_dict"]


def to_dict(operation: Operation) -> dict[str, Any]:
    """The operation as JSON values, with its class as `kind`; without fields of `OMITTED` at their default."""
    values = {item.name: getattr(operation, item.name) for item in fields(operation)}
    kept = {
        name: _plain(value)
        for name, value in values.items()
        if name not in _omitted(type(operation)) or value != _omitted(type(operation))[name]
    }
    return {"kind": type(operation).__name__} | kept


def _omitted(kind: type[Operation]) -> dict[str, Any]:
    """Default of the fields that are left out at it."""
    return {item.name: item.default for item in fields(kind) if item.metadata == OMITTED}


def _plain(value: Any) -> Any:
    if isinstance(value, FixedFormat):
        return str(value)
    if isinstance(value, np.ndarray):
        return value.astype(int).tolist()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def from_dict(item: Any) -> Operation:
    """Inverse of `to_dict`. Raises `UserError` naming the layer for whatever is missing, too much or of another type."""
    if not isinstance(item, Mapping):
        raise UserError(f"an operation is a mapping, not {item!r}")
    kind = OPERATIONS.get(found) if isinstance(found := item.get("kind"), str) else None
    if kind is None:
        raise UserError(f"layer '{item.get('name')}': kind {found!r} is unknown; known are {', '.join(OPERATIONS)}")
    hints = get_type_hints(kind)
    if set(hints) | {"kind"} != set(item) | set(_omitted(kind)):
        raise UserError(f"layer '{item.get('name')}': a {kind.__name__} has {', '.join(hints)}, not {', '.join(item)}")
    values = {}
    for name, annotation in hints.items():
        if name not in item:
            continue
        try:
            values[name] = _typed(annotation, item[name])
        except (ValueError, TypeError, OverflowError, UserError) as error:
            raise UserError(f"layer '{item['name']}': {name}: {error}") from error
    return kind(**values)


def _typed(annotation: Any, value: Any) -> Any:
    if annotation is FixedFormat:
        return FixedFormat.parse(_instance(str, value))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return _typed_tuple(arguments, _instance(list, value))
    if origin is np.ndarray:
        (scalar,) = get_args(arguments[1])
        return _typed_array(scalar, _instance(list, value))
    return _instance(annotation, value)


def _instance(kind: type, value: Any) -> Any:
    """`value`, if it is of exactly this type: a bool is no int. JSON may write a float without a point."""
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise TypeError(f"{value!r} should be {kind.__name__}")
    return value


def _typed_tuple(arguments: tuple[Any, ...], value: list[Any]) -> tuple[Any, ...]:
    if isinstance(arguments[-1], EllipsisType):
        arguments = (arguments[0],) * len(value)
    if len(value) != len(arguments):
        raise ValueError(f"{value} should have {len(arguments)} elements")
    return tuple(_typed(annotation, item) for annotation, item in zip(arguments, value, strict=True))


def _typed_array(scalar: type[np.generic], value: list[Any]) -> Any:
    array = np.array(value)
    if array.dtype != np.int64:
        raise TypeError(f"should hold integers of 64 bits, not {array.dtype}")
    leaves: Iterable[Any] = value
    for _ in range(array.ndim - 1):
        leaves = chain.from_iterable(leaves)
    if any(type(leaf) is bool for leaf in leaves):  # among integers numpy takes true for 1
        raise TypeError("should hold integers, not true or false")
    if scalar is np.bool_ and not np.isin(array, (0, 1)).all():
        raise ValueError("should hold 0 and 1")
    return array.astype(scalar)
