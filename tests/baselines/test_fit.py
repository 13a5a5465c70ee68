"""Baselines on the events of a judge: weights, menus, signals of any number of events; the file; who beats whom."""

from dataclasses import replace

import numpy as np
import pytest

from l1ae.baselines import (
    BaselineResult,
    BaselinesResult,
    at_rate_of,
    beaten_by,
    fit_baselines,
    judge_baselines,
    load_baselines,
    save_baselines,
)
from l1ae.config import named_menu
from l1ae.data import Events
from l1ae.errors import UserError
from l1ae.evaluation import AtRate, Estimate, Metrics, RatePoint, RateSampleFacts
from l1ae.inputs import named_layout
from l1ae.trigger import Judge, Menu, cut_seed

from .events import judged, random_codes, training

UGT = named_layout("ugt")
MENU = Menu("cuts", tuple(cut_seed(seed, UGT) for seed in named_menu("eight").seeds if seed.all[0].object in {"mu", "met"}))
CHEAP = {"leading", "sum", "multiplicity", "surprise_sum", "pca"}


def events(count, seed, *, weighted=False):
    extra = {"weight": np.random.default_rng(seed + 100).uniform(0.5, 1.5, count)} if weighted else {}
    return Events(random_codes(UGT, count, seed), np.zeros(count, np.int16), np.arange(count), np.full(count, 20, np.int16), extra)


def judge_with(*, inputs=None, menu=MENU, **signals):
    crossings = judged(UGT, events(1500, 1, weighted=True), "crossings", inputs)
    return Judge(crossings, {name: judged(UGT, found, name, inputs) for name, found in signals.items()}, menu, 1000.0)


def fitted(layout=UGT, kinds=CHEAP):
    from l1ae.baselines import BASELINES

    return fit_baselines(training(layout, random_codes(layout, 800, 2)), [kind for kind in BASELINES if kind.name in kinds])


def test_efficiencies_are_those_of_a_threshold_on_the_crossings():
    found = fitted()
    signal = events(300, 3)
    result = judge_baselines(found, judge_with(s=signal), source="here", rates=(20.0, 100.0))
    assert [item.name for item in result.results] == [item.name for item in found.fitted]
    assert (result.events, result.source, result.layout, result.training_events) == (1500, "here", "ugt", 800)
    crossings = events(1500, 1, weighted=True)
    weights, alone = crossings.extra["weight"], ~MENU.decide(crossings).any(axis=1)
    for k, item in enumerate(result.results):
        scores, others = found.scores(crossings.hw)[:, k], found.scores(signal.hw)[:, k]
        for kind, some, mine in (("raw", alone | True, others > -np.inf), ("pure", alone, ~MENU.decide(signal).any(axis=1))):
            for khz in (20.0, 100.0):
                point = item.at_rate.point(kind, khz)
                rate = {t: 1000.0 * weights[some & (scores >= t)].sum() / weights.sum() for t in np.unique(scores[some])}
                assert point.threshold == pytest.approx(min(t for t, value in rate.items() if value <= khz), rel=1e-9), (item.name, kind)
                assert point.efficiency["s"].value == pytest.approx((mine & (others >= point.threshold)).mean())


def test_a_model_of_fewer_columns_is_compared_with_baselines_of_all():
    """The judge of a run reads what its network reads; baselines see every column of their training."""
    narrow = UGT.select({"features": ("pt",), "eg": 1})
    signal = events(200, 4)
    wide, part = (judge_baselines(fitted(), judge_with(inputs=inputs, s=signal), rates=(50.0,)) for inputs in (None, narrow))
    assert wide == part


def test_baselines_of_columns_that_the_events_lack_are_refused():
    other = named_layout("gelato")
    with pytest.raises(UserError, match="crossings: "):
        judge_baselines(fitted(other), judge_with())


