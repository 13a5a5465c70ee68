"""`l1ae baselines`: what simpler triggers find at the same rates, as a file and as a table."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.table import Table

from l1ae.cli._run import load_pipeline
from l1ae.cli._tables import show

if TYPE_CHECKING:
    from l1ae.baselines import BaselineResult, BaselinesResult
    from l1ae.evaluation import RatePoint

__all__ = ["baselines", "show_baselines"]


@click.command()
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
def baselines(run: Path) -> None:
    """What simpler triggers find at the same rates.

    Reads the data of RUN, crossings and signals; writes RUN/baselines: cuts, linear models, an isolation forest and a density tree.
    """
    stages = load_pipeline()
    opened = stages.Run.open(run)
    show_baselines(stages.baselines_stage(opened))
    click.echo(f"baselines: {opened.path('baselines') / 'baselines.json'}")


def show_baselines(result: "BaselinesResult") -> None:
    """What each trigger finds, and which are not possible."""
    for table in _tables(result):
        show(table)
    for kind, reason in result.impossible.items():
        click.echo(f"{kind}: not possible, {reason}")


def _tables(result: "BaselinesResult") -> Iterator[Table]:
    """One table for each kind of rate: mean and worst quarter of the efficiencies, without signals the thresholds."""
    from l1ae.evaluation import worst_words

    points = result.results[0].at_rate.points if result.results else ()
    judged = f"{result.events:,} crossings, trained on {result.training_events:,} events"
    for kind in dict.fromkeys(point.kind for point in points):
        rates = [point.khz for point in points if point.kind == kind]
        signals = max((len(point.efficiency) for item in result.results for point in item.at_rate.points if point.kind == kind), default=0)
        what = f"mean efficiency in % ({worst_words(signals).removeprefix('the ')})" if signals else "thresholds, there is no signal"
        table = Table(title=f"At {kind} rates: {what}; {judged}")
        table.add_column("trigger")
        for khz in rates:
            table.add_column(f"{khz:g} kHz", justify="right")
        for item in result.results:
            table.add_row(escape(item.title), *(_cell(item, item.at_rate.point(kind, khz)) for khz in rates))
        yield table


def _cell(item: "BaselineResult", point: "RatePoint | None") -> str:
    from l1ae.evaluation import format_estimate

    if point is None or point.threshold is None:
        return "not measurable"
    if point.mean is None or point.cvar25 is None:
        return f"{point.threshold:.5g} {item.unit}".strip()
    return f"{format_estimate(point.mean, 0.01)} ({100 * point.cvar25.value:.3g})"
