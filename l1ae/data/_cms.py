"""Import of the public CMS Level-1 trigger data (Zenodo record 21787779, written by `bb511/adl1t_datamaker`).

One folder per object with parquet files; the rows of all folders, read in the order of the file names, are the same
events. Every field is a list per event: one entry per object, or a single entry for sums, event information and seeds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from l1ae.data._importing import ImportResult, Progress, write_blocks
from l1ae.data._store import Events
from l1ae.errors import UserError
from l1ae.inputs import InputSpec, ObjectGroup

__all__ = ["import_cms_parquet"]

Columns = dict[str, npt.NDArray[Any]]
MuonAngles = Literal["vertex", "station"]
Order = Literal["pt", "readout"]

_FOLDERS = {"met": "MET", "eg": "egammas", "mu": "muons", "jet": "jets"}
_FEATURES = {"met": ("Et", None, "phi"), "eg": ("egIEt", "egIEta", "egIPhi"), "jet": ("jetIEt", "jetIEta", "jetIPhi")}
_MUON_FEATURES = {"vertex": ("muonIEt", "muonIEtaAtVtx", "muonIPhiAtVtx"), "station": ("muonIEt", "muonIEta", "muonIPhi")}
_EVENT_COLUMNS = ("run", "lumi", "bx", "orbit")
_PILEUP_COLUMNS = ("nPV_True", "pileup")


class _Kind(Enum):
    CODES = "lists of hardware integers"
    INTEGER = "integers"
    NUMBER = "numbers"


@dataclass(frozen=True)
class _Folder:
    """The parquet files of one object with their numbers of rows, and the columns to read."""

    path: Path
    files: tuple[Path, ...]
    rows: tuple[int, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class _Batch:
    """Consecutive rows of a file, from number `row` on."""

    path: Path
    row: int
    content: pa.RecordBatch

    def refuse(self, index: int, problem: str) -> UserError:
        """An error about the row at `index` of this batch."""
        return UserError(f"{self.path}: row {self.row + index}: {problem}")


def import_cms_parquet(
    folder: Path,
    output: Path,
    spec: InputSpec,
    *,
    sample: str = "zerobias",
    process: str | None = None,
    muon_angles: MuonAngles = "vertex",
    order: Order = "pt",
    seeds: Sequence[str] | None = None,
    chunk: int = 65536,
    progress: Progress | None = None,
) -> ImportResult:
    """Convert a folder of parquet folders (MET, egammas, muons, jets, event_info, seeds) into one event store.

    Hardware integers are taken as they are, `chunk` events at a time: the leading objects of each kind, as many as
    `spec` has slots; saturated ones (all-ones pT) stay. `order` 'pt' sorts by falling pT; 'readout' keeps the order in
    which the global trigger received them, which differs for a quarter of the events with several muons.

    `muon_angles` 'vertex' takes muonIEtaAtVtx and muonIPhiAtVtx, extrapolated to the beam line: these enter the muon
    conditions of the global trigger (CMSSW `MuCondition`) and the deployed anomaly trigger (`AXOL1TLCondition` since
    cms-sw/cmssw pull request 47564). 'station' takes muonIEta and muonIPhi, measured at the muon stations.

    Extra columns of the store: run, lumi, bx, orbit, where present event and time, and `seed_NAME` (bool) for each
    seed in `seeds`; None takes all, and none when the folder is missing. `process` (default: `sample`) is the only
    process, `source_event` the running row. `pileup` is nPV_True, rounded: in recorded data the mean of the luminosity
    section, 0 where that is not known, which becomes -1.

    Raises `UserError`, naming file, row (counted from 0) and column, for missing folders and columns, wrong types,
    folders with different numbers of rows, damaged files, missing entries and codes outside their scale.
    """
    if {group.name for group in spec.groups} != set(_FOLDERS):
        raise UserError(f"CMS data has the groups {', '.join(_FOLDERS)}; this input specification has other groups")
    features = {**_FEATURES, "mu": _MUON_FEATURES[muon_angles]}
    objects, info, menu = _open(Path(folder), spec, features, seeds)
    total = _check_aligned([*objects, info, *menu])
    streams = [
        _stream(objects[i], _objects_converter(group, features[group.name], order), chunk) for i, group in enumerate(spec.groups)
    ] + [_stream(plain, _plain, chunk) for plain in (info, *menu)]
    name = process or sample
    provenance = {
        "importer": "cms-parquet",
        "folder": Path(folder).name,
        "files": {opened.path.name: len(opened.files) for opened in (*objects, info, *menu)},
        "muon_angles": muon_angles,
        "order": order,
    }
    blocks = _events(streams, len(objects))
    return write_blocks(blocks, output, spec, sample=sample, processes=[name], provenance=provenance, total=total, progress=progress)


def _open(
    folder: Path, spec: InputSpec, features: Mapping[str, Sequence[str | None]], seeds: Sequence[str] | None
) -> tuple[list[_Folder], _Folder, list[_Folder]]:
    """The folders of the objects in the order of `spec`, that of the event information, and that of the seeds or none."""
    objects = [
        _folder(folder / _FOLDERS[group.name], {name: _Kind.CODES for name in features[group.name] if name}) for group in spec.groups
    ]
    pileup = dict.fromkeys(_PILEUP_COLUMNS, _Kind.NUMBER)
    info = _folder(
        folder / "event_info", dict.fromkeys(_EVENT_COLUMNS, _Kind.INTEGER), dict.fromkeys(("event", "time"), _Kind.INTEGER) | pileup
    )
    if seeds is None:
        return objects, info, [_folder(folder / "seeds", None)] if (folder / "seeds").is_dir() else []
    return objects, info, [_folder(folder / "seeds", dict.fromkeys(seeds, _Kind.INTEGER))] if seeds else []


def _folder(path: Path, required: Mapping[str, _Kind] | None, optional: Mapping[str, _Kind] | None = None) -> _Folder:
    """Check the columns in every file's footer; `required` None takes all columns of the first file, as integers."""
    files = tuple(sorted(path.glob("*.parquet")))
    if not files:
        raise UserError(f"{path}: no such folder, or no parquet files in it; give the folder that holds {path.name}/ and the other objects")
    footers = []
    for file in files:
        with _readable(file):
            parquet = pq.ParquetFile(file)
            footers.append((file, parquet.schema_arrow, parquet.metadata.num_rows))
    wanted = dict.fromkeys(footers[0][1].names, _Kind.INTEGER) if required is None else dict(required)
    wanted |= {name: kind for name, kind in (optional or {}).items() if all(name in schema.names for _, schema, _ in footers)}
    for file, schema, _ in footers:
        for name, kind in wanted.items():
            _check_type(file, schema, name, kind)
    return _Folder(path, files, tuple(rows for _, _, rows in footers), tuple(wanted))


