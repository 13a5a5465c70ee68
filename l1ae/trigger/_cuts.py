"""Cut-based seeds: from GeV into hardware integers, and their decisions on events in arrays."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from l1ae.config import LegConfig, SeedConfig
from l1ae.errors import UserError
from l1ae.inputs import Feature, Group, Layout, Role

__all__ = ["Choice", "CutLeg", "CutSeed", "able", "cut_seed", "obstacle"]

BoolArray = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Choice:
    """The objects of a group that count, in hardware integers.

    An object counts when its slot is filled and, unless they are None, eta[0] <= its eta code <= eta[1], its quality code is
    at least `quality`, and its isolation code has one of the bits `isolation`.
    """

    layout: Layout
    group: str
    eta: tuple[int, int] | None
    quality: int | None
    isolation: int | None

    def energies(self, hardware: Codes) -> Codes:
        """Energy codes (N, slots) of hardware codes (N, size); below every code where the object does not count."""
        pt, counts = self.codes(hardware, Role.ENERGY), self._filled(hardware)
        if self.eta is not None:
            eta = self.codes(hardware, Role.ETA)
            counts &= (eta >= self.eta[0]) & (eta <= self.eta[1])
        if self.quality is not None:
            counts &= self.codes(hardware, Role.QUALITY) >= self.quality
        if self.isolation is not None:
            counts &= (self.codes(hardware, Role.ISOLATION) & self.isolation) != 0
        return np.where(counts, pt, np.iinfo(pt.dtype).min)

    def hardest(self, hardware: Codes) -> Codes:
        """`energies`, falling along the slots."""
        return np.sort(self.energies(hardware), axis=1)[:, ::-1]

    def codes(self, hardware: Codes, role: Role) -> Codes:
        """Codes (N, slots) of the group's feature of a role."""
        group = self.layout[self.group]
        return self.layout.block(hardware, self.group)[..., group.index(_feature(group, role).name)]

    def _filled(self, hardware: Codes) -> BoolArray:
        group = self.layout[self.group]
        if group.gate_feature is None:
            return np.ones((len(hardware), group.slots), np.bool_)
        return np.asarray(self.layout.block(hardware, self.group)[..., group.index(group.gate_feature)] != 0)


@dataclass(frozen=True)
class CutLeg:
    """Cuts in hardware integers on the objects of `choice`.

    It fires when for every i at least i + 1 objects have an energy code >= pt[i] (`pt` falls). With `total` it fires when the sum
    of (energy code - `origin`) over the objects with energy code >= pt[0] is >= total. With `deta` when two objects, one with
    energy code >= pt[0] and the other >= pt[1], have eta codes that differ by `deta` at most.
    """

    choice: Choice
    pt: tuple[int, ...]
    total: int | None
    deta: int | None
    origin: int
    definition: str

    def accepts(self, hardware: Codes, hardest: Codes) -> BoolArray:
        """Decision (N,) on hardware codes (N, size), of which `hardest` are `choice.hardest`."""
        if self.total is not None:
            return np.asarray(np.where(hardest >= self.pt[0], hardest.astype(np.int64) - self.origin, 0).sum(axis=1) >= self.total)
        found = np.asarray((hardest[:, : len(self.pt)] >= np.array(self.pt)).all(axis=1))
        if self.deta is not None:
            found[found] = self._close(hardware[found], self.deta)
        return found

    def _close(self, hardware: Codes, most: int) -> BoolArray:
        """Whether two of the objects are that close in eta."""
        pt, eta = self.choice.energies(hardware), self.choice.codes(hardware, Role.ETA).astype(np.int64)
        found = np.zeros(len(hardware), np.bool_)
        for one, other in combinations(range(pt.shape[1]), 2):
            low, high = np.minimum(pt[:, one], pt[:, other]), np.maximum(pt[:, one], pt[:, other])
            found |= (high >= self.pt[0]) & (low >= self.pt[1]) & (abs(eta[:, one] - eta[:, other]) <= most)
        return found


@dataclass(frozen=True)
class CutSeed:
    """A seed in hardware integers: it fires where all its legs do."""

    name: str
    legs: tuple[CutLeg, ...]

    @property
    def definition(self) -> str:
        """The cuts in words, in GeV and in codes."""
        return "; and ".join(leg.definition for leg in self.legs)

    def accepts(self, hardware: Codes, seen: dict[Choice, Codes] | None = None) -> BoolArray:
        """Decision (N,) on hardware codes (N, size). `seen` keeps what seeds share, for the same events."""
        seen = {} if seen is None else seen
        result = np.ones(len(hardware), np.bool_)
        for leg in self.legs:
            if leg.choice not in seen:
                seen[leg.choice] = leg.choice.hardest(hardware)
            result &= leg.accepts(hardware, seen[leg.choice])
        return result


