"""What was measured, as small files that are committed, and the pages that state it.

A file of docs/results holds tables and single values. A page states them in two ways:

* a line `<!-- results: FILE#TABLE -->` (FILE without .json) before a table says that it is a table of that file;
* docs/results/figures.yaml names, by page, fragments of its text in which `{FILE#PATH}` stands for a figure. PATH is TABLE/ROW/COLUMN,
  with `[i]` the i-th figure of that cell, or the keys of a value. After `|` may come a format: `percent` for a fraction, `crossings` for
  a text with `CLOCKS x PERIOD ns`, rounded up to bunch crossings of 25 ns, or one of Python's.

`python benchmarks/pages.py` writes the figures into the pages; a test compares them.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from l1ae.errors import UserError
from l1ae.evaluation import Estimate, format_estimate
from l1ae.files import write_text

__all__ = ["FOLDER", "Results", "StatedTable", "fill", "fragment", "keep", "load", "mark", "marked", "publish", "stated"]

FOLDER = Path(__file__).parents[1] / "docs" / "results"

_MARK = re.compile(r"^<!-- results: (?P<file>[\w.-]+)#(?P<table>[\w.-]+) -->\n(?P<lines>(?:\|.*\n?)*)", re.MULTILINE)
_REFERENCE = re.compile(r"\{(?P<file>[\w.-]+)#(?P<path>[^{}|]+)(?:\|(?P<form>[^{}]+))?\}")
CROSSING_NS = 25.0
FIGURE = r"[−-]?\d+(?:,\d{3})*(?:\.\d+)?(?:\s±\s\d[\d.]*|\s\+\d[\d.]*\s−\d[\d.]*)?"
"""A number as pages write it, with its error."""


@dataclass(frozen=True)
class StatedTable:
    """A table as a page states it: names of the columns, `l` or `r` for each, and the cells."""

    header: tuple[str, ...]
    align: str
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, lines: Sequence[str]) -> "StatedTable":
        """From the lines of a table in Markdown. Raises `UserError` where a line has another number of cells."""
        header, rule, *rows = (tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])) for line in lines)
        wrong = [row for row in (rule, *rows) if len(row) != len(header)]
        if wrong:
            raise UserError(f"a line has {len(wrong[0])} cells instead of {len(header)}: '{' | '.join(wrong[0])}'")
        return cls(header, "".join("r" if cell.endswith(":") else "l" for cell in rule), tuple(rows))

    def markdown(self) -> str:
        """The lines."""
        rule = "|".join("---:" if side == "r" else "---" for side in self.align)
        return "".join(f"{line}\n" for line in (_line(self.header), f"|{rule}|", *(_line(row) for row in self.rows)))

    def cell(self, row: str, column: str) -> str:
        """The cell in a row, which is named by its first cell or its first cells, joined by commas.

        Raises `UserError` unless there is one.
        """
        names = [plain(name) for name in self.header]
        found = [cells for cells in self.rows if any(row == ", ".join(map(plain, cells[:n])) for n in range(1, len(cells)))]
        if len(found) != 1 or names.count(column) != 1:
            raise UserError(f"there are {len(found)} rows '{row}' and {names.count(column)} columns '{column}'")
        return found[0][names.index(column)]


def plain(cell: str) -> str:
    """Without the marks of code and emphasis."""
    return re.sub(r"[`*]", "", cell)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


@dataclass(frozen=True)
class Results:
    """A file of results. `made_by`: the command; `source`: how the file came about where that is another one."""

    made_by: str
    source: str = ""
    tables: Mapping[str, StatedTable] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Results":
        """From JSON. Raises `UserError` when the file does not exist."""
        if not path.is_file():
            raise UserError(
                f"there is no file of results '{path}'; '{path.parent}' has {', '.join(sorted(p.stem for p in path.parent.glob('*.json')))}"
            )
        content = json.loads(path.read_text(encoding="utf-8"))
        tables = {
            name: StatedTable(tuple(table["header"]), table["align"], tuple(map(tuple, table["rows"])))
            for name, table in content.get("tables", {}).items()
        }
        return cls(content["made_by"], content.get("source", ""), tables, content.get("values", {}))

    def write(self, path: Path) -> None:
        """As JSON with one line for each row of a table, so that a change shows as such."""
        content: dict[str, Any] = {"made_by": self.made_by}
        if self.source:
            content["source"] = self.source
        if self.values:
            content["values"] = dict(self.values)
        tables = []
        for name, table in self.tables.items():
            rows = ",\n".join(f"    {json.dumps(row, ensure_ascii=False)}" for row in table.rows)
            header = json.dumps(table.header, ensure_ascii=False)
            tables.append(
                f'  {json.dumps(name)}: {{\n   "header": {header},\n   "align": "{table.align}",\n   "rows": [\n{rows}\n   ]\n  }}'
            )
        text = json.dumps(content, indent=1, ensure_ascii=False)
        if tables:
            text = f"{text[:-2]},\n" + ' "tables": {\n' + ",\n".join(tables) + "\n }\n}"
        write_text(path, text + "\n")

    def at(self, path: str) -> Any:
        """What a path names: a value, a cell, or with `[i]` the i-th figure of a cell. Raises `UserError` when there is none."""
        whole = re.fullmatch(r"(.+?)(?:\[(\d+)\])?", path)
        assert whole
        keys, index = whole[1].split("/"), whole[2]
        if keys[0] in self.tables:
            if len(keys) != 3:
                raise UserError(f"'{path}' is not TABLE/ROW/COLUMN")
            found: Any = self.tables[keys[0]].cell(keys[1], keys[2])
        else:
            found = self.values
            for key in keys:
                if not isinstance(found, Mapping) or key not in found:
                    raise UserError(f"'{path}': there is no '{key}'" + (f" among {', '.join(found)}" if isinstance(found, Mapping) else ""))
                found = found[key]
        if index is None:
            return found
        figures = re.findall(FIGURE, found)
        if int(index) >= len(figures):
            raise UserError(f"'{path}': '{found}' has {len(figures)} figures")
        return figures[int(index)]


@cache
def load(name: str, folder: Path = FOLDER) -> Results:
    """The results of that name."""
    return Results.read(folder / f"{name}.json")


def stated(found: Any, form: str | None = None) -> str:
    """A result as a page states it.

    Estimates are written by `format_estimate`, counts with commas, texts as they are. Raises `UserError` for what needs a format
    and has none.
    """
    if form == "crossings" and (latency := re.search(r"(\d+) x ([\d.]+) ns", str(found))):
        return str(math.ceil(int(latency[1]) * float(latency[2]) / CROSSING_NS - 1e-9))
    if isinstance(found, Mapping):
        return format_estimate(Estimate(found["value"], found["low"], found["high"]), 0.01 if form == "percent" else 1.0)
    if form is not None and not isinstance(found, str):
        return f"{100 * found:.3g}" if form == "percent" else format(found, form)
    if isinstance(found, int):
        return f"{found:,}"
    if isinstance(found, str) and form is None:
        return plain(found)
    raise UserError(f"{found!r} {'has no format' if form is None else f'is no number for the format {form!r}'}")


def fragment(text: str, find: Callable[[str], Results] = load) -> tuple[str, re.Pattern[str]]:
    """A fragment with its figures, and the pattern of the same fragment with any figures, however its lines are broken."""
    filled, pattern, last = "", "", 0
    for reference in _REFERENCE.finditer(text):
        before = text[last : reference.start()]
        value = stated(find(reference["file"]).at(reference["path"]), reference["form"])
        filled += before + value
        pattern += _loose(before) + rf"(?:{FIGURE}|[^|\n]{{0,40}}?)"
        last = reference.end()
    if last == 0:
        raise UserError(f"'{text}' refers to no result")
    return filled + text[last:], re.compile(pattern + _loose(text[last:]))


def _loose(text: str) -> str:
    return re.sub(r"(?:\\ |\\\n|\s)+", r"\\s+", re.escape(text))


def mark(file: str, table: str) -> str:
    """The line that stands before a table."""
    return f"<!-- results: {file}#{table} -->"


def marked(text: str) -> Iterator[tuple[str, str, StatedTable]]:
    """File, name and content of the tables of a page that have a mark. Raises `UserError` for a mark without a table."""
    for found in _MARK.finditer(text):
        lines = found["lines"].splitlines()
        if len(lines) < 2:
            raise UserError(f"no table follows the mark of {found['file']}#{found['table']}")
        yield found["file"], found["table"], StatedTable.of(lines)


def fill(text: str, fragments: Sequence[str] = (), find: Callable[[str], Results] = load) -> str:
    """A page with the results as they are now. Raises `UserError` when a fragment is not in it once, or a result is missing."""

    def table(found: re.Match[str]) -> str:
        tables = find(found["file"]).tables
        if found["table"] not in tables:
            raise UserError(f"{found['file']}.json has no table '{found['table']}'")
        return f"{mark(found['file'], found['table'])}\n{tables[found['table']].markdown()}"

    text = _MARK.sub(table, text)
    for one in fragments:
        filled, pattern = fragment(one, find)
        places = list(pattern.finditer(text))
        if len(places) != 1:
            raise UserError(f"the page has {len(places)} places like '{filled}'; change the page, or its line in figures.yaml")
        # the page's own line breaks stay
        if " ".join(places[0][0].split()) != " ".join(filled.split()):
            if "\N{NO-BREAK SPACE}" in places[0][0]:
                filled = re.sub(rf"{FIGURE}(?: %)?", lambda figure: figure[0].replace(" ", "\N{NO-BREAK SPACE}"), filled)
            text = f"{text[: places[0].start()]}{filled}{text[places[0].end() :]}"
    return text


def publish(page: Path, text: str, made_by: str, source: str = "") -> None:
    """Write a page, and the files of results that the marks in it name, from its own tables.

    The files lie in docs/results for a page of docs, in a folder `results` beside any other page.
    """
    folder = FOLDER if page.resolve().is_relative_to(FOLDER.parent) else page.parent / "results"
    found: dict[str, dict[str, StatedTable]] = {}
    for file, name, table in marked(text):
        found.setdefault(file, {})[name] = table
    for file, tables in found.items():
        keep(file, made_by, tables=tables, source=source, folder=folder)
    write_text(page, fill(text, find=lambda name: load(name, folder)))


def keep(
    file: str,
    made_by: str,
    *,
    tables: Mapping[str, StatedTable] | None = None,
    values: Mapping[str, Any] | None = None,
    source: str = "",
    folder: Path = FOLDER,
) -> None:
    """Put tables and values into a file of results. What else it holds stays."""
    path = folder / f"{file}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    before = Results.read(path) if path.is_file() else Results(made_by)
    Results(made_by, source, {**before.tables, **(tables or {})}, {**before.values, **(values or {})}).write(path)
    load.cache_clear()
