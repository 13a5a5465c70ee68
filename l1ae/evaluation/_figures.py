"""Figures of the physics performance. Every function takes numbers and returns a `Figure` that nobody else holds."""

from collections.abc import Mapping

import hist
import mplhep
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator, SymmetricalLogLocator

from l1ae.evaluation._estimate import Estimate, FloatArray, check_scores
from l1ae.evaluation._metrics import ScoreSet
from l1ae.evaluation._ranked import Ranked
from l1ae.evaluation._sample import Sample
from l1ae.evaluation._score_axis import ScoreAxis
from l1ae.evaluation._style import BACKGROUND_COLOUR, VARIANT_LABELS, colours, frame_label, new_figure, sample_label, styled
from l1ae.evaluation._working_point import Falling, tpr_of

__all__ = ["difference_figure", "roc_figure", "roc_figure_of", "score_figure", "score_figure_of"]

LINE_STYLES = {"float": "--", "quantized": ":", "fixed": "-"}
BINS = 60
_FAR = 30
"""Differences beyond so many LSB are drawn on a logarithmic axis."""

LOWEST_FPR = 1e-8
"""Where the axis ends however small weights are: a third of a hertz at the LHC."""


def roc_figure(
    scores: Mapping[str, ScoreSet],
    groups: Mapping[str, npt.ArrayLike] | None = None,
    weights: Mapping[str, npt.ArrayLike] | None = None,
    *,
    aucs: Mapping[str, Estimate] | None = None,
    target_fpr: float | None = None,
) -> Figure:
    """TPR against FPR, both logarithmic, one colour per signal and one line style per variant.

    The band is the 68.3 % interval of `tpr_at_fpr` for the last variant given, where it is bounded from below. `groups` and `weights`
    by sample as for `evaluate`. `aucs` by signal are written into the legend; `target_fpr` is marked.
    Raises `UserError` for empty samples and scores that are not finite.

    >>> rng = np.random.default_rng(1)
    >>> mine = l1ae.ScoreSet(rng.normal(size=1000), {"bumps": rng.normal(2.0, size=200)})
    >>> l1ae.roc_figure({"float": mine}).axes[0].get_ylabel()
    'True-positive rate (signal)'
    """
    samples = {variant: _samples(score_set, groups or {}, weights or {}) for variant, score_set in scores.items()}
    return roc_figure_of(samples, {variant: score_set.lsb for variant, score_set in scores.items()}, aucs=aucs, target_fpr=target_fpr)


def roc_figure_of(
    samples: Mapping[str, Mapping[str, Sample | Ranked]],
    lsb: Mapping[str, float | None],
    *,
    aucs: Mapping[str, Estimate] | None = None,
    target_fpr: float | None = None,
) -> Figure:
    """As `roc_figure`, for samples by variant and name."""
    banded = list(samples)[-1]
    n = len(samples[banded]["background"])
    # a single event alone would leave no range
    lowest = min(0.1, 10.0 ** np.floor(np.log10(_lowest(samples[banded]["background"]))))
    with styled():
        figure = new_figure()
        axes = figure.subplots()
        colour, floor = colours(sorted(name for name in samples[banded] if name != "background")), 0.1
        for variant, members in samples.items():
            for name in colour:
                fpr, tpr = _roc(members["background"], members[name])
                floor = min([floor, *tpr[tpr > 0][:1]])
                axes.plot(fpr, tpr, LINE_STYLES.get(variant, "-."), color=colour[name], drawstyle="steps-post")
        for name in colour:
            axes.fill_between(
                *_band(samples[banded]["background"], samples[banded][name], lsb[banded]), color=colour[name], alpha=0.22, lw=0
            )
        axes.plot([lowest, 1], [lowest, 1], color="0.6", lw=1)
        if target_fpr is not None:
            axes.axvline(target_fpr, color="0.35", lw=1, ls=(0, (1, 2)))
            axes.annotate(
                f"target FPR {target_fpr:g}",
                (target_fpr, 0),
                (-4, 6),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                rotation=90,
                ha="right",
                va="bottom",
                size="small",
                color="0.35",
            )
        axes.set(xscale="log", yscale="log", xlim=(lowest, 1), ylim=(10.0 ** np.floor(np.log10(floor)), 1.3))
        axes.set(xlabel="False-positive rate (background)", ylabel="True-positive rate (signal)")
        _roc_legend(axes, list(samples), colour, aucs or {})
        frame_label(axes, f"{n:,} background events")
    return figure


