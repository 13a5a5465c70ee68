import numpy as np
import pytest
from scipy import integrate, stats

from l1ae.errors import UserError
from l1ae.families import absolute_error, kl, latent_error, mu2, rz, score, squared_error

RNG = np.random.default_rng(3)


def test_squared_error_counts_only_inputs_that_carry_information():
    x = [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]
    reconstruction = [[0.0, 5.0, 1.0], [9.0, 0.5, 9.0]]
    mask = np.array([[True, False, True], [False, True, False]])
    assert squared_error(x, reconstruction, mask).tolist() == [1.0 + 4.0, 0.25]


def test_squared_error_ignores_even_infinite_reconstructions_of_empty_slots():
    assert squared_error([[1.0, 2.0]], [[np.inf, 2.5]], np.array([[False, True]])).tolist() == [0.25]


def test_mu2_is_the_squared_norm():
    mu = RNG.normal(size=(20, 3))
    np.testing.assert_allclose(mu2(mu), np.linalg.norm(mu, axis=1) ** 2, rtol=1e-14)


@pytest.mark.parametrize(("mu", "log_var"), [(0.0, 0.0), (1.5, -1.0), (-0.3, 0.7), (2.0, 1.5)])
def test_kl_equals_the_integral_that_defines_it(mu, log_var):
    posterior, prior = stats.norm(mu, np.exp(log_var / 2)), stats.norm()
    expected, _ = integrate.quad(lambda z: posterior.pdf(z) * (posterior.logpdf(z) - prior.logpdf(z)), -40, 40, points=[mu], epsabs=1e-11)
    assert kl([[mu]], [[log_var]])[0] == pytest.approx(expected, abs=1e-9)


def test_kl_adds_up_over_independent_latent_variables():
    mu, log_var = RNG.normal(size=(2, 7, 4))
    parts = [kl(mu[:, [i]], log_var[:, [i]]) for i in range(4)]
    np.testing.assert_allclose(kl(mu, log_var), np.sum(parts, axis=0), rtol=1e-12)


def test_score_chooses_the_formula_and_works_in_float64():
    x, y = RNG.normal(size=(2, 5, 6)).astype(np.float32)
    mask = np.ones((5, 6), bool)
    assert score("squared_error", x, y, mask).dtype == np.float64
    np.testing.assert_array_equal(score("squared_error", x, y, mask), squared_error(x, y, mask))
    np.testing.assert_array_equal(score("mu2", x, [y, x], mask), mu2(y))
    np.testing.assert_array_equal(score("kl", x, [y, x], mask), kl(y, x))


def test_unknown_score_is_refused():
    with pytest.raises(
        UserError, match="unknown score 'r_z'; the scores are squared_error, absolute_error, latent_error, output, mu2, kl, rz"
    ):
        score("r_z", [[0.0]], [[0.0]], np.array([[True]]))


def test_absolute_error_counts_only_inputs_that_carry_information():
    mask = np.array([[True, False, True], [False, True, False]])
    assert absolute_error([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]], [[0.0, 5.0, 5.0], [9.0, -0.5, np.inf]], mask).tolist() == [3.0, 0.5]


def test_latent_error_is_the_squared_distance():
    features, reconstruction = RNG.normal(size=(2, 20, 3))
    np.testing.assert_allclose(latent_error(features, reconstruction), np.linalg.norm(features - reconstruction, axis=1) ** 2, rtol=1e-13)


def test_rz_is_a_chi_squared_of_standardised_means():
    """With sigma = exp(log_var / 2): sum (mu / sigma)^2; hence mean `latent` where mu is normal with that sigma."""
    assert rz([[3.0, -2.0]], [[0.0, np.log(4.0)]])[0] == pytest.approx(9 + 1, rel=1e-14)
    log_var = RNG.normal(size=(50_000, 4))
    values = rz(RNG.normal(size=log_var.shape) * np.exp(log_var / 2), log_var)
    assert values.mean() == pytest.approx(4, abs=5 * np.sqrt(2 * 4 / 50_000))


def test_score_takes_the_outputs_of_each_family():
    x, y = RNG.normal(size=(2, 5, 6))
    mask = RNG.random((5, 6)) < 0.5
    np.testing.assert_array_equal(score("absolute_error", x, y, mask), absolute_error(x, y, mask))
    np.testing.assert_array_equal(score("latent_error", x, [x, y], mask), latent_error(x, y))
    np.testing.assert_array_equal(score("rz", x, [x, y], mask), rz(x, y))
    np.testing.assert_array_equal(score("output", x, y[:, :1], mask), y[:, 0])
