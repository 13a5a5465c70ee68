"""The section on rates: every number of working_points.json that it shows, and what is missing is said."""

import base64
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from l1ae.report import write_report
from l1ae.report._trigger_figures import efficiency_figure, periods_figure, pileup_figure, rate_figure
from l1ae.trigger import TriggerResult

from ..records.examples import contract
from .pages import words

EXAMPLES = Path(__file__).parents[1] / "trigger"


def content(name="example_working_points"):
    return json.loads((EXAMPLES / f"{name}.json").read_text())


def page_of(run):
    page = write_report(run).read_text()
    section = page.partition('<section id="trigger">')[2].partition("</section>")[0]
    return section, words(section)


@pytest.fixture(name="run")
def _run(full_run, write):
    write("trigger/working_points.json", content() | {"digest": contract().digest})
    return full_run


def test_numbers_of_the_working_points(run):
    html, text = page_of(run)
    for part in (
        "2,000,000 zero-bias crossings",
        "shipped, 2,000,000 crossings, 52.3 pileup collisions on average, sha256 abababababab…",
        "Worth as much as 700,000 independent crossings",
        "2,544 × 11.2456 kHz = 28,608.8 kHz",
        "ufixed<18,14,TRN,SAT>".replace("<", "&lt;").replace(">", "&gt;"),
        # name, threshold, score, raw, pure, next lower, next higher
        "1kHz 828 51.75 1.00 ± 0.22 0.62 +0.20 −0.16 827: 1.007, 0.6246 829: 0.9872, 0.6121",
        "0.15kHz 1,023 [from 1,003] 63.9375",
        "0.001kHz none – – – – –",
        "Working point 0.001kHz: the sample cannot resolve this rate",
        "Working point 0.15kHz: only 3.7 effective zero-bias events",
        "1kHz raw 24.4 0.9973 0.797 to 1.24 0.636 to 1.49 0.714 to 1.34",
        "1kHz pure – 0.6183 0.461 to 0.822 0.343 to 1.03 0.396 to 0.906",
        "SingleMu22 mu pt &gt;= 22 GeV (code &gt;= 45) 6.1 ± 0.5",
        "all together 27.1 ± 1.1",
        "30 to 39 400,000",
    ):
        assert part in text, part
    assert html.count("<img") == 3
    point = content()["working_points"][3]["efficiency"]["a4l"]
    assert f"{100 * point['raw']['value']:.1f} ±" in text
    assert f"{100 * point['pure']['value']:.1f} ±" in text
    assert "between run periods" not in text


@pytest.mark.slow
def test_pictures(run, write, drawn):
    write("trigger/working_points.json", content("example_recorded") | {"digest": contract().digest})
    html, text = page_of(run)
    for picture in re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', html):
        ElementTree.fromstring(base64.b64decode(picture))
    assert html.count("<img") == 4
    assert "run 383811, luminosity blocks 51 to 100 500,000" in text
    assert "Left out of the menu: L1_AXO_Nominal, L1_CICADA_Medium, L1_ZeroBias." in text
    assert "differences between run periods as large by chance: 0.15kHz: 0.4, 0.5kHz: 0.5" in text
    assert 'notice bad"><strong>Probability' not in html


def test_a_rate_that_changes_with_time_is_red(run, write):
    changed = content("example_recorded") | {"digest": contract().digest}
    changed["stability"]["periods_p_value"]["3kHz"] = 0.002
    write("trigger/working_points.json", changed)
    html, text = page_of(run)
    assert 'notice bad"><strong>Probability' in html
    assert "not constant: 3kHz" in text


def test_working_points_of_another_contract_are_red(full_run, write):
    write("trigger/working_points.json", content())
    html, text = page_of(full_run)
    assert "These working points are of contract 5f5f5f5f5f5f…, and the contract is now c0ffeec0ffee…: do not use them" in text
    # and the point that the sample cannot resolve
    assert html.count("notice bad") == 2


def without_menu():
    found = content()
    found["menu"] = {
        "origin": "none",
        "seeds": [],
        "left_out": ["cut-based seeds: there are no objects"],
        "khz": None,
        "low": None,
        "high": None,
    }
    found["curve"]["pure_khz"] = None
    for point in found["working_points"]:
        point["pure"] = None
        for side in ("lower", "higher"):
            if point[side] is not None:
                point[side]["pure_khz"] = None
        for efficiency in point["efficiency"].values():
            efficiency["pure"] = None
    return found


def test_an_empty_menu_is_not_a_missing_one(full_run, write):
    found = content()
    found["menu"] |= {"seeds": [], "khz": 0.0}
    write("trigger/working_points.json", found)
    _, text = page_of(full_run)
    assert "The menu is empty: every crossing is pure." in text
    assert "There is no menu" not in text


