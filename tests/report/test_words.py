"""Words of a report that depend on what there is: how many signals, whether events are copies."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from l1ae.data import origin_of
from l1ae.evaluation import load_metrics, worst, worst_words
from l1ae.report import worst_title
from l1ae.report._physics import _events_table


@pytest.mark.parametrize("signals", range(1, 10))
def test_the_worst_quarter_is_named_by_how_many_signals_it_has(signals: int) -> None:
    one = len(worst([0.5] * signals)) == 1
    assert worst_words(signals) == ("the worst signal" if one else "the worst quarter of the signals")
    assert worst_title(signals) == ("Worst signal" if one else "Mean of the worst quarter of the signals (CVaR25)")


def test_copies_are_spoken_of_where_there_are_some(evaluation_source: Path) -> None:
    metrics = load_metrics(evaluation_source / "metrics.json")
    whole = replace(metrics, groups=dict(metrics.events))
    assert _events_table(whole).header == ("Sample", "Events")
    copied = replace(metrics, groups={name: n // 2 for name, n in metrics.events.items()})
    assert "copies with another detector response" in _events_table(copied).caption


@pytest.mark.parametrize(
    ("sample", "detector", "text"), [("background", {}, ""), ("open data", {}, "open data"), ("background", {"name": "x"}, "simulation")]
)
def test_a_figure_is_stamped_with_a_name_that_says_something(sample: str, detector: dict[str, str], text: str) -> None:
    assert origin_of(SimpleNamespace(sample=sample, provenance={"detector": detector})) == text  # type: ignore[arg-type]
