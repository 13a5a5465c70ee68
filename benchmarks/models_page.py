"""The page docs/models.md from the configurations: `python benchmarks/models_page.py`.

What a model is, its file says in the comment at its beginning.
"""

from collections.abc import Iterator
from pathlib import Path

from l1ae.config import load_config
from l1ae.errors import UserError
from l1ae.files import write_text

__all__ = ["PAGE", "comment", "text"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "models.md"

HEAD = """# Models that come with l1ae

Made from `configs/` by `python benchmarks/models_page.py`. A model is a YAML file; `l1ae run NAME` takes it from training to
firmware, `--set KEY=VALUE` changes a key, and a copy is a model of your own. What architectures and scores are:
[architectures.md](architectures.md); what these models find at a rate: [at_rate_tables.md](at_rate_tables.md); their areas under the curve:
[families.md](families.md).

"""
SECTIONS = {
    "On the objects of the trigger": "",
    "On other inputs": "inputs",
}


def comment(path: Path) -> str:
    """The first paragraph of the comment that a YAML file begins with. Raises `UserError` when it begins without one."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#") or line == "#":
            break
        lines.append(line.removeprefix("#").strip())
    if not lines:
        raise UserError(f"'{path}' does not say what the model is; begin it with a comment")
    return " ".join(lines)


def row(path: Path) -> str:
    """Name, inputs, architecture, score and what the model is."""
    config = load_config(path)
    name = path.relative_to(ROOT / "configs").as_posix().removesuffix(".yaml")
    model = config.model
    cells = [
        f"`{name}`",
        f"`{config.inputs.layout.name}`",
        f"`{model.architecture}`",
        f"`{model.score}`",
        comment(path).replace("|", "\\|"),
    ]
    return f"| {' | '.join(cells)} |"


def sections() -> Iterator[str]:
    """A table for each folder of configurations."""
    for title, folder in SECTIONS.items():
        yield f"## {title}\n"
        yield "| configuration | layout | architecture | score | what it is |\n|---|---|---|---|---|"
        yield from (row(path) for path in sorted((ROOT / "configs" / folder).glob("*.yaml")))
        yield ""


def text() -> str:
    """The page."""
    return HEAD + "\n".join(sections()).rstrip() + "\n"


if __name__ == "__main__":
    write_text(PAGE, text())
