"""Area under the ROC curve, with intervals that know about ties and about correlated copies of an event."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from l1ae.errors import UserError
from l1ae.evaluation._estimate import LEVEL, Estimate, FloatArray, check_scores, normal_quantile

__all__ = ["auc", "auc_difference", "group_ids"]

IntArray = npt.NDArray[np.int64]
REPLICAS = 500


def group_ids(process: npt.ArrayLike, source_event: npt.ArrayLike) -> IntArray:
    """One integer per event, equal for copies of one source event: same `process` and same `source_event`; (N,)."""
    keys = np.stack([np.asarray(process, np.int64), np.asarray(source_event, np.int64)], axis=1)
    return np.unique(keys, axis=0, return_inverse=True)[1].astype(np.int64).ravel()


def auc(
    background_scores: npt.ArrayLike,
    signal_scores: npt.ArrayLike,
    *,
    background_groups: npt.ArrayLike | None = None,
    signal_groups: npt.ArrayLike | None = None,
    replicas: int = REPLICAS,
    seed: int = 1,
) -> Estimate:
    """Probability that a signal event scores higher than a background event; equal scores count one half.

    The 68.3 % interval is

    * **DeLong** when all events are independent (no groups, or every group holds one event): variance from the
      placement values, ties included (DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837; computed by ranks
      as in Sun and Xu, IEEE Signal Process. Lett. 21 (2014) 1389), symmetric in logit(AUC) so that it stays
      inside [0, 1];
    * the **block bootstrap** when events share a source: whole groups are drawn with replacement, `replicas` times,
      and the interval is that between the quantiles of the replicas (Davison and Hinkley, Bootstrap Methods and
      their Application, chapter 3.8). DeLong would call copies independent and give too small an error;
    * when signal and background are fully separated, where both of the above collapse to zero width, that of
      Clopper and Pearson for min(groups of signal, groups of background) disjoint pairs, all ordered rightly.

    Args:
        background_scores: (N,), any real unit.
        signal_scores: (M,), same unit; high means anomalous.
        background_groups: (N,) integers, equal for events that share a source; see `group_ids`.
        signal_groups: (M,) the same for the signal.
        replicas: number of bootstrap replicas.
        seed: of the bootstrap.

    Raises:
        UserError: no events, NaN or infinite scores, or groups of another length.
    """
    background, signal = check_scores(background_scores, "background"), check_scores(signal_scores, "signal")
    b_groups, s_groups = compact_groups(background_groups, len(background)), compact_groups(signal_groups, len(signal))
    if b_groups is None and s_groups is None:
        return _delong(background, signal)
    draws = bootstrap_aucs(
        {"": background}, {"": {"": signal}}, background_groups=b_groups, signal_groups={"": s_groups}, replicas=replicas, seed=seed
    )
    return auc_from_draws(background, signal, b_groups, s_groups, draws["", ""])


def auc_difference(
    background: tuple[npt.ArrayLike, npt.ArrayLike],
    signal: tuple[npt.ArrayLike, npt.ArrayLike],
    *,
    background_groups: npt.ArrayLike | None = None,
    signal_groups: npt.ArrayLike | None = None,
    replicas: int = REPLICAS,
    seed: int = 1,
) -> Estimate:
    """AUC of the second scores minus AUC of the first, both on the same events.

    What the two share cancels, so the difference is known far better than either: DeLong's covariance for
    independent events (same paper as `auc`), otherwise a block bootstrap that draws the same groups for both.
    Each pair holds the scores of the same events in the same order, (N,) and (M,).
    Raises `UserError` as `auc` does, and when the two members of a pair differ in length.
    """
    first_b, second_b = (check_scores(scores, "background") for scores in background)
    first_s, second_s = (check_scores(scores, "signal") for scores in signal)
    for what, a, b in (("background", first_b, second_b), ("signal", first_s, second_s)):
        if len(a) != len(b):
            raise UserError(f"a paired comparison needs the same {what} events twice, not {len(a)} and {len(b)}")
    b_groups, s_groups = compact_groups(background_groups, len(first_b)), compact_groups(signal_groups, len(first_s))
    below_1, above_1 = placements(first_b, first_s)
    below_2, above_2 = placements(second_b, second_s)
    value = float(below_2.mean() - below_1.mean())
    if b_groups is None and s_groups is None:
        half = normal_quantile() * math.sqrt(_delong_variance(below_2 - below_1, above_2 - above_1))
        return Estimate(value, value - half, value + half)
    scores_b, scores_s = {"1": first_b, "2": second_b}, {"1": {"": first_s}, "2": {"": second_s}}
    draws = bootstrap_aucs(scores_b, scores_s, background_groups=b_groups, signal_groups={"": s_groups}, replicas=replicas, seed=seed)
    return quantile_interval(value, draws["2", ""] - draws["1", ""])


def auc_from_draws(
    background: FloatArray, signal: FloatArray, background_groups: IntArray | None, signal_groups: IntArray | None, draws: FloatArray
) -> Estimate:
    """AUC with the interval of its bootstrap replicas, or that of full separation, where they do not vary."""
    value = float(placements(background, signal)[0].mean())
    if value in (0.0, 1.0):
        return _separated(value, min(_count(background_groups, len(background)), _count(signal_groups, len(signal))))
    return quantile_interval(value, draws)


def placements(background: FloatArray, signal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """For each signal event the fraction of background below it, for each background event that of signal above it.

    Equal scores count one half. The mean of either is the AUC.
    """
    b, s = np.sort(background), np.sort(signal)
    below = (np.searchsorted(b, signal, "left") + np.searchsorted(b, signal, "right")) / (2 * len(b))
    above = 1 - (np.searchsorted(s, background, "left") + np.searchsorted(s, background, "right")) / (2 * len(s))
    return below, above


def bootstrap_aucs(
    background: Mapping[str, FloatArray],
    signals: Mapping[str, Mapping[str, FloatArray]],
    *,
    background_groups: IntArray | None,
    signal_groups: Mapping[str, IntArray | None],
    replicas: int,
    seed: int,
) -> dict[tuple[str, str], FloatArray]:
    """AUC replicas of every (variant, signal), (replicas,) each; all variants see the same drawn groups."""
    rng = np.random.default_rng(seed)
    order = {variant: np.argsort(scores) for variant, scores in background.items()}
    rank = {}
    for variant, members in signals.items():
        ordered = background[variant][order[variant]]
        rank.update({(variant, name): _edges(ordered, scores) for name, scores in members.items()})
    result = {key: np.empty(replicas) for key in rank}
    sizes = {name: len(scores) for members in signals.values() for name, scores in members.items()}
    n_background = len(next(iter(background.values())))
    for i in range(replicas):
        weights = _draw(rng, background_groups, n_background)
        signal_weights = {name: _draw(rng, signal_groups.get(name), size) for name, size in sizes.items()}
        for variant, where in order.items():
            cumulative = np.concatenate([[0.0], np.cumsum(weights[where])])
            for name in signals[variant]:
                left, right = rank[variant, name]
                below = (cumulative[left] + cumulative[right]) / (2 * cumulative[-1])
                result[variant, name][i] = np.average(below, weights=signal_weights[name])
    return result


def quantile_interval(value: float, draws: FloatArray) -> Estimate:
    """`value` with the central 68.3 % of `draws`, widened to contain the value."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, min(float(low), value), max(float(high), value))


