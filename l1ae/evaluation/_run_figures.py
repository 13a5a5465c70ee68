"""Figures of the data that went in and of the training: object kinematics and loss curves."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import hist
import matplotlib as mpl
import mplhep
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from l1ae.errors import UserError
from l1ae.evaluation._estimate import FloatArray
from l1ae.evaluation._style import BACKGROUND_COLOUR, PALETTE, colours, frame_label, new_figure, sample_label, styled
from l1ae.inputs import InputSpec, RegionSpec

__all__ = ["history_figure", "inputs_figure", "regions_figure"]

GROUP_LABELS = {"met": "MET", "eg": "e/gamma", "mu": "Muons", "jet": "Jets"}
FEATURE_LABELS = {"pt": "$p_T$ [GeV]", "eta": r"$\eta$", "phi": r"$\phi$ [rad]"}
COLUMNS = ("epoch", "phase", "loss", "validation_loss", "learning_rate")


def history_figure(rows: Sequence[Mapping[str, str | float]]) -> Figure:
    """Training and validation loss of all phases, one after the other, and the learning rate below.

    `rows` are those of history.csv, with at least the columns epoch, phase, loss, validation_loss and learning_rate.
    Epochs count on from one phase to the next; epoch 0 of a phase is the state it starts from.
    Raises `UserError` when there are no rows or a column is missing.
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


def inputs_figure(hardware: Mapping[str, npt.NDArray[np.integer]], spec: InputSpec) -> Figure:
    """pT, eta and phi of all filled slots, one row per object kind, background filled and signals as lines.

    `hardware` maps a sample to its hardware codes (N, slots, 3). Each distribution is normalised to one, of which the
    0.2 % of largest pT lie outside the axis.
    """
    physical = {
        name: spec.to_physical(codes) for name, codes in sorted(hardware.items(), key=lambda item: (item[0] != "background", item[0]))
    }
    colour = {"background": BACKGROUND_COLOUR, **colours(sorted(set(hardware) - {"background"}))}
    with styled():
        figure = new_figure(11.0, 2.5 * len(spec.groups) + 0.6)
        grid = figure.subplots(len(spec.groups), 3, squeeze=False)
        for row, (group, where) in zip(grid, zip(spec.groups, spec.slices().values(), strict=True), strict=True):
            filled = {name: values[:, where][values[:, where, 0] > 0] for name, values in physical.items()}
            for k, (axes, scale, feature) in enumerate(zip(row, group.scales, FEATURE_LABELS, strict=True)):
                if scale is None:
                    axes.set_axis_off()
                    axes.text(
                        0.5, 0.5, f"{GROUP_LABELS.get(group.name, group.name)} has no {FEATURE_LABELS[feature]}", ha="center", size=11
                    )
                    continue
                edges = _feature_edges(feature, {name: values[:, k] for name, values in filled.items()}, scale.lsb)
                _panel(axes, {name: values[:, k] for name, values in filled.items()}, edges, colour)
                axes.set_xlabel(f"{GROUP_LABELS.get(group.name, group.name)} {FEATURE_LABELS[feature]}", size=12)
                axes.set_yscale("log" if feature == "pt" and any(len(values) for values in filled.values()) else "linear")
                axes.tick_params(labelsize=10)
        for axes in grid[:, 0]:
            axes.set_ylabel("Fraction / bin", size=12)
        frame_label(grid[0, 0])
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(labels))
    return figure


def regions_figure(hardware: Mapping[str, npt.NDArray[np.integer]], spec: RegionSpec) -> Figure:
    """Mean calorimeter image of every sample, and the distributions of the largest region and of the sum.

    `hardware` maps a sample to its codes (N, phi, eta).
    """
    names = sorted(hardware, key=lambda name: (name != "background", name))
    colour = {"background": BACKGROUND_COLOUR, **colours(sorted(set(hardware) - {"background"}))}
    energies = {name: np.asarray(hardware[name] * spec.et.lsb, np.float64) for name in names}
    top = max(float(values.mean(axis=0).max()) for values in energies.values())
    with styled():
        figure = new_figure(11.0, 6.5)
        images, spectra = figure.subfigures(2, 1, squeeze=False)[:, 0]
        row = images.subplots(1, len(names), sharey=True, squeeze=False)[0]
        for axes, name in zip(row, names, strict=True):
            image = axes.imshow(energies[name].mean(axis=0), origin="lower", aspect="auto", vmin=0, vmax=top)
            axes.set_title(sample_label(name), size=11)
            axes.set_xlabel(r"$\eta$ region", size=11)
            axes.tick_params(labelsize=9)
        row[0].set_ylabel(r"$\phi$ region", size=11)
        images.colorbar(image, ax=list(row)).set_label("Mean $E_T$ [GeV]", size=11)
        grid = dict(zip(("largest", "sum"), spectra.subplots(1, 2), strict=True))
        for panel, reduce in (("largest", np.max), ("sum", np.sum)):
            values = {name: reduce(array.reshape(len(array), -1), axis=1) for name, array in energies.items()}
            edges = _feature_edges("pt", values, spec.et.lsb)
            _panel(grid[panel], values, edges, colour)
            grid[panel].set(xlabel=f"{panel.capitalize()}{' region' if panel == 'largest' else ' of all regions'} [GeV]", yscale="log")
        handles, labels = grid["largest"].get_legend_handles_labels()
        grid["largest"].legend(handles, labels, fontsize=9)
    return figure


def _feature_edges(feature: str, values: Mapping[str, FloatArray], lsb: float) -> FloatArray:
    """Bin edges that are whole numbers of LSB apart, so that no bin collects more codes than its neighbour."""
    everything = np.concatenate([*values.values(), [lsb]])
    low = 0.0 if feature == "pt" else float(everything.min())
    high = float(np.quantile(everything, 0.998)) if feature == "pt" else float(everything.max())
    first, last = int(np.floor(low / lsb)), int(np.floor(high / lsb)) + 1
    step = max(1, -(-(last - first) // 48))
    edges: FloatArray = np.arange(first, last + step, step).astype(np.float64) * lsb
    return edges


def _panel(axes: Axes, values: Mapping[str, FloatArray], edges: FloatArray, colour: Mapping[str, str]) -> None:
    for name, content in values.items():
        filled = hist.Hist(hist.axis.Variable(edges.tolist(), flow=False), storage=hist.storage.Weight())
        filled.fill(content, weight=1 / max(len(content), 1))
        shape = {"histtype": "fill", "alpha": 0.55} if name == "background" else {"histtype": "step", "lw": 1.4}
        mplhep.histplot(filled, ax=axes, label=sample_label(name), color=colour[name], yerr=False, flow="none", **shape)
    axes.set_xlim(edges[0], edges[-1])
