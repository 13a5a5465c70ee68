"""Loss curves of the training."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from l1ae.errors import UserError
from l1ae.evaluation._estimate import FloatArray
from l1ae.evaluation._style import PALETTE, frame_label, new_figure, styled

__all__ = ["history_figure"]

COLUMNS = ("epoch", "phase", "loss", "validation_loss", "learning_rate")


def history_figure(rows: Sequence[Mapping[str, str | float]]) -> Figure:
    """Training and validation loss of all phases, one after the other, and the learning rate below.

    `rows` are those of history.csv, with at least the columns epoch, phase, loss, validation_loss and learning_rate.
    Epochs count on from one phase to the next; epoch 0 of a phase is the state it starts from.
    Raises `UserError` when there are no rows or a column is missing.

    >>> losses = [{"loss": 1 / k, "validation_loss": 1.1 / k} for k in range(1, 6)]
    >>> rows = [{"epoch": k, "phase": "float", "learning_rate": 1e-3, **row} for k, row in enumerate(losses)]
    >>> [axes.get_ylabel() for axes in l1ae.history_figure(rows).axes]
    ['Loss', 'Learning rate']
    """
    columns = _history_columns(rows)
    phases = [str(row["phase"]) for row in rows]
    starts = [0, *(i for i in range(1, len(phases)) if phases[i] != phases[i - 1]), len(phases)]
    end = 0.0
    with styled():
        figure = new_figure(7.0, 6.0)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        for i, (start, stop) in enumerate(pairwise(starts)):
            epochs, loss, validation, rate = (column[start:stop] for column in columns)
            x = epochs + end
            colour, name = PALETTE[i % len(PALETTE)], phases[start]
            top.plot(x, loss, "-", color=colour, label=f"{name}: training", marker="o", ms=3)
            top.plot(x, validation, "--", color=colour, label=f"{name}: validation", marker="o", ms=3, mfc="white")
            bottom.plot(x, rate, drawstyle="steps-pre", color=colour)
            if start:
                for axes in (top, bottom):
                    axes.axvline(end, color="0.5", lw=1, ls=":")
            end = float(x[-1])
        _history_axes(top, bottom, np.concatenate([columns[1], columns[2]]), columns[3])
        bottom.set_xlim(-0.5, end + 0.5)
        top.legend(loc="upper right", frameon=True, facecolor="white", edgecolor="none", framealpha=0.9)
        frame_label(top)
    return figure


def _history_columns(rows: Sequence[Mapping[str, str | float]]) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Epoch, loss, validation loss and learning rate of every row."""
    if not rows:
        raise UserError("the training history is empty; run 'l1ae train' first")
    missing = [column for column in COLUMNS if column not in rows[0]]
    if missing:
        raise UserError(f"the training history has no column '{missing[0]}'; it needs {', '.join(COLUMNS)}")
    epochs, loss, validation, rate = (np.array([float(row[c]) for row in rows]) for c in COLUMNS if c != "phase")
    return epochs, loss, validation, rate


def _history_axes(top: Axes, bottom: Axes, losses: FloatArray, rate: FloatArray) -> None:
    if losses.min() > 0:
        top.set_yscale("log")
        for axis_formatter in (top.yaxis.set_major_formatter, top.yaxis.set_minor_formatter):
            axis_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    decades = (10.0 ** np.floor(np.log10(rate.min())), 10.0 ** (np.floor(np.log10(rate.max())) + 1))
    top.set(ylabel="Loss")
    bottom.set(yscale="log", xlabel="Epoch", ylabel="Learning rate", ylim=decades)
    bottom.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    bottom.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    bottom.xaxis.set_minor_locator(mpl.ticker.NullLocator())
