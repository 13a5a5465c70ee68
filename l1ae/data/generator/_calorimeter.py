"""The calorimeter image: what the particles of an event leave in the trigger towers, summed to regions.

Charged particles follow helices to the calorimeter; electrons and photons deposit in the electromagnetic, hadrons in the
hadronic part; the energy of each part of a tower is smeared log-normally, which keeps its mean (as the calorimeter of
Delphes 3 does, JHEP 02 (2014) 057). Nothing is subtracted: pileup is complete, charged particles included, as in the
trigger. Showers are not spread over towers, and the shower fluctuations are independent of those in the objects.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._config import DetectorConfig, RegionConfig
from l1ae.data.generator._particles import Kind, Particles
from l1ae.data.generator._resolution import calorimeter_resolution
from l1ae.inputs import named_layout

__all__ = ["REGIONS", "TOWERS", "TOWER_ETA_EDGES", "at_calorimeter", "calorimeter_image", "regions_of_towers", "tower_energies"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

_HALF = (
    *(0.087 * i for i in range(1, 8)),
    *(0.695, 0.783, 0.87, 0.957, 1.044, 1.131, 1.218, 1.305, 1.392, 1.479, 1.566, 1.653, 1.74),
    *(1.83, 1.93, 2.043, 2.172, 2.322, 2.5, 2.65, 3.0),
)
TOWER_ETA_EDGES = np.array([*(-edge for edge in reversed(_HALF)), 0.0, *_HALF], np.float32)
"""Boundaries of the 56 trigger towers in eta (CMS-TDR-012); every fourth is one of the layout `calo_regions`."""

_PHI, _ETA = 72, 56
TOWERS = _PHI * _ETA
"""Trigger towers of 5 degrees, row by row in phi; tower 0 in phi begins at -10 degrees, where region 0 does."""

_PER_REGION = 4
REGIONS = (_PHI // _PER_REGION, _ETA // _PER_REGION)
"""Rows in phi and columns in eta of the image."""

_CENTRES = ((TOWER_ETA_EDGES[1:] + TOWER_ETA_EDGES[:-1]) / 2).astype(np.float32)

# pT [GeV] = 0.3 x field [T] x radius of curvature [m], with the speed of light in m/ns.
_CURVATURE = 0.299792458


def calorimeter_image(
    parts: Sequence[tuple[IntArray, Particles]], n_events: int, detector: DetectorConfig, config: RegionConfig, rng: np.random.Generator
) -> npt.NDArray[np.uint16]:
    """Codes (n_events, 18, 14) of all particles in `parts`, pairs of the event of each particle and the particles."""
    towers = _smear(tower_energies(parts, n_events, config, rng), detector, rng)
    layout = named_layout("calo_regions")
    codes = layout.to_hardware(regions_of_towers(towers, n_events, config).reshape(n_events, layout.size))
    return codes.reshape(n_events, *REGIONS).astype(np.uint16)


def tower_energies(
    parts: Sequence[tuple[IntArray, Particles]], n_events: int, config: RegionConfig, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Transverse energy [GeV] in the electromagnetic and hadronic part of every tower, (2, n_events x towers), unsmeared.

    The sign of charges is drawn at random, for the particles do not remember theirs.
    """
    particles = Particles.concatenate([part for _, part in parts])
    event = np.concatenate([np.zeros(0, np.int64), *(event for event, _ in parts)])
    kind = particles.kind
    eta, phi = particles.eta.copy(), particles.phi.copy()
    charged = np.flatnonzero((kind == Kind.CHARGED) | (kind == Kind.ELECTRON) | (kind == Kind.MUON))
    sign = np.where(rng.random(len(charged)) < 0.5, np.float32(-1), np.float32(1))
    eta[charged], phi[charged] = at_calorimeter(particles.pt[charged], eta[charged], phi[charged], sign, config)
    energy = np.where(kind == Kind.MUON, np.minimum(particles.energy, config.muon_energy), particles.energy)
    column = np.searchsorted(TOWER_ETA_EDGES, eta, side="right") - 1
    row = np.floor((phi + np.pi / 18) * (_PHI / (2 * np.pi))).astype(np.int64) % _PHI
    seen = (column >= 0) & (column < _ETA)
    hadronic = ((kind != Kind.ELECTRON) & (kind != Kind.PHOTON)).astype(np.int64)
    cell = ((hadronic * n_events + event) * _PHI + row) * _ETA + column
    transverse = energy[seen] / np.cosh(eta[seen])
    total = np.bincount(cell[seen], weights=transverse, minlength=2 * n_events * TOWERS)
    return np.asarray(total, np.float64).reshape(2, -1)


def at_calorimeter(
    pt: FloatArray, eta: FloatArray, phi: FloatArray, sign: FloatArray, config: RegionConfig
) -> tuple[FloatArray, FloatArray]:
    """Where particles of charge `sign` from the origin enter the calorimeter: eta and phi of that point.

    A helix of radius R leaves the transverse plane's circle behind after an arc s: distance from the axis 2 R sin(s / 2R),
    deflection s / 2R. The arc ends at the barrel, which particles with 2 R < radius never reach, or at an endcap.
    """
    if config.field == 0:
        return eta, phi
    diameter = 2 * pt / np.float32(_CURVATURE * config.field)
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


def _smear(energy: npt.NDArray[np.float64], detector: DetectorConfig, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Smeared parts of each tower, (2, towers)."""
    towers = np.zeros_like(energy)
    for smeared, part, electromagnetic in zip(towers, energy, (True, False), strict=True):
        hit = np.flatnonzero(part)
        eta = _CENTRES[hit % _ETA]
        full = (part[hit] * np.cosh(eta)).astype(np.float32)
        relative = calorimeter_resolution(full, np.abs(eta), np.full(len(hit), electromagnetic), detector)
        variance = np.log1p(relative.astype(np.float64) ** 2)
        smeared[hit] = part[hit] * np.exp(np.sqrt(variance) * rng.standard_normal(len(hit)) - variance / 2)
    return towers
