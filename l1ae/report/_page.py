"""One HTML file that needs nothing else, from sections."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from l1ae import __version__
from l1ae.files import write_text
from l1ae.report._blocks import Block, Section

__all__ = ["write_page"]


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
) -> None:
    """Write the page to `path`, under a temporary name first. `finished`: when the last of what it is made of was; empty: not said."""
    environment = Environment(
        loader=PackageLoader("l1ae.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("report.html.j2").render(
        title=title,
        heading=heading,
        subtitle=subtitle,
        finished=finished,
        version=__version__,
        summary=summary,
        sections=sections,
        glossary=glossary,
    )
    write_text(path, page)
