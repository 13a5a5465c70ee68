"""Figures of the latent space. Every function takes numbers and returns a `Figure` that nobody else holds."""

from collections.abc import Mapping, Sequence

import hist
import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from l1ae.evaluation import BACKGROUND_COLOUR, PALETTE, colours, feature_label, frame_label, new_figure, sample_label, styled, with_unit
from l1ae.inputs import Column, Layout, Role
from l1ae.latent._bump_hunt import BumpHunt
from l1ae.latent._inverse import FloatArray
from l1ae.latent._resolution import Resolution

__all__ = ["bump_figure", "correlation_figure", "dimensions_figure", "pairs_figure", "resolution_figure"]

MAX_PAIRS = 6
MAX_KINDS = 6
MAX_NAMES = 24
MAX_LETTERS = 75
SCATTER_EVENTS = 400
BINS = 50


def dimensions_figure(samples: Mapping[str, FloatArray], names: Sequence[str]) -> Figure:
    """Normalised distribution of each latent dimension, the first sample filled, the others as lines.

    Each sample is (N, latent), columns as in `names`. Half a percent of the first sample's events at either end lie in the
    outermost bins, together with everything beyond.
    """
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    first, *others = samples
    colour = {first: BACKGROUND_COLOUR, **colours(others)}
    with styled():
        figure = new_figure(4.2 * columns, 3.4 * rows + 0.6)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for k, (axes, name) in enumerate(zip(grid, names, strict=False)):
            edges = _edges(samples[first][:, k])
            for sample, values in samples.items():
                filled = hist.Hist(hist.axis.Variable(edges.tolist(), flow=False), storage=hist.storage.Weight())
                filled.fill(np.clip(values[:, k], edges[0], np.nextafter(edges[-1], edges[0])), weight=1 / max(len(values), 1))
                shape = {"histtype": "fill", "alpha": 0.55} if sample == first else {"histtype": "step", "lw": 1.4}
                mplhep.histplot(filled, ax=axes, label=sample_label(sample), color=colour[sample], yerr=False, flow="none", **shape)
            axes.set(xlabel=name, ylabel="Fraction / bin", yscale="log", xlim=(edges[0], edges[-1]))
        for axes in grid[len(names) :]:
            axes.set_axis_off()
        frame_label(grid[0])
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(labels))
    return figure


def pairs_figure(samples: Mapping[str, FloatArray], names: Sequence[str]) -> Figure:
    """Every pair of the first six latent dimensions: density of the first sample, some events of the others as points.

    Each sample is (N, latent), columns as in `names`.
    """
    shown = min(len(names), MAX_PAIRS)
    first, *others = samples
    colour = colours(others)
    with styled():
        figure = new_figure(2.4 * shown + 1, 2.4 * shown + 1)
        places = figure.add_gridspec(shown, shown)
        for row in range(shown):
            for column in range(row + 1):
                axes = figure.add_subplot(places[row, column])
                _pair(axes, samples, (first, colour), (column, row))
                axes.minorticks_off()
                axes.tick_params(labelsize=9, labelleft=column == 0, labelbottom=row == shown - 1)
                if column == 0:
                    axes.set_ylabel(names[row], size=12)
                if row == shown - 1:
                    axes.set_xlabel(names[column], size=12)
        frame_label(figure.axes[0])
        handles, labels = figure.axes[-shown].get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), markerscale=4)
    return figure


def _pair(axes: Axes, samples: Mapping[str, FloatArray], looks: tuple[str, Mapping[str, str]], which: tuple[int, int]) -> None:
    """One panel: a distribution where x and y are the same dimension, otherwise a density."""
    (first, colour), (x, y) = looks, which
    background = samples[first]
    edges = [_edges(background[:, k]) for k in (x, y)]
    if x == y:
        axes.hist(background[:, x], edges[0].tolist(), color=BACKGROUND_COLOUR, alpha=0.55)
        axes.set(xlim=(edges[0][0], edges[0][-1]), yticks=[])
        return
    counts = np.histogram2d(background[:, x], background[:, y], bins=edges)[0].T
    axes.pcolormesh(*edges, np.ma.masked_equal(counts, 0), norm=LogNorm(1, max(counts.max(), 2)), cmap="Greys", rasterized=True)
    for sample, shade in colour.items():
        points = samples[sample][:SCATTER_EVENTS]
        axes.plot(points[:, x], points[:, y], ".", ms=1.5, color=shade, label=sample_label(sample), rasterized=True)
    axes.set(xlim=(edges[0][0], edges[0][-1]), ylim=(edges[1][0], edges[1][-1]))


def correlation_figure(values: FloatArray, names: Sequence[str]) -> Figure:
    """Linear correlation coefficients of all latent dimensions, (N, latent); a dimension that never varies has none."""
    constant = values.std(axis=0) == 0
    with np.errstate(invalid="ignore", divide="ignore"):
        matrix = np.atleast_2d(np.corrcoef(values, rowvar=False))
    matrix[constant] = matrix[:, constant] = np.nan
    with styled():
        figure = new_figure(1.6 + 0.8 * len(names), 1.2 + 0.8 * len(names))
        axes = figure.subplots()
        image = axes.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r")
        for (row, column), value in np.ndenumerate(matrix):
            text = "–" if np.isnan(value) else f"{value:.2f}".replace("-", "−")
            axes.text(column, row, text, ha="center", va="center", size=10, color="white" if abs(value) > 0.6 else "black")
        axes.set_xticks(range(len(names)), names, rotation=90, size=11)
        axes.set_yticks(range(len(names)), names, size=11)
        axes.minorticks_off()
        figure.colorbar(image, ax=axes, label="Correlation", shrink=0.8)
        frame_label(axes)
    return figure


