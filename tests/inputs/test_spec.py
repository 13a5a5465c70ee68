import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, InputSpec, named_layout

LAYOUT = named_layout("ugt")
SPEC = InputSpec.of(LAYOUT)
SLOTS = {"met": slice(0, 1), "eg": slice(1, 5), "mu": slice(5, 9), "jet": slice(9, 19)}
LOW, HIGH = (bound.reshape(19, 3) for bound in SPEC.code_range)


def to_hardware(physical: np.ndarray) -> np.ndarray:
    """As slots x features, (N, 19, 3)."""
    return LAYOUT.to_hardware(physical.reshape(len(physical), 57)).reshape(-1, 19, 3)


def to_physical(hardware: np.ndarray) -> np.ndarray:
    """As slots x features, (N, 19, 3)."""
    return LAYOUT.to_physical(hardware.reshape(len(hardware), 57)).reshape(-1, 19, 3)


# LSB, smallest and largest valid code per feature, written down from the table of the uGT firmware specification.
TABLE = {
    "met": ((0.5, 4095), None, (2 * math.pi / 144, 144)),
    "eg": ((0.5, 511), (0.087 / 2, 128), (2 * math.pi / 144, 144)),
    "mu": ((0.5, 511), (0.087 / 8, 256), (2 * math.pi / 576, 576)),
    "jet": ((0.5, 2047), (0.087 / 2, 128), (2 * math.pi / 144, 144)),
}


def event(group: str = "eg", pt: float = 20.0, eta: float = 0.0, phi: float = 0.0, slot: int = 0) -> np.ndarray:
    """One event (1, 19, 3) with one object."""
    physical = np.zeros((1, 19, 3))
    physical[0, SLOTS[group].start + slot] = pt, eta, phi
    return physical


def codes(group: str, **features: float) -> list[int]:
    return to_hardware(event(group, **features))[0, SLOTS[group].start].tolist()


