"""Trigger towers of full events: those of the image and the forward calorimeter, sums over them, and windows around a tower.

Deposits and resolutions are those of `l1ae.data.generator._calorimeter`, with the true charges of the particles. In the forward
calorimeter the electromagnetic and the hadronic part of a tower are read out together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._calorimeter import ETA, FIRST_PHI, PHI, TOWER_ETA, TOWER_ETA_EDGES, Arrivals, smear, tower_energies
from l1ae.data.generator._config import DetectorConfig
from l1ae.data.generator._particles import Kind, Particles
from l1ae.data.generator._readout_config import TowerConfig

__all__ = ["FORWARD_ETA_EDGES", "WINDOW", "Towers", "build_towers", "tower_of"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FORWARD_ETA_EDGES = np.array([3.0, 3.139, 3.314, 3.489, 3.664, 3.839, 4.013, 4.191, 4.363, 4.538, 4.716, 4.889, 5.191], np.float32)
"""Boundaries of the 12 rings of the forward calorimeter (CMSSW `CaloTools::towerEtaBounds`), the first moved to 3, where towers end."""

_FORWARD_PHI = 18
_RINGS = len(FORWARD_ETA_EDGES) - 1
_FORWARD_ETA = ((FORWARD_ETA_EDGES[1:] + FORWARD_ETA_EDGES[:-1]) / 2).astype(np.float32)
_FORWARD_CENTRES = np.concatenate([-_FORWARD_ETA[::-1], _FORWARD_ETA])

WINDOW = (9, 5)
"""Rows in phi and columns in eta of the largest window around a tower."""

_REACH_PHI, _REACH_ETA = WINDOW[0] // 2, WINDOW[1] // 2


@dataclass(frozen=True)
class Towers:
    """Transverse energy [GeV] above the thresholds: `parts` (2, n, 72, 56), electromagnetic and hadronic, and `forward` (n, 18, 24)."""

    parts: FloatArray
    forward: FloatArray

    @cached_property
    def total(self) -> FloatArray:
        """Both parts together, (n, 72, 56)."""
        return np.asarray(self.parts.sum(axis=0))

    @property
    def scalar(self) -> FloatArray:
        """(n,): sum without the forward calorimeter."""
        return np.asarray(self.total.sum(axis=(1, 2)))

    @property
    def electromagnetic(self) -> FloatArray:
        """(n,): the electromagnetic part of `scalar`."""
        return np.asarray(self.parts[0].sum(axis=(1, 2)))

    @cached_property
    def count(self) -> IntArray:
        """(n,): towers with energy, without the forward calorimeter."""
        return np.count_nonzero(self.total, axis=(1, 2)).astype(np.int64)

    def missing(self, *, forward: bool) -> tuple[FloatArray, FloatArray]:
        """Size [GeV] and direction, (n,) each, of the momentum that balances all towers, with or without the forward ones."""
        balance = -(self.total.sum(axis=2) @ np.exp(1j * _row_phi(PHI)))
        if forward:
            balance -= self.forward.sum(axis=2) @ np.exp(1j * _row_phi(_FORWARD_PHI))
        return np.asarray(np.hypot(balance.real, balance.imag)), np.asarray(np.arctan2(balance.imag, balance.real))

    @cached_property
    def _padded(self) -> FloatArray:
        return np.pad(self.total, ((0, 0), (0, 0), (_REACH_ETA, _REACH_ETA)))

    def windows(self, event: IntArray, row: IntArray, column: IntArray) -> FloatArray:
        """Towers around each given one, (k, 9, 5): closed in phi, 0 beyond the last column."""
        rows = (row[:, None, None] + np.arange(-_REACH_PHI, _REACH_PHI + 1)[:, None]) % PHI
        columns = column[:, None, None] + np.arange(2 * _REACH_ETA + 1)
        return np.asarray(self._padded[event[:, None, None], rows, columns])


def _row_phi(rows: int) -> FloatArray:
    """Centres of the rows of towers in phi."""
    return np.asarray(FIRST_PHI + (np.arange(rows) + 0.5) * (2 * np.pi / rows), np.float64)


def tower_of(eta: npt.NDArray[np.floating], phi: npt.NDArray[np.floating]) -> tuple[IntArray, IntArray]:
    """Row and column of the tower at each point; points beyond the last column are in it."""
    row = np.floor((phi - FIRST_PHI) * (PHI / (2 * np.pi))).astype(np.int64) % PHI
    return row, np.clip(np.searchsorted(TOWER_ETA_EDGES, eta, side="right") - 1, 0, ETA - 1)


def build_towers(
    parts: Sequence[tuple[IntArray, Particles]], n_events: int, detector: DetectorConfig, config: TowerConfig, rng: np.random.Generator
) -> Towers:
    """Towers of all particles in `parts`, pairs of the event of each particle and the particles."""
    arrivals = Arrivals.follow(parts, config, None)
    share = _electromagnetic_share(arrivals, config, rng)
    central = smear(tower_energies(arrivals, share, n_events, config), TOWER_ETA, detector, rng)
    forward = smear(_forward_energies(arrivals, n_events, config), _FORWARD_CENTRES, detector, rng).sum(axis=0)
    central[central < config.tower_threshold] = 0
    forward[forward < config.forward_threshold] = 0
    return Towers(central.reshape(2, n_events, PHI, ETA), forward.reshape(n_events, _FORWARD_PHI, 2 * _RINGS))


def _electromagnetic_share(arrivals: Arrivals, config: TowerConfig, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Fraction of each particle's energy in the electromagnetic part: any, with equal probability, of hadrons that interact there."""
    lucky, fraction = rng.random((2, len(arrivals.eta)), np.float32)
    hadron = np.where(lucky < -np.expm1(-config.interaction_lengths), fraction, np.float32(0))
    hadron[arrivals.particles.kind == Kind.MUON] = 0
    return np.where(arrivals.electromagnetic, np.float32(1), hadron)


def _forward_energies(arrivals: Arrivals, n_events: int, config: TowerConfig) -> FloatArray:
    """Transverse energy in the parts of every forward tower, (2, n_events x 18 x 24), negative eta first."""
    near = np.flatnonzero((np.abs(arrivals.eta) >= FORWARD_ETA_EDGES[0]) & (np.abs(arrivals.eta) < FORWARD_ETA_EDGES[-1]))
    eta = arrivals.eta[near]
    ring = np.searchsorted(FORWARD_ETA_EDGES, np.abs(eta), side="right") - 1
    column = np.where(eta > 0, _RINGS + ring, _RINGS - 1 - ring)
    row = np.floor((arrivals.phi[near] - FIRST_PHI) * (_FORWARD_PHI / (2 * np.pi))).astype(np.int64) % _FORWARD_PHI
    part = np.where(arrivals.electromagnetic[near], 0, n_events)
    cell = ((part + arrivals.event[near]) * _FORWARD_PHI + row) * (2 * _RINGS) + column
    transverse = arrivals.energy(config)[near] / np.cosh(eta)
    total = np.bincount(cell, weights=transverse, minlength=2 * n_events * _FORWARD_PHI * 2 * _RINGS)
    return np.asarray(total, np.float64).reshape(2, -1)
