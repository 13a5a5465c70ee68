"""Curves of all runs over each other; a run has the same colour everywhere."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from l1ae.comparison._result import ComparedRun, Comparison
from l1ae.evaluation import PALETTE, Estimate, RateKind, frame_label, new_figure, sample_label, styled, worst
from l1ae.trigger import RateCurves

__all__ = ["mean_figure", "signals_figure"]

_LOWEST = 1e-4
_COLUMNS = 3


def mean_figure(comparison: Comparison, kind: RateKind) -> Figure | None:
    """Mean efficiency (solid) and CVaR25 (dashed) against the rate, with intervals at the quoted rates; None without signals."""
    drawn = [(run, colour, curves) for run, colour, curves in _curves(comparison, kind) if curves.efficiency]
    if not drawn:
        return None
    with styled():
        figure = new_figure()
        axes = figure.subplots()
        for run, colour, curves in drawn:
            mean, cvar = _mean_and_cvar(curves)
            axes.plot(curves.khz, mean, color=colour, label=run.name)
            if len(curves.efficiency) > 1:
                axes.plot(curves.khz, cvar, "--", color=colour)
            _intervals(axes, run, kind, colour)
        _axes(axes, kind, "Efficiency, mean of the signals (dashed: CVaR25)")
        # a long name may not take the room of the curves
        axes.legend(loc="upper left").set_in_layout(False)
        frame_label(axes, f"{kind} rate")
    return figure


def signals_figure(comparison: Comparison, kind: RateKind) -> Figure | None:
    """One panel for each signal: efficiency against rate of every run; None without signals."""
    found = _curves(comparison, kind)
    signals = list(dict.fromkeys(name for _, _, curves in found for name in curves.efficiency))
    if not signals:
        return None
    columns = min(_COLUMNS, len(signals))
    rows = math.ceil(len(signals) / columns)
    with styled():
        figure = new_figure(4.6 * columns, 3.9 * rows)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, name in zip(panels, signals, strict=False):
            for run, colour, curves in found:
                if name in curves.efficiency:
                    axes.plot(curves.khz, _drawn(curves.efficiency[name]), color=colour, label=run.name)
                    _signal_intervals(axes, run, kind, name, colour)
            _axes(axes, kind, "Efficiency")
            frame_label(axes, sample_label(name))
        panels[0].legend(loc="upper left", fontsize="small").set_in_layout(False)
        for axes in panels[len(signals) :]:
            axes.set_visible(False)
    return figure


def _curves(comparison: Comparison, kind: RateKind) -> list[tuple[ComparedRun, str, RateCurves]]:
    coloured = [(run, PALETTE[i % len(PALETTE)]) for i, run in enumerate(comparison.runs)]
    return [(run, colour, curves) for run, colour in coloured for curves in run.curves if curves.kind == kind]


def _mean_and_cvar(curves: RateCurves) -> tuple[list[float], list[float]]:
    """NaN where some signal has no efficiency, or nothing is accepted."""
    mean, cvar = [], []
    for values in zip(*curves.efficiency.values(), strict=True):
        known = [value for value in values if value is not None]
        whole = len(known) == len(values)
        mean.append(float(np.mean(known)) if whole and any(known) else math.nan)
        low = [known[i] for i in worst(known)] if whole else []
        cvar.append(float(np.mean(low)) if any(low) else math.nan)
    return mean, cvar


def _drawn(values: Sequence[float | None]) -> list[float]:
    return [value or math.nan for value in values]


def _intervals(axes: Axes, run: ComparedRun, kind: RateKind, colour: str) -> None:
    for point in () if run.at_rate is None else run.at_rate.points:
        if point.kind == kind:
            _errorbar(axes, point.khz, point.mean, colour)
            if len(point.efficiency) > 1:
                _errorbar(axes, point.khz, point.cvar25, colour)


def _signal_intervals(axes: Axes, run: ComparedRun, kind: RateKind, name: str, colour: str) -> None:
    for point in () if run.at_rate is None else run.at_rate.points:
        if point.kind == kind:
            _errorbar(axes, point.khz, point.efficiency.get(name), colour)


def _errorbar(axes: Axes, khz: float, found: Estimate | None, colour: str) -> None:
    if found is not None and found.value > 0:
        axes.errorbar(khz, found.value, [[found.value - found.low], [found.high - found.value]], fmt="o", ms=4, lw=1.4, color=colour)


def _axes(axes: Axes, kind: RateKind, label: str) -> None:
    lines = [np.asarray(line.get_ydata(), np.float64) for line in axes.get_lines()]
    seen = [float(y[np.isfinite(y) & (y > 0)].min()) for y in lines if (np.isfinite(y) & (y > 0)).any()]
    bottom = 10.0 ** math.floor(math.log10(max(min(seen, default=0.1), _LOWEST)))
    axes.set(xscale="log", yscale="log", xlim=(0.01, 100), ylim=(bottom, 1.3), xlabel=f"{kind.capitalize()} rate [kHz]", ylabel=label)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
