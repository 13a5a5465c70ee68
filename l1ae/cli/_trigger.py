"""`l1ae trigger`: rates and working points of a run, as a file and as tables."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.table import Table

from l1ae.cli._run import load_pipeline
from l1ae.cli._tables import show

if TYPE_CHECKING:
    from l1ae.trigger import Neighbour, RateInterval, TriggerResult, WorkingPoint

__all__ = ["show_rates", "trigger"]


@click.command()
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--zero-bias",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Event store of zero-bias crossings; default: trigger.zero_bias.",
)
def trigger(run: Path, zero_bias: Path | None) -> None:
    """Thresholds for rates, and what they find.

    Reads RUN/contract, zero-bias crossings and signals; writes RUN/trigger: thresholds of working points, rates raw and pure, efficiencies,
    all with intervals, and how stable they are.
    """
    stages = load_pipeline()
    opened = stages.Run.open(run)
    show_rates(stages.trigger_stage(opened, zero_bias=zero_bias))
    click.echo(f"working points: {opened.path('trigger') / 'working_points.json'}")


def show_rates(result: "TriggerResult") -> None:
    """The working points with their efficiencies, the menu, and what tables do not say."""
    for table in (_points(result), _efficiencies(result), _menu(result)):
        show(table)
    for line in _lines(result):
        click.echo(line)


def _points(result: "TriggerResult") -> Table:
    sample = result.zero_bias
    title = f"Working points of {result.project}: {sample.events:,} zero-bias crossings x {result.crossing_rate_khz:,.1f} kHz; rates in kHz"
    table = Table(title=title)
    for heading in ("asked", "threshold", "raw", "pure", "events", "lower threshold", "higher threshold"):
        table.add_column(heading, justify="right")
    for point in result.working_points:
        if point.threshold is None:
            table.add_row(f"{point.requested_khz:g}", "none", *("",) * 5)
            continue
        effective = f"{point.effective_events:.0f}"
        table.add_row(
            f"{point.requested_khz:g}",
            _same(point),
            _rate(point.raw),
            _rate(point.pure),
            effective,
            _next(point.lower),
            _next(point.higher),
        )
    return table


def _same(point: "WorkingPoint") -> str:
    """`1234 (from 1230)`: the integers that decide alike on this sample."""
    alike = "" if point.equivalent_from == point.threshold else f" (from {point.equivalent_from})"
    return f"{point.threshold}{alike}"


def _rate(rate: "RateInterval | None") -> str:
    from l1ae.evaluation import Estimate, format_estimate

    return "" if rate is None else format_estimate(Estimate(rate.khz, rate.low, rate.high))


def _next(neighbour: "Neighbour | None") -> str:
    from l1ae.trigger import format_khz

    return "" if neighbour is None else f"{neighbour.threshold}: {format_khz(neighbour.raw_khz)}"


def _efficiencies(result: "TriggerResult") -> Table:
    from l1ae.evaluation import Estimate, format_estimate

    points = [point for point in result.working_points if point.threshold is not None]
    table = Table(title="Efficiency in %, raw (pure)")
    table.add_column("signal")
    for point in points:
        table.add_column(point.name, justify="right")
    for name in points[0].efficiency if points else ():
        cells = []
        for point in points:
            raw, pure = point.efficiency[name].raw, point.efficiency[name].pure
            text = format_estimate(Estimate(raw.value, raw.low, raw.high), 0.01)
            cells.append(text if pure is None else f"{text} ({100 * pure.value:.3g})")
        table.add_row(escape(name), *cells)
    return table


def _menu(result: "TriggerResult") -> Table:
    seeds = sorted(result.menu.seeds, key=lambda seed: -seed.khz)
    named = "" if result.menu.name is None else f"{result.menu.name}, "
    table = Table(title=f"Menu ({named}{result.menu.origin}, {len(seeds)} seeds); rates in kHz")
    table.add_column("seed")
    table.add_column("rate", justify="right")
    table.add_column("definition")
    for seed in seeds[:_SEEDS_SHOWN]:
        table.add_row(escape(seed.name), _rate(seed), escape(seed.definition))
    if len(seeds) > _SEEDS_SHOWN:
        table.add_row(f"{len(seeds) - _SEEDS_SHOWN} more", "", f"each {_rate(seeds[_SEEDS_SHOWN])} or less, see working_points.json")
    if result.menu.khz is not None and result.menu.low is not None and result.menu.high is not None:
        from l1ae.evaluation import Estimate, format_estimate

        table.add_row("all", format_estimate(Estimate(result.menu.khz, result.menu.low, result.menu.high)), "accepted by any of them")
    return table


_SEEDS_SHOWN = 12


def _lines(result: "TriggerResult") -> Iterator[str]:
    """What the tables do not say."""
    if result.menu.origin == "cuts":
        yield from (f"not in the menu: {text}" for text in result.menu.left_out)
    elif result.menu.left_out:
        yield f"not in the menu: {', '.join(result.menu.left_out)}"
    for row in result.stability.pileup:
        rates = ", ".join(f"{name} {_rate(rate)}" for name, rate in row.rates.items())
        yield f"pileup {row.low} to {row.high}: {rates} (kHz, if all crossings were so)"
    for name, p_value in (result.stability.periods_p_value or {}).items():
        yield f"{name} in {len(result.stability.periods or ())} run periods: p = {p_value:.3g} that it is constant"
