"""The comparison itself: every run judged anew on the crossings that its configuration names, then each against the first."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from l1ae import __version__
from l1ae.comparison._cost import cost_of
from l1ae.comparison._judged import JudgedRun, is_paired, unlike
from l1ae.comparison._result import ComparedRun, Comparison, Difference, Threshold
from l1ae.comparison._settings import settings_that_differ
from l1ae.config import TriggerConfig
from l1ae.errors import UserError
from l1ae.evaluation import AtRate, Estimate, RatePoint, load_metrics
from l1ae.pipeline import Run
from l1ae.records import CONTRACT
from l1ae.trigger import PairedPoint, RateCurve, RateCurves, at_rate, paired_differences, rate_curves, spectrum

__all__ = ["CURVE_KHZ", "compare"]

CURVE_KHZ = tuple(float(khz) for khz in np.geomspace(0.01, 100, 61))
"""kHz, where the curves of efficiency against rate are taken."""


def compare(folders: Sequence[Path], *, replicas: int = 500, seed: int = 1) -> Comparison:
    """Compare runs with the first one of them: RUN/config.yaml and RUN/contract must exist, whatever else there is is taken.

    Efficiencies are those of the fixed-point model at the rates of the first run (`trigger.rates`), computed from the contract on the
    events as they are now. `replicas` and `seed` are those of `paired_differences`. Raises `UserError` for fewer than two folders, one
    given twice, and folders without a run or contract.
    """
    if len(folders) < 2:
        raise UserError(f"a comparison needs at least two run folders, not {len(folders)}: l1ae compare RUN RUN")
    runs = [JudgedRun.open(name, folder) for name, folder in zip(_names(folders), folders, strict=True)]
    rates = [_at_rate(judged, runs[0].run.config.trigger) for judged in runs]
    paired = _paired(runs, replicas, seed)
    compared = tuple(
        _compared(folder, judged, found, _differences(runs[0], judged, rates[0], found, points))
        for folder, judged, found, points in zip(folders, runs, rates, paired, strict=True)
    )
    return Comparison(
        runs=compared,
        settings=settings_that_differ([judged.run.config for judged in runs]),
        unlike=unlike(runs),
        sample=runs[0].sample,
        replicas=replicas,
        seed=seed,
        tool=f"l1ae {__version__}",
    )


def _names(folders: Sequence[Path]) -> list[str]:
    """The folders' own names, or their paths where two have the same name."""
    resolved = [folder.resolve() for folder in folders]
    twice = [str(folder) for i, folder in enumerate(folders) if resolved[i] in resolved[:i]]
    if twice:
        raise UserError(f"'{twice[0]}' is given more than once; give each run once")
    names = [folder.name for folder in resolved]
    return names if len(set(names)) == len(names) else [str(folder) for folder in folders]


def _at_rate(judged: JudgedRun, trigger: TriggerConfig) -> AtRate | None:
    if judged.judge is None:
        return None
    crossings, signals = judged.scores
    return at_rate(crossings, judged.crossings, signals, judged.signal_events, rates=trigger.rates, quoted=trigger.firmware_khz)


def _curves(judged: JudgedRun) -> tuple[RateCurves, ...]:
    if judged.judge is None:
        return ()
    crossings, signals = judged.scores
    return rate_curves(crossings, judged.crossings, signals, judged.signal_events, CURVE_KHZ)


def _paired(runs: Sequence[JudgedRun], replicas: int, seed: int) -> list[tuple[PairedPoint, ...]]:
    """Paired points of each run; none for the first and for runs that were judged on other events."""
    first = runs[0]
    alike = [judged for judged in runs[1:] if judged.judge is not None and first.judge is not None and is_paired(first, judged, "raw")]
    if not alike:
        return [()] * len(runs)
    scores = [judged.scores for judged in (first, *alike)]
    found = paired_differences(
        [crossings for crossings, _ in scores],
        first.crossings,
        [signals for _, signals in scores],
        first.signal_events,
        rates=first.run.config.trigger.rates,
        replicas=replicas,
        seed=seed,
    )
    points = dict(zip((judged.name for judged in alike), found, strict=True))
    return [points.get(judged.name, ()) for judged in runs]