def _check_type(path: Path, schema: pa.Schema, column: str, expected: _Kind) -> None:
    if column not in schema.names:
        raise UserError(f"{path}: no column '{column}' (found: {', '.join(schema.names)}); is this file of another data set?")
    kind = schema.field(column).type
    value = kind.value_type if _is_list(kind) else kind
    integer = pa.types.is_integer(value) or (pa.types.is_boolean(value) and expected is not _Kind.CODES)
    if not (integer or (pa.types.is_floating(value) and expected is _Kind.NUMBER)) or (expected is _Kind.CODES and not _is_list(kind)):
        raise UserError(f"{path}: column '{column}' is {kind}, expected {expected.value}; was this file made by another program?")


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _check_aligned(folders: Sequence[_Folder]) -> int:
    """Row numbers are all that ties the folders together; returns the number of events."""
    first = folders[0]
    for other in folders[1:]:
        counts = dict(zip((file.name for file in first.files), first.rows, strict=True))
        for file, rows in zip(other.files, other.rows, strict=True):
            # Files of the published record are numbered, and end at other rows in each folder.
            if counts.get(file.name, rows) != rows and not file.stem.isdecimal():
                raise UserError(
                    f"{file}: {rows} rows, but {first.path / file.name} has {counts[file.name]}; "
                    "their rows must be the same events: download both again"
                )
        if sum(first.rows) != sum(other.rows):
            differing = sorted({f.name for f in first.files} ^ {f.name for f in other.files})
            hint = f"; only one of them has {', '.join(differing[:3])}" if differing else ""
            raise UserError(
                f"{other.path}: {sum(other.rows)} rows in all, but {first.path} has {sum(first.rows)}{hint}; "
                "their rows must be the same events: download both again"
            )
    return sum(first.rows)


def _stream(folder: _Folder, convert: Callable[[_Batch], Columns], size: int) -> Iterator[Columns]:
    """The folder's rows as converted blocks of exactly `size` rows, but for the last."""
    pending: list[Columns] = []
    held = 0
    for batch in _batches(folder, size):
        pending.append(convert(batch))
        held += batch.content.num_rows
        while held >= size:
            joined = _joined(pending)
            yield {name: column[:size] for name, column in joined.items()}
            pending, held = [{name: column[size:] for name, column in joined.items()}], held - size
    if held:
        yield _joined(pending)


def _joined(blocks: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _batches(folder: _Folder, size: int) -> Iterator[_Batch]:
    for file in folder.files:
        with _readable(file):
            row = 0
            # Unless both are said, pyarrow holds a whole row group, which can be the whole file.
            parquet = pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
            for content in parquet.iter_batches(size, columns=list(folder.columns)):
                yield _Batch(file, row, content)
                row += content.num_rows


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path}: cannot be read ({error}); the file is truncated or damaged: download or copy it again") from error


