"""Import of the record into one event store."""

import dataclasses
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain, groupby
from pathlib import Path
from typing import Literal

import numpy as np

from l1ae.data._bits import Bits, is_or_column
from l1ae.data._importing import ImportResult, Progress, write_blocks
from l1ae.data._muon_angles import MuonAngles, with_muon_angles
from l1ae.data._split import SPLIT
from l1ae.data._store import Events
from l1ae.data.record._info import NUMBERS, ORDER, Survey, info_columns, survey
from l1ae.data.record._objects import collections_of
from l1ae.data.record._order import merged
from l1ae.data.record._parquet import Columns
from l1ae.data.record._reader import Reader
from l1ae.data.record._seeds import L1BIT, seed_names
from l1ae.data.record._sources import SEEDS, SPLITS, Part, find_parts
from l1ae.errors import UserError
from l1ae.inputs import Layout

__all__ = ["OutsideCut", "import_record"]

log = logging.getLogger("l1ae")

OutsideCut = Literal["drop", "keep"]


def import_record(
    sources: Sequence[Path],
    output: Path,
    layout: Layout,
    *,
    sample: str,
    process: str | None = None,
    split: str | None = None,
    muon_angles: MuonAngles | None = None,
    seeds: Sequence[str] | None = None,
    outside_cut: OutsideCut = "drop",
    chunk: int = 32768,
    progress: Progress | None = None,
) -> ImportResult:
    """Convert data sets of the record into one event store, `chunk` events at a time.

    `sources` are folders of data sets or of single splits as on Zenodo, folders of data sets of the mirror, or shards of it.
    Which collections and columns are read follows from `layout`: the `source` of its groups (`jets`) and features (`jetIEt`).
    Objects go into slots as `l1ae.inputs.arrange` does; `muon_angles` overrides whether eta and phi of muons are those at the
    vertex or at the muon stations. `split` train, valid or test takes that one only.

    Events come by split (train, valid, test), and within a split in the order of the study: by the column `order`, which counts over all
    data sets given. Where `order` does not rise within a file, or is not there, they come as in the files, data sets in order of their
    names. Events outside the standard cut (`order` -1) are left out, or last with `outside_cut` 'keep'.

    Extra columns, as far as all data sets have them: run, lumi, bx, orbit, event, time and order (int64; -1 where all bits are set), split
    (int8: 0 train, 1 valid, 2 test), `l1bit`, and `seed_NAME` for each seed that fits a pattern in `seeds` (None: all that all data
    sets have; empty: no menu is read). `l1bit` is the column L1bit, the OR of the menu, checked against the seeds beside it.
    `process` (default: `sample`) is the only process, `source_event` the running number. `pileup` is nPV_True, rounded; -1 where it
    is 0.

    Raises `UserError`, naming file, row (counted from 0) and column, for sources that are something else, a layout without
    sources, missing folders, shards and columns, wrong types, tables with different numbers of rows or events, damaged files,
    missing entries, codes outside their scale, and an L1bit that is not the OR.
    """
    layout = with_muon_angles(layout, muon_angles)
    plan = _Plan.of(_chosen([Path(source) for source in sources], split), layout, seeds, outside=outside_cut == "keep")
    left_out: Counter[str] = Counter()
    result = write_blocks(
        plan.events(chunk, left_out),
        output,
        layout,
        sample=sample,
        processes=[process or sample],
        provenance=plan.provenance(outside_cut),
        total=plan.total,
        progress=progress,
    )
    left_out += Counter()
    for reason, count in left_out.items():
        log.info("%s: %d events left out, %s", output, count, reason)
    return dataclasses.replace(result, left_out=dict(left_out))


def _chosen(sources: Sequence[Path], split: str | None) -> list[tuple[Part, Survey]]:
    """The parts to read, by split and data set."""
    if split is not None and split not in SPLITS:
        raise UserError(f"split '{split}' is unknown; the record has {', '.join(SPLITS)}")
    where = ", ".join(map(str, sources)) or "no source"
    parts = find_parts(sources)
    if parts is None:
        raise UserError(
            f"{where}: nothing of the public CMS Level-1 record; give folders of data sets (zerobias/ZB_run396102, with train/, valid/ or "
            "test/ and in them jets/, muons/, event_info/, ...), or of its mirror (with files such as train-00000-of-00005.parquet); other "
            "files need a mapping file"
        )
    # a folder that is called after no split may still have the column
    surveyed = [(part, survey(part)) for part in parts if split is None or part.split in {split, None}]
    found = [pair for pair in surveyed if split is None or pair[1].split == SPLITS.index(split)]
    if not found:
        known = ", ".join(f"{part.dataset} {part.split or 'without split'}" for part in parts)
        raise UserError(f"no events of split '{split}' in {where} (found: {known}); the simulated samples have valid and test only")
    return sorted(found, key=lambda pair: (-1 if pair[1].split is None else pair[1].split, pair[0].dataset))


