"""Values of one column into codes, and what is wrong with those that cannot be."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l1ae.data.tables._plan import FeaturePlan
from l1ae.data.tables._table import Array
from l1ae.data.tables._units import neighbour
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

    `filled` (N, slots) says which these are, `first` is the number of the block's first event, `missing` the value that the gate has
    in empty slots. Raises `UserError` naming file,
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
    missing: float | None = None

    def codes(self) -> IntArray:
        """(n,): by the kind of the values, see `FeatureSource`; the first block of a file also tells whether the unit can be."""
        if self.plan.kind == "codes":
            return self._integers()
        self._check_physical()
        scaled = self.here.astype(np.float64) * self.plan.factor
        if self.first == 0:
            self._check_unit(scaled)
        if self.plan.kind == "grid":
            return self._on_grid(scaled)
        self._check_low(scaled)
        return self.feature.encode(scaled)

    def saturated(self) -> int:
        """How many physical values lie above the scale, or on either side of a signed one; they get its last code there."""
        if self.plan.kind != "physical" or self.feature.period is not None:
            return 0
        scaled = self.here.astype(np.float64) * self.plan.factor
        below = self._below(scaled) if self.feature.signed else np.zeros(scaled.shape, np.bool_)
        return int((self._beyond(scaled) | below).sum())

    def saturation(self, count: int) -> str:
        """What to say of `count` values beyond the scale."""
        (low, high), unit = self.feature.range, f" {self.plan.unit}" if self.plan.unit else ""
        end = f"{self._end / self.plan.factor:g}{unit}"
        where = f"above {end} and are stored as {high}"
        if self.feature.signed:
            where = f"beyond the scale, {self._start / self.plan.factor:g} to {end}, and are stored as {low} or {high}"
        return f"{self.path}: {count} values of group '{self.group.name}', column '{self.plan.source}' are {where} (saturated)"

    @property
    def _start(self) -> float:
        """Where the smallest code begins, in the feature's unit."""
        return (self.feature.range[0] - self.feature.origin - self._half) * self.feature.lsb

    def _below(self, scaled: FloatArray) -> npt.NDArray[np.bool_]:
        return np.asarray(scaled < self._start - 1e-6 * (abs(self._start) + self.feature.lsb), np.bool_)

    @property
    def _end(self) -> float:
        """Where the largest code ends, in the feature's unit."""
        return (self.feature.range[1] + 1 - self.feature.origin - self._half) * self.feature.lsb

    @property
    def _half(self) -> float:
        return 0.5 if self.feature.bin == "centre" else 0.0

    def _beyond(self, scaled: FloatArray) -> BoolArray:
        return np.asarray(np.floor(scaled / self.feature.lsb + self._half) + self.feature.origin > self.feature.range[1])

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
        if self.here.dtype.kind == "f":
            bad = ~np.isfinite(self.here)
            self._refuse(bad, f"is not finite; {self._remedy_not_finite(bad)}" if bad.any() else "")
        if self.feature.role == Role.ENERGY and not self.feature.signed and self.plan.kind == "physical":
            self._refuse(self.here < 0, f"is negative; {self._if_empty('VALUE')}map the right column")
        period = self.feature.period
        if period is not None:
            turn = period * self.feature.lsb
            remedy = (
                f"{self.plan.in_unit('deg')} if they are in degrees"
                if self.plan.unit == "rad"
                else "bring the values of the column into one turn"
            )
            bad = np.abs(self.here.astype(np.float64) * self.plan.factor) > 1.01 * turn
            self._refuse(
                bad, f"{self.plan.unit}{' ' * bool(self.plan.unit)}is more than a turn; {remedy}, or write values: codes if these are codes"
            )

    def _if_empty(self, value: str) -> str:
        """The remedy `missing`, where it would be one: it is about the gate, and one value."""
        if self.group.gate_feature != self.feature.name or self.missing is not None:
            return ""
        return f"write missing: {value} if this marks empty slots of '{self.group.name}', or "

    def _remedy_not_finite(self, bad: BoolArray) -> str:
        value = float(self.here[int(np.argmax(bad))])
        gate = self.group.gate_feature
        if gate is not None and gate != self.feature.name:
            return f"the slot is filled by its '{gate}', which is 0 in an empty one; correct the value, or leave these events out"
        return f"{self._if_empty('.nan' if np.isnan(value) else '.inf' if value > 0 else '-.inf')}leave these events out"

    def _check_low(self, scaled: FloatArray) -> None:
        """What lies below a scale that begins somewhere (at 0) has no code; a signed one saturates on both sides."""
        if self.feature.period is not None or self.feature.signed:
            return
        start = self._start
        unit = f" {self.plan.unit}" if self.plan.unit else ""
        self._refuse(
            self._below(scaled),
            f"is below {start / self.plan.factor:g}{unit}, where the scale begins; {self._if_empty('VALUE')}map the right column, or use a "
            "layout whose codes reach there (low:, signed:, origin: or lsb: of the feature)",
        )

    def _check_unit(self, scaled: FloatArray) -> None:
        """Half of the values beyond a scale, or energies of less than a code, are no values in this unit."""
        found = None
        if self.feature.period is not None:
            found = self._angle_in_wrong_unit()
        elif self.feature.role == Role.ENERGY:
            found = self._energy_in_wrong_unit(scaled)
        elif len(scaled) >= _ENOUGH:
            low, _ = self.feature.range
            limit = max(self._end, (self.feature.origin - low) * self.feature.lsb)
            if float(np.median(np.abs(scaled))) > limit:
                shown = f"{limit / self.plan.factor:.3g}{' ' * bool(self.plan.unit)}{self.plan.unit}"
                found = f"half of the values are beyond {shown}, where the scale of '{self.feature.name}' ends; {self._other_unit(-1)}"
        if found is not None:
            where = f"{self.path}: group '{self.group.name}', column '{self.plan.source}'"
            raise UserError(f"{where}: {found}, or write values: codes if these are codes")

    def _other_unit(self, step: int) -> str:
        other = neighbour(self.plan.unit, step)
        return "map the right column" if other is None else f"{self.plan.in_unit(other)} if they are in {other}"

    def _energy_in_wrong_unit(self, scaled: FloatArray) -> str | None:
        there = scaled > 0
        if there.sum() < _ENOUGH:
            return None
        unit = f" {self.plan.unit}" if self.plan.unit else ""
        middle, as_read = float(np.median(scaled[there])), float(np.median(self.here[there]))
        if middle > self._end:
            return f"half of the values are above {as_read:g}{unit}, beyond the scale; {self._other_unit(-1)}"
        if middle < self.feature.lsb / 4 and self.feature.unit:
            return f"half of the values are below {as_read:g}{unit}, less than a code; {self._other_unit(1)}"
        return None

    def _angle_in_wrong_unit(self) -> str | None:
        largest = float(np.abs(self.here).max(initial=0))
        if self.plan.unit == "deg" and len(self.here) >= _ENOUGH and largest <= 2 * np.pi:
            return f"no value is above {largest:.3g} deg; {self.plan.in_unit('rad')} if they are in radians"
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
