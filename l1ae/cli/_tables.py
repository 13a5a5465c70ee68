"""Tables of results that can be read in any width: nothing is cut, no number is torn from its error."""

import re
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from l1ae.cli._terminal import RESULTS

__all__ = ["fitted", "show"]

# spaces that belong to a number: of an error, of an interval, and of what stands behind a colon
_JOINED = re.compile(r" ± |(?<=\d) (?=−)|(?<=:) |(?<=\(from) ")
_JOIN = "\N{NO-BREAK SPACE}"
_BETWEEN = 2
_LONG_WORD = 24
"""Words that are longer may be folded."""

Column = tuple[bool, list[str]]
"""Whether it is of words (and not of numbers), and its heading with its cells."""


def show(table: Table) -> None:
    """Print a table of results, in which numbers are in the columns that are aligned to the right."""
    RESULTS.print(fitted(table, RESULTS.width))


def fitted(table: Table, width: int) -> Table | Text:
    """The table in a width: where it must be with the numbers of a cell below each other, and where even that needs more, a line for each
    cell."""
    title = _plain(table.title)
    columns = [(column.justify != "right", [_plain(cell) for cell in (column.header, *column.cells)]) for column in table.columns]
    for tried in (columns, [_broken(*column) for column in columns]):
        if sum(map(_least_width, tried)) + _BETWEEN * (len(tried) - 1) <= width:
            return _table(title, tried)
    return _records(title, [cells for _, cells in columns])


def _plain(cell: object) -> str:
    return cell.plain if isinstance(cell, Text) else Text.from_markup(str(cell or "")).plain


def _broken(words: bool, cells: Sequence[str]) -> Column:
    if words:
        return words, list(cells)
    joined = (_JOINED.sub(lambda found: found[0].replace(" ", _JOIN), cell) for cell in cells)
    return words, [cell.replace(" ", "\n").replace(_JOIN, " ") for cell in joined]


def _least_width(column: Column) -> int:
    words, cells = column
    if words:
        return max((min(cell_len(word), _LONG_WORD) for cell in cells for word in cell.split()), default=0)
    return max(cell_len(line) for cell in cells for line in cell.split("\n"))


def _table(title: str, columns: Sequence[Column]) -> Table:
    table = Table(title=Text(title), box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for words, (heading, *_) in columns:
        table.add_column(Text(heading), justify="left" if words else "right", no_wrap=not words, overflow="fold", vertical="top")
    for row in zip(*(cells[1:] for _, cells in columns), strict=True):
        table.add_row(*map(Text, row))
    return table


def _records(title: str, columns: Sequence[Sequence[str]]) -> Text:
    header, *rows = zip(*columns, strict=True)
    longest = max(map(cell_len, header))
    blocks = ["\n".join(f"{heading:<{longest}}  {cell}" for heading, cell in zip(header, row, strict=True) if cell) for row in rows]
    return Text("\n\n".join([title, *blocks]) + "\n")
