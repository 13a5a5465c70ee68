"""What a report is made of: sections of paragraphs, facts, tiles, tables, pictures and notices, already as text."""

import base64
from dataclasses import dataclass, field
from typing import Literal

from matplotlib.figure import Figure

from l1ae.evaluation import figure_pdf, figure_svg

__all__ = ["Block", "Facts", "Notice", "Paragraph", "Picture", "Section", "Table", "Tile", "Tiles", "drawn"]


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True)
class Notice:
    """A line that must be seen; `tone` is "good", "bad", "missing" or "info". A page shows equal ones once, where the first is."""

    tone: Literal["good", "bad", "missing", "info"]
    text: str
    details: tuple[str, ...] = ()
    kind: Literal["notice"] = "notice"


@dataclass(frozen=True)
class Facts:
    """Names and values."""

    rows: tuple[tuple[str, str], ...]
    kind: Literal["facts"] = "facts"


@dataclass(frozen=True)
class Tile:
    """One number that is read first: its name, its value, and what it is of."""

    name: str
    value: str
    note: str = ""
    tone: Literal["good", "bad", "plain"] = "plain"


@dataclass(frozen=True)
class Tiles:
    """Numbers side by side."""

    tiles: tuple[Tile, ...]
    kind: Literal["tiles"] = "tiles"


@dataclass(frozen=True)
class Table:
    """A table; the first `text_columns` columns are text, the others numbers. Long ones are `folded` on screen.

    The last `closing` rows (means, totals, thresholds) stay at the end however a reader sorts the others.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int = 1
    folded: bool = False
    closing: int = 0
    kind: Literal["table"] = "table"

    @property
    def body(self) -> tuple[tuple[str, ...], ...]:
        """The rows that are sorted."""
        return self.rows[: len(self.rows) - self.closing]

    @property
    def foot(self) -> tuple[tuple[str, ...], ...]:
        """The rows that close the table."""
        return self.rows[len(self.rows) - self.closing :]


@dataclass(frozen=True)
class Picture:
    """A figure as SVG text. `name` is that of its files; `pdf` is written into the page's folder of figures, None where a stage did.

    `place`: the PDF's, relative to the page; empty where there is none.
    """

    svg: str
    caption: str
    name: str
    wide: bool = False
    pdf: bytes | None = None
    place: str = ""
    kind: Literal["picture"] = "picture"

    @property
    def alt(self) -> str:
        """The figure for those who do not see it."""
        return self.caption

    @property
    def data_uri(self) -> str:
        """The figure inside the page; as an image of its own, its element names cannot collide with another figure's."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg.encode()).decode()


def drawn(figure: Figure, name: str, caption: str, *, wide: bool = False) -> Picture:
    """A figure that only the page needs, as SVG inside it and as NAME.pdf in its folder of figures."""
    return Picture(figure_svg(figure), caption, name, wide, figure_pdf(figure))


Block = Paragraph | Notice | Facts | Tiles | Table | Picture


@dataclass(frozen=True)
class Section:
    """A headed part of the report; `anchor` is its target in the table of contents."""

    anchor: str
    title: str
    blocks: tuple[Block, ...] = field(default=())
