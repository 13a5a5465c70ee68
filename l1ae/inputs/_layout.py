"""The layout: one table of columns that says what every number of a trigger's event is.

An event is a row of hardware integers. A layout is a list of groups (jets, energy sums, a calorimeter image, the samples of a
cell); a group has slots, a slot has features, and every feature of every slot is one column: groups in order, slots in order,
features in order. Everything else asks the layout, by group, by role or by column.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from math import isfinite, prod
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from l1ae.errors import UserError
from l1ae.inputs._base import Format, Frozen

__all__ = ["Axis", "Column", "Cut", "Feature", "Group", "Layout", "Numbers", "Preset", "Role"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", description="C++ and HDL identifier")]

Numbers = int | tuple[int, ...] | tuple[tuple[int, ...], ...]
"""One number for all columns of a group, one per feature, or one row of features per slot."""

_MAX_BITS = 30  # int32 holds every code, and the difference of two


class Role(StrEnum):
    """What a feature means to those who do not know its name."""

    ENERGY = "energy"
    ETA = "eta"
    PHI = "phi"
    CHARGE = "charge"
    QUALITY = "quality"
    ISOLATION = "isolation"
    OTHER = "other"


_IN_BINS = {Role.ENERGY, Role.ETA, Role.PHI}


class Feature(Frozen):
    """One number of a slot: an integer of `bits` bits, in two's complement if `signed`.

    Code `c` stands for [c - origin, c - origin + 1) x `lsb` in `unit` (`bin: edge`, the default of energies and angles), or
    for values around (c - origin) x `lsb` (`bin: centre`, the default of all others). `low` and `high` are the smallest and
    largest code of a filled slot: what lies beyond is clipped, or goes around where there is a `period` (in codes).
    `saturation` is the code that stands for everything above. `absent`: the hardware has no such number, the column is
    always 0. `bit` is the lowest bit in the hardware word, `source` the column's name in files of this trigger.
    """

    name: Name
    role: Role = Role.OTHER
    source: str | None = None
    bits: int = Field(1, ge=1, le=_MAX_BITS)
    signed: bool = False
    lsb: float = Field(1.0, description="in `unit`")
    unit: str = ""
    origin: int = Field(0, description="code of the value 0")
    bin: Literal["edge", "centre"] | None = None
    period: int | None = Field(None, ge=2, description="codes once around; from 0 on, or from -period/2 on if signed")
    low: int | None = None
    high: int | None = None
    saturation: int | None = None
    absent: bool = False
    bit: int | None = Field(None, ge=0, description="lowest bit in the hardware word")

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, content: Any) -> Any:
        """Defaults that follow from other keys."""
        if not isinstance(content, Mapping) or content.get("absent"):
            return content
        content = {key: value for key, value in content.items() if value is not None}
        bits, signed, period = content.get("bits", 1), bool(content.get("signed", False)), content.get("period")
        if not isinstance(bits, int) or not isinstance(period, int | None):
            return content
        least, most = _word(bits, signed)
        first = (-(period // 2) if signed else 0) if period else least
        last = first + period - 1 if period else most
        role = content.get("role", Role.OTHER)
        return {"low": first, "high": last, "bin": "edge" if role in _IN_BINS else "centre"} | content

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not (isfinite(self.lsb) and self.lsb > 0):
            raise ValueError(f"feature '{self.name}': lsb {self.lsb} must be a positive number, the value of one code step in its unit")
        if self.absent:
            return self
        least, most = _word(self.bits, self.signed)
        low, high = self.range
        if not least <= low <= high <= most:
            raise ValueError(
                f"feature '{self.name}': codes {low} to {high} do not fit into {self.bits} bits{' with sign' if self.signed else ''} "
                f"({least} to {most}); change low and high, bits or signed"
            )
        if self.period is not None and high - low + 1 != self.period:
            raise ValueError(
                f"feature '{self.name}': codes {low} to {high} are {high - low + 1}, but the period is {self.period}; leave low and high out"
            )
        if self.saturation is not None and not low <= self.saturation <= high:
            raise ValueError(f"feature '{self.name}': the saturation code {self.saturation} is outside {low} to {high}")
        return self

    @property
    def range(self) -> tuple[int, int]:
        """Smallest and largest code of a filled slot; (0, 0) where the feature is absent."""
        return (0, 0) if self.absent or self.low is None or self.high is None else (self.low, self.high)

    def encode(self, values: npt.ArrayLike) -> IntArray:
        """Codes of physical values in `unit`, of any shape: rounded into their bin, clipped or wrapped."""
        low, high = self.range
        steps = np.asarray(values, np.float64) / self.lsb
        codes = np.floor(steps + (0.5 if self.bin == "centre" else 0.0)) + self.origin
        if self.period is not None:
            return np.asarray(low + np.mod(codes - low, self.period)).astype(np.int64)
        return np.clip(codes, low, high).astype(np.int64)

    def decode(self, codes: npt.NDArray[np.integer]) -> FloatArray:
        """Physical values in `unit` at the centre of each code; those with a period lie in [-span/2, span/2)."""
        values: FloatArray = (codes.astype(np.float64) - self.origin + (0.5 if self.bin == "edge" else 0.0)) * self.lsb
        if self.period is not None:
            span = self.period * self.lsb
            values = np.mod(values + span / 2, span) - span / 2
        return values


def _word(bits: int, signed: bool) -> tuple[int, int]:
    """Smallest and largest integer of a word."""
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)


class Cut(Frozen):
    """What becomes of an object whose `feature` is not within [min, max] (codes, both included).

    `drop`: it is left out and those behind it move up; `zero`: its slot becomes empty in place; `veto`: the whole event is
    left out.
    """

    feature: str
    min: int | None = None
    max: int | None = None
    action: Literal["drop", "zero", "veto"] = "drop"


class Axis(Frozen):
    """One axis of an image: its name and the n + 1 boundaries of its n rows or columns, in `unit`."""

    name: Name
    edges: tuple[float, ...] = Field(min_length=2)
    unit: str = ""

    @model_validator(mode="after")
    def _edges_rise(self) -> Self:
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError(f"edges of axis '{self.name}' must rise, not {self.edges}")
        return self

    @property
    def size(self) -> int:
        """Number of rows or columns."""
        return len(self.edges) - 1


class Group(Frozen):
    """Slots of one kind, all with the same features.

    `kind`: `objects` and `sums` have slots that may be empty; a `vector`, an `image` (with `axes`, row by row) and a
    `waveform` (in the order of time) have a value in every slot and one feature. A slot is empty where the code of its
    feature `gate` is 0: by default its energy, or for example a valid bit; false where slots are never empty.

    What readers do, in this order: `cuts`; objects in order of falling `sort` (as read without it); the first `slots` are kept.
    `saturated` says what becomes of an object whose `gate` has its saturation code. `source` is the group's name in files of
    this trigger, `word` its kind of hardware word, from number `first_word` on.
    """

    name: Name
    title: str = ""
    kind: Literal["objects", "sums", "vector", "image", "waveform"] = "objects"
    slots: int = Field(1, ge=1)
    axes: tuple[Axis, Axis] | None = None
    features: tuple[Feature, ...] = Field(min_length=1)
    gate: str | Literal[False] | None = None
    sort: str | None = None
    cuts: tuple[Cut, ...] = ()
    saturated: Literal["keep", "drop", "zero", "veto"] = "keep"
    source: str | None = None
    word: str | None = None
    first_word: int = Field(0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _slots_of_an_image(cls, content: Any) -> Any:
        axes = content.get("axes") if isinstance(content, Mapping) else None
        if not axes or "slots" in content or not isinstance(axes, Sequence):
            return content
        edges = [axis.get("edges", ()) if isinstance(axis, Mapping) else axis.edges for axis in axes]
        return {**content, "slots": prod(max(len(item) - 1, 1) for item in edges)}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [feature.name for feature in self.features]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"group '{self.name}': feature '{twice[0]}' is there twice; give each column once")
        if (self.kind == "image") != (self.axes is not None):
            raise ValueError(f"group '{self.name}': an image has axes (rows, columns), a group of kind '{self.kind}' has none")
        if self.axes is not None and prod(axis.size for axis in self.axes) != self.slots:
            raise ValueError(f"group '{self.name}': {self.slots} slots are not the {' x '.join(str(a.size) for a in self.axes)} of its axes")
        if not self.gated_kind and (len(names) > 1 or self.gate):
            raise ValueError(f"group '{self.name}': a {self.kind} has one feature and no gate; use kind: objects for more")
        asked = {"gate": self.gate or None, "sort": self.sort} | {f"cut on {cut.feature}": cut.feature for cut in self.cuts}
        for what, name in asked.items():
            if name is not None and (name not in names or self[name].absent):
                raise ValueError(f"group '{self.name}': {what}: there is no feature '{name}'; the features are {', '.join(self.present)}")
        return self

    def __getitem__(self, feature: str) -> Feature:
        return next(item for item in self.features if item.name == feature)

    @property
    def present(self) -> tuple[str, ...]:
        """Names of the features that the hardware has."""
        return tuple(feature.name for feature in self.features if not feature.absent)

    @property
    def gated_kind(self) -> bool:
        """Whether slots can be empty."""
        return self.kind in {"objects", "sums"}

    @property
    def gate_feature(self) -> str | None:
        """Name of the feature whose code 0 makes a slot empty; None where none does."""
        if self.gate is None and self.gated_kind:
            energy = self.of_role(Role.ENERGY)
            return None if energy is None else energy.name
        return self.gate or None

    def of_role(self, role: Role | str) -> Feature | None:
        """The first feature of a role that the hardware has; None without one."""
        return next((feature for feature in self.features if feature.role == role and not feature.absent), None)

    def index(self, feature: str) -> int:
        """Position of a feature in a slot. Raises `UserError` naming the features there are."""
        names = [item.name for item in self.features]
        if feature not in names:
            raise UserError(f"group '{self.name}' has no feature '{feature}'; its features are {', '.join(names)}")
        return names.index(feature)

    @property
    def label(self) -> str:
        """`title`, or the name without one."""
        return self.title or self.name

    @property
    def size(self) -> int:
        """Number of columns."""
        return self.slots * len(self.features)

    def slot_names(self) -> tuple[str, ...]:
        """`jet0`, `jet1`, ...; `met` alone; `region_phi0_eta0`, ... of an image."""
        if self.axes is not None:
            rows, columns = self.axes
            return tuple(f"{self.name}_{rows.name}{i}_{columns.name}{j}" for i in range(rows.size) for j in range(columns.size))
        return (self.name,) if self.slots == 1 else tuple(f"{self.name}{slot}" for slot in range(self.slots))

    def column_names(self) -> tuple[str, ...]:
        """One name per column: `jet0_pt`, `jet0_eta`, ...; without the feature where a slot is one number."""
        if not self.gated_kind:
            return self.slot_names()
        return tuple(f"{slot}_{feature.name}" for slot in self.slot_names() for feature in self.features)


@dataclass(frozen=True)
class Column:
    """Column number `number` of an event: `feature` of slot `slot` of `group`."""

    number: int
    name: str
    group: Group
    slot: int
    feature: Feature


class GroupPreset(Frozen):
    """Offsets and right shifts of one group's columns."""

    offset: Numbers = 0
    shift: Numbers = 0


