"""Differences of efficiencies on the same events: exact cases, and how often the intervals hold."""

import numpy as np
import pytest
from scipy.stats import norm

from l1ae.evaluation import Estimate
from l1ae.trigger import Crossings, Exposure, SignalEvents, at_rate, paired_differences, rate_curves

KHZ = 1000.0
ALL = SignalEvents(None, None)
NOTHING = Estimate(0.0, 0.0, 0.0)


def _crossings(weights, groups=None, alone=None):
    return Crossings(weights, groups, alone, Exposure.of(weights, groups, KHZ))


def _correlated(rng, size, correlation, shifts):
    """Two unit normal scores of the same events, shifted."""
    common, own = rng.normal(size=size), rng.normal(size=(2, size))
    return [np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own[i] + shifts[i] for i in range(2)]


def test_identical_runs_differ_by_nothing():
    rng = np.random.default_rng(1)
    scores, signal = rng.normal(size=5000), {"a": rng.normal(1, 1, 400), "b": rng.normal(2, 1, 300)}
    crossings = _crossings(rng.uniform(0.1, 1.9, 5000), rng.integers(0, 4000, 5000), rng.random(5000) < 0.7)
    signals = {"a": SignalEvents(None, rng.random(400) < 0.8), "b": ALL}
    stretched = {name: np.exp(3 * values) for name, values in signal.items()}
    found = paired_differences([scores, scores, np.exp(3 * scores)], crossings, [signal, signal, stretched], signals, rates=(5.0, 20.0))
    assert len(found) == 2
    for points in found:
        assert [(point.kind, point.khz) for point in points] == [("raw", 5.0), ("raw", 20.0), ("pure", 5.0), ("pure", 20.0)]
        assert all(set(point.efficiency.values()) == {NOTHING} == {point.mean, point.cvar25} for point in points)
        assert set(points[0].efficiency) == {"a", "b"}
        assert set(points[2].efficiency) == {"a"}, "the menu cannot judge the other"


def test_values_are_the_differences_of_at_rate():
    rng = np.random.default_rng(2)
    scores, names = [rng.integers(0, 3000, 4000) for _ in range(3)], "abcdef"
    signal = [{name: rng.integers(0, 3000 + 200 * i, 250) for i, name in enumerate(names)} for _ in range(3)]
    crossings = _crossings(rng.uniform(0.1, 1.9, 4000), None, rng.random(4000) < 0.6)
    signals = {name: SignalEvents(None, rng.random(250) < 0.7) for name in names}
    results = [at_rate(s, crossings, found, signals, rates=(5.0, 30.0)) for s, found in zip(scores, signal, strict=True)]
    for i, points in enumerate(paired_differences(scores, crossings, signal, signals, rates=(5.0, 30.0), replicas=60), start=1):
        for point in points:
            one, other = (results[k].point(point.kind, point.khz) for k in (0, i))
            for name in names:
                assert point.efficiency[name].value == pytest.approx(other.efficiency[name].value - one.efficiency[name].value)
                assert point.efficiency[name].low <= point.efficiency[name].value <= point.efficiency[name].high
            assert point.mean.value == pytest.approx(other.mean.value - one.mean.value)
            assert point.cvar25.value == pytest.approx(other.cvar25.value - one.cvar25.value)


def test_order_of_the_runs_is_a_sign():
    rng = np.random.default_rng(3)
    scores, signal = _correlated(rng, 5000, 0.8, (0, 0)), _correlated(rng, 500, 0.8, (1, 2))
    crossings, named = _crossings(np.ones(5000)), [{"s": values} for values in signal]
    one = paired_differences(scores, crossings, named, {"s": ALL}, rates=(10.0,))[0][0].efficiency["s"]
    other = paired_differences(scores[::-1], crossings, named[::-1], {"s": ALL}, rates=(10.0,))[0][0].efficiency["s"]
    assert (other.value, other.low, other.high) == pytest.approx((-one.value, -one.high, -one.low))


def test_what_is_shared_cancels():
    """The interval of the difference of two similar scores is far narrower than that of either."""
    rng = np.random.default_rng(4)
    scores, signal = _correlated(rng, 20_000, 0.999, (0, 0)), _correlated(rng, 3000, 0.999, (2, 2))
    crossings = _crossings(np.ones(20_000))
    named = [{"s": values} for values in signal]
    alone = at_rate(scores[0], crossings, named[0], {"s": ALL}, rates=(2.0,)).points[0].efficiency["s"]
    paired = paired_differences(scores, crossings, named, {"s": ALL}, rates=(2.0,))[0][0].efficiency["s"]
    assert paired.high - paired.low < 0.4 * (alone.high - alone.low)


