"""What a search found, drawn: a kind of model has the same colour everywhere."""

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogFormatter, MaxNLocator, NullFormatter

from l1ae.evaluation import BACKGROUND_COLOUR, PALETTE, Estimate, frame_label, new_figure, styled
from l1ae.search._objectives import ObjectiveConfig
from l1ae.search._results import FrontPoint, Trial
from l1ae.search._view import SearchView, synthesised, title, unit

__all__ = ["front_figure", "history_figure", "importance_figure", "kind_colours"]

_LOGARITHMIC = {"lut", "ff", "weight_bits"}
_INK = "#1c2733"
_WIDTH = 8.4


def kind_colours(views: Iterable[SearchView]) -> dict[str, str]:
    """One colour for each kind of model in some searches."""
    kinds = dict.fromkeys(kind for view in views for kind in view.kinds)
    return {kind: PALETTE[k % len(PALETTE)] for k, kind in enumerate(kinds)}


def front_figure(views: Sequence[SearchView], other: int) -> Figure:
    """The first objective against objective number `other` of every trained candidate, one panel for each search.

    The front is a staircase of values as they were chosen; its points are drawn once more as they are reported, with intervals, and at
    the synthesised cost where they were made. Searches must have objectives of the same kind.
    """
    colours = kind_colours(views)
    with styled():
        figure = new_figure(_WIDTH * len(views), 6.6)
        panels = figure.subplots(1, len(views), squeeze=False, sharey=True).ravel()
        for axes, view in zip(panels, views, strict=True):
            _candidates(axes, view, other, colours)
            _staircase(axes, view, other)
            _hand_made(axes, view, other, colours)
            for point in view.front.points:
                _as_reported(axes, view, point, other, colours)
            _axes(axes, view.study.config.objectives, other)
            frame_label(axes, view.study.config.title or view.study.config.name)
        for axes in panels[1:]:
            axes.set_ylabel("")
        _frame(panels[0], views)
        _legend(figure, views, colours)
    return figure


def _candidates(axes: Axes, view: SearchView, other: int, colours: dict[str, str]) -> None:
    """Dots; hollow ones are beyond the budget."""
    for kind, colour in colours.items():
        mine = [trial for trial in view.complete if view.kind(trial) == kind]
        for trials, face in (
            ([one for one in mine if one.number in view.fitting], colour),
            ([one for one in mine if one.number not in view.fitting], "none"),
        ):
            x, y = _places(view, trials, other)
            axes.scatter(x, y, s=22, facecolors=face, edgecolors=colour, linewidths=0.9, alpha=0.55, zorder=2)


def _places(view: SearchView, trials: Sequence[Trial], other: int) -> tuple[list[float], list[float]]:
    objectives = view.study.config.objectives
    chosen = [view.chosen(trial) for trial in trials]
    return [_scaled(objectives[other], one[other].value) for one in chosen], [_scaled(objectives[0], one[0].value) for one in chosen]


def _scaled(objective: ObjectiveConfig, value: float) -> float:
    return value / unit(objective)


def _staircase(axes: Axes, view: SearchView, other: int) -> None:
    """What is best up to each value of the other objective, as it was chosen."""
    objectives = view.study.config.objectives
    first, second = objectives[0], objectives[other]
    points = [(point.values[other].value, point.values[0].value) for point in view.front.points]
    points.sort(key=lambda one: (-one[0] if second.maximised else one[0], -one[1] if first.maximised else one[1]))
    stairs: list[tuple[float, float]] = []
    for x, y in points:
        if not stairs or (y > stairs[-1][1] if first.maximised else y < stairs[-1][1]):
            stairs.append((x, y))
    across, up = ([_scaled(objective, one[k]) for one in stairs] for k, objective in ((0, second), (1, first)))
    axes.step(across, up, where="post", color=_INK, lw=1.3, zorder=3)


