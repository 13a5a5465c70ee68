"""How large things are: one number for every slot of a layout, whatever its group is."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.inputs import Feature, Group, Layout, Role

__all__ = ["Codes", "FloatArray", "IntArray", "Sizes", "energies", "size_of", "sizes_of"]

Codes = npt.NDArray[np.integer]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sizes:
    """Some columns (K,) of a layout, each with the column whose code 0 makes its slot empty (-1: none), and its scale, (K,) each."""

    columns: IntArray
    gate: IntArray
    origin: IntArray
    lsb: FloatArray

    @classmethod
    def of(cls, layout: Layout, columns: IntArray) -> "Sizes":
        """The columns with these numbers."""
        features = [layout.columns[column].feature for column in columns.tolist()]
        origin = np.array([feature.origin for feature in features], np.int64)
        return cls(columns, layout.gate[columns], origin, np.array([feature.lsb for feature in features], np.float64))

    def __len__(self) -> int:
        return len(self.columns)

    def codes(self, hardware: Codes) -> Codes:
        """(N, K) out of events (N, size)."""
        return hardware[:, self.columns]

    def filled(self, hardware: Codes) -> npt.NDArray[np.bool_]:
        """(N, K): whether the slots of events (N, size) are filled."""
        return np.asarray((hardware[:, self.gate] != 0) | (self.gate < 0), np.bool_)

    def values(self, hardware: Codes) -> FloatArray:
        """(N, K) in the unit of the columns: the lower edge of a code's bin, or its centre where it has one; 0 in empty slots."""
        return np.where(self.filled(hardware), (self.codes(hardware) - self.origin) * self.lsb, 0.0)


def energies(group: Group) -> tuple[Feature, ...]:
    """All features of a group that are energies and that the hardware has."""
    return tuple(feature for feature in group.features if feature.role == Role.ENERGY and not feature.absent)


def size_of(group: Group) -> Feature | None:
    """What says how large a slot's content is: its first energy; the only number of a vector, an image or a waveform; else None."""
    if group.of_role(Role.ENERGY) is not None or group.gated_kind:
        return group.of_role(Role.ENERGY)
    return next((feature for feature in group.features if not feature.absent), None)


def sizes_of(layout: Layout, groups: Iterable[Group] | None = None) -> Sizes:
    """The size of every slot of some groups, by default of all that have one."""
    found = [
        layout.positions(group.name, size.name)
        for group in (layout.groups if groups is None else groups)
        if (size := size_of(group)) is not None
    ]
    return Sizes.of(layout, np.concatenate([np.zeros(0, np.int64), *found]))
