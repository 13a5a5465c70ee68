"""The section on simpler triggers, and the first paragraph of the summary when one of them finds more."""

import base64
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from l1ae.baselines import BaselineResult, BaselinesResult, save_baselines
from l1ae.evaluation import AtRate, Estimate, RatePoint, RateSampleFacts, load_metrics, save_metrics
from l1ae.report import write_report

from .pages import words

RATES = [(kind, khz) for kind in ("raw", "pure") for khz in (0.25, 1.0)]


def points(mean, *, signal="a4l", error=0.01, threshold=45.5):
    found = []
    for k, (kind, khz) in enumerate(RATES):
        value = None if mean is None else Estimate(mean + k / 1000, mean + k / 1000 - error, mean + k / 1000 + error)
        cvar = None if mean is None else Estimate(mean / 2, mean / 2 - 0.01, mean / 2 + 0.01)
        found.append(RatePoint(kind, khz, threshold + k, None, None, None, 50.0, {} if value is None else {signal: value}, value, cvar))
    return AtRate(tuple(found))


def baselines(cut, tree, *, title="Density tree", **options):
    results = (
        BaselineResult("leading_jet", "Jets, leading pT", "Leading energy", "the largest energy", "GeV", points(cut, **options)),
        BaselineResult("tree", title, "Density tree", "−log of the joint probability", "", points(tree, **options)),
    )
    return BaselinesResult("ugt", 5000, 10000, 4000.0, "its test part", 20000, results, {"Number of objects": "no slot can be empty"})


@pytest.fixture(name="written")
def _written(full_run):
    """The page's summary and section as text, for a model with some mean efficiency."""

    def write(result, model=0.3, events=20000, **options):
        path = full_run / "evaluation" / "metrics.json"
        facts = RateSampleFacts("its test part", events, 9000.0, 20.0, ())
        measured = {} if model is None else {"float": points(0.9), "fixed": points(model, **options)}
        save_metrics(path, replace(load_metrics(path), at_rate=measured, rate_sample=facts))
        if result is not None:
            (full_run / "baselines").mkdir(exist_ok=True)
            save_baselines(full_run / "baselines" / "baselines.json", result)
        page = write_report(full_run).read_text()
        summary = words(page.partition('<section class="summary"')[2].partition("</section>")[0])
        section = page.partition('<section id="baselines">')[2].partition("</section>")[0]
        return summary, section, words(section)

    return write


def test_all_triggers_and_the_model_at_all_rates(written, drawn):
    _, html, text = written(baselines(0.1, 0.2))
    for part in (
        "on the same 20,000 crossings, its test part",
        "from 5,000 events (every n-th of 10,000)",
        "worth 4,000 of equal weight",
        "Efficiency at 1 kHz pure",
        "Worst signal",
        "This run, as it will run in firmware (30.3 ± 1.0) % (15.0 ± 1.0) % (30.3 ± 1.0) % 48.5",
        "Jets, leading pT (10.3 ± 1.0) % (5.0 ± 1.0) % (10.3 ± 1.0) % 48.5 GeV",
        "Density tree (20.3 ± 1.0) %",
        "Efficiency at 0.25 kHz raw",
        "At 1 kHz pure no simpler trigger finds more of the signals than this model, (30.3 ± 1.0) % on average",
        "Number of objects: not possible, no slot can be empty.",
        "−log of the joint probability",
    ):
        assert part in text, part
    assert "90." not in text, "the floating-point model does not run in firmware"
    pictures = re.findall(r"base64,([^\"]+)", html)
    assert len(pictures) == 1
    ElementTree.fromstring(base64.b64decode(pictures[0]))


def test_the_summary_is_silent_when_the_model_wins(written):
    summary, _, _ = written(baselines(0.1, 0.2))
    assert "a simpler trigger finds more" not in summary
    assert "Best simpler trigger, same rate (20.3 ± 1.0) % Density tree" in summary


@pytest.mark.parametrize(("tree", "words"), [(0.5, "the intervals do not overlap"), (0.31, "the intervals overlap")])
def test_the_summary_begins_with_who_finds_more(written, tree, words):
    summary, _, text = written(baselines(0.1, tree))
    plain = summary.partition("The fixed-point model")[0]
    assert "At the same rate, 1 kHz pure, a simpler trigger finds more of the signals: “Density tree”" in plain
    assert f"({100 * tree + 0.3:.1f} ± 1.0) % of them on average, this model (30.3 ± 1.0) %; {words}" in plain
    assert "“Density tree” finds more than this model" in text


def test_without_signals_there_are_thresholds(written):
    summary, _, text = written(baselines(None, None), None)
    assert "a simpler trigger finds more" not in summary
    assert "Best simpler trigger" not in summary
    assert "The data set has no signal: there is no efficiency to compare." in text
    assert "Trigger Threshold" in text
    assert "Jets, leading pT 48.5 GeV" in text
    assert "CVaR25" not in text


def test_other_crossings_are_not_compared(written):
    summary, _, text = written(baselines(0.1, 0.9), events=19999)
    assert "a simpler trigger finds more" not in summary
    assert "Best simpler trigger" not in summary
    assert "The model was judged on other crossings (its test part, 19,999)" in text


def test_without_crossings_no_command_is_promised(written):
    assert "There are no crossings with the columns of this run" in written(None, None)[2]
    assert "Run “l1ae baselines”" in written(None, 0.3)[2]


def test_names_are_text(written, drawn):
    summary, html, _ = written(baselines(0.1, 0.9, title="<b>$x$</b>", signal="<i>s</i>"), signal="<i>s</i>")
    assert "&lt;b&gt;$x$&lt;/b&gt;" in summary
    assert "&lt;i&gt;s&lt;/i&gt;" in html
    assert "<b>" not in summary + html
    assert "<i>" not in html
