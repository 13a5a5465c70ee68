"""What to say of a file that is valid but not known: what is in it, and the mapping file to write for it."""

from pathlib import Path

from l1ae.data.tables._formats import format_of, open_table
from l1ae.data.tables._root import tree_names
from l1ae.data.tables._table import Field, Table
from l1ae.inputs import Group, Layout

__all__ = ["foreign", "snippet"]

_MOST = 30


def foreign(path: Path, layout: Layout | None, known: str, reason: str = "") -> str:
    """The message for a file of no known kind: its format, tables and columns, and a mapping file to begin with.

    `known` lists the kinds of data that are recognised, `reason` why the columns do not fit `layout`. Raises `UserError` for a damaged
    file.
    """
    kind = format_of(path)
    trees = tree_names(path) if kind.name == "root" else ()
    chosen: str | None = None
    table = None if len(trees) > 1 else open_table(path)
    lines = [f"{path}: a valid {kind.title} file, but none of: {known}."]
    lines += [reason] if reason else []
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
    lines += ["units: [GeV, rad]  # of the file"] if real else []
    lines.append("groups:")
    names = list(table.fields)
    first = table.fields[names[0]] if names else None
    for group in layout.groups if layout else ():
        lines += [f"  {group.name}:"] + [f"    {name}: {_guess(group, name, table)}" for name in group.present]
    if layout is None:
        lines += ["  jet:", f"    pt: {_example(first, 0)}", f"    eta: {_example(first, 1)}", f"    phi: {_example(first, 2)}"]
    return "\n".join(lines)


def _guess(group: Group, feature: str, table: Table) -> str:
    """A column whose name has those of group and feature in it, or a place to fill in."""
    for name in table.fields:
        lower = name.lower()
        if group.name in lower and feature in lower:
            return name
    return "COLUMN"


def _example(field: Field | None, number: int) -> str:
    if field is None:
        return "COLUMN"
    if len(field.shape) == 2:
        return f'"{field.name}[:, {number}]"'
    if len(field.shape) == 1:
        return f'"{field.name}[{number}::3]"'
    return f"{field.name}  # or COLUMN{{slot}} for one column per slot" if number == 0 else "COLUMN"
