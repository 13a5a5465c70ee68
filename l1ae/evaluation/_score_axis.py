"""The axis of a score in figures: logarithmic where it can be, and as far as the threshold and beyond."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, NullFormatter

from l1ae.evaluation._estimate import FloatArray
from l1ae.evaluation._ranked import Ranked
from l1ae.evaluation._sample import Sample

__all__ = ["ScoreAxis"]

_DECADES = 1e5
"""What is smaller than the largest score by more than this factor stands at the lower end."""


@dataclass(frozen=True, eq=False)
class ScoreAxis:
    """Edges (n + 1,) of bins over all scores of some samples and, where there is one, the threshold.

    `logarithmic`: edges are spread evenly in the logarithm; so they are for scores that are never negative and span a decade at least. Of a
    fixed-point score a bin holds whole codes, so that none is empty for want of codes. Linear axes end where 0.1 % of the background, 1 %
    of a signal and 30 % of the way to the threshold lie beyond; scores outside belong to the outermost bins.
    """

    edges: FloatArray
    logarithmic: bool

    @classmethod
    def of(cls, samples: Iterable[Sample | Ranked], *, threshold: float | None, lsb: float | None, bins: int) -> "ScoreAxis":
        """For samples, the background first."""
        found = list(samples)
        least = min(float(sample.scores.min()) for sample in found)
        beyond = [] if threshold is None else [threshold]
        top = max([float(sample.scores.max()) for sample in found] + [1.3 * value for value in beyond])
        positive = [float(sample.scores[sample.scores > 0].min()) for sample in found if (sample.scores > 0).any()]
        if least >= 0 and positive and (low := max(min(positive), top / _DECADES)) * 10 <= top:
            return cls(_whole_codes(np.geomspace(low, top * (1 + 1e-9), bins + 1), lsb), True)
        high = max([sample.quantile(0.99 if k else 0.999) for k, sample in enumerate(found)])
        high = max([high, *(value + 0.3 * abs(value - least) for value in beyond)])
        return cls(np.linspace(least, high if high > least else least + 1, bins + 1), False)

    def inside(self, scores: FloatArray) -> FloatArray:
        """Scores (N,), those outside moved into the outermost bins."""
        return np.clip(scores, self.edges[0], np.nextafter(self.edges[-1], self.edges[0]))

    def across(self, axes: Axes) -> None:
        """Make it the x axis."""
        axes.set(xscale=self._scale, xlim=(self.edges[0], self.edges[-1]))
        self._numbered(axes.xaxis)

    def upwards(self, axes: Axes) -> None:
        """Make it the y axis."""
        axes.set(yscale=self._scale, ylim=(self.edges[0], self.edges[-1]))
        self._numbered(axes.yaxis)

    @property
    def _scale(self) -> str:
        return "log" if self.logarithmic else "linear"

    def _numbered(self, axis: Axis) -> None:
        """Numbers as people write them: 0.1, not a power of ten."""
        if self.logarithmic:
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())


def _whole_codes(edges: FloatArray, lsb: float | None) -> FloatArray:
    """The edges moved to half-way between two codes, those that fall together once."""
    if not lsb:
        return edges
    # a score of zero has no logarithm
    codes = np.unique(np.maximum(np.round(edges / lsb), 1))
    return np.asarray((np.append(codes, codes[-1] + 1) - 0.5) * lsb, np.float64)
