"""Recorded menus: what is a seed, what is pure, and signals whose menu is another one."""

import numpy as np
import pytest

from l1ae.config import DataConfig, TriggerConfig
from l1ae.data import Bits, Events, EventStore, StoreWriter, import_record
from l1ae.errors import UserError
from l1ae.inputs import InputSpec, named_layout
from l1ae.trigger import JudgedEvents, menu_of, read_sample, read_signal

from ..data.record.published import make_events, write_mirror, write_tree

LAYOUT = named_layout("cms_l1_record")
SPEC = InputSpec.of(LAYOUT)
MENU = ("L1_SingleMu22", "L1_ETMHF90", "L1_HTT360er")
ANOMALY = ("L1_AXO_Medium", "L1_CICADA_Loose", "L1_ADT_4000", "L1_AnomDet_v1")


def score(hw):
    return hw.sum(axis=1, dtype=np.int64)


def recorded(path, events):
    """The store of the record's files with these events."""
    import_record([write_tree(path / "ZB_run396102" / "test", events)], path / "zb.h5", LAYOUT, sample="zerobias")
    return EventStore.open(path / "zb.h5")


def by_hand(events, names):
    return np.array([any(event["seeds"][name] for name in names) for event in events])


def test_what_anomaly_triggers_accept_is_not_pure_against_themselves_or_the_or(tmp_path):
    """L1bit among the seeds once made every rate of a recorded anomaly trigger 0 kHz pure, without a word."""
    events = make_events(400, seed=1, split="test", seeds=(*MENU, *ANOMALY))
    store = recorded(tmp_path, events)
    menu = menu_of(TriggerConfig(), LAYOUT, store)
    assert menu is not None
    assert {seed.name for seed in menu.seeds} == set(MENU)
    assert set(menu.left_out) == set(ANOMALY)
    sample = read_sample(JudgedEvents.of(store), score, menu)
    anomalous = by_hand(events, ["L1_AXO_Medium"])
    alone = anomalous & ~by_hand(events, MENU)
    assert sample.any_seed is not None
    assert (anomalous & ~sample.any_seed).tolist() == alone.tolist()
    assert 10 < alone.sum() < anomalous.sum()


def older_store(path, events, **more):
    """A store in which the OR is a seed."""
    columns = {f"seed_{name}": np.array([event["seeds"][name] for event in events]) for name in events[0]["seeds"]}
    hw = np.zeros((len(events), LAYOUT.size), LAYOUT.dtype)
    hw[:, 0] = np.arange(len(events)) % 4000
    known = (np.zeros(len(events), np.int16), np.arange(len(events)), np.full(len(events), -1, np.int16))
    with StoreWriter(path, LAYOUT, sample="zb", processes=["zb"], provenance={}) as writer:
        writer.append(Events(hw, *known, columns | more))
    return EventStore.open(path)


@pytest.mark.parametrize("name", ["L1bit", "l1bit", "L1BIT", "L1_bit", "L1_FinalOR"])
def test_an_or_that_an_older_import_stored_is_no_seed(tmp_path, name):
    events = make_events(100, seed=2, seeds=(*MENU, "L1_AXO_Medium"))
    for event in events:
        event["seeds"][name] = event["seeds"].pop("L1bit")
    store = older_store(tmp_path / "old.h5", events)
    for config in (TriggerConfig(), TriggerConfig(recorded_seeds=("*",), recorded_excluded=())):
        menu = menu_of(config, LAYOUT, store)
        assert menu is not None
        assert name not in {seed.name for seed in menu.seeds}
        assert f"{name} (the OR of other seeds)" in menu.left_out
    sample = read_sample(JudgedEvents.of(store), score, menu_of(TriggerConfig(), LAYOUT, store))
    assert sample.any_seed is not None
    assert (by_hand(events, ["L1_AXO_Medium"]) & ~sample.any_seed).any()


