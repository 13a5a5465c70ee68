"""The study published with the public CMS Level-1 record: its signals, its protocol and its numbers, for `record.py`.

Record: doi:10.5281/zenodo.21787779; study: github.com/bb511/ADatL1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.evaluation import (
    Estimate,
    LabelFree,
    agreement,
    clopper_pearson,
    threshold_drift,
    worst,
)

__all__ = ["PUBLISHED", "PUBLISHED_MEANS", "SHORT", "Judged", "Protocol", "Published", "Scores", "in_order"]

FloatArray = npt.NDArray[np.float64]

SHORT: Mapping[str, str] = {
    "GluGluHTo2B_Par-MH-125": "H→bb",
    "GluGluHto2G_Par-MH-125": "H→γγ 125",
    "GluGluHto2G_Par-MH-90": "H→γγ 90",
    "GluGluHto2Tau_Par-MH-125": "H→ττ",
    "GluGlutoHHto2B2WtoLNu2Q_Par-c2-0-kl-1-kt-1": "HH→bbWW",
    "HHHto4B2Tau_Par-c3-0-d4-0": "HHH→4b2τ",
    "HHHto6B_Par-c3-0-d4-0": "HHH→6b",
    "SUSYGluGluToBBHTo2B_Par-M-1200": "bbH 1200",
    "SUSYGluGluToBBHToBB_Par-M-120": "bbH 120",
    "SUSYGluGluToBBHToBB_Par-M-350": "bbH 350",
    "SUSYGluGluToBBHToBB_Par-M-600": "bbH 600",
    "TTHTo2C_Par-MH-125": "ttH→cc",
    "TTHto2B_Par-MH-125": "ttH→bb",
    "VBFHTo2C_Par-MH-125": "VBF H→cc",
    "VBFHto2B_Par-MH-125": "VBF H→bb",
    "VBFHto2Tau_Par-MH-125": "VBF H→ττ",
    "WtoTauto3Mu": "W→τ→3μ",
    "ggH-suep-decay": "SUEP",
    "haa-4b-ma15": "H→aa→4b",
    "smj-case-A": "semi-visible jets",
}
"""Data sets of the 20 signals by rising label, and how a table calls them. Labels follow names sorted with capitals first."""


def in_order(names: Mapping[str, object]) -> list[str]:
    """Names of signals as the record labels them, others behind."""
    return [name for name in SHORT if name in names] + sorted(name for name in names if name not in SHORT)


# -- protocol ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of one model: `validation` (V,) and `test` (N,) of zero bias, and of the test part of each signal and simulated background."""

    validation: FloatArray
    test: FloatArray
    signals: Mapping[str, FloatArray]
    simulated: Mapping[str, FloatArray]


@dataclass(frozen=True)
class Judged:
    """What the protocol says of one model.

    Attributes:
        events: of zero bias, validation and test part.
        threshold: an event is accepted when `score >= threshold`.
        accepting: validation events at or above it.
        reached: rate of the test part at the threshold (kHz).
        efficiency: of each signal.
        simulated: mean efficiency of the simulated backgrounds; None without any.
        label_free: of the test part and the first simulated background; None without one.
    """

    events: tuple[int, int]
    threshold: float
    accepting: int
    reached: Estimate
    efficiency: Mapping[str, Estimate]
    simulated: float | None
    label_free: LabelFree | None

    @property
    def mean(self) -> float:
        """Of the efficiencies, each signal counted alike."""
        return float(np.mean([found.value for found in self.efficiency.values()]))

    @property
    def median(self) -> float:
        """Of the efficiencies."""
        return float(np.median([found.value for found in self.efficiency.values()]))

    @property
    def cvar25(self) -> float | None:
        """Mean of the worst ceil(n / 4) efficiencies less that of the simulated backgrounds; None without these."""
        values = [found.value for found in self.efficiency.values()]
        poor = float(np.mean([values[k] for k in worst(values)]))
        return None if self.simulated is None else poor - self.simulated


