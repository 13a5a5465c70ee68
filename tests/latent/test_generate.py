"""Sampling from a decoder that is known: one that draws what the real events follow, and one that does not."""

import numpy as np
import pytest
from scipy.special import ndtr

from l1ae.errors import UserError
from l1ae.inputs import ugt_input_spec
from l1ae.latent import compare_generated, from_network, sample_prior

SPEC = ugt_input_spec("fixed<32,16>")
JET = SPEC.slices()["jet"].start


def _decoder(stretch=1.0):
    """MET uniform in 10 to 110 GeV from the first latent value; a jet of 5 to 55 GeV in half of the events from the second."""

    def decode(z):
        hardware = np.zeros((len(z), SPEC.slots, 3))
        hardware[:, 0, 0] = 20 + 200 * stretch * ndtr(z[:, 0])
        hardware[:, JET, 0] = np.where(z[:, 1] > 0, 10 + 200 * (ndtr(z[:, 1]) - 0.5), 0)
        hardware[:, JET, 2] = 72.0
        return (hardware.reshape(len(z), -1) - SPEC.offset) / np.exp2(SPEC.shift)

    return decode


@pytest.fixture(scope="module")
def real():
    return from_network(sample_prior(_decoder(), 2, 3000, seed=77), SPEC)


def test_latent_vectors_are_standard_normal_and_reproducible():
    z = sample_prior(lambda z: z, 4, 40_000, seed=3)
    assert z.shape == (40_000, 4)
    assert np.abs(z.mean(axis=0)).max() < 4 / 200
    assert np.abs(np.cov(z, rowvar=False) - np.eye(4)).max() < 0.03
    assert np.array_equal(z, sample_prior(lambda z: z, 4, 40_000, seed=3))


def test_a_perfect_generator_passes_every_test(real):
    result = compare_generated(sample_prior(_decoder(), 2, 3000, seed=5), real, SPEC, np.arange(3000))
    tested = [row for row in result.features if row.p_value is not None]
    assert {row.feature for row in tested} == {"met_pt", "met_phi", "jet0_pt", "jet0_eta", "jet0_phi"}
    assert min(row.p_value for row in tested) > 1e-3
    for estimate in (result.classifier, result.classifier_real_halves):
        assert abs(estimate.value - 0.5) < 4 * (estimate.high - estimate.low) / 2


def test_a_wrong_generator_is_told_apart(real):
    result = compare_generated(sample_prior(_decoder(stretch=2.0), 2, 3000, seed=5), real, SPEC, np.arange(3000))
    met = next(row for row in result.features if row.feature == "met_pt")
    assert met.p_value < 1e-6
    assert met.wasserstein == pytest.approx(50, rel=0.1)  # uniform 10 to 210 against 10 to 110 GeV
    assert result.classifier.low > 0.7
    assert abs(result.classifier_real_halves.value - 0.5) < 0.05


def test_wrong_slots_are_told_apart_until_those_of_real_events_are_borrowed(real):
    def decode(z):
        values = _decoder()(z).reshape(len(z), SPEC.slots, 3)
        values[:, JET, 0] = (10 + 200 * (ndtr(np.abs(z[:, 1])) - 0.5)) / 2.0 ** SPEC.shift[3 * JET]
        return values.reshape(len(z), -1)

    result = compare_generated(sample_prior(decode, 2, 3000, seed=5), real, SPEC, np.arange(3000))
    jet = next(row for row in result.occupancy if row.slot == "jet0")
    assert jet.generated.value == 1
    assert jet.real.value == pytest.approx(0.5, abs=0.03)
    assert result.classifier.low > 0.6
    assert abs(result.classifier_real_slots.value - 0.5) < 0.05


def test_a_decoder_that_is_not_finite_is_refused():
    with pytest.raises(UserError, match="values that are not finite"):
        sample_prior(lambda z: np.where(z < 0, np.nan, z), 1, 50)
