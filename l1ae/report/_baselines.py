"""Section on what simpler triggers find at the same rates, from RUN/baselines/baselines.json, and what the summary says of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from l1ae.baselines import BaselinesResult, at_rate_of, beaten_by, same_crossings
from l1ae.evaluation import AtRate, Metrics, RatePoint, worst_words
from l1ae.records import BASELINES
from l1ae.report._baselines_figure import Bar, bars_figure
from l1ae.report._blocks import Block, Notice, Paragraph, Picture, Section, Table, drawn
from l1ae.report._files import RunFiles
from l1ae.report._text import count, missing, number, percent, sample

__all__ = ["baselines_section", "lost_text"]

_TITLE = "Beside simpler triggers"
_MODEL = "This run, as it will run in firmware"
_CAPTION = "Mean efficiency of the signals at {}, with 68.3 % intervals."
_NO_CROSSINGS = (
    "There are no crossings with the columns of this run to compare triggers on; name a store of zero bias in trigger.zero_bias."
)


@dataclass(frozen=True)
class _Row:
    """One trigger of the tables; `unit` is that of its threshold."""

    title: str
    unit: str
    at_rate: AtRate


def baselines_section(run: Path, files: RunFiles) -> Section:
    """What `l1ae baselines` found, and the run's model among it. Raises `UserError` when its file is damaged."""
    path = run / "baselines" / "baselines.json"
    if not path.is_file():
        nothing = files.metrics is not None and not files.metrics.at_rate
        text = _NO_CROSSINGS if nothing else missing("The comparison with simpler triggers", "l1ae baselines")
        return Section("baselines", _TITLE, (Notice("missing", text),))
    result = BASELINES.read(run)
    rows = [*_model_row(files.metrics, result), *(_Row(item.title, item.unit, item.at_rate) for item in result.results)]
    blocks: list[Block] = [Paragraph(_introduction(result)), *_verdict(files.metrics, result), *_stale(files.metrics, result)]
    blocks += _tables(rows)
    blocks += _picture(rows)
    blocks += [Notice("info", f"{kind}: not possible, {reason}.") for kind, reason in result.impossible.items()]
    kinds = {item.kind: item.text for item in result.results}
    blocks.append(Table("What the scores are", ("Trigger", "Score"), tuple(kinds.items()), 2, folded=True))
    return Section("baselines", _TITLE, tuple(blocks))


def lost_text(run: Path, metrics: Metrics | None) -> str:
    """The sentence of the summary where a simpler trigger finds more than the model; '' where none does, or nothing can be compared."""
    path = run / "baselines" / "baselines.json"
    if metrics is None or not path.is_file():
        return ""
    beaten = beaten_by(metrics, BASELINES.read(run))
    if beaten is None:
        return ""
    apart = (
        "the intervals do not overlap" if beaten.clearly else "the intervals overlap, so that the sample does not decide between the two"
    )
    return (
        f"At the same rate, {_rate(beaten.kind, beaten.khz)}, a simpler trigger finds more of the signals: “{beaten.baseline.title}” "
        f"({beaten.baseline.text}) accepts {percent(beaten.better)} of them on average, this model {percent(beaten.model)}; {apart}."
    )


def _introduction(result: BaselinesResult) -> str:
    taken = "" if result.training_events == result.training_available else f" (every n-th of {count(result.training_available)})"
    return (
        f"What a model must beat: triggers that are a cut on one number of the event, or are learned in seconds. All were judged at "
        f"the same rates on the same {count(result.events)} crossings, {result.source}, and on the same signals. Those that learn did so "
        f"from {count(result.training_events)} events{taken} of the training part of the background, worth "
        f"{count(result.training_effective)} of equal weight; they see all columns of the events that stores of this run have, of layout "
        f"{result.layout}. A threshold's own error is part of every interval."
    )


def _model_row(metrics: Metrics | None, result: BaselinesResult) -> list[_Row]:
    found = None if metrics is None else at_rate_of(metrics)
    return [] if found is None else [_Row(_MODEL, "", found)]


