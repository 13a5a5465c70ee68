"""Tables of a search."""

from collections import Counter
from collections.abc import Sequence

from l1ae.evaluation import Estimate
from l1ae.report import Table, count
from l1ae.search._front import Best, best_below, kind_of
from l1ae.search._objectives import ObjectiveConfig
from l1ae.search._results import Front, FrontPoint, Trial, Verified
from l1ae.search._view import HandMade, SearchView, as_text, in_words, luts_text, title

__all__ = [
    "LUTS",
    "difference_table",
    "front_table",
    "hand_made_table",
    "importance_tables",
    "kinds_table",
    "recommended_table",
    "refused_table",
    "search_tables",
    "summary_table",
    "trials_tables",
    "verified_table",
]

LUTS = (500, 1000, 2000, 5000, 20000)
"""How far each kind of model gets is said at these numbers of packed LUTs."""

_MOST = 1000
"""Candidates without values in the page's table; all are files."""


def _titles(objectives: Sequence[ObjectiveConfig]) -> tuple[str, ...]:
    """Headers: every objective, and behind the ones that can be reported the values that are."""
    found: list[str] = []
    for one in objectives:
        found += [f"{title(one)} [%], as chosen", "As reported"] if one.quantity == "efficiency" else [title(one)]
    return tuple(found)


def _cells(
    objectives: Sequence[ObjectiveConfig], values: Sequence[Estimate | None], reported: Sequence[Estimate | None]
) -> tuple[str, ...]:
    """Values under `_titles`."""
    found: list[str] = []
    for one, value, other in zip(objectives, values, reported, strict=True):
        found += [as_text(one, value), *([as_text(one, other)] if one.quantity == "efficiency" else [])]
    return tuple(found)


def front_table(view: SearchView) -> Table:
    """Every point of the front, as chosen and as reported."""
    objectives = view.study.config.objectives
    rows = tuple(
        (point.name, point.kind, point.model, *_cells(objectives, point.values, point.reported), *_other(view, point))
        for point in view.front.points
    )
    header = ("Point", "Kind", "Model", *_titles(objectives), *([] if _has_luts(view) else ["LUT, packed"]))
    return Table("Points of the front, the best by the first objective first", header, rows, 3)


def summary_table(objectives: Sequence[ObjectiveConfig], front: Front) -> Table:
    """The front for a terminal: as chosen and as reported, and what became of the points that were made."""
    counts, made = front.counts, any(point.verified for point in front.points)
    stopped = f" ({counts.stopped} of them with fewer epochs)" if counts.stopped else ""
    title = f"front of {front.study}: {counts.complete} trained{stopped}, {counts.refused} refused, {counts.failed} failed"
    header = ("", *_titles(objectives), *(("Synthesised", "Bits that differ") if made else ()))
    rows = tuple(
        (point.name, *_cells(objectives, point.values, point.reported), *(_made_briefly(point.verified) if made else ()))
        for point in front.points
    )
    return Table(title, header, rows, 1)


def _made_briefly(made: Verified | None) -> tuple[str, str]:
    return ("–", "–") if made is None else (f"{made.lut:,} LUT, {made.latency_ns:g} ns", count(made.csim_mismatches + made.rtl_mismatches))


def recommended_table(view: SearchView) -> Table:
    """The points to take, by what may be spent."""
    objectives = view.study.config.objectives
    rows = tuple(
        (
            f"{step:,} LUT",
            point.name,
            point.kind,
            *_cells(objectives, point.values, point.reported),
            *_other(view, point),
            _made_luts(point),
        )
        for step, point in view.recommended(LUTS).items()
    )
    header = ("Up to", "Point", "Kind", *_titles(objectives), *([] if _has_luts(view) else ["LUT, packed"]), "LUT, synthesised")
    return Table("Recommended, by the worse end of the interval as chosen", header, rows, 3)


def _made_luts(point: FrontPoint) -> str:
    return "–" if point.verified is None else count(point.verified.lut)


def _has_luts(view: SearchView) -> bool:
    return any(one.quantity == "lut" for one in view.study.config.objectives)


