"""Thresholds for requested rates, and what the integers beside them give."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from l1ae.evaluation import LEVEL
from l1ae.trigger._counts import WIDE_LEVEL, Count, Exposure, gamma_interval
from l1ae.trigger._result import Curve, Neighbour, Rate, WorkingPoint
from l1ae.trigger._spectrum import Spectrum

__all__ = ["CURVE_POINTS", "ENOUGH", "LARGE", "RateCurve", "point_name"]

ENOUGH = 10.0
"""Effective events below which a working point says that the sample hardly resolves its rate."""
LARGE = 0.3
"""Part of a rate above which a working point says what one crossing of the largest weight would add."""
CURVE_POINTS = 400


def point_name(khz: float) -> str:
    """`0.15kHz`."""
    return f"{khz:g}kHz"


@dataclass(frozen=True)
class RateCurve:
    """Rate against threshold: `raw` of all crossings, `pure` of those that no seed of the menu accepts (None: no menu).

    `lowest` and `highest` are the ends of the score codes that the firmware can give.
    """

    exposure: Exposure
    raw: Spectrum
    pure: Spectrum | None
    lowest: int
    highest: int

    def points(self, rates: Sequence[float], ladder: Literal["raw", "pure"], lsb: float) -> list[WorkingPoint]:
        """A working point for each rate (kHz), still without efficiencies. `lsb`: the score's."""
        return [self._point(khz, self.raw if ladder == "raw" or self.pure is None else self.pure, lsb) for khz in rates]

    def _point(self, khz: float, meant: Spectrum, lsb: float) -> WorkingPoint:
        """The lowest code that occurs with a rate not above `khz`.

        1e-12 forgives the rounding of the sums of weights.
        """
        k = int(np.searchsorted(self.exposure.khz(meant.weight), khz * (1 + 1e-12), side="right")) - 1
        name = point_name(khz)
        if k < 0:
            none = dict.fromkeys(("threshold", "score", "equivalent_from", "raw", "pure", "lower", "higher"))
            return WorkingPoint(
                name=name, requested_khz=khz, effective_events=0.0, note=self._impossible(khz, meant), efficiency={}, **none
            )
        threshold = int(meant.codes[k])
        below = self.raw.below(threshold)
        counted = meant.at(threshold)
        raw, pure = self.rates(threshold)
        return WorkingPoint(
            name=name,
            requested_khz=khz,
            threshold=threshold,
            score=threshold * lsb,
            equivalent_from=self.lowest if below is None else below + 1,
            effective_events=counted.effective,
            note=_note(counted, self.exposure),
            raw=raw,
            pure=pure,
            lower=None if below is None else self._neighbour(below),
            higher=None if threshold >= self.highest else self._neighbour(threshold + 1),
            efficiency={},
        )

    def rates(self, threshold: int) -> tuple[Rate, Rate | None]:
        """Raw and, with a menu, pure rate of `score >= threshold`, with their intervals."""
        raw = self._rate(self.raw.at(threshold))
        return raw, None if self.pure is None else _no_more_than(self._rate(self.pure.at(threshold)), raw)

    def _impossible(self, khz: float, meant: Spectrum) -> str:
        if not len(meant.codes):
            return "no crossing of the sample is pure: the menu accepts all of them; no pure rate can be asked for"
        top, counted = int(meant.codes[0]), meant.at(int(meant.codes[0]))
        reached = (
            f"{float(self.exposure.khz(counted.weight)):.3g} kHz ({counted.events} {'crossing' if counted.events == 1 else 'crossings'})"
        )
        if top >= self.highest:
            return (
                f"the score saturates: its largest code {top} alone has {reached}, more than {khz:g} kHz; widen model.score_type or "
                "model.output_bits, or raise training.output_quantile"
            )
        return (
            f"the sample cannot resolve this rate: the highest score that occurs, code {top}, alone has {reached}, more than {khz:g} kHz; "
            "use more zero-bias crossings"
        )

    def _rate(self, counted: Count) -> Rate:
        near, wide = self.exposure.interval(counted, LEVEL), self.exposure.interval(counted, WIDE_LEVEL)
        low, high = self.exposure.prediction(counted, LEVEL)
        return Rate(
            khz=near.value,
            low=near.low,
            high=near.high,
            wide_low=wide.low,
            wide_high=wide.high,
            prediction_low=low,
            prediction_high=high,
        )

    def _neighbour(self, threshold: int) -> Neighbour:
        pure = None if self.pure is None else float(self.exposure.khz(self.pure.at(threshold).weight))
        return Neighbour(threshold=threshold, raw_khz=float(self.exposure.khz(self.raw.at(threshold).weight)), pure_khz=pure)

    def curve(self) -> Curve:
        """Rates at up to `CURVE_POINTS` of the codes that occur, evenly spread in the logarithm of the raw rate."""
        khz = self.exposure.khz(self.raw.weight)
        first = int(np.argmax(khz > 0))  # crossings of weight 0 have no place on a logarithmic scale
        wanted = np.geomspace(khz[first], khz[-1], CURVE_POINTS)
        chosen = np.unique(np.clip(np.searchsorted(khz, wanted * (1 - 1e-12)), first, len(khz) - 1))
        low, high = (
            self.exposure.khz(end) for end in gamma_interval(self.raw.weight[chosen], self.raw.squares[chosen], self.raw.largest[chosen])
        )
        codes = [int(code) for code in self.raw.codes[chosen]]
        pure = None if self.pure is None else [self.pure.at(code).weight for code in codes]
        return Curve(
            threshold=tuple(codes),
            raw_khz=tuple(khz[chosen].tolist()),
            raw_low=tuple(low.tolist()),
            raw_high=tuple(np.minimum(high, self.exposure.crossing_khz).tolist()),
            pure_khz=None if pure is None else tuple(self.exposure.khz(pure).tolist()),
        )


def _no_more_than(pure: Rate, raw: Rate) -> Rate:
    """Pure crossings are some of the raw ones: no upper end of theirs is above the raw one."""
    ends = ("high", "wide_high", "prediction_high")
    return pure.model_copy(update={end: min(getattr(pure, end), getattr(raw, end)) for end in ends})


def _note(counted: Count, exposure: Exposure) -> str | None:
    if counted.effective < ENOUGH:
        return (
            f"only {counted.effective:.1f} effective crossings pass this threshold: the sample hardly resolves the rate; believe the "
            "interval, not the value, or use more zero-bias crossings"
        )
    if exposure.largest > LARGE * counted.weight and exposure.largest > counted.largest:
        blind = exposure.interval(replace(counted, largest=exposure.largest))
        return (
            f"one crossing of the sample's largest weight stands for {float(exposure.khz(exposure.largest)):.2g} kHz, and none is seen "
            f"above this threshold: unless such crossings become rare as fast as others, the upper end is {blind.high:.2g} kHz"
        )
    return None
