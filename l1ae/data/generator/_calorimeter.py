"""The calorimeter image: what the particles of an event leave in the trigger towers, summed to regions.

Charged particles follow helices to the calorimeter; electrons and photons deposit in the electromagnetic, hadrons in the
hadronic part; the energy of each part of a tower is smeared log-normally, which keeps its mean (as the calorimeter of
Delphes 3 does, JHEP 02 (2014) 057). Nothing is subtracted: pileup is complete, charged particles included, as in the
trigger. Showers are not spread over towers, and the shower fluctuations are independent of those in the objects.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._config import DetectorConfig, RegionConfig
from l1ae.data.generator._particles import Kind, Particles
from l1ae.data.generator._resolution import calorimeter_resolution
from l1ae.inputs import named_layout

__all__ = [
    "CURVATURE",
    "ETA",
    "FIRST_PHI",
    "PHI",
    "REGIONS",
    "TOWERS",
    "TOWER_ETA",
    "TOWER_ETA_EDGES",
    "Arrivals",
    "at_calorimeter",
    "calorimeter_image",
    "regions_of_towers",
    "smear",
    "tower_energies",
]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_HALF = (
    *(0.087 * i for i in range(1, 8)),
    *(0.695, 0.783, 0.87, 0.957, 1.044, 1.131, 1.218, 1.305, 1.392, 1.479, 1.566, 1.653, 1.74),
    *(1.83, 1.93, 2.043, 2.172, 2.322, 2.5, 2.65, 3.0),
)
TOWER_ETA_EDGES = np.array([*(-edge for edge in reversed(_HALF)), 0.0, *_HALF], np.float32)
"""Boundaries of the 56 trigger towers in eta (CMS-TDR-012); every fourth is one of the layout `calo_regions`."""

PHI, ETA = 72, 56
TOWERS = PHI * ETA
FIRST_PHI = -np.pi / 18
"""Trigger towers of 5 degrees, row by row in phi; tower 0 in phi begins at -10 degrees, where region 0 does."""

_PER_REGION = 4
REGIONS = (PHI // _PER_REGION, ETA // _PER_REGION)
"""Rows in phi and columns in eta of the image."""

TOWER_ETA = ((TOWER_ETA_EDGES[1:] + TOWER_ETA_EDGES[:-1]) / 2).astype(np.float32)
"""Centres of the towers in eta."""

CURVATURE = 0.299792458
"""pT [GeV] = 0.3 x field [T] x radius of curvature [m], with the speed of light in m/ns."""


def calorimeter_image(
    parts: Sequence[tuple[IntArray, Particles]], n_events: int, detector: DetectorConfig, config: RegionConfig, rng: np.random.Generator
) -> npt.NDArray[np.uint16]:
    """Codes (n_events, 18, 14) of all particles in `parts`, pairs of the event of each particle and the particles.

    Charges are drawn at random: the image does not depend on whether truth shards hold them.
    """
    arrivals = Arrivals.follow(parts, config, rng)
    energies = tower_energies(arrivals, arrivals.electromagnetic.astype(np.float32), n_events, config)
    towers = smear(energies, TOWER_ETA, detector, rng)
    layout = named_layout("calo_regions")
    codes = layout.to_hardware(regions_of_towers(towers, n_events, config).reshape(n_events, layout.size))
    return codes.reshape(n_events, *REGIONS).astype(np.uint16)


@dataclass(frozen=True)
class Arrivals:
    """Particles at the calorimeter: `event` of each, the particles, and `eta` and `phi` of the points where they enter."""

    event: IntArray
    particles: Particles
    eta: FloatArray
    phi: FloatArray

    @classmethod
    def follow(cls, parts: Sequence[tuple[IntArray, Particles]], config: RegionConfig, rng: np.random.Generator | None) -> "Arrivals":
        """All particles in `parts`. Charged ones are bent by their own charges, or by charges drawn at random from `rng`."""
        particles = Particles.concatenate([part for _, part in parts])
        event = np.concatenate([np.zeros(0, np.int64), *(event for event, _ in parts)])
        kind, eta, phi = particles.kind, particles.eta.copy(), particles.phi.copy()
        charged = np.flatnonzero((kind == Kind.CHARGED) | (kind == Kind.ELECTRON) | (kind == Kind.MUON))
        if rng is None:
            sign = particles.charge[charged].astype(np.float32)
        else:
            sign = np.where(rng.random(len(charged)) < 0.5, np.float32(-1), np.float32(1))
        eta[charged], phi[charged] = at_calorimeter(particles.pt[charged], eta[charged], phi[charged], sign, config)
        return cls(event, particles, eta, phi)

    def energy(self, config: RegionConfig) -> FloatArray:
        """What each particle leaves in the calorimeters, GeV."""
        muon = self.particles.kind == Kind.MUON
        return np.where(muon, np.minimum(self.particles.energy, config.muon_energy), self.particles.energy)

    @property
    def electromagnetic(self) -> BoolArray:
        """Electrons and photons, which leave nothing in the hadronic part."""
        return (self.particles.kind == Kind.ELECTRON) | (self.particles.kind == Kind.PHOTON)


def tower_energies(arrivals: Arrivals, share: FloatArray, n_events: int, config: RegionConfig) -> npt.NDArray[np.float64]:
    """Transverse energy [GeV] in the electromagnetic and hadronic part of every tower, (2, n_events x towers), unsmeared.

    `share` is the fraction of each particle's energy that it leaves in the electromagnetic part.
    """
    eta = arrivals.eta
    column = np.searchsorted(TOWER_ETA_EDGES, eta, side="right") - 1
    row = np.floor((arrivals.phi - FIRST_PHI) * (PHI / (2 * np.pi))).astype(np.int64) % PHI
    seen = (column >= 0) & (column < ETA)
    cell = ((arrivals.event * PHI + row) * ETA + column)[seen]
    transverse, share = arrivals.energy(config)[seen] / np.cosh(eta[seen]), share[seen]
    parts = (np.bincount(cell, weights=transverse * fraction, minlength=n_events * TOWERS) for fraction in (share, 1 - share))
    return np.stack([np.asarray(part, np.float64) for part in parts])


def at_calorimeter(
    pt: FloatArray, eta: FloatArray, phi: FloatArray, sign: FloatArray, config: RegionConfig
) -> tuple[FloatArray, FloatArray]:
    """Where particles of charge `sign` from the origin enter the calorimeter: eta and phi of that point.

    A helix of radius R leaves the transverse plane's circle behind after an arc s: distance from the axis 2 R sin(s / 2R),
    deflection s / 2R. The arc ends at the barrel, which particles with 2 R < radius never reach, or at an endcap.
    """
    if config.field == 0:
        return eta, phi
    diameter = 2 * pt / np.float32(CURVATURE * config.field)
    slope = np.sinh(eta)
    to_barrel = np.where(diameter > config.radius, diameter * np.arcsin(np.minimum(config.radius / diameter, 1)), np.inf)
    to_endcap = config.half_length / np.maximum(np.abs(slope), 1e-6)
    arc = np.minimum(to_barrel, to_endcap)
    angle = arc / diameter
    distance = np.maximum(np.abs(diameter * np.sin(angle)), 1e-6)
    # Past half a turn the particle is on the other side of the axis.
    turn = np.where(np.sin(angle) < 0, np.pi, 0)
    return np.arcsinh(arc * slope / distance).astype(np.float32), (phi - sign * angle + turn).astype(np.float32)


def regions_of_towers(towers: npt.NDArray[np.float64], n_events: int, config: RegionConfig) -> npt.NDArray[np.float64]:
    """Transverse energy (n_events, 18, 14) out of that of the parts of towers, (2, n_events x towers), each above the threshold."""
    kept = np.where(towers >= config.tower_threshold, towers, 0.0).sum(axis=0)
    return kept.reshape(n_events, REGIONS[0], _PER_REGION, REGIONS[1], _PER_REGION).sum(axis=(2, 4))


def smear(energy: npt.NDArray[np.float64], eta: FloatArray, detector: DetectorConfig, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Smeared parts of towers, of the shape of `energy` (electromagnetic and hadronic, towers); `eta` are the centres of a row."""
    towers = np.zeros_like(energy)
    for smeared, part, electromagnetic in zip(towers, energy, (True, False), strict=True):
        hit = np.flatnonzero(part)
        centre = eta[hit % len(eta)]
        full = (part[hit] * np.cosh(centre)).astype(np.float32)
        relative = calorimeter_resolution(full, np.abs(centre), np.full(len(hit), electromagnetic), detector)
        variance = np.log1p(relative.astype(np.float64) ** 2)
        smeared[hit] = part[hit] * np.exp(np.sqrt(variance) * rng.standard_normal(len(hit)) - variance / 2)
    return towers