def _differences(
    first: JudgedRun, judged: JudgedRun, one: AtRate | None, two: AtRate | None, paired: Sequence[PairedPoint]
) -> tuple[Difference, ...]:
    if judged is first or one is None or two is None:
        return ()
    by_rate = {(point.kind, point.khz): point for point in paired if is_paired(first, judged, point.kind)}
    result = []
    for other in two.points:
        reference = one.point(other.kind, other.khz)
        if (other.kind, other.khz) in by_rate:
            result.append(Difference(True, by_rate[other.kind, other.khz]))
        elif reference is not None:
            result.append(Difference(False, _unpaired(reference, other)))
    return tuple(result)


def _unpaired(first: RatePoint, other: RatePoint) -> PairedPoint:
    """Two efficiencies as if they were of independent events; means only of signals with the same names."""
    if first.threshold is None or other.threshold is None:
        return PairedPoint(other.kind, other.khz, {}, None, None)
    shared = {name: _minus(value, first.efficiency[name]) for name, value in other.efficiency.items() if name in first.efficiency}
    alike = set(first.efficiency) == set(other.efficiency)
    mean, cvar = ((first.mean, other.mean), (first.cvar25, other.cvar25)) if alike else ((None, None), (None, None))
    return PairedPoint(other.kind, other.khz, shared, _difference_of(*mean), _difference_of(*cvar))


def _difference_of(first: Estimate | None, other: Estimate | None) -> Estimate | None:
    return None if first is None or other is None else _minus(other, first)


def _minus(other: Estimate, first: Estimate) -> Estimate:
    value = other.value - first.value
    down = math.hypot(other.value - other.low, first.high - first.value)
    up = math.hypot(other.high - other.value, first.value - first.low)
    return Estimate(value, max(value - down, -1.0), min(value + up, 1.0))


def _compared(folder: Path, judged: JudgedRun, found: AtRate | None, differences: tuple[Difference, ...]) -> ComparedRun:
    summary = CONTRACT.read(judged.run.folder)
    auc, note = _auc(judged.run, judged.contract.digest)
    return ComparedRun(
        name=judged.name,
        folder=str(folder),
        project=judged.contract.project,
        digest=judged.contract.digest,
        at_rate=found,
        curves=_curves(judged),
        differences=differences,
        threshold=_threshold(judged),
        weight_bits=summary.weight_bits,
        used_bits=summary.used_bits,
        parameters=summary.parameters,
        cost=cost_of(judged.run),
        auc=auc,
        auc_note=note,
    )


def _threshold(judged: JudgedRun) -> Threshold:
    code = judged.contract.threshold
    value = code * judged.contract.score.format.lsb
    if judged.judge is None:
        return Threshold(code, value, None, None)
    crossings, scores = judged.crossings, np.asarray(judged.scores[0], np.int64)
    weights, groups, alone = crossings.weights, crossings.groups, crossings.alone
    pure = None if alone is None else spectrum(scores[alone], weights[alone], None if groups is None else groups[alone])
    curve = RateCurve(crossings.exposure, spectrum(scores, weights, groups), pure, lowest=code, highest=code)
    return Threshold(code, value, *(None if rate is None else Estimate(rate.khz, rate.low, rate.high) for rate in curve.rates(code)))


def _auc(run: Run, digest: str) -> tuple[dict[str, Estimate], str]:
    """Those of the evaluation, if it is of this contract."""
    path = run.path("evaluation") / "metrics.json"
    if not path.is_file():
        return {}, f"not evaluated: run `l1ae evaluate {run.folder}`"
    recorded = run.manifest.inputs("evaluation").get("contract/contract.json")
    if recorded is not None and recorded != digest:
        return {}, f"the evaluation is of another contract: run `l1ae evaluate {run.folder}` again"
    return load_metrics(path).auc.get("fixed", {}), ""
