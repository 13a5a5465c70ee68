"""Figures of the trigger: rates against threshold, efficiency at rate, stability."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from l1ae.evaluation import PALETTE, colours, frame_label, new_figure, sample_label, styled
from l1ae.trigger import RateInterval, TriggerResult, WorkingPoint

__all__ = ["efficiency_figure", "periods_figure", "pileup_figure", "rate_figure"]

_PURE, _RAW = PALETTE[2], PALETTE[0]
# Below it a figure of efficiencies shows only the tail of one signal.
_LOWEST_EFFICIENCY = 1e-4


def rate_figure(result: TriggerResult, firmware: int | None = None) -> Figure:
    """Raw rate with its band and pure rate in kHz against the threshold in score codes; working points as dots with intervals.

    `firmware`: the code that the firmware has as its threshold, which is marked.

    >>> l1ae.rate_figure(l1ae.load_run(run_folder).working_points).axes[0].get_ylabel()
    'Rate [kHz]'
    """
    curve = result.curve
    order = np.argsort(curve.threshold)
    order = order[np.array(curve.threshold)[order] > 0]
    threshold, raw, low, high = (np.array(values)[order] for values in (curve.threshold, curve.raw_khz, curve.raw_low, curve.raw_high))
    with styled():
        figure = new_figure()
        axes = figure.subplots()
        axes.fill_between(threshold, np.maximum(low, high * 1e-4), high, color=_RAW, alpha=0.25, lw=0)
        axes.plot(threshold, raw, color=_RAW, label="raw")
        if curve.pure_khz is not None:
            axes.plot(threshold, np.array(curve.pure_khz)[order], "--", color=_PURE, label="pure")
        points = _with_threshold(result)
        x = [float(point.threshold or 0) for point in points]
        for kind, colour in (("raw", _RAW), ("pure", _PURE)):
            rates = [(at, rate) for at, point in zip(x, points, strict=True) if (rate := getattr(point, kind)) is not None]
            _errorbar(axes, [at for at, _ in rates], [rate for _, rate in rates], colour)
        for at, point in zip(x, points, strict=True):
            # of the rate that was asked for, where points are as far apart as what was asked
            rate = point.pure if result.ladder == "pure" else point.raw
            if rate is not None:
                axes.annotate(point.name, (at, rate.khz), (-7, 0), textcoords="offset points", size="small", ha="right", va="center")
        if firmware is not None:
            axes.axvline(firmware, color="black", lw=1.2, ls="--", label=f"firmware, {firmware:,}")
        axes.set(yscale="log", xlabel="Threshold [score code]", ylabel="Rate [kHz]", ylim=(_floor(points, raw), 2 * float(raw.max())))
        if threshold[0] > 0 and threshold[-1] > 30 * threshold[0]:
            axes.set_xscale("log")
        _plain(axes)
        _legend(axes, loc="upper right", frameon=True, facecolor="white", edgecolor="none", framealpha=0.9)
        _label(axes, result)
    return figure


def efficiency_figure(result: TriggerResult) -> Figure:
    """Efficiency of every signal against the raw rate in kHz, both logarithmic; dotted lines at the working points.

    >>> l1ae.efficiency_figure(l1ae.load_run(run_folder).working_points).axes[0].get_xlabel()
    'Raw rate [kHz]'
    """
    rate = np.array(result.efficiency_curve["raw_khz"])
    names = sorted(name for name in result.efficiency_curve if name != "raw_khz")
    points = [point for point in result.working_points if point.raw is not None]
    requested = [point.requested_khz for point in points] or [1.0]
    left, right = min(requested) / 3, max(requested) * 30
    lowest = 1.0
    with styled():
        figure = new_figure()
        axes = figure.subplots()
        for name, colour in colours(names).items():
            values = np.array(result.efficiency_curve[name])
            shown = (rate >= left) & (rate <= right) & (values > 0)
            lowest = min([lowest, *values[shown]])
            axes.plot(rate, np.where(values > 0, values, np.nan), color=colour, label=sample_label(name))
        top = axes.get_xaxis_transform()
        for point in points:
            if point.raw is not None:
                axes.axvline(point.raw.khz, color="0.45", lw=1, ls=(0, (1, 2)))
                name = f"{point.name} {result.ladder}"
                axes.annotate(
                    name, (point.raw.khz, 0), (-4, 6), xycoords=top, textcoords="offset points", rotation=90, ha="right", size="small"
                )
        bottom = 10.0 ** np.floor(np.log10(max(lowest, _LOWEST_EFFICIENCY)))
        axes.set(xscale="log", yscale="log", xlim=(left, right), ylim=(bottom, 1.3), xlabel="Raw rate [kHz]", ylabel="Efficiency")
        _plain(axes)
        _legend(axes, loc="lower right", frameon=True, facecolor="white", edgecolor="none", framealpha=0.9)
        _label(axes, result)
    return figure


def pileup_figure(result: TriggerResult) -> Figure:
    """Rate of every working point in bins of the number of pileup collisions."""
    bins = result.stability.pileup
    centres = [(item.low + item.high) / 2 for item in bins]
    widths = [(item.high - item.low + 1) / 2 for item in bins]
    with styled():
        figure = new_figure()
        axes = figure.subplots()
        for k, point in enumerate(_with_threshold(result)):
            found = [
                (at, width, item.rates[point.name])
                for at, width, item in zip(centres, widths, bins, strict=True)
                if point.name in item.rates
            ]
            _errorbar(
                axes,
                [at for at, _, _ in found],
                [rate for _, _, rate in found],
                PALETTE[k % len(PALETTE)],
                label=point.name,
                widths=[width for _, width, _ in found],
            )
        _rate_axis(axes, "Pileup collisions", result)
    return figure


def periods_figure(result: TriggerResult) -> Figure:
    """Rate of every working point by run period, with the band of its rate on the whole sample."""
    bins = result.stability.periods or ()
    with styled():
        figure = new_figure()
        axes = figure.subplots()
        for k, point in enumerate(_with_threshold(result)):
            colour = PALETTE[k % len(PALETTE)]
            found = [(at, item.rates[point.name]) for at, item in enumerate(bins, start=1) if point.name in item.rates]
            _errorbar(axes, [float(at) for at, _ in found], [rate for _, rate in found], colour, label=point.name)
            if point.raw is not None:
                axes.axhspan(point.raw.low, point.raw.high, color=colour, alpha=0.15, lw=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.xaxis.set_minor_locator(MaxNLocator(1))
        axes.set_xlim(0.5, len(bins) + 0.5)
        _rate_axis(axes, "Run period, in the order of the table", result)
    return figure


def _with_threshold(result: TriggerResult) -> list[WorkingPoint]:
    return [point for point in result.working_points if point.threshold is not None]


def _floor(points: list[WorkingPoint], raw: np.ndarray) -> float:
    """A decade below the lowest rate that anybody asked for."""
    asked = min((point.requested_khz for point in points), default=float(raw.min()))
    return max(asked / 10, float(raw.min()) / 2)


def _errorbar(
    axes: Axes,
    x: list[float],
    rates: list[RateInterval],
    colour: str,
    *,
    label: str | None = None,
    widths: list[float] | None = None,
) -> None:
    if not rates:
        return
    y = np.array([rate.khz for rate in rates])
    errors = np.array([[rate.khz - rate.low for rate in rates], [rate.high - rate.khz for rate in rates]])
    shown = y > 0
    x_errors = None if widths is None else np.array(widths)[shown]
    axes.errorbar(np.array(x)[shown], y[shown], errors[:, shown], x_errors, fmt="o", ms=5, lw=1.4, color=colour, label=label)


def _legend(axes: Axes, **options: Any) -> None:
    """A legend, if there is anything to name: small samples have no working point, and some data sets no signal."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(**options)


def _rate_axis(axes: Axes, name: str, result: TriggerResult) -> None:
    axes.set(yscale="log", xlabel=name, ylabel="Raw rate [kHz]")
    low, high = axes.get_ylim()
    # room for the legend
    axes.set_ylim(low, high * (high / low) ** 0.3)
    _plain(axes)
    _legend(axes, loc="upper left", ncols=3)
    _label(axes, result)


def _plain(axes: Axes) -> None:
    """Rates and efficiencies as people write them: 0.1, not a power of ten."""
    for axis, scale, (low, high) in ((axes.yaxis, axes.get_yscale(), axes.get_ylim()), (axes.xaxis, axes.get_xscale(), axes.get_xlim())):
        if scale == "log":
            if high < 100 * low:
                axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())


def _label(axes: Axes, result: TriggerResult) -> None:
    frame_label(axes, f"{result.zero_bias.events:,} zero-bias crossings")
