"""Columns that a configuration adds to an event (`inputs.add`): computed in firmware, of the columns that arrive."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from l1ae.errors import UserError
from l1ae.inputs._base import Frozen
from l1ae.inputs._computed import Computed, Condition, Count, Distance, Magnitude, Term, Total, Word
from l1ae.inputs._fixed import FixedFormat, Overflow
from l1ae.inputs._groups import Feature, Group, Role
from l1ae.inputs._layout import Column, Layout
from l1ae.inputs._preset import GroupPreset, Preset, spread
from l1ae.schema import Unit

__all__ = ["AbsEta", "Added", "AddedColumn", "DeltaPhi", "EnergySum", "Multiplicity", "add_columns"]

IntArray = npt.NDArray[np.int64]

_MOST_TABLE_BITS = 16
_MOST_BITS = 24  # of a code that float32 holds
_SLOT = re.compile(r"([a-z][a-z0-9_]*?)(?:\[(\d+)\])?")


class _OfGroup(Frozen):
    group: str = Field(description="whose slots count")
    threshold: Annotated[int | None, Unit("LSB")] = Field(None, ge=1, description="smallest energy code that counts, of the group's energy")
    abs_eta: Annotated[int | None, Unit("codes")] = Field(
        None, ge=0, description="largest |eta| that counts, in codes as `abs_eta` makes them"
    )

    def _terms(self, layout: Layout) -> tuple[Column, tuple[Term, ...]]:
        """The energy of the first slot, and of every slot what must hold."""
        group = layout[self.group]
        energies = _of_role(layout, group, Role.ENERGY)
        gate = group.gate_feature
        conditions = []
        if (threshold := self.threshold) is not None:
            high = energies[0].feature.range[1]
            if threshold > high:
                raise UserError(f"threshold {threshold} is above {high}, the largest {energies[0].feature.name} of '{group.name}'")
            conditions.append([_condition(column, lambda codes: codes >= threshold) for column in energies])
        if gate is not None and (gate != energies[0].feature.name):
            conditions.append(_gates(layout, group))
        if self.abs_eta is not None:
            limit = self.abs_eta
            etas = _of_role(layout, group, Role.ETA)
            conditions.append([_condition(column, lambda codes: _mirrored(etas[0].feature, codes) <= limit) for column in etas])
        return energies[0], tuple(zip(*conditions, strict=True)) if conditions else ((),) * group.slots


class Multiplicity(_OfGroup):
    """How many slots of a group are filled, with an energy code of at least `threshold` and an |eta| of at most `abs_eta`."""

    words: ClassVar[str] = "number of objects"

    kind: Literal["multiplicity"] = Field(description="a number of objects")

    def computed(self, layout: Layout, name: str) -> Computed:
        """What firmware computes. Raises `UserError` where the layout does not have it."""
        group = layout[self.group]
        asked = self if self.threshold is not None else self.model_copy(update={"threshold": 1})
        _, terms = asked._terms(layout)
        feature = _feature(name, group.slots, 1.0, "")
        return Count(feature, _shift_of(feature), terms)


class EnergySum(_OfGroup):
    """Sum of the energy codes of a group's slots that are filled, reach `threshold` and lie within `abs_eta`.

    It saturates at what `bits` bits hold; by default they hold every sum.
    """

    words: ClassVar[str] = "sum of energies"

    kind: Literal["sum"] = Field(description="a sum of energies")
    bits: Annotated[int | None, Unit("bits")] = Field(
        None, ge=1, le=24, description="width of the sum, which saturates; default: as wide as any sum needs"
    )

    def computed(self, layout: Layout, name: str) -> Computed:
        """What firmware computes. Raises `UserError` where the layout does not have it."""
        group = layout[self.group]
        energy, terms = self._terms(layout)
        words = tuple(Word.of(column.number, column.feature) for column in _of_role(layout, group, Role.ENERGY))
        low, high = (group.slots * code for code in (words[0].cut.low, words[0].cut.high))
        exact = FixedFormat.covering(low, high, 0)
        bits = min(self.bits or exact.width, exact.width)
        if bits > _MOST_BITS:
            raise UserError(f"any sum takes {bits} bits, and training holds {_MOST_BITS} exactly; set bits, at which it saturates")
        form = FixedFormat(exact.signed, bits, bits, overflow=Overflow.SAT)
        ends = [int(form.bring_into_range(np.array(group.slots * code))) for code in energy.feature.range]
        feature = _feature(name, max(ends[1], 0), energy.feature.lsb, energy.feature.unit, low=min(ends[0], 0), bits=bits, role=Role.ENERGY)
        return Total(feature, _shift_of_energy(layout, group, energy.feature) + 1, words, terms, form)


class DeltaPhi(Frozen):
    """|phi a - phi b| of two slots, the smaller way around: 0 to half a period, in the coarser LSB of the two; 0 where one is empty."""

    words: ClassVar[str] = "distance in phi"

    kind: Literal["delta_phi"] = Field(description="a distance in phi")
    slots: tuple[str, str] = Field(description="two slots: `group[slot]`, or the group alone where it has one slot")

    def computed(self, layout: Layout, name: str) -> Computed:
        """What firmware computes. Raises `UserError` where the layout does not have it, or the angles have no common scale."""
        if self.slots[0] == self.slots[1]:
            raise UserError(f"slots: '{self.slots[0]}' twice; the distance from itself is 0, name two slots")
        columns = [_of_slot(layout, slot, Role.PHI) for slot in self.slots]
        words, coarse = _aligned(columns, self.slots)
        period = coarse.period or 0
        feature = _feature(name, period // 2, coarse.lsb, coarse.unit)
        term = tuple(condition for column in columns for condition in _gate(layout, column))
        return Distance(feature, _shift_of(feature), *words, period, term, FixedFormat(False, feature.bits, feature.bits))


class AbsEta(Frozen):
    """How far the eta of a slot is from 0, in LSB: of bins by their lower edges the codes 0 and -1 both become 0; 0 where it is empty."""

    words: ClassVar[str] = "distance of eta from 0"

    kind: Literal["abs_eta"] = Field(description="a distance from eta 0")
    slot: str = Field(description="`group[slot]`, or the group alone where it has one slot")

    def computed(self, layout: Layout, name: str) -> Computed:
        """What firmware computes. Raises `UserError` where the layout does not have it."""
        column = _of_slot(layout, self.slot, Role.ETA)
        eta = column.feature
        feature = _feature(name, int(_mirrored(eta, np.array(eta.range)).max()), eta.lsb, eta.unit)
        form = FixedFormat(False, feature.bits, feature.bits)
        word = Word.of(column.number, eta)
        return Magnitude(feature, _shift_of(feature), word, _mirror(eta), eta.origin, _gate(layout, column), form)


AddedColumn = Annotated[Multiplicity | EnergySum | DeltaPhi | AbsEta, Field(discriminator="kind")]
"""One column that firmware computes; `computed(layout, name)` says how."""


@dataclass(frozen=True, eq=False)
class Added:
    """An event with more columns than arrive: those of `port`, and behind them the computed ones.

    Each of these is a group of its own, and never empty. Where the port has a preset they have one, too.
    """

    port: Layout
    columns: Mapping[str, Computed]

    @cached_property
    def layout(self) -> Layout:
        """All columns."""
        groups = [Group(name=name, kind="vector", features=(column.feature,)) for name, column in self.columns.items()]
        preset = self.port.preset
        if preset is not None:
            own = {name: GroupPreset(shift=column.shift) for name, column in self.columns.items()}
            preset = Preset(network=preset.network, groups=preset.groups | own)
        return Layout(name=self.port.name, title=self.port.title, groups=(*self.port.groups, *groups), preset=preset)

    def extend(self, hardware: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        """Events (N, port.size) as (N, layout.size), of the layout's type or that of the events where that is wider."""
        dtype = np.promote_types(hardware.dtype, self.layout.dtype)
        result = np.empty((len(hardware), self.layout.size), dtype)
        result[:, : self.port.size] = hardware
        for place, column in enumerate(self.columns.values(), self.port.size):
            result[:, place] = column.codes(hardware)
        return result


