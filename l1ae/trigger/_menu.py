"""The menu that a rate is pure against: cut-based seeds on the hardware objects, or recorded bits of real data."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

import numpy as np
import numpy.typing as npt

from l1ae.config import NamedMenu, SeedConfig, TriggerConfig
from l1ae.data import Events, EventStore, is_or_column
from l1ae.errors import UserError
from l1ae.inputs import Layout
from l1ae.trigger._cuts import Choice, CutSeed, able, cut_seed, obstacle
from l1ae.trigger._or_columns import or_columns

__all__ = ["RECORDED", "Menu", "RecordedSeed", "check_menu", "judged", "menu_of", "no_menu", "possible_seeds"]

BoolArray = npt.NDArray[np.bool_]
_log = logging.getLogger("l1ae")

RECORDED = "seed_"
"""How the names of extra columns with recorded seed bits begin."""


@dataclass(frozen=True)
class RecordedSeed:
    """A seed whose decision was recorded with the event, in the extra column `column`."""

    name: str
    column: str
    definition: str = "recorded bit"


@dataclass(frozen=True)
class Menu:
    """Seeds that are all cut-based or all recorded.

    `left_out` are the names of recorded ones that are not part of it, and of cut-based ones, by reason, those that the inputs do not
    allow. `name` is that of a menu that comes with l1ae.
    """

    origin: Literal["cuts", "recorded"]
    seeds: tuple[CutSeed | RecordedSeed, ...]
    left_out: tuple[str, ...] = ()
    name: str | None = None

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
        seen: dict[Choice, npt.NDArray[np.integer]] = {}
        for k, seed in enumerate(self.seeds):
            result[:, k] = seed.accepts(events.hw, seen) if isinstance(seed, CutSeed) else events.extra[seed.column] != 0
        return result


def menu_of(config: TriggerConfig, layout: Layout, store: EventStore) -> Menu | None:
    """The menu that the configuration asks for on this zero-bias store.

    None, for the reason in `no_menu`, when neither bits were recorded nor a seed of a menu that comes with l1ae is possible. Raises
    `UserError` when recorded seeds are asked for and there are none, or a seed that somebody wrote is not possible.
    """
    if _is_recorded(config, store):
        return _recorded_menu(config, _recorded(store), store)
    seeds, left_out = possible_seeds(config, layout)
    if config.seeds and not seeds:
        return None
    name = config.menu if isinstance(config.menu, str) else None
    return Menu("cuts", tuple(cut_seed(seed, layout) for seed in seeds), left_out, name)


def check_menu(config: TriggerConfig, layout: Layout, store: EventStore) -> None:
    """Raises `UserError` as `menu_of` for seeds that the inputs do not allow, without reading an event."""
    if not _is_recorded(config, store):
        for seed in possible_seeds(config, layout)[0]:
            cut_seed(seed, layout)


def _recorded(store: EventStore) -> list[str]:
    return [name for name in store.extra if name.startswith(RECORDED)]


def _is_recorded(config: TriggerConfig, store: EventStore) -> bool:
    some = any(not is_or_column(name.removeprefix(RECORDED)) for name in _recorded(store))
    return config.menu_from == "recorded" or (config.menu_from == "auto" and some)


def _recorded_menu(config: TriggerConfig, columns: Sequence[str], store: EventStore) -> Menu:
    """The seeds whose names fit; never the OR of the menu, against which nothing would be pure."""
    names = [column.removeprefix(RECORDED) for column in columns]
    excluded = [name for name in names if is_or_column(name) or _matches(name, config.recorded_excluded)]
    chosen = [name for name in names if _matches(name, config.recorded_seeds) and name not in excluded]
    ors = _ors(store, chosen, [name for name in excluded if not is_or_column(name)])
    chosen = [name for name in chosen if name not in ors]
    if not chosen:
        found = f"there are {len(names)}, such as {', '.join(names[:3])}" if names else "it has none"
        raise UserError(
            f"{store.path}: no recorded seed (extra column {RECORDED}NAME) is left after trigger.recorded_seeds and "
            f"trigger.recorded_excluded; {found}; change the patterns, import the events with their seeds, or set trigger.menu_from: cuts"
        )
    left_out = tuple(f"{name} ({_OR})" if name in ors or is_or_column(name) else name for name in names if name not in set(chosen))
    return Menu("recorded", tuple(RecordedSeed(name, f"{RECORDED}{name}") for name in chosen), left_out)


_OR = "the OR of other seeds"


def _ors(store: EventStore, chosen: Sequence[str], excluded: Sequence[str]) -> set[str]:
    """Which of the chosen seeds are, by their decisions, no seeds; it is said, as are those that may be none."""
    found = or_columns(store, [f"{RECORDED}{name}" for name in chosen], [f"{RECORDED}{name}" for name in excluded])
    exact, holding = (sorted(column.removeprefix(RECORDED) for column in columns) for columns in (found.exact, found.holding))
    if exact:
        _log.warning(
            "%s: %s in every event: left out of the menu, because no trigger among these seeds would be pure against it",
            store.path,
            f"{', '.join(exact)} is {_OR}" if len(exact) == 1 else f"{', '.join(exact)} are each {_OR}",
        )
    for name in holding:
        _log.warning(
            "%s: %s accepts whatever any other recorded seed accepts; if it is the OR of the menu, name it in trigger.recorded_excluded",
            store.path,
            name,
        )
    return set(exact)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def possible_seeds(config: TriggerConfig, layout: Layout) -> tuple[tuple[SeedConfig, ...], tuple[str, ...]]:
    """The cut-based seeds to apply to these inputs, and those left out: one text for each reason, with their names.

    A menu that comes with l1ae, which nobody wrote for these inputs, leaves out what they do not allow; of another menu all seeds
    are meant, and `cut_seed` refuses what is not possible.
    """
    menu = config.named_menu
    if menu is None:
        return config.seeds, ()
    reasons: dict[str, list[str]] = {}
    possible = []
    for seed, reason in judged(menu, layout):
        if reason is None:
            possible.append(seed)
        else:
            reasons.setdefault(reason, []).append(seed.name)
    replaced = _with_stand_ins(menu, layout)[1]
    return tuple(possible), (*(f"{reason}: {', '.join(names)}" for reason, names in reasons.items()), *replaced)


def judged(menu: NamedMenu, layout: Layout) -> list[tuple[SeedConfig, str | None]]:
    """Every seed of a menu, with what stands in on these inputs, and why they do not allow it; None where they do."""
    seeds, _ = _with_stand_ins(menu, layout)
    return [(seed, obstacle(seed, layout) or _other_codes(seed, menu, layout)) for seed in seeds]


def _other_codes(seed: SeedConfig, menu: NamedMenu, layout: Layout) -> str | None:
    """A quality or isolation of another width than the menu's means something else."""
    for leg in seed.all:
        for role, bits in menu.bits.get(leg.object, {}).items():
            feature = layout[leg.object].of_role(role)
            if feature is not None and getattr(leg, role) is not None and feature.bits != bits:
                return f"{role} of '{leg.object}' has {feature.bits} bits, whose codes are not the menu's of {bits}"
    return None


def _with_stand_ins(menu: NamedMenu, layout: Layout) -> tuple[tuple[SeedConfig, ...], tuple[str, ...]]:
    """The seeds with what stands in for sums that the inputs do not have, and which these are."""
    seeds, replaced, groups = menu.seeds, [], able(layout)
    for item in menu.stand_ins:
        if item.instead_of not in groups and item.object in groups:
            seeds = tuple(item.applied(seed) for seed in seeds)
            real, other = item.renamed
            replaced.append(f"there is no group '{item.instead_of}': seeds with {real}, for which {other} of '{item.object}' stands")
    return seeds, tuple(replaced)


def no_menu(layout: Layout) -> str:
    """Why `menu_of` gives None."""
    groups = able(layout)
    if not groups:
        reason = f"cut-based seeds need a group with an energy in GeV, which layout '{layout.name}' does not have"
    else:
        reason = f"layout '{layout.name}' allows no seed of the default menu (write trigger.menu for its groups {', '.join(groups)})"
    return f"there is no menu and no pure rate: {reason}, and no recorded seeds are used"
