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

from l1ae.evaluation._estimate import Estimate, FloatArray, check_scores
from l1ae.evaluation._metrics import ScoreSet
from l1ae.evaluation._ranked import Ranked
from l1ae.evaluation._sample import Sample
from l1ae.evaluation._style import BACKGROUND_COLOUR, VARIANT_LABELS, colours, frame_label, new_figure, sample_label, styled
from l1ae.evaluation._working_point import Falling, tpr_of

__all__ = ["difference_figure", "roc_figure", "roc_figure_of", "score_figure", "score_figure_of"]

LINE_STYLES = {"float": "--", "quantized": ":", "fixed": "-"}
BINS = 60
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
    name: str = "Anomaly score",
    subtitle: str = "",
) -> Figure:
    """Normalised score distributions, logarithmic in y, with the trigger threshold.

    `background` (N,) and each signal (M,) in the same unit as `threshold`, `weights` by sample. The last bin also holds larger scores.
    Raises `UserError` for empty samples, scores that are not finite, and weights that cannot be used.

    >>> rng = np.random.default_rng(1)
    >>> figure = l1ae.score_figure(rng.exponential(size=1000), {"bumps": 2 + rng.exponential(size=200)}, threshold=5.0, name="My score")
    >>> figure.axes[0].get_xlabel().startswith("My score")
    True
    """
    given = {"background": background, **dict(sorted(signals.items()))}
    samples = {key: Sample.of(values, key, weights=(weights or {}).get(key)) for key, values in given.items()}
    return score_figure_of(samples, threshold=threshold, name=name, subtitle=subtitle)


def score_figure_of(
    samples: Mapping[str, Sample | Ranked], *, threshold: float | None = None, name: str = "Anomaly score", subtitle: str = ""
) -> Figure:
    """As `score_figure`, for samples by name, the background first."""
    edges = _score_edges(samples, threshold)
    colour = colours([key for key in samples if key != "background"])
    with styled():
        figure = new_figure()
        axes = figure.subplots()
        for key, sample in samples.items():
            filled = hist.Hist(hist.axis.Variable(edges.tolist(), flow=False), storage=hist.storage.Weight())
            scores, shares = sample.distribution
            filled.fill(np.clip(scores, edges[0], np.nextafter(edges[-1], edges[0])), weight=shares)
            shape = {"histtype": "fill", "alpha": 0.55} if key == "background" else {"histtype": "step", "lw": 1.8}
            mplhep.histplot(
                filled, ax=axes, label=sample_label(key), color=colour.get(key, BACKGROUND_COLOUR), yerr=False, flow="none", **shape
            )
        if threshold is not None:
            axes.axvline(threshold, color="black", ls="--", lw=1.4, label=f"Trigger threshold {threshold:g}")
        smallest = 0.5 * min(_lowest(sample) for sample in samples.values())
        axes.set(yscale="log", xlim=(edges[0], edges[-1]), ylim=(smallest, 20))
        axes.set(xlabel=f"{name} (last bin holds all larger values)", ylabel="Fraction of events per bin")
        axes.legend(ncols=2, loc="upper right")
        frame_label(axes, subtitle)
    return figure


def difference_figure(
    reference: npt.ArrayLike, other: npt.ArrayLike, *, labels: tuple[str, str] = ("float", "fixed"), lsb: float | None = None
) -> Figure:
    """Scores of two variants of the same events: density of one against the other, and the profile of the difference.

    The profile shows mean and RMS of `other - reference` in bins of equal content; one `lsb` is shaded.
    Raises `UserError` for empty samples and scores that are not finite.
    """
    first, second = check_scores(reference, labels[0]), check_scores(other, labels[1])
    names = [VARIANT_LABELS.get(label, label) for label in labels]
    low, high = (float(x) for x in np.quantile(np.concatenate([first, second]), [0, 0.999]))
    high = high if high > low else low + 1
    with styled():
        figure = new_figure(7.0, 7.4)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
        grid = np.linspace(low, high, 120)
        counts = np.histogram2d(first, second, bins=(grid, grid))[0].T
        mesh = top.pcolormesh(
            grid, grid, np.ma.masked_equal(counts, 0), norm=LogNorm(1, max(counts.max(), 2)), cmap="cividis", rasterized=True
        )
        figure.colorbar(mesh, ax=top, label="Events", pad=0.02)
        top.plot([low, high], [low, high], color="#bd1f01", lw=1, ls="--", label="equal")
        top.set(xlim=(low, high), ylim=(low, high), ylabel=f"Score, {names[1]}")
        top.legend(loc="upper left")
        frame_label(top, f"{len(first):,} events")
        centres, means, spreads = _profile(first, second - first, low, high)
        if lsb is not None:
            bottom.axhspan(-lsb, lsb, color="0.85", lw=0, label="± 1 LSB of the score")
        bottom.axhline(0, color="0.4", lw=1)
        bottom.errorbar(centres, means, spreads, fmt="o", ms=4, lw=1.2, color="black", label="mean and RMS")
        bottom.set(xlabel=f"Score, {names[0]}", ylabel="Difference")
        bottom.margins(y=0.3)
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


def _score_edges(samples: Mapping[str, Sample | Ranked], threshold: float | None) -> FloatArray:
    low = min(float(sample.scores.min()) for sample in samples.values())
    high = max([sample.quantile(0.99) for sample in samples.values()] + ([1.3 * threshold] if threshold else []))
    return np.linspace(low, high if high > low else low + 1, BINS + 1)


def _profile(x: FloatArray, y: FloatArray, low: float, high: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Centre of x, mean and RMS spread of y in up to 20 bins of equal width that hold at least 5 events."""
    edges = np.linspace(low, high, 21)
    which = np.clip(np.searchsorted(edges, x, "right") - 1, -1, 20)
    bins = [which == i for i in range(20) if np.count_nonzero(which == i) >= 5]
    rows = [(x[inside].mean(), y[inside].mean(), y[inside].std()) for inside in bins]
    centres, means, spreads = np.array(rows).reshape(-1, 3).T
    return centres, means, spreads
