"""Jets: anti-kT clustering with fastjet and subtraction of the median density of the event."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._config import DetectorConfig
from l1ae.data.generator._pythia import load_extra

__all__ = ["FlatMomenta", "median_density", "reconstruct_jets"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

# Grid of the density estimate: 0.6 x 0.57 cells, as large as a jet, and the two outer rings on each side apart,
# because charged pileup is not subtracted there.
_ETA_CELLS, _PHI_CELLS, _ETA_REACH = 16, 11, 4.8
_OUTER = (0, 1, 14, 15)
_CENTRAL_ETA = 3.6
_CELL_AREA = (2 * _ETA_REACH / _ETA_CELLS) * (2 * np.pi / _PHI_CELLS)

# Keeps rounding from making a massless particle spacelike.
_TIMELIKE = 1 + 1e-7


@dataclass(frozen=True)
class FlatMomenta:
    """Massless particles, or jets, in flat arrays sorted by event: event index, pT [GeV], eta, phi."""

    event: IntArray
    pt: FloatArray
    eta: FloatArray
    phi: FloatArray


def reconstruct_jets(particles: FlatMomenta, n_events: int, detector: DetectorConfig) -> FlatMomenta:
    """Cluster particles and keep the jets above `detector.jet_pt` after the subtraction."""
    raw = _cluster(particles, detector)
    corrected = raw.pt
    if detector.subtract_density and len(raw.pt):
        central, outer = median_density(particles, n_events)
        density = np.where(np.abs(raw.eta) < _CENTRAL_ETA, central[raw.event], outer[raw.event])
        corrected = raw.pt - (density * np.pi * detector.jet_radius**2).astype(np.float32)
    kept = (corrected > detector.jet_pt) & (np.abs(raw.eta) < detector.jet_eta)
    return FlatMomenta(raw.event[kept], corrected[kept], raw.eta[kept], raw.phi[kept])


def median_density(particles: FlatMomenta, n_events: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """pT per unit area [GeV], (events,) each: median over the grid cells of the central and of the outer region.

    The median is insensitive to the few cells that hold jets (Cacciari, Salam, Phys. Lett. B 659 (2008) 119).
    """
    row = np.clip((particles.eta + _ETA_REACH) * (_ETA_CELLS / (2 * _ETA_REACH)), 0, _ETA_CELLS - 1).astype(np.int64)
    column = np.clip((particles.phi + np.pi) * (_PHI_CELLS / (2 * np.pi)), 0, _PHI_CELLS - 1).astype(np.int64)
    cells = n_events * _ETA_CELLS * _PHI_CELLS
    grid = np.bincount((particles.event * _ETA_CELLS + row) * _PHI_CELLS + column, weights=particles.pt, minlength=cells)
    grid = grid.reshape(n_events, _ETA_CELLS, _PHI_CELLS)
    inner = [i for i in range(_ETA_CELLS) if i not in _OUTER]
    return (
        np.median(grid[:, inner].reshape(n_events, -1), axis=1) / _CELL_AREA,
        np.median(grid[:, _OUTER].reshape(n_events, -1), axis=1) / _CELL_AREA,
    )


def _cluster(particles: FlatMomenta, detector: DetectorConfig) -> FlatMomenta:
    """Anti-kT jets above the threshold; the subtraction can only lower them."""
    awkward, fastjet = load_extra("awkward"), load_extra("fastjet")
    occupied, length = np.unique(particles.event, return_counts=True)
    if not len(occupied):
        return particles
    pt, eta, phi = (values.astype(np.float64) for values in (particles.pt, particles.eta, particles.phi))
    energy = pt * np.cosh(eta) * _TIMELIKE
    momenta = awkward.zip({"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(eta), "E": energy}, with_name="Momentum4D")
    load_extra("fastjet._swig").ClusterSequence.set_fastjet_banner_stream(None)  # it would go to stdout
    sequence = fastjet.ClusterSequence(
        awkward.unflatten(momenta, length), fastjet.JetDefinition(fastjet.antikt_algorithm, detector.jet_radius)
    )
    jets = sequence.inclusive_jets(min_pt=detector.jet_pt)
    event = np.repeat(occupied, awkward.to_numpy(awkward.num(jets.px)))
    px, py, pz = (awkward.to_numpy(awkward.flatten(jets[name])).astype(np.float64) for name in ("px", "py", "pz"))
    jet_pt = np.hypot(px, py)
    values = (jet_pt, np.arcsinh(pz / jet_pt), np.arctan2(py, px))
    return FlatMomenta(event, *(value.astype(np.float32) for value in values))
