"""Events as plain Python lists, and what a store must hold of them: written out in loops, without numpy and without the package's code.

An event maps each group to a list of objects, an object each feature to its code.
"""

import random
from typing import Any

from l1ae.inputs import Feature, Group, Layout

Object = dict[str, int]
Event = dict[str, list[Object]]


def random_events(layout: Layout, count: int, seed: int, beyond: int = 0) -> list[Event]:
    """Objects in no order, up to `beyond` more than there are slots; a tenth of them saturated. Plain groups are full."""
    rng = random.Random(seed)
    return [{group.name: _objects(group, rng, beyond) for group in layout.groups} for _ in range(count)]


def _objects(group: Group, rng: random.Random, beyond: int) -> list[Object]:
    gated = group.kind in {"objects", "sums"} and gate_of(group) is not None
    number = rng.randint(0, group.slots + (beyond if group.slots > 1 else 0)) if gated else group.slots
    return [{item.name: _code(group, item, rng) for item in group.features if not item.absent} for _ in range(number)]


def _code(group: Group, item: Feature, rng: random.Random) -> int:
    low, high = item.low, item.high
    assert low is not None
    assert high is not None
    if item.name == gate_of(group):
        return item.saturation if item.saturation is not None and rng.random() < 0.1 else rng.randint(max(low, 1), high)
    return rng.randint(low, high)


def gate_of(group: Group) -> str | None:
    """The feature whose code 0 makes a slot empty, once more."""
    if group.gate is not None or group.kind not in {"objects", "sums"}:
        return group.gate or None
    return next((item.name for item in group.features if item.role == "energy" and not item.absent), None)


def expected(layout: Layout, events: list[Event]) -> list[list[int]]:
    """The rows of the store: saturated objects by the group's rule, order of its sort key, first slots."""
    return [[code for group in layout.groups for code in _row(group, event[group.name])] for event in events]


def _row(group: Group, objects: list[Object]) -> list[int]:
    gate = gate_of(group)
    if gate is not None and group.saturated == "drop":
        objects = [item for item in objects if item[gate] != group[gate].saturation]
    if group.sort is not None:
        objects = sorted(objects, key=lambda item: -item[group.sort])  # type: ignore[index]
    slots: list[dict[str, int]] = [*objects[: group.slots], *({} for _ in range(group.slots - len(objects)))]
    return [slot.get(item.name, 0) for slot in slots for item in group.features]


def physical(item: Feature, code: int) -> float:
    """The value in the middle of a code's bin."""
    centre = 0.0 if item.bin == "centre" else 0.5
    return (code - item.origin + centre) * item.lsb


def on_grid(item: Feature, code: int, step: float | None = None) -> float:
    """Code times step, as other programs write it; angles that turn around in [-pi, pi)."""
    value = (code - item.origin) * (step or item.lsb)
    if item.period is not None and value >= item.period * item.lsb / 2:
        value -= item.period * item.lsb
    return value


def lists(events: list[Event], group: str, feature: str, value: Any = None) -> list[list[float]]:
    """The lists of one feature, each code through `value`."""
    return [[item[feature] if value is None else value(item[feature]) for item in event[group]] for event in events]


def padded(events: list[Event], group: Group, slots: int, value: Any = None, empty: float = 0) -> list[list[list[float]]]:
    """(N, slots, features) of the features that the hardware has, `empty` where there is no object."""
    names = [item.name for item in group.features if not item.absent]
    rows = []
    for event in events:
        filled = [[item[name] if value is None else value(group[name], item[name]) for name in names] for item in event[group.name]]
        rows.append([*filled[:slots], *([empty] * len(names) for _ in range(slots - len(filled)))])
    return rows
