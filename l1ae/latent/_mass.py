"""Invariant masses of trigger objects, from hardware codes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import pi

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.inputs import Feature, Group, Layout, Role
from l1ae.latent._inverse import FloatArray

__all__ = ["MASSES", "MassKind", "find_mass", "invariant_mass", "masses_of"]

_OBJECT = (Role.ENERGY, Role.ETA, Role.PHI)
_MISSING = (Role.ENERGY, Role.PHI)
_FORM = re.compile(r"(?P<groups>[a-z0-9_]+(\+[a-z0-9_]+)*):(?P<count>[1-9][0-9]*)(,(?P<missing>[a-z0-9_]+))?")


@dataclass(frozen=True)
class MassKind:
    """The `count` objects of largest energy among the slots of `groups`, all taken as massless.

    With `missing`, the group of a missing momentum, it is their transverse mass. `name` finds it again (`find_mass`).
    """

    name: str
    title: str
    groups: tuple[str, ...]
    count: int
    missing: str | None = None


MASSES: Mapping[str, MassKind] = {
    kind.name: kind
    for kind in (
        MassKind("dijet", "mass of the two leading jets", ("jet",), 2),
        MassKind("dilepton", "mass of the two leading leptons", ("eg", "mu"), 2),
        MassKind("dielectron", "mass of the two leading e/gamma", ("eg",), 2),
        MassKind("dimuon", "mass of the two leading muons", ("mu",), 2),
        MassKind("ditau", "mass of the two leading taus", ("tau",), 2),
        MassKind("fourlepton", "mass of the four leading leptons", ("eg", "mu"), 4),
        MassKind("mt", "transverse mass of leading lepton and MET", ("eg", "mu"), 1, missing="met"),
    )
}
"""Masses with a name, for layouts that have groups of these names."""


def find_mass(name: str, layout: Layout | None = None) -> MassKind:
    """A mass of `MASSES`, or `GROUP[+GROUP...]:COUNT[,MISSING]` for the groups of any layout.

    `jet:2` is the mass of the two leading jets, `eg+mu:4` that of the four leading objects of two groups, `mu:1,met` the transverse
    mass of the leading muon and the missing momentum. Raises `UserError` for anything else, and for a mass that events of
    `layout` do not have, naming the groups it has.
    """
    kind = MASSES[name] if name in MASSES else _read(name)
    if layout is not None:
        _check(kind, layout)
    return kind


def _read(name: str) -> MassKind:
    match = _FORM.fullmatch(name)
    if match is None:
        raise UserError(
            f"unknown mass '{name}'; the masses are {', '.join(MASSES)}, or GROUPS:COUNT[,MISSING] such as jet:2, eg+mu:4 or mu:1,met"
        )
    groups, count, missing = tuple(match["groups"].split("+")), int(match["count"]), match["missing"]
    if count == 1 and missing is None:
        raise UserError(f"mass '{name}': one object has no mass; ask for two, or for a transverse mass with {name},MISSING")
    leading = f"the {f'{count} ' if count > 1 else ''}leading {'/'.join(groups)}"
    title = f"mass of {leading}" if missing is None else f"transverse mass of {leading} and {missing}"
    return MassKind(name, title, groups, count, missing)


def masses_of(layout: Layout) -> tuple[str, ...]:
    """Names of the masses of `MASSES` that events of this layout have."""
    return tuple(name for name, kind in MASSES.items() if next(_obstacles(kind, layout), None) is None)


def invariant_mass(hardware: npt.NDArray[np.integer], layout: Layout, kind: MassKind) -> FloatArray:
    """Mass in GeV of every event, (N,); NaN where an event has too few objects. `hardware` holds codes (N, size).

    Massless objects at the centre of their codes: m^2 = sum over pairs of 2 pT pT' (cosh(eta - eta') - cos(phi - phi'))
    (PDG Review, Kinematics). A transverse mass takes every eta as 0 and the missing momentum as one more object; with more
    than one other it is the total transverse mass (arXiv:1709.07242). Objects are those of largest pT, whatever their group and
    charge. Raises `UserError` where the layout has no such objects, naming the groups it has.
    """
    _check(kind, layout)
    energy, eta, phi = _leading(hardware, layout, kind.groups, _OBJECT, kind.count)
    if kind.missing is not None:
        met, _, direction = _leading(hardware, layout, (kind.missing,), _MISSING, 1)
        energy, phi = np.concatenate([energy, met], axis=1), np.concatenate([phi, direction], axis=1)
        eta = np.zeros_like(phi)
    squared = np.zeros(len(hardware))
    for i, j in combinations(range(energy.shape[1]), 2):
        angles = np.cosh(eta[:, i] - eta[:, j]) - np.cos(phi[:, i] - phi[:, j])
        squared += 2 * energy[:, i] * energy[:, j] * angles
    return np.sqrt(np.maximum(squared, 0.0))


def _leading(
    hardware: npt.NDArray[np.integer], layout: Layout, groups: tuple[str, ...], roles: tuple[Role, ...], count: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Energy, eta (0 without one) and phi in radians of the `count` objects of largest energy, (N, count) each; NaN without objects."""
    layout, hardware = _part(hardware, layout, groups)
    physical, mask = layout.to_physical(hardware), layout.mask(hardware)
    found: dict[Role, list[FloatArray]] = {role: [] for role in _OBJECT}
    for name in groups:
        filled = mask[:, layout.positions(name, _feature(layout[name], Role.ENERGY).name)]
        for role in _OBJECT:
            values = np.zeros(filled.shape)
            if role in roles:
                feature = _feature(layout[name], role)
                values = physical[:, layout.positions(name, feature.name)] * (_radians(feature) if role == Role.PHI else 1.0)
            found[role].append(np.where(filled, values, np.nan))
    energy, eta, phi = (np.concatenate(found[role], axis=1) for role in _OBJECT)
    order = np.argsort(np.where(np.isnan(energy), np.inf, -energy), axis=1, kind="stable")[:, :count]
    return tuple(np.take_along_axis(values, order, axis=1) for values in (energy, eta, phi))  # type: ignore[return-value]


def _part(hardware: npt.NDArray[np.integer], layout: Layout, groups: tuple[str, ...]) -> tuple[Layout, npt.NDArray[np.integer]]:
    """These groups alone: what is not asked for need not be decoded."""
    part = layout.select({group.name: 0 for group in layout.groups if group.name not in groups})
    columns = np.concatenate([np.arange(layout.size)[layout.where(group.name)] for group in part.groups])
    return part, hardware[:, columns]


def _feature(group: Group, role: Role) -> Feature:
    found = group.of_role(role)
    assert found is not None, "checked by _obstacles"
    return found


def _radians(phi: Feature) -> float:
    """Radians per unit of the feature: one period is once around, whatever its unit."""
    return 1.0 if phi.period is None else 2 * pi / (phi.period * phi.lsb)


def _check(kind: MassKind, layout: Layout) -> None:
    if (obstacle := next(_obstacles(kind, layout), None)) is not None:
        raise UserError(f"mass '{kind.name}': {obstacle}")


def _obstacles(kind: MassKind, layout: Layout) -> Iterator[str]:
    """Why events of the layout do not have this mass, with the remedy."""
    for names, roles in ((kind.groups, _OBJECT), ((kind.missing,) if kind.missing else (), _MISSING)):
        able = {group.name: group for group in layout.groups_with(*roles)}
        for name in names:
            if name not in able:
                there = f"those of layout '{layout.name}' are {', '.join(able)}" if able else f"layout '{layout.name}' has none"
                yield f"it needs a group '{name}' with {', '.join(roles)}; {there}"
                return
            energy, phi = (_feature(able[name], role) for role in (Role.ENERGY, Role.PHI))
            if energy.unit != "GeV":
                yield f"the energy of '{name}' is in '{energy.unit}'; give its lsb in the layout in GeV, with unit: GeV"
            if phi.period is None and phi.unit != "rad":
                yield f"phi of '{name}' is in '{phi.unit}' without a period; give its period in the layout, or its lsb in rad"
    slots = sum(layout[name].slots for name in kind.groups)
    if kind.count > slots:
        yield f"it needs {kind.count} objects of {', '.join(kind.groups)}, which have {slots} slots"
