"""Import of the ADC2021 files (arXiv:2107.02157; Govorkova et al., Scientific Data 9 (2022) 118) and of what is made from them.

The public files have `Particles` (N, 19, 4): pT [GeV], eta, phi [rad], class; rows MET, 4 electrons, 4 muons, 10 jets, zero
padded. Arrays of the same rows without the class, (N, 19, 3), (N, 19, 3, 1) or (N, 57), are written by the example code of the
challenge (`X_train`, `X_val`, `X_test`; `Data` of a signal) and by the code for learned embeddings (`x_train`, `x_val`, `x_test`,
with the background's number in `labels_...` or, in a file of its own, `background_ID_...`; one array per signal). Those
that were scaled afterwards are refused: there is no way back to codes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import pi, prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.data._importing import ImportResult, Progress, write_blocks
from l1ae.data._store import Events
from l1ae.data.tables import SPLITS, Table, format_of, open_table
from l1ae.errors import UserError
from l1ae.inputs import Group, Layout, Role, arrange

__all__ = ["describe_adc2021", "import_adc2021"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_ROWS = {"met": slice(0, 1), "eg": slice(1, 5), "mu": slice(5, 9), "jet": slice(9, 19)}
_CLASSES = np.repeat((1, 2, 3, 4), (1, 4, 4, 10))
_COLUMNS = ("pt", "eta", "phi", "class")
_ROLES = {Role.ENERGY: 0, Role.ETA: 1, Role.PHI: 2}
_LEPTONS = slice(1, 9)
_PHI_LIMIT = pi + 1e-5  # float32 rounds pi up
_REMEDY = "download or copy it again"

_SPLIT_ARRAY = re.compile(r"[xX]_(train|test|val|valid)")
_LABELS = ("labels_{}", "background_ID_{}")
_BACKGROUNDS = ("w", "qcd", "z", "tt")
"""Meaning of the numbers in `labels_...` and `background_ID_...`."""
_SIGNALS = ("leptoquark", "ato4l", "hChToTauNu", "hToTauTau")


@dataclass(frozen=True)
class _Source:
    """An array of events in a file. `label` are the table and column of process numbers, `process` the name of all without."""

    table: Table
    array: str
    n_events: int
    columns: frozenset[str] = frozenset()
    split: int | None = None
    process: str | None = None
    label: tuple[Table, str] | None = None
    before: int = 0

    @property
    def path(self) -> Path:
        return self.table.path

    @property
    def public(self) -> bool:
        """Whether this is the public file itself."""
        return self.array == "Particles"

    @property
    def name(self) -> str:
        """How messages call it."""
        return str(self.path) if self.public else f"{self.path}: {self.array}"


@dataclass(frozen=True)
class _Block:
    """Rows of `source` from number `first` on: `values` (n, 19, 3 or 4) and other columns (n,) by name."""

    source: _Source
    first: int
    values: FloatArray
    optional: dict[str, npt.NDArray[Any]]


def import_adc2021(
    files: Sequence[Path],
    output: Path,
    layout: Layout,
    *,
    sample: str,
    processes: Sequence[str] = (),
    split: str | None = None,
    chunk: int = 65536,
    progress: Progress | None = None,
) -> ImportResult:
    """Convert files, in the order given, into one event store; reads `chunk` events at a time.

    `layout` may have the groups met, eg, mu and jet, with one feature of each role energy, eta and phi, such as `ugt`. A slot is
    empty when its pT is 0, whatever its class says: the public filter left phi and class of removed jets behind. Objects are put in
    order of falling pT where the layout sorts them. pT beyond the hardware scale saturates; MET's eta is ignored.

    The optional datasets `Process` (codes, named by `processes`; `process_0`, ... without names) and `SourceEvent` are
    taken over; the source events of several files must be numbers of one production. Without them the process is
    'unknown' and every event is its own source event. `EvtId` of the black box becomes an extra column if every file
    has it. Arrays of a train, validation and test set are read one after the other and the extra column `split` says which one an
    event is of (0, 1, 2); `split` takes only one of them.

    Raises `UserError`, naming file, event (counted from 0 in its array) and column, for truncated files, wrong keys,
    shapes and classes, NaN and infinity, negative pT, pT that is not in GeV, and angles out of range; and for a layout with other
    groups or features.
    """
    _check_layout(layout)
    sources = _chosen(_sources([Path(path) for path in files]), split)
    names = _process_names(sources, processes)
    extra = ["EvtId"] if all("EvtId" in source.columns for source in sources) else []
    provenance: dict[str, object] = {"importer": "adc2021", "files": [_file_of(source) for source in sources]}
    if split is not None:
        provenance["split"] = split
    blocks = (_convert(block, layout, names) for source in sources for block in _blocks(source, extra, chunk))
    total = sum(source.n_events for source in sources)
    return write_blocks(blocks, output, layout, sample=sample, processes=names, provenance=provenance, total=total, progress=progress)


def describe_adc2021(files: Sequence[Path], layout: Layout | None = None) -> str | None:
    """What was recognised, its arrays and number of events; None for other files."""
    if not files or not all(_is_adc2021(Path(path)) for path in files):
        return None
    sources = _sources([Path(path) for path in files])
    name = "ugt" if layout is None else layout.name
    lines = [
        f"ADC2021{'' if sources[0].public else ' (derived arrays)'}: {', '.join(dict.fromkeys(str(source.path) for source in sources))}",
        f"layout: {name}",
        f"events: {sum(source.n_events for source in sources)}",
        "columns:",
    ]
    for source in sources:
        kind = f"split {SPLITS[source.split]}" if source.split is not None else f"process {source.process or 'unknown'}"
        labels = f", processes from '{source.label[1]}'" if source.label else ""
        others = f", with {', '.join(sorted(source.columns))}" if source.columns else ""
        lines.append(f"  {source.array} {source.table.field(source.array).shape}: {source.n_events} events, {kind}{labels}{others}")
    return "\n".join(lines)


def _file_of(source: _Source) -> dict[str, object]:
    content: dict[str, object] = {"name": source.path.name, "bytes": source.path.stat().st_size, "events": source.n_events}
    return content if source.public else content | {"array": source.array}


# -- what the files are ------------------------------------------------------------------------------------------------


def _is_adc2021(path: Path) -> bool:
    if not path.is_file() or format_of(path).name not in {"hdf5", "npz"}:
        return False
    fields = open_table(path).fields
    return "Particles" in fields or bool(_arrays(fields)) or _is_labels(fields)


def _arrays(fields: Any) -> list[str]:
    """Arrays of 19 objects with 3 numbers, by the names that are used for them."""
    known = [name for name in fields if _SPLIT_ARRAY.fullmatch(name) or name == "Data" or name in _SIGNALS]
    return [name for name in known if fields[name].shape in {(57,), (19, 3), (19, 3, 1)}]


def _is_labels(fields: Any) -> bool:
    return bool(fields) and all(name.startswith("background_ID_") for name in fields)


def _sources(paths: Sequence[Path]) -> list[_Source]:
    """Check the structure of every file before anything is written."""
    if not paths:
        raise UserError("no files to import; give at least one ADC2021 HDF5 file")
    tables = [open_table(path) for path in paths]
    labels = [table for table in tables if _is_labels(table.fields)]
    found: list[_Source] = []
    for table in tables:
        if table not in labels:
            found += [_public(table)] if not _arrays(table.fields) else _derived(table, labels)
    if not found:
        raise UserError(f"{paths[0]}: only process numbers (background_ID_...); give the file with the events (x_train, ...), too")
    before = np.cumsum([0, *(source.n_events for source in found)]).tolist()
    return [replace(source, before=start) for source, start in zip(found, before[:-1], strict=True)]


def _public(table: Table) -> _Source:
    """The public file; checks names, shapes and types."""
    path, particles = table.path, table.fields.get("Particles")
    if particles is None:
        raise UserError(f"{path}: no dataset 'Particles' (found: {', '.join(table.fields) or 'nothing'}); is this an ADC2021 file?")
    n_events = particles.rows or 0
    if particles.shape != (19, 4) or particles.dtype.kind != "f":
        raise UserError(
            f"{path}: 'Particles' is {particles.dtype} of shape {(n_events, *particles.shape)}, expected floats of shape (N, 19, 4): "
            "MET, 4 electrons, 4 muons, 10 jets with pT, eta, phi, class"
        )
    if "Particles_Names" in table.fields:
        names = next(table.blocks(["Particles_Names"], 100))["Particles_Names"]
        found = tuple(bytes(name).decode(errors="replace").lower() for name in names)  # type: ignore[union-attr]
        if found != _COLUMNS:
            raise UserError(f"{path}: 'Particles_Names' are {', '.join(found)}, expected {', '.join(_COLUMNS)}; reorder the columns")
    columns = {"Process", "SourceEvent", "EvtId"} & set(table.fields)
    for name in columns:
        field = table.fields[name]
        shape = (field.rows, *field.shape)
        if shape != (n_events,) or field.dtype.kind not in "iu":
            raise UserError(f"{path}: '{name}' is {field.dtype} of shape {_text(shape)}, expected integers of shape ({n_events},)")
    label = (table, "Process") if "Process" in columns else None
    return _Source(table, "Particles", n_events, frozenset(columns), label=label)


def _text(shape: tuple[int | None, ...]) -> str:
    return f"({shape[0]},)" if len(shape) == 1 else str(shape)


def _derived(table: Table, labels: Sequence[Table]) -> list[_Source]:
    """The arrays of a derived file, with the process numbers that belong to them."""
    sources = []
    for name in _arrays(table.fields):
        rows = table.fields[name].rows or 0
        match = _SPLIT_ARRAY.fullmatch(name)
        part = match[1] if match else None
        split = None if part is None else SPLITS.index("valid" if part == "val" else part)
        label = None if part is None else _label_of(part, rows, [table, *labels])
        process = None if label is not None else name if name in _SIGNALS else None
        sources.append(_Source(table, name, rows, split=split, process=process, label=label))
    return sorted(sources, key=lambda source: -1 if source.split is None else source.split)


def _label_of(part: str, rows: int, tables: Sequence[Table]) -> tuple[Table, str] | None:
    for table in tables:
        for pattern in _LABELS:
            field = table.fields.get(pattern.format(part))
            if field is None:
                continue
            if field.rows != rows:
                raise UserError(f"{table.path}: '{field.name}' has {field.rows} numbers, but the array of these events has {rows} rows")
            return table, field.name
    return None


def _chosen(sources: list[_Source], split: str | None) -> list[_Source]:
    if split is None:
        return sources
    kept = [source for source in sources if source.split == SPLITS.index(split)]
    if not kept:
        raise UserError(
            f"--split {split}: {sources[0].path} has no such split, only {', '.join(s.array for s in sources)}; leave --split out"
        )
    return kept


def _process_names(sources: Sequence[_Source], names: Sequence[str]) -> tuple[str, ...]:
    """Names of all process codes; then those of whole arrays, and 'unknown' where there is neither."""
    highest = -1
    for source in sources:
        if source.label is None:
            continue
        table, column = source.label
        first = 0
        for block in table.blocks([column], 1 << 20):
            codes = np.asarray(block[column]).reshape(-1)
            if len(codes) and (codes.min() < 0 or not np.array_equal(codes, np.floor(codes))):
                event = int(np.flatnonzero((codes < 0) | (codes != np.floor(codes)))[0])
                raise UserError(f"{table.path}: event {first + event}: {column} = {codes[event]}; codes must be integers that count from 0")
            highest, first = max(highest, int(codes.max(initial=-1))), first + len(codes)
    if names and highest >= len(names):
        raise UserError(f"the files hold process codes up to {highest}, but {len(names)} process names were given: {', '.join(names)}")
    derived = any(source.label is not None and not source.public for source in sources)
    usual = _BACKGROUNDS if derived and highest < len(_BACKGROUNDS) else tuple(f"process_{code}" for code in range(highest + 1))
    named = tuple(names) or (usual if highest >= 0 else ())
    whole = dict.fromkeys(source.process or "unknown" for source in sources if source.label is None)
    return (*named, *(name for name in whole if name not in named))


# -- events ------------------------------------------------------------------------------------------------------------


def _blocks(source: _Source, extra: Sequence[str], chunk: int) -> Iterator[_Block]:
    own = [source.array, *(name for name in ("SourceEvent", *extra) if name in source.columns)]
    if source.label is not None and source.label[0] is source.table:
        own.append(source.label[1])
    streams = [source.table.blocks(own, chunk)]
    if source.label is not None and source.label[0] is not source.table:
        streams.append(source.label[0].blocks([source.label[1]], chunk))
    first = 0
    for parts in zip(*streams, strict=True):
        columns = {name: np.asarray(column) for part in parts for name, column in part.items()}
        values = columns.pop(source.array).astype(np.float64)
        yield _Block(source, first, values.reshape(len(values), 19, prod(values.shape[1:]) // 19), columns)
        first += len(values)


def _convert(block: _Block, layout: Layout, names: Sequence[str]) -> tuple[Events, int]:
    """Events of a block, and how many of them had to be put in order."""
    source = block.source
    _check_values(block, layout)
    count = len(block.values)
    hw = np.zeros((count, layout.size), layout.dtype)
    changed = np.zeros(count, np.bool_)
    for group in layout.groups:
        values, moved = _in_order(block.values[:, _ROWS[group.name], :3], group)
        codes = np.zeros((*values.shape[:2], len(group.features)), np.int64)
        for k, feature in enumerate(group.features):
            if not feature.absent:
                codes[..., k] = feature.encode(values[..., _ROLES[feature.role]])
        layout.block(hw, group.name)[:] = arrange(group, codes, values[..., 0] > 0).hw
        changed |= moved
    running = source.before + block.first + np.arange(count)
    code = names.index(source.process or "unknown") if source.label is None else None
    process = np.full(count, code) if source.label is None else block.optional[source.label[1]].reshape(-1)
    extra = {name: block.optional[name].astype(np.int64) for name in ("EvtId",) if name in block.optional}
    if source.split is not None:
        extra["split"] = np.full(count, source.split, np.int8)
    events = Events(
        hw,
        process.astype(np.int16),
        block.optional.get("SourceEvent", running).astype(np.int64),
        np.full(count, -1, np.int16),
        extra,
    )
    return events, int(changed.sum())


def _check_layout(layout: Layout) -> None:
    for group in layout.groups:
        if group.name not in _ROWS:
            raise UserError(
                f"ADC2021 files hold {', '.join(_ROWS)}; layout '{layout.name}' has '{group.name}': use layout ugt, or one "
                "with a part of its groups"
            )
        for feature in group.features:
            if not feature.absent and feature.role not in _ROLES:
                raise UserError(
                    f"ADC2021 files hold pT, eta and phi; group '{group.name}' of layout '{layout.name}' has '{feature.name}': use a "
                    "layout without it"
                )


def _check_values(block: _Block, layout: Layout) -> None:
    values = block.values
    pt, eta, phi = np.moveaxis(values[..., :3], -1, 0)
    filled = pt > 0
    scaled = "" if block.source.public else "; arrays that were scaled cannot be imported"

    def refuse(bad: BoolArray, column: int, problem: str) -> None:
        if bad.any():
            event, row = (int(i) for i in np.argwhere(bad)[0])
            name = f"{_row_name(row)}_{_COLUMNS[column]}"
            raise UserError(f"{block.source.name}: event {block.first + event}: {name} = {values[event, row, column]:g} {problem}")

    for column in range(3):
        refuse(~np.isfinite(values[..., column]), column, f"is not finite; the file is damaged, {_REMEDY}")
    refuse(pt < 0, 0, f"is negative; pT must be in GeV, and 0 where there is no object{scaled}")
    if values.shape[-1] == len(_COLUMNS):
        wrong = filled & (values[..., 3] != _CLASSES)
        refuse(wrong, 3, "is the wrong class; rows must be MET (1), 4 electrons (2), 4 muons (3), 10 jets (4)")
    if block.first == 0:
        _check_unit(pt[:, _LEPTONS], block.source.name)
    refuse(filled & (np.abs(eta) > _eta_limits(layout)), 1, "is beyond the hardware scale; the columns must be pT, eta, phi, class")
    refuse(filled & (np.abs(phi) > _PHI_LIMIT), 2, f"is outside [-pi, pi]; phi must be in radians in this range{scaled}")


def _row_name(row: int) -> str:
    group = next(name for name, rows in _ROWS.items() if rows.start <= row < rows.stop)
    return group if group == "met" else f"{group}{row - _ROWS[group].start}"


def _eta_limits(layout: Layout) -> FloatArray:
    """(19,): the largest |eta| of each row."""
    limits = np.full(19, np.inf)
    for group in layout.groups:
        if (feature := group.of_role(Role.ETA)) is not None:
            limits[_ROWS[group.name]] = -feature.range[0] * feature.lsb
    return limits


def _check_unit(lepton_pt: FloatArray, name: str) -> None:
    """Half of the leptons above 5 TeV or below 1 GeV is no spectrum of 13 TeV collisions but another unit."""
    filled = lepton_pt[lepton_pt > 0]
    median = float(np.median(filled)) if len(filled) else 30.0
    if median > 5000:
        raise UserError(f"{name}: the median lepton pT is {median:g}; this looks like MeV, but pT must be in GeV: divide it by 1000")
    if median < 1:
        raise UserError(
            f"{name}: the median lepton pT is {median:g}; this looks like TeV, or scaled, but pT must be in GeV: multiply it by 1000, or "
            "take the file that was not scaled"
        )


def _in_order(values: FloatArray, group: Group) -> tuple[FloatArray, BoolArray]:
    """Objects (N, K, 3) by falling pT, to more than a code, where the layout sorts them; and the events that this changed (N,)."""
    if group.sort is None:
        return values, np.zeros(len(values), np.bool_)
    changed = np.asarray((np.diff(values[..., 0], axis=1) > 0).any(axis=1))
    part = values[changed]
    order = np.argsort(-part[..., 0], axis=1, kind="stable")
    result = values.copy()
    result[changed] = np.take_along_axis(part, order[..., None], axis=1)
    return result, changed
