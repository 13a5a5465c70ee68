"""Objects of events: what the detector reconstructs of measured particles, before it is put into slots."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._jets import FlatMomenta

__all__ = ["Leptons", "Objects", "fill_slots"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Leptons:
    """Electrons or muons in flat arrays: event, pT [GeV], eta, phi at the vertex, sign of the charge (0: not known)."""

    event: IntArray
    pt: FloatArray
    eta: FloatArray
    phi: FloatArray
    charge: npt.NDArray[np.int8]


@dataclass(frozen=True)
class Objects:
    """All objects of `len(met)` events: `met` (n, 2) is size [GeV] and direction of the missing momentum."""

    met: FloatArray
    electrons: Leptons
    muons: Leptons
    jets: FlatMomenta


def fill_slots(slots: npt.NDArray[np.floating], event: IntArray, values: npt.NDArray[np.floating], pt: npt.NDArray[np.floating]) -> None:
    """Write the hardest objects, `values` (k, features) of `event` (k,), into `slots` (events, slots, features) by falling `pt` (k,)."""
    order = np.lexsort((-pt, event))
    event, values = event[order], values[order]
    rank = np.arange(len(event)) - np.searchsorted(event, event)
    kept = rank < slots.shape[1]
    slots[event[kept], rank[kept]] = values[kept]