@dataclass(frozen=True)
class Protocol:
    """How the study judges a score: at `khz`, with the first `most` events of every simulated sample, of crossings at `crossing_khz`."""

    crossing_khz: float
    khz: float = 0.25
    most: int = 163_840

    @property
    def fpr(self) -> float:
        """The false-positive rate that the rate means."""
        return self.khz / self.crossing_khz

    def threshold(self, validation: FloatArray) -> float:
        """Number ceil((n - 1) (1 - FPR)) of the n rising scores, counted from 0; FPR = `fpr`."""
        index = math.ceil((len(validation) - 1) * (1 - self.fpr))
        return float(np.partition(validation, index)[index])

    def efficiency(self, scores: FloatArray, threshold: float) -> Estimate:
        """Of the first `most` events, with the interval of Clopper and Pearson: that of the number of events alone."""
        first = scores[: self.most]
        return clopper_pearson(int((first >= threshold).sum()), len(first))

    def judge(self, scores: Scores) -> Judged:
        """All that the study quotes of a model, but for its choice among epochs."""
        threshold = self.threshold(scores.validation)
        accepted = clopper_pearson(int((scores.test >= threshold).sum()), len(scores.test))
        simulated = [self.efficiency(found, threshold).value for found in scores.simulated.values()]
        return Judged(
            events=(len(scores.validation), len(scores.test)),
            threshold=threshold,
            accepting=int((scores.validation >= threshold).sum()),
            reached=Estimate(*(value * self.crossing_khz for value in (accepted.value, accepted.low, accepted.high))),
            efficiency={name: self.efficiency(found, threshold) for name, found in scores.signals.items()},
            simulated=float(np.mean(simulated)) if simulated else None,
            label_free=self._label_free(scores),
        )

    def _label_free(self, scores: Scores) -> LabelFree | None:
        if not scores.simulated:
            return None
        other = next(iter(scores.simulated.values()))[: self.most]
        return LabelFree(
            events=(len(scores.test), len(other)),
            **agreement(scores.test, other, (None, None)),
            drift=threshold_drift(scores.test, self.fpr),
        )


# -- published numbers -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Published:
    """Efficiencies in percent at 0.25 kHz, by falling label: the source gives 20 numbers a row without names."""

    model: str
    values: tuple[float, ...]

    @property
    def efficiency(self) -> dict[str, float]:
        """By data set, in the order that the numbers are taken to have."""
        return dict(zip(reversed(tuple(SHORT)), self.values, strict=True))


def _published(model: str, values: str) -> Published:
    return Published(model, tuple(map(float, values.split())))


PUBLISHED = (
    _published("AE, chosen by signals", ".31 .53 0 .17 1.79 1.05 .96 17.05 17.50 21.16 1.92 .06 16.86 15.76 15.65 7.14 .59 .33 .58 17.41"),
    _published("AE, chosen by CAP", ".18 .44 0 .05 .98 .87 .98 13.67 14.24 18.44 .82 .04 14.97 13.93 12.62 3.82 .36 .41 1.18 16.67"),
    _published("AE, stable", "2.97 .39 0 .14 .81 .67 .72 9.52 9.81 14.43 .62 .04 12.24 9.46 8.23 2.84 .29 .30 .48 11.91"),
    _published("AE, chosen by W1", ".16 .22 0 .03 .77 .57 .66 5.38 5.42 14.82 .51 .02 12.21 5.47 5.32 2.45 .20 .18 .33 9.64"),
    _published("VAE, chosen by CAP", ".02 .20 0 0 .82 .93 1.10 8.87 9.35 19.74 .73 .04 12.93 10.70 9.60 2.93 .32 .24 .40 16.83"),
    _published(
        "Deep-set AE, chosen by CAP", ".39 .61 0 .10 1.23 1.08 1.20 26.20 26.86 20.58 1.12 .05 15.23 23.61 23.15 6.91 .43 .68 1.12 20.36"
    ),
)
"""Float models of the study, by how their epoch was chosen."""

PUBLISHED_MEANS: Mapping[str, tuple[float, float, float, float]] = {
    "AE": (6.84, 5.73, 4.29, 3.22),
    "VAE": (4.56, 4.79, 4.39, 4.49),
    "Deep-set AE": (7.80, 8.55, 3.57, 3.75),
    "Deep-set VAE": (5.38, 5.02, 4.85, 0.80),
    "Deep SVDD": (3.30, 4.03, 3.56, 3.25),
    "RealNVP": (5.04, 3.26, 3.17, 1.66),
}
"""Mean efficiency in percent at 0.25 kHz over the 20 signals, of the epoch chosen by signals, by CAP, by stability and by W1."""
