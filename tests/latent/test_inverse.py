"""Round trips through the preprocessing, and the ends of the scales."""

import numpy as np

from l1ae.inputs import calo_layer1_spec, ugt_input_spec
from l1ae.latent import decoded_codes, from_network


def test_a_wide_network_format_comes_back_exactly(events):
    spec = ugt_input_spec("fixed<32,16>")
    values = spec.to_network(events.hw) * spec.network.lsb
    assert np.array_equal(from_network(values, spec), events.hw)


def test_the_default_format_loses_what_it_says(events, spec):
    """Only the angles of the first muon are rounded (to multiples of 4 codes), and only pT saturates."""
    values = spec.to_network_float(events.hw)
    difference = np.abs(from_network(values, spec).astype(int) - events.hw).reshape(len(events), -1)
    span = np.where([name.endswith("_phi") for name in spec.names], spec.code_range[1] + 1, 10**6)
    difference = np.minimum(difference, span - difference)
    largest = dict(zip(spec.names, difference.max(axis=0), strict=True))
    angles = {name: value for name, value in largest.items() if not name.endswith("_pt")}
    assert {name for name, value in angles.items() if value} == {"mu0_eta", "mu0_phi"}
    assert max(angles.values()) == 2
    unsaturated = events.hw[:, :, 0] < 31  # 16 GeV, where the third lepton's scale ends
    assert difference[:, ::3][unsaturated].max() == 0


def test_codes_are_clipped_and_phi_goes_around(spec):
    values = np.zeros((1, spec.size))
    where = {name: k for k, name in enumerate(spec.names)}
    values[0, where["met_pt"]] = 1e3  # in units of 2**6 codes
    values[0, where["met_phi"]] = 1.25  # 80 codes above the offset of 72: 152 of 144
    values[0, where["jet0_pt"]] = -1.0
    values[0, where["eg0_eta"]] = -10.0
    codes = dict(zip(spec.names, decoded_codes(values, spec)[0], strict=True))
    assert codes["met_pt"] == 4095
    assert codes["met_phi"] == 8
    assert codes["jet0_pt"] == 0
    assert codes["eg0_eta"] == -128


def test_a_slot_is_empty_when_its_pt_rounds_to_zero(spec):
    values = np.full((1, spec.size), 0.5)
    jet = spec.slices()["jet"]
    pt = values.reshape(1, spec.slots, 3)[:, :, 0]
    pt[0, jet] = 0.49 / 2**4
    pt[0, jet.start + 2] = 0.51 / 2**4
    event = from_network(values, spec)[0]
    assert event[jet.start + 2, 0] == 1
    assert not event[jet.start + 3].any()
    assert event[0, 1] == 0  # MET has no eta


def test_calorimeter_images_come_back_exactly():
    spec = calo_layer1_spec("ufixed<10,6,RND_CONV,SAT>", 4)
    images = np.random.default_rng(1).integers(0, 1024, (50, *spec.event_shape)).astype(np.uint16)
    again = from_network(spec.to_network(images) * spec.network.lsb, spec)
    assert again.dtype == np.uint16
    assert np.array_equal(again, images)
