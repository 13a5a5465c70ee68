"""A comparison of runs against their own numbers, and what must be said where they were not judged alike."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from l1ae.comparison import Quantity, _compare, _page, compare, load_comparison, save_comparison, tables, write_comparison
from l1ae.comparison._judged import JudgedRun
from l1ae.comparison._settings import settings_that_differ
from l1ae.config import TriggerConfig, find_config, load_config
from l1ae.errors import UserError
from l1ae.evaluation import Estimate
from l1ae.pipeline import Run, contract_of, judge_of, trigger_stage
from l1ae.trigger import at_rate

NOTHING = Estimate(0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def found(runs):
    return compare([runs[name] for name in ("one", "same", "two", "harder", "other")], replicas=60)


def _run(found, name):
    return next(run for run in found.runs if run.name == name)


@pytest.mark.slow
def test_a_copy_differs_by_exactly_nothing(found):
    same = _run(found, "same")
    assert [(d.point.kind, d.point.khz, d.paired) for d in same.differences] == [
        (kind, khz, True) for kind in ("raw", "pure") for khz in TriggerConfig().rates
    ]
    for difference in same.differences:
        assert set(difference.point.efficiency.values()) == {NOTHING} == {difference.point.mean, difference.point.cvar25}
    assert _run(found, "one").differences == ()


def test_efficiencies_are_those_of_the_contract_on_the_test_part(found, runs):
    for name in ("one", "two"):
        run = Run.open(runs[name])
        contract, judge = contract_of(run), judge_of(run.config)
        blocks = list(judge.background.blocks())
        assert sum(map(len, blocks)) == 3000
        scores = np.concatenate([contract.evaluate_reference(block.hw, ["score"])["score"][:, 0] for block in blocks])
        signals = {
            key: np.concatenate([contract.evaluate_reference(block.hw, ["score"])["score"][:, 0] for block in events.blocks()])
            for key, events in judge.signals.items()
        }
        trigger = run.config.trigger
        expected = at_rate(scores, judge.crossings, signals, judge.signal_events, rates=trigger.rates)
        assert _run(found, name).at_rate == replace(expected, quoted=trigger.firmware_khz)
        threshold = _run(found, name).threshold
        weights = judge.crossings.weights
        assert threshold.raw.value == pytest.approx(40 * weights[scores >= threshold.code].sum() / weights.sum())
        assert threshold.value == threshold.code * contract.score.format.lsb


def test_the_interval_of_the_firmwares_rate_is_that_of_its_working_point(runs, tmp_path):
    run = Run.open(shutil.copytree(runs["one"], tmp_path / "one"))
    judged = JudgedRun.open("one", run.folder)
    # two light crossings pass, and the first that does not is heavier
    code = int(np.unique(judged.scores[0])[-2])
    assert judged.crossings.weights[judged.scores[0] >= code].tolist() == [0.5, 0.5]
    compared = _compare._threshold(replace(judged, contract=judged.contract.with_threshold(code)))
    rates = {"rates": (compared.raw.value,), "ladder": "raw"}
    config = run.config.model_copy(update={"trigger": run.config.trigger.model_copy(update=rates)})
    point = trigger_stage(replace(run, config=config)).working_points[0]
    assert point.threshold == code
    for rate, shown in ((point.raw, compared.raw), (point.pure, compared.pure)):
        assert (rate.khz, rate.low, rate.high) == pytest.approx((shown.value, shown.low, shown.high))


def test_differences_are_those_of_the_efficiencies_and_paired_where_events_are_the_same(found):
    one = _run(found, "one").at_rate
    expected = {
        "two": {"raw": True, "pure": True},
        "harder": {"raw": True, "pure": False},
        "other": {"raw": False, "pure": False},
    }
    for name, paired in expected.items():
        run = _run(found, name)
        for difference in run.differences:
            point = difference.point
            first, other = one.point(point.kind, point.khz), run.at_rate.point(point.kind, point.khz)
            assert difference.paired == paired[point.kind]
            if first.threshold is None or other.threshold is None:
                assert point.mean is None
                continue
            assert point.mean.value == pytest.approx(other.mean.value - first.mean.value)
            for signal, value in point.efficiency.items():
                assert value.value == pytest.approx(other.efficiency[signal].value - first.efficiency[signal].value)
                assert value.low <= value.value <= value.high


def test_what_is_not_alike_is_said(found):
    assert found.unlike == (
        "harder was judged on another menu of seeds than one: pure rates and efficiencies are compared without pairing",
        "other was judged on other zero-bias crossings than one: efficiencies are compared without pairing",
    )


def test_digests_know_events_weights_and_menu(runs):
    one, same, harder = (JudgedRun.open(name, runs[name]).digests for name in ("one", "same", "harder"))
    assert one == same
    assert {key for key in one if one[key] != harder[key]} == {"menu"}


def test_settings_that_differ_are_listed(found):
    keys = {row.key: row.values for row in found.settings}
    assert keys["model.score"] == ('"mu2"', '"mu2"', '"squared_error"', '"squared_error"', '"mu2"')
    assert {"model.architecture", "data.train", "trigger.menu", "name"} <= set(keys)
    assert "data.source" not in keys
    assert "trigger.bunches" not in keys


def test_settings_of_networks_are_not_those_of_a_tree():
    tree, network = (load_config(find_config(name)) for name in ("density_tree", "dnn_ae"))
    rows = {row.key: row.values for row in settings_that_differ([tree, network])}
    assert rows["model.encoder"] == ("", "[32, 16]")
    assert rows["training.float_phase.epochs"][0] == rows["inputs.network"][0] == rows["model.density.trees"][1] == ""
    assert rows["model.score"][0] == '"surprisal"'


def test_the_file_is_what_was_found(found, tmp_path):
    save_comparison(tmp_path / "c.json", found)
    assert load_comparison(tmp_path / "c.json") == found
    assert json.loads((tmp_path / "c.json").read_text())["format"] == "l1ae-comparison"
    (tmp_path / "d.json").write_text("{}")
    with pytest.raises(UserError, match="no comparison of this version"):
        load_comparison(tmp_path / "d.json")


def test_tables_hold_every_number(found):
    every = {table.caption: table for table in tables(found)}
    pure = next(table for caption, table in every.items() if "1 kHz pure" in caption)
    assert pure.header[1:] == (
        *("one", "same", "two", "harder", "other"),
        *("same − one, paired", "two − one, paired", "harder − one, not paired", "other − one, not paired"),
    )
    assert [row[0] for row in pure.rows] == [
        "A → 4ℓ (a4l)",
        "LQ → bτ (lq)",
        "mean of the signals",
        "worst signal",
        "threshold, score code",
    ]
    firmware = next(table for caption, table in every.items() if caption.startswith("Firmware"))
    cells = {row[0]: row[1:] for row in firmware.rows}
    assert cells["bits that all weights need"] == ("1,234", "1,234", "4,321", "4,321", "1,234")
    assert all(value.endswith("(estimate)") for value in cells["RTL: LUT"])


def test_the_latest_stage_that_knows_decides(runs, tmp_path, monkeypatch):
    from l1ae.comparison import _cost
    from l1ae.delivery import Amount, StageFigures

    rows = (
        StageFigures(design="rtl", stage="estimate", tool="e", latency_ns=50.0, resources={"lut": Amount(100, None)}),
        StageFigures(design="rtl", stage="open synthesis", tool="yosys", resources={"lut": Amount(90, None)}),
        StageFigures(design="rtl", stage="route", tool="v", resources={"lut": Amount(80, None)}, doubts=("older",)),
    )
    monkeypatch.setattr(_cost, "read_resources", lambda run: type("R", (), {"rows": rows}))
    assert _cost.cost_of(Run.open(runs["one"])) == {
        "rtl": {"latency_ns": Quantity(50.0, "estimate", "e"), "lut": Quantity(90.0, "open synthesis", "yosys")}
    }


def test_nothing_is_written_into_the_runs(runs):
    before = {path: path.stat().st_mtime_ns for folder in runs.values() for path in folder.rglob("*")}
    compare([runs["one"], runs["two"]], replicas=60)
    assert before == {path: path.stat().st_mtime_ns for folder in runs.values() for path in folder.rglob("*")}


def test_the_page_holds_tables_curves_and_warnings(found, tmp_path):
    numbers = write_comparison(tmp_path / "page.html", found)
    page = (tmp_path / "page.html").read_text()
    assert numbers == tmp_path / "page.json"
    assert load_comparison(numbers) == found
    assert page.count("data:image/svg+xml") == 4
    assert page.count('class="notice bad"') == 2
    assert "http" not in page.replace("http-equiv", "")
    for text in ("two − one, paired", "model.score", "RTL: LUT", "not evaluated: run `l1ae evaluate", "CVaR25"):
        assert text in page, text


def test_names_are_escaped(found, tmp_path, monkeypatch):
    monkeypatch.setattr(_page, "_pictures", lambda comparison: ())
    evil = replace(found.runs[1], name="<b>&x")
    write_comparison(tmp_path / "page.html", replace(found, runs=(found.runs[0], evil)))
    page = (tmp_path / "page.html").read_text()
    assert "<b>&x" not in page
    assert "&lt;b&gt;&amp;x" in page


def test_a_run_without_crossings_is_compared_all_the_same(runs, monkeypatch, tmp_path):
    from l1ae.comparison import _judged

    original = _judged.judge_of
    blind = tmp_path / "blind"
    shutil.copytree(runs["two"], blind)
    monkeypatch.setattr(_judged, "judge_of", lambda config: None if config.model.score == "squared_error" else original(config))
    result = compare([runs["one"], blind], replicas=60)
    assert result.runs[1].at_rate is None
    assert result.runs[1].differences == ()
    assert "blind has no zero-bias crossings" in result.unlike[0]
    assert any("1 kHz pure" in table.caption for table in tables(result))
    both = compare([blind, runs["two"]], replicas=60)
    assert not any("kHz" in table.caption for table in tables(both))
    write_comparison(tmp_path / "page.html", both)
    assert "there is no efficiency at a rate" in (tmp_path / "page.html").read_text()


def test_no_signal_is_needed(make_run, data, tmp_path_factory):
    bare = tmp_path_factory.mktemp("bare")
    shutil.copy(data / "background.h5", bare)
    names = [make_run(f"bare_{score}", score, data={"source": str(bare)}) for score in ("mu2", "squared_error")]
    result = compare(names, replicas=60)
    assert result.unlike == ()
    assert all(d.point.mean is None for d in result.runs[1].differences)
    write_comparison(bare / "page.html", result)
    assert "There is no signal, so no AUC" not in (bare / "page.html").read_text(), "why there is no AUC is said for each run"
    assert "There are no signals, or no crossings" in (bare / "page.html").read_text()


def test_mistakes_are_told(runs, tmp_path):
    with pytest.raises(UserError, match="at least two run folders"):
        compare([runs["one"]])
    with pytest.raises(UserError, match="given more than once"):
        compare([runs["one"], runs["one"] / ".." / "one"])
    with pytest.raises(UserError, match="is no run folder"):
        compare([runs["one"], tmp_path])
    shutil.copytree(runs["one"], tmp_path / "half")
    shutil.rmtree(tmp_path / "half" / "contract")
    with pytest.raises(UserError, match="l1ae train"):
        compare([runs["one"], tmp_path / "half"])
