"""Resolutions of the detector, looked up in bins of |eta|."""

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._config import CalorimeterBin, DetectorConfig, RegionBin, TrackBin

__all__ = ["calorimeter_resolution", "per_bin", "quadrature"]

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]


def per_bin(eta: FloatArray, bins: tuple[RegionBin, ...] | tuple[TrackBin, ...] | tuple[CalorimeterBin, ...], name: str) -> FloatArray:
    """Parameter `name` of the bin that each |eta| falls into."""
    edges = np.array([item.eta_max for item in bins[:-1]], np.float32)
    values = np.array([getattr(item, name) for item in bins], np.float32)
    return np.asarray(values[np.searchsorted(edges, eta, side="right")], np.float32)


def calorimeter_resolution(energy: FloatArray, eta: FloatArray, electromagnetic: BoolArray, detector: DetectorConfig) -> FloatArray:
    """sigma(E) / E of energy deposits."""
    resolution = np.zeros_like(energy)
    for mask, bins in ((electromagnetic, detector.electromagnetic), (~electromagnetic, detector.hadronic)):
        chosen = np.flatnonzero(mask)
        e, h = energy[chosen], eta[chosen]
        variance = (per_bin(h, bins, "constant") * e) ** 2 + per_bin(h, bins, "stochastic") ** 2 * e + per_bin(h, bins, "noise") ** 2
        resolution[chosen] = np.sqrt(variance) / e
    return resolution


def quadrature(a: FloatArray, b: FloatArray) -> FloatArray:
    """Two contributions to a resolution together."""
    return np.sqrt(a * a + b * b)
