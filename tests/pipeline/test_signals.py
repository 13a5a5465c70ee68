"""Signals as they may come: none, an empty store, one event, one alone, names that mean something elsewhere.

A run is complete, or the refusal names the store and the remedy. One trained run is shared; the signals beside its background change.
"""

import html
import json
import re
import shutil

import numpy as np
import pytest

from l1ae.comparison import compare, tables, write_comparison
from l1ae.data import TEST, Events, StoreWriter, open_dataset
from l1ae.errors import UserError
from l1ae.evaluation import load_metrics
from l1ae.inputs import named_layout
from l1ae.pipeline import (
    LatentOptions,
    Run,
    baselines_stage,
    csim_stage,
    evaluate_stage,
    hls_stage,
    latent_stage,
    report_stage,
    train_stage,
    trigger_stage,
)
from l1ae.trigger import load_working_points

from ..levels import exhaustive, slow

ODD = ('<b>&"x"', "ein Näme mit $\\sum Ü_1$", "mean", "all", "_hidden", "fixed")
SIGNALS = {
    "none": {},
    "one event": {"a4l": 1},
    "one signal": {"a4l": 40},
    "odd names": dict.fromkeys(ODD, 40),
}


def _write(path, count, seed, scale, parts):
    """Zero bias in weighted, recorded parts: falling pT spectra, the harder the larger `scale` (codes)."""
    rng, layout = np.random.default_rng(seed), named_layout("ugt")
    hardware = np.zeros((count, layout.size), np.int16)
    pt = layout.with_role("energy")
    hardware[:, pt] = np.minimum(rng.exponential(scale, (count, pt.sum())), 500)
    hardware[:, pt] *= rng.random((count, pt.sum())) < 0.5
    extra = {"weight": rng.uniform(0.5, 1.5, count), "split": np.resize(np.array(parts, np.int8), count)}
    events = Events(hardware, np.zeros(count, np.int16), np.arange(count), np.full(count, 20, np.int16), extra)
    with StoreWriter(path, layout, sample=path.stem, processes=[path.stem], provenance={"seed": seed}) as writer:
        writer.append(events)


@pytest.fixture(scope="module")
def trained(make_config, tmp_path_factory):
    """Folder of the data, and a run that is trained on 600 crossings of it; both are only copied from."""
    folder = tmp_path_factory.mktemp("signals") / "data"
    folder.mkdir()
    _write(folder / "background.h5", 600, 1, 20.0, [0, 1, 2])
    training = {"batch_size": 64, "float_phase": {"epochs": 1}, "quantized_phase": {"epochs": 1}}
    # so few bunches that one of the 200 test crossings stands for 0.06 kHz
    trigger = {"bunches": 1, "rates": [0.25, 1.0, 10.0], "menu": []}
    config = make_config(data={"source": str(folder)}, training=training, trigger=trigger, csim={"events": 50})
    return folder, train_stage(config, folder.parent / "run").folder


@pytest.fixture
def with_signals(trained, tmp_path):
    """The run with other signals: a copy of it, beside which the data are replaced."""
    data, run = trained

    def make(signals, parts=(2,)):
        for path in data.glob("*.h5"):
            if path.stem != "background":
                path.unlink()
        for seed, (name, count) in enumerate(signals.items(), 2):
            _write(data / f"{name}.h5", count, seed, 60.0, parts)
        shutil.copytree(run, tmp_path / "run")
        return Run.open(tmp_path / "run")

    yield make
    for path in data.glob("*.h5"):
        if path.stem != "background":
            path.unlink()


def _tags(page):
    return set(re.findall(r"<\s*/?\s*(\w+)", page))


@pytest.mark.slow
@pytest.mark.parametrize("name", exhaustive(SIGNALS, ("odd names",)))
def test_a_run_is_complete_whatever_its_signals_are(with_signals, name, tmp_path):
    signals = SIGNALS[name]
    run = with_signals(signals)
    evaluate_stage(run)
    result = trigger_stage(run)
    baselines = baselines_stage(run)
    hls_stage(run)
    assert csim_stage(run).passed
    latent_stage(run, LatentOptions(events=100))
    page = report_stage(run).read_text()
    metrics, points = (
        load_metrics(run.path("evaluation") / "metrics.json"),
        load_working_points(run.path("trigger") / "working_points.json"),
    )
    assert set(metrics.events) == {"background", *signals}
    assert points == result
    assert all(point.threshold is not None and set(point.efficiency) == set(signals) for point in points.working_points)
    assert all(set(point.efficiency) == set(signals) for point in metrics.at_rate["fixed"].points)
    assert "has no signal" in page if not signals else "AUC of each signal" in page
    assert all(html.escape(name, quote=False) in page.replace("&#34;", '"') for name in signals)
    assert all(set(point.efficiency) == set(signals) for item in baselines.results for point in item.at_rate.points if point.threshold)
    assert _tags(page) <= _tags(PAGE_TAGS)
    # the page's own
    assert page.count("<script") == 1
    # a bare NaN or infinity is no JSON
    for path in run.folder.rglob("*.json"):
        json.loads(path.read_text(), parse_constant=lambda name, path=path: pytest.fail(f"{path} has {name}"))


