"""The data that went in: one figure of any layout, drawn from its groups, features and scales."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill

import hist
import mplhep
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullLocator

from l1ae.evaluation._estimate import FloatArray
from l1ae.evaluation._style import (
    BACKGROUND_COLOUR,
    PALETTE,
    colours,
    feature_label,
    frame_label,
    new_figure,
    sample_label,
    styled,
    with_unit,
)
from l1ae.inputs import Feature, Group, Layout, Role

__all__ = ["inputs_figure", "telling_features"]

Codes = npt.NDArray[np.integer]

MOST_PANELS = 4
MOST_IMAGES = 6
_BINS = 48
_TAIL = 0.998
_WIDTH, _ROW, _BAND = 12.0, 2.1, 3.0  # inches


def inputs_figure(hardware: Mapping[str, Codes], layout: Layout, weights: Mapping[str, npt.ArrayLike] | None = None) -> Figure:
    """What the inputs are like: the sample `background` filled, others as lines (the first eight), each distribution normalised to one.

    Objects that no sample has in any event are named below, and not drawn. `hardware` maps a sample to its codes (N, size), `weights`
    to what each event counts (N,); without them all count alike. Objects and sums: the most telling features (`telling_features`) of
    all filled slots, groups with few of them side by side. An image: its mean for at most six samples, its largest value and its sum. A
    vector or waveform: the mean of every slot with the band from 16 to 84 %, and all values. Of energies, 0.2 % lie outside the axis.
    """
    names = sorted(hardware, key=lambda name: (name != "background", name))[: len(PALETTE) + 1]
    weighed = {name: np.asarray(values, np.float64) for name, values in (weights or {}).items()}
    look = _Look({"background": BACKGROUND_COLOUR, **colours([name for name in names if name != "background"])}, weighed)
    absent = _absent(hardware, layout)
    drawn = [group for group in layout.groups if group not in absent] or [layout.groups[0]]
    rows = _packed([(group, feature) for group in drawn if group.gated_kind for feature in telling_features(group)])
    others = [group for group in drawn if not group.gated_kind]
    heights = [*([_ROW * len(rows)] if rows else []), *(2 * _BAND if group.axes else _BAND for group in others)]
    with styled():
        figure = new_figure(_WIDTH, sum(heights) + 0.7)
        parts = list(figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0])
        samples = {name: hardware[name] for name in names}
        if rows:
            _objects(parts.pop(0), rows, samples, layout, look)
        for part, group in zip(parts, others, strict=True):
            blocks = {name: layout.block(codes, group.name)[..., 0] for name, codes in samples.items()}
            (_image if group.axes else _series)(part, group, blocks, look)
        frame_label(figure.axes[0], "" if len(names) == len(hardware) else f"{len(names)} of {len(hardware)} samples")
        _legend(figure, names, look)
        if absent:
            text = f"In no event of any sample: {', '.join(group.label for group in absent)}."
            figure.supxlabel(fill(text, 120), size=11, x=0.02, ha="left")
    return figure


def telling_features(group: Group) -> tuple[Feature, ...]:
    """At most four features of a group: energy, eta and phi, then others in their order; no bit that only says a slot is filled."""
    first = [group.of_role(role) for role in (Role.ENERGY, Role.ETA, Role.PHI)]
    chosen = [feature for feature in first if feature is not None]
    rest = [feature for feature in group.features if not feature.absent and feature not in chosen]
    rest = [feature for feature in rest if feature.name != group.gate_feature] or ([] if chosen else rest)
    return tuple([*chosen, *rest][:MOST_PANELS])


def _absent(hardware: Mapping[str, Codes], layout: Layout) -> list[Group]:
    """Objects of which no slot is filled."""
    filled = np.zeros(layout.size, np.bool_)
    for codes in hardware.values():
        filled |= layout.mask(codes).any(axis=0)
    return [group for group in layout.groups if group.gated_kind and not filled[layout.where(group.name)].any()]


@dataclass(frozen=True)
class _Look:
    """How samples are drawn, and the weights (N,) of those that have some."""

    colour: Mapping[str, str]
    weights: Mapping[str, FloatArray]

    def histogram(
        self, axes: Axes, steps: Mapping[str, npt.NDArray[np.int64]], bins: "_Bins", events: Mapping[str, npt.NDArray[np.int64]]
    ) -> None:
        """Distributions of codes that `_Bins.steps` made; `events` says which event each code belongs to."""
        for name, values in steps.items():
            filled = hist.Hist(hist.axis.Variable(bins.edges.tolist(), flow=False), storage=hist.storage.Weight())
            filled.fill(bins.values(values), weight=self._shares(name, events[name]))
            shape = {"histtype": "fill", "alpha": 0.55} if name == "background" else {"histtype": "step", "lw": 1.4}
            mplhep.histplot(filled, ax=axes, color=self.colour[name], yerr=False, flow="none", **shape)
        axes.set_xlim(bins.edges[0], bins.edges[-1])
        axes.tick_params(labelsize=10)
        whole = bins.feature.bin == "centre" and bins.feature.lsb == 1
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=whole))
        if whole:
            axes.xaxis.set_minor_locator(NullLocator())

    def _shares(self, name: str, events: npt.NDArray[np.int64]) -> float | FloatArray:
        if name not in self.weights:
            return 1 / max(len(events), 1)
        shares = self.weights[name][events]
        return np.asarray(shares / (shares.sum() or 1.0), np.float64)

    def mean(self, name: str, values: npt.NDArray[np.floating]) -> FloatArray:
        """Over the events of a sample (N, ...)."""
        return np.asarray(np.average(values, axis=0, weights=self.weights.get(name)), np.float64)

    def band(self, name: str, values: FloatArray) -> FloatArray:
        """From 16 to 84 % of the events of a sample (N, slots), (2, slots)."""
        if name not in self.weights:
            return np.asarray(np.quantile(values, [0.16, 0.84], axis=0), np.float64)
        return np.asarray(np.quantile(values, [0.16, 0.84], axis=0, method="inverted_cdf", weights=self.weights[name]), np.float64)


@dataclass(frozen=True)
class _Bins:
    """Bins of a feature that all hold equally many codes, so that none collects more than its neighbour: from code step `first`
    on, `count` bins of `width` codes. A code step is a code minus the origin, and with a period between -period/2 and period/2.
    """

    feature: Feature
    first: int
    width: int
    count: int

    @classmethod
    def of(cls, feature: Feature, steps: Sequence[npt.NDArray[np.int64]]) -> "_Bins":
        """From all code steps that occur."""
        if feature.period is not None:
            width = next(w for w in range(max(feature.period // _BINS, 1), feature.period + 1) if feature.period % w == 0)
            return cls(feature, -(feature.period // 2), width, feature.period // width)
        everything = np.concatenate([*steps, np.zeros(0 if any(map(len, steps)) else 1, np.int64)])
        low, high = int(everything.min()), int(everything.max())
        if feature.role == Role.ENERGY:
            low, high = min(low, 0), int(np.quantile(everything, _TAIL, method="higher"))
        width = max(1, -(-(high - low + 1) // _BINS))
        return cls(feature, low, width, -(-(high - low + 1) // width))

    @property
    def edges(self) -> FloatArray:
        """Boundaries (count + 1,) in the feature's unit."""
        ends = self.first + self.width * np.arange(self.count + 1)
        return np.asarray((ends - (0.5 if self.feature.bin == "centre" else 0.0)) * self.feature.lsb, np.float64)

    def values(self, steps: npt.NDArray[np.int64]) -> FloatArray:
        """Middle of each code in the feature's unit: never on a boundary."""
        return np.asarray((steps + (0.0 if self.feature.bin == "centre" else 0.5)) * self.feature.lsb, np.float64)


