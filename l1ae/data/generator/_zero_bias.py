"""Bunch crossings as a trigger sees them: Poisson(mean pileup) inelastic collisions, with no selection and no hard event demanded.

Collisions belong to classes by rising rank: soft ones, slices of QCD in the transverse momentum of the hardest interaction,
electroweak ones. With the mean pileup mu, a crossing holds Poisson(mu sigma_r / sigma_inelastic) collisions of class r,
independently of the other classes. Its stratum is the highest rank that it holds, so that strata are exclusive and
exhaustive, and

    P(stratum r) = exp(-sum of the means above r) x (1 - exp(-mean of r)),    P(stratum 0) = exp(-sum of the means above 0).

The sample holds the strata in other shares; an event of stratum r has the weight P(stratum r) / share r. Within a stratum
the number of collisions of each class is drawn exactly: at least one of class r, the natural number of each lower one. One
collision of class r is fresh, shared only by `detector_passes` crossings; all others come from libraries, turned and
mirrored at random. Soft crossings are made of some 10^5 library collisions: each of these is in a fraction
(mean of class 0) / (collisions in the library) of all crossings, 2 x 10^-4 by default at pileup 20. What single soft collisions
can do by themselves is known no better than that; a fraction p of such crossings has the relative error
sqrt(mean / (p x collisions)), which no count of crossings shows. (Sums over many collisions, as MET, are not limited so.)

Left out: hadronic decays of W and Z, Drell-Yan below 50 GeV, prompt photons and quarkonia above the first edge. What is hard
inside diffractive systems counts as soft.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from l1ae.data.generator._config import DetectorConfig, ZeroBiasConfig
from l1ae.data.generator._detector import OBJECTS_ONLY, Readout, Reconstructed, find_leptons, find_objects, in_slots, measure
from l1ae.data.generator._particles import Particles
from l1ae.data.generator._pileup import Draw, PileupLibrary, draw
from l1ae.data.generator._pythia import TruthShard

__all__ = ["CollisionLibrary", "Stratum", "expected_collisions", "hardest", "simulate_crossings", "strata", "stratum_probabilities"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Stratum:
    """A stratum of bunch crossings: mean number of collisions of its class, `probability` of the stratum, `share` in the sample."""

    name: str
    expected_collisions: float
    probability: float
    share: float

    @property
    def weight(self) -> float:
        """Of each of its events; the mean over a sample is 1."""
        return self.probability / self.share


@dataclass(frozen=True)
class CollisionLibrary:
    """Collisions of every class by rank, and the hardness (collisions,) of those of the first class."""

    classes: tuple[PileupLibrary, ...]
    hardness: npt.NDArray[np.float32]

    @classmethod
    def build(cls, shards: Sequence[Sequence[TruthShard]], detector: DetectorConfig) -> "CollisionLibrary":
        """Out of some truth shards of each class."""
        collisions = [Particles.concatenate([shard.particles for shard in mine]) for mine in shards]
        soft = [shard.pt_hat for shard in shards[0] if shard.pt_hat is not None]
        return cls(tuple(PileupLibrary.build(mine, detector) for mine in collisions), np.concatenate(soft))


def expected_collisions(config: ZeroBiasConfig, pileup_mean: float) -> FloatArray:
    """Mean number of collisions of each class in a crossing, by rank; they add up to `pileup_mean`."""
    sigma = np.array([item.cross_section for item in config.classes.values()])
    fractions = sigma / sigma[0]
    fractions[0] = 1 - fractions[1:].sum()
    return pileup_mean * fractions


def stratum_probabilities(means: FloatArray) -> FloatArray:
    """Probability of each stratum from the mean numbers of collisions of its classes; see the module's text."""
    above = np.append(np.cumsum(means[::-1])[::-1][1:], 0.0)
    probabilities = np.exp(-above) * -np.expm1(-means)
    probabilities[0] = np.exp(-above[0])
    return probabilities


