"""What is watched of an event: its columns, how many objects it has, their sums, and the angles between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import pi

import numpy as np
import numpy.typing as npt

from l1ae.inputs import Group, Layout, Role

__all__ = ["Quantity", "quantities"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Quantity:
    """One number of every event: `values` (N,) in `unit`, NaN of events that do not have it."""

    name: str
    unit: str
    values: FloatArray


def quantities(hardware: npt.NDArray[np.integer], layout: Layout) -> tuple[Quantity, ...]:
    """Of events (N, size) in hardware codes.

    * Every present column, of filled slots only.
    * Of every group with slots that can be empty: how many are filled, and the sum of their energies. A lost slot shows here and in its
      own columns.
    * Signed differences in phi, in (-pi, pi], and in eta of the leading objects of two groups, and of the two leading ones of a group:
      alone, an angle that is wrong by a constant looks like any other.
    """
    values, filled = layout.to_physical(hardware), layout.mask(hardware)
    return (*_columns(values, filled, layout), *_counts(values, filled, layout), *_angles(values, filled, layout))


def _columns(values: FloatArray, filled: BoolArray, layout: Layout) -> Iterator[Quantity]:
    for k in np.flatnonzero(layout.present):
        yield Quantity(layout.names[k], layout.units[k], np.where(filled[:, k], values[:, k], np.nan))


def _counts(values: FloatArray, filled: BoolArray, layout: Layout) -> Iterator[Quantity]:
    for group in layout.groups:
        if group.gate_feature is None or group.slots == 1:
            continue
        objects = filled[:, layout.positions(group.name, group.gate_feature)]
        yield Quantity(f"{group.name} objects", "", objects.sum(axis=1).astype(np.float64))
        energy = group.of_role(Role.ENERGY)
        if energy is not None:
            pt = values[:, layout.positions(group.name, energy.name)]
            yield Quantity(f"{group.name} sum of {energy.name}", energy.unit, np.where(objects, pt, 0.0).sum(axis=1))


def _angles(values: FloatArray, filled: BoolArray, layout: Layout) -> Iterator[Quantity]:
    places = [(group, slot) for group in layout.groups if group.axes is None for slot in range(min(group.slots, 2))]
    pairs = [
        (first, second)
        for first, second in combinations(places, 2)
        # leading objects of two groups, or both of one
        if first[0] is second[0] or first[1] == second[1] == 0
    ]
    for role, symbol in ((Role.PHI, "Δφ"), (Role.ETA, "Δη")):
        for one, other in pairs:
            columns = [_column(layout, *place, role) for place in (one, other)]
            if None in columns:
                continue
            a, b = (np.where(filled[:, k], values[:, k], np.nan) for k in columns)
            name = f"{symbol}({_slot(*one)}, {_slot(*other)})"
            yield Quantity(name, "rad" if role is Role.PHI else "", _wrapped(a - b) if role is Role.PHI else a - b)


def _column(layout: Layout, group: Group, slot: int, role: Role) -> int | None:
    """Of a feature in every event; None where the group has none."""
    feature = group.of_role(role)
    if feature is None or feature.absent:
        return None
    return int(layout.positions(group.name, feature.name)[slot])


def _slot(group: Group, slot: int) -> str:
    return group.slot_names()[slot]


def _wrapped(angle: FloatArray) -> FloatArray:
    return np.asarray(pi - np.mod(pi - angle, 2 * pi), np.float64)
