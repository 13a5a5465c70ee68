"""Rates and working points of a run: RUN/trigger/working_points.json."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from l1ae.config import TriggerConfig
from l1ae.contract import Contract
from l1ae.data import EventStore, open_dataset
from l1ae.errors import CheckFailedError, UserError
from l1ae.evaluation import LEVEL
from l1ae.inputs import Layout
from l1ae.manifest import digest_file
from l1ae.pipeline._run import Run, exclusive
from l1ae.pipeline._shared import contract_digest, contract_of, data_digests, section_digest, tell_old_deliveries
from l1ae.pipeline._zero_bias import RateSample, ladder_of, rate_inputs, rate_sample
from l1ae.trigger import (
    WIDE_LEVEL,
    Count,
    Exposure,
    Menu,
    MenuRates,
    RateCurve,
    Score,
    SeedRate,
    SignalScores,
    Spectrum,
    SpooledSample,
    Stability,
    TriggerResult,
    WorkingPoint,
    ZeroBias,
    added,
    count,
    fired_cuts,
    fired_recorded,
    menu_of,
    merged,
    no_menu,
    overlap,
    periods,
    pileup_bins,
    possible_seeds,
    rate_interval,
    read_signal,
    save_working_points,
    spectrum,
    spool_sample,
)

__all__ = ["trigger_inputs", "trigger_stage"]

_log = logging.getLogger("l1ae")

_RATES_COLUMN = "raw_khz"


@exclusive
def trigger_stage(run: Run, *, zero_bias: Path | None = None) -> TriggerResult:
    """Measure rates on zero-bias crossings and choose the thresholds of the working points: RUN/trigger.

    `zero_bias` overrides the configuration's store. Raises `UserError` when a store does not fit, has no events or no
    usable weights, `CheckFailedError` when the two computations of the pure rate differ.
    """
    config = run.config
    if zero_bias is not None:
        config = config.model_copy(update={"trigger": config.trigger.model_copy(update={"zero_bias": str(zero_bias)})})
    study = _Study(Run(run.folder, config))

    def make(target: Path) -> TriggerResult:
        result = study.result()
        save_working_points(target / "working_points.json", result)
        return result

    result = run.produce("trigger", study.inputs(), make)
    for point in result.working_points:
        if point.note is not None:
            _log.warning("working point %s: %s", point.name, point.note)
    tell_old_deliveries(run, "trigger", "other working points")
    return result


def trigger_inputs(run: Run) -> dict[str, str]:
    """What RUN/trigger depends on, with the configuration's store of crossings."""
    return _Study(run).inputs()


