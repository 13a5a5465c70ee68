"""A part of a layout, and whether two groups mean the same."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from l1ae.errors import UserError
from l1ae.inputs._base import Frozen
from l1ae.inputs._groups import Group
from l1ae.inputs._preset import GroupPreset, Preset, spread

if TYPE_CHECKING:
    from l1ae.inputs._layout import Layout

__all__ = ["NAMES_ONLY", "check_same_group", "selected"]


NAMES_ONLY = {"title", "source", "word", "first_word", "bit"}
"""Keys that say where a column is found, not what its codes mean."""


@lru_cache(maxsize=64)
def selected(layout: "Layout", choice: tuple[tuple[str, int | tuple[str, ...]], ...]) -> "Layout":
    """`Layout.select` with a choice that can be hashed."""
    slots, features = _checked(layout, dict(choice))
    groups, presets = [], {}
    for group in layout.groups:
        count = slots.get(group.name, group.slots)
        if count == 0:
            continue
        kept = [k for k, feature in enumerate(group.features) if features is None or feature.name in features]
        _check_kept(group, kept)
        groups.append(group.model_copy(update={"slots": count, "features": tuple(group.features[k] for k in kept)}))
        if layout.preset is not None and group.name in layout.preset.groups:
            part = layout.preset.groups[group.name]
            rows = {key: spread(getattr(part, key), group, key)[:count][:, kept] for key in ("offset", "shift")}
            presets[group.name] = GroupPreset(**{key: tuple(map(tuple, value.tolist())) for key, value in rows.items()})
    if not groups:
        names = ", ".join(group.name for group in layout.groups)
        raise UserError(f"inputs.select leaves no group of layout '{layout.name}'; keep at least one of {names}")
    preset = None if layout.preset is None else Preset(network=layout.preset.network, groups=presets)
    return type(layout)(name=layout.name, title=layout.title, groups=tuple(groups), preset=preset)


def _checked(layout: "Layout", choice: dict[str, int | tuple[str, ...]]) -> tuple[dict[str, int], tuple[str, ...] | None]:
    """Slots by group, and the features to keep, None for all."""
    features = choice.pop("features", None)
    known = {feature.name for group in layout.groups for feature in group.features}
    if features is not None and (isinstance(features, int) or not features or set(features) - known):
        raise UserError(f"inputs.select: features {features} must be names among {', '.join(sorted(known))}")
    slots: dict[str, int] = {}
    for name, count in choice.items():
        group = layout[name]
        if not isinstance(count, int) or not 0 <= count <= group.slots or (group.axes is not None and count not in {0, group.slots}):
            raise UserError(f"inputs.select: {name}: {count} must be a number of slots from 0 to {group.slots}")
        slots[name] = count
    return slots, features


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


def check_same_group(group: Group, other: Group, where: str) -> None:
    """Raise `UserError`, which `where` begins, unless `group` is a part of `other`: slots, features and their meaning."""
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
        _check_same(feature, names[feature.name], {"name", *NAMES_ONLY}, f"{where}: column '{feature.name}' of group '{group.name}'")
    _check_same(group, other, {"slots", "features", "axes", *NAMES_ONLY}, f"{where}: group '{group.name}'")
    if group.axes is not None and group.axes != other.axes:
        raise UserError(f"{where}: the axes of '{group.name}' have other boundaries; set inputs.layout to the layout of the file")


def _check_same(mine: Frozen, other: Frozen, ignored: set[str], where: str) -> None:
    for key in type(mine).model_fields:
        wanted, found = getattr(mine, key), getattr(other, key)
        if key == "gate" and isinstance(mine, Group) and isinstance(other, Group):
            wanted, found = mine.gate_feature, other.gate_feature
        if key not in ignored and wanted != found:
            raise UserError(
                f"{where}: {key} is {found}, but {wanted} is asked for; set inputs.layout to the layout of the file, or make the file "
                "again with this layout"
            )
