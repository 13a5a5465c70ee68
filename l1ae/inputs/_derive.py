"""Preprocessing without hand work: offset and power-of-two shift of every column from training data."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.inputs._groups import Role
from l1ae.inputs._layout import Layout

__all__ = ["derive_preprocessing"]

IntArray = npt.NDArray[np.int64]

QUANTILES = (0.05, 0.95)
_ENOUGH = 100  # filled slots below which a column is taken with the others of its group and feature


def derive_preprocessing(layout: Layout, blocks: Iterable[npt.NDArray[np.integer]], *, by_group: bool = False) -> tuple[IntArray, IntArray]:
    """Offset and right shift (size,) of every column, from hardware codes in blocks (n, size).

    Of the codes of filled slots, q05 and q95 are the quantiles at 5 and 95 %. An energy keeps the offset 0 (its empty slots are
    0, and its spectrum falls), and so does a gate (its 0 must stay apart from what fills a slot); any other column gets the middle
    of q05 and q95, rounded down. The shift is the power of two nearest above the spread: q95 of an energy or gate,
    (q95 - q05) / 2 of others; so 95 % of an energy and 90 % of any other column lie within [-1, 1] in network units, and what lies
    beyond has the integer bits of the network's type. Columns with fewer than 100 filled slots, and with `by_group` all, are taken
    together with the other slots of their group. Of a column that is constant its value is taken off (unless the offset is 0), one
    that is never filled keeps its codes; both have shift 0.

    Raises `UserError` without events.
    """
    counts = _Counts(layout)
    for block in blocks:
        counts.add(block)
    if counts.events == 0:
        raise UserError("inputs.preprocessing: auto needs training events, and there are none; give a data source with events")
    offset, shift = np.zeros(layout.size, np.int64), np.zeros(layout.size, np.int64)
    for group in layout.groups:
        for feature in group.features:
            if feature.absent:
                continue
            columns = layout.positions(group.name, feature.name)
            together = counts.of(columns)
            for column in columns:
                own = counts.of(column[None])
                values, number = together if by_group or own[1].sum() < _ENOUGH else own
                at_zero = feature.role == Role.ENERGY or feature.name == group.gate_feature
                offset[column], shift[column] = _rule(values, number, at_zero=at_zero)
    return offset, shift


def _rule(values: IntArray, number: IntArray, *, at_zero: bool) -> tuple[int, int]:
    """Offset and shift from codes and how often each occurred."""
    if not len(values) or (len(values) == 1 and not at_zero):
        return (0 if at_zero or not len(values) else int(values[0])), 0
    cumulative = np.cumsum(number)
    low, high = (int(values[np.searchsorted(cumulative, q * cumulative[-1])]) for q in QUANTILES)
    offset = 0 if at_zero else (low + high) // 2
    spread = high if at_zero else (high - low) / 2
    return offset, int(np.ceil(np.log2(spread))) if spread > 1 else 0


class _Counts:
    """How often each code occurred in filled slots, column by column."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._found: list[dict[int, int]] = [{} for _ in range(layout.size)]
        self.events = 0

    def add(self, block: npt.NDArray[np.integer]) -> None:
        self.events += len(block)
        mask = self._layout.mask(block)
        for column, found in enumerate(self._found):
            values, number = np.unique(block[mask[:, column], column], return_counts=True)
            for value, count in zip(values.tolist(), number.tolist(), strict=True):
                found[value] = found.get(value, 0) + count

    def of(self, columns: IntArray) -> tuple[IntArray, IntArray]:
        """Codes in rising order and how often each occurred, over some columns together."""
        total: dict[int, int] = {}
        for column in columns.tolist():
            for value, count in self._found[column].items():
                total[value] = total.get(value, 0) + count
        values = np.array(sorted(total), np.int64)
        return values, np.array([total[value] for value in values.tolist()], np.int64)
