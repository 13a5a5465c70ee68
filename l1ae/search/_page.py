"""A search as one HTML page."""

from collections.abc import Sequence

from l1ae.report import GLOSSARY, Block, Facts, Notice, Paragraph, Picture, Section, count, drawn, write_page
from l1ae.search._figures import front_figure, history_figure, importance_figure
from l1ae.search._files import SearchFolder
from l1ae.search._results import Front, Trial
from l1ae.search._study import Study
from l1ae.search._tables import (
    difference_table,
    front_table,
    hand_made_table,
    importance_tables,
    kinds_table,
    recommended_table,
    refused_table,
    trials_tables,
    verified_table,
)
from l1ae.search._view import HandMade, SearchView, title, with_unit

__all__ = ["headline", "write_search_page"]

_TERMS = {
    "C simulation",
    "Contract",
    "Latency",
    "LUT, FF, DSP, BRAM, URAM",
    "Pure rate",
    "Raw rate",
    "Zero bias",
    "fixed<W,I>, ufixed<W,I>",
}
_MORE = (
    ("Candidate, trial", "One model of the space, with a value for each of its dimensions, and what became of it; they have numbers."),
    (
        "CVaR25",
        "Conditional value at risk: the mean efficiency of the worst quarter of the signals, which is that of the worst one of up to four.",
    ),
    ("Front", "The candidates within the budget that no other one beats in every objective (Pareto front)."),
    ("Halving", "Trainings begin with a part of their epochs, and only the best of them go on."),
    ("Label-free", "Measured on crossings alone, without any signal."),
    ("LUT, packed", "Lookup tables of the FPGA after two small ones have been put into one wherever they fit."),
    ("Refused", "Known before any training to cost more than the budget allows, or to be impossible."),
)


def write_search_page(study: Study, folder: SearchFolder, front: Front, trials: Sequence[Trial]) -> None:
    """Write front.html: one file that needs no other. `front` may have no points, and `trials` no values."""
    view = SearchView(study, front, trials)
    write_page(
        folder.path / "front.html",
        title=f"{study.config.name}: l1ae search",
        heading=study.config.title or study.config.name,
        subtitle=f"Search {study.config.name}: {', '.join(view.kinds)}",
        summary=_summary(view),
        sections=[section for section in _sections(view, folder) if section.blocks],
        glossary=sorted((*((term, text) for term, text in GLOSSARY if term in _TERMS), *_MORE), key=lambda one: one[0].lower()),
    )


def _sections(view: SearchView, folder: SearchFolder) -> tuple[Section, ...]:
    return (
        Section("front", "The front", _front(view)),
        Section("hand-made", "Beside what was made by hand", _hand_made(view)),
        Section("kinds", "How far each kind gets", _kinds(view)),
        Section("verified", "Made and compared", _verified(view)),
        Section("use", "Using a point", _use(view, folder)),
        Section("history", "History", _history(view)),
        Section("importance", "What matters", _importance(view)),
        Section("refused", "What was refused, and why", _refused(view)),
        Section("trials", "Every candidate", trials_tables(view)),
    )


# -- summary ------------------------------------------------------------------------------------------------------------


def _summary(view: SearchView) -> tuple[Block, ...]:
    config, counts = view.study.config, view.front.counts
    wanted = " and ".join(f"{'most' if one.maximised else 'least'} {one.label}" for one in config.objectives)
    allowed = ", ".join(f"{name} at most {limit:,g}" for name, limit in view.front.budget.items() if limit is not None)
    fewer = f" ({count(counts.stopped)} of them with a part of their epochs)" if counts.stopped else ""
    facts = (
        ("Wanted", wanted),
        ("Budget", allowed or "none"),
        ("Trained", f"{count(counts.complete)}{fewer}, and {count(counts.failed)} that failed"),
        ("Refused untrained", count(counts.refused)),
        ("Came twice", count(counts.repeated)),
        ("Time", f"{view.front.seconds / 3600:.1f} h of trainings, added up"),
        ("Sampler, seed", f"{config.sampler}, {config.seed}"),
    )
    return (*_best(view), Facts(facts), *_verification(view))