def _objects_converter(group: ObjectGroup, features: Sequence[str | None], order: Order) -> Callable[[_Batch], Columns]:
    """Lists of codes into `hw` (n, count, 3), and `reordered` (n,)."""

    def convert(batch: _Batch) -> Columns:
        counts, _ = _lists(batch, str(features[0]))
        codes = []
        for name, scale in zip(features, group.scales, strict=True):
            if name is not None and scale is not None:
                lengths, values = _lists(batch, name)
                _check_lengths(batch, features[0], counts, name, lengths)
                _check_range(batch, name, lengths, values, (min(scale.low, 0), scale.high))
                codes.append(values)
            else:
                codes.append(np.zeros(int(counts.sum()), np.int64))
        if group.count == 1 and (counts > 1).any():
            index = int(np.argmax(counts > 1))
            raise batch.refuse(index, f"{features[0]} holds {counts[index]} values, expected one")
        return _in_slots(counts, codes, group.count, order)

    return convert


def _in_slots(counts: npt.NDArray[np.int64], codes: list[npt.NDArray[np.int64]], slots: int, order: Order) -> Columns:
    event = np.repeat(np.arange(len(counts)), counts)
    pt = codes[0]
    reordered = np.zeros(len(counts), np.bool_)
    rising = (pt[1:] > pt[:-1]) & (event[1:] == event[:-1])
    if order == "pt" and rising.any():
        reordered[event[1:][rising]] = True
        falling = np.lexsort((-pt, event))
        codes = [values[falling] for values in codes]
    position = np.arange(len(event)) - np.repeat(np.cumsum(counts) - counts, counts)
    keep = position < slots
    hw = np.zeros((len(counts), slots, 3), np.int16)
    for feature, values in enumerate(codes):
        hw[event[keep], position[keep], feature] = values[keep]
    hw[hw[..., 0] == 0] = 0
    return {"hw": hw, "reordered": reordered}


def _lists(batch: _Batch, column: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Lengths (n,) and all values of a column of integer lists."""
    array = batch.content.column(column)
    lengths = pc.list_value_length(array).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    if (lengths < 0).any():
        raise batch.refuse(int(np.argmax(lengths < 0)), f"{column} is missing (null)")
    values = array.flatten()
    if values.null_count:
        index = int(np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))[0])
        raise batch.refuse(_row_of(index, lengths), f"{column} has a missing (null) value")
    return lengths, values.to_numpy(zero_copy_only=False).astype(np.int64)


def _row_of(value: int, lengths: npt.NDArray[np.int64]) -> int:
    return int(np.searchsorted(np.cumsum(lengths), value, side="right"))


def _check_lengths(batch: _Batch, first: str | None, counts: npt.NDArray[np.int64], name: str, lengths: npt.NDArray[np.int64]) -> None:
    if (bad := counts != lengths).any():
        row = int(np.argmax(bad))
        raise batch.refuse(row, f"{first} holds {counts[row]} values but {name} {lengths[row]}; they must describe the same objects")


def _check_range(batch: _Batch, name: str, lengths: npt.NDArray[np.int64], values: npt.NDArray[np.int64], limits: tuple[int, int]) -> None:
    if (bad := (values < limits[0]) | (values > limits[1])).any():
        index = int(np.argmax(bad))
        problem = f"{name} = {values[index]} is outside its hardware range [{limits[0]}, {limits[1]}]; are these hardware integers?"
        raise batch.refuse(_row_of(index, lengths), problem)


def _plain(batch: _Batch) -> Columns:
    """All columns of a folder with one value per event, in a list or not."""
    return {name: _plain_column(batch, name) for name in batch.content.schema.names}


def _plain_column(batch: _Batch, column: str) -> npt.NDArray[Any]:
    array = batch.content.column(column)
    if _is_list(array.type):
        lengths = pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
        if (bad := lengths != 1).any():
            row = int(np.argmax(bad))
            raise batch.refuse(row, f"{column} holds {lengths[row]} values, expected one")
        array = array.flatten()
    if array.null_count:
        row = int(np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False))[0])
        raise batch.refuse(row, f"{column} is missing (null)")
    return np.asarray(array.to_numpy(zero_copy_only=False))


def _events(streams: Sequence[Iterator[Columns]], n_objects: int) -> Iterator[tuple[Events, int]]:
    """Events out of the streams of the objects, the event information, and the seeds or none."""
    first = 0
    for blocks in zip(*streams, strict=True):
        objects, info, menus = blocks[:n_objects], blocks[n_objects], blocks[n_objects + 1 :]
        hw = np.concatenate([block["hw"] for block in objects], axis=1)
        extra = {name: column.astype(np.int64) for name, column in info.items() if name not in _PILEUP_COLUMNS}
        extra |= {f"seed_{name}": column.astype(np.bool_) for menu in menus for name, column in menu.items()}
        source_event = np.arange(first, first + len(hw))
        first += len(hw)
        reordered = int(np.any([block["reordered"] for block in objects], axis=0).sum())
        yield Events(hw, np.zeros(len(hw), np.int16), source_event, _pileup(info, len(hw)), extra), reordered


def _pileup(info: Mapping[str, npt.NDArray[Any]], count: int) -> npt.NDArray[np.int16]:
    for name in _PILEUP_COLUMNS:
        if name in info:
            mean = np.nan_to_num(info[name].astype(np.float64), nan=0.0)
            return np.where(mean > 0, np.round(np.clip(mean, 0, 1000)), -1).astype(np.int16)
    return np.full(count, -1, np.int16)