def test_signals_of_one_event_and_none_at_all():
    one = judge_baselines(fitted(), judge_with(s=events(1, 5), t=events(50, 6)), rates=(20.0,))
    assert {point.efficiency["s"].value for item in one.results for point in item.at_rate.points} <= {0.0, 1.0}
    none = judge_baselines(fitted(), judge_with(), rates=(20.0,))
    for before, after in zip(one.results, none.results, strict=True):
        points = list(zip(before.at_rate.points, after.at_rate.points, strict=True))
        assert all(a.threshold == b.threshold and b.mean is None and not b.efficiency for a, b in points)


def test_without_a_menu_there_are_raw_rates_only():
    result = judge_baselines(fitted(), judge_with(menu=None), rates=(20.0,))
    assert {point.kind for item in result.results for point in item.at_rate.points} == {"raw"}


def test_the_file_is_the_result(tmp_path):
    result = judge_baselines(fitted(named_layout("ugt").select({"jet": 0})), judge_with(s=events(40, 7)), rates=(20.0,))
    assert result.impossible
    save_baselines(tmp_path / "baselines.json", result)
    assert load_baselines(tmp_path / "baselines.json") == result
    assert [path.name for path in tmp_path.iterdir()] == ["baselines.json"]
    with pytest.raises(UserError, match=r"other\.json' does not exist; run 'l1ae baselines'"):
        load_baselines(tmp_path / "other.json")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(UserError, match=r"no baselines file of this version \(layout: Field required\)"):
        load_baselines(tmp_path / "other.json")


# -- who beats whom ------------------------------------------------------------------------------------------------------


def at(kind, khz, value, error=0.01, signal="s"):
    mean = None if value is None else Estimate(value, value - error, value + error)
    found = {} if mean is None else {signal: mean}
    return RatePoint(kind, khz, 1.0, 1.0, 1.0, Estimate(khz, khz, khz), 100.0, found, mean, mean)


def metrics(*points, variant="fixed", events=10, source="here"):
    facts = RateSampleFacts(source, events, 9.0, 20.0, ())
    return Metrics({}, {}, "", {}, {}, at_rate={"float": AtRate((at("pure", 1.0, 0.9),)), variant: AtRate(points)}, rate_sample=facts)


def simple(**means):
    results = tuple(
        BaselineResult(name, name.title(), "Kind", "text", "GeV", AtRate((at("raw", 1.0, 0.99), at("pure", 1.0, mean))))
        for name, mean in means.items()
    )
    return BaselinesResult("ugt", 5, 5, 5.0, "here", 10, results, {})


def test_the_best_baseline_at_the_headline_rate_is_named():
    model = metrics(at("raw", 1.0, 0.5), at("pure", 0.25, 0.0), at("pure", 1.0, 0.30))
    found = beaten_by(model, simple(cut=0.29, tree=0.335, other=0.31))
    assert (found.baseline.name, found.kind, found.khz, found.better.value, found.model.value) == ("tree", "pure", 1.0, 0.335, 0.30)
    assert found.clearly
    assert not beaten_by(model, simple(cut=0.315)).clearly
    assert beaten_by(model, simple(cut=0.29)) is None
    assert beaten_by(model, simple(cut=0.30)) is None, "a tie is no defeat"


def test_what_cannot_be_compared_is_not():
    better = simple(cut=0.5)
    assert beaten_by(metrics(at("pure", 1.0, None)), better) is None, "no signal"
    assert beaten_by(replace(metrics(at("pure", 1.0, 0.3)), at_rate={}), better) is None
    assert beaten_by(metrics(at("pure", 1.0, 0.3), events=11), better) is None
    assert beaten_by(metrics(at("pure", 1.0, 0.3), source="elsewhere"), better) is None
    assert beaten_by(metrics(at("pure", 1.0, 0.3, signal="other")), better) is None
    assert beaten_by(metrics(at("pure", 2.0, 0.3)), better) is None, "another rate"
    assert beaten_by(metrics(at("pure", 1.0, 0.3)), simple(cut=None)) is None


def test_the_variant_is_the_one_that_runs():
    assert at_rate_of(metrics(at("pure", 1.0, 0.3))).points[0].mean.value == 0.3
    assert at_rate_of(metrics(at("pure", 1.0, 0.3), variant="quantized")).points[0].mean.value == 0.3
    assert at_rate_of(replace(metrics(), at_rate={})) is None