class Preset(Frozen):
    """Preprocessing by hand that comes with a layout: the network's input type, and offsets and shifts by group."""

    network: Format
    groups: dict[str, GroupPreset] = {}


class Layout(Frozen):
    """All columns of an event, in order. `preset` is preprocessing that suits it; it is no part of what the columns mean."""

    name: Name
    title: str = ""
    groups: tuple[Group, ...] = Field(min_length=1)
    preset: Preset | None = None

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        groups = [group.name for group in self.groups]
        if twice := sorted({name for name in groups if groups.count(name) > 1}):
            raise ValueError(f"group '{twice[0]}' is there twice; give each group a name of its own")
        if twice := sorted({name for name in self.names if self.names.count(name) > 1}):
            raise ValueError(f"two columns are called '{twice[0]}'; rename a group or a feature")
        for name, part in (self.preset.groups if self.preset else {}).items():
            group = self[name] if name in groups else None
            for key in ("offset", "shift"):
                try:
                    _spread(getattr(part, key), group or self._unknown(name), key)
                except UserError as error:
                    raise ValueError(f"preset: {error}") from error
        return self

    def _unknown(self, name: str) -> Any:
        raise UserError(f"unknown group '{name}'; the groups of layout '{self.name}' are {', '.join(g.name for g in self.groups)}")

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        # that of pydantic compares cached arrays, too
        return isinstance(other, Layout) and all(getattr(self, name) == getattr(other, name) for name in Layout.model_fields)

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
            raise UserError(
                f"event {event}: {self.names[column]} = {values[event, column]} must be finite{' and not negative' if energy[column] else ''}"
            )

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
        return _selected(self, tuple((key, value if isinstance(value, int) else tuple(value)) for key, value in choice.items()))

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
                    f"leave it out with inputs.select: {{{group.name}: 0}}, set inputs.layout to the layout of the file, or make the file again"
                )
            _check_same_group(group, other[group.name], where)
            for feature in group.features:
                if not feature.absent:
                    result[self.positions(group.name, feature.name)] = other.positions(group.name, feature.name)[: group.slots]
        return result

    @property
    def meaning(self) -> dict[str, Any]:
        """The layout as JSON without titles, preset, names in files and hardware words: what decides whether codes can be used together."""
        dropped: Any = dict.fromkeys(_NAMES_ONLY, True) | {"features": {"__all__": _NAMES_ONLY}}
        return {"groups": [group.model_dump(mode="json", exclude=dropped) | {"gate": group.gate_feature} for group in self.groups]}

    @cached_property
    def digest(self) -> str:
        """sha256 of `meaning`."""
        return hashlib.sha256(json.dumps(self.meaning, sort_keys=True).encode()).hexdigest()

    def spread(self, group: str, numbers: Numbers, what: str) -> IntArray:
        """One number for all columns of a group, one per feature, or one row per slot, as (slots, features).

        Raises `UserError` naming group, `what` and the shapes that would be right.
        """
        return _spread(numbers, self[group], what)


