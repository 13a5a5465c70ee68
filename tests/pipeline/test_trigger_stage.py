"""RUN/trigger of a tiny network: numbers against plain loops, both menus, and planted mistakes."""

import json
from dataclasses import replace

import numpy as np
import pytest

from l1ae.config import Config, named_menu
from l1ae.data import Events, EventStore, StoreWriter, open_dataset
from l1ae.errors import CheckFailedError, UserError
from l1ae.inputs import named_layout
from l1ae.pipeline import Run, _trigger_stage, trigger_stage
from l1ae.trigger import JudgedEvents, fired_cuts, load_working_points, menu_of, possible_seeds

UGT = named_layout("ugt")
COUNT = 6000
RATES = [200.0, 1000.0, 5000.0]


def _events(seed, **extra):
    rng = np.random.default_rng(seed)
    low, high = UGT.code_range
    hw, pt = rng.integers(low // 2, high // 2 + 1, (COUNT, UGT.size)), UGT.with_role("energy")
    hw[:, pt] = np.minimum(rng.exponential(20.0, (COUNT, 1)) * rng.uniform(0.3, 2.0, (COUNT, pt.sum())), 511)
    hw[:, pt] = np.where(rng.random((COUNT, pt.sum())) < 0.6, 0, hw[:, pt])
    hw = np.where(UGT.mask(hw), hw, 0).astype(np.int16)
    process = (np.arange(COUNT) % 2).astype(np.int16)
    source = np.where(process == 1, np.arange(COUNT) // 8, np.arange(COUNT))
    return Events(hw, process, source, rng.poisson(50, COUNT).astype(np.int16), extra)


def _write(path, events):
    with StoreWriter(path, UGT, sample="zb", processes=["soft", "hard"], provenance={}) as writer:
        writer.append(events)
    return path


@pytest.fixture(scope="module")
def weighted(tmp_path_factory):
    weight = np.where(np.arange(COUNT) % 2 == 1, 0.2, 1.8)
    return _write(tmp_path_factory.mktemp("zb") / "weighted.h5", _events(31, weight=weight))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    rng = np.random.default_rng(6)
    bits = {f"seed_L1_{name}": rng.random(COUNT) < 0.1 for name in ("SingleMu22", "HTT360er", "AXO_Loose", "ZeroBias_copy")}
    period = {"run": np.full(COUNT, 383811), "lumi": 1 + np.arange(COUNT) // 30}
    return _write(tmp_path_factory.mktemp("zb") / "recorded.h5", _events(32, **bits, **period))


@pytest.fixture(scope="module")
def make_run(make_network, source, tmp_path_factory):
    """A run that holds a contract, which is all that the stage needs."""
    network = make_network("mu2")

    def make(**trigger):
        content = network.config.model_dump(mode="json")
        content |= {"data": {"source": str(source)}, "trigger": {"rates": RATES, "ladder": "raw", "zero_bias": str(source), **trigger}}
        run = Run.create(Config.model_validate(content), tmp_path_factory.mktemp("runs") / "run")
        run.produce("contract", {}, lambda target: network.contract.save(target / "contract.json"))
        return run

    return make


@pytest.fixture(scope="module")
def result(make_run, weighted):
    run = make_run()
    return run, trigger_stage(run, zero_bias=weighted)


def _scores(run, hardware):
    contract = _trigger_stage.contract_of(run)
    return contract.evaluate_reference(hardware, [contract.score.name])[contract.score.name][:, 0]


def test_the_file_is_what_the_stage_returns(result, weighted):
    run, found = result
    path = run.path("trigger") / "working_points.json"
    assert load_working_points(path) == found
    assert json.loads(path.read_text())["format"] == "l1ae-working-points"
    assert "zero_bias/weighted.h5" in run.manifest.inputs("trigger")
    assert (found.zero_bias.source, found.zero_bias.events) == ("weighted.h5", COUNT)
    assert found.digest == _trigger_stage.contract_of(run).digest


def test_rates_are_those_of_the_definition(result):
    run, found = result
    events = _events(31)
    weight = np.where(events.process == 1, 0.2, 1.8)
    scores = _scores(run, events.hw)
    menu = menu_of(run.config.trigger, UGT, open_dataset(run.config.data.source, UGT).background)
    other = menu.decide(events).any(axis=1)
    khz = 11.2456 * 2544 / weight.sum()
    assert [point.threshold is not None for point in found.working_points] == [True] * 3
    for point, asked in zip(found.working_points, RATES, strict=True):
        passed = scores >= point.threshold
        assert point.raw.khz == pytest.approx(khz * weight[passed].sum())
        assert point.pure.khz == pytest.approx(khz * weight[passed & ~other].sum())
        assert point.raw.khz <= asked < khz * weight[scores >= point.equivalent_from - 1].sum()
        assert point.raw.wide_low < point.raw.low < point.raw.khz < point.raw.high < point.raw.wide_high
        assert point.raw.prediction_low <= point.raw.low
        assert point.raw.high <= point.raw.prediction_high
    for k, seed in enumerate(found.menu.seeds):
        assert seed.khz == pytest.approx(khz * weight[menu.decide(events)[:, k]].sum())
    assert found.menu.khz == pytest.approx(khz * weight[other].sum())


def test_efficiencies_of_all_signals(result):
    run, found = result
    for name, store in open_dataset(run.config.data.source, UGT).signals.items():
        scores = _scores(run, store.read().hw)
        for point in found.working_points:
            assert point.efficiency[name].raw.value == pytest.approx((scores >= point.threshold).mean())
            assert point.efficiency[name].pure.value <= point.efficiency[name].raw.value
        assert found.efficiency_curve[name][-1] == pytest.approx((scores >= found.curve.threshold[-1]).mean())
    assert len(found.efficiency_curve["raw_khz"]) == len(found.curve.threshold)


def test_pileup_is_shown_and_periods_are_not_invented(result):
    _, found = result
    assert sum(row.events for row in found.stability.pileup) == COUNT
    assert (found.stability.periods, found.stability.periods_p_value) == (None, None)


def test_the_same_inputs_give_the_same_bytes(result, weighted):
    run, _ = result
    path = run.path("trigger") / "working_points.json"
    before = path.read_bytes()
    trigger_stage(run, zero_bias=weighted)
    assert path.read_bytes() == before


def test_recorded_seeds_and_luminosity_blocks(make_run, recorded):
    run = make_run(luminosity_blocks=40, zero_bias=str(recorded))
    found = trigger_stage(run)
    assert found.menu.origin == "recorded"
    assert {seed.name for seed in found.menu.seeds} == {"L1_SingleMu22", "L1_HTT360er"}
    assert set(found.menu.left_out) == {"L1_AXO_Loose", "L1_ZeroBias_copy"}
    assert [(row.lumi_low, row.lumi_high) for row in found.stability.periods] == [(1 + 40 * k, 40 + 40 * k) for k in range(5)]
    assert set(found.stability.periods_p_value) == {"200kHz", "1000kHz", "5000kHz"}
    assert all(item.pure is None for point in found.working_points for item in point.efficiency.values())
    events = _events(32)
    scores, point = _scores(run, events.hw), found.working_points[1]
    rng = np.random.default_rng(6)
    alone = ~(rng.random(COUNT) < 0.1) & ~(rng.random(COUNT) < 0.1)
    assert point.pure.khz == pytest.approx(found.crossing_rate_khz * ((scores >= point.threshold) & alone).mean())


@pytest.mark.parametrize("ladder", ["raw", "pure"])
def test_a_seed_that_holds_the_trigger_is_named(make_run, tmp_path, ladder):
    """An anomaly trigger under a name that nobody foresaw: nothing that this network accepts would be pure."""
    run, events, rng = make_run(), _events(33), np.random.default_rng(34)
    scores = _scores(run, events.hw)
    mine = scores >= np.sort(scores)[-2000]
    store = _write(tmp_path / "zb.h5", replace(events, extra={"seed_L1_Mine": mine, "seed_L1_Mu": rng.random(COUNT) < 0.1}))
    found = trigger_stage(make_run(ladder=ladder, zero_bias=str(store)))
    for point in found.working_points[: 3 if ladder == "raw" else 1]:
        assert (point.pure.khz == 0) == (ladder == "raw")
        assert "L1_Mine alone accepts" in point.note
        assert "name it in trigger.recorded_excluded" in point.note
    again = trigger_stage(make_run(ladder=ladder, zero_bias=str(store), recorded_excluded=["L1_Mine"]))
    assert all(point.pure.khz > 0 and "alone" not in (point.note or "") for point in again.working_points)


def test_the_ladder_of_pure_rates(make_run, weighted):
    found = trigger_stage(make_run(ladder="pure"), zero_bias=weighted)
    assert all(point.pure.khz <= asked for point, asked in zip(found.working_points, RATES, strict=True))
    assert all(point.raw.khz >= point.pure.khz for point in found.working_points)


def _higher(leg):
    return replace(leg, pt=tuple(code + 1 for code in leg.pt)) if leg.total is None else leg


@pytest.mark.parametrize("mistake", ["seed left out", "greater than", "score"])
def test_a_mistake_in_the_overlap_stops_the_stage(make_run, weighted, monkeypatch, mistake):
    def planted(config, layout, store):
        menu = menu_of(config, layout, store)
        if mistake == "seed left out":
            return replace(menu, seeds=menu.seeds[1:])
        return replace(menu, seeds=tuple(replace(seed, legs=tuple(map(_higher, seed.legs))) for seed in menu.seeds))

    if mistake == "score":
        honest = _trigger_stage.spool_sample

        def lower(store, score, menu, **more):
            return honest(store, lambda hw: score(hw) - 1, menu, **more)

        monkeypatch.setattr(_trigger_stage, "spool_sample", lower)
    else:
        monkeypatch.setattr(_trigger_stage, "menu_of", planted)
    run = make_run()
    with pytest.raises(CheckFailedError, match=r"one of the two is wrong|no working point can be trusted"):
        trigger_stage(run, zero_bias=weighted)
    assert not run.path("trigger").exists()


def test_without_objects_there_are_raw_rates_only(make_run, tmp_path):
    """An image of which the default menu knows nothing: what is left out is said."""
    layout = named_layout("calo_regions")
    image = np.random.default_rng(1).integers(0, 50, (COUNT, layout.size)).astype(np.int16)
    path = tmp_path / "image.h5"
    with StoreWriter(path, layout, sample="zb", processes=["a", "b"], provenance={}) as writer:
        writer.append(replace(_events(33), hw=image))
    study = _trigger_stage._Study(make_run(zero_bias=str(path)))
    vars(study).update(layout=layout, store=EventStore.open(path))
    assert study.menu is None
    sample = _trigger_stage.spool_sample(JudgedEvents.of(study.store), lambda hw: hw.sum(axis=1, dtype=np.int64), study.menu)
    rates = _trigger_stage.menu_rates(study.menu, sample, sample.exposure(1.0), layout, {})
    assert (rates.origin, rates.khz) == ("none", None)
    assert "there is no menu and no pure rate: layout 'calo_regions' allows no seed of the default menu" in rates.left_out[0]


def test_a_menu_that_lost_seeds_is_counted_twice_as_it_is(make_run, weighted):
    """Inputs without electrons: both computations leave the same seeds out, and the result says so."""
    layout = UGT.select({"eg": 0})
    study = _trigger_stage._Study(make_run(zero_bias=str(weighted), menu="eight"))
    vars(study).update(layout=layout, store=EventStore.open(weighted, layout))
    sample = _trigger_stage.spool_sample(JudgedEvents.of(study.store), lambda hw: hw[:, 0].astype(np.int64), study.menu)
    rates = _trigger_stage.menu_rates(study.menu, sample, sample.exposure(1.0), layout, {})
    assert len(rates.seeds) == 6
    assert rates.left_out == ("there is no group 'eg' with an energy in GeV: SingleEG36er2p5, DoubleEG25_12er2p5",)
    fired = fired_cuts(possible_seeds(study.config, layout)[0], layout)
    blocks = list(JudgedEvents.of(study.store).blocks(study.menu))
    assert sum(bool(fired(block, i)) for block in blocks for i in range(len(block))) == len(next(sample.parts()).fired)


@pytest.mark.parametrize(("part", "warned"), [(0.03, True), (0.003, False)])
def test_a_menu_that_accepts_more_than_any_menu_may_is_warned_of(make_run, weighted, caplog, part, warned):
    events = _events(31)
    pt = float(np.quantile(events.hw[:, 0], 1 - part, weights=np.where(events.process == 1, 0.2, 1.8), method="inverted_cdf")) / 2
    study = _trigger_stage._Study(make_run(zero_bias=str(weighted), menu=[{"name": "x", "object": "met", "pt": pt}]))
    sample = _trigger_stage.spool_sample(JudgedEvents.of(study.store), lambda hw: hw[:, 0].astype(np.int64), study.menu)
    rates = _trigger_stage.menu_rates(study.menu, sample, sample.exposure(28_600.0), study.layout, {})
    assert rates.khz == pytest.approx(part * 28_600, rel=0.3)
    assert ("more than any menu may; are the crossings zero bias" in caplog.text) == warned


def test_a_menu_that_changes_makes_the_rates_again(make_run, weighted, monkeypatch):
    """The configuration has its name only."""
    menus = ("run3", [{"name": "x", "object": "mu", "pt": 3}])
    inputs = [_trigger_stage.trigger_inputs(make_run(menu=menu, zero_bias=str(weighted))) for menu in menus]
    assert inputs[0]["menu"] != inputs[1]["menu"]
    newer = named_menu("run3").model_copy(update={"seeds": named_menu("run3").seeds[1:]})
    monkeypatch.setattr("l1ae.config._trigger.named_menu", lambda name: newer)
    again = _trigger_stage.trigger_inputs(make_run(menu="run3", zero_bias=str(weighted)))
    assert {key for key, value in again.items() if inputs[0][key] != value} == {"menu"}


def test_a_missing_store_is_named(make_run, tmp_path):
    with pytest.raises(UserError, match=r"none\.h5"):
        trigger_stage(make_run(), zero_bias=tmp_path / "none.h5")