def _best(view: SearchView) -> tuple[Block, ...]:
    if view.front.points:
        return (Paragraph(headline(view)),)
    reason = next(iter(view.front.reasons), "")
    details = (f"Most often: {reason}",) if reason else ()
    return (Notice("bad", headline(view), details),)


def headline(view: SearchView) -> str:
    """The best point by the first objective, and whether what was made by hand is as good."""
    if not view.front.points:
        return "No candidate is within the budget, so that there is no front."
    point, objective = view.front.points[0], view.study.config.objectives[0]
    value = with_unit(objective, point.reported[0] or point.values[0])
    what = f"The best point by {objective.label} is {point.name}, of {point.kind}: {value}"
    if point.reported[0] is not None:
        what += f" on events that nothing was chosen on; it was chosen by {with_unit(objective, point.values[0])}"
    return f"{what}. {_against(view)}"


def _against(view: SearchView) -> str:
    """The best point against the best base model within the budget, as reported where that can be."""
    objective, point = view.study.config.objectives[0], view.front.points[0]
    known = [(one, found) for one in view.hand_made if (found := _value(view, one)) is not None]
    if not known:
        return "None of the base models is known to be within the budget."
    best, found = (max if objective.maximised else min)(known, key=lambda pair: pair[1])
    assert best.trial is not None
    if best.trial.number == point.trial:
        return f"It is the base model {best.name} itself."
    mine = (point.reported[0] or point.values[0]).value
    beaten = mine >= found if objective.maximised else mine <= found
    text = with_unit(objective, view.reported(best.trial)[0] or view.chosen(best.trial)[0])
    said = "is at least as good as" if beaten else "finds less than" if objective.maximised else "is worse than"
    return f"It {said} the best of the base models within the budget, {best.name} with {text}."


def _value(view: SearchView, one: HandMade) -> float | None:
    if one.trial is None or one.trial.number not in view.fitting:
        return None
    return (view.reported(one.trial)[0] or view.chosen(one.trial)[0]).value


def _verification(view: SearchView) -> tuple[Notice, ...]:
    points = view.front.points
    made = [(point, point.verified) for point in points if point.verified is not None]
    if not points:
        return ()
    if not made:
        text = "No point of the front was made: what they cost is estimated. “l1ae search STUDY.yaml --resume” makes them."
        return (Notice("missing", text),)
    wrong = [point.name for point, one in made if one.csim_mismatches + one.rtl_mismatches]
    other = [point.name for point, one in made if not one.reproduced]
    dear = [point.name for point, one in made if not one.within_budget]
    problems = tuple(f"{point.name}: {problem}" for point, one in made for problem in one.problems)
    notices = [
        *([Notice("bad", f"Bits differ in C simulation or RTL of {', '.join(wrong)}.")] if wrong else []),
        *([Notice("bad", f"The configuration did not make the contract that was measured again: {', '.join(other)}.")] if other else []),
        *([Notice("bad", f"Beyond the budget when synthesised: {', '.join(dear)}.")] if dear else []),
        *([Notice("bad", "Not everything could be made:", problems)] if problems else []),
    ]
    if notices:
        return tuple(notices)
    events = min(one.csim_events for _, one in made)
    text = (
        f"{len(made)} of {len(points)} points were made again from their configurations: the same contracts, within the budget when "
        f"synthesised, and no bit differs between contract, C simulation ({count(events)} events at least) and RTL."
    )
    return (Notice("good", text),)


# -- sections -----------------------------------------------------------------------------------------------------------


def _front(view: SearchView) -> tuple[Block, ...]:
    if not view.complete:
        return (Notice("missing", "No candidate has values."),)
    objectives = view.study.config.objectives
    pictures = [_picture(view, other) for other in range(1, len(objectives))]
    if not view.front.points:
        return (*pictures, Notice("missing", "No candidate is within the budget; all are shown."))
    return (*_curse(view), *pictures, recommended_table(view), front_table(view), difference_table(view))


