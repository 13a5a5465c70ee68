"""The layout: one table of columns that says what every number of a trigger's event is.

An event is a row of hardware integers. A layout is a list of groups (jets, energy sums, a calorimeter image, the samples of a
cell); a group has slots, a slot has features, and every feature of every slot is one column: groups in order, slots in order,
features in order. Everything else asks the layout, by group, by role or by column.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from l1ae.errors import UserError
from l1ae.inputs._base import Frozen
from l1ae.inputs._groups import Feature, Group, Name, Role
from l1ae.inputs._preset import Numbers, Preset, spread
from l1ae.inputs._select import NAMES_ONLY, check_same_group, selected
from l1ae.names import Text

__all__ = ["Column", "Layout"]

_MOST_COLUMNS = 1 << 16

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Column:
    """Column number `number` of an event: `feature` of slot `slot` of `group`."""

    number: int
    name: str
    group: Group
    slot: int
    feature: Feature


class Layout(Frozen):
    """All columns of an event, in order. `preset` is preprocessing that suits it; it is no part of what the columns mean."""

    name: Name = Field(description="of the layout")
    title: Text = Field("", description="what it is, for people")
    groups: tuple[Group, ...] = Field(description="in the order of the columns")
    preset: Preset | None = Field(None, description="preprocessing that suits it")

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        groups = [group.name for group in self.groups]
        if self.size > _MOST_COLUMNS:
            raise ValueError(f"layout '{self.name}' has {self.size} columns, more than {_MOST_COLUMNS}; leave out slots or features")
        if not groups:
            raise ValueError(f"layout '{self.name}' has no groups; give it at least one")
        if twice := sorted({name for name in groups if groups.count(name) > 1}):
            raise ValueError(f"group '{twice[0]}' is there twice; give each group a name of its own")
        if twice := sorted(name for name, number in Counter(self.names).items() if number > 1):
            raise ValueError(f"two columns are called '{twice[0]}'; rename a group or a feature")
        for name, part in (self.preset.groups if self.preset else {}).items():
            group = self[name] if name in groups else None
            for key in ("offset", "shift"):
                try:
                    spread(getattr(part, key), group or self._unknown(name), key)
                except UserError as error:
                    raise ValueError(f"preset: {error}") from error
        return self

    def _unknown(self, name: str) -> Any:
        raise UserError(f"unknown group '{name}'; the groups of layout '{self.name}' are {', '.join(g.name for g in self.groups)}")

    def __eq__(self, other: object) -> bool:
        # pydantic's own would compare the arrays of cached properties, too
        return isinstance(other, Layout) and all(getattr(self, name) == getattr(other, name) for name in type(self).model_fields)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __getitem__(self, group: str) -> Group:
        """A group by name. Raises `UserError` naming the groups there are."""
        found: Group = next((item for item in self.groups if item.name == group), None) or self._unknown(group)
        return found

    def __contains__(self, group: str) -> bool:
        return any(item.name == group for item in self.groups)

    @classmethod
    def joined(cls, layouts: Sequence["Layout"]) -> "Layout":
        """The groups of all layouts (at least one), one after the other."""
        if len(layouts) == 1:
            return layouts[0]
        return cls(name="_".join(layout.name for layout in layouts), groups=tuple(group for layout in layouts for group in layout.groups))

    # -- columns -------------------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Number of columns."""
        return sum(group.size for group in self.groups)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """One name per column."""
        return tuple(name for group in self.groups for name in group.column_names())

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Every column with its group, slot and feature."""
        places = [(group, slot, feature) for group in self.groups for slot in range(group.slots) for feature in group.features]
        return tuple(Column(k, name, *place) for k, (name, place) in enumerate(zip(self.names, places, strict=True)))

    @cached_property
    def _starts(self) -> dict[str, int]:
        ends = np.cumsum([0, *(group.size for group in self.groups)]).tolist()
        return {group.name: start for group, start in zip(self.groups, ends[:-1], strict=True)}

    def where(self, group: str) -> slice:
        """Columns of a group. Raises `UserError` for an unknown one."""
        size = self[group].size
        return slice(self._starts[group], self._starts[group] + size)

    def positions(self, group: str, feature: str) -> IntArray:
        """Column numbers (slots,) of one feature of a group. Raises `UserError` for an unknown one."""
        found = self[group]
        return self._starts[group] + found.index(feature) + len(found.features) * np.arange(found.slots)

    def block(self, values: npt.NDArray[Any], group: str) -> npt.NDArray[Any]:
        """The columns of a group out of (N, size) as (N, slots, features), a view."""
        found = self[group]
        return values[:, self.where(group)].reshape(len(values), found.slots, len(found.features))

    def with_role(self, role: Role | str) -> BoolArray:
        """(size,): columns whose feature has this role and which the hardware has."""
        return np.array([column.feature.role == role and not column.feature.absent for column in self.columns])

    def groups_with(self, *roles: Role | str) -> tuple[Group, ...]:
        """Groups that have features of all these roles."""
        return tuple(group for group in self.groups if all(group.of_role(role) is not None for role in roles))

    @cached_property
    def present(self) -> BoolArray:
        """(size,): false where the hardware has no such number."""
        return np.array([not column.feature.absent for column in self.columns])

    @cached_property
    def gate(self) -> IntArray:
        """(size,): the column whose code 0 makes this one's slot empty; -1 where none does."""
        result = np.full(self.size, -1, np.int64)
        for group in self.groups:
            if (gate := group.gate_feature) is not None:
                result[self.where(group.name)] = np.repeat(self.positions(group.name, gate), len(group.features))
        return result

    @cached_property
    def code_range(self) -> tuple[IntArray, IntArray]:
        """Smallest and largest code of each column, (size,) each; 0, which an empty slot holds, is always among them where gated."""
        bounds = np.array([column.feature.range for column in self.columns], np.int64)
        low, high = bounds.T
        gated = self.gate >= 0
        return np.where(gated, np.minimum(low, 0), low), np.where(gated, np.maximum(high, 0), high)

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The smaller of int16 and int32 that holds every code."""
        low, high = self.code_range
        return np.dtype(np.int16 if low.min() >= -(2**15) and high.max() < 2**15 else np.int32)

    @cached_property
    def lsb(self) -> FloatArray:
        """(size,): value of one code step in the column's unit; 0 where the hardware has no such number."""
        return np.array([0.0 if column.feature.absent else column.feature.lsb for column in self.columns])

    @cached_property
    def period(self) -> IntArray:
        """(size,): codes once around; 0 where a column has two ends."""
        return np.array([column.feature.period or 0 for column in self.columns], np.int64)

    @property
    def units(self) -> tuple[str, ...]:
        """Unit of each column, '' for pure numbers."""
        return tuple(column.feature.unit for column in self.columns)

    @property
    def has_slots(self) -> bool:
        """Whether some slot can be empty: there are objects."""
        return bool((self.gate >= 0).any())

    @property
    def image(self) -> tuple[int, int] | None:
        """(rows, columns) in which a convolution sees the event; None where the groups have unlike features.

        The axes of an image; slots x features where all groups have the same number of features, in slots x 1.
        """
        if len(self.groups) == 1 and self.groups[0].axes is not None:
            rows, columns = self.groups[0].axes
            return rows.size, columns.size
        widths = {len(group.features) for group in self.groups}
        if len(widths) > 1 or any(group.axes is not None for group in self.groups):
            return None
        return sum(group.slots for group in self.groups), widths.pop()

    # -- values --------------------------------------------------------------------------------------------------------

    def mask(self, hardware: npt.NDArray[np.integer]) -> BoolArray:
        """(N, size): true where a column carries information: the hardware has it, and its slot is filled."""
        self._check_shape(hardware)
        filled = hardware != 0
        # Index -1 of `gate` would be the last column: replaced by true.
        return np.asarray((filled[:, self.gate] | (self.gate < 0)) & self.present, np.bool_)

    def validate_hardware(self, hardware: npt.NDArray[np.integer], *, first_event: int = 0, where: str = "") -> None:
        """Raise `UserError` naming event, column and value when a code of (N, size) lies outside its range.

        `first_event` is the number that the message gives to the first event, `where` begins it.
        """
        self._check_shape(hardware)
        low, high = self.code_range
        if not len(hardware) or ((hardware.min(axis=0) >= low) & (hardware.max(axis=0) <= high)).all():
            return
        event, column = (int(i) for i in np.argwhere((hardware < low) | (hardware > high))[0])
        raise UserError(
            f"{where}event {first_event + event}: {self.names[column]} = {hardware[event, column]} is outside its hardware range "
            f"[{low[column]}, {high[column]}]; are these hardware integers of layout '{self.name}'?"
        )

    def to_hardware(self, physical: npt.ArrayLike) -> npt.NDArray[np.integer]:
        """Physical values (N, size) into codes; a slot whose gate is 0 or less becomes empty, its columns 0.

        What lies beyond a scale saturates, what has a period wraps.
        Raises `UserError` for a wrong shape, a negative energy, NaN or infinity, with event and column.
        """
        values = np.asarray(physical, np.float64)
        self._check_shape(values)
        self._check_finite(values)
        codes = np.zeros(values.shape, self.dtype)
        for group in self.groups:
            source, target = self.block(values, group.name), self.block(codes, group.name)
            for k, feature in enumerate(group.features):
                if not feature.absent:
                    target[..., k] = feature.encode(source[..., k])
            if (gate := group.gate_feature) is not None:
                k = group.index(gate)
                # a value below one LSB has code 0, which firmware reads as an empty slot
                target[~(source[..., k] > 0) | (target[..., k] == 0)] = 0
        return codes

    def to_physical(self, hardware: npt.NDArray[np.integer]) -> FloatArray:
        """Codes (N, size) into physical values at the centre of each code; 0 in empty slots and for absent features.

        An energy that no gate makes empty is 0 where its code is.
        """
        self._check_shape(hardware)
        values = np.zeros(hardware.shape, np.float64)
        for group in self.groups:
            source, target = self.block(hardware, group.name), self.block(values, group.name)
            for k, feature in enumerate(group.features):
                if not feature.absent:
                    target[..., k] = feature.decode(source[..., k])
                    if feature.role == Role.ENERGY and group.gate_feature is None:
                        target[..., k][source[..., k] == feature.origin] = 0.0
        return np.where(self.mask(hardware), values, 0.0)

    def _check_finite(self, values: FloatArray) -> None:
        energy = self.with_role(Role.ENERGY) & np.array([not column.feature.signed for column in self.columns])
        bad = np.argwhere(~np.isfinite(values) | ((values < 0) & energy))
        if len(bad):
            event, column = (int(i) for i in bad[0])
            wanted = "finite and not negative" if energy[column] else "finite"
            raise UserError(f"event {event}: {self.names[column]} = {values[event, column]} must be {wanted}")

    def _check_shape(self, values: npt.NDArray[Any]) -> None:
        """Raise `UserError` unless `values` has the shape (N, size)."""
        if values.ndim != 2 or values.shape[1] != self.size:
            raise UserError(f"events of layout '{self.name}' must have shape (N, {self.size}), not {values.shape}")

    # -- parts of it ---------------------------------------------------------------------------------------------------

    def select(self, choice: Mapping[str, int | Sequence[str]]) -> "Layout":
        """The layout with fewer slots and features: group names map to a number of slots (0 leaves the group out), and
        `features` to the names of those to keep, in all groups. What is not named stays.

        Raises `UserError` for an unknown group or feature, more slots than there are, and a gate that would be left out.
        """
        return selected(self, tuple((key, value if isinstance(value, int) else tuple(value)) for key, value in choice.items()))

    def taken_from(self, other: "Layout", where: str) -> IntArray:
        """(size,): the column of `other` that holds each of these columns; -1 for those that are absent, and always 0.

        `where` names what has the layout `other`, for example a file. Raises `UserError` naming it, the group, the column and the
        remedy where `other` has no such group, slot or feature, or another scale: a selection never reinterprets.
        """
        result = np.full(self.size, -1, np.int64)
        for group in self.groups:
            if group.name not in other:
                raise UserError(
                    f"{where}: no group '{group.name}' in its layout '{other.name}' (there are {', '.join(g.name for g in other.groups)}); "
                    f"leave it out with inputs.select: {{{group.name}: 0}}, set inputs.layout to the layout of the file, or make the file "
                    "again"
                )
            check_same_group(group, other[group.name], where)
            for feature in group.features:
                if not feature.absent:
                    result[self.positions(group.name, feature.name)] = other.positions(group.name, feature.name)[: group.slots]
        return result

    @property
    def meaning(self) -> dict[str, Any]:
        """The layout as JSON without titles, preset, names in files and hardware words: what decides whether codes can be used together."""
        dropped: Any = dict.fromkeys(NAMES_ONLY, True) | {"features": {"__all__": NAMES_ONLY}}
        return {"groups": [group.model_dump(mode="json", exclude=dropped) | {"gate": group.gate_feature} for group in self.groups]}

    @cached_property
    def digest(self) -> str:
        """sha256 of `meaning`."""
        return hashlib.sha256(json.dumps(self.meaning, sort_keys=True).encode()).hexdigest()

    def spread(self, group: str, numbers: Numbers, what: str) -> IntArray:
        """One number for all columns of a group, one per feature, or one row per slot, as (slots, features).

        Raises `UserError` naming group, `what` and the shapes that would be right.
        """
        return spread(numbers, self[group], what)
