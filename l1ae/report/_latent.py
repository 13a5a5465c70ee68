"""Section on the latent space, from RUN/latent; nothing where `l1ae latent` has not been run."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from l1ae.evaluation import Estimate, format_estimate
from l1ae.latent import Generation, LatentResult, SelectedHunt, find_mass
from l1ae.manifest import Manifest
from l1ae.records import LATENT
from l1ae.report._blocks import Block, Facts, Notice, Paragraph, Picture, Section, Table
from l1ae.report._files import pictures
from l1ae.report._text import count, number, percent, sample

__all__ = ["latent_sections"]

BAD_FIT = 0.01


def latent_sections(run: Path) -> tuple[Section, ...]:
    """What was measured of the latent space of the run folder `run`. Raises `UserError` when latent.json is damaged."""
    folder = run / "latent"
    if not (folder / "latent.json").is_file():
        return ()
    result = LATENT.read(run)
    found = pictures(run, Manifest.load(run), "latent", f"l1ae latent {run}")
    blocks: list[Block] = [
        Paragraph(
            "The encoder squeezes an event into a few numbers, the latent code. The codes are the integers that the firmware holds; "
            "they are in the run folder for every event, in latent/codes. Errors are statistical, with 68.3 % confidence, and count "
            "copies of one source event once."
        ),
        _compression(result),
        *(Notice("info", f"{name}: left out, {reason}.") for name, reason in result.skipped.items()),
        *_pictures(found),
        *_resolution(result),
        *(_generation(result.generation) if result.generation is not None else ()),
        _drift(result),
        *_hunts(result, found),
    ]
    return (Section("latent", "Latent space", tuple(blocks)),)


def _compression(result: LatentResult) -> Facts:
    size = result.compression
    rows = [
        ("Event as it arrives", f"{count(size.event_bits)} bits"),
        *((f"Code, {name}", f"{count(bits)} bits, {result.tensors[name]}") for name, bits in size.code_bits.items()),
        ("Compression", f"{size.ratio:.1f} to 1"),
    ]
    if size.ratio_mean_only is not None:
        rows.append(("Compression by the means alone", f"{size.ratio_mean_only:.1f} to 1"))
    return Facts(tuple(rows))


def _pictures(found: Mapping[str, Picture]) -> list[Block]:
    captions = {
        "dimensions": "Distribution of each latent dimension; the outermost bins hold everything beyond.",
        "pairs": "Pairs of latent dimensions: density of the background, single events of the signals.",
        "correlation": "Linear correlation of the latent dimensions of background events.",
        "resolution": "Bias and half-width of what is decoded, for every slot of each kind of feature.",
        "generated": "Events decoded from random points of the prior beside real background events.",
    }
    return [replace(found[name], caption=caption, wide=name != "correlation") for name, caption in captions.items() if name in found]


def _resolution(result: LatentResult) -> list[Block]:
    if not result.resolution:
        return []
    rows = tuple(
        (
            row.feature,
            count(row.entries),
            *(_with_unit(value, row.unit) for value in (row.bias, row.spread, row.half_width)),
            number(row.original_half_width, row.unit, digits=3),
        )
        for row in result.resolution
        if row.energy_low is None
    )
    caption = (
        f"Decoded minus original on {count(result.events)} test events, filled slots only. The half-width is half the distance of the "
        "16 % and 84 % quantiles; where it is that of the original values (last column), the code keeps nothing of this input. "
        "Bins in the energy of the slot are in latent.json."
    )
    blocks: list[Block] = [
        Table(caption, ("Input", "Entries", "Bias", "Standard deviation", "Half-width", "Original half-width"), rows, folded=True)
    ]
    empty = tuple(
        (row.group, *("–" if value is None else percent(value) for value in (row.empty_as_empty, row.filled_as_filled)))
        for row in result.emptiness
    )
    if not empty:
        return blocks
    caption = "Slots decoded as what they were. The training leaves empty slots out of the loss and never asks for them."
    return [*blocks, Table(caption, ("Objects", "Empty as empty", "Filled as filled"), empty)]


def _with_unit(estimate: Estimate, unit: str) -> str:
    text = format_estimate(estimate)
    return f"({text}) {unit}" if unit else text


def _generation(made: Generation) -> list[Block]:
    rows = tuple(
        (
            row.feature,
            count(row.real_entries),
            count(row.generated_entries),
            "–" if row.ks is None else number(row.ks, digits=3),
            "–" if row.p_value is None else number(row.p_value, digits=2),
            "–" if row.wasserstein is None else number(row.wasserstein, row.unit, digits=3),
        )
        for row in made.features
    )
    text = (
        f"{count(made.events)} events were decoded from random points of the prior and compared with {count(made.real_events)} real "
        f"background events. Boosted trees tell the two apart with an AUC of {made.classifier}, and of {made.classifier_real_slots} once "
        "the generated events have the filled slots of real ones; 0.5 would be no difference at all, and two halves of the real events "
        f"give {made.classifier_real_halves}. A variational autoencoder is trained to compress and to flag events: what it generates is "
        "smoother than reality and not meant to replace a simulation."
    )
    caption = (
        "Generated against real events, filled slots. KS: largest distance of the cumulative distributions, 0 equal, 1 disjoint. p: chance "
        "of a larger one were they equal. Distance: by how much values must move on average to turn one distribution into the other."
    )
    header = ("Input", "Real entries", "Generated entries", "KS", "p", "Distance")
    return [Paragraph(text), Table(caption, header, rows, folded=True)]


def _drift(result: LatentResult) -> Table:
    rows = tuple(
        (
            f"{sample(drift.reference)} against {sample(drift.other)}",
            f"{count(drift.reference_events)}, {count(drift.other_events)}",
            number(drift.mmd, digits=3),
            number(drift.p_value, digits=3),
            number(min(row.p_holm for row in drift.dimensions), digits=3),
        )
        for drift in result.drift
    )
    caption = (
        "Does the latent distribution drift? p: chance of a larger discrepancy (MMD) were both data sets drawn from one distribution, by "
        "permutation of source events. Last column: smallest p-value of a single dimension, corrected for their number."
    )
    return Table(caption, ("Data sets", "Events", "MMD", "p", "Smallest corrected p"), rows)


def _hunts(result: LatentResult, found: Mapping[str, Picture]) -> list[Block]:
    if not result.hunts:
        return []
    rows = tuple(_hunt_row(item) for item in result.hunts)
    injected = ", ".join(f"{count(n)} of {sample(name)}" for name, n in result.injected.items())
    caption = (
        f"Bump hunt in the {find_mass(result.hunts[0].mass).title}, background events above quantiles of the score"
        + (f", injected: {injected}" if injected else "")
        + ". The global p-value contains the trials factor. Known resonances and edges are bumps too; where the fit's p-value is small, "
        "the smooth function does not describe the spectrum and the others mean little."
    )
    header = ("Score quantile", "Events", "Window", "Observed", "Expected", "Local p", "Global p", "p of the fit")
    blocks: list[Block] = [Table(caption, header, rows)]
    for item in result.hunts:
        name = f"bump_{round(100 * item.quantile):02d}"
        if name in found:
            text = f"Spectrum of events above the {item.quantile:.0%} quantile of the score, and the most significant window."
            blocks.append(replace(found[name], caption=text))
    return blocks


def _hunt_row(item: SelectedHunt) -> tuple[str, ...]:
    hunt, window = item.hunt, item.hunt.window
    return (
        f"{item.quantile:.0%}",
        count(item.events),
        f"{window.low:.1f} to {window.high:.1f} GeV",
        count(window.observed),
        number(window.expected, digits=4),
        number(window.local_p_value, digits=2),
        number(hunt.global_p_value, digits=3),
        number(hunt.fit_p_value, digits=3) + (" (bad)" if hunt.fit_p_value < BAD_FIT else ""),
    )
