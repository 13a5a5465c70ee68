"""Rates of working points in bins of pileup and in run periods."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from l1ae.trigger._counts import Count, Exposure, FloatArray, IntArray, added, count
from l1ae.trigger._result import Period, PileupBin, RateInterval
from l1ae.trigger._sample import Sample, SpooledSample

__all__ = ["constancy", "periods", "pileup_bins", "rate_interval"]

DRAWS = 9_999
SEED = 1
ENOUGH_FOR_CHI2 = 5.0

_Classes = Callable[[Sample], npt.NDArray[np.integer]]
"""Which class, from 0 on, each crossing of a part belongs to; -1: none."""


def rate_interval(exposure: Exposure, counted: Count) -> RateInterval:
    """A rate with its interval, as it is written."""
    found = exposure.interval(counted)
    return RateInterval(khz=found.value, low=found.low, high=found.high)


def pileup_bins(sample: Sample | SpooledSample, exposure: Exposure, thresholds: Mapping[str, int], bins: int) -> tuple[PileupBin, ...]:
    """Raw rates in at most `bins` ranges of the number of pileup collisions, which hold about as many crossings each.

    A rate is that of all crossings if they had this pileup. Crossings with unknown pileup are left out.
    """
    values, events = _pileup(sample)
    if not len(values):
        return ()
    # the quantiles as numpy's "inverted_cdf"
    numbers = np.maximum(np.ceil(events.sum() * (np.arange(1, bins) / bins) - 1), 0)
    inner = values[np.searchsorted(np.cumsum(events), numbers, side="right")]
    edges = np.unique(np.concatenate([[values[0] - 1], inner, [values[-1]]]))
    # those between two edges; unknown and lower pileup is in no bin
    rates = _rates(sample, lambda part: np.searchsorted(edges, part.pileup) - 1, len(edges) - 1, exposure, thresholds)
    inside = [(values > below) & (values <= high) for below, high in pairwise(edges)]
    return tuple(
        PileupBin(low=int(values[chosen][0]), high=int(high), events=int(events[chosen].sum()), rates=found)
        for chosen, high, found in zip(inside, edges[1:], rates, strict=True)
    )


def _pileup(sample: Sample | SpooledSample) -> tuple[IntArray, IntArray]:
    """Numbers of collisions that occur, rising, and how many crossings have each."""
    total: dict[int, int] = {}
    for part in sample.parts(grouped=False):
        values, events = np.unique(part.pileup[part.pileup >= 0], return_counts=True)
        for value, found in zip(values.tolist(), events.tolist(), strict=True):
            total[value] = total.get(value, 0) + found
    known = sorted(total)
    return np.array(known, np.int64), np.array([total[value] for value in known], np.int64)


def periods(
    sample: Sample | SpooledSample, exposure: Exposure, thresholds: Mapping[str, int], blocks: int
) -> tuple[tuple[Period, ...] | None, dict[str, float] | None]:
    """Raw rates in periods of `blocks` luminosity blocks of each run, and for each working point the p-value of `constancy`.

    None when runs and luminosity blocks are not known; no p-value for a single period.
    """
    keys = []
    for part in sample.parts(grouped=False):
        known = _period_keys(part, blocks)
        if known is None:
            return None, None
        keys.append(np.unique(known, axis=0))
    names = np.unique(np.concatenate(keys), axis=0)

    def period(part: Sample) -> npt.NDArray[np.integer]:
        found = _period_keys(part, blocks)
        assert found is not None
        mine, where = np.unique(found, axis=0, return_inverse=True)
        numbers = {tuple(name): k for k, name in enumerate(names.tolist())}
        return np.array([numbers[tuple(name)] for name in mine.tolist()])[where.ravel()]

    rates = _rates(sample, period, len(names), exposure, thresholds)
    events, exposed, accepted, counts = _of_periods(sample, period, len(names), thresholds)
    result = tuple(
        Period(
            label=f"run {run}, luminosity blocks {block * blocks + 1} to {(block + 1) * blocks}",
            run=run,
            lumi_low=max(block * blocks + 1, 0),
            lumi_high=(block + 1) * blocks,
            events=int(number),
            rates=found,
        )
        for (run, block), number, found in zip(names.tolist(), events, rates, strict=True)
    )
    if len(result) < 2:
        return result, None
    return result, {name: constancy(accepted[name], exposed, added(counts[name])) for name in thresholds}


def _period_keys(part: Sample, blocks: int) -> IntArray | None:
    """Run and number of the period (N, 2)."""
    return None if part.run is None or part.lumi is None else np.stack([part.run, (part.lumi - 1) // blocks], axis=1)


def _of_periods(
    sample: Sample | SpooledSample, period: _Classes, n: int, thresholds: Mapping[str, int]
) -> tuple[IntArray, FloatArray, dict[str, FloatArray], dict[str, list[Count]]]:
    """Crossings and sums of weights in each period, the accepted sums by threshold, and all that is accepted."""
    events, exposed = np.zeros(n, np.int64), np.zeros(n)
    accepted: dict[str, FloatArray] = {name: np.zeros(n) for name in thresholds}
    counts: dict[str, list[Count]] = {name: [] for name in thresholds}
    for part in sample.parts():
        where = period(part)
        events += np.bincount(where, minlength=n)
        exposed += np.bincount(where, part.weights, minlength=n)
        for name, threshold in thresholds.items():
            passed = part.scores >= threshold
            accepted[name] += np.bincount(where[passed], part.weights[passed], minlength=n)
            counts[name].append(count(part.weights[passed], part.groups_of(passed)))
    return events, exposed, accepted, counts


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
        from scipy.stats import chi2

        return float(chi2.sf(statistic, len(share) - 1))
    total = max(round(counted.effective), 1)
    draws = np.random.default_rng(SEED).multinomial(total, share, DRAWS)
    simulated = ((draws - total * share) ** 2 / (total * share)).sum(axis=1)
    return float((1 + np.count_nonzero(simulated >= statistic * (1 - 1e-9))) / (DRAWS + 1))


def _rates(
    sample: Sample | SpooledSample, classes: _Classes, n: int, exposure: Exposure, thresholds: Mapping[str, int]
) -> list[dict[str, RateInterval]]:
    """Rates in each of `n` classes of crossings, if all crossings were of it; none where a class has no weight."""
    weights = np.zeros(n)
    counts: dict[str, list[list[Count]]] = {name: [[] for _ in range(n)] for name in thresholds}
    largest = dict.fromkeys(thresholds, 0.0)
    for part in sample.parts():
        where = classes(part)
        order = np.argsort(where, kind="stable")
        edges = np.searchsorted(where[order], np.arange(n + 1))
        for name, threshold in thresholds.items():
            passed = np.flatnonzero(part.scores >= threshold)
            largest[name] = max(largest[name], count(part.weights[passed], part.groups_of(passed)).largest)
        for k, (start, stop) in enumerate(pairwise(edges.tolist())):
            positions = order[start:stop]
            weights[k] += float(part.weights[positions].sum())
            for name, threshold in thresholds.items():
                passed = positions[part.scores[positions] >= threshold]
                counts[name][k].append(count(part.weights[passed], part.groups_of(passed)))
    result = []
    for k, weight in enumerate(weights.tolist()):
        part_of = Exposure(weight, exposure.largest, exposure.crossing_khz)
        found = {name: replace(added(counts[name][k]), largest=largest[name]) for name in thresholds}
        result.append({name: rate_interval(part_of, counted) for name, counted in found.items()} if weight else {})
    return result
