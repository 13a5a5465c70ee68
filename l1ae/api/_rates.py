"""Thresholds for rates, of any score."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from l1ae.config import TriggerConfig
from l1ae.errors import UserError
from l1ae.evaluation import AtRate
from l1ae.trigger import RATES, Crossings, Exposure, SignalEvents, at_rate

__all__ = ["working_points"]


def working_points(
    scores: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    rates: Sequence[float] = RATES,
    signals: Mapping[str, npt.ArrayLike] | None = None,
    groups: npt.ArrayLike | None = None,
    alone: npt.ArrayLike | None = None,
    signals_alone: Mapping[str, npt.ArrayLike] | None = None,
    crossing_khz: float | None = None,
) -> AtRate:
    """Thresholds of any score for rates in kHz, with 68.3 % intervals, and the efficiencies of signals there.

    `scores` (N,) of zero-bias crossings, the higher the more anomalous, integers or floats; `weights` (N,) of theirs, default 1. `signals`:
    scores (M,) by name. `groups` (N,) integers, equal for crossings that are not independent (copies of one generated collision).
    `alone` (N,): whether no seed of a menu accepts the crossing; with it there are pure rates beside the raw ones. `signals_alone`: the
    same (M,) of signals by name; those that are not in it have no efficiency at pure rates. `crossing_khz`: rate of all crossings that
    collide, default that of `trigger.revolution_khz` x `trigger.bunches`. An event is accepted when `score >= threshold`. Raises
    `UserError` for arrays that do not fit, no events, and weights that cannot be used.

    Source: gamma intervals of Fay and Feuer (Stat. Med. 16 (1997) 791), Clopper and Pearson; docs/trigger.md.

    >>> rng = np.random.default_rng(1)
    >>> found = l1ae.working_points(rng.exponential(size=100_000), rates=[1000.0], signals={"mine": 3 + rng.exponential(size=500)})
    >>> point = found.point("raw", 1000.0)
    >>> print(f"{point.threshold:.3f}", point.reached, point.mean)
    3.339 1000 ± 17 0.710 ± 0.025
    """
    values = _column("scores", scores)
    weighed = np.ones(len(values)) if weights is None else np.asarray(_column("weights", weights, len(values)), np.float64)
    numbers = None if groups is None else np.unique(_column("groups", groups, len(values)), return_inverse=True)[1].ravel()
    default = TriggerConfig()
    khz = default.revolution_khz * default.bunches if crossing_khz is None else crossing_khz
    crossings = Crossings(
        weights=weighed,
        groups=numbers,
        alone=None if alone is None else _flags("alone", alone, len(values)),
        exposure=Exposure.of(weighed, numbers, khz),
    )
    judged = {name: _column(f"signals['{name}']", found) for name, found in (signals or {}).items()}
    theirs = signals_alone or {}
    if unknown := sorted(theirs.keys() - judged.keys()):
        raise UserError(f"signals_alone has '{unknown[0]}', of which signals has no scores; it has {', '.join(judged) or 'none'}")
    masks = {name: _flags(f"signals_alone['{name}']", found, len(judged[name])) for name, found in theirs.items()}
    events = {name: SignalEvents(None, masks.get(name), len(found)) for name, found in judged.items()}
    return at_rate(values, crossings, judged, events, rates=rates)


def _flags(name: str, values: npt.ArrayLike, count: int) -> npt.NDArray[np.bool_]:
    return np.asarray(_column(name, values, count), np.bool_)


def _column(name: str, values: npt.ArrayLike, count: int | None = None) -> npt.NDArray[np.generic]:
    found: npt.NDArray[np.generic] = np.asarray(values)
    if found.ndim != 1 or found.dtype.kind not in "biuf" or (count is not None and len(found) != count):
        expected = f"({count},)" if count is not None else "(N,)"
        raise UserError(f"{name} must be numbers of shape {expected}, not {found.dtype} of shape {found.shape}")
    return found
