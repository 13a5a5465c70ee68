"""Reading a report's text: lines with numbers, tables, values as the tools write them, and errors that name file and line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from l1ae.errors import UserError

__all__ = ["Text", "check_version", "number", "quantity"]

# What the tools write where they know nothing. `~0` and `<0.01` are rounded: nobody knows what they were.
_UNKNOWN = {"", "-", "--", "---", "?", "undef", "NA", "N/A", "~0", "<0.01", "inf", "-inf"}

_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?([eE][+-]?\d+)?")
_UNITS = {"ps": 1e-3, "ns": 1.0, "us": 1e3, "ms": 1e6, "sec": 1e9}

_OLDEST = (2019, 2)


def number(cell: str) -> float | None:
    """A number as the tools write it (`1,234`, `0.5`, `-0.333`, `24*`), None where they do not know it.

    Raises `ValueError` for anything else.
    """
    text = cell.strip()
    if text in _UNKNOWN:
        return None
    plain = text.rstrip("*")
    if _NUMBER.fullmatch(plain) is None:
        raise ValueError(f"'{text}' is no number")
    return float(plain.replace(",", ""))


def quantity(cell: str) -> float | None:
    """A time with its unit (`6.912 ns`, `1.350 us`) in ns, None where it is not known. Raises `ValueError` for anything else."""
    found = re.fullmatch(r"(\S+)\s+(ps|ns|us|ms|sec)", cell.strip())
    if found is None:
        return number(cell)
    value = number(found[1])
    return None if value is None else value * _UNITS[found[2]]


@dataclass(frozen=True)
class Text:
    """A report's lines; line numbers in errors count from 1."""

    path: Path
    lines: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> "Text":
        """Bytes that are no text become marks that no number holds."""
        return cls(path, tuple(path.read_text(encoding="utf-8", errors="replace").splitlines()))

    def error(self, line: int, reason: str) -> UserError:
        """`line` counts from 0."""
        return UserError(f"'{self.path}', line {line + 1}: {reason}; run the tool again, or remove the report")

    def find(self, pattern: str, start: int = 0) -> int | None:
        """The first line from `start` on that `pattern` is found in."""
        return next((i for i in range(start, len(self.lines)) if re.search(pattern, self.lines[i])), None)

    def need(self, pattern: str, what: str, start: int = 0) -> int:
        """As `find`; raises `UserError` when there is none."""
        found = self.find(pattern, start)
        if found is None:
            raise self.error(
                max(len(self.lines) - 1, 0), f"the report ends without {what}: it is damaged, or of a layout that l1ae does not know"
            )
        return found

    def field(self, name: str, prefix: str = r"\|") -> tuple[int, str] | None:
        """Line and value of `| NAME : value` in the head of a report, with another `prefix` where the layout has one."""
        for i, line in enumerate(self.lines[:60]):
            found = re.fullmatch(rf"\s*{prefix}\s*{re.escape(name)}\s*:\s*(.*?)\s*", line)
            if found:
                return i, found[1]
        return None

    def rows(self, start: int) -> Iterator[tuple[int, list[str]]]:
        """The cells of the first table from `start` on."""
        begun = False
        for i in range(start, len(self.lines)):
            line = self.lines[i].strip()
            if line.startswith("|") and line.endswith("|"):
                begun = True
                yield i, [cell.strip() for cell in line[1:-1].split("|")]
            elif begun and not line.startswith("+"):
                return

    def number(self, line: int, cell: str) -> float | None:
        """As `number`; raises `UserError` naming the line."""
        try:
            return number(cell)
        except ValueError as error:
            raise self.error(line, str(error)) from error

    def integer(self, line: int, cell: str) -> int | None:
        """A whole number; raises `UserError` naming the line."""
        value = self.number(line, cell)
        if value is not None and value != int(value):
            raise self.error(line, f"'{cell.strip()}' is no whole number")
        return None if value is None else int(value)

    def cell(self, line: int, cells: Sequence[str], column: int) -> str:
        """One cell of a row; raises `UserError` when the row is too short."""
        if column >= len(cells):
            raise self.error(line, f"the row has {len(cells)} cells, not {column + 1} or more")
        return cells[column]


def check_version(text: Text, line: int, version: str) -> str:
    """`2023.1`, also with a patch (`2020.2.2`, `2019.1.op`). Raises `UserError` when it is no version or one before 2019.2."""
    found = re.fullmatch(r"(\d{4})\.(\d)(\.\w+)?", version)
    if found is None:
        raise text.error(line, f"'{version}' is no version of the vendor's tools; l1ae knows 2019.2 and later")
    if (int(found[1]), int(found[2])) < _OLDEST:
        raise text.error(line, f"reports of version {version} have another layout; l1ae knows 2019.2 and later")
    return version
