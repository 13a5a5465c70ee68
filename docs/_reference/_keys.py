"""Pages of every key of the files that people write, from the schemas that these files are validated by."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from _reference._words import default_text, limits_text, models_in, type_text, units_in
from l1ae.config import Config, Description, NamedMenu, SeedConfig
from l1ae.data.generator import GeneratorConfig
from l1ae.data.tables import TableMapping
from l1ae.engine import HTCondor, Slurm
from l1ae.inputs import Layout
from l1ae.search import StudyConfig

__all__ = ["PAGES", "Key", "KeyPage", "key_pages", "keys_of"]


@dataclass(frozen=True)
class KeyPage:
    """One kind of file: its title, what it is for, and the sections that it begins with, by the name of each."""

    title: str
    about: str
    roots: dict[str, type[BaseModel]]


@dataclass(frozen=True)
class Key:
    """One key of a section."""

    path: str
    section: type[BaseModel]
    field: FieldInfo


PAGES = {
    "configuration.md": KeyPage(
        "Configuration of a run",
        "The YAML file that `l1ae train`, `l1ae run` and `l1ae estimate` take. Files that it names are relative to it. `--set key=value` "
        "overrides a key, with the whole path of the key. An unknown key is refused with the name that was probably meant.",
        {"": Config},
    ),
    "seeds.md": KeyPage(
        "Seeds and menus",
        "The list `trigger.menu` of a configuration, of cut-based seeds; and the files of the menus that come with l1ae. What a seed "
        "accepts: [the menu](../../trigger.md#the-menu).",
        {"": SeedConfig, "Menu": NamedMenu},
    ),
    "layout.md": KeyPage(
        "Layout",
        "The YAML file that says what the columns of an event are: [how to write one](../../layouts.md).",
        {"": Layout},
    ),
    "mapping.md": KeyPage(
        "Mapping file",
        "What `l1ae data import --map` takes: which columns of a table are which columns of a layout. [How to write one](../../import.md).",
        {"": TableMapping},
    ),
    "description.md": KeyPage(
        "Description of a network",
        "The YAML file that `model.source` of an imported network names: [how to import a network](../../howto/network.md).",
        {"": Description},
    ),
    "study.md": KeyPage(
        "Study of a search",
        "What `l1ae search` takes: [how to search](../../search.md).",
        {"": StudyConfig},
    ),
    "generator.md": KeyPage(
        "Configuration of the generator",
        "What `l1ae data generate --config` takes: [what is simulated](../../generator.md).",
        {"": GeneratorConfig},
    ),
    "cluster.md": KeyPage(
        "Cluster",
        "What `--cluster FILE.yaml` of `l1ae search` and `l1ae data generate` takes: [where work runs](../../clusters.md).",
        {"Slurm": Slurm, "HTCondor": HTCondor},
    ),
}


def key_pages() -> dict[str, str]:
    """Every page by its name."""
    return {f"keys/{name}": _page(page) for name, page in PAGES.items()}


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[Key]:
    """Every key of a description, and of the sections in it, each section once."""
    for path, section in _sections(model, prefix):
        for name, field in section.model_fields.items():
            yield Key(f"{path}{field.alias or name}", section, field)


def _sections(model: type[BaseModel], prefix: str, seen: set[type[BaseModel]] | None = None) -> Iterator[tuple[str, type[BaseModel]]]:
    """A section and all below it, in the order of the keys, with what stands before their keys."""
    seen = set() if seen is None else seen
    if model in seen:
        return
    seen.add(model)
    yield prefix, model
    for name, field in model.model_fields.items():
        for inner in models_in(field.annotation):
            if inner.__module__ != SeedConfig.__module__ or model is not Config:
                yield from _sections(inner, f"{prefix}{name}{_step(type_text(field.annotation))}", seen)


def _step(text: str) -> str:
    """What stands between the key of a section and those in it: a dot, and before it that the section is one of several."""
    return "[…]." if text.startswith("list") else ".NAME." if text.startswith("by name") else "."


def _page(page: KeyPage) -> str:
    parts = [f"# {page.title}\n\n{page.about}\n"]
    for title, model in page.roots.items():
        parts += [f"## {title}\n"] * bool(title)
        parts += [_section_text(path, section, 3 if title else 2) for path, section in _sections(model, "")]
    return "\n".join(parts)


def _section_text(path: str, section: type[BaseModel], level: int) -> str:
    rows = [_row(path, name, field) for name, field in section.model_fields.items()]
    heading = f"{'#' * level} `{path.rstrip('.')}`\n\n" if path else ""
    table = "\n".join(["| key | value | default | |", "|---|---|---|---|", *rows])
    return f"{heading}{doc_text(section)}\n\n{table}\n"


def _row(path: str, name: str, field: FieldInfo) -> str:
    value = ", ".join(filter(None, (type_text(field.annotation), limits_text(field), *units_in(field))))
    description = re.sub(r"\s+", " ", field.description or "")
    cells = (f"`{path}{field.alias or name}`", value, default_text(field), description)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def doc_text(of: object) -> str:
    """A docstring as Markdown."""
    return inspect.cleandoc(inspect.getdoc(of) or "")
