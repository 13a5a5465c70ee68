"""Seeds: codes known from menus, events at the edges, and the cuts in GeV as the judge of the cuts in codes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l1ae.config import SeedConfig, TriggerConfig, named_menu
from l1ae.data import Events, EventStore, StoreWriter
from l1ae.errors import UserError
from l1ae.inputs import Layout, named_layout
from l1ae.trigger import Menu, cut_seed, fired_cuts, menu_of, no_menu, possible_seeds

UGT = named_layout("ugt")
EIGHT = TriggerConfig(menu="eight")


def event(layout=UGT, **objects):
    """One event (1, size) with the given codes of the first features per group and slot: pT and eta in layout ugt."""
    hw = np.zeros((1, layout.size), layout.dtype)
    for group, values in objects.items():
        for k, codes in enumerate(values):
            layout.block(hw, group)[0, k, : len(codes)] = codes
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
def test_the_menu_of_eight_in_hardware_codes(name, pt, eta, total):
    seed = next(cut_seed(seed, UGT) for seed in named_menu("eight").seeds if seed.name == name)
    (leg,) = seed.legs
    assert (leg.pt, leg.choice.eta, leg.total) == (pt, eta, total)
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
    _decides(cut, UGT, accepted, refused)


@settings(deadline=None)
@given(
    kind=st.sampled_from(["met", "eg", "mu", "jet"]),
    legs=st.lists(st.integers(1, 1500), min_size=1, max_size=3),
    eta=st.none() | st.integers(1, 400),
    total=st.none() | st.integers(1, 4000),
    deta=st.none() | st.integers(1, 400),
)
def test_codes_decide_as_the_cuts_in_gev(crossings, kind, legs, eta, total, deta):
    """Random cuts in steps of 0.1 GeV and 0.01 of eta: two codes of one specification, see `l1ae.trigger._overlap`."""
    legs = sorted(legs, reverse=True)[: 1 if kind == "met" or total else 3]
    cut = SeedConfig(
        name="seed",
        object=kind,
        pt=tuple(value / 10 for value in legs),
        eta=None if eta is None or kind == "met" else eta / 100,
        sum=None if total is None else total / 10,
        deta=deta / 100 if deta and kind != "met" and len(legs) == 2 and total is None else None,
    )
    events = as_events(crossings[:400])
    fired = fired_cuts([cut], UGT)
    assert cut_seed(cut, UGT).accepts(events.hw).tolist() == [bool(fired(events, i)) for i in range(len(events))]


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        (
            {"object": "tau", "pt": 20},
            "seed 'seed': there is no group 'tau' with an energy in GeV; the groups that have one are met, eg, mu, jet",
        ),
        ({"object": "eg", "pt": (9, 8, 7, 6, 5)}, "the inputs hold 4 'eg', not 5"),
        ({"object": "met", "pt": 20, "eta": 1.0}, "cuts on eta, which 'met' does not have; remove eta"),
        ({"object": "met", "pt": (20, 20), "deta": 1.0}, "the inputs hold 1 'met', not 2; ask for fewer"),
        ({"all": [{"object": "mu", "pt": 3}, {"object": "tau", "pt": 20}]}, "seed 'seed': there is no group 'tau'"),
        ({"object": "eg", "pt": 20, "quality": 1}, "cuts on quality, which 'eg' does not have"),
        ({"object": "eg", "pt": 300}, "300 GeV is code 600, beyond the hardware scale of 'eg', which ends at 511"),
    ],
)
def test_impossible_cuts_are_refused(seed, message):
    with pytest.raises(UserError, match=message):
        cut_seed(SeedConfig(name="seed", **seed), UGT)


@pytest.fixture
def recorded(tmp_path):
    path = tmp_path / "recorded.h5"
    names = ("L1_SingleMu22", "L1_HTT360er", "L1_AXO_Nominal", "L1_CICADA_Medium", "L1_ZeroBias")
    bits = {f"seed_{name}": np.array([k == 0, k == 1]) for k, name in enumerate(names)}
    with StoreWriter(path, UGT, sample="cms", processes=["data"], provenance={}) as writer:
        writer.append(as_events(event(mu=[(45, 0)]).repeat(2, axis=0), run=np.array([1, 1]), **bits))
    return EventStore.open(path, UGT)


def test_recorded_bits_make_the_menu_without_anomaly_and_zero_bias_triggers(recorded):
    menu = menu_of(TriggerConfig(), UGT, recorded)
    assert menu.origin == "recorded"
    assert {seed.name for seed in menu.seeds} == {"L1_SingleMu22", "L1_HTT360er"}
    assert set(menu.left_out) == {"L1_AXO_Nominal", "L1_CICADA_Medium", "L1_ZeroBias"}
    order = [seed.name for seed in menu.seeds]
    decisions = menu.decide(recorded.read(extra=menu.columns))
    assert decisions[:, order.index("L1_SingleMu22")].tolist() == [True, False]
    assert decisions[:, order.index("L1_HTT360er")].tolist() == [False, True]


def test_cuts_can_be_asked_for_on_recorded_data(recorded):
    menu = menu_of(TriggerConfig(menu_from="cuts", menu="eight"), UGT, recorded)
    assert (menu.origin, menu.left_out) == ("cuts", ())
    assert menu.decide(recorded.read())[:, 0].tolist() == [True, True]


def test_patterns_that_match_nothing_are_refused(recorded):
    with pytest.raises(UserError, match=r"no recorded seed .* is left .* there are 5"):
        menu_of(TriggerConfig(recorded_seeds=("HLT_*",)), UGT, recorded)


def test_an_empty_menu_accepts_nothing():
    assert not Menu("cuts", ()).decide(as_events(event(mu=[(45, 0)]))).any()


FULL = named_layout("ugt_full")


@pytest.mark.parametrize(
    ("seed", "accepted", "refused"),
    [
        # quality is the fourth number of a muon, isolation that of an electron or photon
        ({"object": "mu", "pt": 22, "quality": 12}, {"mu": [(45, 0, 0, 12)]}, {"mu": [(45, 0, 0, 11)]}),
        ({"object": "mu", "pt": (15, 7), "quality": 8}, {"mu": [(31, 0, 0, 8), (15, 0, 0, 9)]}, {"mu": [(31, 0, 0, 8), (15, 0, 0, 7)]}),
        ({"object": "eg", "pt": 28, "isolation": 2}, {"eg": [(56, 0, 0, 3)]}, {"eg": [(56, 0, 0, 1)]}),
        ({"object": "eg", "pt": 28, "isolation": 3}, {"eg": [(56, 0, 0, 1)]}, {"eg": [(56, 0, 0, 0)]}),
        ({"object": "jet", "pt": 30, "sum": 60, "quality": 1}, {"jet": [(60, 0, 0, 1)] * 2}, {"jet": [(60, 0, 0, 1), (60, 0, 0, 0)]}),
        # total energy has no gate: its code 0 is an event like others
        ({"object": "ett", "pt": 100}, {"ett": [(200,)]}, {"ett": [(199,)]}),
    ],
)
def test_quality_and_isolation(seed, accepted, refused):
    _decides(SeedConfig(name="seed", **seed), FULL, accepted, refused)


RECORD = named_layout("cms_l1_record")


@pytest.mark.parametrize(
    ("eta", "inside", "outside"),
    [
        # codes of muon eta at the stations are centres: code 138 is [1.4953, 1.5062), code 230 [2.4958, 2.5067)
        (1.5, 138, 139),
        (2.5, 230, 231),
        (1.4953125, 137, 138),  # 137.5 x 0.010875, where code 138 begins
    ],
)
def test_codes_at_the_centre_of_their_bin(eta, inside, outside):
    cut = SeedConfig(name="seed", object="mu", pt=3, eta=eta)
    assert cut_seed(cut, RECORD).legs[0].choice.eta == (-inside, inside)
    for sign in (1, -1):
        _decides(cut, RECORD, {"mu": [(7, sign * inside)]}, {"mu": [(7, sign * outside)]})


def test_a_slot_is_filled_where_its_valid_bit_is():
    """Muons of the Phase-2 trigger: (valid, pT in 1/32 GeV, phi, eta in pi/4096)."""
    layout = named_layout("p2gt")
    cut = SeedConfig(name="seed", object="mu", pt=(15, 7), eta=2.4)
    edge = int(np.ceil(2.4 / (np.pi / 4096))) - 1
    full = {"mu": [(1, 480, 0, edge), (1, 224, 0, -edge - 1)]}
    for refused in (
        {"mu": [(1, 480, 0, edge), (0, 224, 0, 0)]},
        {"mu": [(1, 479, 0, 0), (1, 224, 0, 0)]},
        {"mu": [(1, 480, 0, edge + 1), (1, 224, 0, 0)]},
    ):
        _decides(cut, layout, full, refused)


def test_an_energy_at_the_centre_of_its_bin_counts_with_its_value():
    feature = {"name": "e", "role": "energy", "bits": 8, "lsb": 2.0, "unit": "GeV", "bin": "centre", "origin": 3}
    layout = Layout.model_validate({"name": "centres", "groups": [{"name": "hit", "slots": 3, "features": [feature]}]})
    assert cut_seed(SeedConfig(name="seed", object="hit", pt=10), layout).legs[0].pt == (8,)  # (8 - 3) x 2 GeV
    _decides(SeedConfig(name="seed", object="hit", pt=10.1), layout, {"hit": [(9,)]}, {"hit": [(8,)]})
    _decides(SeedConfig(name="seed", object="hit", pt=2, sum=20), layout, {"hit": [(8,), (8,)]}, {"hit": [(8,), (7,)]})


MU_EG = [{"object": "mu", "pt": 7}, {"object": "eg", "pt": 23, "eta": 2.5}]
JETS = [{"object": "jet", "pt": (112, 100), "eta": 2.3, "deta": 1.6}]


@pytest.mark.parametrize(
    ("legs", "accepted", "refused"),
    [
        (MU_EG, {"mu": [(15, 0)], "eg": [(46, 57)]}, {"mu": [(15, 0)], "eg": [(46, 58)]}),
        (MU_EG, {"mu": [(3, 0), (15, 0)], "eg": [(46, 0)]}, {"mu": [(14, 0)], "eg": [(400, 0)]}),
        # 36 LSB of 0.0435 are 1.566, 37 are 1.6095
        (JETS, {"jet": [(224, -18), (200, 18)]}, {"jet": [(224, -18), (200, 19)]}),
        (JETS, {"jet": [(200, 0), (224, 36)]}, {"jet": [(223, 0), (223, 36)]}),
        # the two hardest are far apart, another pair is not
        (JETS, {"jet": [(300, -50), (300, 50), (200, 20)]}, {"jet": [(300, -50), (300, 50), (199, 20)]}),
        # one jet is no pair
        (JETS, {"jet": [(224, 0), (224, 0)]}, {"jet": [(900, 0)]}),
        # one object may be part of two legs
        ([{"object": "mu", "pt": 9}, {"object": "mu", "pt": (5, 5)}], {"mu": [(19, 0), (11, 0)]}, {"mu": [(18, 0), (18, 0)]}),
    ],
)
def test_all_legs_fire(legs, accepted, refused):
    _decides(SeedConfig(name="seed", all=legs), UGT, accepted, refused)


def test_the_definition_names_every_cut():
    seed = cut_seed(SeedConfig(name="seed", all=[*MU_EG[:1], *JETS]), UGT)
    assert seed.definition == (
        "1 mu with pT >= 7 GeV (code >= 15); and 2 jet with pT >= 112 GeV (code >= 224), pT >= 100 GeV (code >= 200), "
        "|eta| <= 2.3 (codes -53 to 52), eta apart by 1.6 (codes by 36) at most"
    )


def _decides(cut, layout, accepted, refused):
    """Both computations of the pure rate."""
    for objects, expected in ((accepted, True), (refused, False)):
        hw = event(layout, **objects)
        assert cut_seed(cut, layout).accepts(hw).tolist() == [expected]
        assert bool(fired_cuts([cut], layout)(as_events(hw), 0)) is expected


@pytest.mark.parametrize("name", ["ugt_full", "cms_l1_record", "gelato", "p2gt"])
def test_codes_decide_as_the_cuts_in_gev_in_every_layout(name):
    """Random events and cuts of every group that has an energy."""
    layout, rng = named_layout(name), np.random.default_rng(41)
    low, high = layout.code_range
    hw = rng.integers(low, high + 1, (200, layout.size))
    for column in layout.columns:
        if column.feature.role == "energy":
            soft = rng.exponential(30 / column.feature.lsb, 200).astype(int)
            hw[:, column.number] = np.where(rng.random(200) < 0.3, 0, np.minimum(soft, high[column.number]))
    events = as_events(hw.astype(layout.dtype))
    fired_somewhere = 0
    for group in layout.groups:
        if group.of_role("energy") is None:
            continue
        roles = {role: rng for role in ("eta", "quality", "isolation") if group.of_role(role) is not None}
        for legs in range(1, min(group.slots, 3) + 1):
            cuts = {"eta": 1.5, "quality": 1, "isolation": 2}
            pt = tuple(sorted(rng.uniform(1, 40, legs).round(2).tolist(), reverse=True))
            cut = SeedConfig(name="seed", object=group.name, pt=pt, **{role: cuts[role] for role in roles})
            fired = fired_cuts([cut], layout)
            decisions = cut_seed(cut, layout).accepts(events.hw)
            assert decisions.tolist() == [bool(fired(events, i)) for i in range(len(events))]
            fired_somewhere += int(decisions.any())
    assert fired_somewhere > 2


def _empty_store(path, layout):
    with StoreWriter(path, layout, sample="zb", processes=["zb"], provenance={}):
        pass
    return EventStore.open(path)


def test_a_menu_with_a_name_takes_the_seeds_that_the_inputs_allow(tmp_path):
    layout = named_layout("gelato")
    menu = menu_of(EIGHT, layout, _empty_store(tmp_path / "zb.h5", layout))
    assert [seed.name for seed in menu.seeds] == ["SingleMu22", "DoubleMu15_7", "SingleJet180", "DoubleJet150er2p5", "HTT360er2p5", "MET90"]
    assert menu.left_out == ("there is no group 'eg' with an energy in GeV: SingleEG36er2p5, DoubleEG25_12er2p5",)


def test_features_and_slots_that_were_not_selected_leave_seeds_out():
    layout = UGT.select({"jet": 1, "features": ("pt", "phi")})
    seeds, left_out = possible_seeds(EIGHT, layout)
    assert [seed.name for seed in seeds] == ["SingleMu22", "DoubleMu15_7", "SingleJet180", "MET90"]
    assert "the inputs hold 1 'jet', not 2: DoubleJet150er2p5" in left_out
    assert "it cuts on eta, which 'jet' does not have: HTT360er2p5" in left_out


def test_a_seed_that_somebody_wrote_is_not_left_out(tmp_path):
    layout = named_layout("gelato")
    config = TriggerConfig(menu=(*EIGHT.seeds[:1], SeedConfig(name="mine", object="eg", pt=20)))
    message = "seed 'mine': there is no group 'eg' with an energy in GeV; the groups that have one are jet, tau, mu, met"
    with pytest.raises(UserError, match=message):
        menu_of(config, layout, _empty_store(tmp_path / "zb.h5", layout))


@pytest.mark.parametrize(("name", "reason"), [("samples", "need a group with an energy in GeV"), ("calo_regions", "for its groups region")])
def test_without_objects_there_is_no_menu(name, reason, tmp_path):
    layout = named_layout(name)
    assert menu_of(TriggerConfig(), layout, _empty_store(tmp_path / "zb.h5", layout)) is None
    assert reason in no_menu(layout)
    assert f"layout '{name}'" in no_menu(layout)


def test_an_image_can_be_cut_on():
    """Any region of 20 GeV, and the sum of all regions."""
    layout = named_layout("calo_regions")
    hottest, total = (cut_seed(SeedConfig(name="x", object="region", **cut), layout) for cut in ({"pt": 20}, {"pt": 1, "sum": 30}))
    hw = np.zeros((3, layout.size), layout.dtype)
    hw[0, 17], hw[1, 17], hw[2, :60] = 40, 39, 1
    assert hottest.accepts(hw).tolist() == [True, False, False]
    hw[2, :30] = 2
    assert total.accepts(hw).tolist() == [False, False, True]
