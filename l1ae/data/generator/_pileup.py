"""Overlay of inelastic collisions drawn from a library: pileup, and the underlying event."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._config import DetectorConfig
from l1ae.data.generator._particles import Kind, Particles

__all__ = ["Overlay", "PileupLibrary", "overlay"]


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
class Overlay:
    """Additional particles, `event` telling to which event each belongs, and the number of pileup collisions per event."""

    event: npt.NDArray[np.int64]
    particles: Particles
    pileup: npt.NDArray[np.int64]


def overlay(n_events: int, library: PileupLibrary, detector: DetectorConfig, rng: np.random.Generator) -> Overlay:
    """Poisson numbers of pileup and underlying-event collisions for each event, every use rotated and mirrored at random."""
    underlying = rng.poisson(detector.underlying_event_mean, n_events)
    pileup = rng.poisson(detector.pileup_mean, n_events)
    parts, events = [], []
    for count, collisions in ((underlying, library.complete), (pileup, library.subtracted)):
        drawn = _draw(int(count.sum()), collisions, rng)
        parts.append(drawn)
        events.append(np.repeat(np.repeat(np.arange(n_events), count), drawn.count))
    return Overlay(np.concatenate(events), Particles.concatenate(parts), pileup.astype(np.int64))


def _draw(count: int, collisions: Particles, rng: np.random.Generator) -> Particles:
    picked = rng.integers(0, len(collisions), count)
    angle = rng.uniform(-np.pi, np.pi, count).astype(np.float32)
    return collisions.take(picked).rotate(angle, rng.random(count) < 0.5)
