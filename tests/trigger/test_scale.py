"""Memory does not grow with the number of crossings: what is held at most, for some and for ten times as many."""

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest

from l1ae.data import WEIGHT, Events, Spool, _spool
from l1ae.evaluation import SpooledScores, evaluate_spooled
from l1ae.inputs import named_layout
from l1ae.trigger import Judge, JudgedEvents, RateCurve, merged, periods, pileup_bins, spectrum, spool_sample

SEED = 20261129
UGT = named_layout("ugt")
BLOCK, PART = 2048, 8192
FEW, MANY = 2 * PART, 20 * PART


@dataclass(frozen=True)
class Menu:
    """Accepts crossings by their first code."""

    columns: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ("one", "two")

    def decide(self, events):
        return np.stack([events.hw[:, 0] > 900, events.hw[:, 0] > 1000], axis=1)


def crossings(n):
    """A stream of `n` crossings in pairs of equal source events, made anew each time."""

    def stream(extra):
        for start in range(0, n, BLOCK):
            rng = np.random.default_rng([SEED, start])
            hw = np.zeros((BLOCK, UGT.size), UGT.dtype)
            hw[:, 0] = rng.integers(1, 1024, BLOCK)
            number = np.arange(start, start + BLOCK)
            columns = {WEIGHT: rng.choice([0.5, 1.0], BLOCK), "run": number // 4096, "lumi": 1 + number // 1024 % 4}
            pileup = rng.poisson(20, BLOCK).astype(np.int16)
            yield Events(hw, np.zeros(BLOCK, np.int16), number // 2, pileup, extra={name: columns[name] for name in extra})

    return JudgedEvents("made", (WEIGHT, "run", "lumi"), n, stream, UGT, UGT)


def score(hardware):
    return hardware[:, 0].astype(np.int64)


def by_trigger(n):
    sample = spool_sample(crossings(n), score, Menu())
    exposure = sample.exposure(1000.0)
    counted = []
    for part in sample.parts():
        counted = [merged([*counted, spectrum(part.scores, part.weights, part.groups)])]
    curve = RateCurve(exposure, counted[0], None, 0, 1023)
    thresholds = {"tight": 1000, "loose": 500}
    assert len(pileup_bins(sample, exposure, thresholds, 4)) == 4
    assert sum(period.events for period in periods(sample, exposure, thresholds, 4)[0]) == n
    return curve.raw.at(1000)


def by_judge(n):
    judge = Judge(crossings(n), {}, Menu(), 1000.0)
    found = judge.at_rate(score, (1.0, 20.0))
    assert judge.counted.events == n
    return found


def by_evaluation(n):
    rng = np.random.default_rng(SEED)
    spools = {name: Spool(n) for name in ("background", "a")}
    for start in range(0, n, BLOCK):
        for spool, shift in zip(spools.values(), (0.0, 1.0), strict=True):
            real = np.round(256 * rng.normal(shift, size=BLOCK)) / 256
            columns = {"float": real, "fixed": np.round(16 * real) / 16}
            spool.append({"process": np.zeros(BLOCK, np.int16), "source_event": (start + np.arange(BLOCK)) // 2, **columns})
    samples = {name: SpooledScores(name, spool, {"float": None, "fixed": 1 / 16}) for name, spool in spools.items()}
    return evaluate_spooled(samples, threshold=2.0).auc["fixed"]["a"]


@pytest.mark.slow
@pytest.mark.parametrize("stage", [by_trigger, by_judge, by_evaluation])
def test_memory_does_not_grow_with_the_sample(monkeypatch, stage):
    monkeypatch.setattr(_spool, "PART_EVENTS", PART)
    peaks = []
    for n in (FEW, MANY):
        tracemalloc.start()
        try:
            stage(n)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    # a single number of 64 bits per event would be 8 bytes; threads may hold their temporary arrays at the same time or not
    assert peaks[1] - peaks[0] < 6 * (MANY - FEW), peaks


def test_parts_give_the_rates_of_the_whole(monkeypatch):
    whole, of_whole = by_trigger(FEW), by_judge(FEW)
    monkeypatch.setattr(_spool, "PART_EVENTS", 1000)
    parts, of_parts = by_trigger(FEW), by_judge(FEW)
    assert parts.events == whole.events
    for name in ("weight", "squares", "largest"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name))
    for one, other in zip(of_parts.points, of_whole.points, strict=True):
        assert (one.kind, one.threshold, one.threshold_low, one.threshold_high) == (
            other.kind,
            other.threshold,
            other.threshold_low,
            other.threshold_high,
        )
        assert one.effective_events == pytest.approx(other.effective_events)
