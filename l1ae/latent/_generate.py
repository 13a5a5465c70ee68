"""New events from the prior of a variational autoencoder, and how unlike real ones they are."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.evaluation import FractionEstimate
from l1ae.inputs import InputSpec
from l1ae.latent._inverse import FloatArray, IntArray, decoded_codes, from_network
from l1ae.latent._two_sample import (
    FeatureComparison,
    Occupancy,
    classifier_auc,
    compare_features,
    compare_occupancy,
    first_of_each_group,
)
from l1ae.results import Count

__all__ = ["Decoder", "Generation", "compare_generated", "sample_prior"]

Decoder = Callable[[FloatArray], FloatArray]
"""Maps latent values (N, latent) to the reconstruction (N, size) in network units."""

_BATCH = 16384


@dataclass(frozen=True)
class Generation:
    """Generated against real background events.

    `classifier` is the AUC of boosted trees on whole events (`classifier_auc`). `classifier_real_slots` is the same after
    the generated events got the pattern of filled slots of real ones, so that only kinematics can tell them apart; of
    use where the decoder, trained on filled slots alone, knows nothing of empty ones. `classifier_real_halves` is what
    the same test says of two halves of the real events: the value of a perfect generator.
    """

    events: Count
    real_events: Count
    features: tuple[FeatureComparison, ...]
    occupancy: tuple[Occupancy, ...]
    classifier: FractionEstimate
    classifier_real_slots: FractionEstimate
    classifier_real_halves: FractionEstimate


def sample_prior(decoder: Decoder, latent: int, events: int, *, seed: int = 1) -> FloatArray:
    """Reconstructions (events, size) in network units of latent vectors drawn from the unit normal prior.

    What the decoder returns is the mean of p(x|z); the spread around it, which the training ascribed to noise, is not
    drawn, so generated events are smoother than real ones (Kingma and Welling, arXiv:1312.6114, section 2).
    Raises `UserError` when the decoder gives a value that is not finite.
    """
    z = np.random.default_rng(seed).standard_normal((events, latent))
    values = np.concatenate([np.asarray(decoder(z[start : start + _BATCH]), np.float64) for start in range(0, events, _BATCH)])
    if not np.isfinite(values).all():
        raise UserError("the decoder gives values that are not finite for latent vectors from the prior; train the model again")
    return values


def compare_generated(
    generated: FloatArray, real: npt.NDArray[np.integer], spec: InputSpec, real_groups: IntArray, *, seed: int = 1
) -> Generation:
    """Compare generated events, in network units (N, size), with real hardware codes (M, size) in every input.

    `real_groups` (M,) as `LatentCodes.groups`.
    """
    codes = from_network(generated, spec)
    borrowed = _with_slots_of(generated, real, spec, seed)
    first, second = _independent_halves(real, real_groups, seed)
    return Generation(
        events=len(codes),
        real_events=len(real),
        features=compare_features(real, codes, spec.port, real_groups),
        occupancy=compare_occupancy(real, codes, spec.port),
        classifier=classifier_auc(real, codes, real_groups, seed=seed),
        classifier_real_slots=classifier_auc(real, borrowed, real_groups, seed=seed),
        classifier_real_halves=classifier_auc(first, second, np.arange(len(first)), seed=seed),
    )


def _with_slots_of(generated: FloatArray, real: npt.NDArray[np.integer], spec: InputSpec, seed: int) -> npt.NDArray[np.int64]:
    """Generated codes (N, size) with exactly the slots filled that are filled in real events drawn at random."""
    codes, layout = decoded_codes(generated, spec), spec.port
    low = np.array([column.feature.range[0] for column in layout.columns])
    gates = np.unique(layout.gate[layout.gate >= 0])
    low[gates] = np.maximum(low[gates], 1)  # code 0 of a gate would be an empty slot
    masks = layout.mask(real[np.random.default_rng(seed).integers(len(real), size=len(codes))])
    return np.where(masks, np.maximum(codes, low), 0)


def _independent_halves(
    real: npt.NDArray[np.integer], groups: IntArray, seed: int
) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]:
    single = np.random.default_rng(seed).permutation(first_of_each_group(groups))
    return real[single[: len(single) // 2]], real[single[len(single) // 2 :]]
