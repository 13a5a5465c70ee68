"""Rates that are constant, and rates that are not."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from l1ae.trigger import Count, Exposure, Sample, constancy, periods, pileup_bins


def sample(scores, *, weights=None, groups=None, pileup=None, run=None, lumi=None):
    count = len(scores)
    return Sample(
        np.asarray(scores),
        np.ones(count) if weights is None else weights,
        groups,
        np.full(count, -1, np.int16) if pileup is None else pileup,
        run,
        lumi,
        None,
        np.zeros(0, np.int64),
        np.zeros((0, 0), np.uint8),
    )


def test_unit_weights_give_the_chi2_test_of_scipy():
    counts, exposed = np.array([30.0, 41.0, 52.0, 77.0]), np.array([1000.0, 1000.0, 2000.0, 2000.0])
    expected = chisquare(counts, exposed / exposed.sum() * counts.sum()).pvalue
    assert constancy(counts, exposed, Count(200, 200.0, 200.0)) == pytest.approx(expected, rel=1e-12)


def test_few_events_give_the_exact_probability():
    """Three events in the same of three equal periods: 3 of 27 outcomes are as extreme."""
    assert constancy(np.array([3.0, 0, 0]), np.ones(3), Count(3, 3.0, 3.0)) == pytest.approx(1 / 9, abs=0.01)
    assert constancy(np.array([0.0, 0, 0]), np.ones(3), Count(0, 0.0, 0.0)) == 1.0


@pytest.mark.parametrize("mean", [2.0, 200.0])
def test_p_values_of_constant_rates_are_uniform_and_of_weights_too(mean):
    rng = np.random.default_rng(5)
    found = []
    for _ in range(80):
        events = rng.poisson(mean, 6)
        weights = rng.choice([0.5, 1.5], events.sum()) if mean > 100 else np.ones(events.sum())
        period = np.repeat(np.arange(6), events)
        sums = np.bincount(period, weights, minlength=6)
        found.append(constancy(sums, np.ones(6), Count(len(weights), weights.sum(), weights @ weights)))
    assert kstest(found, "uniform").pvalue > 0.01 if mean > 100 else np.mean(np.array(found) <= 0.1) < 0.17


@pytest.fixture(scope="module")
def drifting():
    """Two runs of 100 luminosity blocks; in the last 50 the pass probability doubles at code 10, not at code 5."""
    rng = np.random.default_rng(8)
    count = 40_000
    run, lumi = np.repeat([7, 9], count // 2), np.tile(np.repeat(np.arange(1, 101), count // 200), 2)
    high = rng.random(count) < np.where((run == 9) & (lumi > 50), 0.04, 0.02)
    scores = np.where(high, 10, np.where(rng.random(count) < 0.1, 5, 0))
    return sample(scores, run=run, lumi=lumi)


def test_a_drift_is_found_where_it_is(drifting):
    exposure = Exposure(40_000.0, 1.0, 40.0)
    found, p_values = periods(drifting, exposure, {"tight": 10, "any": 0}, 50)
    assert [(row.run, row.lumi_low, row.lumi_high, row.events) for row in found] == [
        (7, 1, 50, 10_000),
        (7, 51, 100, 10_000),
        (9, 1, 50, 10_000),
        (9, 51, 100, 10_000),
    ]
    assert p_values["tight"] < 1e-10
    assert p_values["any"] == pytest.approx(1.0)
    last = found[-1]
    inside = (drifting.run == 9) & (drifting.lumi > 50)
    assert last.rates["tight"].khz == pytest.approx(40.0 * (drifting.scores[inside] == 10).mean())
    assert last.rates["tight"].low < last.rates["tight"].khz < last.rates["tight"].high
    assert last.label == "run 9, luminosity blocks 51 to 100"


def test_a_constant_rate_is_left_alone(drifting):
    rng = np.random.default_rng(2)
    shuffled = sample(rng.permutation(drifting.scores), run=drifting.run, lumi=drifting.lumi)
    assert periods(shuffled, Exposure(40_000.0, 1.0, 40.0), {"tight": 10}, 50)[1]["tight"] > 0.001


def test_what_is_not_known_is_not_invented():
    without = sample([1, 2, 3])
    assert periods(without, Exposure(3.0, 1.0, 1.0), {"x": 1}, 10) == (None, None)
    assert pileup_bins(without, Exposure(3.0, 1.0, 1.0), {"x": 1}, 3) == ()
    one = sample([1, 2], run=np.array([1, 1]), lumi=np.array([3, 4]))
    found, p_values = periods(one, Exposure(2.0, 1.0, 1.0), {"x": 1}, 10)
    assert (len(found), p_values) == (1, None)


def test_bins_of_pileup_are_disjoint_complete_and_weighted():
    rng = np.random.default_rng(4)
    pileup = rng.poisson(50, 10_000).astype(np.int16)
    pileup[:100] = -1
    weights = rng.choice([0.2, 1.8], 10_000)
    scores = (rng.random(10_000) < pileup / 500).astype(int)
    found = pileup_bins(sample(scores, weights=weights, pileup=pileup), Exposure(weights.sum(), 1.8, 1.0), {"x": 1}, 4)
    assert len(found) == 4
    assert sum(row.events for row in found) == 9_900
    assert all(low.high < high.low for low, high in pairwise(found))
    assert all(abs(row.events - 2475) < 700 for row in found)
    for row in found:
        inside = (pileup >= row.low) & (pileup <= row.high)
        assert row.rates["x"].khz == pytest.approx(np.average(scores[inside], weights=weights[inside]))
    assert found[0].rates["x"].high < found[-1].rates["x"].low


def test_all_crossings_with_the_same_pileup_are_one_bin():
    found = pileup_bins(sample([1, 0, 1], pileup=np.full(3, 40, np.int16)), Exposure(3.0, 1.0, 3.0), {"x": 1}, 5)
    assert [(row.low, row.high, row.events, row.rates["x"].khz) for row in found] == [(40, 40, 3, 2.0)]
