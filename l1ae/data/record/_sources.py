"""What of the record lies under the paths that a user gives: data sets and their splits, in either layout."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from l1ae.data.record._parquet import Table, parquet_files
from l1ae.errors import UserError

__all__ = ["COLLECTIONS", "EVENT_INFO", "SEEDS", "SPLITS", "SPLIT_ALIASES", "Part", "find_parts"]

COLLECTIONS = dict.fromkeys(("ET", "FET", "FHT", "HT", "MET", "MHT"), "Et") | {
    "egammas": "egIEt",
    "jets": "jetIEt",
    "muons": "muonIEt",
    "taus": "tauIEt",
}
"""Sums and objects of the record, each with the column that it is recognised by."""

EVENT_INFO, SEEDS = "event_info", "seeds"
SPLITS = ("train", "valid", "test")
"""As the record calls them; their positions are the codes of the extra column `split`."""

_SHARD = re.compile(r"(?P<split>[A-Za-z]+)-(?P<number>\d+)-of-(?P<count>\d+)")
SPLIT_ALIASES = {"validation": "valid"}


@dataclass(frozen=True)
class Part:
    """One split of one data set.

    `tables` are the folders of a Zenodo split by name (object folders, event_info, seeds), or of the mirror `event_info`, the table of
    everything, and `seeds`. `split` is None where neither folder nor file is called after one. `prefix`: rows of `tables` are the
    first of the data set, other shards are missing.
    """

    dataset: str
    split: str | None
    path: Path
    kind: Literal["tree", "mirror"]
    tables: Mapping[str, Table]
    prefix: bool = False

    def find(self, source: str, column: str) -> tuple[str, str]:
        """Table and name of a column of a collection."""
        return (source, column) if self.kind == "tree" else (EVENT_INFO, f"{source}_{column}")

    @cached_property
    def collections(self) -> tuple[str, ...]:
        """Collections that there are, in alphabetical order."""
        if self.kind == "tree":
            return tuple(sorted(set(self.tables) - {EVENT_INFO, SEEDS}))
        return tuple(name for name, column in COLLECTIONS.items() if f"{name}_{column}" in self.tables[EVENT_INFO].names)

    @property
    def rows(self) -> int:
        """Number of events."""
        return next(iter(self.tables.values())).total

    @property
    def main(self) -> Table:
        """The table that names run, luminosity section and so on. Raises `UserError` where a tree has none."""
        if EVENT_INFO not in self.tables:
            raise UserError(f"{self.path / EVENT_INFO}: no such folder, or no parquet files in it; download it, it is part of every split")
        return self.tables[EVENT_INFO]


def find_parts(sources: Sequence[Path]) -> list[Part] | None:
    """All parts under the sources, sorted by split, then by data set; None where one of the sources is something else.

    Raises `UserError` for a damaged file, a missing shard, several data sets in a folder, and for a part that is given twice.
    """
    found: list[Part] = []
    files: list[Path] = []
    for source in map(Path, sources):
        if source.is_file():
            files.append(source)
            continue
        parts = _in_folder(source) if source.is_dir() else None
        if parts is None:
            return None
        found += parts
    shards = _from_files(files)
    if shards is None or not sources:
        return None
    found += shards
    for k, part in enumerate(found):
        if any(other.path == part.path and other.split == part.split for other in found[:k]):
            raise UserError(f"{part.path}: given twice, or a folder and a part of it; give each once")
    return sorted(found, key=lambda part: (SPLITS.index(part.split) if part.split in SPLITS else -1, part.dataset))


def _in_folder(folder: Path) -> list[Part] | None:
    if parts := _split_of_tree(folder) or _mirror(folder):
        return parts
    below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if splits := [part for path in below if path.name in SPLITS for part in _split_of_tree(path)]:
        return splits
    holders = [path for path in below if _holds_a_data_set(path)]
    if holders:
        names = ", ".join([*(path.name for path in holders[:4]), *(["..."] if len(holders) > 4 else [])])
        raise UserError(f"{folder}: holds {len(holders)} data sets ({names}); name those that make one store, for example {holders[0]}")
    return None


def _holds_a_data_set(folder: Path) -> bool:
    shards = [path for path in parquet_files(folder) if _shard_of(path)]
    if shards:
        return _is_main(Table.open(folder, shards[:1]))
    return any(_is_split(path) for path in folder.iterdir() if path.name in SPLITS)


def _is_split(folder: Path) -> bool:
    return any((folder / name).is_dir() and parquet_files(folder / name) for name in (*COLLECTIONS, EVENT_INFO))


def _split_of_tree(folder: Path) -> list[Part]:
    """The folder as one split of a data set, or nothing."""
    if not _is_split(folder):
        return []
    named = _with_names(folder)
    split = named.name if named.name in SPLITS else None
    found = {path.name: parquet_files(path) for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")}
    tables = {name: Table.open(folder / name, files) for name, files in found.items() if files}
    return [Part(named.parent.name if split else named.name, split, folder, "tree", tables)]


def _with_names(folder: Path) -> Path:
    """The path with the folder's own name, links not followed, and that of the folder around it."""
    return folder.resolve() if ".." in folder.parts else folder.absolute()


