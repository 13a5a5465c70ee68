"""Parametrised detector: tracking, calorimeters, lepton identification and isolation, MET. Vectorised over all particles of many events."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._calorimeter import REGIONS, calorimeter_image
from l1ae.data.generator._config import CALORIMETER_REACH, DetectorConfig, RegionBin, RegionConfig
from l1ae.data.generator._full import FullReadout, full_layout
from l1ae.data.generator._jets import FlatMomenta, reconstruct_jets
from l1ae.data.generator._objects import Leptons, Objects, fill_slots
from l1ae.data.generator._particles import Kind, Particles, ranges, wrap_phi
from l1ae.data.generator._pileup import PileupLibrary, overlay
from l1ae.data.generator._resolution import calorimeter_resolution, per_bin, quadrature

__all__ = [
    "OBJECTS_ONLY",
    "Isolation",
    "Measured",
    "Readout",
    "Reconstructed",
    "find_leptons",
    "find_objects",
    "in_slots",
    "measure",
    "missing_momentum",
    "simulate",
]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MET_SLOT, ELECTRON_SLOTS, MUON_SLOTS, JET_SLOTS = 0, (1, 4), (5, 4), (9, 10)
"""First slot and number of slots of each kind of object, in the order of the layout `ugt`."""

N_SLOTS = 19


@dataclass(frozen=True)
class Measured:
    """Measured particles in flat arrays: event index, pT [GeV], eta, phi, `Kind`, whether identified as a lepton, sign of the charge."""

    event: IntArray
    pt: FloatArray
    eta: FloatArray
    phi: FloatArray
    kind: npt.NDArray[np.int8]
    lepton: BoolArray
    charge: npt.NDArray[np.int8]

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
class Isolation:
    """Lepton candidates: position in `Measured`, and whether each is isolated."""

    index: IntArray
    isolated: BoolArray


@dataclass(frozen=True)
class Reconstructed:
    """Events that pass the preselection.

    `physical` (n, 19, 3) float32: pT [GeV], eta, phi of MET, 4 electrons, 4 muons, 10 jets, each by falling pT, zeros where
    there is none. `truth` (n,) is the index of the truth event, `pileup` (n,) the number of overlaid collisions. `regions`
    (n, 18, 14) uint16 is the calorimeter image, `full` (n, size) the layout `ugt_full`, both in hardware codes, if asked for.
    """

    physical: FloatArray
    truth: IntArray
    pileup: IntArray
    regions: npt.NDArray[np.uint16] | None = None
    full: npt.NDArray[np.integer] | None = None

    @classmethod
    def concatenate(cls, parts: Sequence["Reconstructed"]) -> "Reconstructed":
        """Events of all parts (at least one), in order; what is not always made is there for all or for none."""
        columns: list[list[Any]] = [[getattr(part, field.name) for part in parts] for field in fields(cls)]
        joined: list[Any] = [None if any(item is None for item in column) else np.concatenate(column) for column in columns]
        return cls(*joined)

    def select(self, events: IntArray) -> "Reconstructed":
        """The events at these positions, in this order."""
        columns: list[Any] = [getattr(self, field.name) for field in fields(self)]
        chosen: list[Any] = [None if column is None else column[events] for column in columns]
        return Reconstructed(*chosen)

    @classmethod
    def nothing(cls, *, regions: bool, full: bool = False) -> "Reconstructed":
        """No event at all."""
        index = np.zeros(0, np.int64)
        image = np.zeros((0, *REGIONS), np.uint16) if regions else None
        layout = full_layout()
        codes = np.zeros((0, layout.size), layout.dtype) if full else None
        return cls(np.zeros((0, N_SLOTS, 3), np.float32), index, index, image, codes)


@dataclass(frozen=True)
class Readout:
    """What is read out beside the objects of `ugt`."""

    regions: RegionConfig | None = None
    full: FullReadout | None = None

    @property
    def wanted(self) -> bool:
        """Whether there is anything."""
        return self.regions is not None or self.full is not None

    def make(
        self, objects: Objects, parts: Sequence[tuple[IntArray, Particles]], detector: DetectorConfig, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.uint16] | None, npt.NDArray[np.integer] | None]:
        """Calorimeter image, and codes of full events, of all particles in `parts`, as far as they are asked for."""
        image = None if self.regions is None else calorimeter_image(parts, len(objects.met), detector, self.regions, rng.spawn(1)[0])
        return image, None if self.full is None else self.full.codes(objects, parts, detector)


OBJECTS_ONLY = Readout()
"""Nothing beside the objects."""


def simulate(
    truth: Particles,
    detector: DetectorConfig,
    library: PileupLibrary,
    rng: np.random.Generator,
    readout: Readout = OBJECTS_ONLY,
) -> Reconstructed:
    """One pass of the detector over truth events, each turned and mirrored at random.

    The trigger lepton must come from the hard collision: events without one are dropped before the costly overlay,
    which can only make it less isolated. The calorimeter image and full events are made of the same particles with random
    numbers of their own, so that asking for them changes nothing else.
    """
    turned = truth.rotate(rng.uniform(-np.pi, np.pi, len(truth)).astype(np.float32), rng.random(len(truth)) < 0.5)
    hard = measure(turned, turned.event, detector, rng)
    alive = np.flatnonzero(_triggered(hard, find_leptons(hard, len(truth), detector), len(truth), detector))
    added = overlay(len(alive), library, detector, rng)
    measured = _relabel(hard, alive, len(truth)).merge(measure(added.particles, added.event, detector, rng))
    leptons = find_leptons(measured, len(alive), detector)
    passed = np.flatnonzero(_triggered(measured, leptons, len(alive), detector))
    selected = _relabel(measured, passed, len(alive))
    objects = find_objects(selected, find_leptons(selected, len(passed), detector), len(passed), detector)
    image = codes = None
    if readout.wanted:
        collisions = turned.take(alive[passed])
        soft = [draw.select(passed).particles(library.complete) for draw in added.draws]
        image, codes = readout.make(objects, [(collisions.event, collisions), *soft], detector, rng)
    return Reconstructed(in_slots(objects), alive[passed], added.pileup[passed], image, codes)


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
    return Measured(event, pt * scale, particles.eta, particles.phi, kind, identified, particles.charge).keep(seen)


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


def find_leptons(measured: Measured, n_events: int, detector: DetectorConfig) -> Isolation:
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
    return Isolation(index, total < detector.isolation_max * measured.pt[index])


def _triggered(measured: Measured, leptons: Isolation, n_events: int, detector: DetectorConfig) -> BoolArray:
    """(events,): true where an isolated lepton passes the trigger threshold, everywhere without one."""
    if detector.trigger_pt is None:
        return np.ones(n_events, np.bool_)
    trigger = leptons.index[leptons.isolated & (measured.pt[leptons.index] > detector.trigger_pt)]
    return np.bincount(measured.event[trigger], minlength=n_events) > 0


def find_objects(measured: Measured, leptons: Isolation, n_events: int, detector: DetectorConfig) -> Objects:
    """Objects of measured particles sorted by event."""
    chosen = leptons.index[leptons.isolated] if detector.isolate_all_leptons else leptons.index
    found = [measured.keep(chosen[measured.kind[chosen] == kind]) for kind in (Kind.ELECTRON, Kind.MUON)]
    electrons, muons = (Leptons(mine.event, mine.pt, mine.eta, mine.phi, mine.charge) for mine in found)
    clustered = measured.kind != Kind.MUON
    if not detector.isolated_leptons_in_jets:
        clustered[leptons.index[leptons.isolated]] = False
    rest = measured.keep(clustered)
    jets = reconstruct_jets(FlatMomenta(rest.event, rest.pt, rest.eta, rest.phi), n_events, detector)
    return Objects(missing_momentum(measured, n_events), electrons, muons, jets)


def in_slots(objects: Objects) -> FloatArray:
    """Objects as (events, 19, 3)."""
    slots = np.zeros((len(objects.met), N_SLOTS, 3), np.float32)
    slots[:, MET_SLOT, [0, 2]] = objects.met
    for (first, number), mine in ((ELECTRON_SLOTS, objects.electrons), (MUON_SLOTS, objects.muons), (JET_SLOTS, objects.jets)):
        fill_slots(slots[:, first : first + number], mine.event, np.stack([mine.pt, mine.eta, mine.phi], axis=1), mine.pt)
    return slots


def missing_momentum(measured: Measured, n_events: int) -> FloatArray:
    """(events, 2): size [GeV] and direction of the momentum that balances everything measured."""
    x = -np.bincount(measured.event, weights=measured.pt * np.cos(measured.phi), minlength=n_events)
    y = -np.bincount(measured.event, weights=measured.pt * np.sin(measured.phi), minlength=n_events)
    return np.stack([np.hypot(x, y), np.arctan2(y, x)], axis=1).astype(np.float32)
