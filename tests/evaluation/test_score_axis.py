"""The axis of scores: edges of bins, and where it can be logarithmic."""

import numpy as np
import pytest

from l1ae.evaluation._sample import Sample
from l1ae.evaluation._score_axis import ScoreAxis


@pytest.mark.parametrize("lsb", [1.0, 0.25, 2.0**-14])
def test_the_smallest_code_above_zero_is_the_first_of_a_logarithmic_axis(lsb):
    codes = np.array([0, 0, 1, 3, 40, 600])
    of_float = codes + 0.3
    axis = ScoreAxis.of([Sample(of_float * lsb), Sample(codes * lsb)], threshold=None, lsb=lsb, bins=50)
    assert axis.logarithmic
    assert axis.edges[0] == 0.5 * lsb
    np.testing.assert_array_equal(axis.edges / lsb % 1, 0.5)


def test_a_threshold_beyond_all_scores_is_on_the_axis():
    axis = ScoreAxis.of([Sample(np.linspace(0, 1, 100))], threshold=7.0, lsb=None, bins=50)
    assert axis.edges[-1] > 7.0
