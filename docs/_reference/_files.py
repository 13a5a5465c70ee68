"""The page of the files that l1ae writes for others to read, from the types that it reads them back with."""

import dataclasses
import importlib
import re
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from _reference._keys import doc_text
from _reference._words import anchor_of, type_text, types_in
from l1ae.comparison import Comparison
from l1ae.contract import Contract
from l1ae.manifest import Manifest
from l1ae.pipeline import STAGES
from l1ae.records import RESULT_FILES
from l1ae.search import Front, Trial
from l1ae.trigger import TriggerResult

__all__ = ["WRITTEN", "file_pages"]

WRITTEN: tuple[tuple[str, type, str], ...] = (
    *((file.place, file.kind, file.command.replace("{run}", "RUN")) for file in RESULT_FILES),
    ("trigger/working_points.json", TriggerResult, "l1ae trigger RUN"),
    ("manifest.json", Manifest, "every stage"),
    ("comparison.json", Comparison, "l1ae compare RUN RUN -o comparison.html"),
    ("search/front.json", Front, "l1ae search STUDY.yaml"),
    ("search/trials/NNNNNN.json", Trial, "l1ae search STUDY.yaml"),
)
"""JSON files: place, type, command that makes it."""

_DESCRIBED = (
    ("Event store (HDF5)", "l1ae.data._store", "`l1ae data generate`, `l1ae data import`; read by `l1ae.open_store`"),
    ("latent/codes/SAMPLE.h5", "l1ae.latent._codes", "`l1ae latent RUN`; read by `l1ae.latent.read_codes`"),
)
_HEAD = """# Files

What the stages of a run leave in its folder, and what the other commands write. JSON files are read with their type, and with ranges
checked; a reader of yours may rely on the keys below. A file that was edited is refused.

"""
_TAIL = """
Vectors, buffers and links of deliveries: [vectors and wrappers](../../vectors.md); `delivery.json`:
[deliveries](../../delivery.md#whose-bits-these-are); the library for CMSSW: [the emulator](../../emulator.md).
"""


def file_pages() -> dict[str, str]:
    """The page."""
    parts = [_HEAD, _stages(), _TAIL, _contract()]
    parts += [f"## {title}\n\nMade by {made}.\n\n{doc_text(importlib.import_module(module))}\n" for title, module, made in _DESCRIBED]
    seen: set[type] = set()
    for place, kind, command in WRITTEN:
        parts.append(f"## `{place}`\n\nMade by {command if command == 'every stage' else f'`{command}`'}.\n")
        for choice in get_args(kind) or (kind,):
            parts += list(_sections(choice, seen))
    return {"files/index.md": "\n".join(parts)}


def _stages() -> str:
    rows = [f"| `{stage.name}/` | `l1ae {stage.command}` | {', '.join(f'`{need}`' for need in stage.needs)} |" for stage in STAGES]
    head = "| folder in the run's | made by | needs |\n|---|---|---|\n"
    return (
        f"## The run folder\n\n{head}"
        + "\n".join(rows)
        + "\n\n`config.yaml` is the configuration as it was used, `report.html` the report.\n"
    )


def _contract() -> str:
    about = "Made by `l1ae train`; read by `l1ae.load_contract`."
    return f"## `contract/contract.json`\n\n{about}\n\n{doc_text(Contract.to_json)}\n\n{doc_text(Contract)}\n"


def _sections(kind: type, seen: set[type]) -> Iterator[str]:
    """A type, and those of its fields that were not described before."""
    if kind in seen:
        return
    seen.add(kind)
    about, described = _split(doc_text(kind))
    rows = []
    inner: list[type] = []
    for name, annotation in _fields(kind).items():
        rows.append(f"| `{name}` | {type_text(annotation).replace('|', chr(92) + '|')} | {described.get(name, '')} |")
        inner += types_in(annotation)
    yield f"({anchor_of(kind)})=\n### {kind.__name__}\n\n{about}\n\n| key | value | |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    for one in inner:
        yield from _sections(one, seen)


def _fields(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    if issubclass(kind, BaseModel):
        return {name: hints[name] for name in kind.model_fields}
    return {item.name: hints[item.name] for item in dataclasses.fields(kind)}


def _split(text: str) -> tuple[str, dict[str, str]]:
    """A docstring without its attributes, and what it says of each."""
    about, _, attributes = text.partition("\nAttributes:\n")
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \S)", "\n" + attributes.split("\n\n")[0].rstrip()):
        names, colon, description = entry.strip().partition(":")
        if colon:
            found |= {name.strip(): re.sub(r"\s+", " ", description).strip().replace("|", r"\|") for name in names.split(",")}
    return about.strip(), found