def test_an_or_under_any_name_is_known_by_its_decisions_and_said(tmp_path, caplog):
    events = make_events(400, seed=11, seeds=(*MENU, "L1_AXO_Medium"))
    for event in events:
        event["seeds"]["Everything"] = event["seeds"].pop("L1bit")
        event["seeds"]["L1_ADT_copied"] = event["seeds"]["Spare"] = event["seeds"]["L1_AXO_Medium"]
        event["seeds"]["L1_Never"] = False
    menu = menu_of(TriggerConfig(), LAYOUT, older_store(tmp_path / "zb.h5", events))
    assert menu is not None
    assert {seed.name for seed in menu.seeds} == {*MENU, "L1_Never"}
    assert set(menu.left_out) == {"L1_AXO_Medium", "L1_ADT_copied", "Everything (the OR of other seeds)", "Spare (the OR of other seeds)"}
    assert "Everything, Spare are each the OR of other seeds in every event: left out of the menu" in caplog.text


def test_an_or_of_seeds_of_which_the_store_has_no_anomaly_trigger_is_known_too(tmp_path):
    """In signals, whose anomaly bits are set, it would take everything away."""
    events = make_events(400, seed=12, seeds=(*MENU, "L1_AXO_Medium"))
    for event in events:
        event["seeds"]["L1_AXO_Medium"] = False
        event["seeds"]["All"] = any(event["seeds"][name] for name in MENU)
        del event["seeds"]["L1bit"]
    menu = menu_of(TriggerConfig(), LAYOUT, older_store(tmp_path / "zb.h5", events))
    assert menu is not None
    assert {seed.name for seed in menu.seeds} == set(MENU)


def test_seeds_inside_each_other_and_rare_coincidences_stay(tmp_path, caplog):
    """A seed that is the OR of its three parts takes nothing away that they leave, and two events are no evidence."""
    events = make_events(400, seed=13, seeds=())
    random = np.random.default_rng(14)
    for k, event in enumerate(events):
        parts = {f"L1_SingleMu22_{part}": bool(random.random() < 0.1) for part in ("BMTF", "OMTF", "EMTF")}
        rare = {"L1_AXO_VTight": k < 2, "L1_Rare": k < 2}
        event["seeds"] = {**parts, "L1_SingleMu22": any(parts.values()), **rare, "L1_Jet": bool(random.random() < 0.1)}
    menu = menu_of(TriggerConfig(), LAYOUT, older_store(tmp_path / "zb.h5", events))
    assert menu is not None
    assert menu.left_out == ("L1_AXO_VTight",)
    assert not caplog.records


def test_a_bit_that_holds_all_others_and_more_is_named(tmp_path, caplog):
    """Perhaps the OR of a menu of which seeds were not imported."""
    events = make_events(400, seed=15, seeds=(*MENU, "L1_AXO_Medium"))
    for event in events:
        event["seeds"]["Most"] = event["seeds"].pop("L1bit")
        del event["seeds"]["L1_AXO_Medium"]
    menu = menu_of(TriggerConfig(), LAYOUT, older_store(tmp_path / "zb.h5", events))
    assert menu is not None
    assert {seed.name for seed in menu.seeds} == {*MENU, "Most"}
    assert "Most accepts whatever any other recorded seed accepts; if it is the OR of the menu, name it in" in caplog.text


def test_a_store_with_nothing_but_the_or_has_no_recorded_menu(tmp_path):
    events = make_events(20, seed=3, seeds=())
    store = older_store(tmp_path / "old.h5", events)
    assert store.extra == ("seed_L1bit",)
    with pytest.raises(UserError, match=r"no recorded seed .* is left"):
        menu_of(TriggerConfig(menu_from="recorded"), LAYOUT, store)
    menu = menu_of(TriggerConfig(menu=()), LAYOUT, store)
    assert menu is not None
    assert menu.origin == "cuts"


