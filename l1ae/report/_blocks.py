"""What a report is made of: sections of paragraphs, facts, tables, pictures and notices, already as text."""

import base64
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Block", "Facts", "Notice", "Paragraph", "Picture", "Section", "Table"]


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True)
class Notice:
    """A line that must be seen; `tone` is "good", "bad", "missing" or "info"."""

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
class Table:
    """A table; the first `text_columns` columns are text, the others numbers. Long ones are `folded` on screen."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int = 1
    folded: bool = False
    kind: Literal["table"] = "table"


@dataclass(frozen=True)
class Picture:
    """A figure as SVG text."""

    svg: str
    alt: str
    caption: str
    wide: bool = False
    kind: Literal["picture"] = "picture"

    @property
    def data_uri(self) -> str:
        """The figure inside the page; as an image of its own, its element names cannot collide with another figure's."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg.encode()).decode()


Block = Paragraph | Notice | Facts | Table | Picture


@dataclass(frozen=True)
class Section:
    """A headed part of the report; `anchor` is its target in the table of contents."""

    anchor: str
    title: str
    blocks: tuple[Block, ...] = field(default=())