def without_signals():
    found = content()
    found["efficiency_curve"] = {"raw_khz": found["efficiency_curve"]["raw_khz"]}
    for point in found["working_points"]:
        point["efficiency"] = {}
    return found


def without_points():
    found = content()
    found["working_points"] = found["working_points"][:1]
    found["stability"]["pileup"] = []
    return found


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (without_menu(), "There is no menu, and so no pure rate."),
        (without_signals(), "The data set has no signals: there is no efficiency."),
        (without_points(), "The zero-bias sample does not say its pileup"),
    ],
)
def test_what_is_missing_is_said(full_run, write, made, sentence):
    write("trigger/working_points.json", made)
    _, text = page_of(full_run)
    assert sentence in text


# -- figures -----------------------------------------------------------------------------------------------------------


def test_curves_are_drawn_as_they_are():
    result = TriggerResult.model_validate(content())
    axes = rate_figure(result).axes[0]
    raw, pure = axes.get_lines()[:2]
    order = np.argsort(result.curve.threshold)
    np.testing.assert_array_equal(raw.get_xydata(), np.transpose([result.curve.threshold, result.curve.raw_khz])[order])
    np.testing.assert_array_equal(pure.get_ydata(), np.array(result.curve.pure_khz)[order])
    marked = axes.containers[0].lines[0].get_xydata()
    np.testing.assert_array_equal(marked, [(p.threshold, p.raw.khz) for p in result.working_points if p.threshold is not None])
    axes = efficiency_figure(result).axes[0]
    drawn = {line.get_label(): line for line in axes.get_lines()}
    np.testing.assert_array_equal(drawn["htt"].get_ydata(), result.efficiency_curve["htt"])
    np.testing.assert_array_equal(drawn["htt"].get_xdata(), result.efficiency_curve["raw_khz"])


def test_stability_is_drawn_with_its_intervals():
    result = TriggerResult.model_validate(content("example_recorded"))
    axes = pileup_figure(result).axes[0]
    assert [container.get_label() for container in axes.containers] == ["0.15kHz", "0.5kHz", "1kHz", "3kHz", "10kHz"]
    bins = result.stability.pileup
    np.testing.assert_array_equal(axes.containers[2].lines[0].get_xydata(), [((b.low + b.high) / 2, b.rates["1kHz"].khz) for b in bins])
    bars = axes.containers[2].lines[2][1].get_segments()
    np.testing.assert_allclose([(bar[0][1], bar[1][1]) for bar in bars], [(b.rates["1kHz"].low, b.rates["1kHz"].high) for b in bins])
    axes = periods_figure(result).axes[0]
    np.testing.assert_array_equal(axes.containers[0].lines[0].get_ydata(), [p.rates["0.15kHz"].khz for p in result.stability.periods])


@pytest.mark.parametrize("name", ["example_working_points", "example_recorded"])
def test_recorded_data_are_not_called_a_simulation(name):
    texts = [text.get_text() for text in rate_figure(TriggerResult.model_validate(content(name))).axes[0].texts]
    assert "simulation" not in texts
    assert "2,000,000 zero-bias crossings" in texts


def long_menu():
    found = content()
    rates = [0.5 + 0.25 * ((7 * k) % 20) for k in range(20)]
    seeds = [{"name": f"Seed{k}", "definition": "cuts", "khz": rate, "low": rate - 0.1, "high": rate + 0.1} for k, rate in enumerate(rates)]
    reasons = [
        "it cuts on quality, which 'mu' does not have: DoubleMu8_SQ, DoubleMu9_SQ",
        "there is no group 'ett' with an energy: ETT2000",
    ]
    found["menu"] |= {"name": "run3", "seeds": seeds, "left_out": reasons}
    return found, rates


def test_a_long_menu_is_folded_and_in_the_order_of_rates(full_run, write):
    found, rates = long_menu()
    write("trigger/working_points.json", found)
    html, text = page_of(full_run)
    assert "The 20 seeds of the menu “run3” that pure rates are counted against: cuts on the trigger objects" in text
    assert "; all together 27.1 ± 1.1 kHz" in text
    assert [int(name) for name in re.findall(r"<td[^>]*>Seed(\d+)</td>", html)] == sorted(range(20), key=lambda k: -rates[k])
    folded = [part for part in html.split("<details")[1:] if "Seed0" in part or "DoubleMu9_SQ" in part]
    assert len(folded) == 2
    assert "it cuts on quality, which &#39;mu&#39; does not have DoubleMu8_SQ, DoubleMu9_SQ" in text
