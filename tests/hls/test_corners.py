"""Corner vectors reach the extremes that they promise."""

from itertools import product

import numpy as np

from l1ae.hls import corner_vectors


def test_they_are_valid_and_reproducible(make_network):
    contract = make_network("kl").contract
    vectors = corner_vectors(contract)
    np.testing.assert_array_equal(vectors, corner_vectors(contract))
    assert np.all(vectors >= contract.hardware.low)
    assert np.all(vectors <= contract.hardware.high)
    assert len(np.unique(vectors, axis=0)) == len(vectors)


def test_every_input_reaches_both_ends(make_network):
    contract = make_network("kl").contract
    vectors = corner_vectors(contract)
    np.testing.assert_array_equal(vectors.min(axis=0), contract.hardware.low)
    np.testing.assert_array_equal(vectors.max(axis=0), contract.hardware.high)


def test_first_accumulator_reaches_its_true_extremes(make_network):
    """Brute force: the slots are independent, and each has nine candidates (empty, or all combinations of ends)."""
    contract = make_network("squared_error").contract
    sums = contract.evaluate(corner_vectors(contract), ["enc0"])["enc0"]
    low, high = contract.hardware.low, contract.hardware.high
    alone = contract.evaluate(np.zeros((1, 57), int), ["enc0"])["enc0"][0]
    best, worst = alone.copy(), alone.copy()
    for slot in range(0, 57, 3):
        ends = product((low[slot], high[slot]), (low[slot + 1], high[slot + 1]), (low[slot + 2], high[slot + 2]))
        vectors = np.zeros((9, 57), int)
        vectors[1:, slot : slot + 3] = list(ends)
        gains = contract.evaluate(vectors, ["enc0"])["enc0"] - alone
        best += gains.max(axis=0)
        worst += gains.min(axis=0)
    np.testing.assert_array_equal(sums.max(axis=0), best)
    np.testing.assert_array_equal(sums.min(axis=0), worst)


def test_deeper_accumulators_go_further_than_random_codes_take_them(make_network):
    contract = make_network("squared_error").contract
    rng = np.random.default_rng(5)
    codes = rng.integers(contract.hardware.low, contract.hardware.high + 1, (1000, 57))
    vectors = corner_vectors(contract)
    for name in ("latent", "out"):
        driven, random = (contract.evaluate(x, [name])[name] for x in (vectors, codes))
        assert driven.max(axis=0).mean() > random.max(axis=0).mean(), name
        assert driven.min(axis=0).mean() < random.min(axis=0).mean(), name
