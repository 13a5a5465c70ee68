"""Preprocessing without hand work: offset and power-of-two shift of every column from training data."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from l1ae.inputs._counts import ENOUGH, WeightedBlock, count_codes
from l1ae.inputs._groups import Role
from l1ae.inputs._layout import Layout

__all__ = ["derive_preprocessing"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

QUANTILES = (0.05, 0.95)


def derive_preprocessing(layout: Layout, blocks: Iterable[WeightedBlock], *, by_group: bool = False) -> tuple[IntArray, IntArray]:
    """Offset and right shift (size,) of every column, from hardware codes (n, size) in blocks, with their weights (n,) or None.

    Of the codes of filled slots, q05 and q95 are the quantiles at 5 and 95 %, by weight. An energy keeps the offset 0 (its empty slots are
    0, and its spectrum falls), and so does a gate (its 0 must stay apart from what fills a slot); any other column gets the middle
    of q05 and q95, rounded down. The shift is the power of two nearest above the spread: q95 of an energy or gate,
    (q95 - q05) / 2 of others; so 95 % of an energy and 90 % of any other column lie within [-1, 1] in network units, and what lies
    beyond has the integer bits of the network's type. Columns with fewer than 100 filled slots, and with `by_group` all, are taken
    together with the other slots of their group. Of a column that is constant its value is taken off (unless the offset is 0), one
    that is never filled keeps its codes; both have shift 0.

    Raises `UserError` without events.
    """
    counts = count_codes(layout, blocks, "inputs.preprocessing: auto")
    offset, shift = np.zeros(layout.size, np.int64), np.zeros(layout.size, np.int64)
    for group in layout.groups:
        for feature in group.features:
            if feature.absent:
                continue
            columns = layout.positions(group.name, feature.name)
            together = counts.of(columns)
            for column in columns:
                own = counts.of(column[None])
                chosen = together if by_group or own.effective < ENOUGH else own
                at_zero = feature.role == Role.ENERGY or feature.name == group.gate_feature
                offset[column], shift[column] = _rule(chosen.codes, chosen.weight, at_zero=at_zero)
    return offset, shift


def _rule(values: IntArray, number: FloatArray, *, at_zero: bool) -> tuple[int, int]:
    """Offset and shift from codes and how often each occurred, by weight."""
    if not len(values) or (len(values) == 1 and not at_zero):
        return (0 if at_zero or not len(values) else int(values[0])), 0
    cumulative = np.cumsum(number)
    low, high = (int(values[np.searchsorted(cumulative, q * cumulative[-1])]) for q in QUANTILES)
    offset = 0 if at_zero else (low + high) // 2
    spread = high if at_zero else (high - low) / 2
    return offset, int(np.ceil(np.log2(spread))) if spread > 1 else 0