# -- the mirror --------------------------------------------------------------------------------------------------------


def _shard_of(path: Path) -> re.Match[str] | None:
    return _SHARD.fullmatch(path.stem) if path.suffix == ".parquet" else None


def _mirror(folder: Path) -> list[Part]:
    """The splits whose shards lie in the folder."""
    shards = [path for path in parquet_files(folder) if _shard_of(path)]
    parts = []
    for split, files in _by_split(shards).items():
        missing = _missing(files)
        if missing:
            raise UserError(
                f"{folder}: {len(missing)} of the shards of {split} are missing, such as {missing[0]}; download them, or give the first "
                f"shards by name, for example {files[0]}"
            )
        parts += _part_of_mirror(folder, split, files)
    return parts


def _by_split(shards: Iterable[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in shards:
        match = _shard_of(path)
        assert match is not None
        found.setdefault(match["split"], []).append(path)
    return {split: sorted(files) for split, files in found.items()}


def _missing(files: Sequence[Path]) -> list[str]:
    """Names of the shards that should lie beside these."""
    match = _shard_of(files[0])
    assert match is not None
    names = {path.name for path in files}
    wanted = (f"{match['split']}-{k:0{len(match['count'])}}-of-{match['count']}.parquet" for k in range(int(match["count"])))
    return [name for name in wanted if name not in names]


def _part_of_mirror(folder: Path, split: str | None, files: Sequence[Path], *, by_name: bool = False) -> list[Part]:
    table = Table.open(files[0] if by_name else folder, files)
    if not _is_main(table):
        return []
    known = SPLIT_ALIASES.get(split, split) if split else None
    tables = {EVENT_INFO: table}
    beside = parquet_files(folder / SEEDS)
    seeds = [path for path in beside if (match := _shard_of(path)) and match["split"] == split] if split else []
    if seeds:
        tables[SEEDS] = Table.open(folder / SEEDS, sorted(seeds))
    prefix = by_name and bool(split) and bool(_missing(files))
    return [Part(_with_names(folder).name, known if known in SPLITS else None, files[0] if by_name else folder, "mirror", tables, prefix)]


def _is_main(table: Table) -> bool:
    """Whether every file has a collection of the record."""
    known = {f"{name}_{column}" for name, column in COLLECTIONS.items()}
    return all(known & set(schema.names) for schema in table.schemas)


def _from_files(files: Sequence[Path]) -> list[Part] | None:
    """Files that were given by name; None where one of them is no shard."""
    parts: list[Part] = []
    groups: dict[tuple[Path, str | None], list[Path]] = {}
    for path in files:
        match = _shard_of(path)
        groups.setdefault((path.parent, match["split"] if match else None), []).append(path)
    for (folder, split), some in groups.items():
        try:
            found = _part_of_mirror(folder, split, sorted(some), by_name=True)
        except UserError:
            if split is None:
                return None
            raise
        if not found:
            return None
        parts += found
    return parts
