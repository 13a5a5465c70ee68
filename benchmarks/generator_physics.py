"""Compare generated events with published and independent facts.

    python benchmarks/generator_physics.py [STORE.h5]
    python benchmarks/generator_physics.py --full FOLDER [--events 6000] [--crossings 4000] [--taus 800]

The first compares a background, by default the one that comes with the package. The second makes full events in FOLDER (some
ten minutes on one core; finished shards are kept): a background, crossings with one class of inelastic collisions, and
Z -> tau tau with one muon and one hadronic tau whose truth is known. Exits 1 when a number is further off than its stated tolerance.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from results import StatedTable, keep

from l1ae.data import EventStore, dataset_folder
from l1ae.data.generator import (
    ZERO_BIAS,
    GeneratorConfig,
    PhysicsCheck,
    ProcessConfig,
    ZeroBiasConfig,
    crossing_checks,
    full_checks,
    generate,
    physics_checks,
)
from l1ae.data.generator._detector import Readout, simulate
from l1ae.data.generator._full import FullReadout, full_layout
from l1ae.data.generator._particles import Particles, wrap_phi
from l1ae.data.generator._physics import pair_mass
from l1ae.data.generator._pileup import PileupLibrary
from l1ae.data.generator._pythia import _flatten, load_extra, make_pythia
from l1ae.data.generator._shards import Task, _load_truth, make_truth, pileup_tasks

FloatArray = npt.NDArray[np.float64]

Z_TO_MU_TAU = ProcessConfig(
    settings=(
        *("WeakSingleBoson:ffbar2gmZ=on", "PhaseSpace:mHatMin=60.", "23:onMode=off", "23:onIfAny=15"),
        *("15:onMode=off", "15:onPosIfAny=13", "15:onNegIfAny=211 321"),
    )
)
"""The negative tau decays to a muon, the positive one to hadrons."""


@dataclass(frozen=True)
class TrueTaus:
    """Events with a muon and a hadronic tau: particles, and pT [GeV], eta, phi (n, 3) of the muon and of what is visible of the tau."""

    particles: Particles
    muon: FloatArray
    visible: FloatArray


def true_taus(number: int, seed: int = 77) -> TrueTaus:
    """Events in which both are hard and central enough to be found."""
    pythia = make_pythia(Z_TO_MU_TAU, seed)
    parts: list[Particles] = []
    muons, taus = [np.zeros((0, 3))], [np.zeros((0, 3))]
    while sum(map(len, muons)) < number:
        batch = pythia.nextBatch(500)
        record = batch.prt
        # The last copy of the positive tau is the one that decays; its neutrino is the only one of its kind.
        tau, neutrino = record[record.id == -15][:, -1], record[(record.id == -16) & (record.status > 0)][:, 0]
        muon, visible = _muons(record), _momenta(tau) - _momenta(neutrino)
        mine, seen = _cylindrical(muon), _cylindrical(visible)
        good = (mine[:, 0] > 25) & (np.abs(mine[:, 1]) < 2) & (seen[:, 0] > 20) & (np.abs(seen[:, 1]) < 2.1)
        parts.append(_flatten(batch).take(np.flatnonzero(good)))
        muons.append(mine[good])
        taus.append(seen[good])
    return TrueTaus(Particles.concatenate(parts), np.concatenate(muons), np.concatenate(taus))


def _momenta(particle: Any) -> FloatArray:
    return np.stack([load_extra("awkward").to_numpy(particle.p[name], allow_missing=False) for name in ("px", "py", "pz")], axis=1)


def _muons(record: Any) -> FloatArray:
    """Momentum of the hardest negative muon of each event."""
    awkward = load_extra("awkward")
    muons = record[(record.id == 13) & (record.status > 0)]
    hardest = awkward.argmax(muons.p.px**2 + muons.p.py**2, axis=1, keepdims=True)
    return _momenta(muons[hardest][:, 0])


def _cylindrical(momentum: FloatArray) -> FloatArray:
    pt = np.hypot(momentum[:, 0], momentum[:, 1])
    return np.stack([pt, np.arcsinh(momentum[:, 2] / pt), np.arctan2(momentum[:, 1], momentum[:, 0])], axis=1)


def tau_checks(truth: TrueTaus, config: GeneratorConfig, folder: Path) -> list[PhysicsCheck]:
    """Hadronic taus found in the events of `truth` with pileup, against what is true."""
    events, hw = _simulated(truth, config, folder)
    layout = full_layout()
    physical = layout.to_physical(hw)
    taus, muon = layout.block(physical, "tau"), layout.block(physical, "mu")[:, 0]
    true_muon, true_tau = truth.muon[events], truth.visible[events]
    # Each event was turned and mirrored: the muon tells how.
    mirror = np.sign(muon[:, 1] * true_muon[:, 1])[:, None]
    d_eta = taus[..., 1] * mirror - true_tau[:, None, 1]
    d_phi = wrap_phi((taus[..., 2] - muon[:, None, 2]) - (true_tau - true_muon)[:, None, 2])
    near = (np.hypot(d_eta, d_phi) < 0.3) & (taus[..., 0] > 0)
    best = np.where(near, taus[..., 0], 0).argmax(axis=1)
    row, found = np.arange(len(best)), near.any(axis=1)
    chosen = taus[row, best]
    hard, middle = true_tau[:, 0] > 40, found & (true_tau[:, 0] > 30) & (true_tau[:, 0] < 60)
    response = chosen[middle, 0] / true_tau[middle, 0]
    isolated = found & (chosen[:, 0] > 20) & (layout.block(hw, "tau")[row, best, 3] > 0)
    masses = [pair_mass(one, other) for one, other in ((muon[found], chosen[found]), (true_muon[found], true_tau[found]))]
    spread = [float(1.25 * values.std() / len(values) ** 0.5) for values in (response, masses[0])]
    paper = "plateau of tau seeds with isolation, JINST 15 (2020) P10017, about 0.9"
    return [
        PhysicsCheck("tau pT over visible pT, 30 to 60 GeV", float(np.median(response)), spread[0], 1.0, 0.1, "", "calibration"),
        _fraction("isolated taus found, visible pT > 40 GeV", isolated[hard], (0.9, 0.07), paper),
        PhysicsCheck("visible mass of mu tau", float(np.median(masses[0])), spread[1], float(np.median(masses[1])), 4, "GeV", "Pythia"),
        _fraction(
            "visible mass of mu tau within 40 to 80 GeV",
            (masses[0] > 40) & (masses[0] < 80),
            (0.8, 0.15),
            "window that CMS selects Z -> tau tau with (CMS Level-1 tau performance in 2018 data)",
        ),
    ]


def _simulated(truth: TrueTaus, config: GeneratorConfig, folder: Path) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.integer]]:
    """Number of the true event of each event that passes the preselection, and its codes."""
    assert config.full is not None
    tasks: Sequence[Task] = pileup_tasks(config, folder)
    for task in tasks:
        make_truth(task)
    collisions = Particles.concatenate([_load_truth(task)[0].particles for task in tasks])
    library = PileupLibrary.build(collisions, config.detector)
    readout, rng = Readout(full=FullReadout(config.full, np.random.default_rng(6))), np.random.default_rng(5)
    events, codes = [], []
    for first in range(0, len(truth.particles), 250):
        batch = np.arange(first, min(first + 250, len(truth.particles)))
        made = simulate(truth.particles.take(batch), config.detector, library, rng, readout)
        assert made.full is not None
        events.append(batch[made.truth])
        codes.append(made.full)
    return np.concatenate(events), np.concatenate(codes)


def _fraction(name: str, chosen: npt.NDArray[np.bool_], facts: tuple[float, float], source: str) -> PhysicsCheck:
    share = float(chosen.mean())
    return PhysicsCheck(name, share, (share * (1 - share) / len(chosen)) ** 0.5, *facts, "", source)


def fake_check(store: EventStore) -> PhysicsCheck:
    """Isolated share of the clusters that jets of zero bias make."""
    layout = full_layout()
    hw = EventStore.open(store.path, layout).read().hw
    pt, bit = (hw[:, layout.positions("tau", name)] for name in ("pt", "isolation"))
    chosen = (pt >= 40) & (pt < 100)
    return _fraction(
        "isolated among clusters of 20 to 50 GeV in zero bias",
        bit[chosen] > 0,
        (0.5, 0.15),
        "half of the clusters, which makes a quarter of the pairs (working point)",
    )


def plain_crossings(library_shards: int = 3) -> GeneratorConfig:
    """Crossings without strata: all collisions are of one class."""
    soft = GeneratorConfig().zero_bias.classes["soft"]
    changes = {"pt_hat_max": None, "share": 1.0, "library_shards": library_shards, "shard_events": 4000}
    classes = {"soft": soft.model_copy(update=changes)}
    return GeneratorConfig(zero_bias=ZeroBiasConfig(classes=classes)).read_out(layout="ugt_full")


def check_full(folder: Path, events: int, crossings: int, taus: int) -> list[PhysicsCheck]:
    """Make full events and compare them."""
    shards, config = folder / "shards", GeneratorConfig().read_out(layout="ugt_full")
    background, crossing = folder / "background.h5", folder / "crossings.h5"
    generate("background", events, background, config=config, shards=shards, overwrite=True)
    generate(ZERO_BIAS, crossings, crossing, config=plain_crossings(), shards=shards, overwrite=True)
    checks = [*full_checks(EventStore.open(background)), *crossing_checks(EventStore.open(crossing)), fake_check(EventStore.open(crossing))]
    return [*checks, *tau_checks(true_taus(taus), config, shards)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path, nargs="?")
    parser.add_argument("--full", type=Path, metavar="FOLDER")
    parser.add_argument("--events", type=int, default=6000)
    parser.add_argument("--crossings", type=int, default=4000)
    parser.add_argument("--taus", type=int, default=800)
    parser.add_argument("--keep", action="store_true", help="write the table into docs/results, which pages are filled from")
    arguments = parser.parse_args()
    checks: Sequence[PhysicsCheck]
    if arguments.full:
        checks = check_full(arguments.full, arguments.events, arguments.crossings, arguments.taus)
        print(f"{arguments.events} events, {arguments.crossings} crossings, {arguments.taus} taus\n")
    else:
        store = EventStore.open(arguments.store or dataset_folder("shipped") / "background.h5")
        checks = physics_checks(store)
        print(f"{store.path}: {store.n_events} events\n")
    lines = ["| quantity | measured | expected | tolerance | | source of the expectation |", "|---|---|---|---|---|---|"]
    for check in checks:
        measured = f"{check.measured:.3f} ± {check.error:.3f} {check.unit}".strip()
        verdict = "ok" if check.passed else "OFF"
        lines.append(f"| {check.name} | {measured} | {check.expected:.3f} | {check.tolerance:g} | {verdict} | {check.source} |")
    print("\n".join(lines))
    if arguments.keep:
        file, option = ("generator_full", " --full FOLDER") if arguments.full else ("generator_physics", "")
        keep(file, f"python benchmarks/generator_physics.py{option}", tables={"checks": StatedTable.of(lines)})
    sys.exit(not all(check.passed for check in checks))


if __name__ == "__main__":
    main()
