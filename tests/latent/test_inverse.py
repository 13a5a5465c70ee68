"""Round trips through the preprocessing, and the ends of the scales."""

import numpy as np
import pytest

from l1ae.inputs import FixedFormat, InputSpec, Layout, named_layout, table_bits
from l1ae.latent import decoded_codes, from_network

from .layouts import LAYOUTS, layout_of, random_codes, wide


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_wide_network_format_comes_back_exactly(name):
    spec = wide(layout_of(name))
    hw = random_codes(spec.layout, 300, 5)
    again = from_network(spec.to_network(hw) * spec.network.lsb, spec)
    assert again.dtype == spec.layout.dtype
    assert np.array_equal(again, hw)


def test_the_default_format_loses_what_it_says(events, spec):
    """Only the angles of the first muon are rounded (to multiples of 4 codes), and only pT saturates."""
    values = spec.to_network_float(events.hw)
    difference = np.abs(from_network(values, spec).astype(int) - events.hw)
    span = np.where([name.endswith("_phi") for name in spec.names], spec.code_range[1] + 1, 10**6)
    difference = np.minimum(difference, span - difference)
    largest = dict(zip(spec.names, difference.max(axis=0), strict=True))
    angles = {name: value for name, value in largest.items() if not name.endswith("_pt")}
    assert {name for name, value in angles.items() if value} == {"mu0_eta", "mu0_phi"}
    assert max(angles.values()) == 2
    unsaturated = events.hw[:, ::3] < 31  # 16 GeV, where the third lepton's scale ends
    assert difference[:, ::3][unsaturated].max() == 0


def test_a_table_gives_back_the_step():
    layout = named_layout("ugt").select({"features": ["pt"]})
    form, rng = FixedFormat.parse("ufixed<6,5,RND_CONV,SAT>"), np.random.default_rng(6)
    tables = {k: np.minimum(np.arange(1 << table_bits(layout, k)) // (3 + k), 63) for k in range(layout.size)}
    spec = InputSpec.of(layout, form).with_tables(tables, {"pt": "surprise"})
    hardware = rng.integers(0, layout.code_range[1] + 1, (300, layout.size))
    values = spec.to_network_float(hardware)
    again = from_network(values, spec)
    np.testing.assert_array_equal(spec.to_network_float(again), values)
    assert np.abs(again - hardware)[spec.to_network(hardware) < 63].max() <= 3 + 18
    # the entries 1 and 2 of the first column begin at codes 3 and 6, and end at 5 and 8
    assert decoded_codes(np.full((1, 19), [0.5] + [0.0] * 18), spec)[0, 0] == 4
    assert decoded_codes(np.full((1, 19), [0.8] + [0.0] * 18), spec)[0, 0] == 7
    assert decoded_codes(np.full((1, 19), [99.0] + [-1.0] * 18), spec)[0, :2].tolist() == [189, 0]


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


def test_a_signed_period_goes_around_at_its_own_ends():
    """4096 codes above 0 of 8192, from -4096 on, is -4096; a period that begins at 1 has no code 0."""
    spec = InputSpec.of(named_layout("p2gt"))
    phi = spec.names.index("jet0_phi")
    values = np.zeros((1, spec.size))
    values[0, phi] = 4096
    assert decoded_codes(values, spec)[0, phi] == -4096
    feature = {"name": "angle", "role": "phi", "bits": 4, "period": 10, "low": 1, "high": 10, "unit": "rad"}
    energy = {"name": "e", "role": "energy", "bits": 4}
    one = InputSpec.of(Layout.model_validate({"name": "one", "groups": [{"name": "hit", "features": [energy, feature]}]}))
    assert [int(decoded_codes([[3, value]], one)[0, 1]) for value in (0, 1, 10, 11)] == [10, 1, 10, 1]


def test_a_slot_is_empty_when_its_pt_rounds_to_zero(spec):
    values = np.full((1, spec.size), 0.5)
    pt = spec.layout.block(values, "jet")[0, :, 0]
    pt[:] = 0.49 / 2**4
    pt[2] = 0.51 / 2**4
    event = from_network(values, spec)
    jets = spec.layout.block(event, "jet")[0]
    assert jets[2, 0] == 1
    assert not jets[3].any()
    assert event[0, spec.names.index("met_eta")] == 0  # MET has no eta


def test_a_slot_is_empty_when_its_valid_bit_rounds_to_zero():
    spec = InputSpec.of(named_layout("p2gt"), FixedFormat.parse("fixed<24,16>"))
    values = np.full((2, spec.size), 9.0)
    values[:, spec.names.index("jet1_valid")] = 0.4
    jets = spec.layout.block(from_network(values, spec), "jet")
    assert jets[0, 0].tolist() == [1, 9, 9, 9, 9]
    assert not jets[0, 1].any()
