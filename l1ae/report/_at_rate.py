"""What the model finds at rates that a trigger can afford: the first thing that a report says."""

import math

from l1ae.evaluation import AtRate, Estimate, Metrics, RatePoint, worst_words
from l1ae.report._blocks import Block, Notice, Paragraph, Table
from l1ae.report._text import count, number, percent, sample

__all__ = ["at_rate_blocks", "at_rate_table", "headline", "other_crossings", "point_title", "shown_variant", "worst_title"]

MEAN = "Mean of the signals"


def point_title(point: RatePoint) -> str:
    """`1 kHz pure`."""
    return f"{point.khz:g} kHz {point.kind}"


def other_crossings(metrics: Metrics | None) -> tuple[Notice, ...]:
    """Said at the top: rates of other crossings than those that the model was trained on, or than those that a trigger sees."""
    facts = None if metrics is None else metrics.rate_sample
    if facts is None or not facts.differences:
        return ()
    other = any("trained on" in difference for difference in facts.differences)
    wrong = "are measured on other crossings than the model was trained on" if other else "are not those of a trigger"
    text = f"Rates and efficiencies at rate {wrong}:"
    return (Notice("bad", text, facts.differences),)


def shown_variant(metrics: Metrics) -> str:
    """The one that the summary is about: the firmware's where it was evaluated."""
    return "fixed" if "fixed" in metrics.auc else list(metrics.auc)[-1]


def headline(metrics: Metrics, variant: str) -> str:
    """One sentence: the mean efficiency at the rate that is quoted first; empty without one."""
    found = metrics.at_rate.get(variant)
    point = None if found is None else found.headline
    if point is None or point.mean is None or point.cvar25 is None:
        return ""
    menu = " of crossings that no other seed of the menu accepts" if point.kind == "pure" else ""
    return (
        f"At a rate of {point.khz:g} kHz{menu} it keeps {percent(point.mean)} of the signals on average and "
        f"{percent(point.cvar25)} of {worst_words(len(point.efficiency))}."
    )


def worst_title(signals: int) -> str:
    """Of a row or column with the CVaR of so many signals."""
    words = worst_words(signals)
    return words.removeprefix("the ").capitalize() if words == "the worst signal" else f"Mean of {words} (CVaR25)"


def at_rate_table(found: AtRate, caption: str) -> Table:
    """Efficiency of each signal, their mean and CVaR25, one column per rate."""
    points = found.points
    signals = list(dict.fromkeys(name for point in points for name in point.efficiency))
    rows = [(sample(name), *(_cell(point, point.efficiency.get(name)) for point in points)) for name in signals]
    if len(signals) > 1:
        rows += [
            (MEAN, *(_cell(point, point.mean) for point in points)),
            (worst_title(len(signals)), *(_cell(point, point.cvar25) for point in points)),
        ]
    closing = len(rows) - len(signals) + 2
    rows.append(("Threshold, score", *("none" if point.threshold is None else number(point.threshold) for point in points)))
    rows.append(("Effective crossings", *(_effective(point.effective_events) for point in points)))
    return Table(caption, ("Signal", *(point_title(point) for point in points)), tuple(rows), closing=closing)


def _menu_table(found: AtRate) -> tuple[Table, ...]:
    """What the menu keeps without the trigger, and with it: pure events are those that it adds."""
    points = [point for point in found.brief.points if point.kind == "pure" and point.threshold is not None]
    if not found.menu or not points:
        return ()
    rows = tuple(
        (sample(name), percent(alone), *(percent(_together(alone, point.efficiency[name])) for point in points))
        for name, alone in found.menu.items()
    )
    header = ("Signal", "Menu alone", *(f"with this trigger at {point_title(point)}" for point in points))
    return (Table("What the menu keeps, and what it keeps together with this trigger", header, rows, folded=True),)


def _together(menu: Estimate, pure: Estimate) -> Estimate:
    """Disjoint parts of the same events; their errors are added in quadrature, which leaves out that they exclude each other."""
    value = menu.value + pure.value
    down, up = (math.hypot(getattr(menu, end) - menu.value, getattr(pure, end) - pure.value) for end in ("low", "high"))
    return Estimate(value, max(value - down, 0.0), min(value + up, 1.0))


def _effective(events: float) -> str:
    return count(events) if events >= 100 else number(events, digits=3)


def _cell(point: RatePoint, estimate: Estimate | None) -> str:
    if point.threshold is None:
        return "not measurable"
    return "–" if estimate is None else percent(estimate)


def at_rate_blocks(metrics: Metrics, variant: str) -> tuple[Block, ...]:
    """The table of a variant, what it was measured on, and why a rate has no threshold."""
    found, facts = metrics.at_rate.get(variant), metrics.rate_sample
    if found is None or facts is None:
        return (Notice("missing", "There are no efficiencies at a rate: the run has no zero-bias crossings in the columns of its inputs."),)
    pileup = "" if facts.pileup_mean is None else f", {facts.pileup_mean:.1f} collisions on average"
    text = (
        f"Measured on {count(facts.events)} crossings ({facts.source}{pileup}), worth as much as {count(facts.effective_events)} of equal "
        "weight. Efficiencies are relative to all events of a signal's store; pure ones count events that no seed of the menu "
        "accepts. Intervals hold with 68.3 % confidence and include the threshold's."
    )
    notes = {point_title(point): point.note for point in found.points if point.note}
    return (
        at_rate_table(found.brief, "Efficiency at the rates that a trigger can afford"),
        Paragraph(text),
        *_menu_table(found),
        *(Notice("missing", f"{title}: {note}.") for title, note in notes.items()),
    )
