"""Parametrised detector: tracking, calorimeters, lepton identification and isolation, MET. Vectorised over all particles of many events."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._calorimeter import REGIONS, calorimeter_image
from l1ae.data.generator._config import CALORIMETER_REACH, DetectorConfig, RegionBin, RegionConfig
from l1ae.data.generator._jets import FlatMomenta, reconstruct_jets
from l1ae.data.generator._particles import Kind, Particles, ranges, wrap_phi
from l1ae.data.generator._pileup import PileupLibrary, overlay
from l1ae.data.generator._resolution import calorimeter_resolution, per_bin, quadrature

__all__ = ["Leptons", "Measured", "Reconstructed", "fill_slots", "find_leptons", "measure", "missing_momentum", "reconstruct", "simulate"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MET_SLOT, ELECTRON_SLOTS, MUON_SLOTS, JET_SLOTS = 0, (1, 4), (5, 4), (9, 10)
"""First slot and number of slots of each kind of object, in the order of the layout `ugt`."""

N_SLOTS = 19


@dataclass(frozen=True)
class Measured:
    """Measured particles in flat arrays: event index, pT [GeV], eta, phi, `Kind`, and whether it is identified as a lepton."""

    event: IntArray
    pt: FloatArray
    eta: FloatArray
    phi: FloatArray
    kind: npt.NDArray[np.int8]
    lepton: BoolArray

    def keep(self, chosen: BoolArray | IntArray) -> "Measured":
        """The particles of a mask or at these positions."""
        return Measured(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def merge(self, other: "Measured") -> "Measured":
        """Particles of both, sorted by event."""
        return Measured(*(np.concatenate([getattr(self, field.name), getattr(other, field.name)]) for field in fields(self))).sorted()

    def sorted(self) -> "Measured":
        """The same particles by event, in the given order within each."""
        # Radix sort, several times faster than sorting int64, is what numpy does for 16 bits.
        short = self.event.astype(np.uint16) if len(self.event) and self.event.max() < 2**16 else self.event
        return self.keep(np.argsort(short, kind="stable"))


@dataclass(frozen=True)
class Leptons:
    """Lepton candidates: position in `Measured`, and whether each is isolated."""

    index: IntArray
    isolated: BoolArray


@dataclass(frozen=True)
class Reconstructed:
    """Events that pass the preselection.

    `physical` (n, 19, 3) float32: pT [GeV], eta, phi of MET, 4 electrons, 4 muons, 10 jets, each by falling pT, zeros where
    there is none. `truth` (n,) is the index of the truth event, `pileup` (n,) the number of overlaid collisions. `regions`
    (n, 18, 14) uint16 is the calorimeter image in hardware codes, if asked for.
    """

    physical: FloatArray
    truth: IntArray
    pileup: IntArray
    regions: npt.NDArray[np.uint16] | None = None

    @classmethod
    def concatenate(cls, parts: Sequence["Reconstructed"]) -> "Reconstructed":
        """Events of all parts (at least one), in order; the image is there for all or for none."""
        images = [part.regions for part in parts if part.regions is not None]
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("physical", "truth", "pileup")}
        return cls(**columns, regions=np.concatenate(images) if images else None)

    def select(self, events: IntArray) -> "Reconstructed":
        """The events at these positions, in this order."""
        image = None if self.regions is None else self.regions[events]
        return Reconstructed(self.physical[events], self.truth[events], self.pileup[events], image)

    @classmethod
    def nothing(cls, *, regions: bool) -> "Reconstructed":
        """No event at all."""
        index = np.zeros(0, np.int64)
        image = np.zeros((0, *REGIONS), np.uint16) if regions else None
        return cls(np.zeros((0, N_SLOTS, 3), np.float32), index, index, image)


def simulate(
    truth: Particles, detector: DetectorConfig, library: PileupLibrary, rng: np.random.Generator, regions: RegionConfig | None = None
) -> Reconstructed:
    """One pass of the detector over truth events, each turned and mirrored at random.

    The trigger lepton must come from the hard collision: events without one are dropped before the costly overlay,
    which can only make it less isolated. The calorimeter image is made of the same particles with random numbers of its
    own, so that asking for it changes nothing else.
    """
    turned = truth.rotate(rng.uniform(-np.pi, np.pi, len(truth)).astype(np.float32), rng.random(len(truth)) < 0.5)
    hard = measure(turned, turned.event, detector, rng)
    alive = np.flatnonzero(_triggered(hard, find_leptons(hard, len(truth), detector), len(truth), detector))
    added = overlay(len(alive), library, detector, rng)
    measured = _relabel(hard, alive, len(truth)).merge(measure(added.particles, added.event, detector, rng))
    leptons = find_leptons(measured, len(alive), detector)
    passed = np.flatnonzero(_triggered(measured, leptons, len(alive), detector))
    selected = _relabel(measured, passed, len(alive))
    objects = reconstruct(selected, find_leptons(selected, len(passed), detector), len(passed), detector)
    image = None
    if regions is not None:
        collisions = turned.take(alive[passed])
        soft = [draw.select(passed).particles(library.complete) for draw in added.draws]
        parts = [(collisions.event, collisions), *soft]
        image = calorimeter_image(parts, len(passed), detector, regions, rng.spawn(1)[0])
    return Reconstructed(objects, alive[passed], added.pileup[passed], image)


def _relabel(measured: Measured, events: IntArray, n_events: int) -> Measured:
    """The particles of `events`, numbered by their position in it."""
    position = np.full(n_events, -1)
    position[events] = np.arange(len(events))
    kept = measured.keep(position[measured.event] >= 0)
    return Measured(position[kept.event], *(getattr(kept, field.name) for field in fields(kept)[1:]))


def measure(particles: Particles, event: IntArray, detector: DetectorConfig, rng: np.random.Generator) -> Measured:
    """What tracker and calorimeters make of each particle; those not seen are left out."""
    eta, kind, pt, energy = np.abs(particles.eta), particles.kind, particles.pt, particles.energy
    lucky = rng.random((2, len(pt)), np.float32)
    muon, electron, photon = kind == Kind.MUON, kind == Kind.ELECTRON, kind == Kind.PHOTON
    tracked = ((kind == Kind.CHARGED) | electron | muon) & (eta < detector.tracker_eta) & (pt > detector.track_min_pt)
    tracked &= lucky[0] < _tracking_efficiency(kind, eta, detector)
    electromagnetic = electron | photon
    sigma = np.where(
        tracked & ~electron, _track_resolution(pt, eta, muon, detector), calorimeter_resolution(energy, eta, electromagnetic, detector)
    )
    scale = 1 + sigma * rng.standard_normal(len(pt), np.float32)
    threshold = np.where(electromagnetic, np.float32(detector.electromagnetic_min_energy), np.float32(detector.hadronic_min_energy))
    seen = (scale > 0) & (eta < CALORIMETER_REACH) & (tracked | ((energy * scale > threshold) & ~muon))
    seen &= ~photon | (lucky[0] < _lookup(eta, detector.photon_efficiency))
    identified = tracked & _identified(eta, electron, muon, lucky[1], detector)
    return Measured(event, pt * scale, particles.eta, particles.phi, kind, identified).keep(seen)


def _lookup(eta: FloatArray, bins: tuple[RegionBin, ...]) -> FloatArray:
    return per_bin(eta, bins, "value")


def _tracking_efficiency(kind: npt.NDArray[np.int8], eta: FloatArray, detector: DetectorConfig) -> FloatArray:
    efficiency = _lookup(eta, detector.hadron_tracking)
    for lepton, bins in ((Kind.ELECTRON, detector.electron_tracking), (Kind.MUON, detector.muon_tracking)):
        chosen = np.flatnonzero(kind == lepton)
        efficiency[chosen] = _lookup(eta[chosen], bins)
    return efficiency


def _track_resolution(pt: FloatArray, eta: FloatArray, muon: BoolArray, detector: DetectorConfig) -> FloatArray:
    """sigma(pT) / pT of tracks."""
    resolution = quadrature(per_bin(eta, detector.hadron_track, "constant"), per_bin(eta, detector.hadron_track, "slope") * pt)
    chosen = np.flatnonzero(muon)
    bins, eta = detector.muon_track, eta[chosen]
    resolution[chosen] = quadrature(per_bin(eta, bins, "constant"), per_bin(eta, bins, "slope") * pt[chosen])
    return resolution


def _identified(eta: FloatArray, electron: BoolArray, muon: BoolArray, lucky: FloatArray, detector: DetectorConfig) -> BoolArray:
    found = np.zeros(len(eta), np.bool_)
    for mask, eta_max, bins in (
        (electron, detector.electron_eta, detector.electron_identification),
        (muon, detector.muon_eta, detector.muon_identification),
    ):
        chosen = np.flatnonzero(mask & (eta < eta_max))
        found[chosen] = lucky[chosen] < _lookup(eta[chosen], bins)
    return found


def find_leptons(measured: Measured, n_events: int, detector: DetectorConfig) -> Leptons:
    """Identified leptons above the threshold and the pT sum around each; `measured` must be sorted by event."""
    index = np.flatnonzero(measured.lepton & (measured.pt > detector.lepton_pt))
    length = np.bincount(measured.event, minlength=n_events).astype(np.int64)
    start = np.cumsum(length) - length
    mine = measured.event[index]
    lepton = np.repeat(np.arange(len(index)), length[mine])
    other = ranges(start[mine], length[mine])
    d_eta = measured.eta[other] - np.repeat(measured.eta[index], length[mine])
    near = np.abs(d_eta) < detector.isolation_cone
    lepton, other, d_eta = lepton[near], other[near], d_eta[near]
    d_phi = wrap_phi(measured.phi[other] - measured.phi[index[lepton]])
    inside = (
        (d_eta**2 + d_phi**2 < detector.isolation_cone**2) & (measured.pt[other] > detector.isolation_min_pt) & (other != index[lepton])
    )
    total = np.bincount(lepton[inside], weights=measured.pt[other[inside]], minlength=len(index))
    return Leptons(index, total < detector.isolation_max * measured.pt[index])


def _triggered(measured: Measured, leptons: Leptons, n_events: int, detector: DetectorConfig) -> BoolArray:
    """(events,): true where an isolated lepton passes the trigger threshold."""
    trigger = leptons.index[leptons.isolated & (measured.pt[leptons.index] > detector.trigger_pt)]
    return np.bincount(measured.event[trigger], minlength=n_events) > 0


def reconstruct(measured: Measured, leptons: Leptons, n_events: int, detector: DetectorConfig) -> FloatArray:
    """Objects (events, 19, 3) of measured particles sorted by event."""
    objects = np.zeros((n_events, N_SLOTS, 3), np.float32)
    objects[:, MET_SLOT, [0, 2]] = missing_momentum(measured, n_events)
    chosen = leptons.index[leptons.isolated] if detector.isolate_all_leptons else leptons.index
    for kind, slots in ((Kind.ELECTRON, ELECTRON_SLOTS), (Kind.MUON, MUON_SLOTS)):
        mine = measured.keep(chosen[measured.kind[chosen] == kind])
        fill_slots(objects, slots, mine.event, np.stack([mine.pt, mine.eta, mine.phi], axis=1))
    clustered = measured.kind != Kind.MUON
    if not detector.isolated_leptons_in_jets:
        clustered[leptons.index[leptons.isolated]] = False
    rest = measured.keep(clustered)
    jets = reconstruct_jets(FlatMomenta(rest.event, rest.pt, rest.eta, rest.phi), n_events, detector)
    fill_slots(objects, JET_SLOTS, jets.event, np.stack([jets.pt, jets.eta, jets.phi], axis=1))
    return objects


def missing_momentum(measured: Measured, n_events: int) -> FloatArray:
    """(events, 2): size [GeV] and direction of the momentum that balances everything measured."""
    x = -np.bincount(measured.event, weights=measured.pt * np.cos(measured.phi), minlength=n_events)
    y = -np.bincount(measured.event, weights=measured.pt * np.sin(measured.phi), minlength=n_events)
    return np.stack([np.hypot(x, y), np.arctan2(y, x)], axis=1).astype(np.float32)


def fill_slots(objects: FloatArray, slots: tuple[int, int], event: IntArray, values: FloatArray) -> None:
    """Write the hardest objects, `values` (n, 3) of `event` (n,), into the slots (first, number) of `objects` by falling pT."""
    first, number = slots
    order = np.lexsort((-values[:, 0], event))
    event, values = event[order], values[order]
    rank = np.arange(len(event)) - np.searchsorted(event, event)
    kept = rank < number
    objects[event[kept], first + rank[kept]] = values[kept]