PAGE_TAGS = (
    "<html><head><meta><title><style><body><header><h1><h2><p><nav><a><main><section><div><strong><span><table><thead><tbody><tr><th><td>"
    "<details><summary><figure><img><figcaption><dl><dt><dd><footer><tfoot><ol><li><code><script>"
)


@pytest.mark.parametrize("name", slow(SIGNALS, ()))
def test_runs_are_compared_whatever_their_signals_are(with_signals, trained, name, tmp_path):
    signals = SIGNALS[name]
    run = with_signals(signals)
    found = compare([trained[1], run.folder], replicas=50)
    assert tables(found)
    write_comparison(tmp_path / "page.html", found)
    page = (tmp_path / "page.html").read_text()
    assert all(html.escape(name, quote=False) in page.replace("&#34;", '"') for name in signals)
    assert "<b>&" not in page
    assert all(set(point.efficiency) == set(signals) for point in found.runs[1].at_rate.points)


def test_one_event_says_nothing_of_the_change_by_quantization(with_signals, monkeypatch):
    run = with_signals({"a4l": 1})
    monkeypatch.setattr("l1ae.evaluation.save_evaluation", _only_metrics)
    evaluate_stage(run)
    metrics = load_metrics(run.path("evaluation") / "metrics.json")
    assert metrics.events["a4l"] == 1
    change = metrics.comparisons["fixed"].auc["a4l"]
    assert (change.low, change.high) == (-1.0, 1.0)
    assert metrics.auc["fixed"]["a4l"].low < 0.01


def _only_metrics(folder, metrics, *_, **__):
    from l1ae.evaluation import save_metrics

    save_metrics(folder / "metrics.json", metrics)


@pytest.mark.parametrize(
    "stage", [evaluate_stage, trigger_stage, hls_stage, lambda run: train_stage(run.config, run.folder.parent / "new")]
)
def test_an_empty_store_is_refused_by_every_stage(with_signals, stage):
    run = with_signals({"a4l": 0, "lq": 20})
    with pytest.raises(UserError, match=r"a4l\.h5: has no events; make it again, or take it out of the folder: no signal is needed"):
        stage(run)
    assert not (run.folder.parent / "new" / "train").exists()


@pytest.mark.parametrize("stage", [evaluate_stage, trigger_stage])
def test_a_signal_without_test_events_is_refused(with_signals, stage):
    run = with_signals({"a4l": 20}, parts=(0, 1))
    with pytest.raises(UserError, match=r"a4l\.h5: has no event of the test split, .* set data\.split: hash"):
        stage(run)


def test_the_name_of_the_rates_column_is_refused(with_signals):
    with pytest.raises(
        UserError, match=r"raw_khz\.h5: the curve of efficiencies has a column 'raw_khz' of its own; give the store another"
    ):
        trigger_stage(with_signals({"raw_khz": 20}))


def test_the_split_is_the_one_that_the_store_records(with_signals):
    run = with_signals({})
    assert "training, validation and test as recorded with the events" in report_stage(run).read_text()
    stored = open_dataset(run.config.data.source).background
    assert np.mean(stored.read(extra=("split",)).extra["split"] == TEST) == pytest.approx(1 / 3)


@pytest.mark.slow
def test_the_report_names_stages_that_were_made_from_other_signals(with_signals):
    run = with_signals({"a4l": 20})
    trigger_stage(run)
    assert "than" not in _stale_lines(run)
    _write(open_dataset(run.config.data.source).signals["a4l"].path, 30, 9, 60.0, (2,))
    hls_stage(run)
    assert "trigger was made from another data/a4l.h5 than hls; run this stage again" in _stale_lines(run)
    trigger_stage(run)
    assert "than" not in _stale_lines(run)


def _stale_lines(run):
    page = report_stage(run).read_text()
    return " ".join(re.findall(r"<strong>([^<]* was made from another [^<]*)</strong>", page))