def _other(view: SearchView, point: FrontPoint) -> tuple[str, ...]:
    """LUTs are said of every point, whatever the objectives are."""
    if _has_luts(view):
        return ()
    return tuple(luts_text(view.luts(trial)) for trial in view.complete if trial.number == point.trial)


def verified_table(view: SearchView) -> Table:
    """What the points that were made are."""
    header = (
        "Point",
        "Contract",
        "LUT, packed",
        "FF",
        "Latency",
        "Slowest path (pessimistic)",
        "Events in C simulation, RTL",
        "Bits that differ",
        "Within the budget",
    )
    rows = tuple(_made_row(point, point.verified) for point in view.front.points if point.verified is not None)
    return Table("Points of the front when they are made: synthesised with the open flow, before placement", header, rows, 2)


def _made_row(point: FrontPoint, made: Verified) -> tuple[str, ...]:
    return (
        point.name,
        "reproduced" if made.reproduced else f"ANOTHER ONE: {made.digest[:12]}…",
        count(made.lut),
        count(made.ff),
        f"{made.latency_ns:g} ns, {made.latency_cycles} x {made.latency_ns / max(made.latency_cycles, 1):g} ns",
        f"{made.path_ns:.1f} ns ({made.path_ns_pessimistic:.1f} ns)",
        f"{count(made.csim_events)}, {count(made.rtl_events)}",
        count(made.csim_mismatches + made.rtl_mismatches),
        "yes" if made.within_budget else "NO",
    )


def difference_table(view: SearchView) -> Table:
    """What the points of the front change in their base configurations."""
    by_number = {trial.number: trial for trial in view.trials}
    rows = tuple((point.name, view.study.models[point.model].base.name, in_words(by_number[point.trial])) for point in view.front.points)
    return Table("Values of the dimensions at each point of the front", ("Point", "Base", "Values"), rows, 3, folded=True)


def hand_made_table(view: SearchView) -> Table:
    """The base models beside the front."""
    objectives = view.study.config.objectives
    header = ("Configuration", "Kind", "Trial", "What became of it", *_titles(objectives), *([] if _has_luts(view) else ["LUT, packed"]))
    return Table("The base models as they are", header, tuple(_hand_made_row(view, one) for one in view.hand_made), 4)


def _hand_made_row(view: SearchView, one: HandMade) -> tuple[str, ...]:
    objectives, trial = view.study.config.objectives, one.trial
    own = {**view.study.config.set, **view.study.config.models[one.model.name].set}
    name = f"{one.name} with {', '.join(own)} of the study" if own else one.name
    more = 0 if _has_luts(view) else 1
    if trial is None or trial.state != "complete":
        became = "not in its space" if not one.inside else "not tried" if trial is None else f"{trial.state}: {trial.reason}"
        width = len(_titles(objectives)) + more
        return (name, one.model.kind, "–" if trial is None else str(trial.number), became, *["–"] * width)
    luts = (luts_text(view.luts(trial)),) if more else ()
    cells = _cells(objectives, view.chosen(trial), view.reported(trial))
    return (name, one.model.kind, str(trial.number), _became(view, trial), *cells, *luts)


def _became(view: SearchView, trial: Trial) -> str:
    fewer = " (with fewer epochs)" if trial.reason else ""
    within = view.within(trial)
    if within != "yes":
        return f"beyond the budget in {within.removeprefix('no: ')}{fewer}"
    better = view.better(trial)
    return f"on the front{fewer}" if better is None else f"{better.name} is no worse in anything{fewer}"


