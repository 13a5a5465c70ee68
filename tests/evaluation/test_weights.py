"""Weighted samples: repeated and absent events, closed forms, and the coverage of intervals in pseudo-experiments."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import norm

from l1ae.errors import UserError
from l1ae.evaluation import ScoreSet, auc, auc_difference, compare_scores, design_effect, evaluate, inputs_figure, score_figure, tpr_at_fpr
from l1ae.evaluation._figures import _roc, roc_figure
from l1ae.evaluation._sample import Sample
from l1ae.inputs import Feature, Group, Layout

RNG = np.random.default_rng(21)
BACKGROUND, SIGNAL = RNG.integers(0, 30, 200), RNG.integers(5, 40, 80)
REPEATS, SIGNAL_REPEATS = RNG.integers(1, 5, 200), RNG.integers(1, 4, 80)


def stratified(rng, count=2000, edge=2.0):
    """Half of the background from the normal distribution above `edge`, half below, with the weights that undo it."""
    above = rng.random(count) < 0.5
    tail = norm.sf(edge)
    scores = np.where(above, norm.isf(rng.random(count) * tail), norm.ppf(rng.random(count) * (1 - tail)))
    return scores, np.where(above, 2 * tail, 2 * (1 - tail))


# -- repeated events -------------------------------------------------------------------------------------------------


def test_integer_weights_are_repeated_events():
    repeated, signal = np.repeat(BACKGROUND, REPEATS), np.repeat(SIGNAL, SIGNAL_REPEATS)
    weights = {"background_weights": REPEATS, "signal_weights": SIGNAL_REPEATS}
    assert auc(BACKGROUND, SIGNAL, **weights).value == pytest.approx(auc(repeated, signal).value, rel=1e-12)
    shifted = (BACKGROUND, np.roll(BACKGROUND, 1)), (SIGNAL, SIGNAL + 1)
    expected = auc_difference((repeated, np.repeat(np.roll(BACKGROUND, 1), REPEATS)), (signal, signal + 1)).value
    assert auc_difference(*shifted, **weights).value == pytest.approx(expected, rel=1e-12)
    for fpr in (0.01, 0.07, 0.3):
        point, same = tpr_at_fpr(BACKGROUND, SIGNAL, fpr, **weights), tpr_at_fpr(repeated, signal, fpr)
        assert point.threshold == same.threshold
        assert (point.fpr.value, point.tpr.value) == pytest.approx((same.fpr.value, same.tpr.value), rel=1e-12)


def test_repeated_events_that_are_known_as_copies_have_the_same_intervals():
    """Weights and groups say the same: the block bootstrap draws the same, and the design effect is that of the weights."""
    numbers = np.repeat(np.arange(200), REPEATS)
    weighted = auc(BACKGROUND, SIGNAL, background_weights=REPEATS, signal_groups=np.arange(80) // 2)
    grouped = auc(np.repeat(BACKGROUND, REPEATS), SIGNAL, background_groups=numbers, signal_groups=np.arange(80) // 2)
    assert (weighted.low, weighted.high) == pytest.approx((grouped.low, grouped.high), rel=1e-12)
    point = tpr_at_fpr(BACKGROUND, SIGNAL, 0.1, background_weights=REPEATS)
    copies = tpr_at_fpr(np.repeat(BACKGROUND, REPEATS), SIGNAL, 0.1, background_groups=numbers)
    assert (point.fpr.low, point.fpr.high) == pytest.approx((copies.fpr.low, copies.fpr.high), rel=0.05)


@pytest.mark.parametrize("grouped", [False, True])
def test_equal_weights_are_none(grouped):
    ids = np.arange(200) // 2 if grouped else np.arange(200)
    plain = auc(BACKGROUND, SIGNAL, background_groups=ids)
    weighted = auc(BACKGROUND, SIGNAL, background_groups=ids, background_weights=np.full(200, 3.0), signal_weights=np.full(80, 0.2))
    assert (plain.value, plain.low, plain.high) == pytest.approx((weighted.value, weighted.low, weighted.high), rel=1e-12)
    point = tpr_at_fpr(BACKGROUND, SIGNAL, 0.1)
    same = tpr_at_fpr(BACKGROUND, SIGNAL, 0.1, background_weights=np.full(200, 3.0))
    assert (same.threshold, same.tpr) == (point.threshold, point.tpr)
    assert (same.fpr.low, same.fpr.high) == pytest.approx((point.fpr.low, point.fpr.high), rel=1e-9)


@pytest.mark.parametrize("grouped", [False, True])
def test_events_of_weight_zero_are_absent_to_the_last_bit(grouped):
    rng = np.random.default_rng(22)
    weights = rng.exponential(size=200) * (rng.random(200) < 0.6)
    there = weights > 0
    ids = np.arange(200) // 2 if grouped else np.arange(200)
    given = {"background": ids}, {"background": weights}
    kept = {"background": ids[there]}, {"background": weights[there]}
    results = [
        evaluate({"float": ScoreSet(b, {"s": SIGNAL}), "fixed": ScoreSet(b + 0.25, {"s": SIGNAL}, 0.25)}, *by_sample, threshold=20.0)
        for b, by_sample in ((BACKGROUND, given), (BACKGROUND[there], kept))
    ]
    assert results[0] == results[1]
    assert results[0].events["background"] == there.sum()


# -- closed forms and pseudo-experiments -----------------------------------------------------------------------------


def test_the_interval_of_a_weighted_auc_covers():
    """Background normal, in strata; signal normal and shifted by 1.5: AUC is Phi(1.5 / sqrt(2))."""
    truth, rng, inside = norm.cdf(1.5 / np.sqrt(2)), np.random.default_rng(23), 0
    for _ in range(400):
        background, weights = stratified(rng, 300, edge=1.0)
        found = auc(background, rng.normal(1.5, 1, 200), background_weights=weights)
        inside += found.low <= truth <= found.high
    assert 0.683 - 0.07 < inside / 400 < 0.683 + 0.07


def test_the_interval_of_a_weighted_tpr_covers_and_strata_reach_what_plain_events_cannot():
    """FPR 1e-4 with 2000 events: 2000 plain ones have none that is allowed."""
    truth, rng, inside, inside_fpr = norm.sf(norm.isf(1e-4) - 3), np.random.default_rng(24), 0, 0
    for _ in range(300):
        background, weights = stratified(rng, edge=3.0)
        point = tpr_at_fpr(background, rng.normal(3, 1, 500), 1e-4, background_weights=weights)
        inside += point.tpr.low <= truth <= point.tpr.high
        true_fpr = norm.sf(point.threshold)
        inside_fpr += point.fpr.low <= true_fpr <= point.fpr.high
        assert point.fpr.high < 1.5e-4
    assert 0.62 < inside / 300 < 0.92
    assert inside_fpr / 300 > 0.62
    assert "not measurable with 2,000 background events" in tpr_at_fpr(rng.normal(size=2000), rng.normal(size=50), 1e-4).note


def test_a_heavy_event_at_the_top_makes_a_rate_unmeasurable():
    note = tpr_at_fpr([1.0, 2.0, 3.0], [4.0], 0.1, background_weights=[1.0, 1.0, 2.0]).note
    assert note == "not measurable with 3 weighted background events, of which the highest score alone has 0.5 of the weight"


def test_design_effect_of_weights_is_the_variance_over_the_binomial_one():
    rng = np.random.default_rng(25)
    fractions = []
    for _ in range(3000):
        scores, weights = stratified(rng, 200)
        fractions.append(np.average(scores >= 2.2, weights=weights))
    scores, weights = stratified(rng, 200_000)
    binomial = norm.sf(2.2) * norm.cdf(2.2) / 200
    assert np.var(fractions) / binomial == pytest.approx(design_effect(scores, 2.2, None, weights), rel=0.1)
    assert design_effect(scores, 2.2, None, weights) < 0.1


def test_accepted_fractions_and_differences_are_weighted():
    weights = RNG.exponential(size=200)
    scores = {"float": ScoreSet(BACKGROUND, {"s": SIGNAL}), "fixed": ScoreSet(BACKGROUND + np.arange(200) % 3, {"s": SIGNAL})}
    metrics = evaluate(scores, weights={"background": weights}, threshold=20)
    accepted = metrics.accepted["float"]["background"]
    assert accepted.value == pytest.approx(np.average(BACKGROUND >= 20, weights=weights), rel=1e-12)
    assert accepted.low < accepted.value < accepted.high
    difference = metrics.comparisons["fixed"].scores["background"]
    assert difference.mean == pytest.approx(np.average(np.arange(200) % 3, weights=weights), rel=1e-12)
    assert difference == compare_scores(BACKGROUND, BACKGROUND + np.arange(200) % 3, 20, weights)
    assert metrics.effective == {"background": pytest.approx(weights.sum() ** 2 / (weights**2).sum())}
    assert metrics.auc_method.endswith("events weighted")
    assert evaluate(scores).effective == {}


def test_effective_events_are_those_of_kish_over_groups():
    sample = Sample.of([1.0, 2.0, 3.0, 4.0], "s", [7, 7, 8, 9], [1.0, 2.0, 3.0, 1.0])
    assert sample.effective == pytest.approx(49 / 19)
    assert (sample.sources, sample.quantile(0.5)) == (3, 3.0)


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        ([1.0, -2.0], r"background: event 1 has the weight -2.0; weights must be finite and not negative"),
        ([np.nan, 1.0], "event 0 has the weight nan"),
        ([0.0, 0.0], "'background': all 2 weights are 0"),
        ([1.0], r"weights of 'background' must be one number per event, shape \(2,\), not \(1,\)"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(weights, text):
    with pytest.raises(UserError, match=text):
        auc([1.0, 2.0], [3.0], background_weights=weights)


def test_weights_of_no_sample_are_refused():
    with pytest.raises(UserError, match="weights are given for 'x', which has no scores; the samples are background, s"):
        evaluate({"float": ScoreSet(BACKGROUND, {"s": SIGNAL})}, weights={"x": [1.0]})


# -- figures ---------------------------------------------------------------------------------------------------------


def test_the_roc_of_strata_is_the_curve_of_the_distribution():
    background, weights = stratified(np.random.default_rng(26), 40_000, edge=3.0)
    fpr, tpr = _roc(Sample.of(background, "background", weights=weights), Sample.of(norm.isf(np.linspace(1e-5, 1 - 1e-5, 9999)) + 3, "s"))
    np.testing.assert_allclose(tpr[fpr > 1e-5], norm.sf(norm.isf(fpr[fpr > 1e-5]) - 3), atol=0.03)
    assert fpr.min() < 1e-6
    axes = roc_figure({"fixed": ScoreSet(background, {"s": background + 3})}, weights={"background": weights}).axes[0]
    assert axes.get_xlim()[0] <= 1e-7


def test_score_distributions_are_weighted():
    weights = np.where(BACKGROUND < 10, 5.0, 0.1)
    bars = score_figure(BACKGROUND, {"s": SIGNAL}, {"background": weights}).axes[0].patches[0].get_data()
    edges = bars.edges.copy()
    edges[[0, -1]] = -np.inf, np.inf
    expected = [weights[(low <= BACKGROUND) & (high > BACKGROUND)].sum() / weights.sum() for low, high in pairwise(edges)]
    np.testing.assert_allclose(bars.values, expected, atol=1e-12)
    assert bars.values.sum() == pytest.approx(1)


def test_inputs_are_weighted():
    """Two slots; the second event weighs three times as much, its second slot is empty."""
    pt = Feature(name="pt", bits=4, role="energy")
    layout = Layout(name="two", groups=(Group(name="jet", slots=2, features=(pt,)),))
    codes = np.array([[3, 1], [5, 0]], np.int16)
    steps = inputs_figure({"background": codes}, layout, {"background": [1.0, 3.0]}).axes[0].patches[0].get_data()
    assert dict(zip(np.floor(steps.edges[:-1] + 0.5).astype(int).tolist(), steps.values.tolist(), strict=True))[5] == pytest.approx(0.6)
