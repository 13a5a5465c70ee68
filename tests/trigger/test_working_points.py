"""Thresholds worked out by hand, and the reasons why there is none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l1ae.trigger import Exposure, RateCurve, gamma_interval, spectrum

SCORES = np.array([90, 80, 80, 70, 70, 70, 40, 40, 40, 40, 10, 10])
PURE = np.array([0, 1, 0, 1, 0, 0, 1, 1, 0, 1, 1, 1], bool)


def curve(scores=SCORES, pure=PURE, weights=None, lowest=0, highest=200, crossing_khz=None):
    """A crossing of weight 1 stands for 1 kHz unless said otherwise."""
    weights = np.ones(len(scores)) if weights is None else weights
    exposure = Exposure.of(weights, None, float(weights.sum()) if crossing_khz is None else crossing_khz)
    alone = None if pure is None else spectrum(scores[pure], weights[pure])
    return RateCurve(exposure, spectrum(scores, weights), alone, lowest, highest)


def test_the_largest_rate_that_is_not_above_the_request():
    point = curve().points([4.0], "raw", 0.5)[0]
    # 80 and above: 3 crossings; 70 would be 6
    assert (point.name, point.threshold, point.score, point.equivalent_from) == ("4kHz", 80, 40.0, 71)
    assert (point.raw.khz, point.pure.khz) == (3.0, 1.0)
    assert (point.lower.threshold, point.lower.raw_khz, point.lower.pure_khz) == (70, 6.0, 2.0)
    assert (point.higher.threshold, point.higher.raw_khz, point.higher.pure_khz) == (81, 1.0, 0.0)
    assert "only 3.0 effective crossings pass" in point.note


@pytest.mark.parametrize(("khz", "threshold"), [(1, 90), (2.999, 90), (3, 80), (6, 70), (9.9, 70), (10, 40), (12, 10), (50, 10)])
def test_a_request_that_is_met_exactly_is_met(khz, threshold):
    assert curve().points([khz], "raw", 1.0)[0].threshold == threshold


def test_the_ladder_can_mean_pure_rates():
    point = curve().points([2.5], "pure", 1.0)[0]
    # pure: 80 -> 1, 70 -> 2, 40 -> 5
    assert (point.threshold, point.pure.khz, point.raw.khz, point.effective_events) == (70, 2.0, 6.0, 2.0)


def test_thresholds_at_the_ends_of_the_scale():
    loose = curve(highest=90).points([12], "raw", 1.0)[0]
    assert (loose.lower, loose.equivalent_from) == (None, 0)
    tight = curve(highest=90).points([1], "raw", 1.0)[0]
    assert (tight.threshold, tight.higher) == (90, None)


def test_a_saturated_score_is_told():
    point = curve(np.array([90, 90, 90, 5]), None, highest=90).points([2], "raw", 1.0)[0]
    assert (point.threshold, point.raw, point.pure, point.lower, point.higher) == (None,) * 5
    assert "the score saturates: its largest code 90 alone has 3 kHz (3 crossings), more than 2 kHz" in point.note


def test_a_sample_that_is_too_small_is_told():
    point = curve().points([0.5], "raw", 1.0)[0]
    assert point.threshold is None
    assert "the sample cannot resolve this rate: the highest score that occurs, code 90, alone has 1 kHz (1 crossing)" in point.note


def test_a_menu_that_accepts_everything_leaves_nothing_pure():
    point = curve(pure=np.zeros(12, bool)).points([5], "pure", 1.0)[0]
    assert point.threshold is None
    assert "no crossing of the sample is pure" in point.note


def test_enough_effective_crossings_need_no_note():
    scores = np.arange(100)
    assert curve(scores, None).points([10], "raw", 1.0)[0].note is None
    assert curve(scores, None).points([9], "raw", 1.0)[0].note is not None
    # one heavy crossing among light ones: many crossings, few effective ones
    weights = np.where(scores == 99, 1.0, 0.01)
    heavy = curve(scores, None, weights, crossing_khz=float(weights.sum())).points([1.2], "raw", 1.0)[0]
    assert heavy.effective_events == pytest.approx(1.2**2 / (1 + 20 * 1e-4), rel=0.01)
    assert heavy.note is not None


def test_an_unseen_heavy_crossing_is_told():
    scores, weights = np.arange(300), np.where(np.arange(300) == 0, 1.0, 0.02)
    point = curve(scores, None, weights, crossing_khz=float(weights.sum())).points([1.0], "raw", 1.0)[0]
    assert point.effective_events == pytest.approx(50)
    assert "one crossing of the sample's largest weight stands for 1 kHz, and none is seen above" in point.note
    # seen where the sum of weights is 6.98: it counts as 1 / 6.98 here
    low, high = gamma_interval(1.0, 50 * 0.02**2, 1 / 6.98)
    assert (point.raw.low, point.raw.high) == (pytest.approx(float(low)), pytest.approx(float(high)))
    assert f"the upper end is {float(gamma_interval(1.0, 50 * 0.02**2, 1.0)[1]):.2g} kHz" in point.note
    assert curve(scores, None, weights, crossing_khz=float(weights.sum())).points([3.5], "raw", 1.0)[0].note is None


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(1, 60))
def test_neighbours_are_the_next_integers_with_other_decisions(scores, khz):
    scores = np.array(scores)
    point = curve(scores, None, highest=31).points([khz], "raw", 1.0)[0]
    passed = {t: int((scores >= t).sum()) for t in range(-1, 33)}
    if point.threshold is None:
        assert min(count for count in passed.values() if count) > khz
        return
    assert passed[point.threshold] == max(count for count in passed.values() if count <= khz)
    assert all(passed[t] == passed[point.threshold] for t in range(point.equivalent_from, point.threshold + 1))
    assert passed[point.threshold + 1] == point.higher.raw_khz < passed[point.threshold]
    if point.lower is not None:
        assert point.lower.threshold == point.equivalent_from - 1
        assert passed[point.lower.threshold] == point.lower.raw_khz > khz


def test_the_curve_has_few_points_that_are_right_and_evenly_spread():
    scores = np.random.default_rng(1).exponential(300, 20_000).astype(int)
    pure = np.arange(len(scores)) % 3 == 0
    drawn = curve(scores, pure).curve()
    assert 100 < len(drawn.threshold) <= 400
    assert list(drawn.threshold) == sorted(drawn.threshold, reverse=True)
    for k in (0, 7, 50, -1):
        assert drawn.raw_khz[k] == (scores >= drawn.threshold[k]).sum()
        assert drawn.pure_khz[k] == (scores[pure] >= drawn.threshold[k]).sum()
        assert drawn.raw_low[k] < drawn.raw_khz[k] <= drawn.raw_high[k] <= 20_000
    assert drawn.raw_khz[-1] == 20_000
    assert max(np.diff(np.log(drawn.raw_khz[40:]))) < 0.06


def test_no_upper_end_of_the_pure_rate_is_above_that_of_the_raw_rate():
    # light crossings above the threshold, none of them pure; a heavy pure one below
    scores, weights = np.array([90] * 40 + [10] * 20), np.array([0.01] * 40 + [2.0] * 20)
    point = curve(scores, np.arange(60) >= 40, weights).points([0.5], "raw", 1.0)[0]
    assert (point.threshold, point.pure.khz) == (90, 0.0)
    for end in ("high", "wide_high", "prediction_high"):
        assert 0 < getattr(point.pure, end) <= getattr(point.raw, end)
