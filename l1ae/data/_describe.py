"""What is in an event store, in numbers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.data._store import EventStore
from l1ae.inputs import InputSpec, ObjectGroup, calo_layer1_spec, ugt_input_spec

__all__ = ["GroupDescription", "RegionDescription", "StoreDescription", "WeightDescription", "describe"]

QUANTILES = (0.1, 0.5, 0.9)
_WEIGHT = "weight"


@dataclass(frozen=True)
class GroupDescription:
    """Objects of one kind.

    `multiplicity` is the mean number of filled slots per event and `multiplicity_error` its standard error, as if all
    events were independent; `leading_pt` holds the `QUANTILES` of the first filled slot's pT in GeV (centre of the
    code), NaN when no event has one; `saturated` is the fraction of objects whose pT is the largest code, NaN when
    there are no objects.
    """

    multiplicity: float
    multiplicity_error: float
    leading_pt: tuple[float, ...]
    saturated: float


@dataclass(frozen=True)
class RegionDescription:
    """The calorimeter image of the events.

    `total_et` holds the `QUANTILES` over the events of the summed codes x LSB, in GeV; `occupied` is the mean number of
    regions with energy per event, `saturated` the fraction of all regions with the largest code. NaN without events.
    """

    total_et: tuple[float, ...]
    occupied: float
    saturated: float

    def __str__(self) -> str:
        total = " / ".join(f"{value:.1f}" for value in self.total_et)
        return (
            f"regions: sum of ET {total} GeV (10 % / 50 % / 90 %), {self.occupied:.1f} with energy per event, "
            f"{100 * self.saturated:.4f} % saturated"
        )


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

    `source_events` counts distinct (process, source_event); where it is smaller than `events`, several events descend
    from one collision. `pileup` is the mean number of overlaid interactions of the events where it is known, else None.
    `regions` is None for a store of objects only, `weights` for one whose events all count the same. All other numbers count
    events, not weights.
    """

    path: Path
    sample: str
    events: int
    source_events: int
    per_process: Mapping[str, int]
    pileup: float | None
    groups: Mapping[str, GroupDescription]
    extra: tuple[str, ...]
    provenance: Mapping[str, Any]
    regions: RegionDescription | None = None
    weights: WeightDescription | None = None

    def __str__(self) -> str:
        total = max(self.events, 1)
        processes = ", ".join(f"{name} {count} ({100 * count / total:.2f} %)" for name, count in self.per_process.items())
        lines = [
            f"{self.path}: sample '{self.sample}', {self.events} events from {self.source_events} source events",
            f"processes: {processes}",
            f"mean pileup: {'unknown' if self.pileup is None else f'{self.pileup:.1f}'}",
            "objects      per event       leading pT: 10 % / 50 % / 90 %   saturated",
        ]
        for name, group in self.groups.items():
            pt = " / ".join(f"{value:6.1f}" for value in group.leading_pt)
            multiplicity = f"{group.multiplicity:7.4f} ± {group.multiplicity_error:.4f}"
            lines.append(f"{name:8} {multiplicity}       {pt} GeV        {100 * group.saturated:8.4f} %")
        lines += ["regions: none, objects only" if self.regions is None else str(self.regions)]
        lines += [] if self.weights is None else [str(self.weights)]
        lines += [f"extra columns: {', '.join(self.extra)}"] if self.extra else []
        return "\n".join([*lines, f"provenance: {json.dumps(dict(self.provenance), indent=2)}"])


