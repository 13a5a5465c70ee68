"""Digit-serial sums are the exact product, whatever the digits, and need the registers that the clocks say."""

import numpy as np
import pytest

from l1ae.rtl.folding._serial import serial_net
from l1ae.rtl.folding._words import Word


def _inputs(words, rng):
    """Random values, then every input at its lowest, and at its highest."""
    low, high = (np.array([round(getattr(word, end) / word.step) for word in words]) for end in ("low", "high"))
    codes = np.concatenate([rng.integers(low, high + 1, (200, len(words))), [low, high]])
    return codes * np.array([word.step for word in words])


@pytest.mark.parametrize("interval", [1, 2, 3, 4, 7, 16, 40])
def test_the_sum_of_all_digits_is_the_product(interval):
    rng = np.random.default_rng(interval)
    words = [Word(-8 if k % 3 else 0, 8 - 2.0**-k, 2.0**-k) for k in range(6)]
    matrix = rng.integers(-128, 128, (6, 5)) / 128
    net = serial_net(words, matrix, interval)
    x = _inputs(words, rng)
    assert net.digits == interval
    np.testing.assert_array_equal(net.values.of_words(net.simulate(x)), x @ matrix)


def test_fewest_bits_per_clock_that_hold_the_widest_output():
    words = [Word(-128, 127, 1)] * 4
    # The sum reaches -512 to 508: ten bits.
    assert [serial_net(words, np.ones((4, 1)), interval).digit for interval in (1, 2, 3, 4, 5, 9, 10, 11)] == [10, 5, 4, 3, 2, 2, 1, 1]


def test_columns_of_zeros_powers_of_two_and_negations():
    words = [Word(-4, 3, 1), Word(0, 7, 1)]
    matrix = np.array([[0, 4, -1, 0.25], [0, 0, 0, -0.5]])
    net = serial_net(words, matrix, 3)
    x = _inputs(words, np.random.default_rng(0))
    np.testing.assert_array_equal(net.values.of_words(net.simulate(x)), x @ matrix)
    assert net.values.index[0] == -1
    assert net.values.constants[0] == 0


def test_inputs_that_are_constants():
    words = [Word(1.25, 1.25, 0.25), Word(0, 0, 1), Word(-0.5, -0.5, 0.5), Word(0, 1, 1)]
    matrix = np.array([[3.0, 1], [5, 7], [-1, 2], [1, 1]])
    net = serial_net(words, matrix, 4)
    x = np.array([[1.25, 0, -0.5, 0], [1.25, 0, -0.5, 1]])
    np.testing.assert_array_equal(net.values.of_words(net.simulate(x)), x @ matrix)


def test_every_adder_meets_its_terms_in_time():
    rng = np.random.default_rng(5)
    net = serial_net([Word(-8, 7, 1)] * 9, rng.integers(-64, 64, (9, 6)), 4)
    delays = net.delays()
    for adder in net.adders:
        for stream in (adder.a, adder.b):
            assert 0 <= adder.clock - 1 - net.clocks[stream] <= delays.get(stream, 0)
    assert net.depth == max(net.clocks[stream] for stream, _ in net.outputs)
