"""Sampling from a decoder that is known: one that draws what the real events follow, and one that does not."""

import numpy as np
import pytest
from scipy.special import ndtr

from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, InputSpec, derive_preprocessing, named_layout
from l1ae.latent import compare_generated, from_network, sample_prior

from .layouts import INVENTED, random_codes, wide

SPEC = wide(named_layout("ugt"))
JET = SPEC.layout.where("jet").start


def _decoder(stretch=1.0):
    """MET uniform in 10 to 110 GeV from the first latent value; a jet of 5 to 55 GeV in half of the events from the second."""

    def decode(z):
        hardware = np.zeros((len(z), SPEC.size))
        hardware[:, 0] = 20 + 200 * stretch * ndtr(z[:, 0])
        hardware[:, JET] = np.where(z[:, 1] > 0, 10 + 200 * (ndtr(z[:, 1]) - 0.5), 0)
        hardware[:, JET + 2] = 72.0
        return (hardware - SPEC.offset) / np.exp2(SPEC.shift)

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
        values = _decoder()(z)
        values[:, JET] = (10 + 200 * (ndtr(np.abs(z[:, 1])) - 0.5)) / 2.0 ** SPEC.shift[JET]
        return values

    result = compare_generated(sample_prior(decode, 2, 3000, seed=5), real, SPEC, np.arange(3000))
    jet = next(row for row in result.occupancy if row.slot == "jet0")
    assert jet.generated.value == 1
    assert jet.real.value == pytest.approx(0.5, abs=0.03)
    assert result.classifier.low > 0.6
    assert abs(result.classifier_real_slots.value - 0.5) < 0.05


def test_a_decoder_that_is_not_finite_is_refused():
    with pytest.raises(UserError, match="values that are not finite"):
        sample_prior(lambda z: np.where(z < 0, np.nan, z), 1, 50)


@pytest.mark.parametrize("layout", [named_layout("p2gt"), INVENTED], ids=["p2gt", "invented"])
def test_valid_bits_and_samples_are_generated_and_borrowed(layout):
    """Preprocessing derived from events leaves a valid bit apart from an empty slot; what is decoded again is the same event."""
    real = random_codes(layout, 600, 4)
    offset, shift = derive_preprocessing(layout, [(real, None)])
    spec = InputSpec.of(layout, FixedFormat.parse("fixed<40,20>"), offset=offset, shift=shift)
    values = spec.to_network(real) * spec.network.lsb
    assert np.array_equal(from_network(values, spec), real)
    result = compare_generated(values, real, spec, np.arange(len(real)))
    assert {row.ks for row in result.features if row.ks is not None} == {0.0}
    assert [row.slot for row in result.occupancy] == [
        name for group in layout.groups if group.gate_feature is not None for name in group.slot_names()
    ]
    assert all(row.real == row.generated for row in result.occupancy)
    wrong = np.full(values.shape, 3.0)
    result = compare_generated(wrong, real, spec, np.arange(len(real)))
    assert {row.generated.value for row in result.occupancy} == {1.0}
    assert result.classifier.low > 0.9
