"""`l1ae search`: from a study to its front."""

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from rich.table import Table

from l1ae.cli._configs import ConfigFile
from l1ae.cli._engine import engine_options
from l1ae.cli._tables import show
from l1ae.extras import needs
from l1ae.files import held

__all__ = ["search"]


def _load(module: str) -> ModuleType:
    with needs("search"):
        return importlib.import_module(module)


@click.command()
@click.argument("study", type=ConfigFile("study"))
@click.option("--run", type=click.Path(path_type=Path, file_okay=False), help="Run folder; default runs/NAME of the study.")
@click.option("--trials", type=click.IntRange(1), help="Models to train in all; default: the study's.")
@click.option("--resume", is_flag=True, help="Continue a search; nothing that finished is done again.")
@click.option(
    "--verify/--no-verify", default=True, help="Make the points of the front down to synthesis; default: so many as the study says."
)
@engine_options
def search(*, study: Path, run: Path | None, trials: int | None, resume: bool, verify: bool, engine: Any) -> None:
    """The best triggers within a budget.

    Reads STUDY and the data; writes RUN/search.

    Candidates that break the budget are refused before they are trained. The points of the front are taken to C simulation, RTL and
    synthesis. Interrupted or killed, the same command with --resume continues.
    """
    package = _load("l1ae.search")
    loaded = package.load_study(study)
    if trials is not None:
        loaded = replace(loaded, config=loaded.config.model_copy(update={"trials": trials}))
    package.check_study(loaded)
    folder = package.SearchFolder((run or Path("runs") / loaded.config.name) / "search")
    folder.path.mkdir(parents=True, exist_ok=True)
    with held(folder.path):
        folder.begin(loaded, resume=resume)
        with package.Ledger(loaded, folder.path) as ledger:
            with _load("l1ae.engine").engine(engine) as opened:
                workers = opened.workers
                package.run_search(loaded, folder, ledger, opened)
            found = package.finish_search(loaded, folder, ledger, verify=verify, workers=workers)
    _print(package.summary_table(loaded.config.objectives, found))
    if any(one.quantity == "efficiency" for one in loaded.config.objectives):
        click.echo("quote what is reported: the best of many values as chosen is too high")
    click.echo(f"front: {folder.front}")
    click.echo(f"page: {(folder.path / 'front.html').resolve()}")


def _print(found: Any) -> None:
    table = Table(title=found.caption)
    for number, name in enumerate(found.header):
        table.add_column(name, justify="left" if number < found.text_columns else "right")
    for row in found.rows:
        table.add_row(*row)
    show(table)
