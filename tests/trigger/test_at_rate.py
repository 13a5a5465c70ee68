"""Efficiencies at a rate: closed forms, and how often the intervals hold."""

from dataclasses import replace

import numpy as np
import pytest

from l1ae.evaluation import clopper_pearson, worst
from l1ae.trigger import Crossings, Exposure, SignalEvents, at_rate

KHZ = 1000.0
ALL = SignalEvents(None, None)


def _crossings(weights, groups=None, alone=None):
    return Crossings(weights, groups, alone, Exposure.of(weights, groups, KHZ))


def _uniform(n):
    return _crossings(np.ones(n))


def test_the_threshold_is_the_lowest_score_that_stays_below_the_rate():
    """1,000 crossings at 1,000 kHz are one kHz each: 3 kHz are the three highest scores."""
    scores = np.arange(1000)
    result = at_rate(scores, _uniform(1000), {"s": np.array([996, 997, 998, 2000])}, {"s": ALL}, rates=(3.0,))
    point = result.point("raw", 3.0)
    assert point.threshold == 997
    assert point.reached.value == pytest.approx(3.0)
    assert point.effective_events == pytest.approx(3.0)
    assert point.efficiency["s"].value == 0.75
    assert result.point("pure", 3.0) is None


def test_weights_are_repeated_crossings():
    rng = np.random.default_rng(1)
    scores, weights = rng.normal(size=400), rng.integers(0, 4, 400)
    signal = {"s": rng.normal(1, 1, 300)}
    weighted = at_rate(scores, _crossings(weights.astype(float)), signal, {"s": ALL}, rates=(30.0,)).points[0]
    repeated = at_rate(np.repeat(scores, weights), _uniform(weights.sum()), signal, {"s": ALL}, rates=(30.0,)).points[0]
    assert weighted.efficiency["s"].value == repeated.efficiency["s"].value
    assert weighted.threshold == repeated.threshold


def test_pure_counts_only_what_no_seed_takes():
    scores = np.arange(1000)
    alone = scores % 2 == 0
    signals = {"s": SignalEvents(None, np.array([True, False, True, False])), "t": ALL}
    numbers = {"s": np.array([999, 999, 0, 0]), "t": np.array([999])}
    result = at_rate(scores, _crossings(np.ones(1000), alone=alone), numbers, signals, rates=(3.0,))
    point = result.point("pure", 3.0)
    assert point.threshold == 994
    assert point.efficiency["s"].value == 0.25
    assert set(point.efficiency) == {"s"}, "the menu cannot judge the other"
    assert set(result.point("raw", 3.0).efficiency) == {"s", "t"}


def test_mean_and_worst_quarter():
    numbers = {name: np.r_[np.full(k, 2000.0), np.zeros(100 - k)] for name, k in zip("abcde", (10, 20, 30, 40, 50), strict=True)}
    point = at_rate(np.arange(1000), _uniform(1000), numbers, dict.fromkeys(numbers, ALL), rates=(5.0,)).points[0]
    assert point.mean.value == pytest.approx(0.3)
    assert point.cvar25.value == pytest.approx(0.15), "the two worst of five"
    assert worst([0.3, 0.1, 0.2, 0.4]) == [1]


def test_floats_and_their_ranks_give_the_same():
    rng = np.random.default_rng(2)
    scores, signal = rng.normal(size=500), rng.normal(1, 1, 200)
    both = np.concatenate([scores, signal])
    ranks = np.argsort(np.argsort(both))
    one = at_rate(scores, _uniform(500), {"s": signal}, {"s": ALL}, rates=(10.0,)).points[0]
    other = at_rate(ranks[:500], _uniform(500), {"s": ranks[500:]}, {"s": ALL}, rates=(10.0,)).points[0]
    assert one.efficiency == other.efficiency


def test_what_cannot_be_measured_is_said():
    tied = at_rate(np.zeros(100), _uniform(100), {}, {}, rates=(5.0,)).points[0]
    assert tied.threshold is None
    assert "saturates" in tied.note
    none = at_rate(np.zeros(100), _crossings(np.ones(100), alone=np.zeros(100, bool)), {}, {}, rates=(5.0,)).point("pure", 5.0)
    assert "no crossing is pure" in none.note


