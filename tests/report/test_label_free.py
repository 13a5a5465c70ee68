"""The table of background alone in the physics section."""

from dataclasses import replace

from l1ae.evaluation import load_metrics, save_metrics
from l1ae.report._label_free import label_free_blocks
from l1ae.report._write import write_report

from ..records.examples import label_free


def test_every_number_is_in_the_report(full_run):
    path = full_run / "evaluation" / "metrics.json"
    metrics = replace(load_metrics(path), label_free={"fixed": label_free(), "float": replace(label_free(), drift=None)})
    save_metrics(path, metrics)
    assert load_metrics(path) == metrics
    page = write_report(full_run).read_text()
    for text in ("1,234 validation events", "5,678 test events", "−0.2500 (β = 12.5)", "−0.1250 (at the highest β", "1.5", "0.0625"):
        assert text in page, text
    assert "0.250 (chance: 0.125)" in page
    assert "3.5e-05, 4.5e-05" in page
    assert "not measurable" in page


def test_nothing_is_said_where_nothing_was_measured(full_run):
    metrics = load_metrics(full_run / "evaluation" / "metrics.json")
    assert label_free_blocks(metrics, {}) == ()
