"""Two-sample tests against scipy, closed forms, and samples that are equal or differ by construction."""

import numpy as np
import pytest
from scipy.stats import ks_2samp, kstest, norm

from l1ae.errors import UserError
from l1ae.latent import classifier_auc, compare_features, compare_occupancy, first_of_each_group


def _events(layout, met, filled=None):
    """Events with MET pT codes `met`, and a leading jet of 100 GeV where `filled`."""
    hardware = np.zeros((len(met), layout.size), np.int16)
    hardware[:, 0] = met
    if filled is not None:
        layout.block(hardware, "jet")[filled, 0, 0] = 200
    return hardware


def test_independent_events_give_scipys_p_value_and_the_planted_distance(layout):
    rng = np.random.default_rng(1)
    met = rng.integers(1, 2000, 900)
    real, generated = _events(layout, met), _events(layout, met[:700] + 40)
    rows = {row.feature: row for row in compare_features(real, generated, layout, np.arange(900))}
    expected = ks_2samp(layout.to_physical(real)[:, 0], layout.to_physical(generated)[:, 0], method="asymp")
    assert rows["met_pt"].ks == expected.statistic
    assert rows["met_pt"].p_value == pytest.approx(expected.pvalue, rel=0.05)
    same = compare_features(real, _events(layout, met + 40), layout, np.arange(900))[0]
    assert same.wasserstein == pytest.approx(20.0)  # 40 codes of 0.5 GeV
    assert (rows["jet0_pt"].real_entries, rows["jet0_pt"].ks, rows["jet0_pt"].wasserstein) == (0, None, None)
    assert "met_eta" not in rows


def test_copies_do_not_make_the_p_value_small(layout):
    """Under the null with five copies of each event the p-value must not be too small; ignoring the copies it is."""
    rng = np.random.default_rng(2)
    careful, careless = [], []
    for _ in range(60):
        real, generated = _events(layout, np.repeat(rng.integers(1, 2000, 60), 5)), _events(layout, rng.integers(1, 2000, 400))
        careful.append(compare_features(real, generated, layout, np.arange(300) // 5)[0].p_value)
        careless.append(compare_features(real, generated, layout, np.arange(300))[0].p_value)
    assert kstest(careful, "uniform", alternative="greater").pvalue > 0.01
    assert np.mean(np.array(careless) < 0.05) > 0.3


def test_occupancy_is_the_fraction_of_events(layout):
    real, generated = _events(layout, np.ones(200, int), np.arange(50)), _events(layout, np.ones(100, int), np.arange(75))
    rows = {row.slot: row for row in compare_occupancy(real, generated, layout)}
    assert (rows["jet0"].real.value, rows["jet0"].generated.value) == (0.25, 0.75)
    assert (rows["met"].real.value, rows["mu0"].generated.value) == (1.0, 0.0)


def test_the_classifier_is_blind_to_equal_samples_and_near_the_optimum_for_shifted_ones():
    rng = np.random.default_rng(3)
    first, second = (np.round(64 * rng.standard_normal((6000, 4))).astype(int) for _ in range(2))
    equal = classifier_auc(first, second, np.arange(6000))
    assert abs(equal.value - 0.5) < 4 * (equal.high - equal.low) / 2
    second[:, 2] += 64
    shifted = classifier_auc(first, second, np.arange(6000))
    assert norm.cdf(1 / 2**0.5) - 0.04 < shifted.value < norm.cdf(1 / 2**0.5) + 0.015


def test_the_classifier_keeps_copies_on_one_side():
    """Copies in both halves could be learnt by heart and would tell equal samples apart."""
    rng = np.random.default_rng(4)
    first = np.repeat(rng.integers(-1000, 1000, (60, 6)), 30, axis=0)
    second = rng.integers(-1000, 1000, (1800, 6))
    assert classifier_auc(first, second, np.arange(1800)).value > 0.9
    assert abs(classifier_auc(first, second, np.arange(1800) // 30).value - 0.5) < 0.2


def test_a_sample_that_cannot_be_halved_is_refused():
    with pytest.raises(UserError, match="needs two independent events"):
        classifier_auc(np.zeros((5, 2), int), np.zeros((5, 2), int), np.zeros(5, int))


def test_first_of_each_group_is_in_order():
    assert first_of_each_group(np.array([7, 3, 7, 5, 3])).tolist() == [0, 1, 3]
