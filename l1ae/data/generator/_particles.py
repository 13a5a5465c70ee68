"""Particles of many events in flat arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import IntEnum

import numpy as np
import numpy.typing as npt

__all__ = ["Kind", "Particles", "charge_of", "classify", "ranges", "wrap_phi"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


class Kind(IntEnum):
    """What the detector sees of a particle."""

    CHARGED = 0
    ELECTRON = 1
    MUON = 2
    PHOTON = 3
    NEUTRAL = 4


_INVISIBLE = -1
_TABLE_SIZE = 4000


def _kind_table() -> npt.NDArray[np.int8]:
    """Kind by |PDG id|; the last entry stands for all larger ids, which are exotic and neutral as far as they are stable."""
    table = np.full(_TABLE_SIZE, Kind.NEUTRAL, np.int8)
    table[[211, 321, 2212, 3112, 3222, 3312, 3334]] = Kind.CHARGED
    table[11], table[13], table[22] = Kind.ELECTRON, Kind.MUON, Kind.PHOTON
    table[[12, 14, 16]] = _INVISIBLE
    return table


_KINDS = _kind_table()


def _charge_table() -> npt.NDArray[np.int8]:
    """Sign of the charge by PDG id of the particle; that of the antiparticle is the opposite."""
    table = np.zeros(_TABLE_SIZE, np.int8)
    table[[211, 321, 2212, 3222]] = 1
    table[[11, 13, 3112, 3312, 3334]] = -1
    return table


_CHARGES = _charge_table()


def classify(pdg_id: npt.NDArray[np.integer]) -> npt.NDArray[np.int8]:
    """`Kind` of each stable particle by PDG id, -1 for neutrinos."""
    return _KINDS[np.minimum(np.abs(pdg_id), _TABLE_SIZE - 1)]


def charge_of(pdg_id: npt.NDArray[np.integer]) -> npt.NDArray[np.int8]:
    """Sign of the charge of each stable particle by PDG id."""
    return (np.sign(pdg_id) * _CHARGES[np.minimum(np.abs(pdg_id), _TABLE_SIZE - 1)]).astype(np.int8)


def wrap_phi(phi: FloatArray) -> FloatArray:
    """Angles in [-pi, pi)."""
    pi = np.float32(np.pi)
    wrapped: FloatArray = phi - 2 * pi * np.floor((phi + pi) / (2 * pi))
    return wrapped


def ranges(start: IntArray, length: IntArray) -> IntArray:
    """Concatenation of [start, start + length) for each pair."""
    ends = np.cumsum(length)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(start - (ends - length), length)


@dataclass(frozen=True)
class Particles:
    """Visible stable particles of `len(count)` events, one after the other.

    `count` (events,) int64; per particle float32 `pt` and `energy` [GeV], `eta`, `phi` [rad], and int8 `kind` and `charge`
    (its sign; 0 also where it is not known, which is the default).
    """

    count: IntArray
    pt: FloatArray
    eta: FloatArray
    phi: FloatArray
    energy: FloatArray
    kind: npt.NDArray[np.int8]
    charge: npt.NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))

    def __post_init__(self) -> None:
        if not len(self.charge):
            object.__setattr__(self, "charge", np.zeros(len(self.pt), np.int8))

    @classmethod
    def from_momenta(
        cls, event: IntArray, n_events: int, pdg_id: IntArray, momentum: npt.NDArray[np.float64], eta_max: float
    ) -> "Particles":
        """Stable particles with event index (ascending) and `momentum` (n, 4) = px, py, pz, E [GeV].

        Neutrinos, particles beyond `eta_max` and those below 0.1 GeV are left out: no part of the detector sees them.
        """
        px, py, pz, energy = momentum.T
        kind = classify(pdg_id)
        pt = np.hypot(px, py)
        seen = (kind != _INVISIBLE) & (pt > 0.1) & (np.abs(pz) < pt * np.sinh(eta_max))
        px, py, pz, pt = px[seen], py[seen], pz[seen], pt[seen]
        values = {"pt": pt, "eta": np.arcsinh(pz / pt), "phi": np.arctan2(py, px), "energy": energy[seen]}
        count = np.bincount(event[seen], minlength=n_events).astype(np.int64)
        return cls(
            count=count,
            kind=kind[seen],
            charge=charge_of(pdg_id[seen]),
            **{name: value.astype(np.float32) for name, value in values.items()},
        )

    @classmethod
    def empty(cls) -> "Particles":
        """No event at all."""
        nothing = np.zeros(0, np.float32)
        return cls(np.zeros(0, np.int64), nothing, nothing, nothing, nothing, np.zeros(0, np.int8))

    @classmethod
    def concatenate(cls, parts: Sequence["Particles"]) -> "Particles":
        """Events of all parts, in order."""
        return cls(*(np.concatenate([getattr(part, item.name) for part in (cls.empty(), *parts)]) for item in fields(cls)))

    def __len__(self) -> int:
        return len(self.count)

    @property
    def event(self) -> IntArray:
        """Event index of each particle."""
        return np.repeat(np.arange(len(self.count)), self.count)

    @property
    def start(self) -> IntArray:
        """Index of the first particle of each event."""
        return np.cumsum(self.count) - self.count

    def take(self, events: IntArray) -> "Particles":
        """The events with these indices, in this order; an event may be taken more than once."""
        chosen = ranges(self.start[events], self.count[events])
        return Particles(self.count[events], *(getattr(self, item.name)[chosen] for item in fields(self)[1:]))

    def keep(self, mask: npt.NDArray[np.bool_]) -> "Particles":
        """The same events with only the particles of `mask`."""
        count = np.bincount(self.event[mask], minlength=len(self)).astype(np.int64)
        return Particles(count, *(getattr(self, item.name)[mask] for item in fields(self)[1:]))

    def rotate(self, angle: FloatArray, mirror: npt.NDArray[np.bool_]) -> "Particles":
        """Turn each event by `angle` (events,) about the beam and mirror it in z where asked: exact symmetries of pp collisions."""
        phi = wrap_phi(self.phi + np.repeat(angle.astype(np.float32), self.count))
        sign = np.where(mirror, np.float32(-1), np.float32(1))
        return Particles(self.count, self.pt, self.eta * np.repeat(sign, self.count), phi, self.energy, self.kind, self.charge)
