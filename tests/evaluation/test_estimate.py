import math

import numpy as np
import pytest
from scipy.stats import beta, binom

from l1ae.errors import UserError
from l1ae.evaluation import LEVEL, Estimate, clopper_pearson, format_estimate


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.85234, 0.85024, 0.85444, "0.8523 ± 0.0021"),
        (0.827, 0.827 - 0.119, 0.827 + 0.119, "0.83 ± 0.12"),
        (0.827, 0.827 - 0.367, 0.827 + 0.367, "0.8 ± 0.4"),
        (0.827, 0.827 - 0.0967, 0.827 + 0.0967, "0.83 ± 0.10"),
        (-0.00032, -0.00042, -0.00022, "−0.00032 ± 0.00010"),
        (0.0031, 0.0022, 0.0050, "0.0031 +0.0019 −0.0009"),
        (12345.0, 12345 - 234.0, 12345 + 234.0, "12340 ± 230"),
        (0.5, 0.5, 0.5, "0.5"),
        (0.0, 0.0, 0.0123, "0.000 +0.012 −0.000"),
    ],
)
def test_digits_follow_the_particle_data_group(value: float, low: float, high: float, text: str) -> None:
    # the three symmetric examples with 0.827 are those of the Review of Particle Physics, Introduction, 5.3
    assert format_estimate(Estimate(value, low, high)) == text


def test_an_estimate_can_be_written_in_percent() -> None:
    assert format_estimate(Estimate(0.0523, 0.0502, 0.0544), unit=0.01) == "5.23 ± 0.21"


@pytest.mark.parametrize(("passed", "total"), [(1, 10), (5, 10), (3, 100_000), (99, 100)])
def test_clopper_pearson_against_beta_quantiles(passed: int, total: int) -> None:
    result = clopper_pearson(passed, total)
    tail = (1 - LEVEL) / 2
    assert result.low == pytest.approx(beta.ppf(tail, passed, total - passed + 1))
    assert result.high == pytest.approx(beta.ppf(1 - tail, passed + 1, total - passed))
    # the definition: at each end the observed count is just as unlikely as one tail allows
    assert binom.sf(passed - 1, total, result.low) == pytest.approx(tail)
    assert binom.cdf(passed, total, result.high) == pytest.approx(tail)


def test_clopper_pearson_at_the_ends() -> None:
    tail = (1 - LEVEL) / 2
    assert clopper_pearson(0, 20) == Estimate(0.0, 0.0, pytest.approx(1 - tail ** (1 / 20)))
    assert clopper_pearson(20, 20) == Estimate(1.0, pytest.approx(tail ** (1 / 20)), 1.0)


@pytest.mark.parametrize(("passed", "total"), [(1, 0), (3, 2), (-1, 5), (0, 0)])
def test_impossible_counts_are_refused(passed: int, total: int) -> None:
    with pytest.raises(UserError, match="0 <= passed <= total"):
        clopper_pearson(passed, total)


def test_the_level_is_one_standard_deviation() -> None:
    assert math.isclose(LEVEL, 0.6826894921370859)
    assert np.isclose(LEVEL, 1 - 2 * 0.15865525393145707)
