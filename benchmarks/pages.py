"""Write the figures of docs/results into README.md and the pages of docs: `python benchmarks/pages.py [--check] [PAGE ...]`.

With `--check` nothing is written, and the exit status is 1 when a page states a figure that its file of results does not hold, or a
measured figure that no file of results is named for (see results.py). `--take` does the reverse, once, for a page whose tables were
measured before there was a file: their rows go into the files that the marks name, `--source` says where they came from.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from results import FIGURE, Results, fill, fragment, load, marked, publish

from l1ae.errors import UserError
from l1ae.files import write_text

__all__ = ["ROOT", "Figures", "figures_of", "pages", "unaccounted", "wrong"]

ROOT = Path(__file__).parents[1]
EVERY = ("README.md",)
"""Pages of which every number is accounted for; of the others, those with an error or a unit."""
SHOWN = ("docs/howto/", "docs/messages.md", "docs/reference/", "docs/tutorials/")
"""Pages that say how something is done or what is said: numbers with a unit are those of examples and settings."""
WRITTEN = tuple(f"docs/{name}.md" for name in ("architectures", "front", "models", "rtl_calibration", "rtl_estimator", "search_throughput"))
"""Pages that benchmarks write as a whole: their running text has the same source as their tables."""

_HIDDEN = re.compile(r"^```.*?^```|<!--.*?-->|`[^`\n]*`|\]\([^)\s]*\)|https?://\S+|arXiv:[\d.]+|doi:\S+", re.MULTILINE | re.DOTALL)
_UNIT = re.compile(r"\s?(?:%|(?:kHz|LUTs?|ns|µs|ms|s|MB|GB|events/s|times|minutes|hours)\b|million\b)")
_NUMBER = re.compile(rf"(?<![\w.,#-]){FIGURE}")


@dataclass(frozen=True)
class Figures:
    """What figures.yaml says of a page: fragments that refer to results, and other fragments with the reason why no file holds them.

    `everywhere`: fragments that need no result on any page.
    """

    figures: tuple[str, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    everywhere: Mapping[str, str] = field(default_factory=dict)


def figures_of(page: Path, root: Path = ROOT) -> Figures:
    """Of a page, by its path from the root. Raises `UserError` for other keys."""
    content = yaml.safe_load((root / "docs" / "results" / "figures.yaml").read_text(encoding="utf-8"))
    content = content or {}
    entry = content.get(page.relative_to(root).as_posix(), {})
    if set(entry) - {"figures", "others"}:
        raise UserError(f"figures.yaml: '{page.name}' has {', '.join(sorted(entry))}, and may have 'figures' and 'others'")
    return Figures(tuple(entry.get("figures", ())), entry.get("others", {}), content.get("everywhere", {}))


def pages(root: Path = ROOT) -> list[Path]:
    """README and all pages of docs in Markdown."""
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def wrong(page: Path, root: Path = ROOT) -> str | None:
    """What of a page is not as its results are."""
    text = page.read_text(encoding="utf-8")
    try:
        filled = fill(text, figures_of(page, root).figures)
    except UserError as error:
        return str(error)
    for line, (old, new) in enumerate(zip(text.splitlines(), filled.splitlines(), strict=False), 1):
        if old != new:
            return f"line {line} is '{old}' and its results say '{new}'"
    return None if text == filled else "it has other lines than its results say"


def unaccounted(page: Path, root: Path = ROOT) -> list[str]:
    """Figures of a page that neither a table with a mark nor a line of figures.yaml holds: each with what stands around it."""
    text, known, name = page.read_text(encoding="utf-8"), figures_of(page, root), page.relative_to(root).as_posix()
    held, shown = list(_spans(text, known, load)), _without(text)
    found = []
    for number in _NUMBER.finditer(shown):
        start, end = number.span()
        measured = (
            name in EVERY or "±" in number[0] or "+" in number[0] or (not name.startswith((*WRITTEN, *SHOWN)) and _UNIT.match(shown, end))
        )
        if measured and not any(low <= start and end <= high for low, high in held):
            found.append(" ".join(text[max(start - 40, 0) : end + 30].split()))
    return found


def _without(text: str) -> str:
    """The text with blanks where its code, comments and addresses were."""
    return _HIDDEN.sub(lambda found: re.sub(r"\S", " ", found[0]), text)


def _spans(text: str, known: Figures, find: Callable[[str], Results]) -> Iterator[tuple[int, int]]:
    for found in re.finditer(r"^<!-- results: .*? -->\n(?:\|.*\n?)*", text, re.MULTILINE):
        yield found.span()
    for one in known.figures:
        yield from (found.span() for found in fragment(one, find)[1].finditer(text))
    for one in known.others:
        places = list(re.finditer(r"\s+".join(map(re.escape, one.split())), text))
        if not places:
            raise UserError(f"figures.yaml: the page does not say '{one}'")
        yield from (place.span() for place in places)
    for one in known.everywhere:
        yield from (place.span() for place in re.finditer(r"\s+".join(map(re.escape, one.split())), text))


def take(page: Path, made_by: str, source: str) -> None:
    """The tables of a page into the files that its marks name."""
    text = page.read_text(encoding="utf-8")
    if not list(marked(text)):
        raise UserError(f"'{page}' has no mark of a table")
    publish(page, text, made_by, source=source)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=Path, nargs="*", metavar="PAGE")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--take", metavar="COMMAND", help="the command that made the tables")
    parser.add_argument("--source", default="")
    options = parser.parse_args(arguments)
    chosen = [page.resolve() for page in options.pages] or pages()
    failed = 0
    for page in chosen:
        try:
            if options.take:
                take(page, options.take, options.source)
            elif options.check:
                problems = [one for one in (wrong(page),) if one] + [f"no results are named for '{one}'" for one in unaccounted(page)]
                failed += bool(problems)
                for one in problems:
                    print(f"{page.relative_to(ROOT)}: {one}")
            else:
                text = page.read_text(encoding="utf-8")
                if (filled := fill(text, figures_of(page).figures)) != text:
                    write_text(page, filled)
                    print(page.relative_to(ROOT))
        except UserError as error:
            failed += 1
            print(f"{page.relative_to(ROOT)}: {error}", file=sys.stderr)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