def _verdict(metrics: Metrics | None, result: BaselinesResult) -> list[Block]:
    """Who finds more at the headline rate."""
    if not any(point.mean is not None for item in result.results for point in item.at_rate.points):
        text = (
            "The data set has no signal: there is no efficiency to compare. The thresholds are those that simpler triggers need for the "
            "same rates."
        )
        return [Notice("missing", text)]
    found = None if metrics is None else at_rate_of(metrics)
    point = None if found is None else found.headline
    if metrics is None or point is None or point.mean is None or not same_crossings(metrics, result):
        return []
    at = _rate(point.kind, point.khz)
    beaten = beaten_by(metrics, result)
    if beaten is None:
        return [Notice("good", f"At {at} no simpler trigger finds more of the signals than this model, {percent(point.mean)} on average.")]
    apart = "the two intervals do not overlap" if beaten.clearly else "the two intervals overlap"
    text = (
        f"At {at} “{beaten.baseline.title}” finds more than this model: {percent(beaten.better)} of the signals on average instead of "
        f"{percent(beaten.model)}; {apart}."
    )
    return [Notice("bad", text)]


def _stale(metrics: Metrics | None, result: BaselinesResult) -> list[Block]:
    if metrics is None or metrics.rate_sample is None or same_crossings(metrics, result):
        return []
    facts = metrics.rate_sample
    text = (
        f"The model was judged on other crossings ({facts.source}, {count(facts.events)}) than these triggers: run “l1ae evaluate” and "
        "“l1ae baselines” again before comparing."
    )
    return [Notice("bad", text)]


def _rate(kind: str, khz: float) -> str:
    return f"{khz:g} kHz {kind}"


def _headline(rows: Sequence[_Row]) -> RatePoint | None:
    return next((point for row in rows if (point := row.at_rate.headline) is not None), None)


def _tables(rows: Sequence[_Row]) -> Iterator[Table]:
    """One for each rate, that of the headline first and unfolded."""
    shown = _headline(rows)
    if shown is None:
        return
    rates = dict.fromkeys((point.kind, point.khz) for row in rows for point in row.at_rate.points)
    first = (shown.kind, shown.khz)
    for kind, khz in (first, *(rate for rate in rates if rate != first)):
        yield _table(rows, kind, khz, folded=(kind, khz) != first)


def _table(rows: Sequence[_Row], kind: str, khz: float, *, folded: bool) -> Table:
    points = [(row, point) for row in rows for point in row.at_rate.points if (point.kind, point.khz) == (kind, khz)]
    signals = list(dict.fromkeys(name for _, point in points for name in point.efficiency))
    one = worst_words(len(signals)) == "the worst signal"
    means = ("Mean", "Worst signal" if one else "CVaR25") if signals else ()
    header = ("Trigger", *means, *(sample(name) for name in signals), "Threshold")
    what = "Efficiency" if signals else "Threshold"
    explained = f"; CVaR25 is the mean of {worst_words(len(signals))}" if signals and not one else ""
    return Table(f"{what} at {_rate(kind, khz)}{explained}", header, tuple(_cells(row, point, signals) for row, point in points), 1, folded)


def _cells(row: _Row, point: RatePoint, signals: Sequence[str]) -> tuple[str, ...]:
    if point.threshold is None:
        return (row.title, *["not measurable"] * (len(signals) + 2 * bool(signals)), "none")
    values = [point.mean, point.cvar25] if signals else []
    values += [point.efficiency.get(name) for name in signals]
    return (row.title, *("–" if value is None else percent(value) for value in values), number(point.threshold, row.unit, 5))


def _picture(rows: Sequence[_Row]) -> Iterator[Picture]:
    shown = _headline(rows)
    if shown is None:
        return
    points = [(row.title, row.at_rate.point(shown.kind, shown.khz)) for row in rows]
    bars = [Bar(title, point.mean, title == _MODEL) for title, point in points if point is not None and point.mean is not None]
    if bars:
        rate = _rate(shown.kind, shown.khz)
        caption = _CAPTION.format(rate)
        yield drawn(bars_figure(bars, rate), "baselines", caption)
