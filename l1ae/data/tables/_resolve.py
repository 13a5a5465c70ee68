"""Mappings resolved against a layout and the columns of a file, into plans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from math import prod

import numpy as np

from l1ae.data.tables._mapping import FeatureSource, GroupSource, TableMapping
from l1ae.data.tables._plan import Categories, FeaturePlan, GroupPlan, Plan, PlannedFeature
from l1ae.data.tables._reference import Lists, Places, Reference, Source, resolve, resolve_array, resolve_scalar
from l1ae.data.tables._table import Table
from l1ae.data.tables._units import check, convert, of_quantity
from l1ae.errors import UserError
from l1ae.inputs import Feature, Group, Layout

__all__ = ["plan_mapping"]

_SPLITS = ("train", "valid", "test")


def plan_mapping(table: Table, layout: Layout, mapping: TableMapping, where: str) -> Plan:
    """Resolve a mapping. `where` begins messages about the mapping: the name of its file.

    Raises `UserError` naming file, group, column and remedy for unknown groups, features and columns, columns that are mapped
    twice, features without a column, and units that do not fit.
    """
    check(mapping.units, where)
    for name in mapping.groups:
        if name not in layout:
            known = ", ".join(group.name for group in layout.groups)
            raise UserError(f"{where}: groups: the layout '{layout.name}' has no group '{name}'; its groups are {known}")
    groups = (None if mapping.groups else _whole_rows(table, layout, mapping, where)) or tuple(
        _GroupResolver(table, group, mapping, where).plan() for group in layout.groups
    )
    _check_twice(groups, where)
    process, split = mapping.process, mapping.split
    return Plan(
        layout,
        groups,
        process.names if process else (),
        None if process is None else Categories(_scalar(table, process.column, where, "process"), _codes(process.names)),
        None if mapping.source_event is None else _scalar(table, mapping.source_event, where, "source_event"),
        None if mapping.pileup is None else _scalar(table, mapping.pileup, where, "pileup"),
        None
        if split is None
        else Categories(_scalar(table, split.column, where, "split"), {key: _SPLITS.index(value) for key, value in split.names.items()}),
        _extra(table, mapping.extra, where),
    )


def _codes(names: Sequence[str]) -> dict[int | str, int]:
    return {**{name: k for k, name in enumerate(names)}, **{k: k for k in range(len(names))}}


def _scalar(table: Table, reference: Reference, where: str, key: str) -> Places:
    try:
        return resolve_scalar(table, reference)
    except UserError as error:
        raise UserError(f"{where}: {key}: {error}") from error


def _extra(table: Table, extra: Mapping[str, Reference], where: str) -> dict[str, Places]:
    """Names with `*` stand for all columns that the reference, with `*` too, fits."""
    found: dict[str, Places] = {}
    for name, reference in extra.items():
        if not isinstance(reference, str) or "*" not in reference or reference in table.fields:
            found[name] = _own_extra(table, name, reference, where)
            continue
        start, end = reference.split("*", 1)
        matches = [column for column in table.fields if fnmatchcase(column, reference)]
        if not matches:
            raise UserError(f"{where}: extra: no column of {table.path} is like '{reference}'; {_without(name)}")
        target = name if "*" in name else "*"
        for column in matches:
            found[target.replace("*", column[len(start) : len(column) - len(end)])] = _scalar(table, column, where, "extra")
    return found


def _own_extra(table: Table, name: str, reference: Reference, where: str) -> Places:
    try:
        return _scalar(table, reference, where, f"extra: {name}")
    except UserError as error:
        if isinstance(reference, str) and reference in table.fields:
            raise
        raise UserError(f"{error}; {_without(name)}") from error


def _without(name: str) -> str:
    """The remedy for files that do not have what others, of one mapping file, have."""
    return f"files without it need a mapping file that does not have '{name}' under extra"


@dataclass(frozen=True)
class _Kinds:
    """What the values of a group's columns are, by the mapping of the group and of the file. `where` begins messages."""

    table: Table
    group: Group
    mapping: TableMapping
    where: str
    entry: GroupSource | None = None

    @property
    def place(self) -> str:
        """How messages begin."""
        return f"{self.where}: group '{self.group.name}'"

    def feature(self, item: Feature, entry: FeatureSource, source: Source) -> FeaturePlan:
        """The plan for a feature that comes from `source`."""
        place = f"{self.place}, column '{source.label(0)}'"
        own = self.entry
        kind = entry.values or (own.values if own else None) or self.mapping.values
        if kind is None:
            if any(self.table.fields[name].dtype.kind == "f" for name in source.names):
                raise UserError(
                    f"{place}: the numbers are no integers; say what they are with values: physical, codes, or grid for codes times a step"
                )
            kind = "codes"
        if kind == "codes" and (entry.unit is not None or entry.step is not None):
            raise UserError(f"{place}: codes have no unit and no step; leave them out, or write values: physical")
        if kind != "grid" and entry.step is not None:
            raise UserError(f"{place}: step is for values: grid; leave it out")
        units = (own.units if own else ()) or self.mapping.units
        unit = entry.unit if entry.unit is not None else of_quantity(units, item.unit) or item.unit
        units_key = None if entry.unit is not None else units
        factor = 1.0 if kind == "codes" else convert(unit, item.unit, f"{place} (feature '{item.name}')")
        conditions = (own.where if own else {}) | entry.where
        for name in conditions:
            if not isinstance(source, Lists) or not self.table.field(name).jagged:
                raise UserError(f"{place}: where: '{name}' is for lists only; leave it out")
        step = None if entry.step is None else entry.step * factor
        return FeaturePlan(source, kind, factor, step, unit, tuple(conditions.items()), units_key)


