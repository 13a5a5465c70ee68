"""The page of a search: what it says is what the trials found."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from l1ae.evaluation import AtRate, Estimate, figure_svg
from l1ae.search import Counts, Objective, SearchFolder, SearchView, front_figure, headline, load_study
from l1ae.search._figures import history_figure, importance_figure
from l1ae.search._page import write_search_page
from l1ae.search._tables import hand_made_table, kinds_table, refused_table, summary_table, trials_tables, verified_table
from l1ae.search._view import as_text, luts_text

from ..report.pages import unbroken
from .conftest import STUDY
from .found import FRONT, MADE, SMOOTHING, TRIALS


def view_of(study, front=FRONT, trials=TRIALS) -> SearchView:
    return SearchView(study, front, trials)


def page(study, folder: Path, front=FRONT, trials=TRIALS) -> str:
    """Without what keeps a number with its error and unit."""
    write_search_page(study, SearchFolder(folder), front, trials)
    return unbroken((folder / "front.html").read_text())


def cells(table, name: str) -> tuple[str, ...]:
    return next(row for row in table.rows if row[0].startswith(name))


def test_the_terminal_shows_what_is_chosen_and_what_is_reported_in_percent(study):
    table = summary_table(study.config.objectives, FRONT)
    titles = ("Mean efficiency at 1 kHz pure [%], as chosen", "As reported", "LUT, packed")
    assert table.header == ("", *titles, "Synthesised", "Bits that differ")
    first, second = ([cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in table.rows)
    assert first == ["tiny_0001", "12.0 ± 1.2", "10.0 ± 1.0", "1,100 (770 to 1,650)", "987 LUT, 25 ns", "0"]
    assert second[4:] == ["–", "–"]
    nothing_made = summary_table(study.config.objectives, replace(FRONT, points=FRONT.points[1:]))
    assert nothing_made.header == ("", *titles)
    assert [len(row) for row in nothing_made.rows] == [4]


def test_a_page_is_one_file_with_every_section(study, tmp_path):
    text = page(study, tmp_path)
    titles = re.findall(r'<h2 id="[^"]*">([^<]*)|<h2>([^<]*)', text)
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    for anchor in ("front", "hand-made", "kinds", "verified", "use", "history", "importance", "refused", "trials"):
        assert f'id="{anchor}"' in text, (anchor, titles)
    assert "too high by selection" in text
    assert f"l1ae run {tmp_path / 'front' / 'tiny_0001.yaml'}" in text


def test_the_best_point_is_quoted_as_reported(study):
    said = headline(view_of(study))
    assert said.startswith("The best point by mean efficiency at 1 kHz pure is tiny_0001, of pairs: (10.0 ± 1.0) % on events")
    assert "it was chosen by (12.0 ± 1.2) %" in said
    assert said.endswith("It is the base model pair_tables itself.")
    other = replace(FRONT, points=(FRONT.points[1],))
    assert "finds less than the best of the base models within the budget, pair_tables with (10.0 ± 1.0) %." in headline(
        view_of(study, other)
    )


def test_base_models_stand_beside_the_front(study):
    table = hand_made_table(view_of(study))
    assert cells(table, "pair_tables")[2:4] == ("1", "on the front")
    assert cells(table, "density_tree")[2:4] == ("0", "tiny_0002 is no worse in anything")
    assert cells(table, "density_tree")[0] == "density_tree with model.density.trees of the study"
    assert [cell.replace("\xa0", " ") for cell in cells(table, "density_tree")[4:]] == ["8.0 ± 0.8", "7.9 ± 0.8", "320 (224 to 480)"]
    without = hand_made_table(view_of(study, trials=TRIALS[2:]))
    assert cells(without, "density_tree")[2:4] == ("–", "not tried")
    refused = replace(TRIALS[0], state="refused", reason="too large", measured=())
    assert cells(hand_made_table(view_of(study, trials=(refused,))), "density_tree")[3] == "refused: too large"


def test_how_far_each_kind_gets_within_the_other_limits(study):
    table = kinds_table(view_of(study))
    assert table.header[-1] == "20,000 LUT, beyond the budget"
    assert [row[2:] for row in table.rows if row[1] == "trial, LUT"] == [
        ("2, 300", "2, 300", "2, 300", "2, 300", "3, 6,000"),
        ("–", "–", "1, 1,100", "1, 1,100", "1, 1,100"),
    ]
    reported = [row[2].replace("\xa0", " ") for row in table.rows if row[1] == "as reported"]
    assert reported == ["7.0 ± 0.7", "–"]


def test_what_was_refused_is_counted_without_its_numbers(study):
    rows = refused_table(view_of(study)).rows
    assert [(row[0], row[2], row[3], row[4]) for row in rows] == [("refused", "2 pairs", "5", "2"), ("failed", "1 tree", "7", "1")]
    assert "7,200" not in rows[0][1]


def test_every_trial_is_in_one_table(study):
    with_values, without = trials_tables(view_of(study))
    assert [row[0] for row in with_values.rows] == ["0", "1", "2", "3", "4"]
    assert [row[3] for row in with_values.rows] == ["trained", "trained", "trained", "trained", "stopped"]
    assert [row[4] for row in with_values.rows] == ["yes", "yes", "yes", "no: lut", "yes"]
    assert [row[0] for row in without.rows] == ["5", "6", "7", "8"]
    assert without.rows[-1][-1] == "as trial 1"


def test_what_was_made_and_what_is_wrong_with_it_is_said(study, tmp_path):
    row = verified_table(view_of(study)).rows[0]
    assert row == ("tiny_0001", "reproduced", "987", "400", "25 ns, 1 x 25 ns", "11.2 ns (13.5 ns)", "5,000, 1,000", "0", "yes")
    text = page(study, tmp_path)
    assert "no bit differs" in text
    assert "not made: tiny_0002" in text
    wrong = replace(MADE, reproduced=False, csim_mismatches=3, within_budget=False, problems=("synth: no tool",))
    text = page(study, tmp_path, replace(FRONT, points=(replace(FRONT.points[0], verified=wrong),)))
    said_of_it = (
        "Bits differ in C simulation or RTL of tiny_0001",
        "measured again: tiny_0001",
        "when synthesised: tiny_0001",
        "synth: no tool",
    )
    for said in said_of_it:
        assert said in text
    assert "no bit differs" not in text
    unmade = replace(FRONT, points=tuple(replace(one, verified=None) for one in FRONT.points), importance={})
    text = page(study, tmp_path, unmade)
    assert "No point of the front was made" in text
    assert 'id="verified"' not in text
    assert "too few trained candidates" in text


def test_a_search_in_which_all_failed_has_a_page(study, tmp_path):
    nothing = replace(FRONT, points=(), importance={}, counts=Counts(0, 0, 2, 1, 0))
    text = page(study, tmp_path, nothing, TRIALS[5:8])
    assert "No candidate is within the budget, so that there is no front." in text
    assert "ran out of memory" in text
    assert 'id="kinds"' not in text
    beyond = page(study, tmp_path, nothing, (TRIALS[3],))
    assert "all are shown" in beyond


OBJECTIVES = {
    "one": [{"quantity": "efficiency"}],
    "cost first": [{"quantity": "lut"}, {"quantity": "efficiency"}],
    "label-free": [{"quantity": "label_free", "metric": "wasserstein_log"}, {"quantity": "lut"}],
    "three": [{"quantity": "efficiency"}, {"quantity": "crossings"}, {"quantity": "weight_bits"}],
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_any_objectives_have_a_page(write_study, tmp_path, name):
    study = load_study(write_study(STUDY | {"objectives": OBJECTIVES[name]}))
    rng = np.random.default_rng(4)

    def free(one):
        return replace(one, measured=tuple(replace(m, label_free={"wasserstein_log": float(rng.uniform(1, 2))}) for m in one.measured))

    trials = tuple(free(one) for one in TRIALS)
    if name == "label-free":
        trials = tuple(replace(one, measured=tuple(replace(m, chosen=None, reported=None) for m in one.measured)) for one in trials)
    view = view_of(study, trials=trials)
    points = tuple(replace(one, values=view.chosen(trials[one.trial]), reported=view.reported(trials[one.trial])) for one in FRONT.points)
    labels = tuple(Objective(one.label, one.maximised) for one in study.config.objectives)
    text = page(study, tmp_path, replace(FRONT, objectives=labels, points=points, importance={}), trials)
    assert text.count('alt="') == len(labels)
    assert ('id="kinds"' in text) == (name != "cost first")
    assert ("As reported" in text) == (name != "label-free")
    assert ("without any signal: nothing here says how much a model finds" in text) == (name == "label-free")
    for one in study.config.objectives:
        assert one.label.replace("<", "&lt;") in text


def drawn(figure) -> dict[str, np.ndarray]:
    """Diamonds, staircase and stars of the first panel of a figure, as matplotlib holds them."""
    axes = figure.axes[0]
    lines = axes.get_lines()
    dots = [one for one in axes.collections if isinstance(one, PathCollection) and len(one.get_offsets()) == 1]
    stars = [one for one in dots if one.get_sizes()[0] > 100]
    return {
        "made": np.array([line.get_xydata()[0] for line in lines if line.get_marker() == "D"]),
        "estimated": np.array([line.get_xydata()[0] for line in lines if line.get_marker() == "d"]),
        "stairs": next(line.get_xydata() for line in lines if line.get_drawstyle() == "steps-post"),
        "stars": np.array([one.get_offsets()[0] for one in stars]),
    }


def test_the_figure_has_synthesised_luts_where_they_are_known(study):
    view = view_of(study)
    figure = front_figure([view], 1)
    found = drawn(figure)
    assert found["made"] == pytest.approx(np.array([[987, 10]]))
    assert found["estimated"] == pytest.approx(np.array([[300, 7]]))
    assert found["stairs"] == pytest.approx(np.array([[300, 9], [1100, 12]]))
    assert found["stars"] == pytest.approx(np.array([[320, 8], [1100, 12]]))
    assert figure.axes[0].get_xscale() == "log"
    ElementTree.fromstring(figure_svg(figure))
    assert figure_svg(front_figure([view], 1)) == figure_svg(figure)
    assert len(front_figure([view, view], 1).axes) == 2


def test_an_interval_to_everything_leaves_room_for_the_others(study):
    """The highest value is a candidate's of 20 %."""
    wide = replace(FRONT.points[1], reported=(Estimate(0.01, 0.001, 0.95), None))
    figure = front_figure([view_of(study, replace(FRONT, points=(FRONT.points[0], wide)))] * 2, 1)
    for axes in figure.axes:
        assert axes.get_ylim() == pytest.approx((0, 22.4))


