"""The page docs/architectures.md from the records of `l1ae.families`: `python benchmarks/architectures.py`."""

from pathlib import Path

from l1ae.families import ARCHITECTURES, SCORES, Architecture

PAGE = Path(__file__).parent.parent / "docs" / "architectures.md"

HEAD = """# Architectures and scores

Made from the records in `l1ae/families` by `python benchmarks/architectures.py`. `model.architecture` and `model.score` of a
configuration name them; what they need of the [layout](layouts.md) is checked before anything is trained.

"""
READS = {
    "flat": "any columns",
    "convolutions": "an image, a waveform, or objects with equally many features",
    "objects": "objects, group by group, and everything else as it is",
}


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in lines)


def title_of(architecture: Architecture) -> str:
    """Its title, which reports complete with a file's name or a number of columns."""
    if architecture.imported:
        return f"{architecture.title} a file"
    return f"{architecture.title} columns" if architecture.title.endswith(" of") else architecture.title


def text() -> str:
    """The page."""
    architectures = [
        (
            f"`{item.name}`",
            title_of(item),
            READS[item.front] if item.front else "what the file says",
            ", ".join(f"`{name}`" for name in item.scores),
            ", ".join(f"`{key}`" for key in sorted(item.keys)),
        )
        for item in ARCHITECTURES.values()
    ]
    scores = [(f"`{item.name}`", item.text, "yes" if item.tabled else "", item.source) for item in SCORES.values()]
    first = _table(("architecture", "network", "reads", "scores", "keys of `model` that only some have"), architectures)
    second = _table(("score", "is", "tables", "source"), scores)
    return f"{HEAD}{first}\n{second}"


if __name__ == "__main__":
    PAGE.write_text(text())
