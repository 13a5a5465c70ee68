"""Hadronic taus as the calorimeter trigger finds them, and isolation from the towers around an object."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._calorimeter import ETA, FIRST_PHI, PHI, TOWER_ETA
from l1ae.data.generator._readout_config import IsolationConfig, TauConfig
from l1ae.data.generator._towers import WINDOW, Towers, tower_of

__all__ = ["Taus", "around", "find_taus", "isolated"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_ROW, _COLUMN = WINDOW[0] // 2, WINDOW[1] // 2
_SEED = (slice(None), slice(_COLUMN - 1, _COLUMN + 2))
"""The part of a window, 9 x 3, of which a seed is the highest tower."""

_CLUSTER = (slice(_ROW - 2, _ROW + 3), slice(_COLUMN - 1, _COLUMN + 2))
_ELECTRON = (slice(_ROW - 1, _ROW + 2), slice(_COLUMN - 1, _COLUMN + 2))


@dataclass(frozen=True)
class Taus:
    """Candidates (k,): event, pT [GeV], eta, phi at the calorimeter, and whether isolated."""

    event: IntArray
    pt: FloatArray
    eta: FloatArray
    phi: FloatArray
    isolated: BoolArray


def find_taus(towers: Towers, config: TauConfig) -> Taus:
    """All candidates of all events, in no particular order within each."""
    event, row, column = np.nonzero(towers.total >= config.seed)
    near = np.abs(TOWER_ETA[column]) < config.eta
    event, row, column = event[near], row[near], column[near]
    windows = towers.windows(event, row, column)
    highest = np.flatnonzero(_is_highest(windows[:, _SEED[0], _SEED[1]]))
    event, row, column, windows = event[highest], row[highest], column[highest], windows[highest]
    cluster = windows[:, _CLUSTER[0], _CLUSTER[1]]
    energy = cluster.sum(axis=(1, 2))
    pt = energy * config.scale
    eta, phi = _centre(cluster, energy, row, column)
    alone = isolated(pt, windows.sum(axis=(1, 2)) - energy, towers.count[event], config.isolation)
    hard = pt >= config.pt
    return Taus(event[hard], pt[hard], eta[hard], phi[hard], alone[hard])


def _is_highest(windows: FloatArray) -> BoolArray:
    """(k,): the central tower is higher than those before it, and no lower than those behind it, so that of equal ones the first wins."""
    flat = windows.reshape(len(windows), windows.shape[1] * windows.shape[2])
    middle = flat.shape[1] // 2
    seed = flat[:, middle, None]
    return np.asarray((seed > flat[:, :middle]).all(axis=1) & (seed >= flat[:, middle + 1 :]).all(axis=1))


def _centre(cluster: FloatArray, energy: FloatArray, row: IntArray, column: IntArray) -> tuple[FloatArray, FloatArray]:
    """Eta and phi of the centre of energy of clusters (k, 5, 3)."""
    columns = np.clip(column[:, None] + np.arange(-1, 2), 0, ETA - 1)
    eta = (cluster.sum(axis=1) * TOWER_ETA[columns]).sum(axis=1) / energy
    offset = (cluster.sum(axis=2) * np.arange(-2, 3)).sum(axis=1) / energy
    return eta, FIRST_PHI + (row + 0.5 + offset) * (2 * np.pi / PHI)


def around(towers: Towers, event: IntArray, eta: npt.NDArray[np.floating], phi: npt.NDArray[np.floating]) -> FloatArray:
    """Transverse energy (k,) around electrons that enter the calorimeter at eta and phi, their own 3 x 3 towers left out."""
    windows = towers.windows(event, *tower_of(eta, phi))
    return np.asarray(windows.sum(axis=(1, 2)) - windows[:, _ELECTRON[0], _ELECTRON[1]].sum(axis=(1, 2)))


def isolated(pt: npt.NDArray[np.floating], energy: FloatArray, towers: IntArray, config: IsolationConfig) -> BoolArray:
    """(k,): `energy` around objects of `pt` in events with so many `towers` is small enough."""
    return np.asarray(energy <= config.offset + config.slope * pt + config.per_tower * towers, np.bool_)
