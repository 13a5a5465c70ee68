"""`l1ae data`: generate collisions, import public files, describe a store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from l1ae.documents import load_yaml
from l1ae.errors import UserError
from l1ae.inputs import named_layout

__all__ = ["data"]

_output_option = click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Event store to write."
)


@contextmanager
def _event_bar(description: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar over events, on stderr."""
    columns = (TextColumn(description), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@click.group()
def data() -> None:
    """Make, import and look at events."""


@data.command()
@click.option("--sample", required=True, help="background, zerobias, a4l, lq, h0, hc or hcpair; or one of --config.")
@click.option("--events", required=True, type=click.IntRange(1))
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--workers", type=click.IntRange(1), help="Processes; default: one per core. The events do not depend on it.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="YAML with other detector or process choices.")
@click.option("--layout", type=click.Choice(["ugt", "ugt_full"]), help="Columns of an event; default: ugt, or as --config says.")
@click.option("--regions", is_flag=True, help="The 18 x 14 calorimeter image of every event, too (about 120 bytes each).")
@click.option("--force", is_flag=True, help="Overwrite the output even where it holds other events.")
@_output_option
def generate(
    *,
    sample: str,
    events: int,
    seed: int,
    workers: int | None,
    config: Path | None,
    layout: str | None,
    regions: bool,
    force: bool,
    output: Path,
) -> None:
    """Generate simulated collisions (Pythia 8, parametrised detector, pileup).

    Layout ugt_full has every object and sum of the global trigger, of which ugt is a part with the same values. Interrupted,
    the same command continues; with more events, it extends the output.
    """
    from l1ae.data.generator import GeneratorConfig
    from l1ae.data.generator import generate as run_generator

    choices = GeneratorConfig() if config is None else load_yaml(GeneratorConfig, config)
    choices = choices.read_out(layout=layout, regions=regions)
    with _event_bar(f"{sample} events") as progress:
        result = run_generator(sample, events, output, seed=seed, workers=workers, config=choices, progress=progress, overwrite=force)
    click.echo(f"{result.events} events of '{sample}' in {result.wall_seconds:.0f} s: {result.path}")


@data.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--sample", help="Name of the sample; default: the output's file name, or zerobias for CMS data.")
@click.option("--processes", metavar="A,B,...", help="ADC2021: names of the codes in the dataset Process.")
@click.option("--muon-angles", type=click.Choice(["vertex", "station"]), help="CMS: which eta and phi of muons; default: vertex.")
@click.option("--order", type=click.Choice(["pt", "readout"]), help="CMS: order of the objects; default: pt.")
@_output_option
def import_files(
    *, files: tuple[Path, ...], sample: str | None, processes: str | None, muon_angles: str | None, order: str | None, output: Path
) -> None:
    """Convert public files: ADC2021 HDF5 FILES, or one folder of CMS zero-bias parquet folders."""
    from l1ae.data import import_adc2021, import_cms_parquet

    spec, cms = named_layout("ugt"), len(files) == 1 and files[0].is_dir()
    _refuse("CMS folders", "--processes" if cms and processes else None)
    _refuse("ADC2021 files", None if cms else "--muon-angles" if muon_angles else "--order" if order else None)
    with _event_bar("imported events") as progress:
        if cms:
            choices: Any = {"muon_angles": muon_angles or "vertex", "order": order or "pt"}
            result = import_cms_parquet(files[0], output, spec, sample=sample or "zerobias", progress=progress, **choices)
        else:
            names = tuple(processes.split(",")) if processes else ()
            result = import_adc2021(files, output, spec, sample=sample or output.stem, processes=names, progress=progress)
    click.echo(f"{result.events} events: {result.path}")
    for name, count in result.per_process.items():
        click.echo(f"  {name}: {count}")


def _refuse(kind: str, option: str | None) -> None:
    """Raise `UserError` for an option that would be ignored."""
    if option is not None:
        raise UserError(f"{option} means nothing for {kind}; leave it out")


@data.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def info(file: Path) -> None:
    """Describe an event store."""
    from l1ae.data import EventStore, describe

    click.echo(str(describe(EventStore.open(file))))
