"""Whether two samples of events follow the same distribution: feature by feature, and all features at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from l1ae.errors import UserError
from l1ae.evaluation import Estimate, FractionEstimate, auc, clopper_pearson, design_effect
from l1ae.inputs import Layout
from l1ae.latent._inverse import FloatArray, IntArray
from l1ae.results import Count, Fraction, Positive

__all__ = ["FeatureComparison", "Occupancy", "classifier_auc", "compare_features", "compare_occupancy", "first_of_each_group"]

MIN_ENTRIES = 20


@dataclass(frozen=True)
class FeatureComparison:
    """One input of real and generated events, filled slots only.

    `ks` is the largest distance of the two cumulative distributions (0 the same, 1 disjoint), `p_value` the chance of a
    larger one were they the same; `wasserstein` is the mean distance, in `unit`, by which the values of one sample must
    be moved to become the other. All three are None when either sample has fewer than 20 entries. What has a period is taken
    on [-period/2, period/2), not around the circle.
    """

    feature: str
    unit: str
    real_entries: Count
    generated_entries: Count
    ks: Fraction | None
    p_value: Fraction | None
    wasserstein: Positive | None


@dataclass(frozen=True)
class Occupancy:
    """Fraction of events in which a slot is filled; intervals are Clopper and Pearson's for independent events."""

    slot: str
    real: FractionEstimate
    generated: FractionEstimate


def compare_features(
    real: npt.NDArray[np.integer], generated: npt.NDArray[np.integer], layout: Layout, real_groups: IntArray
) -> tuple[FeatureComparison, ...]:
    """Kolmogorov-Smirnov test and Wasserstein distance of every present input in physical units.

    `real` and `generated` are hardware codes (N, size), generated events are independent. The p-value is that of
    `scipy.stats.ks_2samp` for large samples, with the number of real events divided by the largest design effect of
    the cumulative distribution at its deciles, because events of one source event (`real_groups`, (N,)) are not
    independent; it is therefore conservative.
    """
    from scipy.stats import ks_2samp, wasserstein_distance

    values, masks = zip(*((layout.to_physical(codes), layout.mask(codes)) for codes in (real, generated)), strict=True)
    groups = np.unique(real_groups, return_inverse=True)[1].ravel()
    rows = []
    for k in np.flatnonzero(layout.present):
        a, b = (value[mask[:, k], k] for value, mask in zip(values, masks, strict=True))
        numbers: tuple[float | None, ...] = (None, None, None)
        if min(len(a), len(b)) >= MIN_ENTRIES:
            ks = float(ks_2samp(a, b, method="asymp").statistic)
            numbers = (ks, _p_value(ks, len(a) / _largest_design_effect(a, groups[masks[0][:, k]]), len(b)), wasserstein_distance(a, b))
        found = (None if x is None else float(x) for x in numbers)
        rows.append(FeatureComparison(layout.names[k], layout.units[k], len(a), len(b), *found))
    return tuple(rows)


def _p_value(ks: float, first: float, second: float) -> float:
    from scipy.stats import kstwo

    return float(np.clip(kstwo.sf(ks, max(round(first * second / (first + second)), 1)), 0.0, 1.0))


def _largest_design_effect(values: FloatArray, groups: IntArray) -> float:
    compact = np.unique(groups, return_inverse=True)[1].ravel()
    return max(design_effect(values, float(edge), compact) for edge in np.quantile(values, np.arange(1, 10) / 10))


def compare_occupancy(real: npt.NDArray[np.integer], generated: npt.NDArray[np.integer], layout: Layout) -> tuple[Occupancy, ...]:
    """How often each slot that can be empty is filled. Both samples are hardware codes (N, size)."""
    masks = [layout.mask(codes) for codes in (real, generated)]
    rows = []
    for group in layout.groups:
        if group.gate_feature is None:
            continue
        for slot, k in zip(group.slot_names(), layout.positions(group.name, group.gate_feature), strict=True):
            fractions = (clopper_pearson(int(np.count_nonzero(mask[:, k])), len(mask)) for mask in masks)
            rows.append(Occupancy(slot, *fractions))
    return tuple(rows)


def classifier_auc(first: npt.NDArray[np.integer], second: npt.NDArray[np.integer], first_groups: IntArray, *, seed: int = 1) -> Estimate:
    """AUC of boosted decision trees trained to tell two samples apart, on events that they were not trained on.

    0.5 means that nothing was found that tells them apart, 1 that they can always be told apart. One half of the events
    trains, the other is tested; events of one source event (`first_groups`, (N,)) stay together, those of `second` are
    independent. Codes (N, ...) of any shape. A lower bound on the difference of the samples: another classifier may find
    more (two-sample test by classification, Lopez-Paz and Oquab, arXiv:1610.06545).
    Raises `UserError` when a half of either sample would be empty.
    """
    if min(len(np.unique(first_groups)), len(second)) < 2:
        raise UserError(f"a two-sample test needs two independent events of each sample, not {len(first)} and {len(second)}")
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng(seed)
    halves = [_half(first_groups, rng), _half(np.arange(len(second)), rng)]
    samples = [np.asarray(sample).reshape(len(sample), -1) for sample in (first, second)]
    inputs = np.concatenate([sample[half] for sample, half in zip(samples, halves, strict=True)])
    labels = np.repeat([0, 1], [int(half.sum()) for half in halves])
    model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, early_stopping=False, random_state=seed)
    with threadpool_limits(1, "openmp"):  # small trees: threads that wait for each other cost more than they bring
        model.fit(inputs, labels)
        scores = [model.decision_function(sample[~half]) for sample, half in zip(samples, halves, strict=True)]
    return auc(scores[0], scores[1], background_groups=first_groups[~halves[0]], replicas=200, seed=seed)


def _half(groups: IntArray, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Mask (N,) of one half of the groups, drawn at random."""
    compact = np.unique(groups, return_inverse=True)[1].ravel()
    n = int(compact.max()) + 1
    chosen = np.zeros(n, np.bool_)
    chosen[rng.permutation(n)[: n // 2]] = True
    return np.asarray(chosen[compact], np.bool_)


def first_of_each_group(groups: IntArray) -> npt.NDArray[np.intp]:
    """Positions of the first event of every source event, in rising order: events that are independent of each other."""
    return np.sort(np.unique(groups, return_index=True)[1])
