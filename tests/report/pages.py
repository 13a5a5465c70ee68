"""What a reader sees of a page."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

__all__ = ["Page", "unbroken", "words"]

VOID = {"meta", "img", "br", "link"}
INLINE = {"span", "code", "strong"}


def unbroken(html: str) -> str:
    """Some HTML without what only keeps numbers with their errors and units."""
    return re.sub(r'<span class="q">([^<]*)</span>', r"\1", html)


def words(html: str) -> str:
    """The text of some HTML, entities as they are; what only keeps numbers together does not separate them from what follows."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", unbroken(html)))


class Page(HTMLParser):
    """The page's text, attributes and nesting; unbalanced tags fail at once."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.pieces: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.source = path.read_text()
        self.feed(self.source)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.stack.append(tag)
        self._separate(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag
        self._separate(tag)

    def handle_data(self, data: str) -> None:
        if self.stack[-1:] not in (["style"], ["title"], ["script"]):
            self.pieces.append(data)

    def _separate(self, tag: str) -> None:
        if tag not in INLINE or ("span", "class", "detail") in self.attributes[-1:]:
            self.pieces.append(" ")

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())

    def notices(self, tone: str) -> int:
        return sum(value == f"notice {tone}" for _, name, value in self.attributes if name == "class")

    def table(self, caption: str) -> list[list[str]]:
        """Cells of the table whose caption begins so, the header first."""
        found = [part for part in self.source.split('<div class="tabular" data-name="')[1:] if unescape(part).startswith(caption)]
        assert len(found) == 1, caption
        rows = re.findall(r"<tr>(.*?)</tr>", found[0].partition("</table>")[0], re.S)
        return [[unescape(words(cell)).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)] for row in rows]
