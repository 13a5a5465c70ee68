"""Efficiencies of a run's model at rates, and the threshold that its firmware gets."""

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import numpy.typing as npt

from l1ae.config import Config
from l1ae.contract import Contract
from l1ae.evaluation import AtRate, RateSampleFacts, ScoreSet, SpooledScores, coarse
from l1ae.pipeline._samples import Scorer
from l1ae.pipeline._zero_bias import RateSample, judge_of, ladder_of, rate_sample
from l1ae.records import FirmwareThreshold
from l1ae.trigger import Judge, JudgedEvents, RateSpectra, SignalEvents, at_rate, at_rate_of

__all__ = ["firmware_threshold", "rates_of", "sample_facts", "spooled_rates_of"]

_log = logging.getLogger("l1ae")

Scores = npt.NDArray[np.generic]


def firmware_threshold(config: Config, contract: Contract) -> FirmwareThreshold | None:
    """The threshold of the working point `trigger.firmware`.

    None where there are no crossings, or too few to resolve its rate: the log says so.
    """
    judge = judge_of(config, signals=False)
    if judge is None:
        return None
    kind, khz = ladder_of(config.trigger, judge.background.layout, judge.menu), config.trigger.firmware_khz
    name = contract.score.name
    found = judge.at_rate(lambda hardware: contract.evaluate(hardware, [name])[name][:, 0], (khz,)).point(kind, khz)
    assert found is not None
    if found.threshold is None or found.reached is None:
        _log.warning("no threshold for %g kHz %s: %s; the threshold follows from model.target_fpr instead", khz, kind, found.note)
        return None
    return FirmwareThreshold(int(found.threshold), kind, khz, found.reached, judge.counted.events)


def rates_of(scorer: Scorer, judge: Judge, sets: Mapping[str, ScoreSet], sample: RateSample) -> dict[str, AtRate]:
    """Efficiencies at the rates of the configuration of every variant of the model.

    `sets` are the scores of the test part of the background and of the signals, which need not be computed again.
    """
    known = {variant: scored.background for variant, scored in sets.items()} if sample.origin == "data" else {}
    crossings = _scores(scorer, judge.background, len(judge.crossings), known)
    signals = {
        name: _scores(scorer, judge.signals[name], len(events), {variant: scored.signals[name] for variant, scored in sets.items()})
        for name, events in judge.signal_events.items()
    }
    trigger = scorer.config.trigger
    return {
        variant: at_rate(
            crossings[variant],
            judge.crossings,
            {name: found[variant] for name, found in signals.items()},
            judge.signal_events,
            rates=trigger.rates,
            quoted=trigger.firmware_khz,
        )
        for variant in sets
    }


def spooled_rates_of(scorer: Scorer, judge: Judge, samples: Mapping[str, SpooledScores], sample: RateSample) -> dict[str, AtRate]:
    """As `rates_of`, of scores in spools."""
    lsb = samples["background"].lsb
    known = samples["background"].spool if sample.origin == "data" else None
    if known is None or len(known) != judge.counted.events:
        known = judge.spooled({variant: partial(scorer.variant, variant) for variant in lsb})
    found: dict[str, RateSpectra] = {}
    with ThreadPoolExecutor(len(lsb)) as pool:  # numpy sorts without Python's lock
        for columns, part in zip(known.parts(), judge.parts(), strict=True):
            ranks = [columns[variant] if step is not None else coarse(columns[variant]) for variant, step in lsb.items()]
            spectra = pool.map(lambda values, of=part: RateSpectra.of([(values, of)], judge.exposure), ranks)
            for variant, one in zip(lsb, spectra, strict=True):
                found[variant] = RateSpectra.of_parts([found[variant], one] if variant in found else [one])
    signals = {name: _in_memory(scorer, judge.signals[name], samples[name], events) for name, events in judge.signal_events.items()}
    trigger, result = scorer.config.trigger, {}
    for variant, counted in found.items():
        scores = {name: scored[variant] for name, scored in signals.items()}
        result[variant] = at_rate_of(counted, scores, judge.signal_events, rates=trigger.rates, quoted=trigger.firmware_khz)
    return result


def _in_memory(scorer: Scorer, judged: JudgedEvents, sample: SpooledScores, events: SignalEvents) -> Mapping[str, Scores]:
    """Scores of a signal by variant, in the order of its store."""
    known = next(sample.spool.parts()) if sample.spool.whole else {}
    return _scores(scorer, judged, len(events), {variant: known[variant] for variant in sample.lsb} if known else {})


def _scores(scorer: Scorer, events: JudgedEvents, count: int, known: Mapping[str, Scores]) -> Mapping[str, Scores]:
    """Scores (count,) of every variant: the known ones if they are of these events, of which weights of 0 may have taken some away."""
    if known and all(len(found) == count for found in known.values()):
        return known
    every = events.scores(lambda hardware: np.stack(list(scorer(hardware).values()), axis=1))
    return dict(zip(scorer.variants, every.T, strict=True))


def sample_facts(config: Config, judge: Judge) -> RateSampleFacts:
    """What rates of a run are measured on; the log says how it differs from what was trained on."""
    sample = rate_sample(config)
    differences = sample.differences(config)
    for difference in differences:
        _log.warning("rates need care; %s", difference)
    return RateSampleFacts(
        source=sample.name,
        events=judge.counted.events,
        effective_events=judge.counted.effective,
        pileup_mean=judge.pileup_mean,
        differences=differences,
    )