def strata(config: ZeroBiasConfig, pileup_mean: float) -> tuple[Stratum, ...]:
    """All strata by rank."""
    means = expected_collisions(config, pileup_mean)
    facts = zip(config.classes.items(), means.tolist(), stratum_probabilities(means).tolist(), strict=True)
    return tuple(Stratum(name, mean, probability, item.share) for (name, item), mean, probability in facts)


def simulate_crossings(
    n_events: int,
    fresh: Particles | None,
    means: FloatArray,
    library: CollisionLibrary,
    detector: DetectorConfig,
    *,
    rng: np.random.Generator,
    readout: Readout = OBJECTS_ONLY,
) -> Reconstructed:
    """Crossings of the stratum of the class that `means` (classes up to it) ends with.

    `fresh` has one collision of that class for each crossing, None for the first stratum. The vertex from which charged
    particles are not subtracted is that of the hardest collision: the fresh one, or of the first stratum that with the
    greatest transverse momentum transfer. `pileup` of the result is the number of all collisions.
    """
    if fresh is None:
        primary, others = hardest(draw(rng.poisson(means[0], n_events), len(library.hardness), rng), library.hardness)
        vertex, draws, collisions = primary.particles(library.classes[0].complete), [others], primary.count
    else:
        turned = fresh.rotate(rng.uniform(-np.pi, np.pi, n_events).astype(np.float32), rng.random(n_events) < 0.5)
        vertex, draws, collisions = (turned.event, turned), _further(n_events, means, library, rng), np.ones(n_events, np.int64)
    soft = [item.particles(kept.subtracted) for item, kept in zip(draws, library.classes, strict=False)]
    event = np.concatenate([vertex[0], *(event for event, _ in soft)])
    particles = Particles.concatenate([vertex[1], *(particles for _, particles in soft)])
    measured = measure(particles, event, detector, rng).sorted()
    objects = find_objects(measured, find_leptons(measured, n_events, detector), n_events, detector)
    image = codes = None
    if readout.wanted:
        complete = [item.particles(kept.complete) for item, kept in zip(draws, library.classes, strict=False)]
        image, codes = readout.make(objects, [vertex, *complete], detector, rng)
    return Reconstructed(in_slots(objects), np.arange(n_events), collisions + sum(item.count for item in draws), image, codes)


def _further(n_events: int, means: FloatArray, library: CollisionLibrary, rng: np.random.Generator) -> list[Draw]:
    """The collisions beside the fresh one of the last class.

    Of a Poisson process on the unit interval that has at least one point, the first is at `first`, exponentially
    distributed and truncated; the others are Poisson(mean x what is left of the interval).
    """
    first = -np.log1p(rng.random(n_events) * np.expm1(-means[-1])) / means[-1]
    counts = [rng.poisson(mean, n_events) for mean in means[:-1]] + [rng.poisson(means[-1] * (1 - np.minimum(first, 1)))]
    return [draw(count, len(kept.complete), rng) for count, kept in zip(counts, library.classes, strict=False)]


def hardest(drawn: Draw, hardness: npt.NDArray[np.float32]) -> tuple[Draw, Draw]:
    """The hardest collision of each event (none where it has none), and the others."""
    event = np.repeat(np.arange(len(drawn.count)), drawn.count)
    order = np.lexsort((hardness[drawn.picked], event))
    chosen = np.zeros(len(event), np.bool_)
    chosen[order[(np.cumsum(drawn.count) - 1)[drawn.count > 0]]] = True
    found = (drawn.count > 0).astype(np.int64)
    return _part(drawn, chosen, found), _part(drawn, ~chosen, drawn.count - found)


def _part(drawn: Draw, chosen: npt.NDArray[np.bool_], count: IntArray) -> Draw:
    return replace(drawn, count=count, picked=drawn.picked[chosen], angle=drawn.angle[chosen], mirrored=drawn.mirrored[chosen])