@dataclass(frozen=True)
class _Plan:
    """What is read of all parts, by split; `ordered` says of each split whether its events come by `order`."""

    layout: Layout
    splits: tuple[tuple[Reader, ...], ...]
    ordered: tuple[bool, ...]
    knows_split: bool
    seeds: tuple[str, ...]
    seeds_left_out: tuple[str, ...]

    @classmethod
    def of(cls, surveyed: Sequence[tuple[Part, Survey]], layout: Layout, seeds: Sequence[str] | None, *, outside: bool) -> "_Plan":
        parts = [part for part, _ in surveyed]
        info = _in_all(info_columns(part.main) for part in parts)
        menus = [_menu(part, seeds) for part in parts]
        common = _in_all(menus)
        chosen = common if seeds is None else _fitting(common, seeds)
        _check_chosen(parts, chosen, common)
        readers = [
            Reader(
                part,
                found,
                layout,
                collections_of(part, layout),
                info,
                seeds=chosen,
                others=tuple(name for name in menu if name not in chosen),
                l1bit=(seeds is None or bool(seeds)) and all(part.tables.get(SEEDS, part.main).has(L1BIT) for part in parts),
                outside=outside,
            )
            for (part, found), menu in zip(surveyed, menus, strict=True)
        ]
        splits = tuple(tuple(some) for _, some in groupby(readers, lambda reader: reader.survey.split))
        left_out = tuple(sorted({name for menu in menus for name in menu} - set(chosen)))
        if left_out and seeds is None:
            log.warning("seeds that not all data sets have are left out: %s", ", ".join(left_out))
        knows = all(found.split is not None for _, found in surveyed)
        return cls(layout, splits, tuple(_can_be_ordered(some, outside=outside) for some in splits), knows, chosen, left_out)

    @property
    def readers(self) -> tuple[Reader, ...]:
        """All parts, split by split."""
        return tuple(chain.from_iterable(self.splits))

    @property
    def bit_names(self) -> tuple[str, ...]:
        """Extra columns that are packed."""
        return (*(f"seed_{name}" for name in self.seeds), *((L1BIT.lower(),) if self.readers[0].l1bit else ()))

    @property
    def total(self) -> int:
        """Number of events before cuts of the layout."""
        return sum(reader.survey.inside + (reader.survey.outside if reader.outside else 0) for reader in self.readers)

    def provenance(self, outside_cut: OutsideCut) -> dict[str, object]:
        """What the store says about its origin."""
        return {
            "importer": "cms-record",
            "parts": [
                {
                    "dataset": reader.part.dataset,
                    "split": None if reader.survey.split is None else SPLITS[reader.survey.split],
                    "kind": reader.part.kind,
                    "events": reader.part.rows,
                    "outside_cut": reader.survey.outside,
                    "files": {reader.part.tables[name].path.name: len(reader.part.tables[name].files) for name in reader.tables},
                }
                for reader in self.readers
            ],
            "row_order": "by column 'order' within a split" if all(self.ordered) else "as in the files, by data set",
            "outside_cut": outside_cut,
            "columns": {group.name: [feature.source for feature in group.features] for group in self.layout.groups},
            "seeds_left_out": list(self.seeds_left_out),
        }

    def events(self, size: int, left_out: Counter[str]) -> Iterator[tuple[Events, int]]:
        """Blocks of events, each with the number of those whose objects were put in order."""
        first = 0
        for rows in self._rows(size, left_out):
            yield self._block(rows, first), int(rows["reordered"].sum())
            first += len(rows["pileup"])

    def _rows(self, size: int, left_out: Counter[str]) -> Iterator[Columns]:
        for readers, ordered in zip(self.splits, self.ordered, strict=True):
            streams = [reader.rows(size, left_out) for reader in readers]
            split = readers[0].survey.split
            for rows in merged(streams) if ordered else chain.from_iterable(streams):
                yield rows | ({SPLIT: np.full(len(rows["pileup"]), split, np.int8)} if self.knows_split else {})

    def _block(self, rows: Columns, first: int) -> Events:
        count = len(rows["pileup"])
        extra = {name: rows[name] for name in (*NUMBERS, ORDER, SPLIT) if name in rows}
        bits = Bits(self.bit_names, np.ascontiguousarray(rows["bits"].T)) if self.bit_names else None
        hw = np.ascontiguousarray(rows["hw"].T)
        return Events(hw, np.zeros(count, np.int16), np.arange(first, first + count), rows["pileup"], extra, bits)


def _menu(part: Part, seeds: Sequence[str] | None) -> tuple[str, ...]:
    """Seeds that the part has; none where none are asked for."""
    asked = seeds is None or bool(seeds)
    return seed_names(part.tables[SEEDS]) if asked and SEEDS in part.tables else ()


def _fitting(names: Sequence[str], patterns: Sequence[str]) -> tuple[str, ...]:
    """Names that fit one of the patterns, each once, and the patterns that none fits."""
    found = [name for pattern in patterns for name in ([n for n in names if fnmatchcase(n, pattern)] or [pattern])]
    return tuple(dict.fromkeys(found))


def _in_all(names: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Names that all sequences hold, in the order of the first."""
    sequences = list(names)
    return tuple(name for name in sequences[0] if all(name in other for other in sequences))


def _check_chosen(parts: Sequence[Part], chosen: Sequence[str], common: Sequence[str]) -> None:
    for name in chosen:
        if is_or_column(name):
            raise UserError(
                f"'{name}' is the OR of the menu and no seed; it is stored as extra column {L1BIT.lower()} without being asked for"
            )
        if name not in common:
            part = next(part for part in parts if SEEDS not in part.tables or not part.tables[SEEDS].has(name))
            where = part.tables[SEEDS].path if SEEDS in part.tables else part.path / SEEDS
            found = f"there are {len(common)}, such as {', '.join(common[:3])}" if common else "there are none"
            raise UserError(f"{where}: no seed '{name}'; {found}")


def _can_be_ordered(readers: Sequence[Reader], *, outside: bool) -> bool:
    ordered = all(reader.survey.rising and (reader.survey.outside_last or not outside) for reader in readers)
    if not ordered:
        log.warning("events of %s come as in the files: their column 'order' is missing or does not rise", readers[0].part.path)
    return ordered
