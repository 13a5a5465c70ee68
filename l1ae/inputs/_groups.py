"""Groups of a layout: slots of features, and what a feature's codes mean."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import isfinite, prod
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field, model_validator

from l1ae.errors import UserError
from l1ae.inputs._base import Frozen
from l1ae.names import Text
from l1ae.schema import Unit

__all__ = ["Axis", "Cut", "Feature", "Group", "Name", "Role"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def _identifier(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", value):
        raise ValueError(
            f"'{value}' must be made of lower-case letters, digits and single underscores, a letter first: it becomes a name in C++ and "
            "VHDL; put anything else into title"
        )
    return value


Name = Annotated[str, BeforeValidator(_identifier)]

_MOST_SLOTS = 1 << 16
"""So many columns have no firmware; more would only be names without end."""

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

    name: Name = Field(description="of the feature, and with group and slot of its column; becomes a name in C++ and VHDL")
    role: Role = Field(Role.OTHER, description="how menus, masses, noise and figures find it")
    source: str | None = Field(None, description="the column's name in files of this trigger")
    bits: Annotated[int, Unit("bits")] = Field(1, ge=1, le=_MAX_BITS, description="of the port; two's complement if signed")
    signed: bool = Field(False, description="whether codes are in two's complement")
    lsb: Annotated[float, Unit("`unit`")] = Field(1.0, description="value of one step")
    unit: Text = Field("", description="of the physical value, for example GeV or rad")
    origin: Annotated[int, Unit("codes")] = Field(0, description="code of the value 0")
    bin: Literal["edge", "centre"] | None = Field(
        None,
        description="edge: code c stands for [c, c + 1) x lsb; centre: for values around c x lsb; default: edge for energies and "
        "angles, centre for others",
    )
    period: Annotated[int | None, Unit("codes")] = Field(
        None, ge=2, description="codes once around; from 0 on, or from -period/2 on if signed"
    )
    low: Annotated[int | None, Unit("codes")] = Field(
        None, description="smallest code of a filled slot; default: what the bits hold, or one period"
    )
    high: Annotated[int | None, Unit("codes")] = Field(
        None, description="largest code of a filled slot; default: what the bits hold, or one period"
    )
    saturation: Annotated[int | None, Unit("codes")] = Field(None, description="the code that stands for everything above")
    absent: bool = Field(False, description="the hardware has no such number, and the column is always 0")
    bit: int | None = Field(None, ge=0, description="lowest bit in the hardware word")

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, content: Any) -> Any:
        """Defaults that follow from other keys."""
        if not isinstance(content, Mapping) or content.get("absent"):
            return content
        content = {key: value for key, value in content.items() if value is not None}
        bits, signed, period = content.get("bits", 1), bool(content.get("signed", False)), content.get("period")
        if not isinstance(bits, int) or not 1 <= bits <= _MAX_BITS or not isinstance(period, int | None):
            return content
        least, most = _word(bits, signed)
        first = (-(period // 2) if signed else 0) if period else least
        last = first + period - 1 if period else most
        role = content.get("role", Role.OTHER)
        return {"low": first, "high": last, "bin": "edge" if isinstance(role, str) and role in _IN_BINS else "centre"} | content

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
                f"feature '{self.name}': codes {low} to {high} are {high - low + 1}, but the period is {self.period}; "
                "leave low and high out"
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

    feature: str = Field(description="the feature that is cut on")
    min: Annotated[int | None, Unit("codes")] = Field(None, description="smallest code that is kept")
    max: Annotated[int | None, Unit("codes")] = Field(None, description="largest code that is kept")
    action: Literal["drop", "zero", "veto"] = Field(
        "drop",
        description="drop: the object is left out and those behind it move up; zero: its slot becomes empty in place; veto: the whole"
        " event is left out",
    )


class Axis(Frozen):
    """One axis of an image: its name and the n + 1 boundaries of its n rows or columns, in `unit`."""

    name: Name = Field(description="of the axis")
    edges: Annotated[tuple[float, ...], Unit("`unit`")] = Field(min_length=2, description="the n + 1 boundaries of its n rows or columns")
    unit: Text = Field("", description="of the boundaries")

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

    name: Name = Field(description="of the group, in columns and configurations; becomes a name in C++ and VHDL")
    title: Text = Field("", description="what it is, for people")
    kind: Literal["objects", "sums", "vector", "image", "waveform"] = Field(
        "objects",
        description="objects and sums have slots that may be empty; a vector, an image and a waveform have a value in every slot, and"
        " one feature",
    )
    slots: Annotated[int, Unit("slots")] = Field(1, ge=1, le=_MOST_SLOTS, description="how many; follows from `axes` for an image")
    axes: tuple[Axis, Axis] | None = Field(None, description="image: rows and columns, stored row by row")
    features: tuple[Feature, ...] = Field(description="the numbers of a slot, in order")
    gate: str | Literal[False] | None = Field(
        None, description="the feature whose code 0 makes a slot empty; default: the first energy; false: none"
    )
    sort: str | None = Field(None, description="feature by which readers order objects, largest first; without it as they are read")
    cuts: tuple[Cut, ...] = Field((), description="what readers leave out")
    saturated: Literal["keep", "drop", "zero", "veto"] = Field(
        "keep", description="what becomes of an object whose gate has its saturation code"
    )
    source: str | None = Field(None, description="the group's name in files of this trigger")
    word: str | None = Field(None, description="kind of the hardware word, for test vectors")
    first_word: int = Field(0, ge=0, description="number of the hardware word of the first slot")

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
        if not names:
            raise ValueError(f"group '{self.name}' has no features; give it at least one")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"group '{self.name}': feature '{twice[0]}' is there twice; give each column once")
        if (self.kind == "image") != (self.axes is not None):
            raise ValueError(f"group '{self.name}': an image has axes (rows, columns), a group of kind '{self.kind}' has none")
        if self.axes is not None and prod(axis.size for axis in self.axes) != self.slots:
            raise ValueError(
                f"group '{self.name}': {self.slots} slots are not the {' x '.join(str(a.size) for a in self.axes)} of its axes"
            )
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
