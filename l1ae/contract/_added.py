"""Columns that firmware computes of an event (`inputs.add`), made of the operations that every backend has.

The words of the columns are cut to the bits of their features first: what may arrive above them costs no gate, and where a code
is none of its feature the result is cut in the same way.
"""

from collections.abc import Sequence
from functools import singledispatch
from typing import TYPE_CHECKING

import numpy as np

from l1ae.contract._ops import Concatenate, Elementwise, Pool, Quantize, Relu, Table
from l1ae.inputs import Added, Computed, Condition, Count, Distance, FixedFormat, Magnitude, Term, Total, Word

if TYPE_CHECKING:
    from l1ae.contract._builder import Builder

__all__ = ["EVENT", "PREFIX", "add_added"]

PREFIX = "added_"
"""Of the name of the tensor that holds an added column."""

EVENT = "event"
"""The tensor with all columns, where some are added."""

_BIT = FixedFormat(False, 1, 1)


def add_added(builder: "Builder", added: Added, hardware: str) -> str:
    """Append what computes the columns `added` of the tensor `hardware`; returns the name of that with all columns."""
    columns = [_add(column, builder, f"{PREFIX}{name}", hardware) for name, column in added.columns.items()]
    together = columns[0]
    for place, column in enumerate(columns[1:], 2):
        together = _joined(builder, f"added{place}", together, column)
    return _joined(builder, EVENT, hardware, together)


def _joined(builder: "Builder", name: str, first: str, second: str) -> str:
    size = builder.size_of(first) + builder.size_of(second)
    return builder.add_exact(lambda form: Concatenate(name=name, inputs=(first, second), format=form, size=size), 0)


@singledispatch
def _add(column: Computed, builder: "Builder", name: str, hardware: str) -> str:
    """Append a column as a tensor of one element, `name`."""
    raise NotImplementedError(type(column).__name__)


@_add.register(Count)
def _(column: Count, builder: "Builder", name: str, hardware: str) -> str:
    held = _held(builder, name, hardware, column.terms)
    assert held is not None, "a count of what always holds"
    return builder.sum(name, held)


@_add.register(Total)
def _(column: Total, builder: "Builder", name: str, hardware: str) -> str:
    words = _words(builder, f"{name}_words", hardware, column.words)
    if (held := _held(builder, name, hardware, column.terms)) is not None:
        words = builder.elementwise(f"{name}_counted", "multiply", words, held)
    total = builder.sum(f"{name}_exact", words)
    return builder.add(Quantize(name=name, inputs=(total,), format=column.form, size=1))


@_add.register(Distance)
def _(column: Distance, builder: "Builder", name: str, hardware: str) -> str:
    first, second = (_words(builder, f"{name}_{end}", hardware, [word]) for end, word in (("a", column.first), ("b", column.second)))
    one_way = builder.error(f"{name}_way", first, second, 1)
    # min(y, p - y) = y - max(2 y - p, 0)
    beyond = _positive_part(
        builder, f"{name}_beyond", _twice(builder, one_way), _constant(builder, f"{name}_period", one_way, column.period)
    )
    return _gated(column, builder, name, hardware, ("subtract", one_way, beyond))


@_add.register(Magnitude)
def _(column: Magnitude, builder: "Builder", name: str, hardware: str) -> str:
    code = _words(builder, f"{name}_code", hardware, [column.word])
    # max(c, m - c) = c + max(m - 2 c, 0)
    beyond = _positive_part(builder, f"{name}_beyond", _constant(builder, f"{name}_mirror", code, column.mirror), _twice(builder, code))
    if column.origin:
        code = builder.elementwise(f"{name}_shifted", "subtract", code, _constant(builder, f"{name}_origin", code, column.origin))
    return _gated(column, builder, name, hardware, ("add", code, beyond))


# -- parts ---------------------------------------------------------------------------------------------------------------


def _words(builder: "Builder", name: str, hardware: str, words: Sequence[Word]) -> str:
    """The bits of words of one kind, in units of 2**drop codes."""
    cut, drop = words[0].cut, words[0].drop
    read = builder.gather(f"{name}_read", hardware, np.array([word.column for word in words]))
    if not drop:
        return builder.add(Quantize(name=name, inputs=(read,), format=cut, size=len(words)))
    coarse = builder.add(Quantize(name=f"{name}_coarse", inputs=(read,), format=cut, size=len(words)))
    # a sum of one element moves the binary point
    assert len(words) == 1
    return builder.sum(name, coarse, halvings=drop)


def _held(builder: "Builder", name: str, hardware: str, terms: Sequence[Term]) -> str | None:
    """1 where all conditions of a term hold, element by element; None without conditions."""
    held = None
    for place, conditions in enumerate(zip(*terms, strict=True)):
        bits = _conditions(builder, f"{name}_if{place}", hardware, conditions)
        held = bits if held is None else builder.elementwise(f"{name}_all{place}", "multiply", held, bits)
    return held


def _conditions(builder: "Builder", name: str, hardware: str, conditions: Sequence[Condition]) -> str:
    read = builder.gather(f"{name}_read", hardware, np.array([condition.column for condition in conditions]))
    tables = [condition.table for condition in conditions]
    return builder.add(Table.of_elements(tables, name=name, inputs=(read,), format=_BIT, function="condition", max_error=0.0))


def _constant(builder: "Builder", name: str, beside: str, value: int) -> str:
    """A constant of one element, from a table of no bits over some tensor."""
    form, table = FixedFormat.covering(value, value, 0), [np.array([value])]
    return builder.add(Table.of_elements(table, name=name, inputs=(beside,), format=form, function="constant", max_error=0.0))


def _twice(builder: "Builder", source: str) -> str:
    windows = np.zeros((1, 2), np.int64)
    return builder.add_exact(
        lambda form: Pool(name=f"{source}_twice", inputs=(source,), format=form, size=1, windows=windows, function="sum"), 0
    )


def _positive_part(builder: "Builder", name: str, first: str, second: str) -> str:
    """max(first - second, 0)."""
    difference = builder.elementwise(f"{name}_difference", "subtract", first, second)
    return builder.add_exact(lambda form: Relu(name=name, inputs=(difference,), format=form, size=1), 0)


def _gated(column: Distance | Magnitude, builder: "Builder", name: str, hardware: str, made: tuple[str, str, str]) -> str:
    """The sum or difference `made` in the column's format, and 0 where a condition does not hold."""
    function, *inputs = made
    free = name if not column.term else f"{name}_filled"
    builder.add(Elementwise(name=free, inputs=tuple(inputs), format=column.form, size=1, function=function))
    held = _held(builder, name, hardware, [column.term])
    return free if held is None else builder.elementwise(name, "multiply", free, held)