def _spread(numbers: Numbers, group: Group, what: str) -> IntArray:
    try:
        values = np.asarray(numbers, np.int64)
    except ValueError:
        values = np.zeros((0, 0), np.int64)
    if values.shape not in {(), (len(group.features),), (group.slots, len(group.features))}:
        names = ", ".join(feature.name for feature in group.features)
        raise UserError(
            f"group '{group.name}': {what} must be one number, one per feature ({names}), or one such row for each of its "
            f"{group.slots} slots, not {numbers}"
        )
    return np.broadcast_to(values, (group.slots, len(group.features)))


@lru_cache(maxsize=64)
def _selected(layout: Layout, choice: tuple[tuple[str, int | tuple[str, ...]], ...]) -> Layout:
    wanted = dict(choice)
    features = wanted.pop("features", None)
    for name, slots in wanted.items():
        group = layout[name]
        if not isinstance(slots, int) or not 0 <= slots <= group.slots or (group.axes is not None and slots not in {0, group.slots}):
            raise UserError(f"inputs.select: {name}: {slots} must be a number of slots from 0 to {group.slots}")
    known = {feature.name for group in layout.groups for feature in group.features}
    if features is not None and (isinstance(features, int) or not features or set(features) - known):
        raise UserError(f"inputs.select: features {features} must be names among {', '.join(sorted(known))}")
    groups, presets = [], {}
    for group in layout.groups:
        slots = wanted.get(group.name, group.slots)
        if slots == 0:
            continue
        kept = [k for k, feature in enumerate(group.features) if features is None or feature.name in features]  # type: ignore[operator]
        _check_kept(group, kept)
        groups.append(group.model_copy(update={"slots": slots, "features": tuple(group.features[k] for k in kept)}))
        if layout.preset is not None and group.name in layout.preset.groups:
            part = layout.preset.groups[group.name]
            rows = {key: _spread(getattr(part, key), group, key)[:slots][:, kept] for key in ("offset", "shift")}
            presets[group.name] = GroupPreset(**{key: tuple(map(tuple, value.tolist())) for key, value in rows.items()})
    if not groups:
        raise UserError(f"inputs.select leaves no group of layout '{layout.name}'; keep at least one of {', '.join(g.name for g in layout.groups)}")
    preset = None if layout.preset is None else Preset(network=layout.preset.network, groups=presets)
    return Layout(name=layout.name, title=layout.title, groups=tuple(groups), preset=preset)


