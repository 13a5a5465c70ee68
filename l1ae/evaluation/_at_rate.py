"""What a trigger is chosen by: the efficiency at a rate that it can afford."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from l1ae.evaluation._estimate import FractionEstimate, RateEstimate
from l1ae.html import html_table
from l1ae.results import Count, Positive, Real

__all__ = ["CVAR", "AtRate", "RateKind", "RatePoint", "RateSampleFacts", "worst", "worst_words"]

RateKind = Literal["raw", "pure"]

BRIEF = 2
"""Rates that a summary has room for."""

CVAR = 0.25
"""Fraction of the signals, the worst ones, whose mean efficiency is the CVaR."""


@dataclass(frozen=True)
class RatePoint:
    """The efficiencies of one score at one rate, all with 68.3 % intervals that include the threshold's.

    Attributes:
        kind: "raw", all crossings and events that the score accepts; "pure", only those that no seed of the menu accepts.
        khz: the rate asked for.
        threshold: an event is accepted when `score >= threshold`, in the unit of the score; None where the sample resolves no
            threshold for the rate, and `note` says why.
        threshold_low, threshold_high: the threshold whose true rate is `khz` lies above the first and not above the second. None: nothing
            bounds it.
        reached: the rate at the threshold (kHz), on this sample.
        effective_events: independent crossings of equal weight that the rate is known as well as.
        efficiency: accepted fraction by signal.
        mean: of all signals, each counted alike. None without signals.
        cvar25: mean of the worst quarter of the signals (rounded up), the conditional value at risk. None without signals.
    """

    kind: RateKind
    khz: Positive
    threshold: Real | None
    threshold_low: Real | None
    threshold_high: Real | None
    reached: RateEstimate | None
    effective_events: Positive
    efficiency: dict[str, FractionEstimate]
    mean: FractionEstimate | None
    cvar25: FractionEstimate | None
    note: str = ""


@dataclass(frozen=True)
class RateSampleFacts:
    """The crossings that rates were measured on: `effective_events` independent ones of equal weight are worth as much.

    `differences` says, in words, how they differ from the background that was trained on; empty where they are its test part.
    """

    source: str
    events: Count
    effective_events: Positive
    pileup_mean: Positive | None
    differences: tuple[str, ...]


@dataclass(frozen=True)
class AtRate:
    """All rates of one score, raw before pure, in the order asked for; no pure ones without a menu.

    Attributes:
        points: one for each kind of rate and each rate.
        quoted: the rate in kHz that is quoted first, that of the firmware; None: the largest one up to 1 kHz, or the smallest.
        menu: fraction of each signal's events that a seed of the menu accepts, whatever the score says; of signals that it can judge.
    """

    points: tuple[RatePoint, ...]
    quoted: Positive | None = None
    menu: dict[str, FractionEstimate] = field(default_factory=dict)

    def point(self, kind: RateKind, khz: float) -> RatePoint | None:
        """The one for a rate; None where it was not asked for."""
        return next((point for point in self.points if (point.kind, point.khz) == (kind, khz)), None)

    def _repr_html_(self) -> str:
        rows = (
            (
                point.kind,
                f"{point.khz:g}",
                "none" if point.threshold is None else f"{point.threshold:.6g}",
                point.reached,
                point.mean,
                f"{point.effective_events:,.0f}",
                point.note,
            )
            for point in self.points
        )
        return html_table(("rate", "asked [kHz]", "threshold", "reached [kHz]", "mean efficiency", "effective crossings", ""), rows)

    @property
    def headline(self) -> RatePoint | None:
        """The one that is quoted first, pure where there are pure rates; None where no rate was asked for."""
        mine = {point.khz: point for point in self.points if point.kind == ("pure" if "pure" in self._kinds else "raw")}
        if self.quoted in mine:
            return mine[self.quoted]
        khz = max((khz for khz in mine if khz <= 1.0), default=min(mine, default=None))
        return None if khz is None else mine[khz]

    @property
    def brief(self) -> "AtRate":
        """At most two rates of each kind: where there are more, the smallest and the one that is quoted first."""
        rates = {point.khz for point in self.points}
        if len(rates) <= BRIEF or self.headline is None:
            return self
        kept = {min(rates), self.headline.khz}
        return replace(self, points=tuple(point for point in self.points if point.khz in kept))

    @property
    def _kinds(self) -> set[RateKind]:
        return {point.kind for point in self.points}


def worst(values: Iterable[float], part: float = CVAR) -> Sequence[int]:
    """Positions of the worst `part` of some efficiencies, ceil(part n) of them."""
    numbered = sorted((value, index) for index, value in enumerate(values))
    return [index for _, index in numbered[: math.ceil(part * len(numbered))]]


def worst_words(signals: int) -> str:
    """What the CVaR is the mean of: with up to four signals their worst quarter, rounded up, is one of them."""
    return "the worst signal" if math.ceil(CVAR * signals) == 1 else "the worst quarter of the signals"
