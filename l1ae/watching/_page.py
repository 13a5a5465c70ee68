"""A watch as one HTML file, and beside it as JSON."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.figure import Figure

from l1ae.evaluation import PALETTE, Estimate, format_estimate, frame_label, new_figure, styled
from l1ae.report import Block as PageBlock
from l1ae.report import Notice, Paragraph, Picture, Section, Table, Tile, Tiles, count, drawn, json_path, number, write_page
from l1ae.watching._compare import Change, Moved, Region
from l1ae.watching._result import Watched, save_watched

__all__ = [
    "blocks_figure",
    "blocks_verdict",
    "brief_table",
    "moved_table",
    "p_text",
    "shifts_figure",
    "verdict",
    "write_watched",
]

_SHOWN = 24
_TERMS = (
    ("p-value", "The chance of a difference at least as large, while nothing changed."),
    ("Permutation", "Whole source events are exchanged between the two samples: what a difference by chance looks like."),
)


def write_watched(path: Path, result: Watched) -> Path:
    """Write the page to `path` and its numbers beside it; returns the path of the latter. Raises `UserError` as `json_path`."""
    numbers = json_path(path)
    write_page(
        path,
        title=f"{Path(result.other).name} against {Path(result.reference).name}: l1ae watch",
        heading="Watching the data",
        subtitle=f"{result.other} against {result.reference}",
        figures=f"{path.stem}_figures",
        summary=_summary(result),
        sections=tuple(_sections(result)),
        glossary=_TERMS,
    )
    save_watched(numbers, result)
    return numbers


def p_text(change: Change) -> str:
    """`= 0.12`, or `≤ 0.001` where more permutations would be needed to tell."""
    return _p(change.p_value, change.permutations)


def _p(value: float, permutations: int) -> str:
    return f"{'≤' if value <= 1 / (permutations + 1) * (1 + 1e-9) else '='} {value:.3g}"


def verdict(result: Watched) -> str:
    """One sentence."""
    change, n = result.change, len(result.change.moved)
    if change.p_value > result.alpha:
        return (
            f"Nothing of {n} quantities moved more than chance moves one of them in {result.alpha:.3g} of all cases (p {p_text(change)})."
        )
    names = [item.name for item in _changed(result)]
    listed = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return f"The new events are not those of the reference (p {p_text(change)}): {listed} of {n} quantities moved."


def blocks_verdict(result: Watched) -> str:
    """One sentence on the blocks of a watch that has some."""
    text = f"{len(result.alarms)} of {len(result.blocks)} blocks with an alarm, where chance brings {result.alpha * len(result.blocks):.3g}"
    if not _too_many(result):
        return f"{text}."
    first = result.alarms[0]
    return f"{text}; the first is {first.first} to {first.last}, in which {first.change.moved[0].name} differs most."


def _too_many(result: Watched) -> bool:
    """Whether chance brings so many alarms in at most `alpha` of all cases."""
    from scipy.stats import binom

    return bool(binom.sf(len(result.alarms) - 1, len(result.blocks), result.alpha) <= result.alpha)


def _changed(result: Watched) -> list[Moved]:
    return [item for item in result.change.moved if item.p_value <= result.alpha]


def _summary(result: Watched) -> tuple[PageBlock, ...]:
    change = result.change
    alarm = change.p_value <= result.alpha
    tiles = [
        Tile("p-value", p_text(change).removeprefix("= "), f"of {len(change.moved)} quantities together", "bad" if alarm else "good"),
        Tile("Reference", f"{count(change.reference_events)} events", f"{count(change.reference_groups)} independent"),
        Tile("New", f"{count(change.other_events)} events", f"{count(change.other_groups)} independent"),
    ]
    notices = [Notice("bad" if alarm else "good", verdict(result))]
    if result.blocks:
        note = f"of {count(len(result.blocks))}; {result.alpha * len(result.blocks):.3g} expected by chance"
        tone: Literal["good", "bad"] = "bad" if _too_many(result) else "good"
        tiles.append(Tile("Blocks with an alarm", count(len(result.alarms)), note, tone))
        notices.append(Notice(tone, blocks_verdict(result)))
    text = (
        f"Layout {result.layout}. Each quantity is compared in bins of equally many events, for holes and for shifts; p-values come from "
        f"{count(change.permutations)} permutations of whole source events and are corrected for the number of quantities, so that without "
        f"any change an alarm (p ≤ {result.alpha:.3g}) comes in {100 * result.alpha:.3g} % of all comparisons."
    )
    return (Tiles(tuple(tiles)), *notices, Paragraph(text))


def _sections(result: Watched) -> Iterator[Section]:
    pictures: list[Picture] = []
    if _drawable(result):
        caption = "The quantities that differ most: shift of the mean in standard deviations of what chance does."
        pictures.append(drawn(shifts_figure(result), "shifts", caption))
    yield Section("moved", "What moved", (*pictures, moved_table(result)))
    if result.blocks:
        caption = "p-value of each block of new events; an alarm is on the line or below."
        yield Section("blocks", "Blocks", (drawn(blocks_figure(result), "blocks", caption, wide=True), _blocks_table(result)))


def moved_table(result: Watched) -> Table:
    """All quantities: how much each moved, and where it differs most."""
    rows = tuple(
        (
            *_how_much(item, result.change.permutations),
            f"{100 * item.filled_reference:.3g} → {100 * item.filled_other:.3g}",
            _where(item.region, item.unit),
            f"{100 * item.region.reference:.3g} → {100 * item.region.other:.3g}",
        )
        for item in result.change.moved
    )
    header = (*_HOW_MUCH, "events with it [%]", "differs most", "events there [%]")
    return Table("Quantities, those that differ most first", header, rows)


def brief_table(result: Watched, most: int) -> Table:
    """The `most` quantities that differ most, for a console."""
    rows = tuple(_how_much(item, result.change.permutations) for item in result.change.moved[:most])
    return Table(f"The {len(rows)} of {len(result.change.moved)} quantities that differ most", _HOW_MUCH, rows)


_HOW_MUCH = ("Quantity", "p, corrected", "shift of the mean")


def _how_much(item: Moved, permutations: int) -> tuple[str, str, str]:
    shift = "–"
    if item.shift is not None and item.error is not None:
        shift = f"{format_estimate(Estimate(item.shift, item.shift - item.error, item.shift + item.error))} {item.unit}".rstrip()
    return item.name, _p(item.p_value, permutations), shift


def _where(region: Region, unit: str) -> str:
    if region.low is None and region.high is None:
        return "everywhere"
    ends = ["" if end is None else number(end, digits=4) for end in (region.low, region.high)]
    if not ends[0]:
        return f"below {ends[1]} {unit}".rstrip()
    return f"{ends[0]} to {ends[1]} {unit}".rstrip() if ends[1] else f"from {ends[0]} {unit}".rstrip()


def _blocks_table(result: Watched) -> Table:
    rows = tuple(
        (f"{block.first} to {block.last}", count(block.change.other_events), p_text(block.change), block.change.moved[0].name)
        for block in result.blocks
    )
    return Table("Blocks of new events", ("Block", "events", "p", "differs most"), rows)


def _drawable(result: Watched) -> list[Moved]:
    """Of the quantities that differ most, those with a mean that may vary."""
    return [item for item in result.change.moved[:_SHOWN] if item.shift is not None and item.error]


def shifts_figure(result: Watched) -> Figure:
    """Shift of the mean of the quantities that differ most, in units of its standard deviation while nothing changed."""
    shown = _drawable(result)
    values = [(item.shift or 0.0) / (item.error or 1.0) for item in shown]
    colours = [PALETTE[1] if item.p_value <= result.alpha else PALETTE[0] for item in shown]
    with styled():
        figure = new_figure(8.0, 1.6 + 0.3 * len(shown))
        axes = figure.subplots()
        axes.barh(np.arange(len(shown)), values, color=colours)
        axes.set_yticks(np.arange(len(shown)), [item.name for item in shown], size=11)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.axvline(0, color="0.3", lw=1)
        axes.set(xlabel="Shift of the mean [standard deviations]")
        axes.minorticks_off()
        frame_label(axes, "new − reference")
    return figure


def blocks_figure(result: Watched) -> Figure:
    """p-values of all blocks in their order."""
    values = [block.change.p_value for block in result.blocks]
    with styled():
        figure = new_figure(10.0, 4.2)
        axes = figure.subplots()
        colours = [PALETTE[1] if value <= result.alpha else PALETTE[0] for value in values]
        axes.scatter(np.arange(len(values)), values, c=colours, s=24)
        axes.axhline(result.alpha, color="0.3", lw=1, ls="--")
        axes.set(ylim=(0.5 / (result.change.permutations + 1), 1.5), yscale="log", xlabel="Block of new events", ylabel="p-value")
        axes.margins(x=0.02)
        frame_label(axes, f"alarm up to {result.alpha:.3g}")
    return figure