def kinds_table(view: SearchView) -> Table | None:
    """How far each kind of model gets up to some numbers of LUTs; None where the first objective is a cost itself."""
    objective = view.study.config.objectives[0]
    if objective.quantity not in {"efficiency", "label_free"}:
        return None
    found = {(best.kind, best.lut): best for best in best_below(view.study, view.trials, LUTS)}
    rows: list[tuple[str, ...]] = []
    for kind in view.kinds:
        mine = [found[kind, lut] for lut in LUTS]
        rows.append((kind, "as chosen", *(_best_cell(view, best, "chosen") for best in mine)))
        if objective.quantity == "efficiency":
            rows.append(("", "as reported", *(_best_cell(view, best, "reported") for best in mine)))
        rows.append(("", "trial, LUT", *(_best_cell(view, best, "trial") for best in mine)))
    limit = view.study.config.budget.lut
    header = ("Kind", "", *(f"{lut:,} LUT{', beyond the budget' if limit is not None and lut > limit else ''}" for lut in LUTS))
    label = f"{title(objective)} [%]" if objective.quantity == "efficiency" else title(objective)
    return Table(f"{label}: the best of each kind up to some numbers of packed LUTs, as estimated", header, tuple(rows), 2)


def _best_cell(view: SearchView, best: Best, what: str) -> str:
    objective, trial = view.study.config.objectives[0], best.trial
    if trial is None:
        return "–"
    if what == "trial":
        return f"{trial.number}, {view.luts(trial).value:,.0f}"
    return as_text(objective, (view.chosen(trial) if what == "chosen" else view.reported(trial))[0])


def importance_tables(view: SearchView) -> tuple[Table, ...]:
    """The share of each key in the spread of each objective, one table for each model."""
    labels = [one.label for one in view.study.config.objectives]
    return tuple(
        Table(
            f"{model}: share of the spread of an objective",
            ("Key", *(label for label in labels if label in by)),
            tuple(
                (key, *(f"{100 * by[label][key]:.1f} %" for label in labels if label in by))
                for key in dict.fromkeys(key for shares in by.values() for key in shares)
            ),
            folded=True,
        )
        for model, by in view.front.importance.items()
        if by
    )


def refused_table(view: SearchView) -> Table:
    """Why candidates have no values, without the numbers that are a candidate's own, and how often."""
    counts = Counter((trial.state, kind_of(trial.reason)) for trial in view.trials if trial.state in {"refused", "failed"})
    first: dict[tuple[str, str], int] = {}
    models: dict[tuple[str, str], Counter[str]] = {}
    for trial in view.trials:
        key = (trial.state, kind_of(trial.reason))
        first.setdefault(key, trial.number)
        models.setdefault(key, Counter())[trial.model] += 1
    rows = tuple(
        (*key, ", ".join(f"{n} {model}" for model, n in models[key].most_common()), str(first[key]), count(number))
        for key, number in counts.most_common()
    )
    return Table("Candidates without values, by reason", ("", "Reason", "Of which models", "First trial", "How many"), rows, 3)


def trials_tables(view: SearchView) -> tuple[Table, ...]:
    """Every candidate: those with values, and the others."""
    objectives = view.study.config.objectives
    rows = tuple(
        (
            str(trial.number),
            trial.model,
            in_words(trial),
            view.state(trial),
            view.within(trial),
            *_cells(objectives, view.chosen(trial), view.reported(trial)),
            *(() if _has_luts(view) else (luts_text(view.luts(trial)),)),
        )
        for trial in view.complete
    )
    header = ("Trial", "Model", "Values of its dimensions", "", "Within the budget", *_titles(objectives))
    header += () if _has_luts(view) else ("LUT, packed",)
    others = [trial for trial in view.trials if trial.state != "complete"]
    without = tuple((str(one.number), one.model, in_words(one), view.state(one), one.reason) for one in others[:_MOST])
    more = f", the first {_MOST:,}" if len(others) > _MOST else ""
    return (
        *([Table("Candidates that were trained", header, rows, 5, folded=True)] if rows else []),
        *(
            [
                Table(
                    f"Candidates that were not trained, failed, or came twice{more}",
                    ("Trial", "Model", "Values of its dimensions", "", "Why"),
                    without,
                    5,
                    folded=True,
                )
            ]
            if without
            else []
        ),
    )


def search_tables(view: SearchView) -> tuple[Table, ...]:
    """What came out of a search: base models, what to take, front, kinds, what was made, what was refused; no empty ones."""
    makers = (hand_made_table, recommended_table, front_table, kinds_table, verified_table, difference_table, refused_table)
    found = [make(view) for make in makers]
    return tuple(table for table in found if table is not None and table.rows)
