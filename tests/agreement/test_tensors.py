"""One tensor against what something else computed for it."""

import math

import numpy as np

from l1ae.agreement import TensorComparison, compare_tensor
from l1ae.inputs import FixedFormat

FORM = FixedFormat.parse("fixed<8,5>")
CODES = np.array([[-128, 0, 127], [1, -1, 64]])


def test_equal_values_agree():
    found, different = compare_tensor("dense", FORM, CODES, CODES / 8)
    assert found == TensorComparison("dense", "fixed<8,5>", 0, 0)
    assert not different.any()


def test_what_differs_is_counted_placed_and_measured_in_lsb():
    values = CODES / 8
    values[0, 2] += 0.125
    values[1, 0] -= 0.5625
    found, different = compare_tensor("dense", FORM, CODES, values)
    assert (found.mismatches, found.max_abs_lsb) == (2, 4.5)
    assert np.argwhere(different).tolist() == [[0, 2], [1, 0]]


def test_what_is_no_number_differs():
    values = CODES / 8
    values[1, 1] = math.nan
    found, different = compare_tensor("dense", FORM, CODES, values)
    assert found.mismatches == 1
    assert math.isnan(found.max_abs_lsb)
    assert np.argwhere(different).tolist() == [[1, 1]]


def test_no_events_agree():
    found, different = compare_tensor("dense", FORM, CODES[:0], CODES[:0] / 8)
    assert (found.mismatches, found.max_abs_lsb, different.shape) == (0, 0, (0, 3))
