"""Truth-level events from Pythia 8: everything that needs no special treatment, and the pileup library."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._config import CALORIMETER_REACH, CollisionClass, ProcessConfig, TruthFilter
from l1ae.data.generator._particles import Kind, Particles
from l1ae.errors import UserError
from l1ae.extras import needs

__all__ = [
    "PARTICLE_REACH",
    "CrossSection",
    "TruthShard",
    "cross_section",
    "generate_class",
    "generate_inclusive",
    "load_extra",
    "make_pythia",
    "passes_filter",
]

PARTICLE_REACH = CALORIMETER_REACH + 0.2
"""|eta| up to which particles are kept."""

_MAX_SEED = 900_000_000
_BATCH = 500


@dataclass(frozen=True)
class CrossSection:
    """Leading-order cross section and its integration error in nb, as Pythia reports them after the run."""

    value: float
    error: float


@dataclass(frozen=True)
class TruthShard:
    """Truth events that pass the filter, out of `generated` parton-level events.

    `source` (events,) int64 is the number of the parton-level event in the shard; `trials` is the number of trials per
    parton-level event: several for processes that are enriched by repeating the last steps. `pt_hat` (events,) [GeV] is the
    transverse momentum of the hardest interaction, None where it is not kept.
    """

    particles: Particles
    source: npt.NDArray[np.int64]
    generated: int
    trials: float
    cross_section: CrossSection
    pt_hat: npt.NDArray[np.float32] | None = None


@cache
def load_extra(name: str) -> Any:
    """Import a package of the optional extra. Raises `UserError` saying how to install it when it is missing."""
    with needs("generator"):
        return import_module(name)


def make_pythia(process: ProcessConfig, seed: int, extra: tuple[str, ...] = ()) -> Any:
    """An initialised Pythia. Raises `UserError` for a setting that Pythia does not accept."""
    pythia = load_extra("pythia8mc").Pythia("", False)
    for setting in (*process.pythia_settings(), "Random:setSeed=on", f"Random:seed={1 + seed % _MAX_SEED}", *extra):
        if not pythia.readString(setting):
            raise UserError(f"Pythia does not accept the setting '{setting}'; see the Pythia 8 manual")
    if not pythia.init():
        raise UserError(f"Pythia could not start with the settings {list(process.settings)}; its own message above says why")
    return pythia


def cross_section(pythia: Any) -> CrossSection:
    """Cross section of all processes that are switched on; Pythia counts in mb."""
    info = pythia.infoPython()
    return CrossSection(info.sigmaGen() * 1e6, info.sigmaErr() * 1e6)


def generate_inclusive(process: ProcessConfig, seed: int, *, filtered: bool = True) -> TruthShard:
    """`process.shard_events` events; the same seed gives the same events. With `filtered`, only those that pass `process.truth`."""
    pythia = make_pythia(process, seed)
    parts, sources = [], []
    for first in range(0, process.shard_events, _BATCH):
        batch = _flatten(pythia.nextBatch(min(_BATCH, process.shard_events - first)))
        cut = process.truth if filtered else None
        chosen = np.arange(len(batch)) if cut is None else np.flatnonzero(passes_filter(batch, cut))
        parts.append(batch.take(chosen))
        sources.append(first + chosen)
    return TruthShard(Particles.concatenate(parts), np.concatenate(sources), process.shard_events, 1.0, cross_section(pythia))


def generate_class(collisions: CollisionClass, seed: int) -> TruthShard:
    """Those of `collisions.shard_events` collisions that are no harder than the class allows, with `pt_hat`.

    Leaving out the hard ones of a soft sample, for which another one stands, is how example main08 of the Pythia manual
    combines the two. Hard interactions inside diffractive systems are not in `pt_hat` and stay.
    """
    pythia = make_pythia(collisions, seed)
    parts, sources, hardness = [], [], []
    for first in range(0, collisions.shard_events, _BATCH):
        batch = pythia.nextBatch(min(_BATCH, collisions.shard_events - first))
        pt_hat = np.sqrt(load_extra("awkward").to_numpy(batch.info.pT2Hat)).astype(np.float32)
        chosen = np.arange(len(pt_hat)) if collisions.pt_hat_max is None else np.flatnonzero(pt_hat < collisions.pt_hat_max)
        parts.append(_flatten(batch).take(chosen))
        sources.append(first + chosen)
        hardness.append(pt_hat[chosen])
    columns = (Particles.concatenate(parts), np.concatenate(sources))
    return TruthShard(*columns, collisions.shard_events, 1.0, cross_section(pythia), np.concatenate(hardness))


def _flatten(batch: Any) -> Particles:
    """Pythia's awkward record of a batch into flat particles."""
    awkward = load_extra("awkward")
    record = batch.prt
    flat = {name: awkward.to_numpy(awkward.flatten(record[name])) for name in ("status", "id")}
    stable = flat["status"] > 0
    momentum = np.stack([awkward.to_numpy(awkward.flatten(record.p[name]))[stable] for name in ("px", "py", "pz", "e")], axis=1)
    length = awkward.to_numpy(awkward.num(record.status))
    event = np.repeat(np.arange(len(length)), length)[stable]
    return Particles.from_momenta(event, len(length), flat["id"][stable], momentum, PARTICLE_REACH)


def passes_filter(particles: Particles, cut: TruthFilter) -> npt.NDArray[np.bool_]:
    """(events,): true where a true electron or muon could become the trigger lepton."""
    eta_max = np.where(particles.kind == Kind.ELECTRON, cut.electron_eta, cut.muon_eta)
    lepton = (particles.kind == Kind.ELECTRON) | (particles.kind == Kind.MUON)
    hard = lepton & (particles.pt > cut.lepton_pt) & (np.abs(particles.eta) < eta_max)
    return np.bincount(particles.event[hard], minlength=len(particles)) > 0
