"""Import of the public ADC2021 files (arXiv:2107.02157; Govorkova et al., Scientific Data 9 (2022) 118).

Dataset `Particles` (N, 19, 4): pT [GeV], eta, phi [rad], class; rows MET, 4 electrons, 4 muons, 10 jets, zero padded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import pi
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from l1ae.data._hdf5 import opened
from l1ae.data._importing import ImportResult, Progress, write_blocks
from l1ae.data._store import Events
from l1ae.errors import UserError
from l1ae.inputs import FEATURES, InputSpec

__all__ = ["import_adc2021"]

FloatArray = npt.NDArray[np.float64]

_COLUMNS = ("pt", "eta", "phi", "class")
_COUNTS = (1, 4, 4, 10)
_CLASSES = np.repeat((1, 2, 3, 4), _COUNTS)
_LEPTONS = slice(1, 9)
_PHI_LIMIT = pi + 1e-5  # float32 rounds pi up
_REMEDY = "download or copy it again"


@dataclass(frozen=True)
class _Source:
    path: Path
    n_events: int
    events_before: int
    columns: frozenset[str]


@dataclass(frozen=True)
class _Block:
    """Rows of `source` from number `first` on: `values` (n, 19, 4) and the optional datasets (n,) by name."""

    source: _Source
    first: int
    values: FloatArray
    optional: dict[str, npt.NDArray[np.integer]]


def import_adc2021(
    files: Sequence[Path],
    output: Path,
    spec: InputSpec,
    *,
    sample: str,
    processes: Sequence[str] = (),
    chunk: int = 65536,
    progress: Progress | None = None,
) -> ImportResult:
    """Convert public files, in the order given, into one event store; reads `chunk` events at a time.

    A slot is empty when its pT is 0, whatever its class says: the public filter left phi and class of removed
    jets behind. Objects are put in order of falling pT within their group. pT beyond the hardware scale saturates;
    MET's eta is ignored.

    The optional datasets `Process` (codes, named by `processes`; `process_0`, ... without names) and `SourceEvent` are
    taken over; the source events of several files must be numbers of one production. Without them the process is
    'unknown' and every event is its own source event. `EvtId` of the black box becomes an extra column if every file
    has it.

    Raises `UserError`, naming file, event (counted from 0 in its file) and column, for truncated files, wrong keys,
    shapes and classes, NaN and infinity, negative pT, pT that is not in GeV, and angles out of range.
    """
    if tuple(group.count for group in spec.groups) != _COUNTS:
        raise UserError(f"ADC2021 files hold {_COUNTS} objects per group; this input specification has other groups")
    sources = _sources([Path(path) for path in files])
    names = _process_names(sources, processes)
    extra = ["EvtId"] if all("EvtId" in source.columns for source in sources) else []
    provenance = {
        "importer": "adc2021",
        "files": [{"name": s.path.name, "bytes": s.path.stat().st_size, "events": s.n_events} for s in sources],
    }
    blocks = (_convert(block, spec, unknown=len(names) - 1) for source in sources for block in _blocks(source, extra, chunk))
    total = sum(source.n_events for source in sources)
    return write_blocks(blocks, output, spec, sample=sample, processes=names, provenance=provenance, total=total, progress=progress)


def _sources(paths: Sequence[Path]) -> list[_Source]:
    """Check the layout of every file before anything is written."""
    if not paths:
        raise UserError("no files to import; give at least one ADC2021 HDF5 file")
    sources: list[_Source] = []
    for path in paths:
        before = sources[-1].events_before + sources[-1].n_events if sources else 0
        with opened(path, _REMEDY) as file:
            n_events = _check_layout(file, path)
            sources.append(_Source(path, n_events, before, frozenset(file)))
    return sources


def _check_layout(file: h5py.File, path: Path) -> int:
    """Check names, shapes and types; returns the number of events."""
    particles = file.get("Particles")
    if not isinstance(particles, h5py.Dataset):
        raise UserError(f"{path}: no dataset 'Particles' (found: {', '.join(file) or 'nothing'}); is this an ADC2021 file?")
    if particles.ndim != 3 or particles.shape[1:] != (19, 4) or particles.dtype.kind != "f":
        raise UserError(
            f"{path}: 'Particles' is {particles.dtype} of shape {particles.shape}, expected floats of shape (N, 19, 4): "
            "MET, 4 electrons, 4 muons, 10 jets with pT, eta, phi, class"
        )
    if "Particles_Names" in file:
        found = tuple(bytes(name).decode(errors="replace").lower() for name in file["Particles_Names"][()])
        if found != _COLUMNS:
            raise UserError(f"{path}: 'Particles_Names' are {', '.join(found)}, expected {', '.join(_COLUMNS)}; reorder the columns")
    n_events = int(particles.shape[0])
    for name in {"Process", "SourceEvent", "EvtId"} & set(file):
        dataset = file[name]
        if dataset.shape != (n_events,) or dataset.dtype.kind not in "iu":
            raise UserError(f"{path}: '{name}' is {dataset.dtype} of shape {dataset.shape}, expected integers of shape ({n_events},)")
    return n_events


def _process_names(sources: Sequence[_Source], names: Sequence[str]) -> tuple[str, ...]:
    """Names of all process codes; events of files without codes get the last one, 'unknown'."""
    highest = -1
    for source in sources:
        if "Process" in source.columns and source.n_events:
            with opened(source.path, _REMEDY) as file:
                codes = file["Process"][()]
            if codes.min() < 0:
                event = int(np.flatnonzero(codes < 0)[0])
                raise UserError(f"{source.path}: event {event}: Process = {codes[event]} is negative; codes must count from 0")
            highest = max(highest, int(codes.max()))
    if names and highest >= len(names):
        raise UserError(f"the files hold process codes up to {highest}, but {len(names)} process names were given: {', '.join(names)}")
    named = tuple(names) or tuple(f"process_{code}" for code in range(highest + 1))
    return named if all("Process" in source.columns for source in sources) else (*named, "unknown")


def _blocks(source: _Source, extra: Sequence[str], chunk: int) -> Iterator[_Block]:
    optional = ["Process", "SourceEvent", *extra]
    with opened(source.path, _REMEDY) as file:
        for start in range(0, source.n_events, chunk):
            rows = slice(start, min(start + chunk, source.n_events))
            columns = {name: file[name][rows] for name in optional if name in source.columns}
            yield _Block(source, start, file["Particles"][rows].astype(np.float64), columns)


def _convert(block: _Block, spec: InputSpec, *, unknown: int) -> tuple[Events, int]:
    """Events of a block, and how many of them had to be put in order; `unknown` is the process of those without code."""
    _check_values(block, spec)
    physical, reordered = _in_order(block.values[..., :3], spec)
    count = len(physical)
    running = block.source.events_before + block.first + np.arange(count)
    events = Events(
        spec.to_hardware(physical),
        block.optional.get("Process", np.full(count, unknown)).astype(np.int16),
        block.optional.get("SourceEvent", running).astype(np.int64),
        np.full(count, -1, np.int16),
        {name: block.optional[name].astype(np.int64) for name in ("EvtId",) if name in block.optional},
    )
    return events, reordered


def _check_values(block: _Block, spec: InputSpec) -> None:
    values = block.values
    pt, eta, phi, kind = np.moveaxis(values, -1, 0)
    filled = pt > 0

    def refuse(bad: npt.NDArray[np.bool_], feature: int, problem: str) -> None:
        if bad.any():
            event, slot = (int(i) for i in np.argwhere(bad)[0])
            column = spec.names[3 * slot].removesuffix("pt") + (*FEATURES, "class")[feature]
            raise UserError(f"{block.source.path}: event {block.first + event}: {column} = {values[event, slot, feature]:g} {problem}")

    for feature in range(3):
        refuse(~np.isfinite(values[..., feature]), feature, f"is not finite; the file is damaged, {_REMEDY}")
    refuse(pt < 0, 0, "is negative; pT must be in GeV, and 0 where there is no object")
    refuse(filled & (kind != _CLASSES), 3, "is the wrong class; rows must be MET (1), 4 electrons (2), 4 muons (3), 10 jets (4)")
    if block.first == 0:
        _check_unit(pt[:, _LEPTONS], block.source.path)
    limits = np.array([np.inf if g.eta is None else -g.eta.low * g.eta.lsb for g in spec.groups for _ in range(g.count)])
    refuse(filled & (np.abs(eta) > limits), 1, "is beyond the hardware scale; the columns must be pT, eta, phi, class")
    refuse(filled & (np.abs(phi) > _PHI_LIMIT), 2, "is outside [-pi, pi]; phi must be in radians in this range")


def _check_unit(lepton_pt: FloatArray, path: Path) -> None:
    """Half of the leptons above 5 TeV or below 1 GeV is no spectrum of 13 TeV collisions but another unit."""
    filled = lepton_pt[lepton_pt > 0]
    median = float(np.median(filled)) if len(filled) else 30.0
    if median > 5000:
        raise UserError(f"{path}: the median lepton pT is {median:g}; this looks like MeV, but pT must be in GeV: divide it by 1000")
    if median < 1:
        raise UserError(f"{path}: the median lepton pT is {median:g}; this looks like TeV, but pT must be in GeV: multiply it by 1000")


def _in_order(physical: FloatArray, spec: InputSpec) -> tuple[FloatArray, int]:
    """Objects of each group by falling pT, as the trigger receives them; and the number of events that this changed."""
    physical = physical.copy()
    changed = np.zeros(len(physical), np.bool_)
    for where in spec.slices().values():
        falling = (np.diff(physical[:, where, 0], axis=1) <= 0).all(axis=1)
        group = physical[~falling, where]
        order = np.argsort(-group[..., 0], axis=1, kind="stable")
        physical[~falling, where] = np.take_along_axis(group, order[..., None], axis=1)
        changed |= ~falling
    return physical, int(changed.sum())