def add_columns(port: Layout, add: Mapping[str, AddedColumn]) -> Added | None:
    """The event with the columns `add`, in the order of their names, whatever order they are written in; None without any.

    Raises `UserError`, which begins with the name of the column, for a name that is taken or no name, and for what `port` does not have.
    """
    return _added(port, tuple(sorted(add.items()))) if add else None


@lru_cache(maxsize=64)
def _added(port: Layout, add: tuple[tuple[str, AddedColumn], ...]) -> Added:
    columns: dict[str, Computed] = {}
    taken = {*port.names, *(g.name for g in port.groups), *(f.name for g in port.groups for f in g.features)}
    for name, record in add:
        if name in taken:
            raise UserError(f"add.{name}: layout '{port.name}' has a group, column or feature of this name; choose another one")
        try:
            columns[name] = record.computed(port, name)
        except UserError as error:
            raise UserError(f"add.{name}: {error}") from error
        except ValidationError as error:
            raise UserError(f"add.{name}: {str(error.errors()[0]['msg']).removeprefix('Value error, ')}") from error
    return Added(port, columns)


# -- what the layout says ------------------------------------------------------------------------------------------------


def _of_role(layout: Layout, group: Group, role: Role) -> list[Column]:
    """The feature of a role in every slot. Raises `UserError` without one."""
    feature = group.of_role(role)
    if feature is None:
        having = ", ".join(item.name for item in layout.groups_with(role)) or "none"
        raise UserError(f"group '{group.name}' has no {role}; groups with one: {having}")
    return [layout.columns[number] for number in layout.positions(group.name, feature.name).tolist()]


