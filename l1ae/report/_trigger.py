"""Section on rates, working points and their stability, from RUN/trigger/working_points.json."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from l1ae.evaluation import Estimate, format_estimate
from l1ae.report._blocks import Block, Facts, Notice, Paragraph, Section, Table, drawn
from l1ae.report._files import RunFiles
from l1ae.report._text import bytes_digest, count, missing, number, sample
from l1ae.report._trigger_figures import efficiency_figure, periods_figure, pileup_figure, rate_figure
from l1ae.trigger import MenuRates, Neighbour, Rate, RateInterval, TriggerResult, WorkingPoint, format_khz, load_working_points

__all__ = ["trigger_section"]

_UNLIKELY = 0.01


def trigger_section(run: Path, files: RunFiles) -> Section:
    """What `l1ae trigger` found. Raises `UserError` when its file is damaged."""
    title, path = "Rates and working points", run / "trigger" / "working_points.json"
    if not path.is_file():
        return Section("trigger", title, (Notice("missing", missing("The measurement of rates", "l1ae trigger")),))
    files.manifest.check_file(run, "trigger/working_points.json", f"l1ae trigger {run}")
    result = load_working_points(path)
    blocks: list[Block] = [Paragraph(_introduction(result)), *_stale(result, files), _facts(result)]
    blocks += _points(result)
    blocks.append(drawn(rate_figure(result, _firmware(result, files)), "rate", _RATE_CAPTION))
    blocks += _efficiencies(result)
    blocks += _menu(result)
    blocks += _stability(result)
    return Section("trigger", title, tuple(blocks))


_RATE_CAPTION = (
    "Rate of crossings with a score at or above the threshold, with the band of its interval, and the part that no other seed of the menu "
    "accepts (pure). Dots are the working points, the dashed line the threshold that the firmware has."
)


def _firmware(result: TriggerResult, files: RunFiles) -> int | None:
    return files.contract.threshold if files.contract is not None and files.contract.digest == result.digest else None


def _introduction(result: TriggerResult) -> str:
    return (
        "Thresholds are the integers that the firmware compares the score's code with; the trigger fires at or above. Rates are pass "
        f"fractions of {count(result.zero_bias.events)} zero-bias crossings times the rate of colliding bunches. A rate is pure when no "
        f"other seed of the menu accepts the crossing. Errors and intervals have {result.confidence:.1%} confidence, statistics only."
    )


def _stale(result: TriggerResult, files: RunFiles) -> list[Block]:
    if files.contract is None or files.contract.digest == result.digest:
        return []
    found = f"{bytes_digest(result.digest)}, and the contract is now {bytes_digest(files.contract.digest)}"
    return [Notice("bad", f"These working points are of contract {found}: do not use them; run “l1ae trigger” again.")]


def _facts(result: TriggerResult) -> Facts:
    zero_bias = result.zero_bias
    pileup = "" if zero_bias.pileup_mean is None else f", {zero_bias.pileup_mean:.1f} pileup collisions on average"
    return Facts(
        (
            (
                "Zero-bias sample",
                f"{zero_bias.source}, {count(zero_bias.events)} crossings{pileup}, sha256 {bytes_digest(zero_bias.sha256)}",
            ),
            ("Worth as much as", f"{count(zero_bias.effective_events)} independent crossings of equal weight"),
            (
                "Colliding bunches",
                f"{count(result.bunches)} × {result.revolution_khz:g} kHz = {result.crossing_rate_khz:,.1f} kHz",
            ),
            ("Score", f"{result.score.type}, one unit of the integer is {result.score.lsb:g}"),
            ("Requested rates are", result.ladder),
        )
    )


# -- working points --------------------------------------------------------------------------------------------------


def _points(result: TriggerResult) -> list[Block]:
    rows = tuple(_point_row(point) for point in result.working_points)
    header = ("Working point", "Threshold", "Score", "Raw rate [kHz]", "Pure rate [kHz]", "Next lower integer", "Next higher integer")
    caption = (
        "Working points: the integer with the largest rate that is not above the requested one. Next integers: the nearest ones that "
        "decide otherwise, with their raw and pure rates in kHz. Integers in brackets decide as the threshold does on this sample."
    )
    blocks: list[Block] = [Table(caption, header, rows)]
    blocks += [
        Notice("bad" if point.threshold is None else "info", f"Working point {point.name}: {point.note}.")
        for point in result.working_points
        if point.note is not None
    ]
    if all(point.threshold is None for point in result.working_points):
        return blocks
    intervals = tuple(
        _interval_row(point, kind, rate, result.ladder)
        for point in result.working_points
        for kind, rate in (("raw", point.raw), ("pure", point.pure))
        if rate is not None
    )
    caption = (
        f"Intervals of the working points in kHz. Prediction: where, with {result.confidence:.1%} confidence, the rate on another sample "
        "of this size will lie"
    )
    header = (
        "Working point",
        "Rate",
        "Effective crossings",
        "Value",
        f"{result.confidence:.1%}",
        f"{result.wide_confidence:.1%}",
        "Prediction",
    )
    return [*blocks, Table(caption, header, intervals, 2, folded=True)]


def _point_row(point: WorkingPoint) -> tuple[str, ...]:
    if point.threshold is None:
        return (point.name, "none", *["–"] * 5)
    alike = "" if point.equivalent_from in {None, point.threshold} else f" [from {count(point.equivalent_from or 0)}]"
    score = "–" if point.score is None else number(point.score, digits=8)
    return (
        point.name,
        count(point.threshold) + alike,
        score,
        _rate(point.raw),
        _rate(point.pure),
        _neighbour(point.lower),
        _neighbour(point.higher),
    )


def _rate(rate: RateInterval | None) -> str:
    return "no menu" if rate is None else format_estimate(Estimate(rate.khz, rate.low, rate.high))


def _neighbour(found: Neighbour | None) -> str:
    if found is None:
        return "–"
    pure = "" if found.pure_khz is None else f", {format_khz(found.pure_khz)}"
    return f"{count(found.threshold)}: {format_khz(found.raw_khz)}{pure}"


def _interval_row(point: WorkingPoint, kind: str, rate: Rate, ladder: str) -> tuple[str, ...]:
    """The effective number is that of the rate that was asked for."""
    effective = f"{point.effective_events:,.1f}" if kind == ladder else "–"
    pairs = ((rate.low, rate.high), (rate.wide_low, rate.wide_high), (rate.prediction_low, rate.prediction_high))
    return (point.name, kind, effective, format_khz(rate.khz), *(_span(*pair) for pair in pairs))


def _span(low: float, high: float) -> str:
    return f"{number(low, digits=3)} to {number(high, digits=3)}"


# -- efficiency ------------------------------------------------------------------------------------------------------


def _efficiencies(result: TriggerResult) -> list[Block]:
    signals = sorted({name for point in result.working_points for name in point.efficiency})
    if not signals:
        measurable = any(point.threshold is not None for point in result.working_points)
        reason = "The data set has no signals" if measurable else "No working point has a threshold"
        return [Notice("missing", f"{reason}: there is no efficiency.")]
    blocks: list[Block] = []
    for kind, caption in (
        ("raw", "Efficiency for every signal in per cent: events that the trigger accepts. Intervals are those at this very threshold."),
        ("pure", "Pure efficiency in per cent: events that the trigger accepts and no other seed of the menu does."),
    ):
        rows = tuple((point.name, *_fractions(point, kind, signals)) for point in result.working_points if point.efficiency)
        if any(cell != "no menu" for row in rows for cell in row[1:]):
            blocks.append(Table(caption, ("Working point", *(sample(name) for name in signals)), rows))
    blocks += [Notice("info", f"{sample(name)}: {note}.") for name, note in _notes(result).items()]
    caption = "Efficiency for every signal against the raw rate that it costs; dotted lines are the working points."
    return [*blocks, drawn(efficiency_figure(result), "efficiency", caption)]


def _notes(result: TriggerResult) -> dict[str, str]:
    """What limits the pure efficiency, by signal; it is the same at every working point."""
    return {name: found.note for point in result.working_points for name, found in point.efficiency.items() if found.note is not None}


def _fractions(point: WorkingPoint, kind: str, signals: Iterable[str]) -> list[str]:
    found = [getattr(point.efficiency[name], kind) if name in point.efficiency else None for name in signals]
    return ["no menu" if item is None else format_estimate(Estimate(item.value, item.low, item.high), 0.01) for item in found]


# -- menu and stability ----------------------------------------------------------------------------------------------


def _menu(result: TriggerResult) -> list[Block]:
    menu, left_out = result.menu, _left_out(result.menu)
    left_out += [
        Notice("info", f"Seeds of the menu that {sample(name)} does not have: {', '.join(seeds)}.") for name, seeds in menu.missing.items()
    ]
    if menu.origin == "none":
        return [Notice("missing", "There is no menu, and so no pure rate."), *left_out]
    if not menu.seeds:
        return [Notice("info", "The menu is empty: every crossing is pure."), *left_out]
    origins = {"cuts": "cuts on the trigger objects of the sample", "recorded": "bits that were recorded with the data"}
    rows = [(seed.name, seed.definition, _rate(seed)) for seed in sorted(menu.seeds, key=lambda seed: -seed.khz)]
    named = "" if menu.name is None else f" of the menu “{menu.name}”"
    caption = f"The {len(menu.seeds)} seeds{named} that pure rates are counted against: {origins[menu.origin]}"
    if menu.khz is not None and menu.low is not None and menu.high is not None:
        total = format_estimate(Estimate(menu.khz, menu.low, menu.high))
        rows.append(("all together", "", total))
        caption += f"; all together {total} kHz"
    folded = len(menu.seeds) > _SEEDS_IN_SIGHT
    return [Table(caption, ("Seed", "Definition", "Rate [kHz]"), tuple(rows), 2, folded, len(rows) - len(menu.seeds)), *left_out]


_SEEDS_IN_SIGHT = 12


def _left_out(menu: MenuRates) -> list[Block]:
    """Cut-based seeds by the reason that keeps them out."""
    if not menu.left_out:
        return []
    reasons = [text.partition(": ") for text in menu.left_out]
    if menu.origin != "cuts" or not all(names for _, _, names in reasons):
        return [Notice("info", f"Left out of the menu: {', '.join(menu.left_out)}.")]
    rows = tuple((reason, names) for reason, _, names in reasons)
    return [Table("What these inputs do not allow of the menu", ("Reason", "Seeds"), rows, 2, folded=True)]


def _stability(result: TriggerResult) -> list[Block]:
    stability, blocks = result.stability, list[Block]()
    if stability.pileup:
        caption = (
            "Raw rate if all crossings had so many pileup collisions. It rises with pileup by nature; a threshold is for one pileup only."
        )
        blocks.append(drawn(pileup_figure(result), "pileup", caption))
        named = {f"{item.low} to {item.high}": (item.events, item.rates) for item in stability.pileup}
        blocks.append(_stability_table("Raw rate in kHz by number of pileup collisions", "Pileup", named))
    else:
        blocks.append(Notice("missing", "The zero-bias sample does not say its pileup: how rates depend on it is not known."))
    if stability.periods:
        caption = "Raw rate in ranges of luminosity blocks; bands are the rate of all together."
        blocks.append(drawn(periods_figure(result), "periods", caption))
        blocks.append(
            _stability_table("Raw rate in kHz by run period", "Period", {p.label: (p.events, p.rates) for p in stability.periods})
        )
    if stability.periods_p_value:
        unlikely = [name for name, p in stability.periods_p_value.items() if p < _UNLIKELY]
        found = ", ".join(f"{name}: {number(p, digits=2)}" for name, p in stability.periods_p_value.items())
        text = f"Probability of differences between run periods as large by chance: {found}."
        blocks.append(Notice("bad" if unlikely else "info", text, ("not constant: " + ", ".join(unlikely),) if unlikely else ()))
    return blocks


def _stability_table(caption: str, first: str, bins: Mapping[str, tuple[int, Mapping[str, RateInterval]]]) -> Table:
    names = list(dict.fromkeys(name for _, rates in bins.values() for name in rates))
    rows = tuple(
        (label, count(events), *(_rate(rates[name]) if name in rates else "–" for name in names)) for label, (events, rates) in bins.items()
    )
    return Table(caption, (first, "Crossings", *names), rows, folded=True)
