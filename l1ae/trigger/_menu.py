"""The menu that a rate is pure against: cut-based seeds on the hardware objects, or recorded bits of real data."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

import numpy as np
import numpy.typing as npt

from l1ae.config import DEFAULT_MENU, SeedConfig, TriggerConfig
from l1ae.data import Events, EventStore, is_or_column
from l1ae.errors import UserError
from l1ae.inputs import Feature, Group, Layout, Role

__all__ = ["RECORDED", "CutSeed", "Menu", "RecordedSeed", "cut_seed", "menu_of", "no_menu", "possible_seeds"]

BoolArray = npt.NDArray[np.bool_]

RECORDED = "seed_"
"""How the names of extra columns with recorded seed bits begin."""


@dataclass(frozen=True)
class CutSeed:
    """A seed in hardware integers, on the slots of `group`.

    An object counts when its slot is filled and, unless they are None, eta[0] <= its eta code <= eta[1], its quality code is
    at least `quality`, and its isolation code has one of the bits `isolation`. The seed fires when for every i at least i + 1
    objects have an energy code >= pt[i] (`pt` falls). With `total` it fires when the sum of (energy code - `origin`) over the
    objects with energy code >= pt[0] is >= total.
    """

    name: str
    layout: Layout
    group: str
    pt: tuple[int, ...]
    eta: tuple[int, int] | None
    quality: int | None
    isolation: int | None
    total: int | None
    origin: int
    definition: str

    def accepts(self, hardware: npt.NDArray[np.integer]) -> BoolArray:
        """Decision (N,) on hardware codes (N, size)."""
        pt, counts = self._codes(hardware, Role.ENERGY), self._filled(hardware)
        if self.eta is not None:
            eta = self._codes(hardware, Role.ETA)
            counts &= (eta >= self.eta[0]) & (eta <= self.eta[1])
        if self.quality is not None:
            counts &= self._codes(hardware, Role.QUALITY) >= self.quality
        if self.isolation is not None:
            counts &= (self._codes(hardware, Role.ISOLATION) & self.isolation) != 0
        if self.total is not None:
            return np.asarray(np.where(counts & (pt >= self.pt[0]), pt.astype(np.int64) - self.origin, 0).sum(axis=1) >= self.total)
        return np.all([(counts & (pt >= code)).sum(axis=1) > leg for leg, code in enumerate(self.pt)], axis=0)

    def _codes(self, hardware: npt.NDArray[np.integer], role: Role) -> npt.NDArray[np.integer]:
        """Codes (N, slots) of the group's feature of a role."""
        group = self.layout[self.group]
        return self.layout.block(hardware, self.group)[..., group.index(_feature(group, role).name)]

    def _filled(self, hardware: npt.NDArray[np.integer]) -> BoolArray:
        group = self.layout[self.group]
        if group.gate_feature is None:
            return np.ones((len(hardware), group.slots), np.bool_)
        return np.asarray(self.layout.block(hardware, self.group)[..., group.index(group.gate_feature)] != 0)


@dataclass(frozen=True)
class RecordedSeed:
    """A seed whose decision was recorded with the event, in the extra column `column`."""

    name: str
    column: str
    definition: str = "recorded bit"


