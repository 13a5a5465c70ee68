"""Pages in Chromium: nothing cut or overlapping at four widths, readable in light and dark, no script errors, tables sort and save."""

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from l1ae.report import Facts, Notice, Paragraph, Section, Table, Tile, Tiles, write_page, write_report

from ..levels import slow
from ..records.examples import contract, csynth_row, figures, resources, rtl_summary, synthesis

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'l1ae[dev]'")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"), pytest.mark.usefixtures("drawn")]

WIDTHS = (500, 964, 1400, 1800)
SCHEMES = ("light", "dark")
EXAMPLE = Path(__file__).parents[1] / "trigger" / "example_working_points.json"


@pytest.fixture(scope="module", name="browser")
def _browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module", name="kept")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "report.html"


@pytest.fixture(name="run_page")
def _run_page(request: pytest.FixtureRequest, kept: Path) -> Path:
    """A report with every kind of section that a run folder without data can have, written once."""
    if not kept.is_file():
        kept.write_bytes(_report(request.getfixturevalue("full_run"), request.getfixturevalue("write")).read_bytes())
    return kept


def _report(full_run: Path, write: Any) -> Path:
    write("trigger/working_points.json", EXAMPLE.read_text().replace("5f" * 32, contract().digest))
    write("rtl/summary.json", rtl_summary("unrolled"))
    write("synth/report.json", synthesis())
    write("resources.json", resources(figures("rtl", "open synthesis", clock_ns=5.0, latency_ns=95.0, interval=1), csynth_row()))
    return write_report(full_run)


ROWS = (
    ("beta", "12", "(8.06 +0.33 −1.12) %", "1 min 2 s", "x" * 90),
    ("Alpha", "−1,234.5", "(34 ± 5) %", "59 s", "of words that wrap " * 12),
    ("gamma, “quoted”", "1,000", "not measurable", "0.4 s", "–"),
    ("delta 10", "–", "(2.1 ± 0.7) %", "3 min 0 s", "short"),
    ("delta 9", "0.5", "(15.4 ± 2.9) %", "2 s", 'a "b", c'),
)
HEADER = ("Name", "Number", "With its error", "Time", "Text")


@pytest.fixture(name="made_page")
def _made_page(tmp_path: Path) -> Path:
    """Every kind of block, with a table of many columns."""
    wide = Table("Many columns", tuple(f"Column {k}" for k in range(24)), ((*("(12.34 +0.56 −0.78) %",) * 24,),) * 3)
    closed = Table("Sorted and saved", HEADER, (*ROWS, ("Mean", "7", "(9.9 ± 0.1) %", "9 s", "")), closing=1)
    blocks = (
        Paragraph("At a rate of 1 kHz it keeps (8.06 +0.33 −1.12) % of the signals. " * 12),
        *(Notice(tone, f"A notice, {tone}.", ("a" * 200, "detail")) for tone in ("good", "bad", "missing", "info")),
        Facts((("Digest", "ab" * 60), ("Part", "xcvu9p-flga2104-2L-e"))),
        Tiles(
            tuple(
                Tile(f"Number {k}", "(12.34 +0.56 −0.78) %", "what it is of " * 6, tone)
                for k, tone in enumerate(("good", "bad", "plain") * 3)
            )
        ),
        wide,
        closed,
        Table("Folded", ("A", "B"), (("a", "1"),), folded=True),
    )
    sections = [Section(f"s{k}", f"Section number {k} of many", blocks if k == 0 else (Paragraph("text " * 400),)) for k in range(9)]
    path = tmp_path / "page.html"
    write_page(path, title="t", heading="h" * 70, subtitle="s", summary=blocks[:1], sections=sections, glossary=(("Term", "meaning"),))
    return path


@pytest.fixture(name="opened")
def _opened(browser: Any) -> Iterator[Any]:
    """Opens a page; what its scripts complain about fails the test."""
    tabs, complaints = [], []

    def opened(path: Path, width: int = 1400, scheme: str = "light") -> Any:
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
        tab.on(
            "request", lambda request: complaints.append(request.url) if not request.url.startswith(("file:", "data:", "blob:")) else None
        )
        tab.goto(path.as_uri())
        tabs.append(tab)
        return tab

    yield opened
    for tab in tabs:
        tab.close()
    assert complaints == []


