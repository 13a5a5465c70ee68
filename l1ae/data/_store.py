"""The event store: one HDF5 file of hardware integers, with their layout and the origin of every event.

Datasets: `layout`, the JSON of a `Layout` as uint8; in the group `columns` one dataset (N, slots, features) for each group of the
layout; `process` int16 (N,), `source_event` int64 (N,), `pileup` int16 (N,); and, where the origin has more to say, one column
(N,) per name in the group `extra`; many yes-or-no columns are `bits` uint8 (N, bytes), see `Bits`, with `bit_names`, a JSON list as
uint8. Root attributes: `format`, `format_version`, `sample`, `processes` (JSON list), `provenance`
(JSON object). A reader ignores what it does not know, so that `format_version` rises only when the meaning of something known
changes.

Files of version 1, which knew two layouts, are read too: `hw` int16 (N, 19, 3) is layout `ugt`, `regions` uint16 (N, 18, 14)
beside it layout `calo_regions`, if the root attributes `input_digest` and `regions_digest` say so.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt

from l1ae.data._bits import Bits, unpack
from l1ae.data._chunks import ChunkWriter
from l1ae.documents import validate
from l1ae.errors import UserError
from l1ae.files import DamagedError, json_content
from l1ae.hdf5 import NewFile, created, number_attribute, opened, text_attribute, text_dataset
from l1ae.inputs import Layout, named_layout
from l1ae.progress import task

__all__ = ["EventStore", "Events", "StoreWriter", "concatenate", "mix", "split_fractions"]

FORMAT = "l1ae-event-store"
FORMAT_VERSION = 2

_COLUMNS: dict[str, np.dtype[Any]] = {
    "process": np.dtype(np.int16),
    "source_event": np.dtype(np.int64),
    "pileup": np.dtype(np.int16),
}
_LAYOUT = "layout"
_COLUMNS_GROUP = "columns"
# Version 1: dataset, attribute with the digest of its scales, that digest, the layout that it means, and its shape.
_VERSION_1 = (
    ("hw", "input_digest", "cb548295d51f41aaffd6134d25027c2995b4cd52bb877c189379c94f6ede67b5", "ugt", (19, 3)),
    ("regions", "regions_digest", "5f073b8e1b5d0e0d609f5acb2ef43d98c445b4a9c51129e0e60f6fbc5a285b06", "calo_regions", (18, 14)),
)
_BITS, _BIT_NAMES = "bits", "bit_names"
_EXTRA_KINDS = "biuf"
_REMEDY = "copy it again, or make it again with l1ae data"
_IMPORT = "l1ae data import FILE --map MAP.yaml -o STORE.h5"


@dataclass(frozen=True, eq=False)
class Events:
    """A block of N events in memory.

    `hw` holds the hardware codes (N, size) of a layout, of type `Layout.dtype`. `process` indexes the store's `processes`; events
    with equal `(process, source_event)` descend from one generated collision and are not independent; `pileup` is the number of
    overlaid interactions, -1 where it is not known. `extra` holds further columns (N,) that some origins provide. `bits` are yes-or-no
    columns on their way into a store; what is read from there are columns in `extra`.
    """

    hw: npt.NDArray[np.integer]
    process: npt.NDArray[np.int16]
    source_event: npt.NDArray[np.int64]
    pileup: npt.NDArray[np.int16]
    extra: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    bits: Bits | None = None

    def __len__(self) -> int:
        return len(self.hw)

    def select(self, mask_or_index: npt.NDArray[np.bool_] | npt.NDArray[np.integer] | slice) -> "Events":
        """The events where a mask (N,) is true, or those at given positions, in that order."""
        chosen = {name: getattr(self, name)[mask_or_index] for name in ("hw", *_COLUMNS)}
        bits = None if self.bits is None else self.bits.select(mask_or_index)
        return Events(**chosen, extra={name: column[mask_or_index] for name, column in self.extra.items()}, bits=bits)


def concatenate(blocks: Sequence[Events]) -> Events:
    """One block out of several (at least one), which must have the same extra columns and bits."""
    joined = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in ("hw", *_COLUMNS)}
    extra = {name: np.concatenate([block.extra[name] for block in blocks]) for name in blocks[0].extra}
    packed = [block.bits for block in blocks if block.bits is not None]
    bits = Bits(packed[0].names, np.concatenate([item.values for item in packed])) if packed else None
    return Events(**joined, extra=extra, bits=bits)


class StoreWriter:
    """Writes a store block by block; a context manager.

    The file has a temporary name until the `with` block ends without an exception, and is removed otherwise: a store
    under its final name is always whole. The same blocks give the same bytes.

    Raises `UserError` when there is no process name. `provenance` must be JSON.
    """

    def __init__(
        self,
        path: Path,
        layout: Layout,
        *,
        sample: str,
        processes: Sequence[str],
        provenance: Mapping[str, object],
    ) -> None:
        if not processes:
            raise UserError(f"the store '{path}' needs at least one process name")
        self._path = Path(path)
        self._layout = layout
        self._attributes = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "sample": sample,
            "processes": json.dumps(list(processes)),
            "provenance": json.dumps(dict(provenance), sort_keys=True),
        }
        self._n_processes = len(processes)
        self._written = 0
        self._extra: dict[str, np.dtype[Any]] | None = None
        self._bit_names: tuple[str, ...] = ()
        self._stack = ExitStack()
        self._file: NewFile | None = None
        self._chunks: ChunkWriter | None = None

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._stack.enter_context(created(self._path))
        self._file.hdf5.attrs.update(self._attributes)
        self._file.hdf5.create_dataset(_LAYOUT, data=_json_bytes(self._layout.model_dump(mode="json", exclude_defaults=True)))
        self._chunks = ChunkWriter(self._file.hdf5)
        for group in self._layout.groups:
            self._chunks.create(f"{_COLUMNS_GROUP}/{group.name}", self._layout.dtype, (group.slots, len(group.features)))
        for name, dtype in _COLUMNS.items():
            self._chunks.create(name, dtype)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        chunks, self._file, self._chunks = self._chunks, None, None
        try:
            if chunks is not None:
                chunks.close() if kind is None else chunks.abandon()
        except BaseException as failed:
            self._stack.__exit__(type(failed), failed, failed.__traceback__)
            raise
        self._stack.__exit__(kind, error, trace)

    @property
    def written(self) -> int:
        """Number of events appended so far."""
        return self._written

    def append(self, events: Events) -> None:
        """Append a block. The first one decides which extra columns the store has.

        Raises `UserError` for a wrong shape or dtype, a code outside its range (naming event, column and value), an
        unknown process, or other extra columns than those of the first block. Nothing is written then.
        """
        if self._file is None or self._chunks is None:
            raise RuntimeError("StoreWriter.append works inside its 'with' block only")
        self._check(events)
        if self._extra is None:
            self._extra = {name: column.dtype for name, column in events.extra.items()}
            for name, column in events.extra.items():
                self._chunks.create(f"extra/{name}", column.dtype)
            if events.bits is not None:
                self._bit_names = events.bits.names
                self._file.hdf5.create_dataset(_BIT_NAMES, data=_json_bytes(events.bits.names))
                self._chunks.create(_BITS, np.dtype(np.uint8), events.bits.values.shape[1:])
        columns = {f"{_COLUMNS_GROUP}/{group.name}": self._layout.block(events.hw, group.name) for group in self._layout.groups}
        columns |= {name: getattr(events, name) for name in _COLUMNS}
        columns |= {f"extra/{name}": column for name, column in events.extra.items()}
        columns |= {} if events.bits is None else {_BITS: events.bits.values}
        self._chunks.append(columns)
        self._file.check()
        self._written += len(events)

    def _check(self, events: Events) -> None:
        for name, (dtype, row) in {"hw": (self._layout.dtype, (self._layout.size,)), **{n: (t, ()) for n, t in _COLUMNS.items()}}.items():
            column, shape = getattr(events, name), (len(events), *row)
            if column.dtype != dtype or column.shape != shape:
                raise UserError(f"'{name}' must be {dtype} of shape {shape}, not {column.dtype} of shape {column.shape}")
        self._layout.validate_hardware(events.hw, first_event=self._written)
        _check_range(events.process, 0, self._n_processes - 1, "process", self._written)
        _check_range(events.pileup, -1, np.iinfo(np.int16).max, "pileup", self._written)
        for name, extra in events.extra.items():
            if extra.shape != (len(events),) or extra.dtype.kind not in _EXTRA_KINDS or "/" in name:
                raise UserError(
                    f"extra column '{name}' must be numbers of shape ({len(events)},), not {extra.dtype} of shape {extra.shape}"
                )
        found = {name: column.dtype for name, column in events.extra.items()}
        if self._extra is not None and found != self._extra:
            raise UserError(f"extra columns {_listed(found)} differ from those of the first block, {_listed(self._extra)}")
        self._check_bits(events)

    def _check_bits(self, events: Events) -> None:
        names = () if events.bits is None else events.bits.names
        if self._extra is not None and names != self._bit_names:
            raise UserError(
                f"bits {', '.join(names) or 'none'} differ from those of the first block, {', '.join(self._bit_names) or 'none'}"
            )
        if twice := {name for name in names if names.count(name) > 1} | (set(names) & set(events.extra)):
            raise UserError(f"extra column '{min(twice)}' is there twice; give each column one name")
        if events.bits is not None and events.bits.values.shape != (len(events), -(-len(names) // 8)):
            raise UserError(f"{len(names)} bits of {len(events)} events cannot have the shape {events.bits.values.shape}")


@dataclass(frozen=True)
class _Part:
    """A dataset (N, *row) that holds the columns of the store's layout from number `first` on."""

    dataset: str
    first: int
    row: tuple[int, ...]

    def holds(self, columns: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which of these column numbers it holds."""
        return (columns >= self.first) & (columns < self.first + prod(self.row))


@dataclass(frozen=True)
class EventStore:
    """A store opened for reading. Layout and attributes are checked on opening; no file stays open.

    `layout` is what `Events.hw` is read in, `own` the store's. `extra` are the names of the extra columns, which are read on
    request only; those in `bits` are packed.
    """

    path: Path
    sample: str
    processes: tuple[str, ...]
    provenance: Mapping[str, Any]
    n_events: int
    extra: tuple[str, ...]
    layout: Layout
    own: Layout
    parts: tuple[_Part, ...]
    bits: tuple[str, ...] = ()

    @classmethod
    def open(cls, path: Path, layout: Layout | None = None) -> "EventStore":
        """Check the file and read its attributes. `layout` is the part of the store's columns to read; None: all.

        Raises `UserError` when the file is missing, truncated, no event store, from a newer version, of a wrong
        structure, or without the columns of `layout` on their scales.
        """
        path = Path(path)
        _check_kind(path)
        with opened(path, _REMEDY) as file:
            version = _check_format(file, path)
            own, parts = _own_layout(file, path) if version == FORMAT_VERSION else _layout_of_version_1(file, path)
            n_events = _check_datasets(file, path, parts)
            processes = _json_attribute(file, path, "processes", list)
            provenance = _json_attribute(file, path, "provenance", dict)
            bits = _bit_names(file, path, n_events)
            extra = tuple(sorted([*_extra_names(file, path), *bits]))
            sample = text_attribute(file, "sample") or ""
        layout = own if layout is None else layout
        layout.taken_from(own, str(path))
        return cls(path, sample, tuple(map(str, processes)), provenance, n_events, extra, layout, own, parts, bits)

    def read(self, start: int = 0, stop: int | None = None, *, extra: Sequence[str] = ()) -> Events:
        """Events [start, stop), clipped to the store as a slice is, with the named extra columns.

        Raises `UserError` when the file is damaged there or lacks an extra column.
        """
        with opened(self.path, _REMEDY) as file:
            start, stop, _ = slice(start, stop).indices(self.n_events)
            return self._block(file, start, max(start, stop), extra)

    def chunks(self, size: int = 65536, *, extra: Sequence[str] = ()) -> Iterator[Events]:
        """All events in order, `size` at a time."""
        with opened(self.path, _REMEDY) as file, task(self.path.name, total=self.n_events, unit="events") as read:
            for start in range(0, self.n_events, size):
                yield self._block(file, start, min(start + size, self.n_events), extra)
                read.update(min(start + size, self.n_events))

    def _block(self, file: h5py.File, start: int, stop: int, extra: Sequence[str]) -> Events:
        for name in extra:
            if name not in self.extra:
                raise UserError(f"{self.path}: no extra column '{name}'; there are {', '.join(self.extra) or 'none'}")
        columns = {name: file[name][start:stop] for name in _COLUMNS}
        hw = np.zeros((stop - start, self.layout.size), self.layout.dtype)
        for part in self.parts:
            mine = np.flatnonzero(part.holds(self._taken))
            if len(mine):
                values = file[part.dataset][start:stop].reshape(stop - start, prod(part.row))
                hw[:, mine] = values[:, self._taken[mine] - part.first]
        packed = file[_BITS][start:stop] if set(extra) & set(self.bits) else None
        self.layout.validate_hardware(hw, first_event=start, where=f"{self.path}: ")
        _check_range(columns["process"], 0, len(self.processes) - 1, "process", start, where=f"{self.path}: ")
        return Events(hw, **columns, extra={name: self._extra(file, name, packed, start, stop) for name in extra})

    def _extra(self, file: h5py.File, name: str, packed: npt.NDArray[np.uint8] | None, start: int, stop: int) -> npt.NDArray[Any]:
        if packed is None or name not in self.bits:
            return np.asarray(file[f"extra/{name}"][start:stop])
        return unpack(packed, self.bits.index(name))

    @cached_property
    def _taken(self) -> npt.NDArray[np.int64]:
        return self.layout.taken_from(self.own, str(self.path))


def split_fractions(events: Events, fractions: Sequence[float], seed: int) -> npt.NDArray[np.int8]:
    """Index (N,) of the part that each event belongs to.

    A hash of (process, source_event, seed) alone decides: all copies of one source event go together, whatever the
    order or number of the events. Part i is expected to hold `fractions[i]` of the source events; fractions that sum
    to less than 1 leave the rest to one more part. The hash is three rounds of the splitmix64 finaliser
    (Steele, Lea, Flood, OOPSLA 2014), its upper 53 bits read as a number in [0, 1).

    Raises `UserError` for a negative fraction or a sum above 1.
    """
    edges = np.cumsum(np.asarray(fractions, np.float64))
    if not len(edges) or not np.isfinite(edges).all() or min(fractions) < 0 or edges[-1] > 1 + 1e-9:
        raise UserError(f"fractions must not be negative and sum to at most 1, not {list(fractions)}")
    if edges[-1] > 1 - 1e-9:
        edges = edges[:-1]
    state = mix(np.array([seed], np.int64).view(np.uint64))
    state = mix(state + events.process.astype(np.int64).view(np.uint64))
    state = mix(state + events.source_event.astype(np.int64).view(np.uint64))
    return np.searchsorted(edges, (state >> np.uint64(11)) * 2.0**-53, side="right").astype(np.int8)


def mix(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of splitmix64: every bit of the result depends on all bits of the state."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(state ^ (state >> np.uint64(31)), np.uint64)


def _check_kind(path: Path) -> None:
    """Raises `UserError` for a file of another kind than HDF5, undamaged as far as its first bytes say."""
    if not path.is_file() or h5py.is_hdf5(path):
        return
    # only here, because it needs all that reads tables
    from l1ae.data.tables._formats import format_of

    try:
        kind = format_of(path)
    except UserError:
        return
    if kind.name != "hdf5":
        what = "a text file" if kind.magic is None else f"a file of the kind {kind.title}"
        raise UserError(f"{path}: {what}, and no event store; make one of it with {_IMPORT}")


def _check_format(file: h5py.File, path: Path) -> int:
    if text_attribute(file, "format") != FORMAT:
        if "Particles" in file:
            raise UserError(f"{path}: these are physical values in the ADC2021 layout; convert them with l1ae data import")
        raise UserError(
            f"{path}: no event store (attribute format = {file.attrs.get('format')!r}, expected '{FORMAT}'); make one of it with {_IMPORT}"
        )
    version = number_attribute(file, "format_version")
    if version not in {1, FORMAT_VERSION}:
        found = file.attrs.get("format_version")
        raise UserError(f"{path}: format_version {found}, but this l1ae reads version {FORMAT_VERSION}; install the l1ae that wrote it")
    return int(version)


def _own_layout(file: h5py.File, path: Path) -> tuple[Layout, tuple[_Part, ...]]:
    try:
        content = json_content(text_dataset(file, _LAYOUT))
    except DamagedError as error:
        raise UserError(f"{path}: dataset '{_LAYOUT}' must hold JSON ({error}); {_REMEDY}") from error
    layout = validate(Layout, content, f"{path}: {_LAYOUT}")
    return layout, tuple(
        _Part(f"{_COLUMNS_GROUP}/{group.name}", layout.where(group.name).start, (group.slots, len(group.features)))
        for group in layout.groups
    )


def _json_bytes(content: object) -> npt.NDArray[np.uint8]:
    """JSON as a dataset; an attribute could not hold a long one."""
    return np.frombuffer(json.dumps(content).encode(), np.uint8)


def _bit_names(file: h5py.File, path: Path, n_events: int) -> tuple[str, ...]:
    """Names of the packed columns. Raises `UserError` when they do not fit to the bytes."""
    if _BITS not in file:
        return ()
    try:
        names = json.loads(text_dataset(file, _BIT_NAMES))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: dataset '{_BIT_NAMES}' must hold JSON ({error}); {_REMEDY}") from error
    packed = file.get(_BITS)
    if not isinstance(packed, h5py.Dataset):
        raise UserError(f"{path}: '{_BITS}' must be a dataset; {_REMEDY}")
    if not isinstance(names, list) or packed.dtype != np.uint8 or packed.shape != (n_events, -(-len(names) // 8)):
        raise UserError(f"{path}: '{_BITS}' is {packed.dtype} of shape {packed.shape}, which does not fit to '{_BIT_NAMES}'; {_REMEDY}")
    return tuple(map(str, names))


def _layout_of_version_1(file: h5py.File, path: Path) -> tuple[Layout, tuple[_Part, ...]]:
    layouts: list[Layout] = []
    parts: list[_Part] = []
    for dataset, attribute, digest, name, row in _VERSION_1:
        if dataset not in file:
            continue
        if (found := str(file.attrs.get(attribute))) != digest:
            raise UserError(
                f"{path}: made with other hardware scales ({attribute} {found[:12]}..., expected {digest[:12]}...); "
                "generate or import the events again"
            )
        parts.append(_Part(dataset, sum(layout.size for layout in layouts), row))
        layouts.append(named_layout(name))
    if not layouts:
        raise UserError(f"{path}: no dataset 'hw'; {_REMEDY}")
    return Layout.joined(layouts), tuple(parts)


def _check_datasets(file: h5py.File, path: Path, parts: Sequence[_Part]) -> int:
    """Check shapes, types and lengths; returns the number of events."""
    first = file.get(parts[0].dataset)
    n_events = first.shape[0] if isinstance(first, h5py.Dataset) and first.ndim else 0
    known = {part.dataset: (None, part.row) for part in parts} | {name: (dtype, ()) for name, dtype in _COLUMNS.items()}
    for name in [*known, *(f"extra/{name}" for name in _extra_names(file, path))]:
        dataset = file.get(name)
        if not isinstance(dataset, h5py.Dataset):
            raise UserError(f"{path}: no dataset '{name}'; an event store has {', '.join(known)}; make the file again")
        dtype, row = known.get(name, (dataset.dtype, ()))
        if dataset.shape != (n_events, *row) or (dataset.dtype.kind not in "iu" if dtype is None else dataset.dtype != dtype):
            raise UserError(
                f"{path}: '{name}' is {dataset.dtype} of shape {dataset.shape}, expected {dtype or 'integers'} of shape {(n_events, *row)}"
            )
    return n_events


def _extra_names(file: h5py.File, path: Path) -> tuple[str, ...]:
    group = file.get("extra", {})
    if isinstance(group, h5py.Dataset):
        raise UserError(f"{path}: 'extra' must be a group; {_REMEDY}")
    return tuple(group)


def _json_attribute(file: h5py.File, path: Path, name: str, kind: type) -> Any:
    text = text_attribute(file, name) or ""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, kind):
        raise UserError(f"{path}: attribute '{name}' must be a JSON {kind.__name__}, not {text[:80]!r}; make the file again")
    return value


def _check_range(column: npt.NDArray[np.integer], low: int, high: int, name: str, first_event: int, *, where: str = "") -> None:
    bad = np.flatnonzero((column < low) | (column > high))
    if len(bad):
        raise UserError(f"{where}event {first_event + int(bad[0])}: {name} = {column[bad[0]]} is outside [{low}, {high}]")


def _listed(columns: Mapping[str, np.dtype[Any]]) -> str:
    return "(" + ", ".join(f"{name}: {dtype}" for name, dtype in columns.items()) + ")"
