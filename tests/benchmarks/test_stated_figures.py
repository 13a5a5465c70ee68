"""README and the pages of docs state what the files of docs/results hold."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import flow_figure
import menu
import pages
import pytest
import results
import yaml
from results import Results, StatedTable, fill, fragment, keep, load, mark, marked, publish, stated

from l1ae.errors import UserError

ROOT = Path(__file__).parents[2]
PAGES = pages.pages()
FIGURES = yaml.safe_load((results.FOLDER / "figures.yaml").read_text())
TABLE = StatedTable(
    ("model", "kept", "cost"), "lrl", (("`a`", "8.0 +0.3 −1.2", "1,294 LUT, 2 x 25 ns"), ("`b`, twice", "**1.5 ± 0.2**", "–"))
)
VALUES = {"events": 310000, "rate": {"value": 1.004, "low": 0.874, "high": 1.271}, "path": 6.266}
KNOWN = Results("a test", "", {"found": TABLE}, VALUES)


def known(name: str) -> Results:
    assert name == "known"
    return KNOWN


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_states_its_results(page):
    """`python benchmarks/pages.py` writes them into the pages."""
    assert pages.wrong(page) is None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_measured_figure_of_a_page_has_a_result(page):
    """A table needs its mark, a figure in running text its line in docs/results/figures.yaml."""
    assert pages.unaccounted(page) == []


def test_every_page_with_figures_is_there():
    assert {ROOT / name for name in FIGURES if name != "everywhere"} <= set(PAGES)


def test_every_file_of_results_is_stated_somewhere():
    text = "".join(page.read_text() for page in PAGES) + str(FIGURES)
    assert {path.stem for path in results.FOLDER.glob("*.json")} == set(re.findall(r"(?:results: |\{)([\w.-]+)#", text))


@pytest.mark.parametrize("path", sorted(results.FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_file_of_results_is_as_it_would_be_written(path, tmp_path):
    found = Results.read(path)
    assert found.made_by
    found.write(tmp_path / path.name)
    assert (tmp_path / path.name).read_text() == path.read_text()


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("known#found/a/kept", "8.0 +0.3 −1.2"),
        ("known#found/b, twice/kept", "1.5 ± 0.2"),
        ("known#found/a/cost[0]", "1,294"),
        ("known#found/a/cost[2]", "25"),
        ("known#found/a/cost|crossings", "2"),
        ("known#events", "310,000"),
        ("known#rate", "1.00 +0.27 −0.13"),
        ("known#rate|percent", "100 +27 −13"),
        ("known#path|.1f", "6.3"),
    ],
)
def test_a_reference_is_a_figure(reference, expected):
    assert fragment(f"about {{{reference}}} kHz", known)[0] == f"about {expected} kHz"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("known#found/c/kept", "0 rows 'c'"),
        ("known#found/a/lost", "0 columns 'lost'"),
        ("known#found/a", "is not TABLE/ROW/COLUMN"),
        ("known#found/a/kept[1]", "has 1 figures"),
        ("known#lost", "there is no 'lost' among events, rate, path"),
        ("known#path", "has no format"),
        ("known#found/b, twice/cost|crossings", "is no number for the format 'crossings'"),
    ],
)
def test_a_reference_to_nothing_says_what_is_missing(reference, message):
    with pytest.raises(UserError, match=re.escape(message)):
        fragment(f"about {{{reference}}} kHz", known)


def test_a_page_is_filled_however_its_lines_are_broken():
    text = "It keeps\n9.9 ± 0.1 % of them, in 3 crossings.\n\n" + mark("known", "found") + "\n| old |\n|---|\n| 1 |\n\nThe end.\n"
    figures = ("keeps {known#found/a/kept} % of them, in {known#found/a/cost|crossings} crossings",)
    filled = fill(text, figures, known)
    assert "It keeps 8.0 +0.3 −1.2 % of them, in 2 crossings.\n" in filled
    assert "| model | kept | cost |\n|---|---:|---|\n| `a` | 8.0 +0.3 −1.2 | 1,294 LUT, 2 x 25 ns |\n" in filled
    assert filled.endswith("\n\nThe end.\n")
    broken = filled.replace("It keeps 8.0", "It keeps\n8.0")
    assert fill(broken, figures, known) == broken
    with pytest.raises(UserError, match=r"the page has 0 places like 'loses 1\.5 ± 0\.2 %'"):
        fill(text, ("loses {known#found/b, twice/kept} %",), known)
    with pytest.raises(UserError, match=r"known\.json has no table 'lost'"):
        fill(mark("known", "lost") + "\n| a |\n|---|\n| 1 |\n", (), known)


@pytest.fixture
def root(tmp_path):
    """A repository of one page."""
    (tmp_path / "docs" / "results").mkdir(parents=True)
    return tmp_path


def page_of(root: Path, text: str, entry: dict, name: str = "docs/page.md") -> Path:
    (root / "docs" / "results" / "figures.yaml").write_text(yaml.safe_dump({name: entry}))
    (root / name).write_text(text)
    return root / name


def test_a_changed_digit_is_found(root):
    real = next(iter(load("families").tables["auc"].rows))
    text = f"{mark('families', 'auc')}\n{load('families').tables['auc'].markdown()}"
    assert pages.wrong(page_of(root, text, {}), root) is None
    assert "its results say" in pages.wrong(page_of(root, text.replace(real[-1], "1 of 22,203"), {}), root)


def test_a_figure_without_a_result_is_found(root):
    text = "It keeps 8.59 ± 0.30 % in 25, `1.0 ± 0.1` and [arXiv:2108.03986](https://arxiv.org/abs/2108.03986).\n"
    assert len(pages.unaccounted(page_of(root, text, {}), root)) == 1
    figures = ["keeps {at_rate#inclusive/density_tree/pure 1 kHz[0]} %"]
    assert pages.unaccounted(page_of(root, text, {"figures": figures}), root) == []
    assert pages.unaccounted(page_of(root, text, {"others": {"8.59 ± 0.30 %": "why"}}), root) == []
    # in README every number counts
    assert len(pages.unaccounted(page_of(root, text, {"figures": figures}, "README.md"), root)) == 1
    # elsewhere those with a unit, unless they mean something else on every page
    assert len(pages.unaccounted(page_of(root, "It takes 7 ns or 3 % of 4 models.\n", {}), root)) == 2
    (root / "docs" / "results" / "figures.yaml").write_text(yaml.safe_dump({"everywhere": {"7 ns": "why"}}))
    assert len(pages.unaccounted(root / "docs" / "page.md", root)) == 1
    with pytest.raises(UserError, match="the page does not say '9 ns'"):
        pages.unaccounted(page_of(root, text, {"others": {"9 ns": "why"}}), root)


def test_what_a_benchmark_publishes_is_page_and_file(tmp_path):
    lines = f"# A page\n\n{mark('new', 'found')}\n{TABLE.markdown()}"
    publish(tmp_path / "page.md", lines, "python benchmarks/new.py")
    found = Results.read(tmp_path / "results" / "new.json")
    assert (found.made_by, found.tables) == ("python benchmarks/new.py", {"found": TABLE})
    assert (tmp_path / "page.md").read_text() == lines
    keep("new", "by hand", values=VALUES, source="a test", folder=tmp_path / "results")
    more = Results.read(tmp_path / "results" / "new.json")
    assert more == replace(found, made_by="by hand", source="a test", values=VALUES)
    assert stated(more.at("events")) == "310,000"


def test_a_mark_without_a_table_and_a_line_of_other_cells_are_refused():
    with pytest.raises(UserError, match="no table follows the mark of known#found"):
        list(marked(mark("known", "found") + "\n\n| a |\n|---|\n"))
    with pytest.raises(UserError, match="has 1 cells instead of 2"):
        StatedTable.of(["| a | b |", "|---|---|", "| 1 |"])
    assert StatedTable.of(["| a \\| b | c |", "|---|---:|"]).header == ("a \\| b", "c")


def test_the_menus_are_expressed_as_the_results_say():
    assert StatedTable.of(menu.layouts_table()) == load("menu").tables["seeds"]


def test_the_picture_is_as_it_is_drawn():
    assert flow_figure.FIGURE.read_text() == flow_figure.svg()
    ElementTree.fromstring(flow_figure.svg())
