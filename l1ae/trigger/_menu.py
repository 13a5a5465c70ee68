"""The menu that a rate is pure against: cut-based seeds on the hardware objects, or recorded bits of real data."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

import numpy as np
import numpy.typing as npt

from l1ae.config import SeedConfig, TriggerConfig
from l1ae.data import Events, EventStore, is_or_column
from l1ae.errors import UserError
from l1ae.inputs import InputSpec, InputView, ObjectGroup, Scale

__all__ = ["RECORDED", "CutSeed", "Menu", "RecordedSeed", "cut_seed", "menu_of"]

BoolArray = npt.NDArray[np.bool_]

RECORDED = "seed_"
"""How the names of extra columns with recorded seed bits begin."""


@dataclass(frozen=True)
class CutSeed:
    """A seed in hardware integers.

    An object counts when its slot is filled and, unless `eta` is None, eta[0] <= its eta code <= eta[1]. The seed fires when
    for every i at least i + 1 objects have a pT code >= pt[i] (`pt` falls). With `total` it fires when the sum of
    (pT code - `origin`) over the objects with pT code >= pt[0] is >= total.
    """

    name: str
    slots: slice
    pt: tuple[int, ...]
    eta: tuple[int, int] | None
    total: int | None
    origin: int
    definition: str

    def accepts(self, hardware: npt.NDArray[np.integer]) -> BoolArray:
        """Decision (N,) on hardware codes (N, slots, 3)."""
        pt = hardware[:, self.slots, 0].astype(np.int32)
        counts = pt > 0
        if self.eta is not None:
            eta = hardware[:, self.slots, 1]
            counts &= (eta >= self.eta[0]) & (eta <= self.eta[1])
        pt = np.where(counts, pt, 0)
        if self.total is not None:
            return np.asarray(np.where(pt >= self.pt[0], pt - self.origin, 0).sum(axis=1) >= self.total)
        return np.all([(pt >= code).sum(axis=1) > leg for leg, code in enumerate(self.pt)], axis=0)


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


def menu_of(config: TriggerConfig, spec: InputView, store: EventStore) -> Menu | None:
    """The menu that the configuration asks for on this zero-bias store; None when the view has no objects and no bits.

    Raises `UserError` when recorded seeds are asked for and there are none, or a cut is not possible.
    """
    recorded = [name for name in store.extra if name.startswith(RECORDED)]
    some = any(not is_or_column(name.removeprefix(RECORDED)) for name in recorded)
    if config.menu_from == "recorded" or (config.menu_from == "auto" and some):
        return _recorded_menu(config, recorded, store)
    if not isinstance(spec, InputSpec):
        return None
    return Menu("cuts", tuple(cut_seed(seed, spec) for seed in config.menu))


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


def cut_seed(config: SeedConfig, spec: InputSpec) -> CutSeed:
    """Cuts in GeV into hardware codes, once: pT >= X is the lowest code whose whole bin lies at X or above.

    |eta| <= E takes the bins of codes that reach into the open interval (-E, E), which is symmetric in eta.
    Raises `UserError` for an object that the inputs do not have, too few slots, no eta, or a threshold beyond the scale.
    """
    groups = {group.name: group for group in spec.groups}
    if config.object not in groups:
        raise UserError(f"trigger.menu: seed '{config.name}' asks for '{config.object}'; the inputs have {', '.join(groups)}")
    group = groups[config.object]
    if len(config.pt) > group.count:
        raise UserError(f"trigger.menu: seed '{config.name}' asks for {len(config.pt)} '{group.name}'; the inputs have {group.count}")
    pt = tuple(_threshold_code(value, group.pt, config.name) for value in config.pt)
    eta = None if config.eta is None else _eta_codes(config.eta, group, config.name)
    total = None if config.sum is None else math.ceil(config.sum / group.pt.lsb - 1e-9)
    definition = _definition(config, pt, eta, total)
    return CutSeed(config.name, spec.slices()[group.name], pt, eta, total, group.pt.origin, definition)


def _threshold_code(value: float, scale: Scale, name: str) -> int:
    # 1e-9: a threshold that is a multiple of the LSB but for rounding
    code = math.ceil(value / scale.lsb - 1e-9) + scale.origin
    if code > scale.high:
        raise UserError(f"trigger.menu: seed '{name}': pt {value:g} GeV is beyond the hardware scale, which ends at code {scale.high}")
    return max(code, 1)


def _eta_codes(value: float, group: ObjectGroup, name: str) -> tuple[int, int]:
    if group.eta is None:
        raise UserError(f"trigger.menu: seed '{name}' cuts on eta, which '{group.name}' does not have; remove eta")
    bins = math.ceil(value / group.eta.lsb - 1e-9)
    return max(group.eta.origin - bins, group.eta.low), min(group.eta.origin + bins - 1, group.eta.high)


def _definition(config: SeedConfig, pt: tuple[int, ...], eta: tuple[int, int] | None, total: int | None) -> str:
    cuts = ", ".join(f"pT >= {value:g} GeV (code >= {code})" for value, code in zip(config.pt, pt, strict=True))
    where = "" if eta is None else f", |eta| <= {config.eta:g} (codes {eta[0]} to {eta[1]})"
    if total is not None:
        return f"sum of {config.object} pT >= {config.sum:g} GeV (sum of codes >= {total}) over {cuts}{where}"
    return f"{len(pt)} {config.object} with {cuts}{where}"