def resolution_figure(rows: Sequence[Resolution], layout: Layout) -> Figure:
    """Bias and half-width of every input over all filled slots, one panel per kind of feature, six at most: energy, eta and phi
    before others.
    """
    columns = dict(zip(layout.names, layout.columns, strict=True))
    kinds: dict[tuple[str, str], list[Resolution]] = {}
    for row in rows:
        if row.energy_low is None:
            feature = columns[row.feature].feature
            kinds.setdefault((feature_label(feature), feature.unit), []).append(row)
    order = sorted(kinds.items(), key=lambda item: _place(columns[item[1][0].feature]))[:MAX_KINDS]
    with styled():
        figure = new_figure(9.0, 3.0 * len(order))
        for axes, ((label, unit), chosen) in zip(figure.subplots(len(order), 1, squeeze=False)[:, 0], order, strict=True):
            _resolution_panel(axes, chosen, [columns[row.feature] for row in chosen])
            axes.set_ylabel(with_unit(label, unit))
        figure.axes[0].legend(loc="upper right", ncols=2)
        frame_label(figure.axes[0], "decoded − original, filled slots")
    return figure


def _place(column: Column) -> int:
    """Where its kind of feature comes: the group's energy, eta and phi before all others, bits that say a slot is filled last."""
    leading = [column.group.of_role(role) for role in (Role.ENERGY, Role.ETA, Role.PHI)]
    if column.feature in leading:
        return leading.index(column.feature)
    return len(leading) + (column.feature.name == column.group.gate_feature)


def _resolution_panel(axes: Axes, rows: Sequence[Resolution], columns: Sequence[Column]) -> None:
    """One point per slot; where there are many, only some are named."""
    x = np.arange(len(rows))
    for attribute, colour, text in (("half_width", PALETTE[0], "68.3 % half-width"), ("bias", PALETTE[2], "bias")):
        estimates = [getattr(row, attribute) for row in rows]
        values = np.array([e.value for e in estimates])
        errors = np.array([(e.value - e.low, e.high - e.value) for e in estimates]).reshape(-1, 2).T
        axes.errorbar(x, values, errors, fmt="o", ms=5 if len(rows) <= MAX_NAMES else 3, color=colour, label=text)
    axes.axhline(0, color="0.5", lw=1)
    axes.margins(y=0.25)
    named = x[:: -(-len(rows) // MAX_NAMES)]
    slots = [columns[k].group.slot_names()[columns[k].slot] for k in named]
    axes.set_xticks(named, slots, rotation=0 if sum(map(len, slots)) < MAX_LETTERS else 90, size=11)
    axes.xaxis.set_minor_locator(NullLocator())


def bump_figure(hunt: BumpHunt, title: str, selection: str) -> Figure:
    """The spectrum, its smooth background and the most significant window; below, the difference in standard deviations.

    `title` names the mass, in GeV; `selection` says which events.
    """
    edges, counts, background = (np.asarray(x, np.float64) for x in (hunt.edges, hunt.counts, hunt.background))
    centres = np.sqrt(edges[:-1] * edges[1:])
    with styled():
        figure = new_figure(7.0, 6.6)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        top.errorbar(centres, counts, np.sqrt(counts), fmt="o", ms=4, color="black", label="events")
        top.plot(centres, background, color=PALETTE[0], label=f"smooth fit, degree {hunt.degree}")
        bottom.bar(centres, (counts - background) / np.sqrt(background), np.diff(edges), color=PALETTE[0], alpha=0.6)
        for axes in (top, bottom):
            axes.axvspan(hunt.window.low, hunt.window.high, color=PALETTE[1], alpha=0.3, lw=0)
        bottom.axhline(0, color="0.4", lw=1)
        top.plot([], [], color=PALETTE[1], lw=8, alpha=0.3, label=f"window, global p = {hunt.global_p_value:.3g}")
        top.set(xscale="log", yscale="log", ylabel="Events / bin", ylim=(max(0.5, 0.2 * background.min()), 4 * max(counts.max(), 1)))
        bottom.set(xlabel=f"{title[:1].upper()}{title[1:]} [GeV]", ylabel="Pull")
        for setter in (bottom.xaxis.set_major_formatter, bottom.xaxis.set_minor_formatter):
            setter(FuncFormatter(lambda value, _: f"{value:g}" if f"{value:g}"[0] in "125" else ""))
        top.legend(loc="lower center")
        frame_label(top, selection)
    return figure


def _edges(values: FloatArray) -> FloatArray:
    low, high = (float(x) for x in np.quantile(values, [0.005, 0.995]))
    return np.linspace(low, high if high > low else low + 1, BINS + 1)