@dataclass(frozen=True)
class Menu:
    """Seeds that are all cut-based or all recorded; `left_out` are the names of recorded ones that are not part of it."""

    origin: Literal["cuts", "recorded"]
    seeds: tuple[CutSeed | RecordedSeed, ...]
    left_out: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Extra columns that `decide` needs."""
        return tuple(seed.column for seed in self.seeds if isinstance(seed, RecordedSeed))

    def within(self, columns: Collection[str]) -> "Menu":
        """The menu of a store with these extra columns: cut-based seeds, and the recorded ones that it has."""
        return replace(self, seeds=tuple(seed for seed in self.seeds if isinstance(seed, CutSeed) or seed.column in columns))

    def decide(self, events: Events) -> BoolArray:
        """Decisions (N, seeds)."""
        result = np.zeros((len(events), len(self.seeds)), np.bool_)
        for k, seed in enumerate(self.seeds):
            result[:, k] = seed.accepts(events.hw) if isinstance(seed, CutSeed) else events.extra[seed.column] != 0
        return result


def menu_of(config: TriggerConfig, layout: Layout, store: EventStore) -> Menu | None:
    """The menu that the configuration asks for on this zero-bias store.

    None, for the reason in `no_menu`, when neither bits were recorded nor a seed of the default menu is possible. Raises
    `UserError` when recorded seeds are asked for and there are none, or a cut that is no default is not possible.
    """
    recorded = [name for name in store.extra if name.startswith(RECORDED)]
    some = any(not is_or_column(name.removeprefix(RECORDED)) for name in recorded)
    if config.menu_from == "recorded" or (config.menu_from == "auto" and some):
        return _recorded_menu(config, recorded, store)
    seeds, left_out = possible_seeds(config, layout)
    if config.menu and not seeds:
        return None
    return Menu("cuts", tuple(cut_seed(seed, layout) for seed in seeds), left_out)


def _recorded_menu(config: TriggerConfig, columns: Sequence[str], store: EventStore) -> Menu:
    """The seeds whose names fit; never the OR of the menu, against which nothing would be pure."""
    names = [column.removeprefix(RECORDED) for column in columns]
    excluded = [name for name in names if is_or_column(name) or _matches(name, config.recorded_excluded)]
    chosen = [name for name in names if _matches(name, config.recorded_seeds) and name not in excluded]
    if not chosen:
        found = f"there are {len(names)}, such as {', '.join(names[:3])}" if names else "it has none"
        raise UserError(
            f"{store.path}: no recorded seed (extra column {RECORDED}NAME) is left after trigger.recorded_seeds and "
            f"trigger.recorded_excluded; {found}; change the patterns, import the events with their seeds, or set trigger.menu_from: cuts"
        )
    left_out = tuple(name for name in names if name not in set(chosen))
    return Menu("recorded", tuple(RecordedSeed(name, f"{RECORDED}{name}") for name in chosen), left_out)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def possible_seeds(config: TriggerConfig, layout: Layout) -> tuple[tuple[SeedConfig, ...], tuple[str, ...]]:
    """The cut-based seeds to apply to these inputs, and those left out with the reason.

    The default menu, which nobody wrote for these inputs, leaves out what they do not allow; of another menu all seeds are
    meant, and `cut_seed` refuses what is not possible.
    """
    if config.menu != DEFAULT_MENU:
        return config.menu, ()
    obstacles = {seed.name: _obstacle(seed, layout) for seed in config.menu}
    left_out = tuple(f"{name} ({obstacle})" for name, obstacle in obstacles.items() if obstacle is not None)
    return tuple(seed for seed in config.menu if obstacles[seed.name] is None), left_out


def no_menu(layout: Layout) -> str:
    """Why `menu_of` gives None."""
    if not _able(layout):
        reason = f"cut-based seeds need a group with an energy in GeV, which layout '{layout.name}' does not have"
    else:
        reason = f"layout '{layout.name}' allows no seed of the default menu (write trigger.menu for its groups {', '.join(_able(layout))})"
    return f"there is no menu and no pure rate: {reason}, and no recorded seeds are used"


def cut_seed(config: SeedConfig, layout: Layout) -> CutSeed:
    """Cuts in GeV into hardware codes, once: pT >= X is the lowest code with (code - origin) x LSB >= X.

    That is the lowest code whose whole bin lies at X or above, or with `bin: centre` whose centre does. |eta| <= E takes the bins
    of codes that reach into the open interval (-E, E), whether their codes are at the edge or at the centre.
    Raises `UserError` for a group that the inputs do not have, too few slots, a feature that the group does not have, or a
    threshold beyond the scale.
    """
    if (obstacle := _obstacle(config, layout)) is not None:
        hint = "" if config.object in _able(layout) else f"; the groups that have one are {', '.join(_able(layout)) or 'none'}"
        raise UserError(f"trigger.menu: seed '{config.name}': {obstacle}{hint}")
    group = layout[config.object]
    energy = _feature(group, Role.ENERGY)
    pt = tuple(_threshold_code(value, energy) for value in config.pt)
    eta = None if config.eta is None else _eta_codes(config.eta, _feature(group, Role.ETA))
    total = None if config.sum is None else math.ceil(config.sum / energy.lsb - _ROUNDING)
    definition = _definition(config, pt, eta, total)
    return CutSeed(config.name, layout, group.name, pt, eta, config.quality, config.isolation, total, energy.origin, definition)


_ROUNDING = 1e-9
"""Part of an LSB: a threshold that is a multiple of the LSB but for rounding is that multiple."""


def _able(layout: Layout) -> list[str]:
    """Groups that a seed can cut on."""
    return [group.name for group in layout.groups_with(Role.ENERGY) if _feature(group, Role.ENERGY).unit == "GeV"]


def _feature(group: Group, role: Role) -> Feature:
    found = group.of_role(role)
    assert found is not None, "checked by _obstacle"
    return found


def _obstacle(config: SeedConfig, layout: Layout) -> str | None:
    """The first reason why the inputs do not allow a seed; None where they do."""
    return next(_obstacles(config, layout), None)


def _obstacles(config: SeedConfig, layout: Layout) -> Iterator[str]:
    if config.object not in _able(layout):
        yield f"there is no group '{config.object}' with an energy in GeV"
        return
    group = layout[config.object]
    energy = _feature(group, Role.ENERGY)
    if len(config.pt) > group.slots:
        yield f"the inputs hold {group.slots} '{group.name}', not {len(config.pt)}"
    if (code := _threshold_code(config.pt[0], energy)) > energy.range[1]:
        yield f"pt {config.pt[0]:g} GeV is code {code}, beyond the hardware scale of '{group.name}', which ends at {energy.range[1]}"
    for role, value in ((Role.ETA, config.eta), (Role.QUALITY, config.quality), (Role.ISOLATION, config.isolation)):
        if value is not None and group.of_role(role) is None:
            yield f"it cuts on {role}, which '{group.name}' does not have; remove {role}"
    quality, isolation = group.of_role(Role.QUALITY), group.of_role(Role.ISOLATION)
    if quality is not None and (config.quality or 0) > quality.range[1]:
        yield f"quality {config.quality} is beyond the codes of '{group.name}', which end at {quality.range[1]}"
    if isolation is not None and (config.isolation or 0) >> isolation.bits:
        yield f"isolation {config.isolation} has more bits than the {isolation.bits} of '{group.name}'"


def _threshold_code(value: float, energy: Feature) -> int:
    return math.ceil(value / energy.lsb - _ROUNDING) + energy.origin


def _eta_codes(value: float, eta: Feature) -> tuple[int, int]:
    """First and last code whose bin, [k, k + 1) LSB at the edge or [k - 1/2, k + 1/2) at the centre, reaches into (-value, value)."""
    below, above = (0.5, 0.5) if eta.bin == "centre" else (0.0, 1.0)
    first = math.floor(-value / eta.lsb - above + _ROUNDING) + 1
    last = math.ceil(value / eta.lsb + below - _ROUNDING) - 1
    low, high = eta.range
    return max(eta.origin + first, low), min(eta.origin + last, high)


def _definition(config: SeedConfig, pt: tuple[int, ...], eta: tuple[int, int] | None, total: int | None) -> str:
    cuts = ", ".join(f"pT >= {value:g} GeV (code >= {code})" for value, code in zip(config.pt, pt, strict=True))
    where = "" if eta is None else f", |eta| <= {config.eta:g} (codes {eta[0]} to {eta[1]})"
    where += "" if config.quality is None else f", quality >= {config.quality}"
    where += "" if config.isolation is None else f", isolation bits {config.isolation:#b}"
    if total is not None:
        return f"sum of {config.object} pT >= {config.sum:g} GeV (sum of codes >= {total}) over {cuts}{where}"
    return f"{len(pt)} {config.object} with {cuts}{where}"
