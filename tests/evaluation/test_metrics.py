import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from l1ae.errors import UserError
from l1ae.evaluation import (
    Metrics,
    ScoreSet,
    auc,
    auc_difference,
    clopper_pearson,
    compare_scores,
    evaluate,
    load_metrics,
    save_metrics,
    tpr_at_fpr,
)

LSB = 1 / 8


@pytest.fixture(name="scores")
def _scores() -> dict[str, ScoreSet]:
    rng = np.random.default_rng(3)
    background = rng.gamma(2, 2, 3000)
    signals = {"lq": rng.gamma(4, 2, 500), "a4l": rng.gamma(3, 2, 700)}
    fixed = ScoreSet(np.floor(background / LSB) * LSB, {name: np.floor(v / LSB) * LSB for name, v in signals.items()}, LSB)
    return {"float": ScoreSet(background, signals), "fixed": fixed}


def test_every_number_is_that_of_its_function(scores: dict[str, ScoreSet]) -> None:
    metrics = evaluate(scores, threshold=12.0, fprs=(1e-4, 1e-2))
    first, fixed = scores["float"], scores["fixed"]
    assert metrics.events == {"background": 3000, "a4l": 700, "lq": 500}
    assert metrics.groups == metrics.events
    assert metrics.auc["fixed"]["lq"] == auc(fixed.background, fixed.signals["lq"])
    assert metrics.working_points["fixed"]["a4l"] == tuple(
        tpr_at_fpr(fixed.background, fixed.signals["a4l"], fpr, lsb=LSB) for fpr in (1e-4, 1e-2)
    )
    assert metrics.working_points["float"]["a4l"][0].tpr is None
    assert metrics.accepted["float"]["background"] == clopper_pearson(np.count_nonzero(first.background >= 12), 3000)
    comparison = metrics.comparisons["fixed"]
    assert comparison.auc["lq"] == auc_difference((first.background, fixed.background), (first.signals["lq"], fixed.signals["lq"]))
    assert comparison.scores["lq"] == compare_scores(first.signals["lq"], fixed.signals["lq"], 12.0)
    assert set(metrics.comparisons) == {"fixed"}


def test_groups_reach_every_interval(scores: dict[str, ScoreSet]) -> None:
    # ten exact copies of 300 background events: to a good approximation the error is that of the 300
    repeated = {name: ScoreSet(np.repeat(s.background[:300], 10), s.signals, s.lsb) for name, s in scores.items()}
    ids = np.repeat(np.arange(300), 10)
    plain, grouped = (evaluate(repeated, g, fprs=(1e-1,), threshold=9.0) for g in (None, {"background": ids}))
    few = evaluate({name: ScoreSet(s.background[:300], s.signals, s.lsb) for name, s in scores.items()}, fprs=(1e-1,))
    assert grouped.groups["background"] == 300
    assert "bootstrap over source events, 500 replicas" in grouped.auc_method

    def width(metrics: Metrics) -> float:
        return metrics.auc["fixed"]["lq"].high - metrics.auc["fixed"]["lq"].low

    assert width(grouped) == pytest.approx(width(few), rel=0.15)
    assert width(grouped) > 1.4 * width(plain)
    difference, reference = grouped.comparisons["fixed"].auc["lq"], plain.comparisons["fixed"].auc["lq"]
    assert difference.value == pytest.approx(reference.value, abs=1e-12)
    assert difference.high - difference.low < 0.2 * width(grouped)
    accepted = [metrics.accepted["fixed"]["background"] for metrics in (grouped, plain)]
    assert accepted[0].high - accepted[0].low > 2 * (accepted[1].high - accepted[1].low)


def test_json_round_trip(scores: dict[str, ScoreSet], tmp_path: Path) -> None:
    metrics = evaluate(scores, threshold=12.0)
    save_metrics(tmp_path / "metrics.json", metrics)
    assert load_metrics(tmp_path / "metrics.json") == metrics
    assert json.loads((tmp_path / "metrics.json").read_text())["auc"]["float"]["lq"]["value"] == metrics.auc["float"]["lq"].value
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]


def test_damaged_metrics_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    with pytest.raises(UserError, match="run 'l1ae evaluate'"):
        load_metrics(path)
    path.write_text('{"events": {"background": "many"}}')
    with pytest.raises(UserError, match=r"events.background.*run 'l1ae evaluate' again"):
        load_metrics(path)


def test_differences_and_flips_by_hand() -> None:
    result = compare_scores([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 3.0, 2.0], threshold=3.0)
    assert (result.events, result.max_abs, result.mean, result.flips) == (4, 2.0, -0.25, 2)
    assert result.rms == pytest.approx(np.sqrt(5 / 4))
    assert compare_scores([1.0], [1.0]).flips is None
    # a score equal to the threshold is accepted
    assert compare_scores([2.0], [1.999], threshold=2.0).flips == 1


def test_metrics_are_frozen(scores: dict[str, ScoreSet]) -> None:
    metrics: Metrics = evaluate(scores)
    with pytest.raises(dataclasses.FrozenInstanceError):
        metrics.threshold = 1.0  # type: ignore[misc]


def test_mistakes_are_named(scores: dict[str, ScoreSet]) -> None:
    with pytest.raises(UserError, match="at least one variant"):
        evaluate({})
    short = ScoreSet(scores["float"].background[:-1], scores["float"].signals)
    with pytest.raises(UserError, match=r"'fixed' has .*2999.*'float' has .*3000"):
        evaluate({"float": scores["float"], "fixed": short})
    broken = ScoreSet(np.array([1.0, np.nan]), scores["float"].signals)
    with pytest.raises(UserError, match=r"'background \(fixed\)': event 1 has the score nan"):
        evaluate({"fixed": broken})
    with pytest.raises(UserError, match="groups are given for 'h0', which has no scores; the samples are background, a4l, lq"):
        evaluate(scores, {"h0": np.arange(3)})
    with pytest.raises(UserError, match="same events"):
        compare_scores([1.0], [1.0, 2.0])
