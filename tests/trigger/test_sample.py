"""Reading in blocks against the whole, and efficiencies of signals."""

import numpy as np
import pytest

from l1ae.config import TriggerConfig
from l1ae.data import Events, EventStore, StoreWriter
from l1ae.errors import UserError
from l1ae.evaluation import clopper_pearson
from l1ae.trigger import JudgedEvents, Menu, SignalScores, cut_seed, menu_of, read_sample, read_signal


def _score(hardware):
    return hardware[:, ::3].sum(axis=1).astype(np.int64)  # every pT


@pytest.fixture
def store(tmp_path, crossings, layout):
    """20 copies of the crossings, so that there is more than one block; hard ones share sources in fours."""
    count = 20 * len(crossings)
    number = np.arange(count)
    process = (number % 3 == 0).astype(np.int16)
    source = np.where(process == 1, number // 12, number)
    extra = {"weight": np.where(process == 1, 0.1, 1.45), "run": np.full(count, 5), "lumi": 1 + number // 1000}
    events = Events(np.tile(crossings, (20, 1)), process, source, (number % 90 - 1).astype(np.int16), extra)
    with StoreWriter(tmp_path / "zb.h5", layout, sample="zb", processes=["soft", "hard"], provenance={}) as writer:
        writer.append(events)
    return EventStore.open(tmp_path / "zb.h5", layout), events


def test_blocks_add_up_to_the_whole(store, layout):
    opened, events = store
    menu = menu_of(TriggerConfig(), layout, opened)
    found = read_sample(JudgedEvents.of(opened), _score, menu)
    decisions = menu.decide(events)
    assert len(found) == len(events) > 65536
    assert np.array_equal(found.scores, _score(events.hw))
    assert np.array_equal(found.weights, events.extra["weight"])
    assert np.array_equal(found.any_seed, decisions.any(axis=1))
    for k in range(len(menu.seeds)):
        assert np.array_equal(found.passed_by(k), np.flatnonzero(decisions[:, k]))
    assert np.array_equal(found.lumi, events.extra["lumi"])
    known = events.pileup >= 0
    assert found.pileup_mean == pytest.approx(np.average(events.pileup[known], weights=found.weights[known]))


def test_crossings_that_share_a_collision_are_grouped(store):
    opened, events = store
    found = read_sample(JudgedEvents.of(opened), _score, None)
    assert found.any_seed is None
    hard = np.flatnonzero(events.process == 1)
    assert np.unique(found.groups[hard[:4]]).tolist() == [found.groups[hard[0]]]
    assert found.groups[hard[4]] != found.groups[hard[3]]
    soft = (events.process == 0).sum()
    independent = np.square(np.bincount(events.source_event[hard], events.extra["weight"][hard])).sum() + soft * 1.45**2
    assert found.effective_events == pytest.approx(found.weights.sum() ** 2 / independent)


def test_a_store_without_weights_or_periods(tmp_path, crossings, layout):
    count = len(crossings)
    with StoreWriter(tmp_path / "zb.h5", layout, sample="zb", processes=["zb"], provenance={}) as writer:
        writer.append(Events(crossings, np.zeros(count, np.int16), np.arange(count), np.full(count, -1, np.int16)))
    found = read_sample(JudgedEvents.of(EventStore.open(tmp_path / "zb.h5", layout)), _score, None)
    assert (found.groups, found.run, found.lumi, found.pileup_mean) == (None, None, None, None)
    assert found.effective_events == count


def test_an_empty_store_is_refused(tmp_path, layout):
    with StoreWriter(tmp_path / "zb.h5", layout, sample="zb", processes=["zb"], provenance={}):
        pass
    opened = EventStore.open(tmp_path / "zb.h5", layout)
    for read in (read_sample, read_signal):
        with pytest.raises(UserError, match="has no events"):
            read(JudgedEvents.of(opened), _score, None)


def test_efficiencies_are_fractions(store, layout):
    opened, events = store
    menu = Menu("cuts", (cut_seed(TriggerConfig().seeds[0], layout),))
    signal = read_signal(JudgedEvents.of(opened), _score, menu)
    scores, other = _score(events.hw), menu.decide(events)[:, 0]
    found = signal.efficiency(1000)
    assert found.raw.value == pytest.approx((scores >= 1000).mean())
    assert found.pure.value == pytest.approx(((scores >= 1000) & ~other).mean())
    assert signal.at([900, 1000, 0, 10**6]) == pytest.approx(((scores >= 900).mean(), found.raw.value, 1.0, 0.0))


def test_independent_events_have_the_interval_of_clopper_and_pearson():
    signal = SignalScores(np.arange(100), None, np.arange(100) % 2 == 0)
    exact, pure = clopper_pearson(10, 100), clopper_pearson(5, 100)
    found = signal.efficiency(90)
    assert (found.raw.value, found.raw.low, found.raw.high) == (exact.value, exact.low, exact.high)
    assert (found.pure.value, found.pure.low, found.pure.high) == (pure.value, pure.low, pure.high)


def test_copies_of_an_event_are_one_event():
    signal = SignalScores(np.repeat(np.arange(25), 4), np.repeat(np.arange(25), 4), None)
    exact = clopper_pearson(5, 25)
    assert signal.efficiency(20).raw.low == pytest.approx(exact.low)
    assert signal.efficiency(20).raw.high == pytest.approx(exact.high)


def test_a_signal_without_the_recorded_bits_has_no_pure_efficiency(tmp_path, crossings, layout):
    count = len(crossings)
    for name, extra in (("zb", {"seed_A": np.ones(count, bool)}), ("signal", {})):
        with StoreWriter(tmp_path / f"{name}.h5", layout, sample=name, processes=[name], provenance={}) as writer:
            writer.append(Events(crossings, np.zeros(count, np.int16), np.arange(count), np.full(count, -1, np.int16), extra))
    menu = menu_of(TriggerConfig(), layout, EventStore.open(tmp_path / "zb.h5", layout))
    signal = read_signal(JudgedEvents.of(EventStore.open(tmp_path / "signal.h5", layout)), _score, menu)
    assert signal.efficiency(0).pure is None
    assert read_sample(JudgedEvents.of(EventStore.open(tmp_path / "zb.h5", layout)), _score, menu).any_seed.all()
