"""Invariant masses of trigger objects, from hardware codes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.inputs import InputSpec
from l1ae.latent._inverse import FloatArray

__all__ = ["MASSES", "MassKind", "invariant_mass"]


@dataclass(frozen=True)
class MassKind:
    """The `count` objects of largest pT among the slots of `groups`, all taken as massless.

    `with_met` is for the transverse mass of one object and the missing transverse momentum.
    """

    title: str
    groups: tuple[str, ...]
    count: int
    with_met: bool = False


MASSES: Mapping[str, MassKind] = {
    "dijet": MassKind("mass of the two leading jets", ("jet",), 2),
    "dilepton": MassKind("mass of the two leading leptons", ("eg", "mu"), 2),
    "dielectron": MassKind("mass of the two leading e/gamma", ("eg",), 2),
    "dimuon": MassKind("mass of the two leading muons", ("mu",), 2),
    "fourlepton": MassKind("mass of the four leading leptons", ("eg", "mu"), 4),
    "mt": MassKind("transverse mass of leading lepton and MET", ("eg", "mu"), 1, with_met=True),
}


def invariant_mass(hardware: npt.NDArray[np.integer], spec: InputSpec, kind: str) -> FloatArray:
    """Mass in GeV of every event, (N,); NaN where an event has too few objects. `hardware` holds codes (N, slots, 3).

    Massless objects at the centre of their codes: m^2 = sum over pairs of 2 pT pT' (cosh(eta - eta') - cos(phi - phi')),
    and mT^2 = 2 pT MET (1 - cos(phi - phi')) (PDG Review, Kinematics). The trigger has no charge: leptons are those of
    largest pT, whatever their kind and sign. Raises `UserError` for an unknown kind.
    """
    if kind not in MASSES:
        raise UserError(f"unknown mass '{kind}'; the masses are {', '.join(MASSES)}")
    chosen, slices = MASSES[kind], spec.slices()
    physical = spec.to_physical(hardware)
    pt, eta, phi = np.moveaxis(_leading(physical, [slices[name] for name in chosen.groups], chosen.count), 2, 0)
    enough = (pt > 0).all(axis=1)
    if chosen.with_met:
        met = physical[:, slices["met"].start]
        squared = 2 * pt[:, 0] * met[:, 0] * (1 - np.cos(phi[:, 0] - met[:, 2]))
        enough &= met[:, 0] > 0
    else:
        pairs = [(i, j) for i in range(chosen.count) for j in range(i)]
        squared = sum(
            (2 * pt[:, i] * pt[:, j] * (np.cosh(eta[:, i] - eta[:, j]) - np.cos(phi[:, i] - phi[:, j])) for i, j in pairs),
            np.zeros(len(pt)),
        )
    return np.where(enough, np.sqrt(np.maximum(squared, 0.0)), np.nan)


def _leading(physical: FloatArray, where: list[slice], count: int) -> FloatArray:
    """The `count` objects of largest pT of some slot ranges, (N, count, 3)."""
    objects = np.concatenate([physical[:, part] for part in where], axis=1)
    order = np.argsort(-objects[:, :, 0], axis=1, kind="stable")[:, :count]
    return np.take_along_axis(objects, order[:, :, None], axis=1)