def score_figure(
    background: npt.ArrayLike,
    signals: Mapping[str, npt.ArrayLike],
    weights: Mapping[str, npt.ArrayLike] | None = None,
    *,
    threshold: float | None = None,
    lsb: float | None = None,
    name: str = "Anomaly score",
    subtitle: str = "",
) -> Figure:
    """Normalised score distributions with the trigger threshold, on the axis of `ScoreAxis`, logarithmic in y.

    `background` (N,) and each signal (M,) in the same unit as `threshold` and `lsb`, that of a fixed-point score; `weights` by sample.
    Raises `UserError` for empty samples, scores that are not finite, and weights that cannot be used.

    >>> rng = np.random.default_rng(1)
    >>> figure = l1ae.score_figure(rng.exponential(size=1000), {"bumps": 2 + rng.exponential(size=200)}, threshold=5.0, name="My score")
    >>> figure.axes[0].get_xlabel().startswith("My score")
    True
    """
    given = {"background": background, **dict(sorted(signals.items()))}
    samples = {key: Sample.of(values, key, weights=(weights or {}).get(key)) for key, values in given.items()}
    return score_figure_of(samples, threshold=threshold, lsb=lsb, name=name, subtitle=subtitle)


def score_figure_of(
    samples: Mapping[str, Sample | Ranked],
    *,
    threshold: float | None = None,
    lsb: float | None = None,
    name: str = "Anomaly score",
    subtitle: str = "",
) -> Figure:
    """As `score_figure`, for samples by name, the background first."""
    axis = ScoreAxis.of(samples.values(), threshold=threshold, lsb=lsb, bins=BINS)
    colour = colours([key for key in samples if key != "background"])
    with styled():
        figure = new_figure()
        axes = figure.subplots()
        for key, sample in samples.items():
            filled = hist.Hist(hist.axis.Variable(axis.edges.tolist(), flow=False), storage=hist.storage.Weight())
            scores, shares = sample.distribution
            filled.fill(axis.inside(scores), weight=shares)
            shape = {"histtype": "fill", "alpha": 0.55} if key == "background" else {"histtype": "step", "lw": 1.8}
            mplhep.histplot(
                filled, ax=axes, label=sample_label(key), color=colour.get(key, BACKGROUND_COLOUR), yerr=False, flow="none", **shape
            )
        if threshold is not None:
            axes.axvline(threshold, color="black", ls="--", lw=1.4, label=f"Trigger threshold {threshold:g}")
        smallest = 0.5 * min(_lowest(sample) for sample in samples.values())
        axis.across(axes)
        axes.set(yscale="log", ylim=(smallest, 1))
        lower = any(float(sample.scores.min()) < axis.edges[0] for sample in samples.values())
        axes.set(xlabel=f"{name} (first bin: all lower ones)" if lower else name, ylabel="Fraction of events per bin")
        figure.legend(ncols=2, loc="outside lower center")
        frame_label(axes, subtitle)
    return figure


def difference_figure(
    reference: npt.ArrayLike,
    other: npt.ArrayLike,
    *,
    labels: tuple[str, str] = ("float", "fixed"),
    lsb: float | None = None,
    threshold: float | None = None,
) -> Figure:
    """Scores of two variants of the same events: density of one against the other, and the profile of the difference.

    Both axes are those of `ScoreAxis`, with the `threshold`. The profile shows mean and RMS of `other - reference`; one `lsb` is shaded.
    Raises `UserError` for empty samples and scores that are not finite.
    """
    first, second = check_scores(reference, labels[0]), check_scores(other, labels[1])
    names = [VARIANT_LABELS.get(label, label) for label in labels]
    axis = ScoreAxis.of([Sample(first), Sample(second)], threshold=threshold, lsb=lsb, bins=120)
    with styled():
        figure = new_figure(7.0, 7.4)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
        grid = axis.edges
        counts = np.histogram2d(axis.inside(first), axis.inside(second), bins=(grid, grid))[0].T
        mesh = top.pcolormesh(
            grid, grid, np.ma.masked_equal(counts, 0), norm=LogNorm(1, max(counts.max(), 2)), cmap="cividis", rasterized=True
        )
        figure.colorbar(mesh, ax=top, label="Events", pad=0.02)
        top.plot(grid[[0, -1]], grid[[0, -1]], color="#bd1f01", lw=1, ls="--", label="equal")
        if threshold is not None:
            top.axhline(threshold, color="black", lw=1.1, ls=":")
            for panel in (top, bottom):
                panel.axvline(threshold, color="black", lw=1.1, ls=":", label="trigger threshold" if panel is top else None)
        axis.upwards(top)
        axis.across(top)
        top.set(ylabel=f"Score, {names[1]}")
        top.legend(loc="upper left")
        frame_label(top, f"{len(first):,} events")
        centres, means, spreads = _profile(axis, first, second - first)
        if lsb is not None:
            bottom.axhspan(-lsb, lsb, color="0.85", lw=0, label="± 1 LSB of the score")
        bottom.axhline(0, color="0.4", lw=1)
        bottom.errorbar(centres, means, spreads, fmt="o", ms=4, lw=1.2, color="black", label="mean and RMS")
        bottom.set(xlabel=f"Score, {names[0]}", ylabel="Difference")
        bottom.margins(y=0.3)
        if lsb is not None and np.abs(means).max(initial=0) + spreads.max(initial=0) > _FAR * lsb:
            bottom.set_yscale("symlog", linthresh=lsb)
            ticks = SymmetricalLogLocator(base=10, linthresh=lsb)
            ticks.set_params(numticks=5)
            bottom.yaxis.set_major_locator(ticks)
            bottom.yaxis.set_minor_locator(NullLocator())
            bottom.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
        bottom.legend(loc="best", ncols=2)
    return figure


