"""What is in an event store, in numbers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from l1ae.data._split import WEIGHT
from l1ae.data._store import Events, EventStore
from l1ae.inputs import Feature, Group, Role

__all__ = ["ArrayDescription", "GroupDescription", "StoreDescription", "WeightDescription", "describe"]

QUANTILES = (0.1, 0.5, 0.9)
_NAN = float("nan")

_SHORT = 200
"""Characters of what is shown of a provenance without being asked for."""

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class GroupDescription:
    """Objects of one kind, or a sum.

    `multiplicity` is the mean number of filled slots per event and `multiplicity_error` its standard error, as if all
    events were independent; `leading` holds the `QUANTILES` of the first filled slot's `feature` in `unit` (centre of the
    code), NaN when no event has one; `saturated` is the fraction of filled slots where it has its saturation code, NaN
    when there are none, None when there is no such code. `feature` is the first energy, or the gate, or the first there is.
    """

    feature: str
    unit: str
    multiplicity: float
    multiplicity_error: float
    leading: tuple[float, ...]
    saturated: float | None

    def line(self, name: str) -> str:
        """A row of the table of objects."""
        values = " / ".join(f"{value:6.1f}" for value in self.leading)
        saturated = "" if self.saturated is None else f"{100 * self.saturated:8.4f} %"
        multiplicity = f"{self.multiplicity:7.4f} ± {self.multiplicity_error:.4f}"
        return f"{name:8} {multiplicity}       {f'{self.feature} {values} {self.unit}':34} {saturated}".rstrip()


@dataclass(frozen=True)
class ArrayDescription:
    """An image, a waveform or another vector of `slots` values.

    `total` holds the `QUANTILES` over the events of the summed lower edges of the codes, in `unit`; `occupied` is the mean
    number of values per event that are not 0, `saturated` the fraction of all values with the saturation code, None without
    such a code. NaN without events.
    """

    slots: int
    unit: str
    total: tuple[float, ...]
    occupied: float
    saturated: float | None

    def line(self, name: str) -> str:
        """One line for people."""
        total = " / ".join(f"{value:.1f}" for value in self.total)
        unit = f" {self.unit}" if self.unit else ""
        saturated = "" if self.saturated is None else f", {100 * self.saturated:.4f} % saturated"
        return f"{name}: sum {total}{unit} (10 % / 50 % / 90 %), {self.occupied:.1f} of {self.slots} not 0{saturated}"


@dataclass(frozen=True)
class WeightDescription:
    """The extra column `weight`: sum, sum of squares and, of each process, its part of the sum (0 for a store without events)."""

    total: float
    squares: float
    per_process: Mapping[str, float]

    @property
    def effective(self) -> float:
        """Number of unweighted events that would know an average over all events as well (L. Kish, Survey Sampling, 1965)."""
        return self.total**2 / self.squares if self.squares else 0.0

    def __str__(self) -> str:
        shares = ", ".join(f"{name} {100 * share:.4g} %" for name, share in self.per_process.items())
        effective = f"weights (not used above): sum {self.total:.6g}, effective number of events {self.effective:.0f}"
        return f"{effective}; weighted shares: {shares}"


@dataclass(frozen=True)
class StoreDescription:
    """Summary of a store; its text form is meant for people.

    `layout` and `columns` are the name and the size of the layout that was read. `source_events` counts distinct (process,
    source_event); where it is smaller than `events`, several events descend from one collision. `pileup` is the mean number
    of overlaid interactions of the events where it is known, else None. `weights` is None for a store whose events all count
    the same. All other numbers count events, not weights.
    """

    path: Path
    sample: str
    layout: str
    columns: int
    events: int
    source_events: int
    per_process: Mapping[str, int]
    pileup: float | None
    groups: Mapping[str, GroupDescription | ArrayDescription]
    extra: tuple[str, ...]
    provenance: Mapping[str, Any]
    weights: WeightDescription | None = None

    def __str__(self) -> str:
        total = max(self.events, 1)
        processes = ", ".join(f"{name} {count} ({100 * count / total:.2f} %)" for name, count in self.per_process.items())
        objects = [group.line(name) for name, group in self.groups.items() if isinstance(group, GroupDescription)]
        lines = [
            f"{self.path}: sample '{self.sample}', {self.events} events from {self.source_events} source events",
            f"layout: {self.layout}, {self.columns} columns",
            f"processes: {processes}",
            f"mean pileup: {'unknown' if self.pileup is None else f'{self.pileup:.1f}'}",
            *(["objects      per event       leading: 10 % / 50 % / 90 %        saturated", *objects] if objects else []),
            *(group.line(name) for name, group in self.groups.items() if isinstance(group, ArrayDescription)),
        ]
        lines += [] if self.weights is None else [str(self.weights)]
        lines += [f"extra columns: {', '.join(self.extra)}"] if self.extra else []
        return "\n".join([*lines, *self._origin()])

    def _origin(self) -> list[str]:
        """What the provenance says in few words, and the names of what it says in many."""
        # as JSON, so that no name or value can speak to a terminal
        told = {json.dumps(name).strip('"'): json.dumps(value) for name, value in self.provenance.items()}
        lines = [f"{name}: {text}" for name, text in told.items() if len(text) <= _SHORT]
        long = [name for name, text in told.items() if len(text) > _SHORT]
        return lines + ([f"recorded too: {', '.join(long)} (--provenance shows all)"] if long else [])

    @property
    def provenance_text(self) -> str:
        """All of the provenance."""
        return f"provenance: {json.dumps(dict(self.provenance), indent=2)}"


class _Counts(Protocol):
    """What is counted of one group, block by block."""

    def add(self, codes: npt.NDArray[np.integer]) -> None:
        """Count codes (n, slots, features)."""

    def description(self) -> GroupDescription | ArrayDescription:
        """What the counts say."""


class _Histogram:
    """How often each integer was seen; as large as the number of different ones."""

    def __init__(self) -> None:
        self._values, self._counts = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def add(self, values: npt.NDArray[np.integer]) -> None:
        """Count values of any shape."""
        new, counts = np.unique(values, return_counts=True)
        self._values, place = np.unique(np.concatenate([self._values, new]), return_inverse=True)
        self._counts = np.bincount(place, np.concatenate([self._counts, counts]), len(self._values)).astype(np.int64)

    def quantiles(self) -> IntArray | None:
        """For each of `QUANTILES` the smallest value that at least this fraction lies at or below; None without any."""
        cumulative = np.cumsum(self._counts)
        if not len(cumulative):
            return None
        return self._values[np.searchsorted(cumulative, np.ceil(np.array(QUANTILES) * cumulative[-1] - 1e-9))]


class _ObjectCounts:
    """Histograms of a group whose slots may be empty."""

    def __init__(self, group: Group) -> None:
        gate = group.gate_feature
        self._feature = group.of_role(Role.ENERGY) or group[gate or group.present[0]]
        self._shown, self._gate = group.index(self._feature.name), None if gate is None else group.index(gate)
        self._multiplicity = np.zeros(group.slots + 1, np.int64)
        self._leading = _Histogram()
        self._saturated = 0

    def add(self, codes: npt.NDArray[np.integer]) -> None:
        filled = np.ones(codes.shape[:2], np.bool_) if self._gate is None else codes[..., self._gate] != 0
        self._multiplicity += np.bincount(filled.sum(axis=1), minlength=len(self._multiplicity))
        shown, some = codes[..., self._shown], filled.any(axis=1)
        self._leading.add(shown[np.flatnonzero(some), filled.argmax(axis=1)[some]])
        self._saturated += int((filled & (shown == self._feature.saturation)).sum())

    def description(self) -> GroupDescription:
        number = np.arange(len(self._multiplicity))
        events = max(int(self._multiplicity.sum()), 1)
        mean = float(self._multiplicity @ number) / events
        spread = float(self._multiplicity @ (number - mean) ** 2) / events
        saturated = _fraction(self._feature, self._saturated, int(self._multiplicity @ number))
        codes = self._leading.quantiles()
        leading = (_NAN,) * len(QUANTILES) if codes is None else tuple(self._values(codes).tolist())
        return GroupDescription(self._feature.name, self._feature.unit, mean, (spread / events) ** 0.5, leading, saturated)

    def _values(self, codes: IntArray) -> npt.NDArray[np.float64]:
        """Centres of codes; an energy that no gate makes empty is 0 where its code is, as in `Layout.to_physical`."""
        nothing = self._gate is None and self._feature.role == Role.ENERGY
        return np.where(nothing & (codes == self._feature.origin), 0.0, self._feature.decode(codes))


class _ArrayCounts:
    """Sums of a group with a value in every slot."""

    def __init__(self, group: Group) -> None:
        self._group, self._feature = group, group[group.present[0]]
        self._total = _Histogram()
        self._events = self._occupied = self._saturated = 0

    def add(self, codes: npt.NDArray[np.integer]) -> None:
        values = codes[..., self._group.index(self._feature.name)]
        self._events += len(values)
        self._total.add(values.sum(axis=1, dtype=np.int64))
        self._occupied += int(np.count_nonzero(values != self._feature.origin))
        self._saturated += int((values == self._feature.saturation).sum())

    def description(self) -> ArrayDescription:
        codes, slots, feature = self._total.quantiles(), self._group.slots, self._feature
        total = (_NAN,) * len(QUANTILES) if codes is None else tuple(((codes - slots * feature.origin) * feature.lsb).tolist())
        occupied = self._occupied / self._events if self._events else _NAN
        return ArrayDescription(slots, feature.unit, total, occupied, _fraction(feature, self._saturated, slots * self._events))


def _fraction(feature: Feature, saturated: int, values: int) -> float | None:
    if feature.saturation is None:
        return None
    return saturated / values if values else _NAN


class _Origins:
    """Where the events come from: processes, sources, overlaid interactions."""

    def __init__(self, processes: int) -> None:
        self.processes = np.zeros(processes, np.int64)
        self._sources: list[list[IntArray]] = [[] for _ in range(processes)]
        self._pileup = self._known = 0

    def add(self, events: Events) -> None:
        """Count a block."""
        self.processes += np.bincount(events.process, minlength=len(self.processes))
        for code in np.unique(events.process):
            self._sources[code].append(np.unique(events.source_event[events.process == code]))
        known = events.pileup[events.pileup >= 0]
        self._pileup, self._known = self._pileup + int(known.sum()), self._known + len(known)

    @property
    def source_events(self) -> int:
        """Number of different (process, source_event)."""
        return sum(len(np.unique(np.concatenate(blocks))) for blocks in self._sources if blocks)

    @property
    def pileup(self) -> float | None:
        """Mean of the events where it is known."""
        return self._pileup / self._known if self._known else None


def describe(store: EventStore) -> StoreDescription:
    """Read a store once in the layout that it was opened in, block by block, and count."""
    layout, origins = store.layout, _Origins(len(store.processes))
    counts: dict[str, _Counts] = {group.name: _ObjectCounts(group) if group.gated_kind else _ArrayCounts(group) for group in layout.groups}
    for events in store.chunks():
        for name, count in counts.items():
            count.add(layout.block(events.hw, name))
        origins.add(events)
    return StoreDescription(
        path=store.path,
        sample=store.sample,
        layout=layout.name,
        columns=layout.size,
        events=store.n_events,
        source_events=origins.source_events,
        per_process=dict(zip(store.processes, origins.processes.tolist(), strict=True)),
        pileup=origins.pileup,
        groups={name: count.description() for name, count in counts.items()},
        extra=store.extra,
        provenance=store.provenance,
        weights=_describe_weights(store) if WEIGHT in store.extra else None,
    )


def _describe_weights(store: EventStore) -> WeightDescription:
    per_process, squares = np.zeros(len(store.processes)), 0.0
    for events in store.chunks(extra=(WEIGHT,)):
        weight = events.extra[WEIGHT].astype(np.float64)
        per_process += np.bincount(events.process, weights=weight, minlength=len(per_process))
        squares += float(weight @ weight)
    total = float(per_process.sum())
    shares = (per_process / total if total else per_process).tolist()
    return WeightDescription(total, squares, dict(zip(store.processes, shares, strict=True)))