def _whole_rows(table: Table, layout: Layout, mapping: TableMapping, where: str) -> tuple[GroupPlan, ...] | None:
    """The only column, or all columns of a table without names, as rows of the layout; None for tables with names."""
    fields = list(table.fields.values())
    unnamed = table.format == "CSV" and not mapping.header
    if not fields or fields[0].jagged or not (unnamed or (len(fields) == 1 and fields[0].shape)):
        return None
    places = tuple((item.name, k) for item in fields for k in range(prod(item.shape)))
    present = int(layout.present.sum())
    if len(places) not in {layout.size, present}:
        of_them = "" if present == layout.size else f", {present} of them present"
        raise UserError(
            f"{table.path}: a row has {len(places)} numbers, but the layout '{layout.name}' has {layout.size} columns{of_them}; say in the "
            "mapping file with groups: which numbers are which"
        )
    numbers = np.arange(layout.size) if len(places) == layout.size else np.cumsum(layout.present) - 1
    plans = []
    for group in layout.groups:
        kinds = _Kinds(table, group, mapping, where)
        features: list[PlannedFeature] = []
        for item in group.features:
            source = Places(tuple(places[numbers[column]] for column in layout.positions(group.name, item.name)))
            features.append("absent" if item.absent else kinds.feature(item, FeatureSource(column=0), source))
        plans.append(GroupPlan(group, tuple(features)))
    return tuple(plans)


Sources = dict[str, tuple[FeatureSource, Source]]