def _check_kept(group: Group, kept: Sequence[int]) -> None:
    names = [group.features[k].name for k in kept]
    if not any(not group.features[k].absent for k in kept):
        raise UserError(
            f"inputs.select: group '{group.name}' has none of the features asked for, only {', '.join(group.present)}; "
            f"leave the group out with {group.name}: 0"
        )
    for name in (group.gate_feature, group.sort, *(cut.feature for cut in group.cuts)):
        if name is not None and name not in names:
            raise UserError(f"inputs.select: features leave out '{name}', which says which slots of '{group.name}' are filled; keep it")


_NAMES_ONLY = {"title", "source", "word", "first_word", "bit"}
"""Keys that say where a column is found, not what its codes mean."""


def _check_same_group(group: Group, other: Group, where: str) -> None:
    if group.slots > other.slots:
        raise UserError(
            f"{where}: group '{group.name}' has {other.slots} slots, {group.slots} are asked for; set inputs.select: "
            f"{{{group.name}: {other.slots}}}"
        )
    names = {feature.name: feature for feature in other.features if not feature.absent}
    for feature in group.features:
        if feature.absent:
            continue
        if feature.name not in names:
            raise UserError(
                f"{where}: column '{feature.name}' of group '{group.name}' is not in it, only {', '.join(names)}; choose among them with "
                "inputs.select: {features: [...]}, or make the file again with this layout"
            )
        _check_same(feature, names[feature.name], {"name", *_NAMES_ONLY}, f"{where}: column '{feature.name}' of group '{group.name}'")
    _check_same(group, other, {"slots", "features", "axes", *_NAMES_ONLY}, f"{where}: group '{group.name}'")
    if group.axes is not None and group.axes != other.axes:
        raise UserError(f"{where}: the axes of '{group.name}' have other boundaries; set inputs.layout to the layout of the file")


def _check_same(mine: Frozen, other: Frozen, ignored: set[str], where: str) -> None:
    for key in type(mine).model_fields:
        wanted, found = getattr(mine, key), getattr(other, key)
        if key == "gate" and isinstance(mine, Group) and isinstance(other, Group):
            wanted, found = mine.gate_feature, other.gate_feature
        if key not in ignored and wanted != found:
            raise UserError(
                f"{where}: {key} is {found}, but {wanted} is asked for; set inputs.layout to the layout of the file, or make the file again "
                "with this layout"
            )