# What leaves the page to the right, text that leaves its box, and siblings that lie on each other.
LAYOUT = """() => {
  document.querySelectorAll("details").forEach((details) => { details.open = true; });
  const found = [], wide = document.documentElement.scrollWidth - window.innerWidth;
  if (wide > 0) found.push(`the page is ${wide} px too wide`);
  const said = (element) => `${element.tagName}.${element.className} “${element.textContent.trim().slice(0, 40)}”`;
  const scrolled = (element) => element.closest(".scroll, nav");
  for (const element of document.querySelectorAll("body *")) {
    if (["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    if (!scrolled(element) && box.right > window.innerWidth + 0.5) found.push(`beyond the edge: ${said(element)}`);
    const cut = element.scrollWidth - element.clientWidth;
    const boxed = element.clientWidth && style.display !== "inline" && style.overflowX !== "auto";
    if (boxed && cut > 1) found.push(`cut by ${cut} px: ${said(element)}`);
    if (element.classList.contains("q") && element.getClientRects().length !== 1) found.push(`broken: ${said(element)}`);
  }
  for (const parent of document.querySelectorAll("main, section, .tiles, .facts, .title, figure, tr, .page, nav ol")) {
    const boxes = Array.from(parent.children, (child) => [child, child.getBoundingClientRect()])
      .filter(([child, box]) => box.width && box.height && getComputedStyle(child).position === "static");
    boxes.forEach(([one, a], k) => boxes.slice(k + 1).forEach(([other, b]) => {
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left), down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 1 && down > 1) found.push(`${said(one)} lies on ${said(other)}`);
    }));
  }
  return [...new Set(found)];
}"""

# Text whose contrast with what is behind it is less than WCAG 2.1 AA asks for (4.5, large text 3).
CONTRAST = """() => {
  document.querySelectorAll("details").forEach((details) => { details.open = true; });
  const channels = (colour) => { const p = colour.match(/[\\d.]+/g).map(Number); return p.length < 4 ? [...p, 1] : p; };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour[3] === 1) return colour;
      if (colour[3] !== 0) throw new Error("half transparent");
    }
    throw new Error("nothing behind");
  };
  const found = new Set(), seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const [a, b] = [light(channels(style.color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    seen.add(style.color + size);
    if (ratio < (large ? 3 : 4.5)) found.add(`${ratio.toFixed(2)}: ${element.tagName}.${element.className} ${style.color}`);
  }
  return [seen.size, [...found]];
}"""


@pytest.mark.parametrize("width", slow(WIDTHS, (min(WIDTHS),)))
def test_nothing_is_cut_and_nothing_overlaps(opened, made_page, run_page, width):
    for path in (made_page, run_page):
        assert opened(path, width).evaluate(LAYOUT) == []


@pytest.mark.parametrize("scheme", slow(SCHEMES, ("dark",)))
def test_text_is_readable(opened, made_page, run_page, scheme):
    for path in (made_page, run_page):
        colours, found = opened(path, scheme=scheme).evaluate(CONTRAST)
        assert found == []
        assert colours > 5


