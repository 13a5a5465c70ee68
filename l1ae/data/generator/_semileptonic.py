"""QCD events with an isolated lepton from a b or c hadron, enriched but unweighted.

Only 1 of some 10^5 QCD events passes the preselection. Two steps enrich them without weights:

* a parton-level event with a hard b or c quark is hadronised several times;
* one hard heavy hadron at a time is forced to decay semileptonically, in tries x (its semileptonic branching fraction)
  trials, rounded at random to an integer so that the expected number is exact: every hadron species and decay mode
  appears in the proportion in which it would appear in `tries` free decays of each hadron.

All copies of one parton-level event share its source number, by which samples must be split and resampled.
Left out: leptons from b -> c -> l cascades (they would add a sixth to the acceptance), from tau and Dalitz decays, and
hadrons misidentified as leptons.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from l1ae.data.generator._config import ProcessConfig, SemileptonicConfig
from l1ae.data.generator._particles import Particles, wrap_phi
from l1ae.data.generator._pythia import PARTICLE_REACH, TruthShard, cross_section, load_extra, make_pythia

__all__ = ["generate_semileptonic"]

# Weakly decaying b and c hadrons.
_HEAVY = frozenset({511, 521, 531, 541, 5122, 5132, 5232, 5332, 411, 421, 431, 4122, 4132, 4232, 4332})
_QUARK_ETA = 3.5
_HADRON_ETA = 3.2


@dataclass(frozen=True)
class _Modes:
    """Decay table of a hadron: the switch of each channel for free and for forced decays, and the semileptonic fraction.

    Pythia's switches: 0 off, 1 on, 2 on for the particle only, 3 on for the antiparticle only.
    """

    free: tuple[int, ...]
    forced: tuple[int, ...]
    fraction: float


def generate_semileptonic(process: ProcessConfig, seed: int) -> TruthShard:
    """Truth events out of `process.shard_events` parton-level events; the same seed gives the same events."""
    assert process.semileptonic is not None
    decays = _ForcedDecays(process, process.semileptonic, seed)
    parts, sources = [], []
    for source in range(process.shard_events):
        for particles in decays.next_event():
            parts.append(particles)
            sources.append(source)
    trials = process.semileptonic.hadronisations * process.semileptonic.tries
    particles = Particles.concatenate(parts)
    return TruthShard(particles, np.array(sources, np.int64), process.shard_events, trials, cross_section(decays.pythia))


class _ForcedDecays:
    """A Pythia that stops after the shower and is driven through hadronisation and decays by hand."""

    def __init__(self, process: ProcessConfig, cut: SemileptonicConfig, seed: int) -> None:
        stable = tuple(f"{hadron}:mayDecay=off" for hadron in sorted(_HEAVY))
        self.pythia = make_pythia(process, seed, ("HadronLevel:all=off", *stable))
        self._cut = cut
        assert process.truth is not None
        self._eta_max = {11: process.truth.electron_eta, 13: process.truth.muon_eta}
        self._rng = np.random.default_rng(seed)
        self._modes = {hadron: _semileptonic_modes(self.pythia, hadron) for hadron in sorted(_HEAVY)}
        self._copy_event = load_extra("pythia8mc").Event

    def next_event(self) -> Iterator[Particles]:
        """Shower one event and yield its accepted copies, each a `Particles` of one event."""
        if not self.pythia.next() or not self._has_heavy_quark():
            return
        partons = self._copy_event(self.pythia.event)
        for copy in range(self._cut.hadronisations):
            if copy:
                self.pythia.event = partons
            if self.pythia.forceHadronLevel():
                yield from self._decay_each_hadron()

    def _has_heavy_quark(self) -> bool:
        cut = self._cut.quark_pt
        return any(p.idAbs() in (4, 5) and p.isFinal() and p.pT() > cut and abs(p.eta()) < _QUARK_ETA for p in self.pythia.event)

    def _decay_each_hadron(self) -> Iterator[Particles]:
        event = self.pythia.event
        hadrons = [p.index() for p in event if p.isFinal() and p.idAbs() in _HEAVY]
        for tag in hadrons:
            if event[tag].pT() > self._cut.hadron_pt and abs(event[tag].eta()) < _HADRON_ETA:
                yield from self._force_decays(tag, [index for index in hadrons if index != tag])

    def _force_decays(self, tag: int, others: list[int]) -> Iterator[Particles]:
        """Decay hadron `tag` semileptonically, again and again; its event record is restored after each trial."""
        pythia, species = self.pythia, self.pythia.event[tag].idAbs()
        size = pythia.event.size()
        self._only_semileptonic(species, True)
        for index in others:
            pythia.event[index].statusNeg()
        for _ in range(self._stochastic_round(self._cut.tries * self._modes[species].fraction)):
            pythia.moreDecays()
            lepton = self._hard_lepton(size)
            if lepton is not None:
                yield from self._complete(species, others, lepton)
            pythia.event.popBack(pythia.event.size() - size)
            pythia.event[tag].statusPos()
            pythia.event[tag].daughters(0, 0)
        self._only_semileptonic(species, False)
        pythia.particleData.mayDecay(species, False)
        for index in others:
            pythia.event[index].statusPos()

    def _stochastic_round(self, value: float) -> int:
        whole = int(value)
        return whole + int(self._rng.random() < value - whole)

    def _hard_lepton(self, first: int) -> int | None:
        """Index of an electron or muon among the decay products that the detector could accept."""
        event = self.pythia.event
        for index in range(first, event.size()):
            particle = event[index]
            eta_max = self._eta_max.get(particle.idAbs())
            if eta_max is not None and particle.isFinal() and particle.pT() > self._cut.lepton_pt and abs(particle.eta()) < eta_max:
                return index
        return None

    def _complete(self, species: int, others: list[int], lepton: int) -> Iterator[Particles]:
        """Let everything else decay, yield the event if its lepton is isolated, and restore the state before."""
        pythia = self.pythia
        snapshot = self._copy_event(pythia.event)
        self._only_semileptonic(species, False)
        for index in others:
            pythia.event[index].statusPos()
        for hadron in _HEAVY:
            pythia.particleData.mayDecay(hadron, True)
        pythia.moreDecays()
        particles = _stable_particles(pythia.event)
        if _isolation(particles, pythia.event[lepton], self._cut.isolation_cone) < self._cut.isolation:
            yield particles
        for hadron in _HEAVY:
            pythia.particleData.mayDecay(hadron, False)
        self._only_semileptonic(species, True)
        pythia.event = snapshot

    def _only_semileptonic(self, species: int, forced: bool) -> None:
        entry = self.pythia.particleData.particleDataEntryPtr(species)
        modes = self._modes[species]
        for channel, switch in enumerate(modes.forced if forced else modes.free):
            entry.channel(channel).onMode(switch)
        self.pythia.particleData.mayDecay(species, True)


def _semileptonic_modes(pythia: Any, species: int) -> _Modes:
    entry = pythia.particleData.particleDataEntryPtr(species)
    channels = [entry.channel(i) for i in range(entry.sizeChannels())]
    free = tuple(channel.onMode() for channel in channels)
    leptonic = [any(abs(product) in (11, 13) for product in _products(channel)) for channel in channels]
    forced = tuple(switch if wanted else 0 for switch, wanted in zip(free, leptonic, strict=True))
    # Particle and antiparticle have channels of their own, and fractions that add up to 1 only within each.
    fraction = [_sum_of_ratios(channels, forced, own) / _sum_of_ratios(channels, free, own) for own in (2, 3)]
    return _Modes(free, forced, sum(fraction) / 2)


def _sum_of_ratios(channels: list[Any], switches: tuple[int, ...], own: int) -> float:
    """Branching ratios of the channels that are on for the particle (`own` = 2) or for the antiparticle (3)."""
    return float(sum(channel.bRatio() for channel, switch in zip(channels, switches, strict=True) if switch in (1, own)))


def _products(channel: Any) -> list[int]:
    return [channel.product(i) for i in range(channel.multiplicity())]


def _stable_particles(event: Any) -> Particles:
    rows = np.array([(p.id(), p.px(), p.py(), p.pz(), p.e()) for p in event if p.isFinal()])
    return Particles.from_momenta(np.zeros(len(rows), np.int64), 1, rows[:, 0].astype(np.int64), rows[:, 1:], PARTICLE_REACH)


def _isolation(particles: Particles, lepton: Any, cone: float) -> float:
    """pT sum of the other visible particles around the lepton over its pT."""
    distance = np.hypot(wrap_phi(particles.phi - np.float32(lepton.phi())), particles.eta - np.float32(lepton.eta()))
    around = float(particles.pt[distance < cone].sum())
    return around / float(lepton.pT()) - 1.0
