"""Values of one column into codes, and what is wrong with those that cannot be."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l1ae.data.tables._plan import FeaturePlan
from l1ae.data.tables._table import Array
from l1ae.errors import UserError
from l1ae.inputs import Feature, Group, Role

__all__ = ["ColumnValues"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_ENOUGH = 20
"""Objects from which on a unit can be judged."""


@dataclass(frozen=True, eq=False)
class ColumnValues:
    """The values `here` (n,) of a feature in the filled slots of a block, as they are in the file.

    `filled` (N, slots) says which these are, `first` is the number of the block's first event. Raises `UserError` naming file,
    event, group, slot, column and value.
    """

    path: Path
    layout: str
    group: Group
    feature: Feature
    plan: FeaturePlan
    first: int
    filled: BoolArray
    here: Array

    def codes(self) -> IntArray:
        """(n,): by the kind of the values, see `FeatureSource`; the first block of a file also tells whether the unit can be."""
        if self.plan.kind == "codes":
            return self._integers()
        self._check_physical()
        scaled = self.here.astype(np.float64) * self.plan.factor
        if self.first == 0:
            self._check_unit(scaled)
        return self.feature.encode(scaled) if self.plan.kind == "physical" else self._on_grid(scaled)

    def _integers(self) -> IntArray:
        if self.here.dtype.kind == "f":
            bad = ~(self.here == np.floor(self.here))
            self._refuse(bad, "is no code: codes are integers; write values: physical, or values: grid")
        low, high = self.feature.range
        bad = (self.here < low) | (self.here > high)
        if self.group.gate_feature == self.feature.name:
            bad &= self.here != 0
        self._refuse(
            bad,
            f"is outside its codes [{low}, {high}] in layout '{self.layout}'; write values: physical if it is none, or use a layout with "
            "more bits",
        )
        return self.here.astype(np.int64)

    def _on_grid(self, scaled: FloatArray) -> IntArray:
        feature, step = self.feature, self.plan.step or self.feature.lsb
        low, high = feature.range
        if feature.period is not None:
            scaled = np.mod(scaled, feature.period * feature.lsb)
        codes = np.rint(scaled / step).astype(np.int64) + feature.origin
        if feature.period is not None:
            return np.asarray(low + np.mod(codes - low, feature.period))
        self._refuse(
            (codes < low) | (codes > high),
            f"is beyond the codes [{low}, {high}] in steps of {step:g}; give the right step: or unit:, or write values: physical",
        )
        return np.asarray(codes)

    def _check_physical(self) -> None:
        group = self.group
        if self.here.dtype.kind == "f":
            remedy = f"write missing: .nan if this marks empty slots of '{group.name}'" if group.gated_kind else "leave these events out"
            self._refuse(~np.isfinite(self.here), f"is not finite; {remedy}")
        if self.feature.role == Role.ENERGY and not self.feature.signed and self.plan.kind == "physical":
            self._refuse(self.here < 0, "is negative; write missing: VALUE if this marks empty slots, or map the right column")

    def _check_unit(self, scaled: FloatArray) -> None:
        """Half of the values beyond a scale, or angles of more than a turn, are no values in this unit."""
        found = None
        if self.feature.period is not None and len(scaled):
            found = self._angle_in_wrong_unit(scaled)
        elif self.feature.role == Role.ENERGY and self.feature.unit:
            found = self._energy_in_wrong_unit(scaled)
        elif self.feature.role == Role.ETA and len(scaled) >= _ENOUGH:
            limit = (max(abs(code) for code in self.feature.range) + 1) * self.feature.lsb
            if float(np.median(np.abs(scaled))) > limit:
                found = f"half of the values are beyond {limit:.3g}, where the scale of '{self.feature.name}' ends; map the right column"
        if found is not None:
            where = f"{self.path}: group '{self.group.name}', column '{self.plan.source}'"
            raise UserError(f"{where}: {found}, or write values: codes if these are codes")

    def _energy_in_wrong_unit(self, scaled: FloatArray) -> str | None:
        there = scaled > 0
        if there.sum() < _ENOUGH:
            return None
        middle, as_read = float(np.median(scaled[there])), float(np.median(self.here[there]))
        if middle > (self.feature.range[1] + 1 - self.feature.origin) * self.feature.lsb:
            return f"half of the values are above {as_read:g} {self.plan.unit}, beyond the scale; write unit: MeV if they are in MeV"
        if middle < self.feature.lsb / 4:
            return f"half of the values are below {as_read:g} {self.plan.unit}, less than a code; write unit: TeV if they are in TeV"
        return None

    def _angle_in_wrong_unit(self, scaled: FloatArray) -> str | None:
        assert self.feature.period is not None
        largest = float(np.abs(self.here).max())
        if float(np.abs(scaled).max()) > 1.01 * self.feature.period * self.feature.lsb:
            return f"{largest:g} {self.plan.unit} is more than a turn; write unit: deg if they are in degrees"
        if self.plan.unit == "deg" and len(scaled) >= _ENOUGH and largest <= 2 * np.pi:
            return f"no value is above {largest:.3g} deg; write unit: rad if they are in radians"
        return None

    def _refuse(self, bad: BoolArray, problem: str) -> None:
        if not bad.any():
            return
        index = int(np.argmax(bad))
        event, slot = (int(axis[index]) for axis in np.nonzero(self.filled))
        raise UserError(
            f"{self.path}: event {self.first + event}: group '{self.group.name}', slot {slot}, column '{self.plan.source.label(slot)}': "
            f"{self.feature.name} = {self.here[index]:g} {problem}"
        )