def _hand_made(axes: Axes, view: SearchView, other: int, colours: dict[str, str]) -> None:
    for one in view.hand_made:
        if one.trial is None or one.trial.state != "complete":
            continue
        x, y = _places(view, [one.trial], other)
        axes.scatter(x, y, s=190, marker="*", facecolors=colours[one.model.kind], edgecolors=_INK, linewidths=0.9, zorder=4)


def _as_reported(axes: Axes, view: SearchView, point: FrontPoint, other: int, colours: dict[str, str]) -> None:
    """A diamond with intervals, and a line from it to the value that the point was chosen by."""
    first, second = view.study.config.objectives[0], view.study.config.objectives[other]
    x = point.reported[other] or point.values[other]
    y = point.reported[0] or point.values[0]
    made = synthesised(second, point.verified)
    if made is not None:
        x = Estimate(made, made, made)
    axes.plot(
        [_scaled(second, x.value), _scaled(second, point.values[other].value)],
        [_scaled(first, y.value), _scaled(first, point.values[0].value)],
        color=BACKGROUND_COLOUR,
        lw=0.9,
        zorder=3,
    )
    place = _scaled(second, x.value), _scaled(first, y.value)
    # bands of costs overlap, and are no standard errors
    axes.errorbar(*place, xerr=_errors(second, x), fmt="none", ecolor=BACKGROUND_COLOUR, lw=0.8, alpha=0.7, zorder=1)
    axes.errorbar(
        *place,
        yerr=_errors(first, y),
        fmt="D" if made is not None else "d",
        ms=7,
        lw=1.2,
        color=colours[point.kind],
        mec=_INK,
        ecolor=_INK,
        zorder=5,
    )


def _errors(objective: ObjectiveConfig, found: Estimate) -> list[list[float]] | None:
    if found.low == found.high:
        return None
    return [[_scaled(objective, found.value - found.low)], [_scaled(objective, found.high - found.value)]]


def _axes(axes: Axes, objectives: Sequence[ObjectiveConfig], other: int) -> None:
    first, second = objectives[0], objectives[other]
    axes.set(xlabel=_label(second), ylabel=_label(first))
    for axis, objective, scale in ((axes.xaxis, second, axes.set_xscale), (axes.yaxis, first, axes.set_yscale)):
        if objective.quantity in _LOGARITHMIC:
            scale("log")
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
            axis.set_minor_formatter(_Short(minor_thresholds=(2.0, 1.0)))
    if second.quantity == "efficiency":
        axes.set_xlim(left=0)


def _frame(axes: Axes, views: Sequence[SearchView]) -> None:
    """Efficiencies from 0 to a little above the highest: an interval to where everything is accepted would leave no room for the others."""
    values = [view.chosen(trial)[0].value for view in views for trial in view.complete]
    values += [found.value for view in views for point in view.front.points if (found := point.reported[0]) is not None]
    first = views[0].study.config.objectives[0]
    if first.quantity == "efficiency" and max(values, default=0.0) > 0:
        axes.set_ylim(0, 1.12 * _scaled(first, max(values)))


class _Short(LogFormatter):
    """Minor ticks of a short logarithmic axis, as whole numbers with separators."""

    def _num_to_string(self, x: float, vmin: float, vmax: float) -> str:
        return f"{x:,g}"


def _label(objective: ObjectiveConfig) -> str:
    return f"{title(objective)} [%]" if objective.quantity == "efficiency" else title(objective)


def _mark(label: str, marker: str, size: float, colour: str, face: str | None = None) -> Line2D:
    return Line2D([], [], ls="", marker=marker, ms=size, mec=colour, mfc=colour if face is None else face, label=label)