def test_dark_is_dark_and_print_is_light(opened, made_page):
    tab = opened(made_page, scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert tab.evaluate(paper) == "rgb(20, 25, 31)"
    tab.emulate_media(media="print")
    assert tab.evaluate(paper) == "rgb(255, 255, 255)"
    assert tab.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"


@pytest.mark.slow
def test_links_lead_somewhere_and_the_contents_follow(opened, run_page):
    tab = opened(run_page)
    anchors = tab.evaluate("Array.from(document.querySelectorAll('nav a'), (link) => link.getAttribute('href'))")
    assert len(anchors) > 10
    for anchor in anchors:
        tab.evaluate("window.scrollTo({top: 0})")
        tab.click(f"nav a[href='{anchor}']")
        tab.wait_for_timeout(60)
        top = tab.evaluate("(anchor) => document.querySelector(anchor).getBoundingClientRect().top", anchor)
        at_end = tab.evaluate("window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 2")
        assert -1 <= top < 225 or at_end, anchor
        assert -1 <= tab.evaluate("document.querySelector('nav').getBoundingClientRect().top") < 50, "the contents stay in sight"
        current = tab.evaluate("document.querySelector('nav a[aria-current]').getAttribute('href')")
        assert current == anchor or at_end


@pytest.mark.slow
def test_at_a_narrow_width_the_contents_scroll_to_where_a_reader_is(opened, made_page):
    tab = opened(made_page, 500)
    tab.evaluate("document.getElementById('s7').scrollIntoView()")
    tab.wait_for_timeout(60)
    box = tab.evaluate("document.querySelector('nav a[aria-current]').getBoundingClientRect().toJSON()")
    assert 0 <= box["left"] < box["right"] <= 500
    assert box["top"] >= 0


def cells(tab, column):
    script = "(k) => Array.from(document.querySelectorAll('table'))[1].querySelectorAll('tbody tr')"
    return tab.evaluate(f"(k) => Array.from(({script})(k), (row) => row.cells[k].textContent)", column)


@pytest.mark.parametrize(
    ("column", "rising"),
    [
        pytest.param(0, ["Alpha", "beta", "delta 9", "delta 10", "gamma, “quoted”"], marks=pytest.mark.slow),
        pytest.param(1, ["−1,234.5", "0.5", "12", "1,000", "–"], marks=pytest.mark.slow),
        (2, ["(2.1 ± 0.7) %", "(8.06 +0.33 −1.12) %", "(15.4 ± 2.9) %", "(34 ± 5) %", "not measurable"]),
        pytest.param(3, ["0.4 s", "2 s", "59 s", "1 min 2 s", "3 min 0 s"], marks=pytest.mark.slow),
    ],
)
def test_tables_sort(opened, made_page, column, rising):
    tab = opened(made_page)
    before = cells(tab, column)
    header = tab.locator("table").nth(1).locator("thead th").nth(column)
    assert header.get_attribute("aria-sort") is None
    header.locator("button").click()
    assert cells(tab, column) == rising
    assert header.get_attribute("aria-sort") == "ascending"
    header.locator("button").press("Enter")
    falling = [cell for cell in rising if cell not in {"–", "not measurable"}][::-1]
    assert cells(tab, column) == falling + rising[len(falling) :], "what is not there stays last"
    assert header.get_attribute("aria-sort") == "descending"
    header.locator("button").press("Space")
    assert cells(tab, column) == before
    assert header.get_attribute("aria-sort") is None
    assert tab.locator("table").nth(1).locator("tfoot tr").inner_text().startswith("Mean"), "means stay at the end"


def test_tables_are_saved_as_csv_in_their_order(opened, made_page, tmp_path):
    tab = opened(made_page)
    tab.locator("table").nth(1).locator("thead button").first.click()
    with tab.expect_download() as download:
        tab.locator(".tabular").nth(1).locator(".save").click()
    assert download.value.suggested_filename == "sorted_and_saved.csv"
    download.value.save_as(tmp_path / "saved.csv")
    found = list(csv.reader(io.StringIO((tmp_path / "saved.csv").read_bytes().decode())))
    ordered = [ROWS[k] for k in (1, 0, 4, 3, 2)]
    numbers = {"−1,234.5": "-1234.5", "1,000": "1000"}
    assert found[0] == list(HEADER)
    assert found[1:-1] == [[numbers.get(cell, cell.strip()) for cell in row] for row in ordered]
    assert found[-1][:2] == ["Mean", "7"]


@pytest.mark.slow
def test_figures_are_saved(opened, run_page):
    tab = opened(run_page)
    links = tab.locator("figcaption .save")
    assert links.count() == tab.locator("figure").count() > 5
    with tab.expect_download() as download:
        links.first.click()
    assert download.value.suggested_filename == "history.svg"
    assert Path(download.value.path()).read_text().startswith("<?xml")
    assert tab.evaluate("Array.from(document.images, (image) => image.naturalWidth > 100)") == [True] * tab.locator("figure").count()


def test_without_scripts_the_page_is_complete(browser, made_page):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1400, "height": 900})
    tab = context.new_page()
    tab.goto(made_page.as_uri())
    assert tab.locator("table").nth(1).locator("tbody tr").count() == len(ROWS)
    assert tab.locator("button").count() == 0
    context.close()


def test_what_is_folded_is_printed(opened, made_page):
    tab = opened(made_page)
    tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert tab.evaluate("Array.from(document.querySelectorAll('details'), (details) => details.open)") == [True]
    tab.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert tab.evaluate("Array.from(document.querySelectorAll('details'), (details) => details.open)") == [False]
