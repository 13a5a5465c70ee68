"""Full events compared with facts from elsewhere: charges, bending, sums, towers."""

import numpy as np
import numpy.typing as npt

from l1ae.data._store import EventStore
from l1ae.data.generator._physics import PhysicsCheck
from l1ae.errors import UserError
from l1ae.inputs import named_layout

__all__ = ["crossing_checks", "full_checks"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_EXACT = "definition (CMSSW Stage2Layer2JetSumAlgorithm)"
_KINEMATICS = "momentum balance of W -> l nu"
_LEPTON_PT = 23.0


class _Columns:
    """Physical values and codes (n, slots) of a store by group and feature."""

    def __init__(self, store: EventStore) -> None:
        self._layout = named_layout("ugt_full")
        events = EventStore.open(store.path, self._layout).read()
        self._hw, self._physical = events.hw, self._layout.to_physical(events.hw)
        self.process, self.pileup = events.process, events.pileup

    def values(self, group: str, feature: str) -> FloatArray:
        """Physical values."""
        return self._physical[:, self._layout.positions(group, feature)]

    def codes(self, group: str, feature: str) -> npt.NDArray[np.int64]:
        """Hardware codes."""
        return self._hw[:, self._layout.positions(group, feature)].astype(np.int64)

    def vector(self, group: str) -> npt.NDArray[np.complex128]:
        """(n,): transverse momentum [GeV] of the first slot, along x + i y."""
        return np.asarray(self.values(group, "pt")[:, 0] * np.exp(1j * self.values(group, "phi")[:, 0]), np.complex128)


def full_checks(store: EventStore) -> tuple[PhysicsCheck, ...]:
    """Compare a background of layout `ugt_full` that `generate` made. Raises `UserError` for other processes or another layout."""
    if store.processes != ("w", "qcd", "z", "ttbar"):
        raise UserError(f"{store.path}: physics checks need a generated background with processes w, qcd, z, ttbar, not {store.processes}")
    columns = _Columns(store)
    return (*_charges(columns), *_bending(columns), *_jet_sums(columns), *_balance(columns), *_towers(columns), *_isolation(columns))


def crossing_checks(store: EventStore) -> tuple[PhysicsCheck, ...]:
    """Compare unweighted crossings of layout `ugt_full`: energies grow with the number of collisions, directions are random."""
    columns = _Columns(store)
    total, missing = columns.values("ett", "pt")[:, 0], columns.vector("met_hf")
    few, many = columns.pileup <= np.quantile(columns.pileup, 0.3), columns.pileup >= np.quantile(columns.pileup, 0.7)
    source = "superposition of independent collisions"
    checks = []
    for name, value, tolerance in (
        ("ET per collision, crowded over empty crossings", total, 0.06),
        ("squared MET with HF per collision, crowded over empty crossings", np.abs(missing) ** 2, 0.25),
    ):
        ratio, error = _ratio(value, columns.pileup.astype(np.float64), many, few)
        checks.append(PhysicsCheck(name, ratio, error, 1.0, tolerance, "", source))
    mean = abs((missing / np.maximum(np.abs(missing), 1e-9)).mean())
    error = 1 / len(missing) ** 0.5
    checks.append(PhysicsCheck("MET with HF: mean direction", float(mean), error, 0.0, 0.0, "", "symmetry around the beam"))
    together = float(np.corrcoef(total, columns.values("htt", "tower_count")[:, 0])[0, 1])
    checks.append(PhysicsCheck("ET and tower count: correlation", together, (1 - together**2) * error, 0.95, 0.05, "", source))
    return tuple(checks)


def _ratio(value: FloatArray, number: FloatArray, many: BoolArray, few: BoolArray) -> tuple[float, float]:
    """Mean value per mean number of the crossings `many` over that of `few`, with its error."""
    parts = [(value[mask].mean() / number[mask].mean(), value[mask].std() / value[mask].mean() / mask.sum() ** 0.5) for mask in (many, few)]
    ratio = parts[0][0] / parts[1][0]
    return float(ratio), float(ratio * np.hypot(parts[0][1], parts[1][1]))


def _mean(name: str, values: npt.NDArray[np.floating] | BoolArray, facts: tuple[float, float], unit: str, source: str) -> PhysicsCheck:
    values = np.asarray(values, np.float64)
    return PhysicsCheck(name, float(values.mean()), float(values.std() / max(len(values), 1) ** 0.5), *facts, unit, source)


def _charges(columns: _Columns) -> list[PhysicsCheck]:
    charge = columns.codes("mu", "charge")[:, 0]
    hard = (columns.process == 0) & (columns.values("mu", "pt")[:, 0] > _LEPTON_PT)
    plus, minus = ((hard & (charge == sign)).sum() for sign in (1, -1))
    error = plus / minus * (1 / plus + 1 / minus) ** 0.5
    source = "ATLAS, PLB 759 (2016) 601 (arXiv:1603.09222), 13 TeV, lepton pT > 25 GeV"
    return [PhysicsCheck("W+ over W-, muons", float(plus / minus), float(error), 1.295, 0.1, "", source)]


def _bending(columns: _Columns) -> list[PhysicsCheck]:
    """(phi at the station - phi at the vertex) x pT in the barrel, against that of a hard muon: 3.8 T up to 3 m, straight on to 4.9 m."""
    expected = 0.299792458 * 3.8 * 3.0 / 2 * (2 - 3.0 / 4.9)
    pt, charge = columns.values("mu", "pt"), columns.codes("mu", "charge")
    turn = np.angle(np.exp(1j * (columns.values("mu", "phi_station") - columns.values("mu", "phi"))))
    chosen = (pt > 20) & (np.abs(columns.values("mu", "eta")) < 0.8)
    checks = []
    for sign in (1, -1):
        values = (turn * pt)[chosen & (charge == sign)]
        error = float(1.25 * values.std() / len(values) ** 0.5)
        name = f"bending of {'positive' if sign > 0 else 'negative'} muons x pT"
        checks.append(
            PhysicsCheck(name, float(np.median(values)), error, -sign * expected, 0.1, "rad GeV", "3.8 T in a bore of 6 m, arXiv:0910.5530")
        )
    wrong = _mean(
        "muons that bend with their charge", np.sign(turn[chosen]) == charge[chosen], (0.0, 0.04), "", "sign of the Lorentz force"
    )
    return [*checks, wrong]


def _jet_sums(columns: _Columns) -> list[PhysicsCheck]:
    pt = columns.codes("jet", "pt")
    complete = pt[:, -1] == 0
    counted = (pt >= 60) & (np.abs(columns.values("jet", "eta")) < 2.5)
    total = np.where(counted, pt, 0).sum(axis=1)
    exact = columns.codes("htt", "pt")[:, 0] == np.minimum(total, 4095)
    balance = (np.where(counted, pt, 0) * np.exp(1j * columns.values("jet", "phi"))).sum(axis=1)
    size, angle = columns.codes("mht", "pt")[:, 0], columns.values("mht", "phi")[:, 0]
    closure = np.abs(np.where(size > 0, (size + 0.5) * np.exp(1j * angle), 0) + balance)[complete] / 2
    return [
        _mean("HT is the sum of its jets", exact[complete], (1.0, 0.0), "", _EXACT),
        # Rounding: of the size to 0.5 GeV, of the direction to 2.5 degrees.
        _mean("MHT and its jets: what is left", closure, (0.0, 1.0), "GeV", _EXACT),
    ]


def _balance(columns: _Columns) -> list[PhysicsCheck]:
    """Missing momentum of towers against that of particles: muons leave 2 of 40 GeV in the calorimeters, electrons all of it."""
    checks = []
    for name, group, unseen in (("mu nu", "mu", 0.95), ("e nu", "eg", 0.0)):
        chosen = (columns.process == 0) & (columns.values(group, "pt")[:, 0] > _LEPTON_PT)
        lepton, particles, towers = (columns.vector(which)[chosen] for which in (group, "met", "met_hf"))
        along = ((towers - particles) * np.conj(lepton) / np.abs(lepton) ** 2).real
        checks.append(_mean(f"share of the lepton missing in the towers, W -> {name}", along, (unseen, 0.08), "", _KINEMATICS))
    return checks


def _towers(columns: _Columns) -> list[PhysicsCheck]:
    part, total = columns.values("ett", "pt_em")[:, 0], columns.values("ett", "pt")[:, 0]
    expected = 0.28 + 0.72 * -np.expm1(-1.1) / 2
    share = float(part.sum() / total.sum())
    error = float((part - share * total).std() / total.mean() / len(total) ** 0.5)
    source = "isospin: 28 % photons; hadrons interact in 1.1 interaction lengths"
    return [PhysicsCheck("electromagnetic share of ET", share, error, expected, 0.08, "", source)]


def _isolation(columns: _Columns) -> list[PhysicsCheck]:
    """Working points, and that what is tight is loose, too."""
    bits, hard = columns.codes("eg", "isolation")[:, 0], columns.values("eg", "pt")[:, 0] > _LEPTON_PT
    prompt = bits[hard & (columns.process == 0)]
    source = "working point of the configuration"
    return [
        _mean("electrons of W: tightly isolated", prompt & 1, (0.90, 0.05), "", source),
        _mean("electrons of W: loosely isolated", prompt >> 1, (0.97, 0.03), "", source),
        _mean("electrons: tight but not loose", bits[hard] == 1, (0.0, 0.0), "", "definition"),
    ]
