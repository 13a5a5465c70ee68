"""Tables in ROOT files, through uproot: the branches of a tree or ntuple, or of several with one entry per event each.

uproot is imported where it is needed: it takes as long as all the rest.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from l1ae.data.tables._table import Block, Field, Jagged, Table, damaged
from l1ae.errors import UserError

__all__ = ["open_root", "tree_aliases", "tree_names"]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file, opened; what uproot finds wrong in it becomes a `UserError`."""
    import uproot

    # damaged bytes name classes, sizes and places, and whatever they lead uproot to fails in its own way
    with damaged(path, "ROOT", Exception), uproot.open(path) as file:
        yield file


@dataclass(frozen=True)
class _RootTable(Table):
    """`place` (number of the tree, branch) of every column, `trees` their names."""

    trees: tuple[str, ...] = ()
    place: dict[str, tuple[int, str]] = field(default_factory=dict)

    def blocks(self, names: Sequence[str], size: int) -> Iterator[Block]:
        wanted = [{self.place[name][1]: name for name in names if self.place[name][0] == k} for k in range(len(self.trees))]
        with _opened(self.path) as file:
            streams = [
                file[tree].iterate(list(branches), step_size=size, library="ak", how=dict)
                for tree, branches in zip(self.trees, wanted, strict=True)
                if branches
            ]
            used = [branches for branches in wanted if branches]
            for parts in zip(*streams, strict=True):
                yield {
                    name: self._values(name, _member(part, branch))
                    for branches, part in zip(used, parts, strict=True)
                    for branch, name in branches.items()
                }

    def _values(self, name: str, array: Any) -> Any:
        import awkward as ak

        if not self.fields[name].jagged:
            return ak.to_numpy(array)
        return Jagged(ak.to_numpy(ak.flatten(array, axis=1)), ak.to_numpy(ak.num(array, axis=1)).astype(np.int64))


def _stamp(path: Path) -> tuple[int, int]:
    """Changes with the file: what was read of its head is kept, as hundreds of branches take uproot a second."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def tree_names(path: Path) -> tuple[str, ...]:
    """Names of the trees in a file. Raises `UserError` for a damaged one."""
    return _tree_names(path, _stamp(path))


@lru_cache(maxsize=64)
def _tree_names(path: Path, stamp: tuple[int, int]) -> tuple[str, ...]:
    with _opened(path) as file:
        found = file.keys(cycle=False, filter_classname=lambda name: name == "TTree" or name.endswith("RNTuple"))
        return tuple(dict.fromkeys(found))


def tree_aliases(path: Path, tree: str) -> dict[str, str]:
    """Aliases of a tree: a name, and the expression that it stands for."""
    with _opened(path) as file:
        return dict(file[tree].aliases)


def open_root(path: Path, table: str | Sequence[str] | None = None) -> Table:
    """The branches of the tree `table`, or of several trees with one entry per event each; default: the only tree.

    A column has the name of its branch, without those of the branches around it. Raises `UserError` for a damaged file, an
    unknown tree, and trees of different length.
    """
    trees = tree_names(path)
    if table is None:
        if len(trees) != 1:
            raise UserError(f"{path}: it has {len(trees)} trees ({', '.join(trees) or 'none'}); name one with table: in the mapping file")
        table = trees
    chosen = (table,) if isinstance(table, str) else tuple(table)
    for tree in chosen:
        if tree not in trees:
            raise UserError(f"{path}: no tree '{tree}'; it has {', '.join(trees) or 'none'}")
    return _open_trees(path, chosen, _stamp(path))


@lru_cache(maxsize=64)
def _open_trees(path: Path, chosen: tuple[str, ...], stamp: tuple[int, int]) -> Table:
    fields: dict[str, Field] = {}
    place: dict[str, tuple[int, str]] = {}
    skipped: list[str] = []
    rows = []
    with _opened(path) as file:
        for k, tree in enumerate(chosen):
            rows.append(int(file[tree].num_entries))
            for branch, item in list(file[tree].items()):
                name = branch.rsplit("/", 1)[-1]
                column = _field(name, item, rows[-1])
                if column is None:
                    skipped.append(name)
                elif name not in fields:
                    fields[name], place[name] = column, (k, branch)
    if len(set(rows)) > 1:
        listed = ", ".join(f"'{tree}' {count}" for tree, count in zip(chosen, rows, strict=True))
        raise UserError(f"{path}: the trees have different numbers of entries: {listed}; name trees of the same events")
    return _RootTable(path, "ROOT", fields, rows[0], tuple(skipped), chosen, place)


def _field(name: str, branch: Any, rows: int) -> Field | None:
    import uproot

    kind = getattr(branch, "interpretation", None)
    if isinstance(kind, uproot.AsDtype) and kind.to_dtype.names is None:
        base, shape = kind.to_dtype.subdtype or (kind.to_dtype, ())
        return Field(name, base.newbyteorder("="), tuple(shape), rows=rows) if base.kind in "biuf" else None
    if isinstance(kind, uproot.AsJagged) and isinstance(kind.content, uproot.AsDtype):
        base = kind.content.to_dtype
        return Field(name, base.newbyteorder("="), jagged=True, rows=rows) if base.kind in "biuf" else None
    if kind is not None or not hasattr(branch, "typename"):
        return None
    column = _ntuple_field(name, str(branch.typename), rows)
    if column is None or not _in_collection(branch):
        return column
    return None if column.jagged or column.shape else replace(column, jagged=True)


def _in_collection(branch: Any) -> bool:
    """Whether a field of a RNTuple is a member of the entries of a list."""
    above: Any = getattr(branch, "parent", None)
    while above is not None and (record := getattr(above, "record", None)) is not None:
        if record.struct_role.name == "COLLECTION":
            return True
        above = above.parent
    return False


def _member(part: Any, branch: str) -> Any:
    """A branch, or the member of a field of a RNTuple."""
    if branch in part:
        return part[branch]
    top, *members = branch.split(".")
    found = part[top]
    for name in members:
        found = found[name]
    return found


_ARRAY = re.compile(r"std::array<(?P<item>.*),\s*(?P<size>\d+)>")
_LIST = re.compile(r"(?:std::vector|ROOT::VecOps::RVec|ROOT::RVec)<(?P<item>.*)>")
_NUMBER = re.compile(r"(?:std::)?(?P<name>u?int(?:8|16|32|64)_t|float|double|bool)")


def _ntuple_field(name: str, kind: str, rows: int) -> Field | None:
    """A field of a RNTuple, by its C++ type."""
    listed, shape = _LIST.fullmatch(kind), []
    kind = listed["item"] if listed else kind
    while array := _ARRAY.fullmatch(kind):
        kind = array["item"]
        shape.append(int(array["size"]))
    number = _NUMBER.fullmatch(kind)
    if number is None or (listed and shape):
        return None
    dtype = {"float": "float32", "double": "float64"}.get(number["name"], number["name"].removesuffix("_t"))
    return Field(name, np.dtype(dtype), tuple(shape), listed is not None, rows)
