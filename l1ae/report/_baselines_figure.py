"""Bars of mean efficiencies, one for each trigger."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from l1ae.evaluation import BACKGROUND_COLOUR, PALETTE, Estimate, frame_label, new_figure, styled

__all__ = ["Bar", "bars_figure"]


@dataclass(frozen=True)
class Bar:
    """A trigger and its mean efficiency; the `model` is drawn in another colour."""

    title: str
    mean: Estimate
    model: bool


def bars_figure(bars: Sequence[Bar], rate: str) -> Figure:
    """Horizontal bars with intervals, the first on top; `rate` says at which rate."""
    means = [100 * bar.mean.value for bar in bars]
    errors = [
        [max(0.0, 100 * (bar.mean.value - bar.mean.low)) for bar in bars],
        [max(0.0, 100 * (bar.mean.high - bar.mean.value)) for bar in bars],
    ]
    with styled():
        figure = new_figure(9.0, 1.4 + 0.42 * len(bars))
        axes = figure.subplots()
        colours = [PALETTE[2] if bar.model else BACKGROUND_COLOUR for bar in bars]
        axes.barh(range(len(bars)), means, xerr=errors, color=colours, height=0.7, error_kw={"lw": 1.5, "capsize": 3})
        # a dollar in a title would begin a formula
        axes.set_yticks(range(len(bars)), [bar.title.replace("$", r"\$") for bar in bars])
        axes.tick_params(axis="y", which="both", length=0)
        axes.set(xlabel="Mean efficiency of the signals [%]", xlim=(0, None))
        axes.invert_yaxis()
        frame_label(axes, f"at {rate}")
    return figure