@dataclass(frozen=True)
class _GroupResolver:
    """Finds the columns of one group."""

    table: Table
    group: Group
    mapping: TableMapping
    where: str
    kinds: _Kinds = field(init=False)

    def __post_init__(self) -> None:
        entry = self.mapping.groups.get(self.group.name)
        object.__setattr__(self, "kinds", _Kinds(self.table, self.group, self.mapping, self.where, entry))

    @property
    def place(self) -> str:
        return self.kinds.place

    def plan(self) -> GroupPlan:
        """By the entry of the mapping, or else by the names of the columns."""
        entry, group = self.kinds.entry, self.group
        check(entry.units if entry else (), self.place)
        sources = self._sources(entry)
        features: list[PlannedFeature] = []
        for item in group.features:
            if item.absent:
                features.append("absent")
            elif item.name in sources:
                features.append(self.kinds.feature(item, *sources[item.name]))
            elif item.name == group.gate_feature and item.range == (0, 1):
                features.append("valid")
            else:
                raise UserError(
                    f"{self.place}: no column for its feature '{item.name}'; add {item.name}: COLUMN, or use a layout without it"
                )
        plan = GroupPlan(group, tuple(features), *self._filling(entry))
        self._check(plan)
        return plan

    def _sources(self, entry: GroupSource | None) -> Sources:
        if entry is None:
            return self._by_name()
        return self._of_features(entry) if entry.array is None else self._of_array(entry)

    def _filling(self, entry: GroupSource | None) -> tuple[Places | None, Source | None, float | None]:
        if entry is None:
            return None, None, None
        count = None if entry.count is None else _scalar(self.table, entry.count, self.place, "count")
        return count, None if entry.filled is None else self._resolved(entry.filled, "filled"), entry.missing

    def _resolved(self, reference: Reference, what: str) -> Source:
        try:
            return resolve(self.table, reference)
        except UserError as error:
            raise UserError(f"{self.place}, {what}: {error}") from error

    def _of_features(self, entry: GroupSource) -> Sources:
        for name in entry.features:
            if name not in self.group.present:
                absent = any(item.name == name for item in self.group.features)
                reason = "is absent in the hardware, and always 0" if absent else "is not in the layout"
                raise UserError(f"{self.place}: feature '{name}' {reason}; its features are {', '.join(self.group.present)}")
        return {name: (item, self._resolved(item.column, f"feature '{name}'")) for name, item in entry.features.items()}

    def _of_array(self, entry: GroupSource) -> Sources:
        assert entry.array is not None
        try:
            column, positions = resolve_array(self.table, entry.array)
        except UserError as error:
            raise UserError(f"{self.place}: {error}") from error
        axis = self._axis(entry, positions.shape)
        if positions.ndim == 1 and len(axis) == 1:
            positions = positions[:, None]  # one number per slot
        elif positions.ndim == 1 and len(positions) == len(axis):
            positions = positions[None]  # one slot
        if positions.ndim != 2 or positions.shape[1] != len(axis):
            names, shape = ", ".join(name or "null" for name in axis), ", ".join(map(str, positions.shape))
            raise UserError(
                f"{self.place}: '{entry.array}' has the shape (N, {shape}), expected (N, slots, {len(axis)}) with {names} as last axis; "
                f"take a part of it, as in {column}[:, 0:{len(axis)}], or name its numbers with axis:"
            )
        return {
            name: (FeatureSource(column=column), Places(tuple((column, int(k)) for k in positions[:, number])))
            for number, name in enumerate(axis)
            if name is not None and name in self.group.present
        }

    def _axis(self, entry: GroupSource, shape: tuple[int, ...]) -> Sequence[str | None]:
        every = [item.name for item in self.group.features]
        axis = entry.axis or tuple(every if shape and shape[-1] == len(every) else self.group.present)
        for name in axis:
            if name is not None and axis.count(name) > 1:
                raise UserError(
                    f"{self.place}: axis: '{name}' is there twice; give each feature once, and null for numbers that are not used"
                )
            if name is not None and name not in every:
                raise UserError(f"{self.place}: feature '{name}' is not in the layout; its features are {', '.join(self.group.present)}")
        return axis

    def _by_name(self) -> Sources:
        """Columns that are called as those of the layout, with one number per slot, or a list; or an array called as the group."""
        group, fields = self.group, self.table.fields
        array = fields.get(group.name)
        if array is not None and array.shape and (len(array.shape) == 2 or group.slots == 1 or len(group.features) == 1):
            return self._of_array(GroupSource(array=group.name))
        sources: Sources = {}
        for item in group.features:
            if item.absent:
                continue
            tried = self._candidates(item)
            found = next((name for name in tried if name.replace("{slot}", "0") in fields), None)
            if found is not None:
                sources[item.name] = FeatureSource(column=found), resolve(self.table, found)
            elif item.name != group.gate_feature or item.range != (0, 1):
                names = ", ".join(f"'{name.replace('{slot}', '0')}'" for name in tried)
                raise UserError(
                    f"{self.table.path}: no column for feature '{item.name}' of group '{group.name}' (looked for {names}); name it in the "
                    f"mapping file with groups: {{{group.name}: {{{item.name}: COLUMN}}}}"
                )
        return sources

    def _candidates(self, item: Feature) -> list[str]:
        group = self.group
        plain = not group.gated_kind
        names = [f"{group.name}{{slot}}" if plain else f"{group.name}{{slot}}_{item.name}"]
        names += [group.name if plain else f"{group.name}_{item.name}"]
        if group.slots == 1 or group.axes is not None:
            names = names[1:]
        if len(group.present) == 1 and group.name not in names:
            names.append(group.name)
        if group.source and item.source:
            names += [f"{group.source}_{item.source}", f"{group.source}/{item.source}"]
        return names

    def _check(self, plan: GroupPlan) -> None:
        slots = {item.name: len(part.source.places) if isinstance(part.source, Places) else 0 for item, part in plan.read}
        if len(set(slots.values())) > 1 and plan.group.kind != "sums":
            listed = ", ".join(f"{name}: {number or 'a list'}" for name, number in slots.items())
            raise UserError(f"{self.place}: its features have different numbers of slots ({listed}); map the same slots of each")
        if "valid" in plan.features and plan.count is None and plan.filled is None and 0 not in slots.values():
            gate = plan.group.gate_feature
            raise UserError(
                f"{self.place}: no column for its feature '{gate}', which says which slots are filled; add {gate}: COLUMN, count: COLUMN "
                "or filled: COLUMN"
            )


def _check_twice(groups: Sequence[GroupPlan], where: str) -> None:
    seen: dict[tuple[object, ...], str] = {}
    for plan in groups:
        for item, part in plan.read:
            places = part.source.places if isinstance(part.source, Places) else (part.source,)
            for slot, place in enumerate(places):
                key, what = (place, part.where), f"group '{plan.group.name}', feature '{item.name}'"
                if key in seen:
                    raise UserError(
                        f"{where}: {what}: column '{part.source.label(slot)}' is there twice, also for {seen[key]}; a column is one feature"
                    )
                seen[key] = what
