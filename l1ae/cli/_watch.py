"""`l1ae watch`: whether new events are still those of a reference."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from l1ae.cli._compare import rich_table
from l1ae.cli._tables import show

__all__ = ["watch"]

_SHOWN = 8


@click.command()
@click.argument("reference", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("new", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="HTML file to write; the numbers go beside it as JSON."
)
@click.option(
    "--run", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Run folder whose anomaly score is watched, too."
)
@click.option("--events", type=click.IntRange(100), default=20_000, show_default=True, help="Events of each store and block, at most.")
@click.option("--blocks", type=click.IntRange(0), default=0, show_default=True, help="Consecutive parts of NEW, each watched by itself.")
@click.option("--permutations", type=click.IntRange(99), default=999, show_default=True, help="No p-value is below 1 / (this + 1).")
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Largest p-value that is an alarm.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
def watch(*, reference: Path, new: Path, output: Path | None, run: Path | None, **choices: Any) -> None:
    """Whether new events are those of a reference.

    Reads two event stores (REFERENCE, NEW), and RUN/contract with --run; writes a page and a JSON file with -o, else nothing. One p-value
    for everything, and which columns, counts, sums and angles moved, by how much.
    """
    watching = _load()
    if output is not None:
        importlib.import_module("l1ae.report").json_path(output)
    contract = None
    if run is not None:
        contract = importlib.import_module("l1ae").load_contract(run)
    found = watching.watch(reference, new, watching.WatchOptions(**choices), contract=contract)
    show(rich_table(watching.brief_table(found, _SHOWN)))
    click.echo(watching.verdict(found))
    if found.blocks:
        click.echo(watching.blocks_verdict(found))
    if output is not None:
        numbers = watching.write_watched(output, found)
        click.echo(f"watch: {output.resolve()}, numbers: {numbers.resolve()}")


def _load() -> ModuleType:
    """Imported where it is needed: it draws."""
    return importlib.import_module("l1ae.watching")
