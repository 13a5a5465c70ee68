"""Rates of working points in bins of pileup and in run periods."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

from l1ae.trigger._counts import Count, Exposure, FloatArray, count
from l1ae.trigger._result import Period, PileupBin, RateInterval
from l1ae.trigger._sample import Sample

__all__ = ["constancy", "periods", "pileup_bins", "rate_interval"]

DRAWS = 9_999
SEED = 1
ENOUGH_FOR_CHI2 = 5.0

BoolArray = npt.NDArray[np.bool_]


def rate_interval(exposure: Exposure, counted: Count) -> RateInterval:
    """A rate with its interval, as it is written."""
    found = exposure.interval(counted)
    return RateInterval(khz=found.value, low=found.low, high=found.high)


def pileup_bins(sample: Sample, exposure: Exposure, thresholds: Mapping[str, int], bins: int) -> tuple[PileupBin, ...]:
    """Raw rates in at most `bins` ranges of the number of pileup collisions, which hold about as many crossings each.

    A rate is that of all crossings if they had this pileup. Crossings with unknown pileup are left out.
    """
    known = sample.pileup[sample.pileup >= 0]
    if not len(known):
        return ()
    inner = np.quantile(known, np.arange(1, bins) / bins, method="inverted_cdf")
    largest = _largest(sample, thresholds)
    edges = np.unique(np.concatenate([[known.min() - 1], inner, [known.max()]]).astype(np.int64))
    result = []
    for below, high in pairwise(edges):
        inside = (sample.pileup > below) & (sample.pileup <= high)
        low = int(sample.pileup[inside].min())
        rates = _rates(sample, inside, exposure, thresholds, largest)
        result.append(PileupBin(low=low, high=int(high), events=int(inside.sum()), rates=rates))
    return tuple(result)


def periods(
    sample: Sample, exposure: Exposure, thresholds: Mapping[str, int], blocks: int
) -> tuple[tuple[Period, ...] | None, dict[str, float] | None]:
    """Raw rates in periods of `blocks` luminosity blocks of each run, and for each working point the p-value of `constancy`.

    None when runs and luminosity blocks are not known; no p-value for a single period.
    """
    if sample.run is None or sample.lumi is None:
        return None, None
    keys = np.stack([sample.run, (sample.lumi - 1) // blocks], axis=1)
    found, period = np.unique(keys, axis=0, return_inverse=True)
    period = period.ravel()
    largest, result = _largest(sample, thresholds), []
    for k, (run, block) in enumerate(found.tolist()):
        inside = period == k
        first, last = block * blocks + 1, (block + 1) * blocks
        rates = _rates(sample, inside, exposure, thresholds, largest)
        label = f"run {run}, luminosity blocks {first} to {last}"
        result.append(Period(label=label, run=run, lumi_low=first, lumi_high=last, events=int(inside.sum()), rates=rates))
    if len(result) < 2:
        return tuple(result), None
    exposed = np.asarray(np.bincount(period, sample.weights), np.float64)
    p_values = {name: _period_p_value(sample, period, exposed, threshold) for name, threshold in thresholds.items()}
    return tuple(result), p_values


def _period_p_value(sample: Sample, period: npt.NDArray[np.integer], exposed: FloatArray, threshold: int) -> float:
    passed = sample.scores >= threshold
    counted = count(sample.weights[passed], sample.groups_of(passed))
    weight = np.asarray(np.bincount(period[passed], sample.weights[passed], minlength=len(exposed)), np.float64)
    return constancy(weight, exposed, counted)


def constancy(weight: FloatArray, exposed: FloatArray, counted: Count) -> float:
    """Probability that sums of accepted weights (P,) differ as much or more by chance when the rate is the same in all periods.

    Given the total, equal counts are multinomial with shares `exposed` (P,). Pearson's statistic, divided by the mean
    weight squares / weight of an effective event (the first-order correction of Rao and Scott, JASA 76 (1981) 221), is
    compared with the chi2 distribution where at least 5 effective events are expected in every period, and otherwise with
    9,999 multinomial draws (fixed seed), the observed one being one of them.
    """
    used = exposed > 0
    weight, share = weight[used], exposed[used] / exposed.sum()
    if counted.weight == 0 or len(share) < 2:
        return 1.0
    scale = counted.squares / counted.weight
    seen, expected = weight / scale, share * counted.effective
    statistic = float(((seen - expected) ** 2 / expected).sum())
    if expected.min() >= ENOUGH_FOR_CHI2:
        return float(chi2.sf(statistic, len(share) - 1))
    total = max(round(counted.effective), 1)
    draws = np.random.default_rng(SEED).multinomial(total, share, DRAWS)
    simulated = ((draws - total * share) ** 2 / (total * share)).sum(axis=1)
    return float((1 + np.count_nonzero(simulated >= statistic * (1 - 1e-9))) / (DRAWS + 1))


def _largest(sample: Sample, thresholds: Mapping[str, int]) -> dict[str, float]:
    """The largest sum of weights of a group that the whole sample has above each threshold."""
    result = {}
    for name, threshold in thresholds.items():
        passed = np.flatnonzero(sample.scores >= threshold)
        result[name] = count(sample.weights[passed], sample.groups_of(passed)).largest
    return result


def _rates(
    sample: Sample, inside: BoolArray, exposure: Exposure, thresholds: Mapping[str, int], largest: Mapping[str, float]
) -> dict[str, RateInterval]:
    part = Exposure(float(sample.weights[inside].sum()), exposure.largest, exposure.crossing_khz)
    if part.weight == 0:
        return {}
    scores = sample.scores[inside]
    positions = np.flatnonzero(inside)
    result = {}
    for name, threshold in thresholds.items():
        passed = positions[scores >= threshold]
        counted = replace(count(sample.weights[passed], sample.groups_of(passed)), largest=largest[name])
        result[name] = rate_interval(part, counted)
    return result
