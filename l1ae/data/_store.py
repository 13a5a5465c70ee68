"""The event store: one HDF5 file of hardware integers, with the origin of every event.

Datasets: `hw` int16 (N, slots, 3), `process` int16 (N,), `source_event` int64 (N,), `pileup` int16 (N,); optional:
`regions` uint16 (N, phi, eta), the calorimeter image of the same events; and, where the origin has more to say, one column
(N,) per name in the group `extra`. Root attributes: `format`, `format_version`, `sample`, `input_digest`, `processes` (JSON
list), `provenance` (JSON object) and, with `regions`, `regions_digest`. A reader ignores what it does not know, so that
`format_version` rises only when the meaning of something known changes.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt

from l1ae.data._hdf5 import opened
from l1ae.errors import UserError
from l1ae.inputs import InputSpec, InputView, RegionSpec

__all__ = ["EventStore", "Events", "StoreWriter", "concatenate", "split_fractions"]

FORMAT = "l1ae-event-store"
FORMAT_VERSION = 1
CHUNK = 4096

_COLUMNS: dict[str, np.dtype[Any]] = {
    "process": np.dtype(np.int16),
    "source_event": np.dtype(np.int64),
    "pileup": np.dtype(np.int16),
}
_DATASETS = {"objects": "hw", "regions": "regions"}
_DIGESTS = {"objects": "input_digest", "regions": "regions_digest"}
_EXTRA_KINDS = "biuf"
_REMEDY = "copy it again, or make it again with l1ae data"


@dataclass(frozen=True, eq=False)
class Events:
    """A block of N events in memory.

    `hw` holds the hardware codes (N, *event_shape) of one view: int16 (N, slots, 3) for objects, uint16 (N, phi, eta) for
    calorimeter regions. `process` indexes the store's `processes`; events with equal
    `(process, source_event)` descend from one generated collision and are not independent; `pileup` is the number of
    overlaid interactions, -1 where it is not known. `extra` holds further columns (N,) that some origins provide.
    `regions`, uint16 (N, phi, eta), is for writing only: the image that a store keeps beside the objects in `hw`.
    """

    hw: npt.NDArray[np.integer]
    process: npt.NDArray[np.int16]
    source_event: npt.NDArray[np.int64]
    pileup: npt.NDArray[np.int16]
    extra: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    regions: npt.NDArray[np.uint16] | None = None

    def __len__(self) -> int:
        return len(self.hw)

    def select(self, mask_or_index: npt.NDArray[np.bool_] | npt.NDArray[np.integer] | slice) -> "Events":
        """The events where a mask (N,) is true, or those at given positions, in that order."""
        chosen = {name: getattr(self, name)[mask_or_index] for name in ("hw", *_COLUMNS)}
        extra = {name: column[mask_or_index] for name, column in self.extra.items()}
        return Events(**chosen, extra=extra, regions=None if self.regions is None else self.regions[mask_or_index])


def concatenate(blocks: Sequence[Events]) -> Events:
    """One block out of several (at least one), which must have the same extra columns, and regions all or none."""
    joined = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in ("hw", *_COLUMNS)}
    extra = {name: np.concatenate([block.extra[name] for block in blocks]) for name in blocks[0].extra}
    images = [block.regions for block in blocks if block.regions is not None]
    assert len(images) in {0, len(blocks)}, "regions in some blocks only"
    return Events(**joined, extra=extra, regions=np.concatenate(images) if images else None)


class StoreWriter:
    """Writes a store block by block; a context manager.

    The file has a temporary name until the `with` block ends without an exception, and is removed otherwise: a store
    under its final name is always whole. The same blocks give the same bytes.

    With `regions`, every block must bring the calorimeter image in `Events.regions`.

    Raises `UserError` when there is no process name. `provenance` must be JSON.
    """

    def __init__(
        self,
        path: Path,
        spec: InputSpec,
        *,
        sample: str,
        processes: Sequence[str],
        provenance: Mapping[str, object],
        regions: RegionSpec | None = None,
    ) -> None:
        if not processes:
            raise UserError(f"the store '{path}' needs at least one process name")
        self._path = Path(path)
        self._temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.tmp")
        self._views: dict[str, InputView] = {"hw": spec} | ({} if regions is None else {"regions": regions})
        self._attributes = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "sample": sample,
            **{_DIGESTS[view.view]: view.digest for view in self._views.values()},
            "processes": json.dumps(list(processes)),
            "provenance": json.dumps(dict(provenance), sort_keys=True),
        }
        self._n_processes = len(processes)
        self._written = 0
        self._extra: dict[str, np.dtype[Any]] | None = None
        self._file: h5py.File | None = None

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = h5py.File(self._temporary, "w", libver="earliest")  # later layouts put the time of day into the file
        self._file.attrs.update(self._attributes)
        for name, view in self._views.items():
            self._create(name, view.dtype, view.event_shape)
        for name, dtype in _COLUMNS.items():
            self._create(name, dtype, ())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if kind is None:
            self._temporary.replace(self._path)
        else:
            self._temporary.unlink(missing_ok=True)

    @property
    def written(self) -> int:
        """Number of events appended so far."""
        return self._written

    def append(self, events: Events) -> None:
        """Append a block. The first one decides which extra columns the store has.

        Raises `UserError` for a wrong shape or dtype, a code outside its scale (naming event, input and value), an
        unknown process, regions that are missing or not wanted, or other extra columns than those of the first block.
        Nothing is written then.
        """
        if self._file is None:
            raise RuntimeError("StoreWriter.append works inside its 'with' block only")
        self._check(events)
        if self._extra is None:
            self._extra = {name: column.dtype for name, column in events.extra.items()}
            for name, column in events.extra.items():
                self._create(f"extra/{name}", column.dtype, ())
        columns = {name: getattr(events, name) for name in (*self._views, *_COLUMNS)}
        columns |= {f"extra/{name}": column for name, column in events.extra.items()}
        end = self._written + len(events)
        for name, column in columns.items():
            dataset = self._file[name]
            dataset.resize(end, axis=0)
            dataset[self._written :] = column
        self._written = end

    def _create(self, name: str, dtype: np.dtype[Any], row: tuple[int, ...]) -> None:
        assert self._file is not None
        self._file.create_dataset(
            name, (0, *row), dtype, maxshape=(None, *row), chunks=(CHUNK, *row), compression="gzip", compression_opts=4, shuffle=True
        )

    def _check(self, events: Events) -> None:
        if (events.regions is not None) != ("regions" in self._views):
            raise UserError("a store has 'regions' for all events or for none: give them in every block, and their specification")
        for name, (dtype, row) in _layout(self._views).items():
            column, shape = getattr(events, name), (len(events), *row)
            if column.dtype != dtype or column.shape != shape:
                raise UserError(f"'{name}' must be {dtype} of shape {shape}, not {column.dtype} of shape {column.shape}")
        for name, view in self._views.items():
            view.validate_hardware(getattr(events, name), first_event=self._written)
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


@dataclass(frozen=True)
class EventStore:
    """A store opened for reading. Layout and attributes are checked on opening; no file stays open.

    `extra` are the names of the extra columns, which are read on request only. `view` is the one that `Events.hw` is read
    from, `views` are all that the store has.
    """

    path: Path
    sample: str
    processes: tuple[str, ...]
    provenance: Mapping[str, Any]
    n_events: int
    extra: tuple[str, ...] = ()
    view: str = "objects"
    views: tuple[str, ...] = ("objects",)

    @classmethod
    def open(cls, path: Path, spec: InputView) -> "EventStore":
        """Check the file's layout against `spec` and read its attributes. `spec.view` decides what `Events.hw` will be.

        Raises `UserError` when the file is missing, truncated, no event store, from a newer version, of a wrong
        layout, without the view of `spec`, or made with other hardware scales than those of `spec`.
        """
        path = Path(path)
        with opened(path, _REMEDY) as file:
            _check_format(file, path)
            _check_view(file, path, spec)
            n_events = _check_layout(file, path, spec)
            processes = _json_attribute(file, path, "processes", list)
            provenance = _json_attribute(file, path, "provenance", dict)
            extra = tuple(sorted(file["extra"])) if "extra" in file else ()
            views = tuple(view for view, name in _DATASETS.items() if name in file)
            sample = str(file.attrs.get("sample", ""))
            return cls(path, sample, tuple(map(str, processes)), provenance, n_events, extra, spec.view, views)

    def read(self, start: int = 0, stop: int | None = None, *, extra: Sequence[str] = ()) -> Events:
        """Events [start, stop), clipped to the store as a slice is, with the named extra columns.

        Raises `UserError` when the file is damaged there or lacks an extra column.
        """
        with opened(self.path, _REMEDY) as file:
            start, stop, _ = slice(start, stop).indices(self.n_events)
            return self._block(file, start, max(start, stop), extra)

    def chunks(self, size: int = 65536, *, extra: Sequence[str] = ()) -> Iterator[Events]:
        """All events in order, `size` at a time."""
        with opened(self.path, _REMEDY) as file:
            for start in range(0, self.n_events, size):
                yield self._block(file, start, min(start + size, self.n_events), extra)

    def _block(self, file: h5py.File, start: int, stop: int, extra: Sequence[str]) -> Events:
        for name in extra:
            if name not in self.extra:
                raise UserError(f"{self.path}: no extra column '{name}'; there are {', '.join(self.extra) or 'none'}")
        columns = {name: file[name][start:stop] for name in _COLUMNS}
        columns["hw"] = file[_DATASETS[self.view]][start:stop]
        return Events(**columns, extra={name: file[f"extra/{name}"][start:stop] for name in extra})


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
    state = _mix(np.array([seed], np.int64).view(np.uint64))
    state = _mix(state + events.process.astype(np.int64).view(np.uint64))
    state = _mix(state + events.source_event.astype(np.int64).view(np.uint64))
    return np.searchsorted(edges, (state >> np.uint64(11)) * 2.0**-53, side="right").astype(np.int8)


def _mix(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(state ^ (state >> np.uint64(31)), np.uint64)


def _check_format(file: h5py.File, path: Path) -> None:
    if file.attrs.get("format") != FORMAT:
        if "Particles" in file:
            raise UserError(f"{path}: these are physical values in the ADC2021 layout; convert them with l1ae data import")
        raise UserError(f"{path}: no event store (attribute format = {file.attrs.get('format')!r}, expected '{FORMAT}')")
    version = file.attrs.get("format_version")
    if version != FORMAT_VERSION:
        raise UserError(f"{path}: format_version {version}, but this l1ae reads version {FORMAT_VERSION}; install the l1ae that wrote it")


def _check_view(file: h5py.File, path: Path, spec: InputView) -> None:
    """The view is there, on the scales of `spec`."""
    if spec.view == "regions" and "regions" not in file:
        raise UserError(
            f"{path}: holds objects only, no calorimeter regions; generate it with l1ae data generate --regions, use data.source: "
            "shipped_regions, or train on inputs.view: objects"
        )
    name = _DIGESTS[spec.view]
    if (digest := file.attrs.get(name)) != spec.digest:
        raise UserError(
            f"{path}: made with other hardware scales ({name} {str(digest)[:12]}..., expected {spec.digest[:12]}...); "
            "generate or import the events again with this input specification"
        )


def _layout(views: Mapping[str, InputView]) -> dict[str, tuple[np.dtype[Any], tuple[int, ...]]]:
    """Type and shape of one row of every dataset, without the extra columns."""
    return {name: (view.dtype, view.event_shape) for name, view in views.items()} | {name: (t, ()) for name, t in _COLUMNS.items()}


def _check_layout(file: h5py.File, path: Path, spec: InputView) -> int:
    """Check datasets and lengths; returns the number of events."""
    layout = _layout({_DATASETS[spec.view]: spec})
    first = file.get(next(iter(layout)))
    n_events = first.shape[0] if isinstance(first, h5py.Dataset) and first.ndim else 0
    for name in [*layout, *(f"extra/{name}" for name in file.get("extra", ()))]:
        dataset = file.get(name)
        if not isinstance(dataset, h5py.Dataset):
            raise UserError(f"{path}: no dataset '{name}'; an event store has {', '.join(layout)}; make the file again")
        dtype, row = layout.get(name, (dataset.dtype, ()))
        if dataset.shape != (n_events, *row) or dataset.dtype != dtype:
            raise UserError(f"{path}: '{name}' is {dataset.dtype} of shape {dataset.shape}, expected {dtype} of shape {(n_events, *row)}")
    return n_events


def _json_attribute(file: h5py.File, path: Path, name: str, kind: type) -> Any:
    text = file.attrs.get(name)
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        value = None
    if not isinstance(value, kind):
        raise UserError(f"{path}: attribute '{name}' must be a JSON {kind.__name__}, not {text!r}; make the file again")
    return value


def _check_range(column: npt.NDArray[np.integer], low: int, high: int, name: str, first_event: int) -> None:
    bad = np.flatnonzero((column < low) | (column > high))
    if len(bad):
        raise UserError(f"event {first_event + int(bad[0])}: {name} = {column[bad[0]]} is outside [{low}, {high}]")


def _listed(columns: Mapping[str, np.dtype[Any]]) -> str:
    return "(" + ", ".join(f"{name}: {dtype}" for name, dtype in columns.items()) + ")"
