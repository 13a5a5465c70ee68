"""Markdown of the pages that benchmarks write."""

import textwrap
from collections.abc import Iterator

from l1ae.report import Table

__all__ = ["markdown", "paragraph"]

_WIDTH = 138


def markdown(table: Table) -> Iterator[str]:
    """The lines of a table, with its caption before it and an empty one behind. Columns of numbers are aligned to the right."""
    yield f"{table.caption}:\n"
    yield f"| {' | '.join(table.header)} |"
    yield f"|{'---|' * table.text_columns}{'---:|' * (len(table.header) - table.text_columns)}"
    for row in table.rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
    yield ""


def paragraph(text: str) -> str:
    """Running text in lines of a page's width, with an empty one behind."""
    return f"{textwrap.fill(text, _WIDTH)}\n"