def test_without_signals_there_are_thresholds_all_the_same():
    point = at_rate(np.arange(1000), _uniform(1000), {}, {}, rates=(5.0,)).points[0]
    assert (point.threshold, point.mean, point.cvar25) == (995, None, None)


def test_nothing_bounds_the_threshold_of_a_rate_below_one_crossing():
    point = at_rate(np.arange(1000), _uniform(1000), {"s": np.arange(1000)}, {"s": ALL}, rates=(1.0,)).points[0]
    assert point.threshold_high is None
    assert point.efficiency["s"].low == 0.0


def _truth(khz, shift):
    """Efficiency of a unit exponential, shifted by `shift`, where an exponential background has `khz` of `KHZ`."""
    return min(1.0, khz / KHZ * np.exp(shift))


@pytest.mark.slow
@pytest.mark.parametrize(("expected", "floor"), [(5, 0.66), (50, 0.65)])
def test_intervals_hold_as_often_as_they_say(expected, floor):
    """The true efficiency at the true threshold, in 300 experiments; the measured fraction has an error of 0.027."""
    rng, n, inside, means = np.random.default_rng(expected), 20_000, 0, 0
    khz, shifts = expected / n * KHZ, {"a": 3.0, "b": 4.0}
    truth = {name: _truth(khz, shift) for name, shift in shifts.items()}
    for _ in range(300):
        signals = {name: rng.exponential(size=3000) + shift for name, shift in shifts.items()}
        point = at_rate(rng.exponential(size=n), _uniform(n), signals, dict.fromkeys(signals, ALL), rates=(khz,)).points[0]
        inside += point.efficiency["a"].low <= truth["a"] <= point.efficiency["a"].high
        means += point.mean.low <= np.mean(list(truth.values())) <= point.mean.high
    assert floor < inside / 300 < 0.9
    assert floor < means / 300 < 0.9


def test_intervals_hold_with_weights():
    """A stratified sample: the soft half weighs 1.9, the hard one 0.1, and the threshold lies among the hard."""
    rng, n, inside = np.random.default_rng(3), 4000, 0
    edge, shift = -np.log(0.05), 3.0
    khz = 2.0
    truth = _truth(khz, shift)
    for _ in range(300):
        soft = -np.log1p(-rng.random(n // 2) * 0.95)
        scores = np.concatenate([soft, edge + rng.exponential(size=n // 2)])
        weights = np.repeat([1.9, 0.1], n // 2)
        point = at_rate(scores, _crossings(weights), {"s": rng.exponential(size=3000) + shift}, {"s": ALL}, rates=(khz,)).points[0]
        inside += point.efficiency["s"].low <= truth <= point.efficiency["s"].high
    assert 0.64 < inside / 300 < 0.95


def test_what_the_menu_keeps_is_said_of_signals_that_it_can_judge():
    signals = {"s": SignalEvents(None, np.array([True, False, False, False])), "t": ALL}
    numbers = {"s": np.zeros(4), "t": np.zeros(3)}
    result = at_rate(np.arange(100), _crossings(np.ones(100), alone=np.ones(100, bool)), numbers, signals, rates=(5.0,))
    assert set(result.menu) == {"s"}
    assert result.menu["s"] == clopper_pearson(3, 4)


def test_the_firmwares_rate_is_quoted_first_and_a_summary_has_two_rates():
    found = at_rate(np.arange(10_000), _uniform(10_000), {}, {}, rates=(0.5, 1.0, 3.0, 20.0))
    assert found.headline.khz == 1.0
    assert [point.khz for point in found.brief.points] == [0.5, 1.0]
    set_for = replace(found, quoted=20.0)
    assert set_for.headline.khz == 20.0
    assert [point.khz for point in set_for.brief.points] == [0.5, 20.0]
    assert at_rate(np.arange(10_000), _uniform(10_000), {}, {}, rates=(3.0, 20.0)).headline.khz == 3.0
    assert at_rate(np.arange(10_000), _uniform(10_000), {}, {}, rates=(3.0, 20.0)).brief.points[-1].khz == 20.0
