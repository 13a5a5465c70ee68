"""Markdown of the pages that benchmarks write."""

import re
import textwrap
from collections.abc import Iterator

from results import mark

from l1ae.report import Table

__all__ = ["markdown", "paragraph"]

_WIDTH = 138
_WORDS = 6


def markdown(table: Table, file: str = "", prefix: str = "") -> Iterator[str]:
    """The lines of a table, with its caption before it and an empty one behind. Columns of numbers are aligned to the right.

    With the name of a file of results the table has the mark of one in it, whose name is made of the caption's first words.
    """
    yield f"{table.caption}:\n"
    if file:
        yield mark(file, prefix + "-".join(re.findall(r"[a-z0-9]+", table.caption.lower())[:_WORDS]))
    yield f"| {' | '.join(table.header)} |"
    yield f"|{'---|' * table.text_columns}{'---:|' * (len(table.header) - table.text_columns)}"
    for row in table.rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
    yield ""


def paragraph(text: str) -> str:
    """Running text in lines of a page's width, with an empty one behind."""
    return f"{textwrap.fill(text, _WIDTH)}\n"