@dataclass(frozen=True)
class _Study:
    """One call of the stage; everything that is read is read once, but for the second computation of the pure rate."""

    run: Run

    @property
    def config(self) -> TriggerConfig:
        return self.run.config.trigger

    @cached_property
    def contract(self) -> Contract:
        return contract_of(self.run)

    @cached_property
    def layout(self) -> Layout:
        """What the menu looks at."""
        return self.store.layout

    @cached_property
    def rates(self) -> RateSample:
        return rate_sample(self.run.config)

    @cached_property
    def store(self) -> EventStore:
        return self.rates.store

    @cached_property
    def menu(self) -> Menu | None:
        return menu_of(self.config, self.layout, self.store)

    @cached_property
    def zero_bias_digest(self) -> str:
        return digest_file(self.store.path)

    @property
    def crossing_khz(self) -> float:
        return self.config.revolution_khz * self.config.bunches

    def inputs(self) -> dict[str, str]:
        return (
            contract_digest(self.run)
            | data_digests(self.run.config)
            | rate_inputs(self.run.config)
            | section_digest(self.run.config, "inputs", "data")
        )

    def score(self, hardware: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        name = self.contract.score.name
        return self.contract.evaluate(hardware, [name])[name][:, 0]

    def result(self) -> TriggerResult:
        for difference in self.rates.differences(self.run.config):
            _log.warning("rates need care; %s", difference)
        sample = spool_sample(self.rates.events, self.score, self.menu)
        exposure = sample.exposure(self.crossing_khz)
        curve = self.curve(sample, exposure)
        points = curve.points(self.config.rates, self._ladder, self.contract.score.format.lsb)
        _check_overlap(self, points, curve)
        signals = self.signals()
        points = [_with_what_takes_it(_with_efficiency(point, signals), sample, self.menu) for point in points]
        drawn = curve.curve()
        return TriggerResult(
            project=self.run.config.project,
            digest=self.contract.digest,
            score=Score(type=str(self.contract.score.format), lsb=self.contract.score.format.lsb),
            zero_bias=self._zero_bias(sample),
            revolution_khz=self.config.revolution_khz,
            bunches=self.config.bunches,
            crossing_rate_khz=self.crossing_khz,
            confidence=LEVEL,
            wide_confidence=WIDE_LEVEL,
            ladder=self._ladder,
            menu=menu_rates(
                self.menu, sample, exposure, self.layout, {name: signal.missing for name, signal in signals.items() if signal.missing}
            ),
            working_points=tuple(points),
            curve=drawn,
            efficiency_curve={_RATES_COLUMN: drawn.raw_khz, **{name: signal.at(drawn.threshold) for name, signal in signals.items()}},
            stability=self._stability(sample, exposure, points),
        )

    @property
    def _ladder(self) -> Literal["raw", "pure"]:
        return ladder_of(self.config, self.layout, self.menu)

    def curve(self, sample: SpooledSample, exposure: Exposure) -> RateCurve:
        raw: list[Spectrum] = []
        pure: list[Spectrum] = []
        for part in sample.parts():
            raw = [merged([*raw, spectrum(part.scores, part.weights, part.groups)])]
            if part.any_seed is not None:
                alone = ~part.any_seed
                pure = [merged([*pure, spectrum(part.scores[alone], part.weights[alone], part.groups_of(alone))])]
        reach = self.contract.intervals[self.contract.score.name]
        return RateCurve(exposure, raw[0], pure[0] if pure else None, int(min(reach.low)), int(max(reach.high)))

    def signals(self) -> dict[str, SignalScores]:
        dataset = open_dataset(self.run.config.data.source)
        if _RATES_COLUMN in dataset.signals:
            store = dataset.signals[_RATES_COLUMN].path
            raise UserError(f"{store}: the curve of efficiencies has a column '{_RATES_COLUMN}' of its own; give the store another name")
        judged = self.rates.signals(dataset)
        found = {name: read_signal(events, self.score, self.menu) for name, events in judged.items()}
        for name, signal in found.items():
            if signal.note is not None:
                _log.warning("%s: %s; it lacks %s", dataset.signals[name].path, signal.note, ", ".join(signal.missing))
        return found

    def _zero_bias(self, sample: SpooledSample) -> ZeroBias:
        return ZeroBias(
            source=self.rates.name,
            sha256=self.zero_bias_digest,
            events=len(sample),
            effective_events=sample.effective_events,
            pileup_mean=sample.pileup_mean,
        )

    def _stability(self, sample: SpooledSample, exposure: Exposure, points: list[WorkingPoint]) -> Stability:
        thresholds = {point.name: point.threshold for point in points if point.threshold is not None}
        found, p_values = periods(sample, exposure, thresholds, self.config.luminosity_blocks)
        by_pileup = pileup_bins(sample, exposure, thresholds, self.config.pileup_bins)
        return Stability(pileup=by_pileup, periods=found, periods_p_value=p_values)


def menu_rates(
    menu: Menu | None, sample: SpooledSample, exposure: Exposure, layout: Layout, missing: Mapping[str, tuple[str, ...]]
) -> MenuRates:
    """The rate of every seed, and of all together, without a menu the reason; `missing` seeds by signal."""
    if menu is None:
        return MenuRates(origin="none", seeds=(), left_out=(no_menu(layout),), khz=None, low=None, high=None)
    counts: list[list[Count]] = [[] for _ in (*menu.seeds, "all")]
    for part in sample.parts():
        for k, found in enumerate(counts):
            positions = part.passed_by(k) if k < len(menu.seeds) else part.fired
            found.append(count(part.weights[positions], part.groups_of(positions)))
    rates = [rate_interval(exposure, added(found)).model_dump() for found in counts]
    seeds = tuple(SeedRate(name=seed.name, definition=seed.definition, **rate) for seed, rate in zip(menu.seeds, rates[:-1], strict=True))
    total = rates[-1]
    if total["khz"] > exposure.crossing_khz / 2:
        most = max(seeds, key=lambda seed: seed.khz)
        _log.warning(
            "the menu accepts more than half of all crossings, %s alone %.3g kHz; is it a seed to be pure against?", most.name, most.khz
        )
    elif total["khz"] > _MENU_PART * exposure.crossing_khz:
        _log.warning(
            "the menu accepts %.3g of %.4g kHz of crossings, more than any menu may; are the crossings zero bias, and were their weights "
            "imported?",
            total["khz"],
            exposure.crossing_khz,
        )
    return MenuRates(origin=menu.origin, name=menu.name, seeds=seeds, left_out=menu.left_out, missing=dict(missing), **total)


def _with_efficiency(point: WorkingPoint, signals: Mapping[str, SignalScores]) -> WorkingPoint:
    if point.threshold is None:
        return point
    return point.model_copy(update={"efficiency": {name: signal.efficiency(point.threshold) for name, signal in signals.items()}})


def _with_what_takes_it(point: WorkingPoint, sample: SpooledSample, menu: Menu | None) -> WorkingPoint:
    """That next to nothing is pure is a finding or a mistake in the menu: the note names the seeds that take the most."""
    if menu is None or point.threshold is None or point.pure is None:
        return point
    shared, total = dict.fromkeys([seed.name for seed in menu.seeds], 0), 0
    for crossings in sample.parts(grouped=False):
        passed = crossings.scores >= point.threshold
        total += int(passed.sum())
        for k, seed in enumerate(menu.seeds):
            shared[seed.name] += int(passed[crossings.passed_by(k)].sum())
    most = max(shared.values(), default=0)
    if point.pure.khz > 0 and most < _TAKEN * total:
        return point
    names = [name for name, found in shared.items() if found == most]
    listed = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    verb, part = "accepts" if len(names) == 1 else "accept", "all" if most == total else f"{most} of"
    note = f"{listed} alone {verb} {part} {total} crossings that pass"
    if point.pure.khz == 0:
        note = f"the pure rate is 0: {note}"
    if most >= _TAKEN * total:
        remedy = "name it in trigger.recorded_excluded" if menu.origin == "recorded" else "take it out of trigger.menu"
        note = f"{note}; if it is the OR of the menu or an anomaly trigger, {remedy}"
    return point.model_copy(update={"note": note if point.note is None else f"{note}; {point.note}"})


_MENU_PART = 0.01
"""Part of all crossings that no menu accepts: the first level of CMS or ATLAS keeps 100 kHz, 0.3 %."""

_NAMED = 3
_TAKEN = 0.9
"""Part of the accepted crossings, from which on a single seed is said to take them."""


def _check_overlap(study: _Study, points: list[WorkingPoint], curve: RateCurve) -> None:
    """Count every working point again, event by event. Raises `CheckFailedError` when a number differs."""
    thresholds = [point.threshold for point in points if point.threshold is not None]
    if not thresholds:
        return
    menu, fired = study.menu, None
    if menu is not None and menu.origin == "recorded":
        fired = fired_recorded(menu.columns)
    elif menu is not None:
        fired = fired_cuts(possible_seeds(study.config, study.layout)[0], study.layout)
    crossings = study.rates.events
    for again in overlap(crossings.blocks(menu), crossings.scored(study.score), fired, thresholds):
        for what, found, events, weight in (
            ("raw", curve.raw, again.events, again.weight),
            ("pure", curve.pure, again.pure_events, again.pure_weight),
        ):
            if found is None or events is None or weight is None:
                continue
            counted = found.at(again.threshold)
            if counted.events != events or abs(counted.weight - weight) > 1e-9 * max(weight, 1.0):
                raise CheckFailedError(
                    f"threshold {again.threshold}: {what} rate of {counted.events} crossings of weight {counted.weight:.9g} in arrays, "
                    f"but of {events} of weight {weight:.9g} event by event; one of the two is wrong, no working point can be trusted"
                )
