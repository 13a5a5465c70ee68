"""The table of latency and resources, and the budget."""

from dataclasses import replace
from pathlib import Path

import pytest

from l1ae.report import write_report

from ..records.examples import amounts, csynth_row, figures, line, resources
from .pages import words


def page_of(run: Path) -> tuple[str, str]:
    page = write_report(run).read_text()
    section = page.partition('<section id="resources">')[2].partition("</section>")[0]
    return section, words(section)


def routed(**values):
    used = amounts(lut=(48100, 1182240), ff=(10400, 2364480), dsp=(4, 6840), bram=(0.5, 2160), uram=(0, 960))
    known = {"tool": "Vivado 2023.1", "clock_ns": 5.0, "slack_ns": 0.25, "power_w": 3.5, "power_confidence": "Low", "resources": used}
    return replace(figures("rtl", "route", **known), **values)


def test_every_stage_is_a_column_with_tool_and_part(empty_run, write):
    cycles = {"latency_cycles_min": 7, "latency_cycles": 7, "latency_ns": 35.0}
    opened = figures("rtl", "open synthesis", tool="pyosys 0.70", notes=("before placement",), **cycles)
    write("resources.json", resources(csynth_row(), opened, routed()))
    html, text = page_of(empty_run)
    for part in (
        "HLS: csynth RTL: open synthesis RTL: route",
        "Tool Vitis HLS 2023.2 pyosys 0.70 Vivado 2023.1",
        "Part xcvu9p-flga2104-2L-e not known not in the report",
        "Clock period, target 5 ns not known 5 ns",
        "Clock uncertainty 0.62 ns not known not in the report",
        "Slack of setup (WNS) 0.059 ns not known 0.25 ns",
        "Latency 11 to 13 clock cycles, 65 ns 7 clock cycles, 35 ns not in the report",
        "Initiation interval (II) 1 clock cycles not known not in the report",
        "LUT 118,224 of 1,182,240 (10.00 %) not known 48,100 of 1,182,240 (4.07 %)",
        "DSP 0 of 6,840 (0.00 %) not known 4 of 6,840 (0.06 %)",
        "BRAM, blocks of 36 kbit not in the report not known 0.5 of 2,160 (0.02 %)",
        "Power on chip not in the report not known 3.5 W, confidence Low",
        "RTL, open synthesis: before placement.",
    ):
        assert part in text, part
    assert "notice bad" not in html
    assert "notice missing" not in html


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"slack_ns": -0.333}, "RTL, route: the timing of setup is not met, by 0.333 ns."),
        ({"hold_slack_ns": -0.02}, "RTL, route: the timing of hold is not met, by 0.02 ns."),
        ({"resources": amounts(lut=(93312, 77760))}, "RTL, route: the design does not fit into the part: LUT."),
        ({"doubts": ("of another contract",)}, "RTL, route: shown, but not used for any verdict. of another contract"),
    ],
)
def test_what_is_wrong_is_red(empty_run, write, changes, sentence):
    write("resources.json", resources(csynth_row(), routed(**changes)))
    html, text = page_of(empty_run)
    assert sentence in text
    assert html.count("notice bad") == 1


def test_hold_before_routing_says_nothing(empty_run, write):
    write("resources.json", resources(routed(stage="synth", hold_slack_ns=-0.1)))
    assert "notice bad" not in page_of(empty_run)[0]


@pytest.mark.parametrize(("design", "stage"), [("hls", "csynth"), ("rtl", "open synthesis")])
def test_before_implementation_a_slack_is_an_expectation(empty_run, write, design, stage):
    write("resources.json", resources(figures(design, stage, slack_ns=-0.368)))
    html, text = page_of(empty_run)
    assert f"{design.upper()}, {stage}: the slowest path is expected to miss the clock period less its uncertainty by 0.368 ns." in text
    assert "notice bad" not in html


def test_a_slack_of_nothing_is_met(empty_run, write):
    write("resources.json", resources(routed(slack_ns=0.0)))
    html, text = page_of(empty_run)
    assert "Slack of setup (WNS) 0 ns" in text
    assert "notice bad" not in html


def test_one_design_does_not_hide_that_the_other_is_unknown(empty_run, write):
    write("resources.json", resources(routed()))
    text = page_of(empty_run)[1]
    assert "of the HLS project are not known" in text
    assert "of the RTL are not known" not in text


def test_the_budget(empty_run, write):
    known = [line("lut", "failed", 40000, 48100, "route"), line("slack_ns", "passed", 0.1, 0.25, "route")]
    verdicts = [*known, line("uram", "not known", 0)]
    write("resources.json", resources(routed(), verdicts=verdicts, lut=40000, slack_ns=0.1, uram=0))
    _, text = page_of(empty_run)
    assert "RTL LUT failed 48,100 ≤ 40,000 route, a tool 1.0" in text
    assert "RTL Slack [ns] passed 0.25 ≥ 0.1 route, a tool 1.0" in text
    assert "RTL URAM not known not known ≤ 0 –" in text
    page = write_report(empty_run).read_text()
    summary = words(page.partition("</section>")[0])
    assert "The RTL design is beyond its budget. failed: LUT not known: URAM passed: Slack [ns]" in summary
    assert page.count("notice bad") == 1, "said once"


@pytest.mark.parametrize(
    ("verdicts", "sentence", "tone"),
    [
        ([line("lut", "passed", 5, 4, "route")], "The RTL design keeps its budget.", "good"),
        (
            [line("lut", "passed", 5, 4, "route"), line("ff", "not known", 5)],
            "The RTL design may or may not keep its budget.",
            "missing",
        ),
        ([], "There is a budget, and nothing is known yet of latency and resources.", "missing"),
    ],
)
def test_the_summary_of_the_budget(empty_run, write, verdicts, sentence, tone):
    write("resources.json", resources(routed(), verdicts=verdicts, lut=5))
    summary = write_report(empty_run).read_text().partition("</section>")[0]
    assert sentence in summary
    assert f'<div class="notice {tone}"><strong>{sentence}' in summary


def test_no_budget_is_no_topic(empty_run, write):
    write("resources.json", resources(routed()))
    assert "udget" not in page_of(empty_run)[1]