def _edges(ordered: FloatArray, scores: FloatArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    return np.searchsorted(ordered, scores, "left"), np.searchsorted(ordered, scores, "right")


def _draw(rng: np.random.Generator, groups: IntArray | None, n: int) -> FloatArray:
    """How often each event is in one bootstrap replica, (n,)."""
    drawn = n if groups is None else int(groups.max()) + 1
    counts = np.bincount(rng.integers(drawn, size=drawn), minlength=drawn).astype(np.float64)
    return counts if groups is None else counts[groups]


def compact_groups(groups: npt.ArrayLike | None, n: int) -> IntArray | None:
    """Groups as 0, 1, ... without gaps; None when every event is on its own."""
    if groups is None:
        return None
    given = np.asarray(groups)
    if given.shape != (n,) or not np.issubdtype(given.dtype, np.integer):
        raise UserError(f"groups must be one integer per event, shape ({n},), not {given.dtype} of shape {given.shape}")
    names, compact = np.unique(given, return_inverse=True)
    return None if len(names) == n else compact.astype(np.int64).ravel()


def _count(groups: IntArray | None, n: int) -> int:
    return n if groups is None else int(groups.max()) + 1


def _delong_variance(below: FloatArray, above: FloatArray) -> float:
    """Variance of the mean placement; a sample of one event contributes what cannot be known: infinity."""
    parts = [float(np.var(part, ddof=1)) / len(part) if len(part) > 1 else math.inf for part in (below, above)]
    return sum(parts)


def _delong(background: FloatArray, signal: FloatArray) -> Estimate:
    below, above = placements(background, signal)
    value = float(below.mean())
    if value in (0.0, 1.0):
        return _separated(value, min(len(background), len(signal)))
    half = normal_quantile() * math.sqrt(_delong_variance(below, above)) / (value * (1 - value))
    centre = math.log(value / (1 - value))
    return Estimate(value, _expit(centre - half), _expit(centre + half))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def _separated(value: float, pairs: int) -> Estimate:
    """Disjoint pairs (one signal, one background event) are independent trials that succeed with probability AUC."""
    edge = ((1 - LEVEL) / 2) ** (1 / pairs)
    return Estimate(1.0, edge, 1.0) if value == 1.0 else Estimate(0.0, 0.0, 1 - edge)
