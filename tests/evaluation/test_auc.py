import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from l1ae.errors import UserError
from l1ae.evaluation import LEVEL, Estimate, auc, auc_difference, group_ids

Scores = npt.NDArray[np.float64]


def sklearn_auc(background: Scores, signal: Scores) -> float:
    labels = np.concatenate([np.zeros(len(background)), np.ones(len(signal))])
    return float(roc_auc_score(labels, np.concatenate([background, signal])))


@pytest.mark.parametrize("levels", [2, 7, 1000, 10**9])
def test_agrees_with_sklearn_for_any_amount_of_ties(levels: int) -> None:
    rng = np.random.default_rng(levels)
    background, signal = rng.integers(0, levels, 3000), rng.integers(levels // 5, levels + levels // 5, 1000)
    assert auc(background, signal).value == pytest.approx(sklearn_auc(background, signal), abs=1e-12)


def test_gaussian_closed_form() -> None:
    rng = np.random.default_rng(5)
    result = auc(rng.normal(size=200_000), rng.normal(1.3, 1, 200_000))
    expected = norm.cdf(1.3 / math.sqrt(2))
    assert abs(result.value - expected) < 4 * (result.high - result.low) / 2
    assert result.high - result.low < 0.002


def test_delong_against_the_definition_of_the_variance() -> None:
    # structural components written out as in the paper, event by event, in the small-error limit of the logit interval
    rng = np.random.default_rng(7)
    background, signal = rng.integers(0, 9, 400), rng.integers(2, 11, 300)
    kernel = (signal[:, None] > background) + 0.5 * (signal[:, None] == background)
    variance = kernel.mean(1).var(ddof=1) / 300 + kernel.mean(0).var(ddof=1) / 400
    result = auc(background, signal)
    assert (result.high - result.low) / 2 == pytest.approx(math.sqrt(variance), rel=0.01)


def coverage(estimates: list[Estimate], truth: float) -> float:
    return float(np.mean([estimate.low <= truth <= estimate.high for estimate in estimates]))


def test_delong_covers() -> None:
    rng = np.random.default_rng(11)
    truth, tries = norm.cdf(1 / math.sqrt(2)), 2000
    estimates = [auc(rng.normal(size=150), rng.normal(1, 1, 100)) for _ in range(tries)]
    assert abs(coverage(estimates, truth) - LEVEL) < 4 * math.sqrt(LEVEL * (1 - LEVEL) / tries)


def copies(rng: np.random.Generator, sources: int, copies: int) -> tuple[Scores, npt.NDArray[np.int64]]:
    """Unit Gaussians with a correlation of 0.8 among the copies of one source."""
    ids = np.repeat(np.arange(sources), copies)
    return math.sqrt(0.8) * rng.normal(size=sources)[ids] + math.sqrt(0.2) * rng.normal(size=len(ids)), ids


@pytest.mark.slow
def test_the_block_bootstrap_covers_correlated_copies_and_delong_does_not() -> None:
    rng = np.random.default_rng(13)
    truth, tries = norm.cdf(1 / math.sqrt(2)), 300
    blocks, independent = [], []
    for seed in range(tries):
        background, ids = copies(rng, 60, 5)
        signal = rng.normal(1, 1, 400)
        blocks.append(auc(background, signal, background_groups=ids, replicas=150, seed=seed))
        independent.append(auc(background, signal))
    assert abs(coverage(blocks, truth) - LEVEL) < 4 * math.sqrt(LEVEL * (1 - LEVEL) / tries)
    assert coverage(independent, truth) < 0.55


def test_groups_of_one_event_are_independent_events() -> None:
    rng = np.random.default_rng(1)
    background, signal = rng.normal(size=100), rng.normal(size=50)
    assert auc(background, signal, background_groups=rng.permutation(100), signal_groups=np.arange(50)) == auc(background, signal)


def test_bootstrap_and_delong_agree_on_independent_events() -> None:
    rng = np.random.default_rng(3)
    background, signal = rng.normal(size=2000), rng.normal(1, 1, 1000)
    pairs = np.arange(2000)
    pairs[-1] = 0
    blocks = auc(background, signal, background_groups=pairs, replicas=2000)
    delong = auc(background, signal)
    assert blocks.high - blocks.low == pytest.approx(delong.high - delong.low, rel=0.1)


def test_the_bootstrap_counts_ties_as_one_half() -> None:
    rng = np.random.default_rng(37)
    background, signal = rng.integers(0, 3, 3000), rng.integers(0, 4, 3000)
    result = auc(background, signal, background_groups=np.arange(3000) // 2)
    middle, half = (result.low + result.high) / 2, (result.high - result.low) / 2
    assert abs(result.value - middle) < 0.25 * half


def test_a_paired_difference_is_known_better_than_its_parts() -> None:
    rng = np.random.default_rng(17)
    background, signal = rng.normal(size=5000), rng.normal(1, 1, 5000)
    other = background + 0.3 * rng.normal(size=5000), signal + 0.3 * rng.normal(size=5000)
    difference = auc_difference((background, other[0]), (signal, other[1]))
    truth = norm.cdf(1 / math.sqrt(2 * 1.09)) - norm.cdf(1 / math.sqrt(2))
    assert difference.value == pytest.approx(auc(*other).value - auc(background, signal).value, abs=1e-12)
    assert abs(difference.value - truth) < 4 * (difference.high - difference.low) / 2
    single = auc(background, signal)
    assert difference.high - difference.low < 0.5 * (single.high - single.low)


@pytest.mark.slow
@pytest.mark.parametrize("grouped", [False, True])
def test_the_paired_difference_covers(grouped: bool) -> None:
    rng = np.random.default_rng(19)
    truth, tries = norm.cdf(1 / math.sqrt(2 * 1.25)) - norm.cdf(1 / math.sqrt(2)), 300
    estimates = []
    for seed in range(tries):
        background, ids = copies(rng, 80, 3)
        signal = rng.normal(1, 1, 200)
        noise = 0.5 * (rng.normal(size=80)[ids] if grouped else rng.normal(size=240))
        groups = ids if grouped else None
        if not grouped:
            background = rng.normal(size=240)
        pair = (signal, signal + 0.5 * rng.normal(size=200))
        estimates.append(auc_difference((background, background + noise), pair, background_groups=groups, replicas=150, seed=seed))
    assert abs(coverage(estimates, truth) - LEVEL) < 4 * math.sqrt(LEVEL * (1 - LEVEL) / tries)


@pytest.mark.parametrize("groups", [None, [0, 0, 1, 1, 2, 2, 3, 3]])
def test_full_separation_still_has_an_interval(groups: list[int] | None) -> None:
    result = auc(np.zeros(8), np.ones(20), background_groups=groups)
    pairs = 8 if groups is None else 4
    assert result == Estimate(1.0, pytest.approx(((1 - LEVEL) / 2) ** (1 / pairs)), 1.0)
    mirrored = auc(np.ones(8), np.zeros(20), background_groups=groups)
    assert mirrored == Estimate(0.0, 0.0, pytest.approx(1 - result.low))


def test_identical_variants_differ_by_exactly_nothing() -> None:
    scores, signal = np.arange(30) % 7, np.arange(20) % 9
    assert auc_difference((scores, scores), (signal, signal)) == Estimate(0.0, 0.0, 0.0)


def test_constant_scores_have_no_power() -> None:
    assert auc(np.full(10, 3), np.full(5, 3)).value == 0.5


def test_group_ids_tell_processes_apart() -> None:
    ids = group_ids([0, 0, 1, 1, 0], [7, 7, 7, 8, 8])
    assert ids[0] == ids[1]
    assert len(set(ids.tolist())) == 4


@pytest.mark.parametrize(
    ("background", "signal", "groups", "message"),
    [
        ([], [1.0], None, "'background' has no events"),
        ([1.0], [], None, "'signal' has no events"),
        ([1.0, math.nan], [1.0], None, r"'background': event 1 has the score nan \(1 of 2"),
        ([1.0], [math.inf], None, "'signal': event 0 has the score inf"),
        ([[1.0]], [1.0], None, r"shape \(N,\), not \(1, 1\)"),
        ([1.0, 2.0], [1.0], [1], r"one integer per event, shape \(2,\)"),
        ([1.0, 2.0], [1.0], [1.0, 2.0], "one integer per event"),
    ],
)
def test_bad_scores_are_refused(background: list[float], signal: list[float], groups: list[int] | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        auc(background, signal, background_groups=groups)


def test_a_pair_must_hold_the_same_events() -> None:
    with pytest.raises(UserError, match="same signal events twice, not 2 and 3"):
        auc_difference(([1, 2], [1, 2]), ([1, 2], [1, 2, 3]))
