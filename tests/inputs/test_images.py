import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, InputSpec, Layout, named_layout

LAYOUT = named_layout("calo_regions")
SPEC = InputSpec.of(LAYOUT)

# Upper edge in |eta| of the 28 trigger towers of one half, CMS-TDR-012 (barrel: 0.087 wide).
TOWER_EDGES = [0.087 * i for i in range(1, 21)] + [1.83, 1.93, 2.043, 2.172, 2.322, 2.5, 2.65, 3.0]


def image(**codes: int) -> np.ndarray:
    """One image (1, 252), empty but for the named regions."""
    values = np.zeros((1, 252), np.int16)
    for name, code in codes.items():
        values[0, LAYOUT.names.index(name)] = code
    return values


def test_columns():
    assert (LAYOUT.size, LAYOUT.image, LAYOUT.dtype, LAYOUT.has_slots) == (252, (18, 14), np.int16, False)
    assert [LAYOUT.names[i] for i in (0, 13, 14, 251)] == [
        "region_phi0_eta0",
        "region_phi0_eta13",
        "region_phi1_eta0",
        "region_phi17_eta13",
    ]
    assert (SPEC.offset == 0).all()
    assert (SPEC.shift == 3).all()
    assert (SPEC.gate == -1).all()
    assert SPEC.present.all()
    assert [set(bound.tolist()) for bound in SPEC.code_range] == [{0}, {1023}]


def test_the_digest_is_that_of_the_hardware_alone():
    content = LAYOUT.model_dump(mode="json")
    assert Layout.model_validate(content | {"preset": None, "title": "other"}).digest == LAYOUT.digest
    content["groups"][0]["axes"][1]["edges"][-1] = 3.1
    assert Layout.model_validate(content).digest != LAYOUT.digest


def test_regions_are_four_by_four_trigger_towers():
    """The boundaries in eta are those of every fourth tower, those in phi lie 20 degrees apart, around 0."""
    rows, columns = LAYOUT.groups[0].axes
    np.testing.assert_allclose(columns.edges[7:], [0.0, *TOWER_EDGES[3::4]], atol=0.0011)  # CMSSW rounds 8 x 0.087 to 0.695
    np.testing.assert_array_equal(columns.edges, -np.array(columns.edges)[::-1])
    np.testing.assert_allclose(np.degrees(rows.edges), np.arange(-10, 351, 20), atol=1e-9)


@given(hnp.arrays(np.float64, (3, 252), elements=st.floats(0, 600)))
def test_energies_survive_within_half_an_lsb_or_saturate(energy):
    hardware = LAYOUT.to_hardware(energy)
    LAYOUT.validate_hardware(hardware)
    inside = (energy >= 0.5) & (energy < 512)
    assert (np.abs(LAYOUT.to_physical(hardware) - energy)[inside] <= 0.25).all()
    assert (hardware[energy >= 511.5] == 1023).all()
    assert (LAYOUT.to_physical(hardware)[energy < 0.5] == 0).all()


@given(hnp.arrays(np.int16, (3, 252), elements=st.integers(0, 1023)))
def test_the_default_format_keeps_every_bit(hardware):
    np.testing.assert_array_equal(SPEC.to_network(hardware), hardware)
    np.testing.assert_array_equal(SPEC.to_network_float(hardware), hardware / 8)
    assert SPEC.mask(hardware).all()


def test_shift_and_format_are_applied():
    hardware = image(region_phi0_eta0=1023, region_phi2_eta3=5, region_phi17_eta13=6)
    spec = InputSpec.of(LAYOUT, FixedFormat.parse("ufixed<6,5,RND_CONV,SAT>"), {"region": {"shift": 2}})
    values = spec.to_network_float(hardware)[0]
    # 5 / 4 = 1.25 and 6 / 4 = 1.5 in steps of 0.5: the tie goes to the even code 2.
    assert [values[SPEC.names.index(name)] for name in ("region_phi0_eta0", "region_phi2_eta3", "region_phi17_eta13")] == [31.5, 1.0, 1.5]
    assert np.count_nonzero(values) == 3
    doubled = InputSpec.of(LAYOUT, FixedFormat.parse("ufixed<12,12>"), {"region": {"shift": -1}})
    np.testing.assert_array_equal(doubled.to_network(hardware)[0], 2 * hardware[0])


@pytest.mark.parametrize("value", [-0.5, np.nan, np.inf])
def test_energies_that_are_none_are_named(value):
    energy = np.zeros((2, 252))
    energy[1, 4 * 14 + 5] = value
    with pytest.raises(UserError, match=r"event 1: region_phi4_eta5 = .* must be finite and not negative"):
        LAYOUT.to_hardware(energy)