def _of_slot(layout: Layout, text: str, role: Role) -> Column:
    """The feature of a role of `group[slot]`. Raises `UserError` where there is no such slot."""
    found = _SLOT.fullmatch(text)
    if found is None:
        raise UserError(f"'{text}' must be a slot, for example {_example(layout, role)}")
    group = layout[found[1]]
    if found[2] is None and group.slots > 1:
        raise UserError(f"group '{group.name}' has {group.slots} slots; say which, for example {group.name}[0]")
    slot = int(found[2] or 0)
    if slot >= group.slots:
        raise UserError(f"'{text}': group '{group.name}' has the slots 0 to {group.slots - 1}")
    return _of_role(layout, group, role)[slot]


def _example(layout: Layout, role: Role) -> str:
    return next((f"{group.name}[0]" for group in layout.groups_with(role)), "jet[0]")


def _gates(layout: Layout, group: Group) -> list[Condition]:
    """That each slot of a group is filled; none where slots are never empty."""
    if group.gate_feature is None:
        return []
    columns = [layout.columns[number] for number in layout.positions(group.name, group.gate_feature).tolist()]
    return [_condition(column, lambda codes: codes != 0) for column in columns]


def _gate(layout: Layout, column: Column) -> Term:
    gates = _gates(layout, column.group)
    return (gates[column.slot],) if gates else ()


def _condition(column: Column, holds: Callable[[IntArray], npt.NDArray[np.bool_]]) -> Condition:
    """A function of every code of a column, as a table over its bits."""
    feature = column.feature
    if feature.bits > _MOST_TABLE_BITS:
        raise UserError(f"{column.name} has {feature.bits} bits, too many for a table of at most 2^{_MOST_TABLE_BITS} entries")
    codes = FixedFormat(feature.signed, feature.bits, feature.bits).bring_into_range(np.arange(1 << feature.bits))
    return Condition(column.number, holds(codes).astype(np.int64))


def _mirror(eta: Feature) -> int:
    """The sum of a code and of that of the opposite value: [c, c + 1) and [-c - 1, -c) are opposite bins, c and -c opposite values."""
    return 2 * eta.origin - (eta.bin == "edge")


def _mirrored(eta: Feature, codes: IntArray) -> IntArray:
    return np.maximum(codes, _mirror(eta) - codes) - eta.origin


def _aligned(columns: list[Column], names: tuple[str, str]) -> tuple[tuple[Word, Word], Feature]:
    """The words of two angles in the coarser LSB of the two, and the feature that has it."""
    for column in columns:
        if column.feature.period is None:
            raise UserError(f"{column.name} has no period, so that no difference can go around; give the layout's feature one")
    coarse = min((column.feature for column in columns), key=lambda feature: feature.period or 0)
    words = []
    for column in columns:
        ratio, rest = divmod(column.feature.period or 0, coarse.period or 1)
        drop = ratio.bit_length() - 1
        starts = [feature.range[0] >> bits for feature, bits in ((column.feature, drop), (coarse, 0))]
        if rest or ratio != 1 << drop or starts[0] != starts[1] or column.feature.origin >> drop != coarse.origin:
            raise UserError(
                f"the angles of {names[0]} and {names[1]} have no common scale: their periods must be equal or differ by a power of two "
                "and begin at the same angle; choose two slots of like angles"
            )
        words.append(Word.of(column.number, column.feature, drop))
    return (words[0], words[1]), coarse


# -- what is made of it --------------------------------------------------------------------------------------------------


def _feature(name: str, high: int, lsb: float, unit: str, *, low: int = 0, bits: int | None = None, role: Role = Role.OTHER) -> Feature:
    form = FixedFormat.covering(low, high, 0)
    return Feature(name=name, role=role, bits=bits or form.width, signed=low < 0, lsb=lsb, unit=unit, low=low, high=high)


def _shift_of(feature: Feature) -> int:
    """So that the whole range lies within [0, 2)."""
    return max(feature.range[1].bit_length() - 1, 0)


def _shift_of_energy(layout: Layout, group: Group, energy: Feature) -> int:
    """That of the first slot's energy in the layout's preset."""
    part = None if layout.preset is None else layout.preset.groups.get(group.name)
    return 0 if part is None else int(spread(part.shift, group, "shift")[0, group.index(energy.name)])