def _samples(score_set: ScoreSet, groups: Mapping[str, npt.ArrayLike], weights: Mapping[str, npt.ArrayLike]) -> dict[str, Sample]:
    given = {"background": score_set.background, **score_set.signals}
    return {name: Sample.of(values, name, groups.get(name), weights.get(name)) for name, values in given.items()}


def _lowest(sample: Sample | Ranked) -> float:
    """The smallest part of a sample that one event is, as far as an axis should reach."""
    return max(sample.lowest_share, min(LOWEST_FPR, 1 / len(sample)))


def _falling(sample: Sample | Ranked) -> Falling | Ranked:
    return sample if isinstance(sample, Ranked) else Falling.of(sample)


def _roc(background: Sample | Ranked, signal: Sample | Ranked, points: int = 600) -> tuple[FloatArray, FloatArray]:
    """FPR and TPR at thresholds that are spread evenly in log(FPR)."""
    falling, rising = _falling(background), _falling(signal)
    if not background.weighted:
        chosen = np.unique(np.round(np.geomspace(1, len(falling), points)).astype(np.int64)) - 1
        thresholds = np.unique([falling.score_of(k) for k in chosen.tolist()])[::-1]
    else:
        grid = np.geomspace(_lowest(background), 1, points) * falling.total
        chosen = np.minimum(np.searchsorted(falling.cumulative, grid), len(falling.scores) - 1)
        thresholds = np.unique(falling.scores[chosen])[::-1]
    return falling.fractions(thresholds), rising.fractions(thresholds)


def _band(background: Sample | Ranked, signal: Sample | Ranked, lsb: float | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    falling, ends = _falling(background), []
    for fpr in np.geomspace(_lowest(background), 1, 60):
        point = tpr_of(falling, background, signal, float(fpr), lsb)
        if point.tpr is not None and point.tpr.low > 0:
            ends.append((fpr, point.tpr.low, point.tpr.high))
    x, low, high = np.array(ends).reshape(-1, 3).T
    return x, low, high


def _roc_legend(axes: Axes, variants: list[str], colour: Mapping[str, str], aucs: Mapping[str, Estimate]) -> None:
    lines = [Line2D([], [], color=c, label=sample_label(s) + (f"  AUC {aucs[s]}" if s in aucs else "")) for s, c in colour.items()]
    styles = [
        Line2D([], [], color="black", ls=LINE_STYLES.get(variant, "-."), label=VARIANT_LABELS.get(variant, variant)) for variant in variants
    ]
    random = Line2D([], [], color="0.6", lw=1, label="random decision")
    axes.legend(handles=[*lines, *styles, random], loc="lower right", frameon=True, framealpha=0.9, edgecolor="none")


def _profile(axis: ScoreAxis, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Centre of x, mean and RMS spread of y in up to 20 bins of equal width on the axis that hold at least 5 events."""
    ends = axis.edges[0], axis.edges[-1]
    edges = np.geomspace(*ends, 21) if axis.logarithmic else np.linspace(*ends, 21)
    which = np.clip(np.searchsorted(edges, axis.inside(x), "right") - 1, 0, 19)
    bins = [which == i for i in range(20) if np.count_nonzero(which == i) >= 5]
    rows = [(x[inside].mean(), y[inside].mean(), y[inside].std()) for inside in bins]
    centres, means, spreads = np.array(rows).reshape(-1, 3).T
    return centres, means, spreads
