"""Inputs as tables: the network receives a function of a hardware code that training data decide, looked up code by code."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.inputs._counts import ENOUGH, Counts, Spectrum, WeightedBlock, count_codes
from l1ae.inputs._fixed import FixedFormat
from l1ae.inputs._groups import Feature, Group
from l1ae.inputs._layout import Layout

__all__ = ["Steps", "Transform", "check_transform", "derive_tables", "steps_of", "table_bits", "table_of", "transformed_columns"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

Steps = tuple[tuple[int, int], ...]
"""A table as its steps: (first hardware code, code of the network's type from there on), from hardware code 0."""

_RELIABLE = 10  # effective events at and beyond a code, below which its survival probability is extrapolated
_DECADE = np.log(10.0)
_MOST_BITS = 16  # a table has an entry for every code


class Transform(StrEnum):
    """What the network receives of a code c, where X is the code that an event has there: 0 in an empty slot.

    `SURPRISE` is -log P(X >= c), natural; `QUANTILE` is P(X < c); `LOG2` is log2(1 + c). Each is 0 at code 0, and rises.
    """

    SURPRISE = "surprise"
    LOG2 = "log2"
    QUANTILE = "quantile"


def transformed_columns(layout: Layout, transform: Mapping[str, str]) -> dict[int, Transform]:
    """Which function each column gets, by the name of its feature; absent columns get none."""
    return {
        column: Transform(transform[feature.name])
        for group in layout.groups
        for feature in group.features
        if feature.name in transform and not feature.absent
        for column in layout.positions(group.name, feature.name).tolist()
    }


def table_bits(layout: Layout, column: int) -> int:
    """Bits of a column's hardware code that address its table."""
    return max(int(layout.columns[column].feature.range[1]).bit_length(), 1)


def check_transform(layout: Layout, transform: Mapping[str, str]) -> None:
    """Raise `UserError` for an unknown feature, and one whose codes can be negative, have too many bits, or do not say themselves
    whether their slot is empty."""
    for name in transform:
        found = [(group, feature) for group in layout.groups for feature in group.features if feature.name == name and not feature.absent]
        if not found:
            known = sorted({feature.name for group in layout.groups for feature in group.features if not feature.absent})
            raise UserError(f"transform.{name}: layout '{layout.name}' has no such feature; it has {', '.join(known)}")
        for group, feature in found:
            _check_feature(layout, group, feature)


def _check_feature(layout: Layout, group: Group, feature: Feature) -> None:
    where = f"transform.{feature.name}: {group.name}_{feature.name}"
    low, high = feature.range
    if low < 0:
        raise UserError(f"{where} has codes below 0 (down to {low}), and a transform is for what falls from 0 on; leave it out")
    if int(high).bit_length() > _MOST_BITS:
        raise UserError(f"{where} has codes up to {high}, too many for a table of at most 2^{_MOST_BITS} entries; leave it out")
    if group.gate_feature not in {None, feature.name}:
        raise UserError(
            f"{where} does not say itself whether its slot is empty ({group.gate_feature} does), and code 0 of a transform means empty; "
            f"transform {group.gate_feature} only"
        )


def derive_tables(
    layout: Layout,
    network: FixedFormat,
    transform: Mapping[str, str],
    blocks: Iterable[WeightedBlock],
    *,
    by_group: bool = False,
    leading: int | None = None,
) -> dict[int, IntArray]:
    """Codes of `network` for every hardware code of each transformed column, from weighted events in blocks.

    The survival probability P(X >= c) is the weight of the events with a code of at least c over that of all events; an empty slot
    has code 0. Where fewer than 10 effective events, (sum w)^2 / sum w^2, have at least c, the sample says nothing: from the last code
    that has them on, log P continues as a straight line in log c (a power law), whose slope is that of the last decade of P before
    it (least squares through the last point). Where not even one slope is known, P stays constant.

    Of a column with fewer than 100 effective filled slots the shape is that of all slots of its group together, and the share of
    filled ones its own, at least one effective event; with `by_group` all slots of a group are one, share included. Values are
    rounded as `network` says and saturate at its ends. Code 0 gives 0.

    With `leading` only so many leading bits of a code count (of code 1001101 with four, 1001000), and the value is that of the middle
    of the codes that share them: steps at round codes take far less logic, and 5 bits are 3 % of a code at most.

    Raises `UserError` as `check_transform`, and without events.
    """
    check_transform(layout, transform)
    chosen = transformed_columns(layout, transform)
    counts = count_codes(layout, blocks, "inputs.transform")
    tables = {}
    for column, kind in chosen.items():
        size = 1 << table_bits(layout, column)
        values = np.log2(1.0 + np.arange(size)) if kind is Transform.LOG2 else _of_survival(layout, counts, column, size, by_group)
        if kind is Transform.QUANTILE:
            values = -np.expm1(-values)
        values = values[_middle(size, leading)]
        limits = network.low * network.lsb, network.high * network.lsb
        tables[column] = network.quantize(np.clip(values, *limits))
    return tables


def _middle(size: int, leading: int | None) -> IntArray:
    """For each code below `size` the middle of those with the same number of bits and the same leading ones."""
    codes = np.arange(size)
    lengths = np.array([int(code).bit_length() for code in range(size)])
    dropped = np.maximum(lengths - (lengths.max() if leading is None else leading), 0)
    return np.asarray((codes >> dropped << dropped) + (1 << dropped >> 1), np.int64)


def _of_survival(layout: Layout, counts: Counts, column: int, size: int, by_group: bool) -> FloatArray:
    """-log P(X >= c) for c from 0 to `size` - 1."""
    item = layout.columns[column]
    slots = layout.positions(item.group.name, item.feature.name)
    own, together = counts.of(np.array([column])), counts.of(slots)
    filled, among = (together, len(slots)) if by_group else (own, 1)
    share = float(filled.weight.sum()) / (among * counts.events)
    spectrum = together if by_group or own.effective < ENOUGH else own
    result = _surprise(spectrum, size) - np.log(max(share, 1.0 / counts.effective))
    result[0] = 0.0
    return result


def _surprise(spectrum: Spectrum, size: int) -> FloatArray:
    """-log of the share of filled slots with at least each code, extrapolated as `derive_tables` says."""
    codes = np.arange(size)
    first = np.searchsorted(spectrum.codes, codes)
    weight = np.append(np.cumsum(spectrum.weight[::-1])[::-1], 0.0)[first]
    square = np.append(np.cumsum(spectrum.square[::-1])[::-1], 0.0)[first]
    reliable = (square > 0) & (weight**2 >= _RELIABLE * square)
    last = size - 1 if reliable.all() else int(np.argmin(reliable)) - 1
    if last < 1:
        return np.zeros(size)
    known = -np.log(weight[: last + 1] / weight[0])
    result = np.zeros(size)
    result[: last + 1] = known
    result[last + 1 :] = known[-1] + _slope(known) * np.log(codes[last + 1 :] / last)
    return result


def _slope(known: FloatArray) -> float:
    """Rise of -log P per log c at the last of codes 0, 1, ..., over the last decade of P, or the last step where that is larger."""
    codes = np.arange(1, len(known) - 1)
    rise = known[-1] - known[1:-1]
    steps = rise[rise > 0]
    near = (rise > 0) & (rise <= max(_DECADE, steps.min(initial=np.inf)))
    if not near.any():
        return 0.0
    distance = np.log((len(known) - 1) / codes[near])
    return float((distance * rise[near]).sum() / (distance**2).sum())


def steps_of(table: Sequence[int] | IntArray) -> Steps:
    """The steps of a table, from code 0."""
    values = np.asarray(table, np.int64)
    first = np.flatnonzero(np.append(True, np.diff(values) != 0))
    return tuple(zip(first.tolist(), values[first].tolist(), strict=True))


def table_of(steps: Steps, size: int) -> IntArray:
    """The table of `size` entries that has these steps."""
    first, values = np.array(steps, np.int64).T
    return np.asarray(np.repeat(values, np.diff(np.append(first, size))), np.int64)
