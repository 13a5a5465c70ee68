"""Tables of results in any width: nothing is cut, and no number is torn from its error."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from l1ae.cli._tables import fitted

ROWS = [
    ("0.15", "1023 (from 1003)", "0.15 +0.13 −0.07", "29.6 ± 0.5 (11.8)", "1002: 0.1811", "every tensor, score, trigger bit"),
    ("10", "605", "10.0 ± 0.7", "48.7 ± 0.5 (19.5)", "604: 10.08", "score"),
]
HEADER = ("asked", "threshold", "raw", "efficiency", "lower threshold", "compared")
TOGETHER = ["0.15", "1023", "(from 1003)", "+0.13 −0.07", "29.6 ± 0.5", "(11.8)", "1002: 0.1811", "10.0 ± 0.7", "48.7 ± 0.5", "604: 10.08"]


def written(width: int) -> str:
    table = Table(title="A title of [brackets]\\[and] more than sixty characters, so that it does not fit into the least width")
    for k, heading in enumerate(HEADER):
        table.add_column(heading, justify="left" if k == len(HEADER) - 1 else "right")
    for row in ROWS:
        table.add_row(*row)
    console = Console(width=width, file=io.StringIO())
    console.print(fitted(table, width))
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 67, 80, 100, 106, 120, 200])
def test_numbers_are_whole_in_every_width(width):
    text = written(width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert "…" not in text
    for part in TOGETHER:
        assert part in text, f"'{part}' is torn"
    for word in ["every", "tensor,", "score,", "trigger", "bit"]:
        assert word in text


def test_the_form_follows_from_the_width():
    wide, narrow, records = written(120), written(80), written(50)
    assert "1023 (from 1003)" in wide
    assert "1023 (from 1003)" not in narrow
    assert any(line.split() == ["asked", "0.15"] for line in records.splitlines())
