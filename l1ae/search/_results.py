"""What a search leaves: what was measured of every trial, and the front."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from l1ae.evaluation import AtRate, Estimate, RateKind
from l1ae.results import Count, Digest, FirstVersion, Positive, Real
from l1ae.rtl_results import Forecast

__all__ = ["Counts", "Front", "FrontPoint", "Measured", "Objective", "Settings", "State", "Trial", "Verified"]

Settings = dict[str, Any]
"""Values of dotted keys of a configuration."""


@dataclass(frozen=True)
class Measured:
    """One training. `chosen`: at rates, on events that nothing is reported on; `reported`: on those that nothing is chosen on."""

    seed: Count
    digest: Digest
    chosen: AtRate | None
    reported: AtRate | None
    label_free: dict[str, Real]
    cost: Forecast
    seconds: Positive

    def efficiency(self, of: str, kind: RateKind, khz: float, *, reported: bool = False) -> Estimate:
        """Mean or CVaR25 of the signals. Raises `ValueError` with the reason where there is none."""
        found = self.reported if reported else self.chosen
        if found is None:
            raise ValueError("there are no crossings to measure a rate on")
        point = found.point(kind, khz)
        value = None if point is None else point.mean if of == "mean" else point.cvar25
        if value is None:
            raise ValueError(f"no efficiency at {khz:g} kHz {kind}: {point.note if point is not None else 'it was not measured'}")
        return value


State = Literal["complete", "refused", "failed", "repeated"]


@dataclass(frozen=True)
class Trial:
    """One candidate. `settings`: what differs from the base; `rung`: how far its training went; `reason`: why not further."""

    number: Count
    model: str
    parameters: dict[str, Any]
    settings: Settings
    state: State
    rung: Count
    measured: tuple[Measured, ...]
    reason: str
    seconds: Positive

    def by_rung(self, rung: int) -> tuple[Measured, ...]:
        """The trainings of one rung, one for each seed."""
        seeds = len(self.measured) // (self.rung + 1)
        return self.measured[rung * seeds : (rung + 1) * seeds]


@dataclass(frozen=True)
class Objective:
    """An objective as the result names it."""

    label: str
    maximised: bool


@dataclass(frozen=True)
class Verified:
    """What a point of the front is when it is made: all bits compared, synthesised, with rates on crossings that it was not chosen on."""

    run: str
    digest: Digest
    reproduced: bool
    csim_events: Count
    csim_mismatches: Count
    rtl_events: Count
    rtl_mismatches: Count
    lut: Count
    ff: Count
    latency_cycles: Count
    latency_ns: Positive
    path_ns: Positive
    path_ns_pessimistic: Positive
    within_budget: bool
    problems: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether the point is what the search took it for: the same contract, no bit that differs, within the budget."""
        same = self.reproduced and not self.csim_mismatches and not self.rtl_mismatches
        return same and self.within_budget and not self.problems


@dataclass(frozen=True)
class FrontPoint:
    """A point that no other one beats in every objective. `values` by objective on what was chosen on, `reported` where it can be."""

    name: str
    trial: Count
    model: str
    kind: str
    settings: Settings
    digest: Digest
    seed: Count
    values: tuple[Estimate, ...]
    reported: tuple[Estimate | None, ...]
    configuration: str
    verified: Verified | None = None


@dataclass(frozen=True)
class Counts:
    """How many candidates there were of each kind; `stopped` of the complete ones have fewer epochs than asked for (halving)."""

    complete: Count
    stopped: Count
    refused: Count
    failed: Count
    repeated: Count


@dataclass(frozen=True)
class Front:
    """search/front.json. `reasons`: how many candidates were refused or failed for each reason."""

    study: str
    objectives: tuple[Objective, ...]
    budget: dict[str, float | None]
    counts: Counts
    reasons: dict[str, Count]
    points: tuple[FrontPoint, ...]
    importance: Annotated[dict[str, dict[str, dict[str, Real]]], Field(description="by model, objective and key")]
    seconds: Positive
    version: FirstVersion = 1
