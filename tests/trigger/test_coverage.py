"""Intervals hold as often as they say: pseudo-experiments against the closed form, where there is one."""

import numpy as np
import pytest
from scipy.stats import binomtest, chi2, gamma, nbinom

from l1ae.evaluation import LEVEL
from l1ae.trigger import WIDE_LEVEL, StratifiedPopulation, coverage

from ..levels import slow

EVENTS = 5_000
WEIGHTED = StratifiedPopulation("weights", (0.95, 0.045, 0.005), (0.5, 0.25, 0.25), (0.7e6, 1.4e6, 3e6))
POPULATIONS = {
    "continuous": StratifiedPopulation("continuous", (1.0,), (1.0,), (1e6,)),
    "discrete": StratifiedPopulation("discrete", (1.0,), (1.0,), (3.0,)),
    "continuous weighted": WEIGHTED,
    "discrete weighted": StratifiedPopulation("weights", (0.95, 0.045, 0.005), (0.5, 0.25, 0.25), (2.0, 4.0, 9.0)),
    "copies": StratifiedPopulation("copies", (1.0,), (1.0,), (1e6,), copies=4, alike=0.5),
    "weighted copies": StratifiedPopulation("both", (0.95, 0.05), (0.5, 0.5), (0.7e6, 2e6), copies=4, alike=0.5),
}
COUNTS = (8, 40, 200)


def _hits(estimate, experiments):
    return round(estimate.value * experiments)


def _rows(population, experiments, seed):
    return coverage(population, events=EVENTS, fractions=[n / EVENTS for n in COUNTS], experiments=experiments, seed=seed)


@pytest.mark.parametrize("name", slow(POPULATIONS, ("weighted copies",)))
def test_intervals_hold_at_least_as_often_as_stated(name):
    for row in _rows(POPULATIONS[name], 200, 11):
        assert row.experiments + row.unresolved == 200
        for found, level in ((row.confidence, LEVEL), (row.wide, WIDE_LEVEL), (row.prediction, LEVEL)):
            test = binomtest(_hits(found, row.experiments), row.experiments, level, alternative="less")
            assert test.pvalue > 1e-3, (row, found)


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize("name", POPULATIONS)
def test_intervals_hold_at_least_as_often_as_stated_in_many_experiments(name):
    for row in _rows(POPULATIONS[name], 1500, 12):
        for found, level in ((row.confidence, LEVEL), (row.wide, WIDE_LEVEL), (row.prediction, LEVEL)):
            assert binomtest(_hits(found, row.experiments), row.experiments, level, alternative="less").pvalue > 1e-3, (row, found)


@pytest.mark.slow
def test_of_continuous_scores_the_frequencies_are_those_of_order_statistics():
    """The true number above the n-th highest score is gamma(n), a new sample's negative binomial(n, 1/2), whatever the scores."""
    tail, experiments = (1 - LEVEL) / 2, 3000
    for row, n in zip(_rows(POPULATIONS["continuous"], experiments, 13), COUNTS, strict=True):
        low, high = chi2.ppf(tail, 2 * n) / 2, chi2.ppf(1 - tail, 2 * n + 2) / 2
        expected = gamma.cdf(high, n) - gamma.cdf(low, n)
        first, last = nbinom.ppf(tail, n, 0.5), nbinom.ppf(1 - tail, n + 1, 0.5)
        predicted = nbinom.cdf(last, n, 0.5) - nbinom.cdf(first - 1, n, 0.5)
        # scores of 5,000 events are binomial rather than Poisson: 4 % less variance at 200
        assert row.confidence.value == pytest.approx(expected, abs=4 * np.sqrt(0.2 / experiments) + 0.01)
        assert row.prediction.value == pytest.approx(predicted, abs=4 * np.sqrt(0.2 / experiments) + 0.01)


def test_an_interval_that_ignores_that_the_new_sample_fluctuates_would_be_noticed():
    row = _rows(POPULATIONS["continuous"], 200, 11)[-1]
    n = COUNTS[-1]
    too_narrow = nbinom.cdf(n + np.sqrt(n), n, 0.5) - nbinom.cdf(n - np.sqrt(n) - 1, n, 0.5)
    assert binomtest(round(too_narrow * 200), 200, LEVEL, alternative="less").pvalue < 1e-3
    assert row.prediction.value > too_narrow + 0.05


def test_the_truth_of_a_population_is_that_of_a_large_sample():
    scores, weights, groups = WEIGHTED.draw(400_000, np.random.default_rng(1))
    assert groups is None
    assert weights.mean() == pytest.approx(1.0)
    for threshold in (0, 10**6, 5 * 10**6):
        passed = weights[scores >= threshold]
        error = 4 * np.sqrt(passed @ passed) / len(scores)
        assert passed.sum() / len(scores) == pytest.approx(WEIGHTED.fraction(threshold), abs=error)


def test_copies_of_a_group_are_alike_as_often_as_asked():
    scores, _, groups = POPULATIONS["copies"].draw(40_000, np.random.default_rng(1))
    first, second = scores[groups == groups[0]].shape[0], np.mean(scores[0::4] == scores[1::4])
    assert first == 4
    assert second == pytest.approx(0.25, abs=0.02)
