"""Metrics of background alone: closed forms, bounds, and the published recipe written out."""

import math

import numpy as np
import pytest
from scipy.stats import rankdata, wasserstein_distance

from l1ae.errors import UserError
from l1ae.evaluation import approximation_capacity, capacity_at, threshold_drift, wasserstein


def _recipe(beta, first, second, energies):
    """CAP at one inverse temperature as it is published: pairs by rank, energies, sums of exponentials."""
    small, large = sorted((np.sort(first), np.sort(second)), key=len)
    ranks = np.round(np.arange(len(small)) / (len(small) - 1) * (len(large) - 1)).astype(int)
    both = np.concatenate([small, large[ranks]])
    p = 1 / (1 + np.exp(-(both - np.sort(both)[(len(both) - 1) // 2]) / (both.std() / 4)))
    ordinary, anomaly = p.copy(), 1 - p
    if energies == "adaptive":
        ordinary += np.maximum(p - (p.mean() - 0.5 * p.std()), 0)
        anomaly += np.maximum(p.mean() + 0.5 * p.std() - p, 0)
    (o1, o2), (a1, a2) = np.split(ordinary, 2), np.split(anomaly, 2)
    joint = np.exp(-beta * (o1 + o2)) + np.exp(-beta * (a1 + a2))
    alone = (np.exp(-beta * o1) + np.exp(-beta * a1)) * (np.exp(-beta * o2) + np.exp(-beta * a2))
    return np.mean(np.log(joint) - np.log(alone))


@pytest.mark.parametrize("energies", ["plain", "adaptive"])
def test_capacity_is_the_published_one(energies):
    rng = np.random.default_rng(1)
    first, second = rng.exponential(size=400), rng.exponential(1.2, size=400)
    for beta in (0.0, 0.3, 2.0, 20.0):
        assert capacity_at(beta, first, second, energies=energies) == pytest.approx(_recipe(beta, first, second, energies), abs=1e-12)
    other = rng.exponential(1.2, size=1700)
    assert capacity_at(3.0, first, other, energies=energies) == pytest.approx(_recipe(3.0, first, other, energies), abs=5e-3), (
        "ends of the ranks"
    )


@pytest.mark.slow
@pytest.mark.parametrize("energies", ["plain", "adaptive"])
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_a_fine_grid_finds_no_larger_capacity(energies, seed):
    rng = np.random.default_rng(seed)
    first, second = rng.exponential(size=300), rng.normal(seed - 2, 1, 300)
    found = approximation_capacity(first, second, energies=energies)
    grid = max(capacity_at(beta, first, second, energies=energies) for beta in np.geomspace(1e-3, 1000, 1500))
    assert found.value >= grid - 1e-9
    assert found.value == pytest.approx(grid, abs=5e-5)
    assert not found.at_limit
    assert found.value == pytest.approx(capacity_at(found.beta, first, second, energies=energies), abs=1e-12)


@pytest.mark.parametrize("seed", [5, 6, 7, 8])
def test_capacity_lies_within_its_bounds_and_does_not_depend_on_order(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=200), rng.normal(seed - 5, seed - 4, size=330)
    value = approximation_capacity(first, second).value
    assert -math.log(2) - 1e-12 <= value <= 1e-12
    assert approximation_capacity(rng.permutation(first), rng.permutation(second)).value == pytest.approx(value, abs=1e-12)
    assert approximation_capacity(second, first).value == pytest.approx(value, abs=1e-9)
    assert capacity_at(0.0, first, second) == pytest.approx(-math.log(2), abs=1e-12)


def test_identical_samples_have_nearly_the_highest_capacity():
    """Every pair agrees: all but the event at the median itself, which is worth -ln 2, come to 0 as the temperature falls."""
    scores = np.random.default_rng(9).normal(size=1000)
    found = approximation_capacity(scores, scores)
    assert -0.005 < found.value <= 0
    assert approximation_capacity(scores, scores + 3).value < -0.3
    two = approximation_capacity([0.0, 1.0], [0.0, 1.0])
    assert two.value == pytest.approx(-math.log(2) / 2, abs=1e-6), "p is 0.5 at the lower median and nearly 1 above"


def test_capacity_of_opposed_samples_is_the_lowest():
    """One sample lies below the median, the other above: no temperature makes them agree."""
    found = approximation_capacity(np.full(50, -1.0) - np.arange(50) * 0.01, np.full(50, 1.0) + np.arange(50) * 0.01)
    assert found.value == pytest.approx(-math.log(2), abs=0.01)


def test_weights_are_repetition():
    rng = np.random.default_rng(10)
    first, second = rng.exponential(size=300), rng.exponential(1.1, size=280)
    w = rng.integers(0, 4, 300), rng.integers(0, 4, 280)
    repeated = np.repeat(first, w[0]), np.repeat(second, w[1])
    for energies in ("plain", "adaptive"):
        one = approximation_capacity(first, second, weights=w, energies=energies)
        assert one.value == pytest.approx(approximation_capacity(*repeated, energies=energies).value, abs=1e-9)
    assert wasserstein(first, second, weights=w) == pytest.approx(wasserstein(*repeated), abs=1e-12)
    ids = np.arange(300)
    one = threshold_drift(first, 0.05, weights=w[0], groups=ids)
    other = threshold_drift(repeated[0], 0.05, groups=np.repeat(ids, w[0]))
    kept = ids[w[0] > 0]
    again = threshold_drift(first[kept], 0.05, weights=w[0][kept], groups=kept)
    assert one.threshold == pytest.approx(other.threshold)
    assert one.value == pytest.approx(other.value, abs=1e-12)
    assert one.expected == pytest.approx(other.expected, abs=1e-12)
    assert again == one, "weight 0 is as absent"


def test_wasserstein_closed_forms():
    """A shift moves every rank by itself; of exponentials all quantiles are proportional to the mean."""
    scores = np.random.default_rng(11).normal(size=500)
    assert wasserstein(scores, scores + 1.75) == pytest.approx(1.75)
    assert wasserstein(scores, scores) == 0.0
    u = (np.arange(100_000) + 0.5) / 100_000
    unit = -np.log1p(-u)
    assert wasserstein(3 * unit, 5 * unit[::-1]) == pytest.approx(2.0, abs=1e-4)
    assert wasserstein(np.expm1(unit), np.expm1(unit + 0.5), log=True) == pytest.approx(0.5)
    assert wasserstein([-3.0], [np.e - 1], log=True) == pytest.approx(1.0), "negative scores count as 0"


def test_wasserstein_agrees_with_scipy():
    rng = np.random.default_rng(12)
    first, second, w = rng.normal(size=333), rng.gamma(2, size=500), rng.random(500)
    assert wasserstein(first, second, weights=(None, w)) == pytest.approx(wasserstein_distance(first, second, None, w), abs=1e-12)


def test_wasserstein_of_unequal_samples_is_near_the_published_interpolation():
    rng = np.random.default_rng(13)
    first, second = rng.exponential(size=3000), rng.exponential(1.5, size=7000)
    q = np.linspace(0, 1, 3000)
    published = np.mean(np.abs(np.quantile(first, q) - np.quantile(second, q)))
    assert wasserstein(first, second) == pytest.approx(published, rel=0.01)


def test_drift_closed_form():
    """Halves of ten events each that are known: the threshold is the 9th of the first half, two of the second lie above it, one on it."""
    halves = np.random.default_rng(12345).permutation(20) < 10
    scores = np.zeros(20)
    scores[halves] = np.arange(10)
    scores[~halves] = [0, 1, 2, 3, 4, 5, 6, 8, 20, 30]
    found = threshold_drift(scores, 0.1)
    assert found.threshold == 8
    assert found.exceeded == pytest.approx(0.2)
    assert found.value == pytest.approx(math.log((0.2 + 0.05) / (0.1 + 0.05)))
    assert found.expected == pytest.approx(0.67448975 * math.sqrt(1 + 1 / 2))


def test_drift_follows_its_expectation_where_nothing_drifts():
    """200 samples of one distribution, 100 events above the threshold in each half: half of the drifts exceed the expected one."""
    rng = np.random.default_rng(14)
    found = [threshold_drift(rng.normal(size=4000), 0.05, seed=seed) for seed in range(200)]
    above = np.mean([item.value > item.expected for item in found])
    assert 0.4 < above < 0.6


def test_drift_keeps_groups_together_and_says_what_cannot_be_resolved():
    rng = np.random.default_rng(15)
    scores = np.repeat(rng.normal(size=400), 10)
    groups = np.repeat(np.arange(400), 10)
    found = threshold_drift(scores, 0.05, groups=groups)
    assert (found.exceeded * 2000) % 10 == pytest.approx(0)
    assert found.expected > threshold_drift(rng.permutation(scores), 0.05).expected, "ten copies are one event"
    assert threshold_drift(np.arange(100), 0.01) is None
    assert threshold_drift(np.zeros(100), 0.1) is None


def test_a_model_that_ranks_two_samples_alike_has_the_higher_capacity():
    """The second score is of another scale in the other sample, as when it follows noise that only one sample has."""
    rng = np.random.default_rng(16)
    good = approximation_capacity(rng.exponential(size=2000), rng.exponential(size=2000))
    bad = approximation_capacity(rng.exponential(size=2000), rng.exponential(1.5, size=2000))
    assert good.value > bad.value + 0.02
    assert rankdata([good.value, bad.value]).tolist() == [2, 1]


@pytest.mark.parametrize("fpr", [0.0, 1.0, -1.0])
def test_mistakes_are_told(fpr):
    with pytest.raises(UserError, match="between 0 and 1"):
        threshold_drift([1.0, 2.0], fpr)
    with pytest.raises(UserError, match="weights of 'second sample'"):
        wasserstein([1.0, 2.0], [1.0, 2.0], weights=(None, [1.0, -1.0]))
    with pytest.raises(UserError, match="'first sample' has no events"):
        approximation_capacity([], [1.0])
