"""The commands that pages and notebooks show."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Shown", "pages", "shown", "spans"]

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^(?P<ticks>`{3,})(?P<language>[\w{}-]*)[^\n]*\n(?P<body>.*?)^(?P=ticks)\s*$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?:\$ |!|%%?\w+ )?(?P<line>(?:l1ae|make|python benchmarks/\S+|pip install)(?: .*)?)$")
_OTHER_LANGUAGES = {
    "yaml",
    "python",
    "verilog",
    "vhdl",
    "c",
    "cpp",
    "json",
    "toml",
    "yaml-reference",
    "yaml-description",
    "{include}",
    "{toctree}",
    "{eval-rst}",
}


@dataclass(frozen=True)
class Shown:
    """A command as a page shows it: words of the shell, without its comment."""

    page: Path
    line: str

    @property
    def words(self) -> list[str]:
        """As a shell would split it."""
        return shlex.split(self.line, comments=True)

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.line}"


def pages() -> list[Path]:
    """README, the pages and notebooks of the site that are not made from the code, and the READMEs of firmware and deliveries."""
    docs = [page for kind in ("*.md", "*.ipynb") for page in (ROOT / "docs").rglob(kind)]
    made = {ROOT / "docs" / "reference" / name for name in ("api", "files", "keys")}
    own = [page for page in docs if not made & set(page.parents) and ".ipynb_checkpoints" not in page.parts]
    return [
        ROOT / "README.md",
        ROOT / "firmware" / "README.md",
        *sorted((ROOT / "l1ae" / "delivery" / "templates").rglob("README.md.j2")),
        *sorted(own),
    ]


def shown(page: Path) -> Iterator[Shown]:
    """Every command in a fenced or indented block of a page, or in a cell of a notebook, in order."""
    for block in _blocks(page):
        for line in block.replace("\\\n", " ").splitlines():
            if found := _COMMAND.match(line.strip()):
                yield Shown(page, found["line"].strip())


def _blocks(page: Path) -> Iterator[str]:
    # what a template fills in is a number or a name
    text = re.sub(r"\{\{.*?\}\}", "1", page.read_text(encoding="utf-8")) if page.suffix == ".j2" else page.read_text(encoding="utf-8")
    if page.suffix == ".ipynb":
        for cell in json.loads(text)["cells"]:
            source = "".join(cell["source"])
            yield from _fenced(source) if cell["cell_type"] == "markdown" else (source,)
        return
    yield from _fenced(text)


def _fenced(text: str) -> Iterator[str]:
    rest = text
    for found in _FENCE.finditer(text):
        if found["language"] not in _OTHER_LANGUAGES:
            yield found["body"]
    rest = _FENCE.sub("", text)
    yield "\n".join(line for line in rest.splitlines() if line.startswith("    "))


def spans(page: Path) -> Iterator[Shown]:
    """Every command in running text, `l1ae ...` between backquotes; it may be an outline, with [ ] and | and names in capitals."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for found in re.finditer(r"`(l1ae [^`]+)`", text):
        yield Shown(page, " ".join(found[1].replace("\\|", "|").replace('\\"', '"').split()))
