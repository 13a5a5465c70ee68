"""`l1ae data`: generate collisions, import files, list layouts, describe a store."""

from pathlib import Path
from typing import Any

import click

from l1ae.cli._configs import ConfigFile
from l1ae.cli._engine import engine_options
from l1ae.cli._groups import InOrder
from l1ae.documents import load_yaml
from l1ae.inputs import find_layout, layout_names, layout_text, named_layout

__all__ = ["data"]

_output_option = click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Event store to write."
)


@click.group(cls=InOrder)
def data() -> None:
    """Make, import and look at events: files FILE.h5."""


@data.command()
@click.option("--sample", required=True, help="background, zerobias, a4l, lq, h0, hc or hcpair; or one of --config.")
@click.option("--events", required=True, type=click.IntRange(1))
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0, 2**32 - 1))
@click.option("--config", type=ConfigFile("generator configuration"), help="YAML with other detector or process choices.")
@click.option("--layout", type=click.Choice(["ugt", "ugt_full"]), help="Columns of an event; default: ugt, or as --config says.")
@click.option("--regions", is_flag=True, help="The 18 x 14 calorimeter image of every event, too (about 120 bytes each).")
@click.option("--inclusive", is_flag=True, help="Signals without the lepton requirement, as a trigger meets them.")
@click.option("--keep-shards", is_flag=True, help="Keep the parts, for more events or another sample in the same folder.")
@click.option("--force", is_flag=True, help="Overwrite the output even where it holds other events.")
@_output_option
@engine_options
def generate(
    *,
    sample: str,
    events: int,
    seed: int,
    engine: Any,
    config: Path | None,
    layout: str | None,
    regions: bool,
    inclusive: bool,
    keep_shards: bool,
    force: bool,
    output: Path,
) -> None:
    """Generate collisions: Pythia 8, detector, pileup.

    Writes FILE.h5 and, until that is complete, parts of it into the folder `shards` beside it.

    The events do not depend on where they are made. Workers on other machines need the output's folder under the same path.
    Layout ugt_full has every object and sum of the global trigger, of which ugt is a part with the same values. Interrupted,
    the same command continues. With more events it extends the output; with --keep-shards it need not make the first ones again, and
    another sample in the same folder finds the collisions to overlay.
    """
    from l1ae.data.generator import GeneratorConfig
    from l1ae.data.generator import generate as run_generator

    choices = GeneratorConfig() if config is None else load_yaml(GeneratorConfig, config)
    choices = choices.read_out(layout=layout, regions=regions)
    choices = choices.inclusive() if inclusive else choices
    result = run_generator(sample, events, output, seed=seed, engine=engine, config=choices, overwrite=force, keep_shards=keep_shards)
    click.echo(f"{result.events} events of '{sample}' in {result.wall_seconds:.0f} s: {result.path}")


@data.command("import")
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Event store to write.")
@click.option("--layout", metavar="NAME|FILE", help="Layout of the store; default: that of the kind of data.")
@click.option("--map", "mapping", metavar="MAP.yaml", type=click.Path(path_type=Path, dir_okay=False), help="Which columns are which.")
@click.option("--split", type=click.Choice(["train", "valid", "test"]), help="Only this recorded split; default: all.")
@click.option("--sample", help="Name of the sample; default: the output's file name.")
@click.option("--processes", metavar="A,B,...", help="ADC2021: names of the process numbers.")
@click.option("--muon-angles", type=click.Choice(["vertex", "station"]), help="Which eta and phi of muons; default: as in the layout.")
@click.option("--seeds", metavar="NAME,...", help="Recorded seeds to keep, patterns with * and ?, or none; default: all.")
@click.option("--outside-cut", type=click.Choice(["drop", "keep"]), help="Record: events outside its standard cut; default: drop.")
@click.option("--describe", is_flag=True, help="Say what was recognised, and write nothing.")
@click.option("--force", is_flag=True, help="Replace an output that exists.")
def import_files(
    *,
    sources: tuple[Path, ...],
    output: Path | None,
    layout: str | None,
    mapping: Path | None,
    sample: str | None,
    processes: str | None,
    describe: bool,
    force: bool,
    seeds: str | None,
    **options: Any,
) -> None:
    """Convert files into an event store.

    Reads files of a known kind, or any table with --map; writes the store of -o.
    """
    from l1ae.data import Request, describe_sources, import_sources

    request = Request(
        sources,
        layout=None if layout is None else find_layout(layout),
        mapping=mapping,
        layout_file=Path(layout) if layout is not None and Path(layout).is_file() else None,
        sample=sample,
        processes=tuple(processes.split(",")) if processes else (),
        seeds=None if seeds is None else () if seeds == "none" else tuple(seeds.split(",")),
        **options,
    )
    if describe:
        click.echo(describe_sources(request))
        return
    if output is None:
        raise click.UsageError("give the event store to write with -o FILE.h5, or --describe")
    result = import_sources(request, output, force=force)
    click.echo(f"{result.events} events: {result.path}")
    for name, count in result.per_process.items():
        click.echo(f"  {name}: {count}")
    for reason, count in result.left_out.items():
        click.echo(f"  left out: {count} ({reason})")


@data.command()
@click.argument("name", required=False)
def layouts(name: str | None) -> None:
    """List the layouts that come along, or print one as YAML."""
    if name is not None:
        click.echo(layout_text(name), nl=False)
        return
    for item in layout_names():
        layout = named_layout(item)
        groups = ", ".join(f"{group.slots} {group.name}" if group.slots > 1 else group.name for group in layout.groups)
        click.echo(f"{item}: {layout.title}\n  {layout.size} columns: {groups}")


@data.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--provenance", is_flag=True, help="All that is recorded of where the events come from, as JSON.")
def info(file: Path, provenance: bool) -> None:
    """Say what is in an event store.

    Reads FILE once, writes nothing.
    """
    from l1ae.data import EventStore, describe

    found = describe(EventStore.open(file))
    click.echo(str(found))
    if provenance:
        click.echo(found.provenance_text)
