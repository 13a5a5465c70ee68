"""The numbers that a report begins with, from the same files as its sections; pages say things once and never break a number."""

import json
from dataclasses import replace
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from l1ae.evaluation import Estimate
from l1ae.records import FirmwareThreshold
from l1ae.report import Notice, Paragraph, Section, write_page, write_report
from l1ae.report._page import quantities

from ..records.examples import contract, csim, figures, resources
from .pages import Page, words

EXAMPLE = Path(__file__).parents[1] / "trigger" / "example_working_points.json"


def tiles(run: Path) -> dict[str, tuple[str, str]]:
    """Value and note by name."""
    part = write_report(run).read_text().partition('<dl class="tiles">')[2].partition("</dl>")[0]
    found = [unescape(words(tile.replace("</dt>", "|").replace("</dd>", "|"))).split("|") for tile in part.split("<div")[1:]]
    return {name.partition(">")[2].strip(): (value.strip(), note.strip()) for name, value, note, *_ in found}


def with_rates(write, **changes):
    summary = replace(contract(), **changes)
    write("contract/summary.json", summary)
    write("trigger/working_points.json", json.loads(EXAMPLE.read_text()) | {"digest": summary.digest})


def test_the_rate_that_set_the_threshold(full_run, write):
    rate = FirmwareThreshold(828, "pure", 1.0, Estimate(0.62, 0.44, 0.82), 2_000_000)
    with_rates(write, threshold=828, threshold_value=51.75, threshold_rate=rate)
    value, note = tiles(full_run)["Pure rate of the threshold"]
    # the raw rate of the same code is that of the working point of this threshold
    assert (value, note) == (
        "0.62 ± 0.19 kHz",
        "set for 1 kHz; raw 1.00 ± 0.22 kHz; score code ≥ 828, score ≥ 51.75",
    )


def test_a_threshold_between_two_that_were_measured_has_both_their_rates(full_run, write):
    curve = json.loads(EXAMPLE.read_text())["curve"]
    pairs = sorted(zip(curve["threshold"], curve["raw_khz"], strict=True))
    (low, below), (high, above) = next((one, two) for one, two in pairwise(pairs) if two[0] - one[0] > 1)
    with_rates(write, threshold=low + 1)
    assert tiles(full_run)["Raw rate of the threshold"][0] == f"{above:.3g} to {below:.3g} kHz", (low, high)


def test_a_rate_that_nobody_measured_is_not_known(full_run, write):
    assert tiles(full_run)["Rate of the threshold"][0] == "not known"
    write("trigger/working_points.json", json.loads(EXAMPLE.read_text()))
    assert tiles(full_run)["Rate of the threshold"][0] == "not known", "of another contract"


@pytest.mark.parametrize(
    ("source", "value", "note"),
    [
        ("zerobias", "Zero bias", "all crossings"),
        ("shipped", "Selected events", "events with an isolated lepton of pT > 23 GeV, not all crossings"),
    ],
)
def test_the_selection_of_the_sample_is_said(full_run, write, source, value, note):
    config = yaml.safe_load((full_run / "config.yaml").read_text())
    write("config.yaml", yaml.safe_dump({**config, "data": {"source": source}}))
    assert tiles(full_run)["Background"] == (value, f"{note}; 4,000 to test on")
    text = Page(write_report(full_run)).text
    assert ("The background is zero bias, crossings as they come." in text) == (source == "zerobias")
    assert ("The background is events with an isolated lepton of pT > 23 GeV." in text) == (source == "shipped")
    assert not {f"ordinary {what}" for what in ("ones", "events", "collisions") if f"ordinary {what}" in text}


@pytest.mark.parametrize(("interval", "tone", "verdict"), [(5, "good", "keeps up with"), (6, "bad", "too slow for")])
def test_whether_a_design_keeps_up_with_the_crossings(full_run, write, interval, tone, verdict):
    row = figures("rtl", "route", clock_ns=5.0, latency_cycles=19, latency_ns=95.0, interval=interval)
    write("resources.json", resources(row))
    found = tiles(full_run)
    assert found["Latency"] == ("95 ns", "19 × 5 ns, 3.8 crossings of 25 ns of the network alone; links add theirs (RTL, route)")
    assert found["A new event every"] == (f"{5 * interval} ns", f"II {interval}: {verdict} a crossing every 25 ns")
    page = write_report(full_run).read_text()
    assert f'<div class="{tone}"><dt>A new event every' in page


def test_a_doubtful_row_is_no_key_figure(full_run, write):
    write("resources.json", resources(figures("rtl", "route", latency_ns=95.0, doubts=("of another contract",))))
    assert "Latency" not in tiles(full_run)


@pytest.mark.parametrize(("mismatches", "tone"), [(0, "good"), (12, "bad")])
def test_bits_that_differ(full_run, write, mismatches, tone):
    write("csim/report.json", csim(mismatches=mismatches))
    assert tiles(full_run)["Compared bit by bit"] == (f"{mismatches} events", "differ between C simulation and contract, of 20,000")
    assert f'<div class="{tone}"><dt>Compared bit by bit' in write_report(full_run).read_text()


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("keeps (8.06 +0.33 −1.12) % of them", ["(8.06 +0.33 −1.12) %"]),
        ("1.00 +0.27 −0.13 kHz, or 0.0021 ± 0.0003.", ["1.00 +0.27 −0.13 kHz", "0.0021 ± 0.0003"]),
        ("in 1,234 events after 3 min 12 s at −1.5e-3 GeV", ["1,234 events", "3 min", "12 s", "−1.5e-3 GeV"]),
        ("pT > 23 GeV, score ≥ 1,447", ["> 23 GeV", "≥ 1,447"]),
        ("57-32-16-3 of 12 layers, c0ffee5 s, v1.2 ns", []),
    ],
)
def test_a_number_stays_with_its_error_and_unit(text, whole):
    html = unescape(str(quantities(text)))
    assert html.replace('<span class="q">', "").replace("</span>", "") == text
    assert [part.partition("</span>")[0] for part in html.split('<span class="q">')[1:]] == whole


def test_text_beside_numbers_is_escaped():
    assert str(quantities("<b> & 5 ns")) == '&lt;b&gt; &amp; <span class="q">5 ns</span>'


def test_a_notice_is_said_once_where_it_is_first(tmp_path):
    notice, other = Notice("bad", "Watch out.", ("here",)), Notice("bad", "Watch out.", ("there",))
    sections = [Section("one", "One", (notice, other)), Section("two", "Two", (Paragraph("text"), notice))]
    write_page(tmp_path / "page.html", title="t", heading="h", subtitle="s", summary=(notice,), sections=sections, glossary=())
    page = Page(tmp_path / "page.html")
    assert page.text.count("Watch out.") == 2
    assert page.source.index("here") < page.source.index('id="one"') < page.source.index("there")


def test_figures_of_the_page_are_beside_it(full_run, drawn):
    write_report(full_run)
    (full_run / "figures" / "left_over.pdf").touch()
    page = write_report(full_run).read_text()
    made = {path.name: path.read_bytes() for path in (full_run / "figures").iterdir()}
    assert set(made) == {"history.pdf"}
    assert made["history.pdf"].startswith(b"%PDF")
    assert "<code>figures/history.pdf</code>" in page
    assert "<code>evaluation/roc.pdf</code>" in page
    write_report(full_run)
    assert (full_run / "figures" / "history.pdf").read_bytes() == made["history.pdf"]
