"""Commands of a run: train, evaluate, hls, csim, report, and all of them."""

import importlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from l1ae.config import Config, find_config, load_config

__all__ = ["COMMANDS", "load_pipeline"]

_log = logging.getLogger("l1ae")

_run_argument = click.argument("run", type=click.Path(path_type=Path, file_okay=False))
_config_argument = click.argument("config", type=click.Path(path_type=Path, dir_okay=False))
_run_option = click.option("--run", type=click.Path(path_type=Path, file_okay=False), help="Run folder; default runs/NAME.")
_set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key, e.g. training.batch_size=512. Can be given more than once.",
)
_backend_option = click.option("--backend", type=click.Choice(["Vitis", "Vivado"]), help="HLS backend; default: the configuration's.")
_events_option = click.option("--events", type=click.IntRange(1), help="Real events to simulate; default: the configuration's.")


def _load(config: Path, run: Path | None, overrides: tuple[str, ...]) -> tuple[Config, Path]:
    loaded = load_config(find_config(str(config)), overrides)
    return loaded, run or Path("runs") / loaded.name


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """TensorFlow announces its build options and missing GPUs on file descriptor 2 while it is imported.

    No setting stops it. What was written is shown after all when the import fails.
    """
    sys.stderr.flush()
    saved, finished = os.dup(2), False
    with tempfile.TemporaryFile() as swallowed:
        os.dup2(swallowed.fileno(), 2)
        try:
            yield
            finished = True
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            if not finished:
                swallowed.seek(0)
                os.write(2, swallowed.read())


def load_pipeline() -> ModuleType:
    """Imported late: it brings TensorFlow, which takes seconds that `--help` and a typing error should not."""
    with _silent_stderr():
        return importlib.import_module("l1ae.pipeline")


@contextmanager
def _epoch_bar() -> Iterator[Callable[[Any], None]]:
    """A progress bar over the epochs of each training phase, on stderr."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[loss]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, Any] = {}

        def update(report: Any) -> None:
            if report.phase not in tasks:
                tasks[report.phase] = bar.add_task(f"{report.phase} training", total=report.epochs, loss="")
            bar.update(tasks[report.phase], completed=report.epoch, loss=f"validation loss {report.validation_loss:.4g}")

        yield update


@click.command()
@_config_argument
@_run_option
@_set_option
@click.option("--resume", is_flag=True, help="Continue an interrupted training, with the same bits as if it had not been.")
def train(config: Path, run: Path | None, overrides: tuple[str, ...], resume: bool) -> None:
    """Train CONFIG, float and then quantized, and derive the fixed-point contract."""
    loaded, folder = _load(config, run, overrides)
    pipeline = load_pipeline()
    with _epoch_bar() as progress:
        pipeline.train_stage(loaded, folder, resume=resume, progress=progress)
    click.echo(f"trained {loaded.project}: {folder}")


@click.command()
@_run_argument
def evaluate(run: Path) -> None:
    """Measure AUC and TPR of the float, quantized and fixed-point model."""
    pipeline = load_pipeline()
    opened = pipeline.Run.open(run)
    pipeline.evaluate_stage(opened)
    click.echo(f"metrics: {opened.path('evaluation') / 'metrics.json'}")


@click.command()
@_run_argument
@_backend_option
def hls(run: Path, backend: str | None) -> None:
    """Write the HLS project of a run."""
    pipeline = load_pipeline()
    opened = pipeline.Run.open(run)
    pipeline.hls_stage(opened, backend=backend)
    click.echo(f"HLS project: {opened.path('hls')}")


@click.command()
@_run_argument
@_events_option
def csim(run: Path, events: int | None) -> None:
    """Compile the HLS project with g++ and compare it with the contract, bit by bit and layer by layer."""
    pipeline = load_pipeline()
    report = pipeline.csim_stage(pipeline.Run.open(run), events=events)
    click.echo(f"{report.verdict} and {report.corner_vectors} corner vectors ({report.project}, {report.backend})")
    if text := report.wrapped_text:
        click.echo(f"of the events {text}, as in the contract")


@click.command()
@_run_argument
def report(run: Path) -> None:
    """Write report.html from whatever stages exist."""
    pipeline = load_pipeline()
    click.echo(f"report: {pipeline.report_stage(pipeline.Run.open(run)).resolve()}")


@click.command("run")
@_config_argument
@_run_option
@_set_option
@_backend_option
@_events_option
@click.option("--to", metavar="STAGE", help="As far as this stage, by the name of its command.")
def run_all(config: Path, run: Path | None, overrides: tuple[str, ...], to: str | None, **options: Any) -> None:
    """The stages of CONFIG, from training to the report, skipping what is up to date.

    Without --to as far as the C simulation. With it, what the stage needs is made first: train, evaluate, baselines, trigger, hls,
    csim, rtl, synth, deliver, verify, latent.
    """
    loaded, folder = _load(config, run, overrides)
    pipeline = load_pipeline()

    def announce(stage: str, current: bool) -> None:
        _log.info("%s%s", stage, ": up to date" if current else "")

    with _epoch_bar() as progress:
        opened, path = pipeline.run_all(loaded, folder, to=to, options=pipeline.RunOptions(**options, progress=progress), announce=announce)
    click.echo(f"report: {path.resolve()}")
    if to is None:
        click.echo(pipeline.csim_verdict(opened))


COMMANDS = (train, evaluate, hls, csim, report, run_all)
