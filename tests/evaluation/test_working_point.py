import math

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_curve

from l1ae.errors import UserError
from l1ae.evaluation import LEVEL, clopper_pearson, tpr_at_fpr


@pytest.mark.parametrize("lsb", [None, 1 / 16, 1.0])
@pytest.mark.parametrize("fpr", [0.001, 0.01, 0.1])
def test_is_the_lowest_threshold_that_keeps_the_false_positive_rate(lsb: float | None, fpr: float) -> None:
    rng = np.random.default_rng(1)
    background, signal = rng.gamma(2, 3, 4000), rng.gamma(4, 3, 2000)
    if lsb:
        background, signal = np.round(background / lsb) * lsb, np.round(signal / lsb) * lsb
    point = tpr_at_fpr(background, signal, fpr, lsb=lsb)
    assert point.threshold is not None
    assert point.fpr is not None
    assert np.mean(background >= point.threshold) == point.fpr.value <= fpr
    one_lower = point.threshold - lsb if lsb else np.nextafter(point.threshold, 0)
    assert np.mean(background >= one_lower) > fpr


def test_agrees_with_the_roc_curve_of_sklearn() -> None:
    rng = np.random.default_rng(2)
    background, signal = rng.integers(0, 300, 5000), rng.integers(100, 400, 3000)
    labels = np.repeat([0, 1], [5000, 3000])
    fprs, tprs, _ = roc_curve(labels, np.concatenate([background, signal]), drop_intermediate=False)
    for target in (0.01, 0.05, 0.2):
        point = tpr_at_fpr(background, signal, target)
        assert point.tpr is not None
        assert point.tpr.value == pytest.approx(tprs[fprs <= target].max())


def test_integers_get_an_integer_threshold() -> None:
    point = tpr_at_fpr(np.arange(1000), np.arange(1000), 0.01)
    assert point.threshold == 990
    assert point.fpr == clopper_pearson(10, 1000)


def test_fpr_times_events_is_not_lost_to_rounding() -> None:
    # 0.29 * 100 is 28.999999999999996 in binary
    assert tpr_at_fpr(np.arange(100), np.arange(100), 0.29).fpr == clopper_pearson(29, 100)


def test_too_little_background_is_said_and_not_extrapolated() -> None:
    point = tpr_at_fpr(np.arange(99_999), np.arange(10), 1e-5)
    assert (point.threshold, point.fpr, point.tpr) == (None, None, None)
    assert point.note == "not measurable with 99,999 background events, needs at least 100,000"
    assert tpr_at_fpr(np.arange(100_000), np.arange(10), 1e-5).tpr is not None


def test_one_expected_event_bounds_the_rate_only_from_above() -> None:
    # Binomial(N, 1/N) is 0 in 37 % of all cases: nothing keeps the true threshold from being above every signal event
    point = tpr_at_fpr(np.arange(1000.0), np.linspace(0, 2000, 501), 1e-3)
    assert point.tpr is not None
    assert point.tpr.value == pytest.approx(0.5, abs=0.01)
    assert point.tpr.low == 0.0
    assert point.tpr.high > 0.5


@pytest.mark.parametrize("fpr", [0.01, 0.003])
def test_the_interval_covers_the_gaussian_closed_form(fpr: float) -> None:
    rng = np.random.default_rng(23)
    truth, tries, inside = norm.sf(norm.isf(fpr) - 1.5), 600, 0
    for _ in range(tries):
        tpr = tpr_at_fpr(rng.normal(size=4000), rng.normal(1.5, 1, 1000), fpr).tpr
        assert tpr is not None
        inside += tpr.low <= truth <= tpr.high
    # discrete counts overcover by a few percent, undercoverage is not allowed
    assert LEVEL - 4 * math.sqrt(0.22 / tries) < inside / tries < 0.82


@pytest.mark.parametrize("use_groups", [False, True])
def test_copies_widen_the_interval_as_much_as_needed(use_groups: bool) -> None:
    rng = np.random.default_rng(29)
    truth, tries, inside = norm.sf(norm.isf(0.02) - 1.5), 300, 0
    ids = np.repeat(np.arange(500), 8)
    for _ in range(tries):
        background = math.sqrt(0.9) * rng.normal(size=500)[ids] + math.sqrt(0.1) * rng.normal(size=4000)
        tpr = tpr_at_fpr(background, rng.normal(1.5, 1, 4000), 0.02, background_groups=ids if use_groups else None).tpr
        assert tpr is not None
        inside += tpr.low <= truth <= tpr.high
    if use_groups:
        assert LEVEL - 4 * math.sqrt(0.22 / tries) < inside / tries < 0.85
    else:
        assert inside / tries < 0.55


def test_copied_events_count_once() -> None:
    # every event five times: the interval of the rate must be that of the originals
    rng = np.random.default_rng(31)
    background, signal = rng.normal(size=20_000), rng.normal(1, 1, 500)
    single = tpr_at_fpr(background, signal, 0.01)
    copied = tpr_at_fpr(np.tile(background, 5), signal, 0.01, background_groups=np.tile(np.arange(20_000), 5))
    assert single.fpr is not None
    assert copied.fpr is not None
    assert copied.fpr.high - copied.fpr.low == pytest.approx(single.fpr.high - single.fpr.low, rel=0.02)


def test_scores_tied_at_the_top_accept_nothing_and_say_so() -> None:
    background = np.where(np.arange(1000) < 50, 255, 3)
    point = tpr_at_fpr(background, np.full(10, 255), 0.01)
    assert point.threshold == 256
    assert point.fpr is not None
    assert point.fpr.value == 0
    assert point.tpr is not None
    assert point.tpr.value == 0
    assert "tied at the highest score" in point.note


def test_a_rate_of_everything() -> None:
    point = tpr_at_fpr([3, 1, 2], [2, 5], 1.0)
    assert point.threshold == 1
    assert point.tpr is not None
    assert point.tpr.value == 1.0


@pytest.mark.parametrize("scores", [[], [math.nan, 1.0]])
def test_bad_scores_are_refused(scores: list[float]) -> None:
    with pytest.raises(UserError, match="background"):
        tpr_at_fpr(scores, [1.0], 0.1)
