"""What is measured of baselines: one frozen result, written as JSON."""

from dataclasses import dataclass
from pathlib import Path

from l1ae.evaluation import AtRate, Estimate, Metrics, RateKind
from l1ae.results import Count, Positive, load_result, save_result

__all__ = ["BaselineResult", "BaselinesResult", "Beaten", "at_rate_of", "beaten_by", "load_baselines", "same_crossings", "save_baselines"]


@dataclass(frozen=True)
class BaselineResult:
    """Efficiencies of one baseline. `kind` and `text` say what it is, `unit` is that of its thresholds ('' of a pure number)."""

    name: str
    title: str
    kind: str
    text: str
    unit: str
    at_rate: AtRate


@dataclass(frozen=True)
class BaselinesResult:
    """Efficiencies of all baselines on the same `events` crossings of `source`.

    They were trained on `training_events` of `training_available` events in the columns of `layout`, worth as much as
    `training_effective` of equal weight. `impossible` says by kind why the layout does not allow it.
    """

    layout: str
    training_events: Count
    training_available: Count
    training_effective: Positive
    source: str
    events: Count
    results: tuple[BaselineResult, ...]
    impossible: dict[str, str]


@dataclass(frozen=True)
class Beaten:
    """The best of the baselines that find more than a model at its headline rate: mean efficiencies of both on the same events."""

    baseline: BaselineResult
    kind: RateKind
    khz: float
    model: Estimate
    better: Estimate

    @property
    def clearly(self) -> bool:
        """Whether the two intervals are apart."""
        return self.model.high < self.better.low


def at_rate_of(metrics: Metrics) -> AtRate | None:
    """The efficiencies of a model as it will run: fixed point, else the last of its variants; None without crossings."""
    return metrics.at_rate.get("fixed", next(reversed(metrics.at_rate.values()), None))


def beaten_by(metrics: Metrics, baselines: BaselinesResult) -> Beaten | None:
    """The best baseline whose mean efficiency is above that of the model at the headline rate.

    None where there is none, and where nothing can be compared: without signals, without crossings, with other signals or crossings.
    """
    model = at_rate_of(metrics)
    point = None if model is None else model.headline
    if point is None or point.mean is None or not same_crossings(metrics, baselines):
        return None
    found = [(result, result.at_rate.point(point.kind, point.khz)) for result in baselines.results]
    able = [
        (other.mean, result)
        for result, other in found
        if other is not None and other.mean is not None and other.efficiency.keys() == point.efficiency.keys()
    ]
    if not able:
        return None
    better, baseline = max(able, key=lambda pair: pair[0].value)
    return Beaten(baseline, point.kind, point.khz, point.mean, better) if better.value > point.mean.value else None


def same_crossings(metrics: Metrics, baselines: BaselinesResult) -> bool:
    """Whether a model and baselines were judged on the same crossings, as far as their source and number tell."""
    facts = metrics.rate_sample
    return facts is not None and (facts.source, facts.events) == (baselines.source, baselines.events)


def save_baselines(path: Path, result: BaselinesResult) -> None:
    """Write as JSON, under a temporary name first."""
    save_result(path, result)


def load_baselines(path: Path) -> BaselinesResult:
    """Read what `save_baselines` wrote. Raises `UserError` when the file is missing or is something else."""
    return load_result(
        BaselinesResult,
        path,
        what="baselines file",
        remedy="run 'l1ae baselines' on this run folder first",
        again="run 'l1ae baselines' again",
    )
