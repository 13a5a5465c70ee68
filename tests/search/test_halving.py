"""Which points no other one beats, and which trainings go on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from l1ae.search._halving import dominance_ranks, goes_on, nondominated

POINTS = arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=st.integers(0, 4).map(float))


def beats(first, second) -> bool:
    return all(a <= b for a, b in zip(first, second, strict=True)) and any(a < b for a, b in zip(first, second, strict=True))


@given(POINTS)
def test_a_front_is_what_nothing_beats(costs):
    expected = [not any(beats(other, one) for other in costs) for one in costs]
    assert nondominated(costs).tolist() == expected


@given(POINTS)
def test_ranks_are_fronts_of_what_fronts_leave(costs):
    ranks = dominance_ranks(costs)
    for k, one in enumerate(costs):
        above = [ranks[j] for j, other in enumerate(costs) if beats(other, one)]
        assert ranks[k] == (max(above) + 1 if above else 0)


def test_one_objective_ranks_by_its_value():
    assert dominance_ranks(np.array([[3.0], [1.0], [2.0], [1.0]])).tolist() == [2, 0, 1, 0]


@pytest.mark.parametrize(
    ("costs", "eta", "expected"),
    [
        ([[5.0]], 3, True),  # nobody to be worse than
        ([[1.0], [2.0]], 3, False),
        ([[2.0], [1.0]], 3, True),
        ([[1.0], [9.0], [9.0], [2.0]], 3, True),  # the second of four: ceil(4 / 3) = 2 go on
        ([[1.0], [9.0], [1.5], [2.0]], 3, False),
        ([[1.0, 9.0], [9.0, 1.0], [5.0, 5.0], [6.0, 6.0]], 2, False),  # three are on the front
    ],
)
def test_the_best_part_of_a_rung_goes_on(costs, eta, expected):
    assert goes_on(costs, eta) is expected
