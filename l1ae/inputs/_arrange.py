"""Objects as they were read into the slots of a group: cuts, order, the first slots."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.inputs._groups import Cut, Group

__all__ = ["Arranged", "arrange"]

BoolArray = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.integer]

_ABOVE_ALL = np.int32(2**30)  # beyond the largest negative code


@dataclass(frozen=True, eq=False)
class Arranged:
    """`hw` (N, slots, features): the group's codes, 0 in empty slots; `kept` (N,): false for events that a cut vetoes;
    `reordered` (N,): objects were not in the order of the group's sort key, or had empty slots between filled ones.
    """

    hw: Codes
    kept: BoolArray
    reordered: BoolArray


def arrange(group: Group, codes: Codes, filled: BoolArray) -> Arranged:
    """Apply the group's cuts, its order and its number of slots to objects `codes` (N, K, features), K of any size.

    `filled` (N, K) says which of them there are; codes elsewhere do not matter. In this order: `drop` takes objects out and
    those behind move up, the rest is sorted by falling `sort` key (equal ones stay in their order), `zero` empties slots in place,
    the first `slots` are kept. Without sort key and dropped objects every object stays in its place.
    """
    count, places, _ = codes.shape
    kept = np.ones(count, np.bool_)
    emptied = np.zeros_like(filled)
    dropped = np.zeros_like(filled)
    for cut in _cuts(group):
        bad = filled & _outside(codes[..., group.index(cut.feature)], cut)
        match cut.action:
            case "veto":
                kept &= ~bad.any(axis=1)
            case "zero":
                emptied |= bad
            case "drop":
                dropped |= bad
    there = filled & ~dropped
    moving = dropped.any(axis=1)
    reordered = np.zeros(count, np.bool_)
    if group.sort is not None and places > 1:
        # positive where there is an object, so that empty places come last; products, as numpy.where takes ten times as long
        key = (codes[..., group.index(group.sort)].astype(np.int32) + _ABOVE_ALL) * there
        moving |= _rises(key)
        compact = np.argsort(~there[moving], axis=1, kind="stable")
        reordered[moving] = _rises(np.take_along_axis(key[moving], compact, axis=1)) | _rises(filled[moving].astype(np.int8))
        order = np.argsort(-key[moving], axis=1, kind="stable")
    else:
        order = np.argsort(~there[moving], axis=1, kind="stable")
    valid = there & ~emptied
    hw = _first(codes * valid[..., None], group.slots)
    if moving.any():
        valid = np.take_along_axis(valid[moving], order, axis=1)
        moved = np.take_along_axis(codes[moving], order[..., None], axis=1)
        hw[moving] = _first(moved * valid[..., None], group.slots)
    return Arranged(hw, kept, reordered)


def _cuts(group: Group) -> tuple[Cut, ...]:
    """The group's cuts, and its rule for saturated objects as one more."""
    gate = group.gate_feature or next(iter(group.present))
    code = group[gate].saturation
    if group.saturated == "keep" or code is None:
        return group.cuts
    return (*group.cuts, Cut(feature=gate, max=code - 1, action=group.saturated))


def _rises(key: npt.NDArray[np.integer]) -> BoolArray:
    """(n,): whether some element of a row (n, K) is larger than the one before."""
    return np.asarray((key[:, 1:] > key[:, :-1]).any(axis=1))


def _outside(values: Codes, cut: Cut) -> BoolArray:
    low = values < cut.min if cut.min is not None else np.zeros_like(values, np.bool_)
    return low | (values > cut.max) if cut.max is not None else low


def _first(codes: Codes, slots: int) -> Codes:
    """The first slots of (n, K, features), filled up with zeros where K is smaller."""
    if codes.shape[1] >= slots:
        return codes[:, :slots]
    return np.pad(codes, ((0, 0), (0, slots - codes.shape[1]), (0, 0)))
