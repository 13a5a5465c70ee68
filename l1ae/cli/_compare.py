"""`l1ae compare`: runs side by side, on the console and as one HTML file."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import click
from rich import box
from rich.table import Table
from rich.text import Text

from l1ae.cli._run import load_pipeline
from l1ae.cli._tables import show

if TYPE_CHECKING:
    from l1ae.report import Table as Block

__all__ = ["compare", "rich_table"]


@click.command()
@click.argument("runs", metavar="RUN RUN...", nargs=-1, required=True, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="HTML file to write; the numbers go beside it as JSON."
)
@click.option("--replicas", type=click.IntRange(50), default=500, show_default=True, help="Bootstrap replicas of paired intervals.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="Seed of the replicas.")
def compare(runs: tuple[Path, ...], output: Path | None, replicas: int, seed: int) -> None:
    """Runs side by side: efficiency, cost, settings.

    Reads the runs, the first of which the others are compared with, and their crossings and signals; writes a page and a JSON file with
    -o, else nothing. Differences have paired errors where runs were judged on the same events.
    """
    comparison = _load()
    if output is not None:
        importlib.import_module("l1ae.report").json_path(output)
    found = comparison.compare(runs, replicas=replicas, seed=seed)
    for table in comparison.tables(found):
        show(rich_table(table))
    for sentence in found.unlike:
        click.echo(f"not alike: {sentence}")
    if output is not None:
        numbers = comparison.write_comparison(output, found)
        click.echo(f"comparison: {output.resolve()}, numbers: {numbers.resolve()}")


def _load() -> ModuleType:
    """As `load_pipeline`, which it needs."""
    load_pipeline()
    return importlib.import_module("l1ae.comparison")


def rich_table(block: "Block") -> Table:
    """A table of a page on the console; texts are taken as they are, without rich's markup."""
    table = Table(title=Text(block.caption), box=box.SIMPLE_HEAD, title_justify="left")
    for i, heading in enumerate(block.header):
        table.add_column(Text(heading), justify="left" if i < block.text_columns else "right", overflow="fold")
    for row in block.rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