def _picture(view: SearchView, other: int) -> Picture:
    objectives = view.study.config.objectives
    caption = (
        f"{title(objectives[0])} against {objectives[other].label}. Dots: all trained candidates as "
        "chosen, hollow beyond the budget. Diamonds: the front as reported, with intervals that may leave the "
        "frame; a line leads from each to the value that it was chosen by."
    )
    return drawn(front_figure([view], other), f"front_{other}", caption, wide=True)


def _curse(view: SearchView) -> tuple[Block, ...]:
    """What a reader must know of the numbers."""
    if not any(one.quantity == "efficiency" for one in view.study.config.objectives):
        text = (
            "Candidates were chosen on the validation part of the crossings, without any signal: nothing here says how much a model finds. "
            "Values of a front are too good by selection: the luckiest of many candidates is on it."
        )
        return (Notice("info", text),)
    text = "Values as chosen are too high by selection: of many candidates with the same true value, the luckiest is on the front."
    details = (
        "Efficiencies “as chosen” are of the validation part of crossings and signals. Those “as reported” are of the test part, "
        "on which nothing was chosen; they are not too high, and are the ones to quote.",
        "Their intervals hold with 68.3 % confidence and include the threshold's. All models are judged on the same events, so that "
        "differences are known better than the intervals say: “l1ae compare” pairs them.",
        "The ranges of costs in brackets hold 90 % of the designs that the estimator was held against.",
    )
    return (Notice("info", text, details),)


def _hand_made(view: SearchView) -> tuple[Block, ...]:
    text = (
        "The base models are the first candidates of a search, with nothing changed but what the study sets for all candidates of a space. "
        "They were not selected here, so that their values as chosen are not too high by this search."
    )
    return (Paragraph(text), hand_made_table(view))


def _kinds(view: SearchView) -> tuple[Block, ...]:
    table = kinds_table(view)
    if table is None or not view.complete:
        return ()
    limit = view.study.config.budget.lut
    text = "Within the other limits of the budget. Values as chosen are too high by selection, as above."
    if limit is not None:
        text += f" What is surely beyond {limit:,} LUTs was refused, so that larger models were hardly looked at."
    return (table, Paragraph(text))


def _verified(view: SearchView) -> tuple[Block, ...]:
    table = verified_table(view)
    if not table.rows:
        return ()
    text = (
        "Every configuration was trained again; its contract must be the one that was measured, bit by bit. LUTs are packed, with memory "
        "and shift registers. The slowest path is before placement, in the typical case and in the pessimistic one."
    )
    left = [point.name for point in view.front.points if point.verified is None]
    more = (Notice("missing", f"These were not made: {', '.join(left)}."),) if left else ()
    return (table, Paragraph(text), *more)


def _use(view: SearchView, folder: SearchFolder) -> tuple[Block, ...]:
    if not view.front.points:
        return ()
    text = (
        "Every point of the front is a configuration as any other. Trained with the same versions on the same data, it makes the contract "
        "that was measured here, to the last bit; the file says its digest."
    )
    rows = tuple((point.name, f"l1ae run {folder.path / point.configuration}") for point in view.front.points)
    return (Paragraph(text), Facts(rows))


def _history(view: SearchView) -> tuple[Block, ...]:
    figure = history_figure(view)
    if figure is None:
        return ()
    caption = "The first objective of all trained candidates within the budget, and the best of each kind so far; as chosen."
    return (drawn(figure, "history", caption, wide=True),)


def _importance(view: SearchView) -> tuple[Block, ...]:
    figure = importance_figure(view)
    if figure is None:
        return (Notice("missing", "There are too few trained candidates to say which keys matter."),)
    caption = (
        "Share of each key in the spread of each objective over the trained candidates (fANOVA), for the keys that all candidates "
        "of a model have. With few candidates these are rough."
    )
    return (drawn(figure, "importance", caption, wide=True), *importance_tables(view))


def _refused(view: SearchView) -> tuple[Block, ...]:
    table = refused_table(view)
    if not table.rows:
        return (Notice("info", "Nothing was refused, and nothing failed."),)
    text = (
        "A candidate is refused before training when even the low end of its estimate is beyond the budget, or when no firmware could be "
        "made of it. Failed ones were trained, and say nothing of their values."
    )
    return (Paragraph(text), table)