def _steps(codes: Codes, feature: Feature) -> npt.NDArray[np.int64]:
    steps = codes.astype(np.int64) - feature.origin
    if feature.period is None:
        return steps
    half = feature.period // 2
    return np.mod(steps + half, feature.period) - half


_Panel = tuple[Group, Feature]


def _packed(panels: Sequence[_Panel]) -> list[list[_Panel]]:
    """Rows of at most four panels that keep a group together; a group begins a row of its own unless all of it still fits."""
    groups: dict[str, list[_Panel]] = {}
    for group, feature in panels:
        groups.setdefault(group.name, []).append((group, feature))
    widest = max((len(items) for items in groups.values()), default=0)
    rows: list[list[_Panel]] = []
    for items in groups.values():
        if rows and len(rows[-1]) + len(items) <= widest:
            rows[-1].extend(items)
        else:
            rows.append(list(items))
    return rows


def _objects(part: SubFigure, rows: Sequence[Sequence[_Panel]], samples: Mapping[str, Codes], layout: Layout, look: _Look) -> None:
    """One panel per group and feature, over all filled slots."""
    grid = part.subplots(len(rows), max(map(len, rows)), squeeze=False)
    masks = {name: layout.mask(codes) for name, codes in samples.items()}
    before = None
    for line, row in zip(grid, rows, strict=True):
        for axes in line[len(row) :]:
            axes.set_axis_off()
        for axes, (group, feature) in zip(line, row, strict=False):
            where = layout.positions(group.name, feature.name)
            steps = {name: _steps(codes[:, where][masks[name][:, where]], feature) for name, codes in samples.items()}
            events = {name: np.nonzero(mask[:, where])[0] for name, mask in masks.items()}
            look.histogram(axes, steps, _Bins.of(feature, list(steps.values())), events)
            axes.set_xlabel(with_unit(feature_label(feature), feature.unit), size=11, labelpad=2)
            axes.set_yscale("log" if feature.role == Role.ENERGY and any(map(len, steps.values())) else "linear")
            if group.name != before:
                axes.set_ylabel(fill(group.label, 20), size=11, loc="center")
            before = group.name
    part.supylabel("Fraction of filled slots / bin", size=11)


