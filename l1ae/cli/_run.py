"""Commands of a run: train, evaluate, hls, csim, report, and all of them."""

import importlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from l1ae.cli._configs import ConfigFile
from l1ae.config import Config, load_config

__all__ = ["csim", "evaluate", "hls", "load_pipeline", "report", "run_all", "train"]

_log = logging.getLogger("l1ae")

_run_argument = click.argument("run", type=click.Path(path_type=Path, file_okay=False))
_config_argument = click.argument("config", type=ConfigFile())
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
    loaded = load_config(config, overrides)
    return loaded, run or Path("runs") / loaded.name


def load_pipeline() -> ModuleType:
    """Imported late: `--help` and a typing error should not wait for it."""
    return importlib.import_module("l1ae.pipeline")


@click.command()
@_config_argument
@_run_option
@_set_option
@click.option("--resume", is_flag=True, help="Continue an interrupted training, with the same bits as if it had not been.")
def train(config: Path, run: Path | None, overrides: tuple[str, ...], resume: bool) -> None:
    """Train a model, float and then quantized, or import one.

    Reads CONFIG and its data; writes RUN/train and the fixed-point contract, RUN/contract. Interrupted, --resume continues.
    """
    loaded, folder = _load(config, run, overrides)
    pipeline = load_pipeline()
    pipeline.train_stage(loaded, folder, resume=resume)
    done = "imported" if loaded.model.source is not None else "trained"
    click.echo(f"{done} {loaded.project}: {folder}")
    click.echo(f"contract: {folder / 'contract' / 'contract.json'}")


@click.command()
@_run_argument
def evaluate(run: Path) -> None:
    """AUC and efficiencies: float, quantized, fixed point.

    Reads RUN/train, RUN/contract and the data; writes RUN/evaluation.
    """
    pipeline = load_pipeline()
    opened = pipeline.Run.open(run)
    pipeline.evaluate_stage(opened)
    click.echo(f"metrics: {opened.path('evaluation') / 'metrics.json'}")


@click.command()
@_run_argument
@_backend_option
def hls(run: Path, backend: str | None) -> None:
    """Write the HLS project.

    Reads RUN/contract and the data, of which test vectors are made; writes RUN/hls.
    """
    pipeline = load_pipeline()
    opened = pipeline.Run.open(run)
    pipeline.hls_stage(opened, backend=backend)
    click.echo(f"HLS project: {opened.path('hls')}")


@click.command()
@_run_argument
@_events_option
def csim(run: Path, events: int | None) -> None:
    """Run the HLS project and compare every bit.

    Compiles RUN/hls with g++ and compares it with RUN/contract, layer by layer, on events of the data and corner vectors; writes
    RUN/csim. Exit status 1 when a bit differs.
    """
    pipeline = load_pipeline()
    report = pipeline.csim_stage(pipeline.Run.open(run), events=events)
    click.echo(f"{report.verdict} and {report.corner_vectors} corner vectors ({report.project}, {report.backend})")
    if text := report.wrapped_text:
        click.echo(f"of the events {text}, as in the contract")


@click.command()
@_run_argument
def report(run: Path) -> None:
    """One page of all stages that there are.

    Reads RUN; writes RUN/report.html and RUN/resources.json.
    """
    pipeline = load_pipeline()
    click.echo(f"report: {pipeline.report_stage(pipeline.Run.open(run)).resolve()}")


def _announcer(names: Sequence[str]) -> Callable[[str, bool], None]:
    def announce(stage: str, current: bool) -> None:
        _log.info("[%d/%d] %s%s", names.index(stage) + 1, len(names), stage, ": up to date" if current else " ...")

    return announce


def _show(stage: str | None, run: Path) -> None:
    """What the command of the last stage prints, where that are tables."""
    if stage == "trigger":
        from l1ae.cli._trigger import show_rates
        from l1ae.trigger import load_working_points

        show_rates(load_working_points(run / "trigger" / "working_points.json"))
    elif stage == "baselines":
        from l1ae.cli._baselines import show_baselines
        from l1ae.records import BASELINES

        show_baselines(BASELINES.read(run))


@click.command("run")
@_config_argument
@_run_option
@_set_option
@_backend_option
@_events_option
@click.option("--to", metavar="STAGE", help="As far as this stage, by the name of its command.")
def run_all(config: Path, run: Path | None, overrides: tuple[str, ...], to: str | None, **options: Any) -> None:
    """All stages of CONFIG, but what is up to date.

    Reads CONFIG and its data; writes the stages, from RUN/train on, and RUN/report.html.

    Without --to as far as the C simulation. With it, what the stage needs is made first: train, evaluate, baselines, trigger, hls,
    csim, rtl, synth, deliver, verify, latent.
    """
    loaded, folder = _load(config, run, overrides)
    pipeline = load_pipeline()

    names = [stage.name for stage in pipeline.stages_to(to, loaded)]
    opened, path = pipeline.run_all(loaded, folder, to=to, options=pipeline.RunOptions(**options), announce=_announcer(names))
    _show(to, opened.folder)
    click.echo(f"report: {path.resolve()}")
    for line in pipeline.verdicts(opened, names):
        click.echo(line)
