"""Intervals against tables, other distributions and sums over all outcomes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2, gamma, poisson

from l1ae.errors import UserError
from l1ae.evaluation import LEVEL, group_numbers
from l1ae.trigger import WIDE_LEVEL, Count, Exposure, count, gamma_interval, prediction_interval

# Gehrels, ApJ 303 (1986) 336, tables 1 and 2 (lower limit of 1: four digits of -ln 0.8413), confidence level 0.8413 of either limit
GEHRELS = {
    0: (0.0, 1.841),
    1: (0.1727, 3.300),
    2: (0.708, 4.638),
    3: (1.367, 5.918),
    5: (2.840, 8.382),
    10: (6.891, 14.27),
    100: (90.02, 111.0),
}


@pytest.mark.parametrize(("events", "limits"), GEHRELS.items())
def test_weights_of_one_give_the_published_poisson_limits(events, limits):
    low, high = gamma_interval(events, events, 1.0)
    assert (float(low), float(high)) == (pytest.approx(limits[0], rel=1e-3, abs=1e-9), pytest.approx(limits[1], rel=1e-3))


@pytest.mark.parametrize("level", [LEVEL, WIDE_LEVEL])
def test_weights_of_one_give_garwood_in_chi2_quantiles(level):
    n = np.arange(1, 400)
    low, high = gamma_interval(n, n, 1.0, level)
    assert np.allclose(low, chi2.ppf((1 - level) / 2, 2 * n) / 2, rtol=1e-10)
    assert np.allclose(high, chi2.ppf((1 + level) / 2, 2 * n + 2) / 2, rtol=1e-10)


def test_weighted_limits_are_quantiles_of_the_gamma_distributions_of_fay_and_feuer():
    weights = np.array([0.5, 2.0, 0.1, 0.1, 1.3])
    y, v, w = weights.sum(), (weights**2).sum(), 2.5
    low, high = gamma_interval(y, v, w)
    assert float(low) == pytest.approx(gamma.ppf((1 - LEVEL) / 2, y**2 / v, scale=v / y))
    assert float(high) == pytest.approx(gamma.ppf((1 + LEVEL) / 2, (y + w) ** 2 / (v + w**2), scale=(v + w**2) / (y + w)))


@given(st.lists(st.floats(0.01, 5.0), min_size=1, max_size=30), st.floats(0.1, 10.0))
def test_limits_scale_with_the_weights(weights, factor):
    w = np.array(weights)
    one = gamma_interval(w.sum(), w @ w, w.max())
    other = gamma_interval(factor * w.sum(), factor**2 * (w @ w), factor * w.max())
    assert np.allclose(np.array(other), factor * np.array(one), rtol=1e-9)
    assert one[0] < w.sum() < one[1]


@pytest.mark.parametrize("events", [0, 1, 2, 7, 40])
@pytest.mark.parametrize("exposure", [1.0, 0.5, 3.0])
def test_prediction_limits_are_those_of_the_conditional_binomial(events, exposure):
    """Given n + m, n is binomial: m is too high for n when the lower tail of that binomial is below the level, and so on."""
    tail, share = (1 - LEVEL) / 2, 1 / (1 + exposure)
    low, high = prediction_interval(events, events, 1.0, exposure=exposure)
    upper = next(m for m in range(1000) if binom.cdf(events, events + 1 + m, share) <= tail)
    lower = next((m for m in range(1000) if binom.cdf(events - 1, events + m, share) <= 1 - tail), 0) if events else 0
    assert (round(float(low) * exposure), round(float(high) * exposure)) == (lower, upper)


@pytest.mark.parametrize("mean", [0.3, 1.0, 3.7, 12.0, 60.0, 300.0])
@pytest.mark.parametrize("level", [LEVEL, WIDE_LEVEL])
def test_a_future_count_is_covered_by_the_sum_over_all_outcomes(mean, level):
    n = np.arange(int(mean + 12 * math.sqrt(mean) + 15))
    probability = poisson.pmf(n, mean)
    low, high = prediction_interval(n, n, 1.0, level)
    inside = poisson.cdf(np.round(high), mean) - poisson.cdf(np.round(low) - 1, mean)
    covered = float(probability @ inside)
    assert level <= covered + 1e-9
    assert covered <= level + 0.35 / math.sqrt(mean) + 0.04


@pytest.mark.parametrize("mean", [0.3, 1.0, 3.7, 12.0, 60.0])
def test_the_mean_is_covered_by_the_sum_over_all_outcomes(mean):
    n = np.arange(200)
    low, high = gamma_interval(n, n, 1.0)
    assert float(poisson.pmf(n, mean)[(low <= mean) & (mean <= high)].sum()) >= LEVEL - 1e-9


def test_nothing_seen_is_still_bounded_by_the_largest_weight():
    low, high = gamma_interval(0.0, 0.0, 2.0)
    assert (float(low), float(high)) == (0.0, pytest.approx(2 * 1.841, rel=1e-3))
    assert float(prediction_interval(0.0, 0.0, 2.0)[0]) == 0.0


def test_crossings_of_a_group_count_once():
    counted = count([0.5, 0.5, 2.0, 1.0], [7, 7, 3, 7])
    assert counted == Count(4, 4.0, 2.0**2 + 2.0**2)
    assert counted.effective == 2.0
    assert count([], []) == Count(0, 0.0, 0.0)
    assert Count(0, 0.0, 0.0).effective == 0.0


def test_group_numbers_tell_processes_apart():
    process, source = np.array([0, 1, 0, 0, 1], np.int16), np.array([5, 5, 6, 5, -1])
    numbers = group_numbers(process, source)
    assert numbers[0] == numbers[3]
    assert len(set(numbers.tolist())) == 4
    assert set(numbers.tolist()) == {0, 1, 2, 3}
    assert group_numbers(process, np.arange(5)) is None


def test_rates_of_the_facts():
    """2,544 bunches: 28,608.8 kHz; 1 kHz is a pass fraction of 3.5e-5, 25 kHz one of 8.7e-4."""
    exposure = Exposure.of(np.ones(1_000_000), None, 11.2456 * 2544)
    assert exposure.crossing_khz == pytest.approx(28608.8, abs=0.05)
    assert float(exposure.khz(35)) == pytest.approx(1.0, rel=0.01)
    assert float(exposure.khz(874)) == pytest.approx(25.0, rel=0.01)
    assert exposure.interval(Count(10**6, 1e6, 1e6)).high == exposure.crossing_khz


@pytest.mark.parametrize(
    ("weights", "message"),
    [([], "has no events"), ([1.0, -0.5], "event 1 has the weight -0.5"), ([np.nan], "event 0 has the weight nan"), ([0.0], "are 0")],
)
def test_unusable_weights_are_refused(weights, message):
    with pytest.raises(UserError, match=message):
        Exposure.of(np.array(weights), None, 1.0)