def cut_seed(config: SeedConfig, layout: Layout) -> CutSeed:
    """Cuts in GeV into hardware codes, once: pT >= X is the lowest code with (code - origin) x LSB >= X.

    That is the lowest code whose whole bin lies at X or above, or with `bin: centre` whose centre does. |eta| <= E takes the bins
    of codes that reach into the open interval (-E, E), whether their codes are at the edge or at the centre. A difference in eta
    is that of codes x LSB.
    Raises `UserError` for a group that the inputs do not have, too few slots, a feature that the group does not have, or a
    threshold beyond the scale.
    """
    for leg in config.all:
        for reason, remedy in _obstacles(leg, layout):
            raise UserError(f"trigger.menu: seed '{config.name}': {reason}; {remedy}")
    return CutSeed(config.name, tuple(_cut_leg(leg, layout) for leg in config.all))


def _cut_leg(config: LegConfig, layout: Layout) -> CutLeg:
    group = layout[config.object]
    energy, angle = _feature(group, Role.ENERGY), group.of_role(Role.ETA)
    pt = tuple(_threshold_code(value, energy) for value in config.pt)
    eta = None if config.eta is None or angle is None else _eta_codes(config.eta, angle)
    total = None if config.sum is None else math.ceil(config.sum / energy.lsb - _ROUNDING)
    deta = None if config.deta is None or angle is None else math.floor(config.deta / angle.lsb + _ROUNDING)
    choice = Choice(layout, group.name, eta, config.quality, config.isolation)
    return CutLeg(choice, pt, total, deta, energy.origin, _definition(config, pt, eta, total, deta))


_ROUNDING = 1e-9
"""Part of an LSB: a threshold that is a multiple of the LSB but for rounding is that multiple."""


def able(layout: Layout) -> list[str]:
    """Groups that a seed can cut on."""
    return [group.name for group in layout.groups_with(Role.ENERGY) if _feature(group, Role.ENERGY).unit == "GeV"]


def _feature(group: Group, role: Role) -> Feature:
    found = group.of_role(role)
    assert found is not None  # a seed that asks for what is not there was refused
    return found


def obstacle(config: SeedConfig, layout: Layout) -> str | None:
    """The first reason why the inputs do not allow a seed; None where they do."""
    return next((reason for leg in config.all for reason, _ in _obstacles(leg, layout)), None)


def _obstacles(config: LegConfig, layout: Layout) -> Iterator[tuple[str, str]]:
    """Reasons, each with its remedy."""
    groups = able(layout)
    if config.object not in groups:
        yield f"there is no group '{config.object}' with an energy in GeV", f"the groups that have one are {', '.join(groups) or 'none'}"
        return
    group = layout[config.object]
    energy = _feature(group, Role.ENERGY)
    if len(config.pt) > group.slots:
        yield f"the inputs hold {group.slots} '{group.name}', not {len(config.pt)}", "ask for fewer"
    if (code := _threshold_code(config.pt[0], energy)) > energy.range[1]:
        beyond = f"beyond the hardware scale of '{group.name}', which ends at {energy.range[1]}"
        yield f"pt {config.pt[0]:g} GeV is code {code}, {beyond}", "lower pt"
    for key, role in (("eta", Role.ETA), ("deta", Role.ETA), ("quality", Role.QUALITY), ("isolation", Role.ISOLATION)):
        if getattr(config, key) is not None and group.of_role(role) is None:
            yield f"it cuts on {role}, which '{group.name}' does not have", f"remove {key}"
    quality, isolation = group.of_role(Role.QUALITY), group.of_role(Role.ISOLATION)
    if quality is not None and (config.quality or 0) > quality.range[1]:
        yield f"quality {config.quality} is beyond the codes of '{group.name}', which end at {quality.range[1]}", "lower it"
    if isolation is not None and (config.isolation or 0) >> isolation.bits:
        yield f"isolation {config.isolation} has more bits than the {isolation.bits} of '{group.name}'", "leave them out"


def _threshold_code(value: float, energy: Feature) -> int:
    return math.ceil(value / energy.lsb - _ROUNDING) + energy.origin


def _eta_codes(value: float, eta: Feature) -> tuple[int, int]:
    """First and last code whose bin, [k, k + 1) LSB at the edge or [k - 1/2, k + 1/2) at the centre, reaches into (-value, value)."""
    below, above = (0.5, 0.5) if eta.bin == "centre" else (0.0, 1.0)
    first = math.floor(-value / eta.lsb - above + _ROUNDING) + 1
    last = math.ceil(value / eta.lsb + below - _ROUNDING) - 1
    low, high = eta.range
    return max(eta.origin + first, low), min(eta.origin + last, high)


def _definition(config: LegConfig, pt: tuple[int, ...], eta: tuple[int, int] | None, total: int | None, deta: int | None) -> str:
    cuts = ", ".join(f"pT >= {value:g} GeV (code >= {code})" for value, code in zip(config.pt, pt, strict=True))
    where = "" if eta is None else f", |eta| <= {config.eta:g} (codes {eta[0]} to {eta[1]})"
    where += "" if deta is None else f", eta apart by {config.deta:g} (codes by {deta}) at most"
    where += "" if config.quality is None else f", quality >= {config.quality}"
    where += "" if config.isolation is None else f", isolation bits {config.isolation:#b}"
    if total is not None:
        return f"sum of {config.object} pT >= {config.sum:g} GeV (sum of codes >= {total}) over {cuts}{where}"
    return f"{len(pt)} {config.object} with {cuts}{where}"
