"""The tables of a comparison, for the console and for the page alike."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from l1ae.comparison._cost import COSTS
from l1ae.comparison._result import ComparedRun, Comparison, Difference
from l1ae.evaluation import Estimate, RateKind, RatePoint, format_estimate
from l1ae.report import Table, count, number, sample, worst_title

__all__ = ["auc_table", "cost_table", "efficiency_tables", "settings_table", "tables"]

MEAN = "mean of the signals"


def tables(comparison: Comparison) -> tuple[Table, ...]:
    """The most important tables first: efficiencies at two rates at most; those that would be empty are left out."""
    every = (*efficiency_tables(comparison, brief=True), cost_table(comparison), auc_table(comparison), settings_table(comparison))
    return tuple(table for table in every if table.rows)


def _names(comparison: Comparison) -> tuple[str, ...]:
    return tuple(run.name for run in comparison.runs)


def efficiency_tables(comparison: Comparison, *, brief: bool = False) -> tuple[Table, ...]:
    """For each rate, or two of them at most, the efficiencies of every run, and what each has more than the first.

    That of the rate that is quoted first comes first; the others are folded.
    """
    found = [run.at_rate.brief if brief else run.at_rate for run in comparison.runs if run.at_rate is not None]
    first = next(((rated.headline.kind, rated.headline.khz) for rated in found if rated.headline is not None), None)
    points = {(point.kind, point.khz): None for rated in found for point in rated.points}
    order = sorted(points, key=lambda key: (key != first, key[0] == "raw", key[1]))
    return tuple(replace(_efficiencies(comparison, *key), folded=key != first) for key in order)


def _efficiencies(comparison: Comparison, kind: RateKind, khz: float) -> Table:
    points = [None if run.at_rate is None else run.at_rate.point(kind, khz) for run in comparison.runs]
    signals = dict.fromkeys(name for point in points if point is not None for name in point.efficiency)
    differences = [_difference(run, kind, khz) for run in comparison.runs[1:]]
    rows: list[tuple[str, ...]] = [
        (
            sample(name),
            *(_value(point, lambda p, name=name: p.efficiency.get(name)) for point in points),  # type: ignore[misc]
            *(_points(d.point.efficiency.get(name)) if d is not None else "–" for d in differences),
        )
        for name in signals
    ]
    if len(signals) > 1:
        mean = (_points(d.point.mean) if d is not None else "–" for d in differences)
        worst = (_points(d.point.cvar25) if d is not None else "–" for d in differences)
        rows.append((MEAN, *(_value(point, lambda p: p.mean) for point in points), *mean))
        title = worst_title(len(signals))
        rows.append((title[0].lower() + title[1:], *(_value(point, lambda p: p.cvar25) for point in points), *worst))
    nothing = ("",) * len(differences)
    thresholds = ("none" if p is None or p.threshold is None else number(p.threshold) for p in points)
    rows.append(("threshold, score code", *thresholds, *nothing))
    caption = f"Efficiency at {khz:g} kHz {kind}, in %, and differences to {comparison.runs[0].name} in percentage points"
    return Table(
        caption, ("Signal", *_names(comparison), *_headings(comparison, differences)), tuple(rows), closing=len(rows) - len(signals)
    )


def _headings(comparison: Comparison, differences: Sequence[Difference | None]) -> list[str]:
    first, *others = _names(comparison)
    return [
        f"{name} − {first}" + ("" if found is None else ", paired" if found.paired else ", not paired")
        for name, found in zip(others, differences, strict=True)
    ]


def _difference(run: ComparedRun, kind: RateKind, khz: float) -> Difference | None:
    return next((found for found in run.differences if (found.point.kind, found.point.khz) == (kind, khz)), None)


def _value(point: RatePoint | None, pick: Callable[[RatePoint], Estimate | None]) -> str:
    if point is not None and point.threshold is None:
        return "not measurable"
    found = None if point is None else pick(point)
    return "–" if found is None else format_estimate(found, 0.01)


def _points(difference: Estimate | None) -> str:
    """With a plus sign where the run finds more."""
    if difference is None:
        return "–"
    return ("+" if difference.value > 0 else "") + format_estimate(difference, 0.01)


def cost_table(comparison: Comparison) -> Table:
    """Threshold, bits, and for each design what it needs, with the stage that says it."""
    runs = comparison.runs
    rows: list[tuple[str, ...]] = [
        ("threshold of the firmware, score code", *(f"{run.threshold.code} ({number(run.threshold.value)})" for run in runs)),
        ("its raw rate [kHz]", *(_rate(run.threshold.raw) for run in runs)),
        ("its pure rate [kHz]", *(_rate(run.threshold.pure) for run in runs)),
        ("bits of a weight", *(run.weight_bits for run in runs)),
        ("bits that all weights need", *(count(run.used_bits) for run in runs)),
        ("parameters", *(count(run.parameters) for run in runs)),
    ]
    for design in sorted({design for run in runs for design in run.cost}, reverse=True):
        for key, name in COSTS.items():
            cells = [_cost(run, design, key) for run in runs]
            if any(cell != "not known" for cell in cells):
                rows.append((f"{design.upper()}: {name}", *cells))
    if not any(run.cost for run in runs):
        rows.append(("LUT and latency", *("not known: run “l1ae rtl” and “l1ae synth”" for _ in runs)))
    return Table("Firmware: thresholds, bits, and what each design needs (stage that says it)", ("", *_names(comparison)), tuple(rows))


def _rate(rate: Estimate | None) -> str:
    return "–" if rate is None else format_estimate(rate)


def _cost(run: ComparedRun, design: str, key: str) -> str:
    found = run.cost.get(design, {}).get(key)
    return "not known" if found is None else f"{number(found.value, digits=7)} ({found.stage})"


def auc_table(comparison: Comparison) -> Table:
    """A second view: how well whole samples are told apart, whatever the rate."""
    signals = dict.fromkeys(name for run in comparison.runs for name in run.auc)
    rows = [(sample(name), *(str(run.auc[name]) if name in run.auc else "–" for run in comparison.runs)) for name in signals]
    notes = [(f"note on {run.name}", *(run.auc_note if other is run else "" for other in comparison.runs)) for run in _noted(comparison)]
    caption = "A second view: AUC of the fixed-point model, of each run on its own test background"
    return Table(caption, ("Signal", *_names(comparison)), (*rows, *notes), closing=len(notes))


def _noted(comparison: Comparison) -> list[ComparedRun]:
    return [run for run in comparison.runs if run.auc_note]


def settings_table(comparison: Comparison) -> Table:
    """Keys of the configuration that differ."""
    rows = tuple((row.key, *(value or "–" for value in row.values)) for row in comparison.settings)
    return Table("Keys of the configuration that differ", ("Key", *_names(comparison)), rows, 1 + len(comparison.runs))
