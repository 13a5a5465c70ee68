"""Every message that l1ae can end with, and which of them the tests provoke.

With L1AE_MESSAGES=FOLDER the tests note in that folder where errors for users are raised. `python -m tests.messages FOLDER` then
writes docs/messages.md: each `raise` or `return` of such an error in the package, by file, with its text, and whether a test provoked it.
"""

import ast
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l1ae.errors import CheckFailedError, L1aeError, MissingExtraError, UserError

__all__ = ["ENVIRONMENT", "Message", "messages", "note_errors"]

ENVIRONMENT = "L1AE_MESSAGES"

_PACKAGE = Path(__file__).parents[1] / "l1ae"
_PAGE = Path(__file__).parents[1] / "docs" / "messages.md"
_ERRORS = {error.__name__ for error in (L1aeError, UserError, CheckFailedError, MissingExtraError)}


@dataclass(frozen=True)
class Message:
    """One `raise` or `return`: its file below the package, its first and last line, and the text with what is filled in as …."""

    file: str
    first: int
    last: int
    text: str


def messages() -> list[Message]:
    """All of the package, in order."""
    return [message for path in sorted(_PACKAGE.rglob("*.py")) for message in _of(path)]


def _of(path: Path) -> Iterator[Message]:
    for node in ast.walk(ast.parse(path.read_text())):
        call = node.exc if isinstance(node, ast.Raise) else node.value if isinstance(node, ast.Return) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _ERRORS:
            text = " ".join(_words(call.args[0]).split()) if call.args else ""
            yield Message(str(path.relative_to(_PACKAGE)), node.lineno, node.end_lineno or node.lineno, text)


def _words(node: ast.expr) -> str:
    """The constant words of a text."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _words(node.left) + _words(node.right)
    return "…"


def note_errors(folder: Path) -> None:
    """From now on, write down the place of every error for users that is made in this process."""
    folder.mkdir(parents=True, exist_ok=True)
    notes, make = folder / f"{os.getpid()}.txt", L1aeError.__init__

    def noting(self: L1aeError, *arguments: Any) -> None:
        place = sys._getframe(1)
        with notes.open("a") as file:
            file.write(f"{place.f_code.co_filename}:{place.f_lineno}\n")
        make(self, *arguments)

    L1aeError.__init__ = noting  # type: ignore[method-assign]


def _provoked(folder: Path) -> set[tuple[str, int]]:
    places = {line for path in folder.glob("*.txt") for line in path.read_text().splitlines()}
    found = set()
    for place in places:
        file, _, line = place.rpartition(":")
        if "/l1ae/" in file:
            found.add((file.rpartition("/l1ae/")[2], int(line)))
    return found


def main(folder: Path) -> None:
    """Write the page."""
    provoked, by_file = _provoked(folder), defaultdict(list)
    for message in messages():
        seen = any((message.file, line) in provoked for line in range(message.first, message.last + 1))
        by_file[message.file].append((seen, message.text))
    total = [seen for found in by_file.values() for seen, _ in found]
    lines = [
        "# Messages",
        "",
        "Every error that l1ae raises for its users, as it stands in the sources; … is what is filled in. Made by",
        "`L1AE_MESSAGES=FOLDER make test-all` and `python -m tests.messages FOLDER`; messages of values in a configuration that are wrong",
        "by themselves come from its types and are not in this list.",
        "",
        f"{len(total)} messages, {sum(total)} of them provoked by a test.",
    ]
    for file, found in by_file.items():
        lines += ["", f"## {file}", "", *(f"- [{'x' if seen else ' '}] {text}" for seen, text in found)]
    _PAGE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