def test_weights_and_groups_matter():
    """Ten copies of a crossing, or one of ten times the weight, say as much as one crossing."""
    rng = np.random.default_rng(5)
    scores, signal = _correlated(rng, 4000, 0.5, (0, 0)), [{"s": values} for values in _correlated(rng, 3000, 0.5, (2, 2))]
    one = paired_differences(scores, _crossings(np.ones(4000)), signal, {"s": ALL}, rates=(10.0,))[0][0].efficiency["s"]
    copies = [np.repeat(values, 10) for values in scores]
    grouped = _crossings(np.ones(40_000), np.repeat(np.arange(4000), 10))
    same = paired_differences(copies, grouped, signal, {"s": ALL}, rates=(10.0,))[0][0].efficiency["s"]
    more = paired_differences(copies, _crossings(np.ones(40_000)), signal, {"s": ALL}, rates=(10.0,))[0][0].efficiency["s"]
    assert (same.value, same.low, same.high) == pytest.approx((one.value, one.low, one.high), rel=0.2)
    assert more.high - more.low < 0.7 * (same.high - same.low)


def test_without_a_threshold_there_is_no_difference():
    flat, steep = np.zeros(100), np.arange(100)
    point = paired_differences([steep, flat], _crossings(np.ones(100)), [{"s": steep}, {"s": flat}], {"s": ALL}, rates=(20.0,))[0][0]
    assert (point.efficiency, point.mean, point.cvar25) == ({}, None, None)
    none = paired_differences([steep, steep + 0.5], _crossings(np.ones(100)), [{}, {}], {}, rates=(20.0,))[0][0]
    assert (none.efficiency, none.mean, none.cvar25) == ({}, None, None)


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize(("expected", "correlation", "floor"), [(5, 0.9, 0.62), (40, 0.9, 0.63), (40, 0.3, 0.63)])
def test_intervals_hold_as_often_as_they_say(expected, correlation, floor):
    """Two normal scores at the true difference of their efficiencies, in 300 experiments; the measured fraction has an error of 0.027."""
    rng, n, inside, means = np.random.default_rng(expected), 20_000, 0, 0
    khz, shifts = expected / n * KHZ, {"a": (2.5, 3.0), "b": (3.4, 3.2)}
    threshold = norm.isf(expected / n)
    truth = {name: norm.sf(threshold - other) - norm.sf(threshold - one) for name, (one, other) in shifts.items()}
    for _ in range(300):
        scores = _correlated(rng, n, correlation, (0, 0))
        made = {name: _correlated(rng, 3000, correlation, shift) for name, shift in shifts.items()}
        signal = [{name: values[i] for name, values in made.items()} for i in range(2)]
        point = paired_differences(scores, _crossings(np.ones(n)), signal, dict.fromkeys(shifts, ALL), rates=(khz,), replicas=200)[0][0]
        inside += point.efficiency["a"].low <= truth["a"] <= point.efficiency["a"].high
        means += point.mean.low <= np.mean(list(truth.values())) <= point.mean.high
    assert floor < inside / 300 < 0.85
    assert floor < means / 300 < 0.85


@pytest.mark.slow
def test_intervals_hold_with_weights():
    """A stratified sample: the soft half weighs 1.9, the hard one 0.1, and the thresholds lie among the hard, whose order differs."""
    rng, n, inside, khz = np.random.default_rng(6), 4000, 0, 2.0
    threshold = norm.isf(khz / KHZ)
    truth = norm.sf(threshold - 2.5) - norm.sf(threshold - 2.0)
    for _ in range(300):
        soft, hard = _correlated(rng, n // 2, 0.5, (0, 0)), _correlated(rng, n // 2, 0.5, (0, 0))
        scores = [np.concatenate([norm.ppf(0.95 * norm.cdf(a)), norm.isf(0.05 * norm.cdf(b))]) for a, b in zip(soft, hard, strict=True)]
        signal = _correlated(rng, 3000, 0.5, (2.0, 2.5))
        crossings = _crossings(np.repeat([1.9, 0.1], n // 2))
        named = [{"s": values} for values in signal]
        found = paired_differences(scores, crossings, named, {"s": ALL}, rates=(khz,), replicas=200)[0][0].efficiency["s"]
        inside += found.low <= truth <= found.high
    assert 0.63 < inside / 300 < 0.85


def test_curves_are_those_of_at_rate():
    rng = np.random.default_rng(7)
    scores, signal = rng.integers(0, 300, 3000), {"s": rng.integers(100, 400, 500), "t": rng.integers(0, 300, 200)}
    crossings = _crossings(rng.uniform(0.1, 1.9, 3000), None, rng.random(3000) < 0.6)
    signals = {"s": SignalEvents(None, rng.random(500) < 0.7), "t": ALL}
    rates = (0.001, 2.0, 5.0, 30.0, 400.0)
    expected = at_rate(scores, crossings, signal, signals, rates=rates)
    raw, pure = rate_curves(scores, crossings, signal, signals, rates)
    assert (raw.kind, pure.kind, raw.khz) == ("raw", "pure", rates)
    assert (set(raw.efficiency), set(pure.efficiency)) == ({"s", "t"}, {"s"})
    for curves in (raw, pure):
        for name, values in curves.efficiency.items():
            points = [expected.point(curves.kind, khz) for khz in rates]
            assert values[0] is None is points[0].threshold
            assert values[1:] == pytest.approx([point.efficiency[name].value for point in points[1:]])
