"""Efficiency against rate: a ROC curve that does not depend on the unit of a score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.evaluation import RateKind
from l1ae.results import Fraction, Positive
from l1ae.trigger._at_rate import Crossings, SignalEvents

__all__ = ["RateCurves", "rate_curves"]

Scores = npt.NDArray[np.generic]


@dataclass(frozen=True)
class RateCurves:
    """Efficiencies of a score by signal at `khz`, raw or pure; None where no threshold has such a rate."""

    kind: RateKind
    khz: tuple[Positive, ...]
    efficiency: dict[str, tuple[Fraction | None, ...]]


def rate_curves(
    crossing_scores: Scores,
    crossings: Crossings,
    signal_scores: Mapping[str, Scores],
    signals: Mapping[str, SignalEvents],
    rates: Sequence[float],
) -> tuple[RateCurves, ...]:
    """Raw and, with a menu, pure efficiencies at each of `rates` in kHz, at the thresholds of `at_rate`; without intervals."""
    kinds: tuple[RateKind, ...] = ("raw",) if crossings.alone is None else ("raw", "pure")
    result = []
    for kind in kinds:
        thresholds = _thresholds(crossing_scores, crossings, kind, rates)
        judged = {name: signal for name, signal in signals.items() if kind == "raw" or signal.alone is not None}
        efficiency = {name: _accepted(signal_scores[name], signal, kind, thresholds) for name, signal in judged.items()}
        result.append(RateCurves(kind, tuple(float(khz) for khz in rates), efficiency))
    return tuple(result)


def _thresholds(scores: Scores, crossings: Crossings, kind: RateKind, rates: Sequence[float]) -> npt.NDArray[np.float64]:
    """The lowest score with a rate not above each rate; infinite where there is none."""
    chosen = crossings.weights > 0
    if kind == "pure" and crossings.alone is not None:
        chosen = chosen & crossings.alone
    values, codes = np.unique(scores[chosen], return_inverse=True)
    falling = np.bincount(codes.ravel(), crossings.weights[chosen], len(values))[::-1]
    steps = np.searchsorted(crossings.exposure.khz(np.cumsum(falling)), np.asarray(rates) * (1 + 1e-12), side="right")
    return np.append(np.inf, values[::-1].astype(np.float64))[steps]


def _accepted(scores: Scores, signal: SignalEvents, kind: RateKind, thresholds: npt.NDArray[np.float64]) -> tuple[float | None, ...]:
    values = np.asarray(scores, np.float64)
    if kind == "pure" and signal.alone is not None:
        values = np.where(signal.alone, values, -np.inf)
    found = 1 - np.searchsorted(np.sort(values), thresholds, side="left") / len(values)
    return tuple(float(value) if np.isfinite(at) else None for value, at in zip(found, thresholds, strict=True))