class _Counts:
    """Histograms of one group that grow block by block."""

    def __init__(self, group: ObjectGroup) -> None:
        self._group = group
        self._multiplicity = np.zeros(group.count + 1, np.int64)
        self._leading = np.zeros(group.pt.high + 1, np.int64)
        self._saturated = 0

    def add(self, pt: npt.NDArray[np.integer]) -> None:
        """Count pT codes (n, slots)."""
        filled = pt > 0
        self._multiplicity += np.bincount(filled.sum(axis=1), minlength=len(self._multiplicity))
        leading = pt[np.arange(len(pt)), filled.argmax(axis=1)]
        self._leading += np.bincount(leading[leading > 0], minlength=len(self._leading))
        self._saturated += int((pt == self._group.pt.high).sum())

    def description(self) -> GroupDescription:
        """What the histograms say."""
        number = np.arange(len(self._multiplicity))
        events = max(int(self._multiplicity.sum()), 1)
        mean = float(self._multiplicity @ number) / events
        spread = float(self._multiplicity @ (number - mean) ** 2) / events
        objects = int(self._multiplicity @ number)
        return GroupDescription(mean, (spread / events) ** 0.5, self._quantiles(), self._saturated / objects if objects else float("nan"))

    def _quantiles(self) -> tuple[float, ...]:
        """For each quantile q the smallest pT such that at least the fraction q of the events lies at or below it."""
        cumulative = np.cumsum(self._leading)
        if not cumulative[-1]:
            return (float("nan"),) * len(QUANTILES)
        codes = np.searchsorted(cumulative, np.ceil(np.array(QUANTILES) * cumulative[-1] - 1e-9))
        return tuple(self._group.pt.decode(codes).tolist())


def describe(store: EventStore, spec: InputSpec | None = None) -> StoreDescription:
    """Read a store once, block by block, and count. `spec` is the one it was opened with; default `ugt_input_spec()`."""
    spec = spec or ugt_input_spec()
    counts = {group.name: _Counts(group) for group in spec.groups}
    processes = np.zeros(len(store.processes), np.int64)
    sources: list[list[npt.NDArray[np.int64]]] = [[] for _ in store.processes]
    pileup_sum, pileup_known = 0, 0
    for events in store.chunks():
        for name, where in spec.slices().items():
            counts[name].add(events.hw[:, where, 0])
        processes += np.bincount(events.process, minlength=len(processes))
        for code in np.unique(events.process):
            sources[code].append(np.unique(events.source_event[events.process == code]))
        known = events.pileup[events.pileup >= 0]
        pileup_sum, pileup_known = pileup_sum + int(known.sum()), pileup_known + len(known)
    return StoreDescription(
        path=store.path,
        sample=store.sample,
        events=store.n_events,
        source_events=sum(len(np.unique(np.concatenate(blocks))) for blocks in sources if blocks),
        per_process=dict(zip(store.processes, processes.tolist(), strict=True)),
        pileup=pileup_sum / pileup_known if pileup_known else None,
        groups={name: count.description() for name, count in counts.items()},
        extra=store.extra,
        provenance=store.provenance,
        regions=_describe_regions(store.path) if "regions" in store.views else None,
        weights=_describe_weights(store) if _WEIGHT in store.extra else None,
    )


def _describe_weights(store: EventStore) -> WeightDescription:
    per_process, squares = np.zeros(len(store.processes)), 0.0
    for events in store.chunks(extra=(_WEIGHT,)):
        weight = events.extra[_WEIGHT].astype(np.float64)
        per_process += np.bincount(events.process, weights=weight, minlength=len(per_process))
        squares += float(weight @ weight)
    total = float(per_process.sum())
    shares = (per_process / total if total else per_process).tolist()
    return WeightDescription(total, squares, dict(zip(store.processes, shares, strict=True)))


def _describe_regions(path: Path) -> RegionDescription:
    spec = calo_layer1_spec()
    totals, occupied, saturated = [np.zeros(0)], 0, 0
    for events in EventStore.open(path, spec).chunks():
        totals.append(events.hw.sum(axis=(1, 2)) * spec.et.lsb)
        occupied += int(np.count_nonzero(events.hw))
        saturated += int((events.hw == spec.et.high).sum())
    total = np.concatenate(totals)
    if not len(total):
        return RegionDescription((float("nan"),) * len(QUANTILES), float("nan"), float("nan"))
    quantiles = np.quantile(total, QUANTILES, method="inverted_cdf")
    return RegionDescription(tuple(quantiles.tolist()), occupied / len(total), saturated / (len(total) * spec.size))
