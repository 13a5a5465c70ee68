"""Overlay of inelastic collisions drawn from a library: pileup, and the underlying event."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._config import DetectorConfig
from l1ae.data.generator._particles import Kind, Particles, ranges

__all__ = ["Draw", "Overlay", "PileupLibrary", "draw", "overlay"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PileupLibrary:
    """Inelastic collisions: complete ones, and what is left of them once charged pileup has been subtracted."""

    complete: Particles
    subtracted: Particles

    @classmethod
    def build(cls, collisions: Particles, detector: DetectorConfig) -> "PileupLibrary":
        """Charged particles are subtracted inside the tracker if `detector` says so; muons stay, they are found on their own."""
        charged = (collisions.kind == Kind.CHARGED) | (collisions.kind == Kind.ELECTRON)
        removed = charged & (np.abs(collisions.eta) < detector.tracker_eta) & detector.charged_pileup_removed
        return cls(collisions, collisions.keep(~removed))


@dataclass(frozen=True)
class Draw:
    """Which collisions of the library were overlaid: `count` (events,) of them, each turned by `angle` and mirrored if so."""

    count: IntArray
    picked: IntArray
    angle: npt.NDArray[np.float32]
    mirrored: npt.NDArray[np.bool_]

    def select(self, events: IntArray) -> "Draw":
        """The collisions of these events, which are numbered by their position in `events`."""
        chosen = ranges((np.cumsum(self.count) - self.count)[events], self.count[events])
        return Draw(self.count[events], self.picked[chosen], self.angle[chosen], self.mirrored[chosen])

    def particles(self, collisions: Particles) -> tuple[IntArray, Particles]:
        """Event index of each particle, and the particles."""
        drawn = collisions.take(self.picked).rotate(self.angle, self.mirrored)
        return np.repeat(np.repeat(np.arange(len(self.count)), self.count), drawn.count), drawn


@dataclass(frozen=True)
class Overlay:
    """Additional particles, `event` telling to which event each belongs, and the draws of underlying event and pileup."""

    event: IntArray
    particles: Particles
    draws: tuple[Draw, Draw]

    @property
    def pileup(self) -> IntArray:
        """Number of pileup collisions of each event."""
        return self.draws[1].count


def overlay(n_events: int, library: PileupLibrary, detector: DetectorConfig, rng: np.random.Generator) -> Overlay:
    """Poisson numbers of pileup and underlying-event collisions for each event, every use rotated and mirrored at random."""
    counts = [rng.poisson(mean, n_events).astype(np.int64) for mean in (detector.underlying_event_mean, detector.pileup_mean)]
    underlying, pileup = (draw(count, len(library.complete), rng) for count in counts)
    parts = (underlying.particles(library.complete), pileup.particles(library.subtracted))
    event = np.concatenate([event for event, _ in parts])
    return Overlay(event, Particles.concatenate([particles for _, particles in parts]), (underlying, pileup))


def draw(count: IntArray, collisions: int, rng: np.random.Generator) -> Draw:
    """`count` (events,) of the `collisions` of a library for each event, at random angles."""
    total = int(count.sum())
    picked = rng.integers(0, collisions, total)
    angle = rng.uniform(-np.pi, np.pi, total).astype(np.float32)
    return Draw(count, picked, angle, rng.random(total) < 0.5)
