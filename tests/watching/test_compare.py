"""One p-value that is what it says, and planted changes that are found and named."""

import numpy as np
import pytest
from scipy.stats import binomtest

from l1ae.errors import UserError
from l1ae.watching import Quantity, Sample, compare


def sample(rng, n, *, shift=0.0, hole=None, lost=0.0, weights=False, copies=1):
    """Three quantities: one smooth, one of whole numbers, one that half of the events have."""
    smooth = np.repeat(rng.normal(size=n // copies) + shift, copies)
    if hole is not None:
        low, high = hole
        inside = (smooth > low) & (smooth < high)
        smooth[inside] = rng.uniform(high, high + 1, inside.sum())
    whole = rng.poisson(4.0, n).astype(float)
    half = np.where(rng.random(n) < 0.5 * (1 - lost), rng.exponential(size=n), np.nan)
    watched = (Quantity("smooth", "GeV", smooth), Quantity("whole", "", whole), Quantity("half", "rad", half))
    weighed = rng.choice([0.1, 2.0], n) if weights else np.ones(n)
    return Sample(watched, weighed, np.arange(n) // copies)


@pytest.mark.parametrize(
    ("copies", "weights"), [(1, False), pytest.param(4, False, marks=pytest.mark.slow), pytest.param(1, True, marks=pytest.mark.slow)]
)
def test_false_alarms_come_as_often_as_stated(copies, weights):
    rng = np.random.default_rng(5)
    found = []
    for k in range(150):
        one, other = (sample(rng, 400, copies=copies, weights=weights) for _ in range(2))
        found.append(compare(one, other, permutations=99, seed=k).p_value)
    for alpha in (0.05, 0.2, 0.5):
        assert binomtest(sum(p <= alpha for p in found), len(found), alpha).pvalue > 1e-3, alpha


def test_copies_that_are_taken_for_independent_would_be_a_false_alarm():
    rng = np.random.default_rng(2)
    one, other = (sample(rng, 4000, copies=40) for _ in range(2))
    alone = [Sample(item.quantities, item.weights, np.arange(len(item))) for item in (one, other)]
    assert compare(*alone, permutations=199).p_value == 1 / 200
    assert compare(one, other, permutations=199).p_value > 0.01


@pytest.mark.parametrize(("change", "name"), [({"shift": 0.15}, "smooth"), ({"hole": (0.4, 0.6)}, "smooth"), ({"lost": 0.12}, "half")])
def test_a_planted_change_is_found_and_named(change, name):
    rng = np.random.default_rng(7)
    found = compare(sample(rng, 5000), sample(rng, 5000, **change), permutations=199)
    assert found.p_value == 1 / 200
    assert found.moved[0].name == name
    assert [item.name for item in found.moved if item.p_value <= 0.01] == [name]


def test_how_much_and_where_is_said():
    rng = np.random.default_rng(8)
    found = compare(sample(rng, 5000), sample(rng, 5000, hole=(0.4, 0.6)), permutations=99)
    smooth = found.moved[0]
    assert smooth.region.other < 0.4 * smooth.region.reference
    assert 0.35 < smooth.region.low < smooth.region.high < 0.7
    shifted = compare(sample(rng, 5000), sample(rng, 5000, shift=0.3), permutations=99).moved[0]
    assert shifted.shift == pytest.approx(0.3, abs=0.08)
    assert shifted.error == pytest.approx(np.sqrt(2 / 5000), rel=0.25)
    lost = next(item for item in compare(sample(rng, 5000), sample(rng, 5000, lost=0.5), permutations=99).moved if item.name == "half")
    assert (lost.filled_reference, lost.filled_other) == (pytest.approx(0.5, abs=0.03), pytest.approx(0.25, abs=0.03))


def test_weights_are_repeated_events_of_one_group():
    rng = np.random.default_rng(3)
    one, other = sample(rng, 300), sample(rng, 300, shift=0.2)
    times = rng.integers(1, 4, 300)

    def repeated(item):
        watched = tuple(Quantity(q.name, q.unit, np.repeat(q.values, times)) for q in item.quantities)
        return Sample(watched, np.ones(times.sum()), np.repeat(item.groups, times))

    weighed = [Sample(item.quantities, times.astype(float), item.groups) for item in (one, other)]
    first, second = compare(*weighed, permutations=99), compare(repeated(one), repeated(other), permutations=99)
    for item in first.moved:
        twin = next(found for found in second.moved if found.name == item.name)
        assert (item.mean, item.shift) == (pytest.approx(twin.mean), pytest.approx(twin.shift))


def test_a_seed_gives_the_same_twice():
    rng = np.random.default_rng(1)
    one, other = sample(rng, 300), sample(rng, 300)
    assert compare(one, other, permutations=99) == compare(one, other, permutations=99)


def test_what_cannot_be_compared_is_refused():
    rng = np.random.default_rng(1)
    one = sample(rng, 300)
    with pytest.raises(UserError, match="do not have the same columns"):
        compare(one, Sample(one.quantities[:2], one.weights, one.groups))
    with pytest.raises(UserError, match="the new sample has 300 events of fewer than two independent collisions"):
        compare(one, Sample(one.quantities, one.weights, np.zeros(300, np.int64)))


def test_a_quantity_that_never_varies_or_never_is_there_says_nothing():
    rng = np.random.default_rng(4)
    more = (Quantity("constant", "", np.full(300, 7.0)), Quantity("absent", "", np.full(300, np.nan)))
    both = [Sample((*item.quantities, *more), item.weights, item.groups) for item in (sample(rng, 300), sample(rng, 300))]
    found = {item.name: item for item in compare(*both, permutations=99).moved}
    assert found["constant"].p_value == found["absent"].p_value == 1.0
    assert found["absent"].shift is None
    assert found["absent"].filled_reference == found["absent"].filled_other == 0.0
    assert found["constant"].shift == 0.0
