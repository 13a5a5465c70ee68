"""What to say of a file that is valid but not known: what is in it, and the mapping file to write for it."""

import json
import re
from itertools import chain, count, takewhile
from pathlib import Path

from l1ae.data.tables._formats import format_of, open_table
from l1ae.data.tables._root import tree_names
from l1ae.data.tables._table import Table
from l1ae.inputs import Layout

__all__ = ["foreign", "snippet"]

_MOST = 30
_OPEN = "COLUMN"
_ENERGIES = ("pt", "et", "energy", "e")
_FEATURES = (*_ENERGIES, "eta", "phi")
_WEIGHT = re.compile(r"weight|wgt", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z_][\w./{}]*")


def foreign(path: Path, layout: Layout | None, known: str, reason: str = "") -> str:
    """The message for a file of no known kind: its format, tables and columns, and a mapping file to begin with.

    `known` lists the kinds of data that are recognised, `reason` why the columns do not fit `layout`. Raises `UserError` for a damaged
    file.
    """
    kind = format_of(path)
    trees = tree_names(path) if kind.name == "root" else ()
    chosen: str | None = None
    table = None if len(trees) > 1 else open_table(path)
    lines = [reason] if reason else []
    lines.append(f"{path}: a valid {kind.title} file, but none of: {known}.")
    if table is None:
        lines.append(f"It has the trees {', '.join(trees)}.")
        table = max((open_table(path, tree) for tree in trees), key=lambda item: (len(item.fields), item.rows or 0))
        chosen = next(tree for tree in trees if open_table(path, tree).fields.keys() == table.fields.keys())
        lines.append(f"Tree {chosen} has:")
    else:
        lines.append("It has:" if table.fields else "It has no columns of numbers.")
    lines += _columns(table)
    lines += [
        "Say which columns are which of a layout (l1ae data layouts lists them, a YAML file of your own is one too) in a mapping file, for",
        "example map.yaml, and give it with --map map.yaml:",
        "",
        snippet(table, layout, chosen),
    ]
    return "\n".join(lines)


def _columns(table: Table) -> list[str]:
    shown = [f"  {field}" + (f", {field.rows} events" if field.rows is not None else "") for field in list(table.fields.values())[:_MOST]]
    return shown + ([f"  and {len(table.fields) - _MOST} more"] if len(table.fields) > _MOST else [])


def snippet(table: Table, layout: Layout | None, tree: str | None = None) -> str:
    """A mapping file to edit: the groups of the layout, or an invented one, with the columns of the file."""
    lines = [f"layout: {layout.name if layout else 'my_layout.yaml'}"]
    lines += [f"table: {tree}"] if tree else []
    real = any(field.dtype.kind == "f" for field in table.fields.values())
    lines.append(f"values: {'physical' if real else 'codes'}  # codes: hardware integers; physical: GeV, ...; grid: codes times a step")
    lines += ["# units: [MeV, deg]  # of the file, where they are not those of the layout"] if real else []
    lines.append("groups:")
    taken: set[str] = set()
    groups = [(group.name, group.present) for group in layout.groups] if layout else _groups(table) or [("jet", ("pt", "eta", "phi"))]
    for group, features in groups:
        lines.append(f"  {group}:")
        # the columns of a single group need not have its name
        columns = {feature: _guess(group, feature, table, taken, alone=len(groups) == 1) for feature in features}
        if layout is None and set(columns.values()) == {_OPEN}:
            columns = {feature: _example(table, k, len(features)) for k, feature in enumerate(features)}
        lines += [f"    {feature}: {column}" for feature, column in columns.items()]
    weights = [name for name, field in table.fields.items() if not field.shape and not field.jagged and _WEIGHT.search(name)]
    lines += [f"extra: {{weight: {_quoted(weights[0])}}}"] if weights and layout is None else []
    if layout is None and table.fields and not any(field.shape or field.jagged for field in table.fields.values()):
        lines.append(f"# {_OPEN} is a name, or one with {{slot}} from 0 or {{slot1}} from 1 in it for a column per slot")
    return "\n".join(lines)


def _groups(table: Table) -> list[tuple[str, tuple[str, ...]]]:
    """Groups and features that the names of the columns speak of, such as `jet_pt` or `MuonEta`: those with an energy."""
    found: dict[str, dict[str, None]] = {}
    for name in table.fields:
        words = _words(name)
        feature = next((word for word in words if word in _FEATURES), None)
        if feature is None or words[0] == feature:
            continue
        group = "_".join(words[: words.index(feature)])
        found.setdefault(group, {})["pt" if feature in _ENERGIES else feature] = None
    return [(group, tuple(features)) for group, features in found.items() if "pt" in features][:_MOST]


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _guess(group: str, feature: str, table: Table, taken: set[str], *, alone: bool) -> str:
    """A column that is called as group and feature, best with the feature as a word of its name; or a place to fill in."""
    words = (feature.lower(), *(_ENERGIES if feature.lower() in _ENERGIES else ()))
    fields = table.fields
    names = [name for name, field in fields.items() if name not in taken and field.dtype.kind in "biuf" and len(field.shape) < 2]
    names = [name for name in names if name[0] != "n" or name[1:] not in fields]  # not the lengths of lists
    in_group = [name for name in names if group.lower() in name.lower()]
    for candidates in (in_group, names) if alone else (in_group,):
        whole = (name for word in words for name in candidates if word in _words(name))
        part = (name for name in candidates if len(feature) > 1 and _begins(feature, name.lower().replace(group.lower(), "", 1)))
        found = next(chain(whole, part), None)
        if found is not None:
            pattern, columns = _slots(found, table)
            taken.update(columns)
            return _quoted(pattern)
    return _OPEN


def _begins(feature: str, name: str) -> bool:
    return any(word.startswith(feature.lower()) for word in _words(name))


def _words(name: str) -> list[str]:
    """`jet_pt`, `jetPt` and `Jet1.PT` have the words jet and pt."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def _slots(name: str, table: Table) -> tuple[str, list[str]]:
    """The pattern for a column per slot, where this is the first of several, and the columns that it stands for."""
    for match in re.finditer(r"(?<!\d)[01](?!\d)", name):
        first, before, behind = int(match[0]), name[: match.start()], name[match.end() :]
        columns = list(takewhile(table.fields.__contains__, (f"{before}{k}{behind}" for k in count(first))))
        if len(columns) > 1:
            return f"{before}{{slot{'1' * first}}}{behind}", columns
    return name, [name]


def _example(table: Table, number: int, features: int) -> str:
    """A part of the first column that could be slots and features, in this order."""
    for field in table.fields.values():
        if len(field.shape) == 2 and field.shape[1] >= features:
            return f'"{field.name}[:, {number}]"'
        if len(field.shape) == 1 and field.shape[0] % features == 0:
            return f'"{field.name}[{number}::{features}]"'
    return _OPEN
