"""The efficiencies of any score at given rates, with intervals that include the threshold's."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from l1ae.evaluation import AtRate, Estimate, RateKind, RatePoint, clopper_pearson, design_effect, worst
from l1ae.trigger._counts import Count, Exposure, FloatArray, IntArray, count, gamma_interval
from l1ae.trigger._spectrum import Spectrum, merged, spectrum

__all__ = ["RATES", "Crossings", "RateSpectra", "SignalEvents", "at_rate", "at_rate_of"]

BoolArray = npt.NDArray[np.bool_]

RATES = (0.25, 1.0)
"""kHz: what the anomaly triggers of CMS take, and the most that one could."""


@dataclass(frozen=True, eq=False)
class Crossings:
    """N zero-bias crossings that a rate is measured on.

    `weights` (N,); `groups` (N,), numbers from 0 on of crossings that are not independent, None when all are; `alone` (N,), whether no
    seed of the menu accepts, None without a menu; `pileup` (N,), collisions, -1 unknown.
    """

    weights: FloatArray
    groups: IntArray | None
    alone: BoolArray | None
    exposure: Exposure
    pileup: npt.NDArray[np.int16] | None = None

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def effective_events(self) -> float:
        """Independent crossings of equal weight that are worth as much as the whole sample."""
        return count(self.weights, self.groups).effective

    def select(self, chosen: BoolArray) -> "Crossings":
        """Some of the crossings, which stand for all: the exposure is that of theirs."""
        groups = None if self.groups is None else np.unique(self.groups[chosen], return_inverse=True)[1].ravel()
        weights = self.weights[chosen]
        return Crossings(
            weights,
            groups,
            None if self.alone is None else self.alone[chosen],
            Exposure.of(weights, groups, self.exposure.crossing_khz),
            None if self.pileup is None else self.pileup[chosen],
        )


@dataclass(frozen=True, eq=False)
class SignalEvents:
    """M events of a signal: `groups` and `alone` (M,) as those of `Crossings`; `events` is M where it is known."""

    groups: IntArray | None
    alone: BoolArray | None
    events: int | None = None

    def __len__(self) -> int:
        assert self.events is not None
        return self.events

    @cached_property
    def menu(self) -> Estimate:
        """Fraction of the events that a seed of the menu accepts (Clopper and Pearson's interval)."""
        assert self.alone is not None, "there is a menu"
        return _fraction(~self.alone, self.groups)


def at_rate(
    crossing_scores: npt.NDArray[np.generic],
    crossings: Crossings,
    signal_scores: Mapping[str, npt.NDArray[np.generic]],
    signals: Mapping[str, SignalEvents],
    *,
    rates: Sequence[float] = RATES,
    quoted: float | None = None,
) -> AtRate:
    """Efficiencies of `score >= threshold` at raw and, with a menu, pure rates in kHz.

    `crossing_scores` (N,) and `signal_scores` (M,) by signal are any numbers, integer codes or floats. A threshold is the lowest
    score of a crossing with a rate not above the one asked for. Its interval are the thresholds at which the rate that was asked for lies
    within the interval of the measured one (`gamma_interval`), as those of order statistics; the ends of the efficiency there and the
    interval of Clopper and Pearson at the threshold itself are added in quadrature. Signals share the threshold, so its
    error moves their mean as a whole, while their own errors are independent. A signal that the menu cannot judge has no pure
    efficiency. `quoted`: see `AtRate`.
    """
    counted = RateSpectra.of([(crossing_scores, crossings)], crossings.exposure)
    return at_rate_of(counted, signal_scores, signals, rates=rates, quoted=quoted)


def at_rate_of(
    counted: "RateSpectra",
    signal_scores: Mapping[str, npt.NDArray[np.generic]],
    signals: Mapping[str, SignalEvents],
    *,
    rates: Sequence[float] = RATES,
    quoted: float | None = None,
) -> AtRate:
    """As `at_rate`, of crossings that are counted already."""
    points = []
    for kind, curve in counted.curves.items():
        judged = {
            name: _Signal.of(signal_scores[name], signal, kind)
            for name, signal in signals.items()
            if kind == "raw" or signal.alone is not None
        }
        points += [_point(kind, khz, curve, judged) for khz in rates]
    return AtRate(tuple(points), quoted, menu={name: signal.menu for name, signal in signals.items() if signal.alone is not None})


@dataclass(frozen=True, eq=False)
class _Curve:
    """Rate against threshold: the distinct scores (K,) of crossings, the highest first, and what each accepts."""

    values: FloatArray
    counted: Spectrum
    exposure: Exposure

    @classmethod
    def of(cls, parts: Sequence["_Curve"]) -> "_Curve":
        """One curve out of those of parts that share no group."""
        if len(parts) == 1:
            return parts[0]
        values = np.unique(np.concatenate([part.values for part in parts]))
        numbered = [replace(part.counted, codes=np.searchsorted(values, part.values)) for part in parts]
        return cls(values[::-1], merged(numbered), parts[0].exposure)

    def count(self, k: int) -> Count:
        found = self.counted
        return Count(int(found.events[k]), float(found.weight[k]), float(found.squares[k]), float(found.largest[k]))


def _curve(scores: npt.NDArray[np.generic], crossings: Crossings, kind: RateKind, exposure: Exposure) -> _Curve:
    chosen = crossings.weights > 0
    if kind == "pure" and crossings.alone is not None:
        chosen = chosen & crossings.alone
    values, codes = np.unique(scores[chosen], return_inverse=True)
    groups = None if crossings.groups is None else crossings.groups[chosen]
    found = spectrum(codes.ravel().astype(np.int64), crossings.weights[chosen], groups)
    return _Curve(np.asarray(values[::-1], np.float64), found, exposure)


@dataclass(frozen=True, eq=False)
class RateSpectra:
    """What a score accepts of crossings at every threshold, raw and, with a menu, pure."""

    curves: Mapping[RateKind, _Curve]

    @classmethod
    def of(cls, parts: Iterable[tuple[npt.NDArray[np.generic], Crossings]], exposure: Exposure) -> "RateSpectra":
        """Of scores (N,) and crossings in parts that share no group; `exposure` is that of all of them."""
        found: dict[RateKind, _Curve] = {}
        for scores, crossings in parts:
            kinds: tuple[RateKind, ...] = ("raw",) if crossings.alone is None else ("raw", "pure")
            for kind in kinds:
                curve = _curve(scores, crossings, kind, exposure)
                found[kind] = _Curve.of([found[kind], curve] if kind in found else [curve])
        return cls(found)

    @classmethod
    def of_parts(cls, parts: Sequence["RateSpectra"]) -> "RateSpectra":
        """Of spectra of parts that share no group, with the exposure of all."""
        return cls({kind: _Curve.of([part.curves[kind] for part in parts]) for kind in parts[0].curves})


def _fraction(passed: BoolArray, groups: IntArray | None) -> Estimate:
    """Of events (M,), of which those of one group are not independent."""
    effect = design_effect(passed.astype(np.float64), 1.0, groups)
    return clopper_pearson(float(passed.sum()) / effect, len(passed) / effect)


@dataclass(frozen=True, eq=False)
class _Signal:
    """Scores in rising order of the events that may be accepted, and all events of which they are a part."""

    rising: FloatArray
    scores: FloatArray
    events: int
    groups: IntArray | None

    @classmethod
    def of(cls, scores: npt.NDArray[np.generic], signal: SignalEvents, kind: RateKind) -> "_Signal":
        values = np.asarray(scores, np.float64)
        if kind == "pure" and signal.alone is not None:
            values = np.where(signal.alone, values, -np.inf)
        return cls(np.sort(values), values, len(values), signal.groups)

    def fraction(self, threshold: float, *, above: bool = False) -> float:
        """Of all events, with `score >= threshold`, or `score > threshold`."""
        return 1 - float(np.searchsorted(self.rising, threshold, side="right" if above else "left")) / self.events

    def efficiency(self, threshold: float) -> Estimate:
        return _fraction(self.scores >= threshold, self.groups)


def _point(kind: RateKind, khz: float, curve: _Curve, signals: Mapping[str, _Signal]) -> RatePoint:
    rates = curve.exposure.khz(curve.counted.weight)
    k = int(np.searchsorted(rates, khz * (1 + 1e-12), side="right")) - 1
    if k < 0:
        return RatePoint(kind, khz, None, None, None, None, 0.0, {}, None, None, _impossible(curve, khz))
    low, high = _threshold_range(curve, khz)
    threshold, counted = float(curve.values[k]), curve.count(k)
    parts = {name: _Parts.of(signal, threshold, low, high) for name, signal in signals.items()}
    each = list(parts.values())
    poor = [each[index] for index in worst(part.value for part in each)]
    return RatePoint(
        kind=kind,
        khz=khz,
        threshold=threshold,
        threshold_low=low,
        threshold_high=high,
        reached=curve.exposure.interval(counted),
        effective_events=counted.effective,
        efficiency={name: part.estimate for name, part in parts.items()},
        mean=_Parts.mean(each).estimate if each else None,
        cvar25=_Parts.mean(poor).estimate if each else None,
    )


def _impossible(curve: _Curve, khz: float) -> str:
    if not len(curve.values):
        return "no crossing is pure: the menu accepts all of them"
    least = float(curve.exposure.khz(curve.counted.weight[0]))
    return f"not measurable: the highest score alone has {least:.3g} kHz; the score saturates, or the sample is too small for {khz:g} kHz"


_TAIL = 30.0
"""Times the rate asked for, up to which thresholds are looked at."""


def _threshold_range(curve: _Curve, khz: float) -> tuple[float | None, float | None]:
    """The score below which no threshold is compatible with `khz`, itself too low, and the highest that is; None: nothing bounds it."""
    tail = curve.exposure.khz(curve.counted.weight) <= _TAIL * khz
    counted = curve.counted
    largest = np.where(counted.largest > 0, counted.largest, curve.exposure.largest)[tail]
    low, high = gamma_interval(counted.weight[tail], counted.squares[tail], largest)
    low, high = curve.exposure.khz(low), curve.exposure.khz(high)
    too_low, possible = np.flatnonzero(low > khz), np.flatnonzero(high >= khz)
    unseen = float(curve.exposure.khz(gamma_interval(0.0, 0.0, largest[0])[1]))
    return (
        float(curve.values[too_low[0]]) if len(too_low) else None,
        None if unseen >= khz or not len(possible) else float(curve.values[possible[0]]),
    )


@dataclass(frozen=True)
class _Parts:
    """An efficiency: value, errors of the signal's events downwards and upwards, and the values at the ends of the threshold's interval."""

    value: float
    down: float
    up: float
    tight: float
    loose: float

    @classmethod
    def of(cls, signal: _Signal, threshold: float, low: float | None, high: float | None) -> "_Parts":
        found = signal.efficiency(threshold)
        tight = 0.0 if high is None else signal.fraction(high)
        loose = signal.fraction(-math.inf if low is None else low, above=True)
        return cls(found.value, found.value - found.low, found.high - found.value, min(tight, found.value), max(loose, found.value))

    @classmethod
    def mean(cls, parts: Sequence["_Parts"]) -> "_Parts":
        n = len(parts)
        down, up = (math.hypot(*(getattr(part, name) for part in parts)) / n for name in ("down", "up"))
        value, tight, loose = (sum(getattr(part, name) for part in parts) / n for name in ("value", "tight", "loose"))
        return cls(value, down, up, tight, loose)

    @property
    def estimate(self) -> Estimate:
        low, high = math.hypot(self.down, self.value - self.tight), math.hypot(self.up, self.loose - self.value)
        return Estimate(self.value, max(self.value - low, 0.0), min(self.value + high, 1.0))
