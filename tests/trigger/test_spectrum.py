"""All thresholds at once against one threshold at a time."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l1ae.trigger import Count, spectrum

crossing = st.tuples(st.integers(-5, 12), st.integers(0, 40), st.integers(0, 4))


@given(st.lists(crossing, min_size=1, max_size=40), st.booleans())
def test_every_threshold_counts_what_a_loop_counts(crossings, grouped):
    scores, sixteenths, groups = (np.array(column) for column in zip(*crossings, strict=True))
    found = spectrum(scores, sixteenths / 16, groups if grouped else None)
    for threshold in range(-7, 15):
        sums: dict[object, Fraction] = {}
        for i, (code, weight, group) in enumerate(crossings):
            if code >= threshold:
                key = group if grouped else i
                sums[key] = sums.get(key, Fraction(0)) + Fraction(weight, 16)
        counted = found.at(threshold)
        assert counted.events == sum(code >= threshold for code, _, _ in crossings)
        assert counted.weight == pytest.approx(float(sum(sums.values())), abs=1e-12)
        assert counted.squares == pytest.approx(float(sum(total**2 for total in sums.values())), abs=1e-11)
        assert found.below(threshold) == max((code for code, _, _ in crossings if code < threshold), default=None)


@given(st.lists(crossing.filter(lambda item: item[1] > 0), min_size=1, max_size=30), st.booleans())
def test_the_largest_weight_is_diluted_by_the_sum_where_it_is_seen(crossings, grouped):
    scores, weights, groups = (np.array(column) for column in zip(*crossings, strict=True))
    found = spectrum(scores, weights / 16, groups if grouped else None)
    whole = [sum(w for _, w, g in crossings if g == group) / 16 if grouped else weight / 16 for _, weight, group in crossings]
    above = {t: sum(w for c, w, _ in crossings if c >= t) / 16 for t in set(scores.tolist())}
    for threshold, total in above.items():
        parts = [w * min(1.0, total / above[code]) for w, (code, _, _) in zip(whole, crossings, strict=True)]
        assert found.at(threshold).largest == pytest.approx(max(parts))


def test_equal_weights_are_not_diluted():
    assert spectrum(np.arange(50), np.ones(50)).largest.tolist() == [1.0] * 50


def test_nothing_is_accepted_by_an_empty_sample():
    found = spectrum(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))
    assert found.at(0) == Count(0, 0.0, 0.0)
    assert found.below(0) is None
