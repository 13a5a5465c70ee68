"""Pages of every key of the files that people write, from the schemas that these files are validated by."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from _reference._words import default_text, limits_text, models_in, type_text, units_in
from l1ae.config import Config, DescriptionFile, LayerDescription, NamedMenu, SeedConfig
from l1ae.data.generator import GeneratorConfig
from l1ae.data.tables import TableMapping
from l1ae.engine import HTCondor, Slurm
from l1ae.inputs import Layout
from l1ae.search import StudyConfig

__all__ = ["PAGES", "Key", "KeyPage", "description_of", "doc_text", "key_pages", "keys_of"]


@dataclass(frozen=True)
class KeyPage:
    """One kind of file: its title, what it is for, and the sections that it begins with, by the name of each."""

    title: str
    about: str
    roots: dict[str, type[BaseModel]]
    parts: dict[str, tuple[type[BaseModel], ...]] = field(default_factory=dict)
    """Sections that the first one does not name because they are read one by one, by what stands before their keys."""

    def sections(self) -> Iterator[tuple[str, str, type[BaseModel]]]:
        """Every section: title of its root, what stands before its keys, and its type."""
        for title, root in self.roots.items():
            yield from ((title, path, section) for path, section in _sections(root, ""))
        for path, parts in self.parts.items():
            yield from (("", path, part) for part in parts)


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
        {"": DescriptionFile},
        {"layers[…].": get_args(LayerDescription)},
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


def keys_of(page: KeyPage) -> Iterator[Key]:
    """Every key of a kind of file."""
    for _, path, section in page.sections():
        for name, item in section.model_fields.items():
            yield Key(f"{path}{item.alias or name}", section, item)


def _sections(model: type[BaseModel], prefix: str, within: tuple[type[BaseModel], ...] = ()) -> Iterator[tuple[str, type[BaseModel]]]:
    """A section and all below it, in the order of the keys, with what stands before their keys."""
    yield prefix, model
    for name, item in model.model_fields.items():
        for inner in models_in(item.annotation):
            if inner not in {*within, model}:
                yield from _sections(inner, f"{prefix}{name}{_step(type_text(item.annotation))}", (*within, model))


def _step(text: str) -> str:
    """What stands between the key of a section and those in it: a dot, and before it that the section is one of several."""
    return "[…]." if text.startswith("list") else ".NAME." if text.startswith("by name") else "."


def _page(page: KeyPage) -> str:
    parts = [f"# {page.title}\n\n{page.about}\n"]
    for title, path, section in page.sections():
        if title and not path:
            parts.append(f"## {title}\n")
        parts.append(_section_text(path, section, 3 if title else 2))
    return "\n".join(parts)


def _section_text(path: str, section: type[BaseModel], level: int) -> str:
    rows = [_row(path, name, item) for name, item in section.model_fields.items()]
    heading = f"{'#' * level} `{path.rstrip('.')}`{_kind_text(section)}\n\n" if path else ""
    table = "\n".join(["| key | value | default | |", "|---|---|---|---|", *rows])
    return f"{heading}{doc_text(section)}\n\n{table}\n"


def _kind_text(section: type[BaseModel]) -> str:
    """Of sections that stand under one key and are told apart by their kind, which one."""
    kind = section.model_fields.get("kind")
    if kind is None or not kind.is_required() or get_origin(kind.annotation) is not Literal:
        return ""
    return f": {', '.join(get_args(kind.annotation))}"


def _row(path: str, name: str, item: FieldInfo) -> str:
    unit = "".join(f" [{symbol}]" for symbol in units_in(item))
    value = ", ".join(filter(None, (f"{type_text(item.annotation)}{unit}", limits_text(item))))
    description = description_of(item)
    cells = (f"`{path}{item.alias or name}`", value, default_text(item), description)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def description_of(item: FieldInfo) -> str:
    """What a key is: as its schema says, or of a key that holds a section what that one says of itself."""
    inner = models_in(item.annotation)
    text = item.description or (doc_text(inner[0]).split("\n\n")[0] if inner else "")
    return re.sub(r"\s+", " ", text)


def doc_text(of: object) -> str:
    """A docstring as Markdown."""
    return inspect.cleandoc(inspect.getdoc(of) or "")
