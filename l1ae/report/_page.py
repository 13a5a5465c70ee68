"""One HTML file that needs nothing else, from sections."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from l1ae import __version__
from l1ae.errors import UserError
from l1ae.files import write_bytes, write_text
from l1ae.report._blocks import Block, Notice, Picture, Section

__all__ = ["json_path", "quantities", "write_page"]

_NUMBER = r"[+−-]?\d[\d,]*(?:\.\d+)?(?:e[+−-]?\d+)?"
_ERROR = rf"(?: ± {_NUMBER}| \+{_NUMBER} −{_NUMBER})"
_UNIT = r" (?:%|[kMG]?Hz|[nµmp]?s|min|h|GeV|LSB|LUTs?|FFs?|DSPs?|bits?|cycles|clock cycles|clocks|crossings|events)(?![\w/])"
_QUANTITY = re.compile(
    rf"(?<![\w.,])(?:\({_NUMBER}{_ERROR}\)(?:{_UNIT})?|[≥≤<>] {_NUMBER}(?:{_ERROR})?(?:{_UNIT})?|{_NUMBER}(?:{_ERROR}(?:{_UNIT})?|{_UNIT}))"
)


def quantities(text: str) -> Markup:
    """The text, escaped, in which no line breaks inside a number with its error and unit."""
    pieces, last = [], 0
    for found in _QUANTITY.finditer(text):
        pieces += [escape(text[last : found.start()]), Markup('<span class="q">{}</span>').format(found.group())]
        last = found.end()
    return Markup("").join([*pieces, escape(text[last:])])


def json_path(html: Path) -> Path:
    """Where the numbers of a page go. Raises `UserError` when the page is not named as one, or its folder does not exist."""
    if html.suffix.lower() not in {".html", ".htm"}:
        raise UserError(f"'{html}' must end in .html; the numbers are written beside it as JSON")
    if not html.parent.is_dir():
        raise UserError(f"'{html.parent}' is no folder; make it first, or write elsewhere")
    return html.with_suffix(".json")


def write_page(
    path: Path,
    *,
    title: str,
    heading: str,
    subtitle: str,
    summary: Sequence[Block],
    sections: Sequence[Section],
    glossary: Sequence[tuple[str, str]],
    finished: str = "",
    figures: str = "figures",
) -> None:
    """Write the page to `path`, under a temporary name first, and the figures that were drawn for it as PDF into the folder `figures`
    beside it.

    `finished`: when the last of what it is made of was; empty: not said. Of equal notices only the first one is shown.
    """
    page = [Section("summary", "Summary", tuple(summary)), *sections]
    _write_figures(path.parent / figures, [block for section in page for block in section.blocks])
    seen: set[Notice] = set()
    first, *others = (replace(section, blocks=tuple(_shown(section.blocks, figures, seen))) for section in page)
    environment = Environment(
        loader=PackageLoader("l1ae.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["quantities"] = quantities
    text = environment.get_template("report.html.j2").render(
        title=title,
        heading=heading,
        subtitle=subtitle,
        finished=finished,
        version=__version__,
        summary=first.blocks,
        sections=others,
        glossary=glossary,
    )
    write_text(path, text)


def _shown(blocks: Sequence[Block], figures: str, seen: set[Notice]) -> list[Block]:
    """Without the notices that were `seen`, which grows; pictures know where their PDF is."""
    found: list[Block] = []
    for block in blocks:
        if isinstance(block, Notice):
            if block in seen:
                continue
            seen.add(block)
        found.append(replace(block, place=f"{figures}/{block.name}.pdf") if isinstance(block, Picture) and block.pdf else block)
    return found


def _write_figures(folder: Path, blocks: Sequence[Block]) -> None:
    """Those that were drawn for the page; PDFs of an earlier one are removed."""
    made = {f"{block.name}.pdf": block.pdf for block in blocks if isinstance(block, Picture) and block.pdf is not None}
    if made:
        folder.mkdir(exist_ok=True)
    for name, content in made.items():
        write_bytes(folder / name, content)
    for old in folder.glob("*.pdf"):
        if old.name not in made:
            old.unlink()
