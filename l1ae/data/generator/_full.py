"""Full events: every column of the layout `ugt_full`, made of the particles and objects of the events of `ugt`.

The columns that `ugt` has, too, are made of the same objects. All others have random numbers of their own, so that asking for
full events changes nothing else. Sums of jets are those of their codes, as in the trigger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._calorimeter import at_calorimeter
from l1ae.data.generator._config import DetectorConfig
from l1ae.data.generator._jets import FlatMomenta
from l1ae.data.generator._muons import trigger_muons
from l1ae.data.generator._objects import Leptons, Objects, fill_slots
from l1ae.data.generator._particles import Particles
from l1ae.data.generator._readout_config import FullConfig, JetSumConfig
from l1ae.data.generator._taus import around, find_taus, isolated
from l1ae.data.generator._towers import Towers, build_towers
from l1ae.inputs import Layout, named_layout

__all__ = ["FullReadout", "full_layout", "jet_sums"]

IntArray = npt.NDArray[np.int64]
Columns = Mapping[str, npt.NDArray[Any]]


def full_layout() -> Layout:
    """The layout of full events."""
    return named_layout("ugt_full")


@dataclass(frozen=True)
class FullReadout:
    """Makes full events: what is asked for, and its random numbers."""

    config: FullConfig
    rng: np.random.Generator

    def codes(self, objects: Objects, parts: Sequence[tuple[IntArray, Particles]], detector: DetectorConfig) -> npt.NDArray[np.integer]:
        """Hardware codes (n, size) of `full_layout`; `parts` are all particles of the events, pileup complete."""
        layout, number = full_layout(), len(objects.met)
        towers = build_towers(parts, number, detector, self.config.towers, self.rng)
        values = np.zeros((number, layout.size))
        for name, sums in _sums(objects, towers, self.config.jet_sums).items():
            _fill(values, layout, name, np.arange(number), sums)
        _fill(values, layout, "eg", objects.electrons.event, self._electrons(objects.electrons, towers))
        _fill(values, layout, "mu", objects.muons.event, self._muons(objects.muons))
        taus = find_taus(towers, self.config.tau)
        _fill(values, layout, "tau", taus.event, {"pt": taus.pt, "eta": taus.eta, "phi": taus.phi, "isolation": taus.isolated})
        _fill(values, layout, "jet", objects.jets.event, self._jets(objects.jets))
        codes = layout.to_hardware(values)
        # Without a measurement there is no pT: code 0, where the scale begins with 1.
        loose = layout.positions("mu", "pt_unconstrained")
        codes[:, loose] *= values[:, loose] > 0
        return codes

    def _electrons(self, electrons: Leptons, towers: Towers) -> Columns:
        pt, charge = electrons.pt, electrons.charge.astype(np.float32)
        eta, phi = at_calorimeter(pt, electrons.eta, electrons.phi, charge, self.config.towers)
        energy, count = around(towers, electrons.event, eta, phi), towers.count[electrons.event]
        tight, loose = (isolated(pt, energy, count, cut) for cut in (self.config.egamma.tight, self.config.egamma.loose))
        return {"pt": pt, "eta": electrons.eta, "phi": electrons.phi, "isolation": tight + 2 * loose}

    def _muons(self, muons: Leptons) -> Columns:
        extra = trigger_muons(muons, self.config.muon, self.rng)
        return {
            "pt": muons.pt,
            "eta": muons.eta,
            "phi": muons.phi,
            "quality": extra.quality,
            "charge": extra.charge,
            "index": extra.index,
            "eta_station": extra.eta,
            "phi_station": extra.phi,
            "pt_unconstrained": extra.unconstrained,
        }

    def _jets(self, jets: FlatMomenta) -> Columns:
        displaced = self.rng.random(len(jets.pt)) < self.config.jet_sums.displaced
        return {"pt": jets.pt, "eta": jets.eta, "phi": jets.phi, "quality": displaced}


def _fill(values: npt.NDArray[np.float64], layout: Layout, name: str, event: IntArray, columns: Columns) -> None:
    """Write the hardest objects of `event` (k,) into the slots of a group; `columns` has (k,) values of every feature."""
    group = layout[name]
    rows = np.stack([np.asarray(columns[feature.name], np.float64) for feature in group.features], axis=1)
    fill_slots(layout.block(values, name), event, rows, np.asarray(columns["pt"]))


def _sums(objects: Objects, towers: Towers, config: JetSumConfig) -> dict[str, Columns]:
    """Columns (n,) of each sum."""
    number = len(objects.met)
    total, missing = jet_sums(objects.jets, number, config, forward=False)
    size, direction = towers.missing(forward=True)
    names = ("pt", "phi")
    return {
        "ett": {"pt": towers.scalar, "pt_em": towers.electromagnetic},
        "htt": {"pt": total, "tower_count": towers.count},
        "met": dict(zip(names, objects.met.T, strict=True)),
        "mht": dict(zip(names, missing, strict=True)),
        "met_hf": {"pt": size, "phi": direction},
        "mht_hf": dict(zip(names, jet_sums(objects.jets, number, config, forward=True)[1], strict=True)),
    }


def jet_sums(
    jets: FlatMomenta, number: int, config: JetSumConfig, *, forward: bool
) -> tuple[npt.NDArray[np.float64], tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
    """Scalar sum (number,) of jet pT [GeV], and size and direction of the momentum that balances the jets.

    All jets count, also those that have no slot, with the lower edges of their pT codes and the centres of their directions.
    The scalar sum is given in the middle of its code. `forward`: jets of any direction.
    """
    group = full_layout()["jet"]
    pt, eta, phi = (group[name].encode(getattr(jets, name)) for name in ("pt", "eta", "phi"))
    lsb = group["pt"].lsb
    counted = pt * lsb >= config.pt
    if not forward:
        counted &= np.abs(group["eta"].decode(eta)) < config.eta
    event, size, angle = jets.event[counted], pt[counted] * lsb, group["phi"].decode(phi[counted])
    total = np.bincount(event, weights=size, minlength=number)
    x, y = (-np.bincount(event, weights=size * wave, minlength=number) for wave in (np.cos(angle), np.sin(angle)))
    return np.asarray(total + lsb / 2, np.float64), (np.asarray(np.hypot(x, y)), np.asarray(np.arctan2(y, x)))
