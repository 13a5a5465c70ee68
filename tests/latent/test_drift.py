"""Null p-values are uniform although events come in copies, shifts are found, corrections are Holm's."""

import numpy as np
import pytest
from scipy.stats import ks_2samp, kstest

from l1ae.errors import UserError
from l1ae.latent import holm, measure_drift


def _sample(rng, groups, shift=0.0):
    """Latent codes of source events with 1 to 7 copies that differ little."""
    ids = np.repeat(np.arange(groups), rng.integers(1, 8, groups))
    centres = rng.normal(shift, 1, (groups, 2))[ids]
    return np.round(16 * (centres + 0.2 * rng.standard_normal(centres.shape))) / 16, ids


@pytest.fixture(scope="module")
def null():
    """P-values of 200 comparisons of equal distributions: with source events, and as if all events were independent."""
    rng = np.random.default_rng(3)
    rows = []
    for seed in range(200):
        (a, groups_a), (b, groups_b) = _sample(rng, 40), _sample(rng, 50)
        grouped = measure_drift(a, b, groups_a, groups_b, permutations=39, seed=seed)
        single = measure_drift(a, b, np.arange(len(a)), np.arange(len(b)), permutations=39, seed=seed)
        rows.append((grouped.p_value, grouped.dimensions[0].p_value, min(d.p_holm for d in grouped.dimensions), single.p_value))
    return np.array(rows).T


@pytest.mark.slow
def test_under_the_null_p_values_are_uniform(null):
    multivariate, dimension, corrected, _ = null
    assert kstest(multivariate, "uniform").pvalue > 0.01
    assert kstest(dimension, "uniform").pvalue > 0.01
    assert np.mean(corrected <= 0.1) < 0.1 + 3 * (0.1 * 0.9 / 200) ** 0.5


@pytest.mark.slow
def test_permuting_single_events_would_find_a_drift_where_there_is_none(null):
    assert np.mean(null[3] < 0.05) > 0.3


def test_a_planted_shift_is_found_in_the_right_dimension():
    rng = np.random.default_rng(4)
    (a, groups_a), (b, groups_b) = _sample(rng, 600), _sample(rng, 600)
    b[:, 1] += 0.4
    drift = measure_drift(a, b, groups_a, groups_b, names=["x", "y"], permutations=199)
    assert drift.p_value == pytest.approx(1 / 200)
    assert [d.name for d in drift.dimensions if d.p_holm < 0.02] == ["y"]
    assert drift.dimensions[1].ks == ks_2samp(a[:, 1], b[:, 1]).statistic
    assert (drift.reference_groups, drift.other_groups) == (600, 600)


def test_a_change_that_no_single_dimension_shows_is_found():
    """Equal marginals, opposite correlation."""
    rng = np.random.default_rng(5)
    a = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 800)
    b = rng.multivariate_normal([0, 0], [[1, -0.8], [-0.8, 1]], 800)
    drift = measure_drift(a, b, np.arange(800), np.arange(800), permutations=199)
    assert drift.p_value == pytest.approx(1 / 200)
    assert min(d.p_holm for d in drift.dimensions) > 0.01


def test_a_data_set_does_not_drift_from_itself():
    values, groups = _sample(np.random.default_rng(6), 100)
    drift = measure_drift(values, values, groups, groups, permutations=99)
    assert drift.mmd == pytest.approx(0, abs=1e-12)
    assert drift.p_value == 1.0


def test_a_dimension_that_never_varies_is_no_drift():
    values = np.stack([np.zeros(50), np.arange(50.0)], axis=1)
    drift = measure_drift(values, values[::-1], np.arange(50), np.arange(50), permutations=19)
    assert (drift.dimensions[0].ks, drift.dimensions[0].p_value) == (0, 1)


def test_holm_is_that_of_the_worked_example():
    """0.01, 0.04, 0.03, 0.005 times 3, 1, 2, 4, made monotonic."""
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.5, 0.9])) == pytest.approx([1.0, 1.0])


def test_another_latent_space_is_refused():
    with pytest.raises(UserError, match=r"shape \(5, 2\) and \(5, 3\)"):
        measure_drift(np.zeros((5, 2)), np.zeros((5, 3)), np.arange(5), np.arange(5))
