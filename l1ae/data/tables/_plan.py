"""Plans: where every column of a layout comes from in a file; those of known formats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from l1ae.data.tables._mapping import Kind
from l1ae.data.tables._reference import Places, Source
from l1ae.data.tables._table import Table
from l1ae.errors import UserError
from l1ae.inputs import Feature, Group, Layout

__all__ = ["Categories", "FeaturePlan", "GroupPlan", "Plan", "PlannedFeature", "plan_groups"]


@dataclass(frozen=True)
class FeaturePlan:
    """Where the values of one feature come from, and what they are.

    A value times `factor` is in the unit of the feature; `step` is that of the grid, in this unit. `unit` is what a message calls
    the unit of the file, `units` the key of the mapping file that says it, None where the feature has its own.
    """

    source: Source
    kind: Kind
    factor: float = 1.0
    step: float | None = None
    unit: str = ""
    where: tuple[tuple[str, float], ...] = ()
    units: tuple[str, ...] | None = ()

    def in_unit(self, other: str) -> str:
        """What to write into the mapping file for values in another unit."""
        if self.units is None:
            return f"write unit: {other}"
        replaced = [other if unit == self.unit else unit for unit in self.units]
        return f"write units: [{', '.join(replaced if self.unit in self.units else [*replaced, other])}]"

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are needed."""
        return (*self.source.names, *(name for name, _ in self.where))

    def __str__(self) -> str:
        conditions = " and ".join(f"{name} = {value:g}" for name, value in self.where)
        kind = {"codes": "codes", "physical": f"in {self.unit or 'no unit'}", "grid": "codes in units of a step"}[self.kind]
        return f"{self.source}{f' where {conditions}' if conditions else ''} ({kind})"


PlannedFeature = FeaturePlan | Literal["absent", "valid"]
"""A feature that the hardware has not; or a flag that is 1 in every slot that is there."""


@dataclass(frozen=True)
class GroupPlan:
    """A group, what becomes its features, and which slots are filled: see `GroupSource`."""

    group: Group
    features: tuple[PlannedFeature, ...]
    count: Places | None = None
    filled: Source | None = None
    missing: float | None = None

    @property
    def read(self) -> tuple[tuple[Feature, FeaturePlan], ...]:
        """The features that come from columns."""
        pairs = zip(self.group.features, self.features, strict=True)
        return tuple((feature, plan) for feature, plan in pairs if isinstance(plan, FeaturePlan))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are needed."""
        others = [source for source in (self.count, self.filled) if source is not None]
        return tuple(name for item in (*(plan for _, plan in self.read), *others) for name in item.names)


@dataclass(frozen=True)
class Categories:
    """A column of numbers or texts, and the code of each."""

    source: Places
    codes: Mapping[int | str, int]


@dataclass(frozen=True)
class Plan:
    """What is read out of a table. `processes` are the names of the process codes, all 0 without `process`."""

    layout: Layout
    groups: tuple[GroupPlan, ...]
    processes: tuple[str, ...] = ()
    process: Categories | None = None
    source_event: Places | None = None
    pileup: Places | None = None
    split: Categories | None = None
    extra: Mapping[str, Places] = field(default_factory=dict)

    @property
    def scalars(self) -> tuple[Places, ...]:
        """Sources of one number per event."""
        some = [self.source_event, self.pileup, *(item.source for item in (self.process, self.split) if item is not None)]
        return (*(item for item in some if item is not None), *self.extra.values())

    @property
    def names(self) -> tuple[str, ...]:
        """All columns that are needed, each once."""
        return tuple(
            dict.fromkeys([name for group in self.groups for name in group.names] + [n for item in self.scalars for n in item.names])
        )

    def rows(self, table: Table) -> int | None:
        """Number of events of a table, None where only reading tells."""
        counts = {table.fields[name].rows for name in self.names}
        return table.rows if None in counts or not counts else min(count for count in counts if count is not None)

    def __str__(self) -> str:
        lines = []
        for group in self.groups:
            for feature, plan in zip(group.group.features, group.features, strict=True):
                if plan != "absent":
                    what = "1 where there is an entry" if plan == "valid" else str(plan)
                    lines.append(f"  {group.group.name} {feature.name}: {what}")
        return "\n".join(lines)


def plan_groups(table: Table, layout: Layout, known: Mapping[tuple[str, str], Sequence[FeaturePlan]], title: str) -> tuple[GroupPlan, ...]:
    """Groups and features by their names in files of the trigger: `known[group.source, feature.source]`, the first that there is.

    Raises `UserError` naming file, group, feature and the columns looked for.
    """
    plans = []
    for group in layout.groups:
        features: list[PlannedFeature] = []
        for item in group.features:
            if item.absent:
                features.append("absent")
                continue
            options = known.get((group.source or "", item.source or ""), ())
            found = next((plan for plan in options if all(name in table.fields for name in plan.names)), None)
            if found is None:
                raise UserError(_no_column(table, group, item, options, title))
            features.append(found)
        plans.append(GroupPlan(group, tuple(features)))
    return tuple(plans)


def _no_column(table: Table, group: Group, item: Feature, options: Sequence[FeaturePlan], title: str) -> str:
    looked = ", or ".join(" and ".join(f"'{name}'" for name in plan.names) for plan in options)
    missing = f"looked for {looked}" if options else f"source {group.source}.{item.source} is not known in these files"
    return (
        f"{table.path}: {title}: no column for feature '{item.name}' of group '{group.name}' ({missing}); use a copy of the layout "
        f"without it (l1ae data layouts), or say where it is in a mapping file with --map"
    )