def _image(part: SubFigure, group: Group, blocks: Mapping[str, Codes], look: _Look) -> None:
    """Mean images (rows upwards) in one colour scale; below, the largest value and the sum of each event."""
    assert group.axes is not None, "images have axes"
    rows, columns = group.axes
    (feature,) = group.features
    shown = list(blocks)[:MOST_IMAGES]
    value = with_unit(feature_label(feature), feature.unit)
    means = {name: look.mean(name, (blocks[name] - feature.origin) * feature.lsb).reshape(rows.size, columns.size) for name in shown}
    top, bottom = part.subfigures(2, 1, squeeze=False)[:, 0]
    images = top.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, name in zip(images, shown, strict=True):
        mesh = axes.pcolormesh(
            columns.edges, rows.edges, means[name], vmin=0, vmax=max(float(item.max()) for item in means.values()) or 1, rasterized=True
        )
        axes.set_title(sample_label(name), size=11, loc="right")
        axes.set_xlabel(with_unit(feature_label(columns), columns.unit), size=11, labelpad=2)
        axes.tick_params(labelsize=9)
    images[0].set_ylabel(with_unit(feature_label(rows), rows.unit), size=11)
    top.colorbar(mesh, ax=list(images)).set_label(f"Mean {value}", size=11)
    spectra = bottom.subplots(1, 2)
    from_zero = feature.model_copy(update={"role": Role.ENERGY, "period": None})
    whole = {name: codes.astype(np.int64) - feature.origin for name, codes in blocks.items()}
    reduced = {
        "Largest": {name: codes.max(axis=1) for name, codes in whole.items()},
        "Sum of": {name: codes.sum(axis=1) for name, codes in whole.items()},
    }
    for axes, (what, steps) in zip(spectra, reduced.items(), strict=True):
        events = {name: np.arange(len(values)) for name, values in steps.items()}
        look.histogram(axes, steps, _Bins.of(from_zero, list(steps.values())), events)
        axes.set(yscale="log")
        axes.set_xlabel(f"{what} {value}, {group.label}", size=11)
    spectra[0].set_ylabel("Fraction of events / bin", size=11)


def _series(part: SubFigure, group: Group, blocks: Mapping[str, Codes], look: _Look) -> None:
    """Mean of every slot with the band from 16 to 84 %; beside it the distribution of all values."""
    (feature,) = group.features
    value = with_unit(feature_label(feature), feature.unit)
    left, right = part.subplots(1, 2, width_ratios=(2, 1))
    x = np.arange(group.slots)
    for name, codes in blocks.items():
        numbers = (codes.astype(np.float64) - feature.origin) * feature.lsb
        low, high = look.band(name, numbers)
        left.fill_between(x, low, high, step="mid", color=look.colour[name], alpha=0.45 if name == "background" else 0.15, lw=0)
        left.step(x, look.mean(name, numbers), where="mid", color=look.colour[name], lw=1.6)
    left.set_xlim(-0.5, group.slots - 0.5)
    left.set_xlabel(f"{group.label}, number", size=11, labelpad=2)
    left.set_ylabel(value, size=11)
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.xaxis.set_minor_locator(NullLocator())
    left.tick_params(labelsize=10)
    steps = {name: _steps(codes.ravel(), feature) for name, codes in blocks.items()}
    events = {name: np.repeat(np.arange(len(codes)), group.slots) for name, codes in blocks.items()}
    look.histogram(right, steps, _Bins.of(feature, list(steps.values())), events)
    right.set(yscale="log")
    right.set_xlabel(value, size=11, labelpad=2)
    right.set_ylabel("Fraction of values / bin", size=11)


def _legend(figure: Figure, names: Sequence[str], look: _Look) -> None:
    """One legend above all, in as many lines as it needs."""
    handles = [
        Patch(facecolor=look.colour[name], alpha=0.55, label=sample_label(name))
        if name == "background"
        else Patch(facecolor="none", edgecolor=look.colour[name], lw=1.4, label=sample_label(name))
        for name in names
    ]
    letters = max(len(name) for name in names)
    columns = max(1, int(_WIDTH / (0.6 + 0.11 * letters)))
    figure.legend(handles=handles, loc="outside upper right", ncols=min(len(names), columns))
