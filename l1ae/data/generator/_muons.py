"""What the trigger's muons have beside pT and direction: directions at the stations, quality, charge, track finder, pT without vertex."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._calorimeter import CURVATURE
from l1ae.data.generator._objects import Leptons
from l1ae.data.generator._readout_config import MuonConfig
from l1ae.data.generator._resolution import per_bin

__all__ = ["TriggerMuons", "at_station", "track_finder", "trigger_muons"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_PER_PROCESSOR = 3
# First index, and number of processors around phi, of each track finder (CMSSW L1TMuon: regionalMuonCand and tfMuonIndex).
_ENDCAP_PLUS, _OVERLAP_PLUS, _BARREL, _OVERLAP_MINUS, _ENDCAP_MINUS = (0, 6), (18, 6), (36, 12), (72, 6), (90, 6)
# Where the first processor begins: at 15 degrees, and half a barrel wedge below 0.
_FIRST_SECTOR, _FIRST_WEDGE = np.pi / 12, -np.pi / 12


@dataclass(frozen=True)
class TriggerMuons:
    """Columns (k,) of muons: quality code, measured charge, index of the track finder, eta and phi at the stations, pT without vertex.

    `unconstrained` [GeV] is 0 where there is none.
    """

    quality: IntArray
    charge: IntArray
    index: IntArray
    eta: FloatArray
    phi: FloatArray
    unconstrained: FloatArray


def trigger_muons(muons: Leptons, config: MuonConfig, rng: np.random.Generator) -> TriggerMuons:
    """What belongs to muons (k,) of measured pT and true charge."""
    pt, eta, phi = (np.asarray(values, np.float64) for values in (muons.pt, muons.eta, muons.phi))
    charge = muons.charge.astype(np.int64)
    lucky = rng.random((3, len(pt)))
    eta_station, phi_station = at_station(pt, eta, phi, charge, config)
    wrong = np.minimum(config.charge_wrong + config.charge_wrong_slope * pt, 0.5)
    region = np.abs(eta).astype(np.float32)
    best, good = (lucky[k] < per_bin(region, bins, "value") for k, bins in enumerate((config.quality_12, config.quality_8)))
    loose = pt * np.exp(config.unconstrained_resolution * rng.standard_normal(len(pt)))
    return TriggerMuons(
        np.where(best, 12, np.where(good, 8, 4)),
        np.where(lucky[2] < wrong, -charge, charge),
        track_finder(muons.event, eta_station, phi_station, config),
        eta_station,
        phi_station,
        np.where(np.abs(eta_station) < config.unconstrained_eta, loose, 0.0),
    )


def at_station(pt: FloatArray, eta: FloatArray, phi: FloatArray, charge: IntArray, config: MuonConfig) -> tuple[FloatArray, FloatArray]:
    """Where muons from the origin cross the second station: eta and phi of that point, seen from the origin.

    Inside the coil a helix of radius R: after an arc s the distance from the axis is 2 R sin(s / 2R), its direction is turned by
    s / 2R and that of flight by s / R. Behind the coil a straight line, up to the radius or the plane of the station.
    """
    slope = np.where(np.abs(eta) < 1e-6, 1e-6, np.sinh(eta))
    diameter = 2 * pt / max(CURVATURE * config.field, 1e-9)
    bore = np.where(diameter > config.coil_radius, diameter * np.arcsin(np.minimum(config.coil_radius / diameter, 1)), np.inf)
    arc = np.minimum(bore, config.coil_half_length / np.abs(slope))
    angle = arc / diameter
    distance = diameter * np.sin(angle)
    # Along the direction of flight, which is turned by `angle` against that of the point where the coil was left.
    to_radius = -distance * np.cos(angle) + np.sqrt(np.maximum(config.station_radius**2 - (distance * np.sin(angle)) ** 2, 0))
    to_plane = (config.station_z - arc * np.abs(slope)) / np.abs(slope)
    path = np.minimum(to_radius, to_plane)
    along, across = distance + path * np.cos(angle), path * np.sin(angle)
    turned = angle + np.arctan2(across, along)
    return np.arcsinh((arc + path) * slope / np.hypot(along, across)), phi - charge * turned


def track_finder(event: IntArray, eta: FloatArray, phi: FloatArray, config: MuonConfig) -> IntArray:
    """Index 0 to 107 of each muon: three of every processor of the five track finders; a fourth shares the last number."""
    endcap, barrel = np.abs(eta) > config.endcap_eta, np.abs(eta) < config.barrel_eta
    which = np.where(barrel, 2, np.where(eta > 0, np.where(endcap, 0, 1), np.where(endcap, 4, 3)))
    first, number = np.array([_ENDCAP_PLUS, _OVERLAP_PLUS, _BARREL, _OVERLAP_MINUS, _ENDCAP_MINUS])[which].T
    start = np.where(barrel, _FIRST_WEDGE, _FIRST_SECTOR)
    processor = np.floor(np.mod(phi - start, 2 * np.pi) * number / (2 * np.pi)).astype(np.int64) % number
    place = first + _PER_PROCESSOR * processor
    order = np.lexsort((place, event))
    same = np.concatenate([[False], (np.diff(event[order]) == 0) & (np.diff(place[order]) == 0)])
    position = np.arange(len(order))
    begin = np.maximum.accumulate(np.where(same, 0, position)) if len(order) else position
    rank = np.empty(len(order), np.int64)
    rank[order] = position - begin
    return np.asarray(place + np.minimum(rank, _PER_PROCESSOR - 1), np.int64)