def test_history_is_the_best_so_far_within_the_budget(study):
    lines = {line.get_label(): line.get_xydata() for line in history_figure(view_of(study)).axes[0].get_lines()}
    assert lines["trees"] == pytest.approx(np.array([[1, 8], [3, 9], [5, 9], [6, 9]]))
    assert lines["pairs"] == pytest.approx(np.array([[2, 12], [6, 12]]))
    assert history_figure(view_of(study, trials=TRIALS[5:])) is None


def test_importance_is_drawn_for_each_model(study):
    axes = importance_figure(view_of(study)).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [SMOOTHING, "model.density.trees.0.populated"]
    assert [bar.get_width() for bar in axes.containers[0]] == pytest.approx([75, 25])


def test_values_have_their_unit(study):
    efficiency, luts = study.config.objectives
    assert as_text(efficiency, Estimate(0.0812, 0.0782, 0.0842)) == "8.12\xa0±\xa00.30"
    assert as_text(luts, Estimate(1234.4, 900, 1800)) == "1,234\xa0(900\xa0to\xa01,800)"
    assert luts_text(Estimate(7, 7, 7)) == "7"
    assert as_text(luts, None) == "–"


def test_points_without_an_interval_at_their_rate(study, tmp_path):
    """What is reported may not be measurable although what was chosen on is."""
    lost = replace(FRONT.points[0], reported=(None, None))
    one = TRIALS[1].measured[0]
    empty = replace(TRIALS[1], measured=(replace(one, reported=AtRate(())),))
    text = page(study, tmp_path, replace(FRONT, points=(lost, FRONT.points[1])), (TRIALS[0], empty, *TRIALS[2:]))
    assert "tiny_0001, of pairs: (12.0 ± 1.2) %" in text


def test_what_is_recommended_was_measured_well_and_is_what_it_seems(study):
    first, second = FRONT.points
    lucky = Estimate(0.3, 0.05, 0.32)
    luts = (500, 1000, 2000)
    view = SearchView(study, replace(FRONT, points=(replace(first, values=(lucky, first.values[1])), second)), TRIALS)
    # by its interval, and with LUTs as synthesised or else estimated
    assert {step: point.name for step, point in view.recommended(luts).items()} == {500: "tiny_0002"}
    as_it_was = SearchView(study, FRONT, TRIALS)
    assert {step: point.name for step, point in as_it_was.recommended(luts).items()} == {500: "tiny_0002", 1000: "tiny_0001"}
    for change in ({"reproduced": False}, {"csim_mismatches": 1}, {"rtl_mismatches": 1}, {"within_budget": False}, {"problems": ("csim",)}):
        broken = replace(first, verified=replace(MADE, **change))
        assert list(SearchView(study, replace(FRONT, points=(broken, second)), TRIALS).recommended(luts)) == [500]
