"""The list of all baselines."""

from collections.abc import Callable

from l1ae.baselines._columns import sizes_of
from l1ae.baselines._cuts import leading, multiplicity, scalar_sums
from l1ae.baselines._forest import SAMPLES, TREES, fit_forest
from l1ae.baselines._linear import EXPLAINED, Gaussian, LinearAutoencoder
from l1ae.baselines._record import Baseline, Candidate
from l1ae.baselines._surprise import Surprises
from l1ae.baselines._training import TrainingEvents
from l1ae.baselines._tree import fit_density_tree
from l1ae.inputs import Layout
from l1ae.trigger import ScoreFunction

__all__ = ["BASELINES"]


def _learned(name: str, title: str, text: str, fit: Callable[[TrainingEvents], ScoreFunction]) -> Baseline:
    """A score that is learned from the sizes of all slots."""

    def of(layout: Layout) -> tuple[Candidate, ...] | str:
        if not len(sizes_of(layout)):
            return "the layout has no energy, and no vector, image or waveform"
        return (Candidate(name, title, "", fit),)

    return Baseline(name, title, text, of)


BASELINES: tuple[Baseline, ...] = (
    Baseline("leading", "Leading energy", "the largest energy of one kind of object, or an energy sum by itself", leading),
    Baseline(
        "sum", "Scalar sum", "the sum of the energies of all jets, or of all numbers of an image, a vector or a waveform", scalar_sums
    ),
    Baseline(
        "multiplicity",
        "Number of objects",
        "the number of filled slots; of equal numbers, the larger sum of energies comes first",
        multiplicity,
    ),
    _learned(
        "surprise_sum",
        "Sum of surprises",
        "the sum over all slots of −log of the probability to find as much energy there, as if slots were independent",
        lambda training: Surprises.of(training).total,
    ),
    _learned(
        "surprise_largest",
        "Largest surprise",
        "the largest −log of the probability to find as much energy in a slot: a cut on every slot, all at the same rate",
        lambda training: Surprises.of(training).largest,
    ),
    _learned(
        "pca",
        "Linear autoencoder",
        f"the squared error of a linear autoencoder (PCA) whose components explain {EXPLAINED:.0%} of the variance",
        LinearAutoencoder.of,
    ),
    _learned("gaussian", "Gaussian", "the Mahalanobis distance from the mean, −log density of a Gaussian", Gaussian.of),
    _learned(
        "forest",
        "Isolation forest",
        f"how early random cuts isolate the event, {TREES} trees on {SAMPLES} events each (Liu, Ting and Zhou, 2008)",
        fit_forest,
    ),
    _learned(
        "tree",
        "Density tree",
        "−log₂ of the joint probability of all slots, binned, each of which depends on one other (Chow and Liu, 1968)",
        fit_density_tree,
    ),
)
"""Simple triggers that a model is compared with, cuts first."""
