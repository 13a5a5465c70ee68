import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, InputView, RegionSpec, calo_layer1_spec, ugt_input_spec

SPEC = calo_layer1_spec()

# Upper edge in |eta| of the 28 trigger towers of one half, CMS-TDR-012 (barrel: 0.087 wide).
TOWER_EDGES = [0.087 * i for i in range(1, 21)] + [1.83, 1.93, 2.043, 2.172, 2.322, 2.5, 2.65, 3.0]


def image(**codes: int) -> np.ndarray:
    """One image (1, 18, 14), empty but for the named regions."""
    values = np.zeros((1, 252), np.uint16)
    for name, code in codes.items():
        values[0, SPEC.names.index(name)] = code
    return values.reshape(1, 18, 14)


def test_layout():
    assert isinstance(SPEC, InputView)
    assert (SPEC.view, SPEC.event_shape, SPEC.size, SPEC.dtype) == ("regions", (18, 14), 252, np.uint16)
    assert [SPEC.names[i] for i in (0, 13, 14, 251)] == ["region_phi0_eta0", "region_phi0_eta13", "region_phi1_eta0", "region_phi17_eta13"]
    assert (SPEC.offset == 0).all()
    assert (SPEC.shift == 3).all()
    assert (SPEC.gate == -1).all()
    assert SPEC.present.all()
    assert [set(bound.tolist()) for bound in SPEC.code_range] == [{0}, {1023}]
    for array in (SPEC.offset, SPEC.shift, SPEC.gate, SPEC.present, *SPEC.code_range):
        assert array.shape == (252,)


def test_the_views_share_their_interface():
    objects = ugt_input_spec()
    assert (objects.view, objects.event_shape, objects.dtype) == ("objects", (19, 3), np.int16)
    assert objects.gate.tolist() == [3 * (i // 3) for i in range(57)]
    assert [objects.names[i] for i in np.unique(objects.gate)] == [name for name in objects.names if name.endswith("_pt")]
    # Stores in use carry this digest.
    assert objects.digest == "cb548295d51f41aaffd6134d25027c2995b4cd52bb877c189379c94f6ede67b5"
    assert objects.digest != SPEC.digest


def test_the_digest_is_that_of_the_hardware_alone():
    assert calo_layer1_spec("ufixed<10,10>", 0).digest == SPEC.digest
    assert RegionSpec.model_validate(SPEC.model_dump() | {"eta_edges": (*SPEC.eta_edges[:-1], 3.1)}).digest != SPEC.digest


def test_regions_are_four_by_four_trigger_towers():
    rng = np.random.default_rng(1)
    eta, phi = rng.uniform(-3.2, 3.2, 20_000), rng.uniform(-2 * np.pi, 2 * np.pi, 20_000)
    eta = eta[np.abs(np.abs(eta) - 0.6955) > 0.0006]  # CMSSW's table of regions rounds 8 x 0.087 to 0.695
    phi = phi[: len(eta)]
    # CMSSW UCTGeometry::getCaloPhiIndex: towers 71, 72, 1 and 2 make region 0, towers 3 to 6 region 1.
    tower_phi = np.floor(np.degrees(phi) / 5).astype(int) % 72 + 1
    row = np.where(tower_phi >= 71, 0, (tower_phi + 1) // 4)
    tower_eta = np.searchsorted(TOWER_EDGES, np.abs(eta), side="right")
    column = np.where(eta < 0, 6 - tower_eta // 4, 7 + tower_eta // 4)
    np.testing.assert_array_equal(SPEC.region_of(eta, phi), np.where(tower_eta < 28, row * 14 + column, -1))


@given(hnp.arrays(np.float64, (3, 18, 14), elements=st.floats(0, 600)))
def test_energies_survive_within_half_an_lsb_or_saturate(energy):
    hardware = SPEC.to_hardware(energy)
    SPEC.validate_hardware(hardware)
    assert hardware.dtype == np.uint16
    inside = (energy >= 0.5) & (energy < 512)
    assert (np.abs(SPEC.to_physical(hardware) - energy)[inside] <= 0.25).all()
    assert (hardware[energy >= 511.5] == 1023).all()
    assert (SPEC.to_physical(hardware)[energy < 0.5] == 0).all()


@given(hnp.arrays(np.uint16, (3, 18, 14), elements=st.integers(0, 1023)))
def test_the_default_format_keeps_every_bit(hardware):
    np.testing.assert_array_equal(SPEC.to_network(hardware), hardware.reshape(3, 252))
    np.testing.assert_array_equal(SPEC.to_network_float(hardware), hardware.reshape(3, 252) / 8)
    assert SPEC.mask(hardware).all()


def test_shift_and_format_are_applied():
    hardware = image(region_phi0_eta0=1023, region_phi2_eta3=5, region_phi17_eta13=6)
    spec = calo_layer1_spec("ufixed<6,5,RND_CONV,SAT>", 2)
    values = spec.to_network_float(hardware)[0]
    # 5 / 4 = 1.25 and 6 / 4 = 1.5 in steps of 0.5: the tie goes to the even code 2.
    assert [values[SPEC.names.index(name)] for name in ("region_phi0_eta0", "region_phi2_eta3", "region_phi17_eta13")] == [31.5, 1.0, 1.5]
    assert np.count_nonzero(values) == 3
    np.testing.assert_array_equal(calo_layer1_spec("ufixed<12,12>", -1).to_network(hardware)[0], 2 * hardware.ravel())


@pytest.mark.parametrize("shape", [(1, 14, 18), (252,), (1, 252), (18, 14)])
def test_a_wrong_shape_is_refused(shape):
    for use in (SPEC.to_network, SPEC.mask, SPEC.validate_hardware, SPEC.to_hardware, SPEC.to_physical):
        with pytest.raises(UserError, match=r"events must have shape \(N, 18, 14\), not \("):
            use(np.zeros(shape, np.uint16))


def test_codes_beyond_ten_bits_are_named():
    hardware = np.concatenate([image(), image(region_phi3_eta2=1024)])
    with pytest.raises(UserError, match=r"event 11: region_phi3_eta2 = 1024 is outside its hardware range \[0, 1023\]"):
        SPEC.validate_hardware(hardware, first_event=10)


@pytest.mark.parametrize("value", [-0.5, np.nan, np.inf])
def test_energies_that_are_none_are_named(value):
    energy = np.zeros((2, 18, 14))
    energy[1, 4, 5] = value
    with pytest.raises(UserError, match=r"event 1: region_phi4_eta5 = .* must be finite and not negative"):
        SPEC.to_hardware(energy)


def test_edges_must_rise():
    with pytest.raises(ValidationError, match="eta_edges must rise"):
        RegionSpec(phi_regions=18, eta_edges=(0, 2, 1), et=SPEC.et, network=FixedFormat.parse("ufixed<10,6>"))
