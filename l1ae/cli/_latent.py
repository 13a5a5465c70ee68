"""`l1ae latent`: the latent space of a run, as files and as a short table."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from l1ae.cli._run import load_pipeline

if TYPE_CHECKING:
    from l1ae.evaluation import Estimate
    from l1ae.inputs import Layout
    from l1ae.latent import BumpHunt, Emptiness, LatentResult

__all__ = ["latent"]


def _injections(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """`NAME=COUNT`, as often as given."""
    result = {}
    for value in values:
        name, _, count = value.partition("=")
        if not name or not count.isdigit() or int(count) == 0:
            raise click.BadParameter(f"'{value}' is no NAME=COUNT with a positive number, for example a4l=200", context, parameter)
        result[name] = int(count)
    return result


@click.command()
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option("--compare", type=click.Path(path_type=Path, exists=True), help="Event store, or folder of stores, to test for drift.")
@click.option("--events", type=click.IntRange(100), default=20_000, show_default=True, help="Events per sample in tests and figures.")
@click.option("--generate", type=click.IntRange(100), help="Events to draw from the prior of a variational model; default: as --events.")
@click.option(
    "--mass",
    metavar="KIND",
    help="Invariant mass of the bump hunt: dijet, dilepton, dielectron, dimuon, ditau, fourlepton, mt, or groups of your layout, a number "
    "of objects and missing momentum, as in jet:2, eg+mu:4 or mu:1,met. Default: the first that the inputs have.",
)
@click.option("--mass-range", type=(float, float), metavar="LOW HIGH", help="Its span in GeV; default: the central 99 % of the events.")
@click.option("--inject", multiple=True, metavar="NAME=COUNT", callback=_injections, help="Signal events to hide in the bump hunt.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
def latent(*, run: Path, **choices: Any) -> None:
    """What the latent space keeps; drift; bump hunt.

    Reads RUN/train, RUN/contract and the data; writes RUN/latent: codes of all events, what they keep of an event, events from the prior,
    drift between data sets, bump hunt.
    """
    stages = load_pipeline()
    opened = stages.Run.open(run)
    result = stages.latent_stage(opened, stages.LatentOptions(**choices))
    for line in _table(result, opened.config.inputs.selected):
        click.echo(line)
    click.echo(f"latent space: {opened.path('latent') / 'latent.json'}")


def _table(result: "LatentResult", layout: "Layout") -> Iterator[str]:
    """What somebody wants to see first; everything is in latent.json."""
    size = result.compression
    bits = ", ".join(f"{name} {count} bits" for name, count in size.code_bits.items())
    yield f"compression       {size.event_bits} bits to {bits}: {size.ratio:.1f} to 1"
    if size.ratio_mean_only is not None:
        yield f"                  the means alone, from which events are decoded: {size.ratio_mean_only:.1f} to 1"
    first = _first_slots(layout)
    for row in result.resolution:
        if row.energy_low is None and row.feature in first:
            widths = f"half-width {row.half_width} (of the original values: {row.original_half_width:.3g})"
            yield f"{row.feature:<16}  decoded - original: bias {row.bias}, {widths} {row.unit}".rstrip()
    for empty in result.emptiness:
        fractions = [f"{what} decoded as {what} {value}" for what, value in _fractions(empty) if value is not None]
        yield f"{empty.group + ' slots':<16}  {', '.join(fractions)}"
    if result.generation is not None:
        made = result.generation
        tested = [row.ks for row in made.features if row.ks is not None]
        yield f"generation        {made.events} events, KS distance of the worst of {len(tested)} features {max(tested, default=0):.2f}"
        yield f"                  told from real ones with AUC {made.classifier}, with slots of real events {made.classifier_real_slots}"
        yield f"                  (halves of the real events: {made.classifier_real_halves})"
    for drift in result.drift:
        yield f"drift             {drift.reference} against {drift.other}: p {_at_least(drift.p_value, drift.permutations)}"
    for item in result.hunts:
        yield f"{item.mass + ' bump':<16}  score quantile {item.quantile:g}, {item.events} events: {_bump(item.hunt)}"
    for name, reason in result.skipped.items():
        yield f"{name}: left out, {reason}"


def _first_slots(layout: "Layout") -> set[str]:
    """Columns of the first slot of each group: its energy and angles, or where there are none all features."""
    names = set()
    for group in layout.groups:
        found = (group.of_role(role) for role in ("energy", "eta", "phi"))
        telling = [feature.name for feature in found if feature is not None] or group.present
        names |= {layout.names[layout.positions(group.name, name)[0]] for name in telling}
    return names


def _fractions(emptiness: "Emptiness") -> tuple[tuple[str, "Estimate | None"], ...]:
    return (("empty", emptiness.empty_as_empty), ("filled", emptiness.filled_as_filled))


def _bump(hunt: "BumpHunt") -> str:
    window = hunt.window
    counts = f"{window.low:.1f} to {window.high:.1f} GeV, {window.observed} events, {window.expected:.1f} expected"
    doubt = ", but the smooth fit is bad" if hunt.fit_p_value < 0.01 else ""
    return f"{counts}, global p {_at_least(hunt.global_p_value, hunt.pseudo_experiments)}{doubt}"


def _at_least(p_value: float, repetitions: int) -> str:
    """`= 0.12`, or `<= 0.001` where more repetitions would be needed to tell."""
    return f"{'<=' if p_value <= 1 / (repetitions + 1) * 1.000001 else '='} {p_value:.3g}"
