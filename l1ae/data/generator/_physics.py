"""Distributions of a generated background store compared with facts from elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.data._store import Events, EventStore
from l1ae.errors import UserError
from l1ae.inputs import Layout, named_layout

__all__ = ["PhysicsCheck", "core_median", "pair_mass", "physics_checks", "smeared_mass_edge", "steepest_descent", "transverse_mass"]

FloatArray = npt.NDArray[np.float64]

Groups = dict[str, FloatArray]
"""Physical values (n, slots, features) of each group of the layout `ugt`: pT [GeV], eta, phi."""

_PDG = "PDG 2024"
_PUBLIC = "500-event extracts of the public ADC2021 files, arXiv:2107.02157"
_MPI = "the same detector on Pythia events with multi-parton interactions"
_COCKTAIL = "arXiv:2107.02157"
_BOOTSTRAPS = 50
_MASS_BANDWIDTH = 4.0
_LEPTON_PT = 23.0

# PDG 2024, GeV.
_Z_MASS, _W_MASS, _W_WIDTH = 91.19, 80.37, 2.09


@dataclass(frozen=True)
class PhysicsCheck:
    """One comparison: `measured` +- `error` (statistical) against `expected`, which the model is meant to meet within `tolerance`."""

    name: str
    measured: float
    error: float
    expected: float
    tolerance: float
    unit: str
    source: str

    @property
    def passed(self) -> bool:
        """Whether the difference is within the tolerance and three statistical errors."""
        return abs(self.measured - self.expected) <= self.tolerance + 3 * self.error


def physics_checks(store: EventStore) -> tuple[PhysicsCheck, ...]:
    """Compare a background store that `generate` made with published and independent numbers.

    Tolerances: Z peaks are pulled down by photons that leptons radiate; the lepton pT edge is
    blurred by the motion of the W; leading-order cross sections are uncertain by some ten per cent (QCD more).
    Raises `UserError` when the store does not have the processes of the background.
    """
    if store.processes != ("w", "qcd", "z", "ttbar"):
        raise UserError(f"{store.path}: physics checks need a generated background with processes w, qcd, z, ttbar, not {store.processes}")
    layout = named_layout("ugt")
    events = EventStore.open(store.path, layout).read()
    physical = {name: _groups(events.hw[events.process == index], layout) for index, name in enumerate(store.processes)}
    return (*_peaks(physical), *_multiplicities(physical), *_mixture(store.provenance), _pileup(events, store.provenance))


def _groups(hw: npt.NDArray[np.integer], layout: Layout) -> Groups:
    physical = layout.to_physical(hw)
    return {group.name: layout.block(physical, group.name) for group in layout.groups}


def pair_mass(first: FloatArray, second: FloatArray) -> FloatArray:
    """Invariant mass [GeV] of two massless objects (n, 3): pT, eta, phi."""
    d_eta, d_phi = first[:, 1] - second[:, 1], first[:, 2] - second[:, 2]
    return np.sqrt(2 * first[:, 0] * second[:, 0] * (np.cosh(d_eta) - np.cos(d_phi)))


def transverse_mass(lepton: FloatArray, met: FloatArray) -> FloatArray:
    """Transverse mass [GeV] of a lepton and missing momentum, (n, 3) each."""
    return np.sqrt(2 * lepton[:, 0] * met[:, 0] * (1 - np.cos(lepton[:, 2] - met[:, 2])))


def core_median(values: FloatArray, half_width: float = 5.0) -> float:
    """Position of a peak: the median within `half_width` of itself, iterated from the median of all."""
    position = float(np.median(values))
    for _ in range(20):
        position = float(np.median(values[np.abs(values - position) < half_width]))
    return position


def steepest_descent(values: FloatArray, bandwidth: float) -> float:
    """Position of a falling edge: where the derivative of a Gaussian kernel density is most negative."""
    counts, edges = np.histogram(values, np.arange(values.min(), values.max() + 0.2, 0.2))
    centres = (edges[1:] + edges[:-1]) / 2
    distance = (centres[:, None] - centres) / bandwidth
    slope = -(distance * np.exp(-(distance**2) / 2)) @ counts
    return float(centres[np.argmin(slope)])


def _bootstrapped(estimate: Callable[[FloatArray], float], values: FloatArray) -> tuple[float, float]:
    """An estimate and its statistical error from resampled events."""
    rng = np.random.default_rng(0)
    copies = [estimate(values[rng.integers(0, len(values), len(values))]) for _ in range(_BOOTSTRAPS)]
    return estimate(values), float(np.std(copies))


def _leading_lepton(physical: Groups) -> FloatArray:
    electron, muon = physical["eg"][:, 0], physical["mu"][:, 0]
    return np.where(electron[:, :1] > muon[:, :1], electron, muon)


def _peaks(physical: dict[str, Groups]) -> list[PhysicsCheck]:
    checks = []
    for name, group, tolerance in (("mu mu", "mu", 0.6), ("e e", "eg", 1.0)):
        first, second = physical["z"][group][:, 0], physical["z"][group][:, 1]
        both = second[:, 0] > 10
        peak = _bootstrapped(core_median, pair_mass(first[both], second[both]))
        checks.append(PhysicsCheck(f"Z -> {name} mass peak", *peak, _Z_MASS, tolerance, "GeV", _PDG))
    lepton, met = _leading_lepton(physical["w"]), physical["w"]["met"][:, 0]
    edge = _bootstrapped(lambda pt: steepest_descent(pt, 1.5), lepton[lepton[:, 0] > 25, 0])
    checks.append(PhysicsCheck("W lepton pT edge (half the mass)", *edge, _W_MASS / 2, 2.0, "GeV", _PDG))
    edge = _bootstrapped(lambda mass: steepest_descent(mass, _MASS_BANDWIDTH), transverse_mass(lepton, met))
    expected = smeared_mass_edge(_met_resolution(physical["z"]))
    checks.append(PhysicsCheck("W transverse mass edge", *edge, expected, 3.0, "GeV", f"{_PDG}, MET resolution of Z -> mu mu"))
    return checks


def _met_resolution(physical: Groups) -> float:
    """Resolution [GeV] of each MET component, from Z -> mu mu events, which have no neutrino: MET is then a Rayleigh variable."""
    muons = physical["mu"]
    balanced = physical["met"][(muons[:, 1, 0] > 20) & (np.abs(pair_mass(muons[:, 0], muons[:, 1]) - _Z_MASS) < 10)]
    return float(np.median(balanced[:, 0, 0]) / np.sqrt(2 * np.log(2)))


def smeared_mass_edge(resolution: float) -> float:
    """Where the transverse mass falls steepest for W bosons at rest that decay isotropically, MET smeared by `resolution` [GeV].

    The transverse mass does not depend on the motion of the W to first order, so this holds for moving ones, too.
    """
    rng = np.random.default_rng(0)
    mass = _W_MASS + _W_WIDTH / 2 * rng.standard_cauchy(400_000)
    pt = mass / 2 * np.sqrt(1 - rng.uniform(-1, 1, len(mass)) ** 2)
    pt = pt[(pt > _LEPTON_PT) & (pt < _W_MASS)]
    nothing = np.zeros_like(pt)
    # The neutrino flies along -x; the lepton along x.
    x, y = rng.normal(-pt, resolution), rng.normal(nothing, resolution)
    met = np.column_stack([np.hypot(x, y), nothing, np.arctan2(y, x)])
    return steepest_descent(transverse_mass(np.column_stack([pt, nothing, nothing]), met), _MASS_BANDWIDTH)


def _multiplicities(physical: dict[str, Groups]) -> list[PhysicsCheck]:
    def mean(name: str, values: npt.NDArray[Any], facts: tuple[float, float], unit: str, source: str) -> PhysicsCheck:
        return PhysicsCheck(name, float(values.mean()), float(values.std() / len(values) ** 0.5), *facts, unit, source)

    number = {name: {group: (values[..., 0] > 0).sum(axis=1) for group, values in groups.items()} for name, groups in physical.items()}
    return [
        mean("jets per W event", number["w"]["jet"], (0.63, 0.12), "", _MPI),
        mean("jets per ttbar event", number["ttbar"]["jet"], (4.94, 0.4), "", _MPI),
        mean("mean MET of W events", physical["w"]["met"][:, 0, 0], (40.6, 1.5), "GeV", _MPI),
        mean("Z events with two leptons", number["z"]["eg"] + number["z"]["mu"] >= 2, (0.53, 0.05), "", _PUBLIC),
    ]


def _mixture(provenance: Any) -> list[PhysicsCheck]:
    """Shares of the processes that follow from leading-order cross section x acceptance; the store itself has the published ones."""
    processes = provenance["processes"]
    rate = {name: facts["cross_section"] * facts["acceptance"] for name, facts in processes.items()}
    error = {
        name: float(np.hypot(facts["cross_section_error"] * facts["acceptance"], facts["cross_section"] * facts["acceptance_error"]))
        for name, facts in processes.items()
    }
    total = sum(rate.values())
    checks = []
    for name, published, tolerance in (("w", 0.592, 0.06), ("qcd", 0.338, 0.07), ("z", 0.067, 0.025), ("ttbar", 0.003, 0.004)):
        share = rate[name] / total
        others = sum(error[other] ** 2 for other in rate if other != name)
        spread = float(np.hypot((1 - share) * error[name], share * others**0.5)) / total
        checks.append(PhysicsCheck(f"share of {name} from first principles", share, spread, published, tolerance, "", _COCKTAIL))
    return checks


def _pileup(events: Events, provenance: Any) -> PhysicsCheck:
    expected = float(provenance["detector"]["pileup_mean"])
    measured, error = float(events.pileup.mean()), (expected / len(events)) ** 0.5
    # Isolation disfavours crowded events a little.
    return PhysicsCheck("overlaid pileup collisions", measured, error, expected, 0.02 * expected, "", "the configuration")