def _legend(figure: Figure, views: Sequence[SearchView], colours: dict[str, str]) -> None:
    handles = [_mark(kind, "o", 6, colour) for kind, colour in colours.items()]
    if any(len(view.fitting) < len(view.complete) for view in views):
        handles.append(_mark("beyond the budget", "o", 6, _INK, "none"))
    if any(one.trial is not None and one.trial.state == "complete" for view in views for one in view.hand_made):
        handles.append(_mark("made by hand", "*", 13, _INK, "white"))
    points = [point for view in views for point in view.front.points]
    if points:
        handles.append(Line2D([], [], color=_INK, lw=1.3, label="front, as chosen"))
    if any(point.verified is None for point in points):
        handles.append(_mark("front, as reported", "d", 7, _INK, "white"))
    if any(point.verified is not None for point in points):
        handles.append(_mark("front, as reported, synthesised", "D", 7, _INK, "white"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4 * len(views), handletextpad=0.4, columnspacing=1.4)


def history_figure(view: SearchView) -> Figure | None:
    """The first objective, as chosen, of every candidate within the budget, and the best so far; None where none is within it."""
    objective = view.study.config.objectives[0]
    numbers = {trial.number: k + 1 for k, trial in enumerate(trial for trial in view.trials if trial.state in {"complete", "failed"})}
    within = [trial for trial in view.complete if trial.number in view.fitting]
    if not within:
        return None
    best = np.maximum.accumulate if objective.maximised else np.minimum.accumulate
    with styled():
        figure = new_figure(_WIDTH, 4.8)
        axes = figure.subplots()
        for kind, colour in kind_colours([view]).items():
            mine = [trial for trial in within if view.kind(trial) == kind]
            if not mine:
                continue
            x = [numbers[trial.number] for trial in mine]
            y = np.array([_scaled(objective, view.chosen(trial)[0].value) for trial in mine])
            axes.scatter(x, y, s=22, color=colour, alpha=0.55, linewidths=0)
            axes.step([*x, len(numbers)], [*best(y), best(y)[-1]], where="post", color=colour, label=kind)
        axes.set(xlabel="Trained candidates", ylabel=_label(objective))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if objective.quantity in _LOGARITHMIC:
            axes.set_yscale("log")
            axes.yaxis.set_minor_formatter(NullFormatter())
        figure.legend(loc="outside lower center", ncols=4)
        frame_label(axes, "best so far, as chosen")
    return figure


def importance_figure(view: SearchView) -> Figure | None:
    """Bars: the share of each key in the spread of each objective, one panel for each model; None where nothing is known of it."""
    known = {model: by for model, by in view.front.importance.items() if by}
    if not known:
        return None
    labels = [objective.label for objective in view.study.config.objectives]
    sizes = [len(_keys(by)) for by in known.values()]
    with styled():
        figure = new_figure(_WIDTH + 1.6, 1.2 + 0.42 * sum(sizes) + 0.55 * len(sizes))
        panels = figure.subplots(len(known), 1, squeeze=False, sharex=True, gridspec_kw={"height_ratios": sizes}).ravel()
        for axes, (model, by) in zip(panels, known.items(), strict=True):
            keys = _keys(by)
            height = 0.8 / len(labels)
            for place, label in enumerate(labels):
                shares = [100 * by.get(label, {}).get(key, 0.0) for key in keys]
                middles = np.arange(len(keys)) + (place - (len(labels) - 1) / 2) * height
                axes.barh(middles, shares, height, color=PALETTE[place], label=label)
            axes.set_yticks(range(len(keys)), keys, fontsize="x-small")
            axes.set_ylim(len(keys) - 0.5, -0.5)
            axes.set_xlim(0, 100)
            axes.minorticks_off()
            axes.tick_params(axis="y", length=0)
            axes.set_title(model, loc="right", fontsize="small")
        frame_label(panels[0])
        panels[-1].set_xlabel("Share of the spread [%]")
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=2)
    return figure


def _keys(by: dict[str, dict[str, float]]) -> list[str]:
    """Keys of a model, the ones that matter most for any objective first."""
    weight: dict[str, float] = {}
    for shares in by.values():
        for key, share in shares.items():
            weight[key] = max(weight.get(key, 0.0), share)
    return sorted(weight, key=lambda key: -weight[key])