@pytest.mark.slow
def test_a_signal_is_pure_against_the_seeds_that_it_has(tmp_path):
    """Names decide, not places: the menu of the simulation is another one, in another order."""
    store = recorded(tmp_path, make_events(50, seed=4, split="test", seeds=MENU))
    menu = menu_of(TriggerConfig(), LAYOUT, store)
    events = make_events(300, seed=5, split="valid", simulated=True, seeds=("L1_OnlyInSimulation", MENU[2], MENU[0]))
    import_record([write_mirror(tmp_path / "smj-case-A", "valid", events)], tmp_path / "smj.h5", LAYOUT, sample="smj")
    signal = read_signal(JudgedEvents.of(EventStore.open(tmp_path / "smj.h5")), score, menu)
    assert (signal.seeds, signal.missing) == (2, ("L1_ETMHF90",))
    threshold = int(np.median(signal.scores))
    pure = (signal.scores >= threshold) & ~by_hand(events, (MENU[0], MENU[2]))
    found = signal.efficiency(threshold)
    assert found.pure is not None
    assert found.pure.value == pytest.approx(pure.mean())
    assert found.note == "pure efficiency against the 2 of 3 seeds of the menu that the sample has"


def test_a_signal_with_the_whole_menu_and_one_with_nothing_of_it(tmp_path):
    store = recorded(tmp_path, make_events(50, seed=6, split="test", seeds=MENU))
    menu = menu_of(TriggerConfig(), LAYOUT, store)
    whole = older_store(tmp_path / "a.h5", make_events(30, seed=7, seeds=tuple(reversed(MENU))))
    signal = read_signal(JudgedEvents.of(whole), score, menu)
    assert (signal.missing, signal.note, signal.efficiency(0).note) == ((), None, None)
    nothing = read_signal(JudgedEvents.of(older_store(tmp_path / "b.h5", make_events(30, seed=8, seeds=("L1_Other",)))), score, menu)
    assert nothing.any_seed is None
    assert set(nothing.missing) == set(MENU)
    assert nothing.efficiency(0).pure is None
    assert nothing.note == "no pure efficiency: the sample has none of the 3 seeds of the menu"


def test_packed_bits_are_seeds_like_others(tmp_path):
    random = np.random.default_rng(9)
    columns = {f"seed_L1_{k}": random.random(40) < 0.3 for k in range(10)}
    hw = np.ones((40, LAYOUT.size), LAYOUT.dtype)
    with StoreWriter(tmp_path / "zb.h5", LAYOUT, sample="zb", processes=["zb"], provenance={}) as writer:
        known = (np.zeros(40, np.int16), np.arange(40), np.full(40, -1, np.int16))
        hw[:, ~LAYOUT.present] = 0
        writer.append(Events(hw, *known, {}, Bits.of(columns)))
    store = EventStore.open(tmp_path / "zb.h5")
    sample = read_sample(JudgedEvents.of(store), score, menu_of(TriggerConfig(), LAYOUT, store))
    assert sample.any_seed is not None
    assert sample.any_seed.tolist() == np.any(list(columns.values()), axis=0).tolist()


def test_with_a_recorded_split_rates_and_efficiencies_are_those_of_test_events(tmp_path):
    events = make_events(90, seed=10, seeds=MENU)
    parts = np.random.default_rng(11).integers(0, 3, 90).astype(np.int8)
    store = older_store(tmp_path / "a.h5", events, split=parts)
    menu = menu_of(TriggerConfig(), LAYOUT, store)
    data = DataConfig(split="recorded")
    chosen = np.flatnonzero(parts == 2)
    sample = read_sample(JudgedEvents.of(store, data), score, menu)
    assert len(sample) == len(chosen)
    assert sample.scores.tolist() == chosen.tolist()
    assert sample.any_seed is not None
    assert sample.any_seed.tolist() == by_hand(events, MENU)[chosen].tolist()
    assert read_signal(JudgedEvents.of(store, data), score, menu).scores.tolist() == chosen.tolist()
    assert len(read_sample(JudgedEvents.of(store, DataConfig(split="hash")), score, menu)) == 90
