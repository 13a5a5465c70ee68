"""Seeds: codes known from menus, events at the edges, and the cuts in GeV as the judge of the cuts in codes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l1ae.config import SeedConfig, TriggerConfig
from l1ae.data import Events, EventStore, StoreWriter
from l1ae.errors import UserError
from l1ae.inputs import calo_layer1_spec, ugt_input_spec
from l1ae.trigger import Menu, cut_seed, fired_cuts, menu_of

SPEC = ugt_input_spec()
SLOTS = SPEC.slices()


def event(**objects):
    """One event (1, 19, 3) with the given (pT code, eta code) per group."""
    hw = np.zeros((1, SPEC.slots, 3), np.int16)
    for group, values in objects.items():
        for k, (pt, eta) in enumerate(values):
            hw[0, SLOTS[group].start + k, :2] = pt, eta
    return hw


def as_events(hw, **extra):
    count = len(hw)
    return Events(hw, np.zeros(count, np.int16), np.arange(count), np.full(count, -1, np.int16), extra)


@pytest.mark.parametrize(
    ("name", "pt", "eta", "total"),
    [
        # 22 GeV is code 45 for muons, whose code 1 is [0, 0.5) GeV; 2.5 = 57.47 LSB of eta
        ("SingleMu22", (45,), None, None),
        ("DoubleMu15_7", (31, 15), None, None),
        ("SingleEG36er2p5", (72,), (-58, 57), None),
        ("DoubleJet150er2p5", (300, 300), (-58, 57), None),
        ("HTT360er2p5", (60,), (-58, 57), 720),
        ("MET90", (180,), None, None),
    ],
)
def test_the_default_menu_in_hardware_codes(name, pt, eta, total):
    seed = next(cut_seed(seed, SPEC) for seed in TriggerConfig().menu if seed.name == name)
    assert (seed.pt, seed.eta, seed.total) == (pt, eta, total)
    assert all(str(code) in seed.definition for code in (*pt, *(eta or ()), *((total,) if total else ())))


@pytest.mark.parametrize(
    ("seed", "accepted", "refused"),
    [
        ({"object": "mu", "pt": 22}, {"mu": [(45, 0)]}, {"mu": [(44, 0)]}),
        ({"object": "mu", "pt": (15, 7)}, {"mu": [(15, 0), (31, 0)]}, {"mu": [(31, 0), (14, 0)]}),
        ({"object": "mu", "pt": (15, 7)}, {"mu": [(31, 0), (31, 0)]}, {"mu": [(30, 0), (30, 0)]}),
        ({"object": "eg", "pt": 36, "eta": 2.5}, {"eg": [(80, -58)]}, {"eg": [(80, -59)]}),
        ({"object": "eg", "pt": 36, "eta": 2.5}, {"eg": [(10, 0), (72, 57)]}, {"eg": [(72, 58)]}),
        ({"object": "jet", "pt": 30, "sum": 360}, {"jet": [(660, 0), (60, 0)]}, {"jet": [(660, 0), (59, 0)]}),
        ({"object": "jet", "pt": 30, "sum": 360, "eta": 2.5}, {"jet": [(720, 0)]}, {"jet": [(700, 0), (700, 90)]}),
        ({"object": "met", "pt": 90}, {"met": [(180, 0)]}, {"met": [(179, 0)]}),
        # a muon's code 11 is 5 GeV
        ({"object": "mu", "pt": 2, "sum": 10}, {"mu": [(11, 0), (11, 0)]}, {"mu": [(11, 0), (10, 0)]}),
        # 0.435 is the edge between two bins
        ({"object": "jet", "pt": 20, "eta": 0.435}, {"jet": [(50, -10)]}, {"jet": [(50, -11)]}),
        ({"object": "jet", "pt": 20, "eta": 0.435}, {"jet": [(50, 9)]}, {"jet": [(50, 10)]}),
        ({"object": "eg", "pt": 10.1}, {"eg": [(21, 0)]}, {"eg": [(20, 0)]}),
    ],
)
def test_edges(seed, accepted, refused):
    cut = SeedConfig(name="seed", **seed)
    for objects, expected in ((accepted, True), (refused, False)):
        hw = event(**objects)
        assert cut_seed(cut, SPEC).accepts(hw).tolist() == [expected]
        assert bool(fired_cuts([cut], SPEC)(as_events(hw), 0)) is expected


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(["met", "eg", "mu", "jet"]),
    legs=st.lists(st.integers(1, 1500), min_size=1, max_size=3),
    eta=st.none() | st.integers(1, 400),
    total=st.none() | st.integers(1, 4000),
)
def test_codes_decide_as_the_cuts_in_gev(crossings, kind, legs, eta, total):
    """Random cuts in steps of 0.1 GeV and 0.01 of eta: two codes of one specification, see `l1ae.trigger._overlap`."""
    legs = sorted(legs, reverse=True)[: 1 if kind == "met" or total else 3]
    cut = SeedConfig(
        name="seed",
        object=kind,
        pt=tuple(value / 10 for value in legs),
        eta=None if eta is None or kind == "met" else eta / 100,
        sum=None if total is None else total / 10,
    )
    events = as_events(crossings[:400])
    fired = fired_cuts([cut], SPEC)
    assert cut_seed(cut, SPEC).accepts(events.hw).tolist() == [bool(fired(events, i)) for i in range(len(events))]


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ({"object": "tau", "pt": 20}, "asks for 'tau'; the inputs have met, eg, mu, jet"),
        ({"object": "eg", "pt": (9, 8, 7, 6, 5)}, "asks for 5 'eg'; the inputs have 4"),
        ({"object": "met", "pt": 20, "eta": 1.0}, "cuts on eta, which 'met' does not have"),
        ({"object": "eg", "pt": 300}, "300 GeV is beyond the hardware scale, which ends at code 511"),
    ],
)
def test_impossible_cuts_are_refused(seed, message):
    with pytest.raises(UserError, match=message):
        cut_seed(SeedConfig(name="seed", **seed), SPEC)


@pytest.fixture
def recorded(tmp_path):
    path = tmp_path / "recorded.h5"
    names = ("L1_SingleMu22", "L1_HTT360er", "L1_AXO_Nominal", "L1_CICADA_Medium", "L1_ZeroBias")
    bits = {f"seed_{name}": np.array([k == 0, k == 1]) for k, name in enumerate(names)}
    with StoreWriter(path, SPEC, sample="cms", processes=["data"], provenance={}) as writer:
        writer.append(as_events(event(mu=[(45, 0)]).repeat(2, axis=0), run=np.array([1, 1]), **bits))
    return EventStore.open(path, SPEC)


def test_recorded_bits_make_the_menu_without_anomaly_and_zero_bias_triggers(recorded):
    menu = menu_of(TriggerConfig(), SPEC, recorded)
    assert menu.origin == "recorded"
    assert {seed.name for seed in menu.seeds} == {"L1_SingleMu22", "L1_HTT360er"}
    assert set(menu.left_out) == {"L1_AXO_Nominal", "L1_CICADA_Medium", "L1_ZeroBias"}
    order = [seed.name for seed in menu.seeds]
    decisions = menu.decide(recorded.read(extra=menu.columns))
    assert decisions[:, order.index("L1_SingleMu22")].tolist() == [True, False]
    assert decisions[:, order.index("L1_HTT360er")].tolist() == [False, True]


def test_cuts_can_be_asked_for_on_recorded_data(recorded):
    menu = menu_of(TriggerConfig(menu_from="cuts"), SPEC, recorded)
    assert (menu.origin, menu.left_out) == ("cuts", ())
    assert menu.decide(recorded.read())[:, 0].tolist() == [True, True]


def test_patterns_that_match_nothing_are_refused(recorded):
    with pytest.raises(UserError, match=r"no recorded seed .* is left .* there are 5"):
        menu_of(TriggerConfig(recorded_seeds=("HLT_*",)), SPEC, recorded)


def test_an_empty_menu_accepts_nothing():
    assert not Menu("cuts", ()).decide(as_events(event(mu=[(45, 0)]))).any()


def test_the_calorimeter_image_has_no_cuts(tmp_path):
    path = tmp_path / "regions.h5"
    image = np.ones((3, 18, 14), np.uint16)
    hw = event(mu=[(45, 0)]).repeat(3, axis=0)
    events = Events(hw, np.zeros(3, np.int16), np.arange(3), np.full(3, -1, np.int16), regions=image)
    with StoreWriter(path, SPEC, sample="zb", processes=["zb"], provenance={}, regions=calo_layer1_spec()) as writer:
        writer.append(events)
    spec = calo_layer1_spec()
    assert menu_of(TriggerConfig(), spec, EventStore.open(path, spec)) is None