def test_layout():
    assert (sum(group.slots for group in LAYOUT.groups), SPEC.size, len(SPEC.names), LAYOUT.dtype) == (19, 57, 57, np.int16)
    assert {group.name: LAYOUT.where(group.name) for group in LAYOUT.groups} == {
        name: slice(3 * where.start, 3 * where.stop) for name, where in SLOTS.items()
    }
    assert SPEC.gate.tolist() == [3 * (i // 3) for i in range(57)]
    assert [SPEC.names[i] for i in (0, 1, 2, 3, 15, 27, 56)] == ["met_pt", "met_eta", "met_phi", "eg0_pt", "mu0_pt", "jet0_pt", "jet9_phi"]


physical_events = st.fixed_dictionaries(
    {
        "pt": hnp.arrays(np.float64, (4, 19), elements=st.just(0.0) | st.floats(0, 3000)),
        "eta": hnp.arrays(np.float64, (4, 19), elements=st.floats(-6, 6)),
        "phi": hnp.arrays(np.float64, (4, 19), elements=st.floats(-10, 10)),
    }
).map(lambda parts: np.stack([parts["pt"], parts["eta"], parts["phi"]], axis=-1))


@given(physical_events)
def test_round_trip_within_half_an_lsb_or_saturated(physical):
    hardware = to_hardware(physical)
    LAYOUT.validate_hardware(hardware.reshape(-1, 57))
    back = to_physical(hardware)
    for name, where in SLOTS.items():
        (pt_lsb, pt_high), eta_scale, (phi_lsb, _) = TABLE[name]
        given_, found, code = physical[:, where], back[:, where], hardware[:, where]
        offset = 1 if name == "mu" else 0
        filled = (given_[..., 0] > 0) & (np.floor(given_[..., 0] / pt_lsb) + offset > 0)
        np.testing.assert_array_equal(code[..., 0] > 0, filled)
        assert (code[~filled] == 0).all()
        assert (found[~filled] == 0).all()
        inside = filled & (given_[..., 0] < (pt_high + 1 - offset) * pt_lsb)
        assert (np.abs(found - given_)[..., 0][inside] <= pt_lsb / 2 + 1e-9).all()
        assert (code[..., 0][filled & ~inside] == pt_high).all()
        if eta_scale is None:
            assert (code[..., 1] == 0).all()
            assert (found[..., 1] == 0).all()
        else:
            eta_lsb, limit = eta_scale
            inside = filled & (given_[..., 1] >= -limit * eta_lsb) & (given_[..., 1] < limit * eta_lsb)
            assert (np.abs(found - given_)[..., 1][inside] <= eta_lsb / 2 + 1e-9).all()
            beyond = filled & ~inside
            assert (code[..., 1][beyond] == np.where(given_[..., 1] < 0, -limit, limit - 1)[beyond]).all()
        distance = np.abs(np.angle(np.exp(1j * (found - given_)[..., 2])))
        assert (distance[filled] <= phi_lsb / 2 + 1e-9).all()


hardware_events = hnp.arrays(np.float64, (3, 19, 3), elements=st.floats(0, 1, exclude_max=True)).map(
    lambda unit: (LOW + np.floor(unit * (HIGH - LOW + 1))).astype(np.int16)
)


@given(hardware_events)
def test_hardware_survives_the_way_through_physical(hardware):
    empty_cleared = np.where(hardware[..., :1] == 0, 0, hardware)
    np.testing.assert_array_equal(to_hardware(to_physical(hardware)), empty_cleared)


@pytest.mark.parametrize("group", SLOTS)
def test_saturation(group):
    high = TABLE[group][0][1]
    offset = 1 if group == "mu" else 0
    last = (high - offset) * 0.5
    assert [codes(group, pt=pt)[0] for pt in (last - 0.01, last, last + 0.49, last + 0.5, 1e6)] == [high - 1, high, high, high, high]


@pytest.mark.parametrize(("group", "limit"), [("eg", 128), ("mu", 256), ("jet", 128)])
def test_eta_saturates_on_both_sides(group, limit):
    lsb = TABLE[group][1][0]
    etas = [-100, -limit * lsb - 1e-9, -limit * lsb + 1e-9, -1e-12, 0, 1e-12, (limit - 1) * lsb + 1e-9, limit * lsb + 1e-9, 100]
    assert [codes(group, eta=eta)[1] for eta in etas] == [-limit, -limit, -limit, -1, 0, 0, limit - 1, limit - 1, limit - 1]


@pytest.mark.parametrize(("group", "bins"), [("met", 144), ("eg", 144), ("mu", 576), ("jet", 144)])
@pytest.mark.parametrize(
    ("phi", "turn"),
    [
        (0.0, 0.0),
        (-0.0, 0.0),
        (math.nextafter(2 * math.pi, 0), 1 - 1e-9),
        (2 * math.pi, 0.0),
        (-2 * math.pi, 0.0),
        (math.pi, 0.5),
        (-math.pi, 0.5),
        (math.nextafter(math.pi, 0), 0.5 - 1e-9),
        (-1e-300, 1 - 1e-9),
        (-1e-9, 1 - 1e-9),
        (1e-9, 0.0),
        (math.pi / 2 + 1e-9, 0.25),
        (3 * math.pi + 1e-9, 0.5),
        (200 * math.pi + 1e-9, 0.0),
    ],
)
def test_phi_wraps(group, bins, phi, turn):
    """`turn` is the fraction of a full turn; a code is its integer part in `bins`."""
    assert codes(group, phi=phi)[2] == math.floor(turn * bins)


@pytest.mark.parametrize("phi", [1e15, -1e15, 1e300, -1e300])
def test_absurd_phi_still_has_a_code(phi):
    assert 0 <= codes("mu", phi=phi)[2] < 576


def test_decoded_phi_lies_within_half_a_turn():
    for group, bins in (("jet", 144), ("mu", 576)):
        hardware = np.zeros((bins, 19, 3), np.int16)
        hardware[:, SLOTS[group].start, 0] = 10
        hardware[:, SLOTS[group].start, 2] = np.arange(bins)
        phi = to_physical(hardware)[:, SLOTS[group].start, 2]
        centres = (np.arange(bins) + 0.5) * 2 * math.pi / bins
        np.testing.assert_allclose(phi, np.where(centres < math.pi, centres, centres - 2 * math.pi), atol=1e-12)


@pytest.mark.parametrize(("group", "pt", "code"), [("met", 0.49, 0), ("eg", 0.49, 0), ("jet", 0.49, 0), ("mu", 0.49, 1), ("eg", 0.5, 1)])
def test_pt_below_one_lsb(group, pt, code):
    """Code 0 is an empty slot, so its angles go too. A muon has no such pT: its code starts at 1."""
    found = codes(group, pt=pt, eta=1.0, phi=1.0)
    assert found[0] == code
    assert (found[1:] == [0, 0]) == (code == 0)


def test_empty_slots_lose_their_angles():
    """Files exist in which a removed object keeps its phi."""
    assert codes("jet", pt=0.0, eta=1.0, phi=2.0) == [0, 0, 0]


def test_met_has_no_eta():
    hardware = to_hardware(event("met", pt=30.0, eta=2.0, phi=1.0))
    assert hardware[0, 0].tolist() == [60, 0, 22]
    assert to_physical(hardware)[0, 0, 1] == 0
    assert SPEC.mask(hardware.reshape(-1, 57))[0, :3].tolist() == [True, False, True]
    assert _with(met={"offset": (1, 5, 1)}).to_network(hardware.reshape(-1, 57))[0, 1] == 0


def test_errors_count_an_empty_slot_where_it_is_asked_for():
    hardware = np.zeros((2, 57), np.int64)
    hardware[1, SPEC.names.index("eg2_pt")] = 7
    counting = replace(SPEC, counts_empty=True)
    np.testing.assert_array_equal(SPEC.counted(hardware), SPEC.mask(hardware))
    np.testing.assert_array_equal(counting.mask(hardware), SPEC.mask(hardware))
    np.testing.assert_array_equal(counting.counted(hardware), np.broadcast_to(SPEC.present, (2, 57)))
    assert (counting.counted_gate == -1).all()
    np.testing.assert_array_equal(SPEC.counted_gate, SPEC.gate)


def test_mask_follows_pt():
    hardware = np.zeros((1, 19, 3), np.int16)
    hardware[0, 3] = 5, -7, 9
    hardware[0, 12] = 0, 4, 4
    assert [SPEC.names[i] for i in np.flatnonzero(SPEC.mask(hardware.reshape(-1, 57))[0])] == ["eg2_pt", "eg2_eta", "eg2_phi"]


# --- what the network receives


def _with(network: str = "fixed<12,6,RND_CONV,SAT>", **changes: dict[str, object]) -> InputSpec:
    return InputSpec.of(LAYOUT, FixedFormat.parse(network), changes)


def _network_value(spec: InputSpec, changes: dict, hardware: np.ndarray, column: int) -> int:
    """The definition in rational arithmetic: (hw - offset) / 2**shift, half to even or cut off, then limited.

    `changes` hold offset and shift of a group, one triple or one per slot; the others have those of the specification.
    """
    slot, feature = divmod(column, 3)
    if hardware[slot, 0] == 0 or (slot == 0 and feature == 1):
        return 0
    name, where = next((name, where) for name, where in SLOTS.items() if where.start <= slot < where.stop)
    offset, shift = int(spec.offset[column]), int(spec.shift[column])
    if name in changes:
        offset, shift = (
            (value[slot - where.start] if isinstance(value[0], tuple) else value)[feature]
            for value in (changes[name]["offset"], changes[name]["shift"])
        )
    scaled = Fraction(int(hardware[slot, feature]) - offset) / Fraction(2) ** shift * 2**spec.network.fraction
    rounded = round(scaled) if spec.network.rounding == "RND_CONV" else math.floor(scaled)
    return min(max(rounded, -(2 ** (spec.network.width - 1))), 2 ** (spec.network.width - 1) - 1)


triples = st.tuples(*[st.integers(-300, 300)] * 3)
shifts = st.tuples(*[st.integers(-4, 9)] * 3)


@given(
    hardware=hardware_events,
    network=st.sampled_from(["fixed<12,6,RND_CONV,SAT>", "fixed<9,9,TRN,SAT>", "fixed<8,4,RND_CONV,SAT>", "fixed<20,14,TRN,SAT>"]),
    met=st.tuples(triples, shifts),
    mu=st.tuples(st.tuples(*[triples] * 4), st.tuples(*[shifts] * 4)),
    jet=st.tuples(triples, st.tuples(*[shifts] * 10)),
)
def test_to_network_against_rational_arithmetic(hardware, network, met, mu, jet):
    changes = {name: dict(zip(("offset", "shift"), value, strict=True)) for name, value in (("met", met), ("mu", mu), ("jet", jet))}
    spec = _with(network, **changes)
    expected = [[_network_value(spec, changes, event, column) for column in range(57)] for event in hardware]
    hardware = hardware.reshape(-1, 57)
    found = spec.to_network(hardware)
    assert found.dtype == np.int64
    assert found.tolist() == expected
    as_float = spec.to_network_float(hardware)
    assert as_float.dtype == np.float32
    assert (as_float.astype(np.float64) * 2.0**spec.network.fraction).tolist() == expected


def test_negative_shift_multiplies():
    spec = _with("fixed<20,14,TRN,SAT>", jet={"offset": (3, 0, 0), "shift": (-2, 0, 0)})
    assert spec.to_network(np.full((1, 57), 10, np.int16))[0, spec.names.index("jet0_pt")] * spec.network.lsb == (10 - 3) * 4


def test_more_events_than_one_block():
    random = np.random.default_rng(1)
    hardware = random.integers(LOW.ravel(), HIGH.ravel() + 1, (9000, 57)).astype(np.int16)
    parts = np.concatenate([SPEC.to_network(hardware[i : i + 1000]) for i in range(0, 9000, 1000)])
    np.testing.assert_array_equal(SPEC.to_network(hardware), parts)
    np.testing.assert_array_equal(SPEC.to_network_float(hardware), (parts / 64).astype(np.float32))
    assert SPEC.to_network(hardware[:0]).shape == (0, 57)


def test_preprocessing_needs_numbers_of_the_right_shape():
    message = (
        r"group 'mu': shift must be one number, one per feature \(pt, eta, phi\), or one such row for each of its 4 slots, not \(\(1, 1"
    )
    with pytest.raises(UserError, match=message):
        _with(mu={"shift": ((1, 1, 1),) * 3})
    with pytest.raises(UserError, match="unknown group 'muon'; the groups of layout 'ugt' are met, eg, mu, jet"):
        _with(muon={"shift": 1})


# --- messages


@pytest.mark.parametrize(
    ("slot", "feature", "value", "message"),
    [
        (0, 0, -0.5, "event 1: met_pt = -0.5 must be finite and not negative"),
        (6, 1, np.nan, "event 1: mu1_eta = nan must be finite"),
        (18, 2, np.inf, "event 1: jet9_phi = inf must be finite"),
        (4, 0, -np.inf, "event 1: eg3_pt = -inf must be finite and not negative"),
    ],
)
def test_bad_values(slot, feature, value, message):
    physical = np.zeros((2, 19, 3))
    physical[1, slot, feature] = value
    with pytest.raises(UserError) as error:
        to_hardware(physical)
    assert str(error.value) == message


@pytest.mark.parametrize("shape", [(2, 19, 3), (2, 56), (19, 3), (57,)])
def test_wrong_shape(shape):
    for method in (LAYOUT.to_hardware, LAYOUT.to_physical, SPEC.mask, SPEC.to_network, LAYOUT.validate_hardware):
        with pytest.raises(UserError) as error:
            method(np.zeros(shape, np.int16))
        assert str(error.value) == f"events of layout 'ugt' must have shape (N, 57), not {shape}"


@pytest.mark.parametrize(
    ("slot", "feature", "value", "message"),
    [
        (0, 0, 4096, "event 2: met_pt = 4096 is outside its hardware range [0, 4095]"),
        (0, 1, 1, "event 2: met_eta = 1 is outside its hardware range [0, 0]"),
        (2, 1, -129, "event 2: eg1_eta = -129 is outside its hardware range [-128, 127]"),
        (5, 0, -1, "event 2: mu0_pt = -1 is outside its hardware range [0, 511]"),
        (5, 2, 576, "event 2: mu0_phi = 576 is outside its hardware range [0, 575]"),
        (18, 2, 144, "event 2: jet9_phi = 144 is outside its hardware range [0, 143]"),
    ],
)
def test_codes_outside_their_scale(slot, feature, value, message):
    hardware = np.zeros((4, 19, 3), np.int16)
    hardware[2, slot, feature] = value
    with pytest.raises(UserError) as error:
        LAYOUT.validate_hardware(hardware.reshape(-1, 57))
    assert str(error.value) == f"{message}; are these hardware integers of layout 'ugt'?"
