"""All figures of an evaluation, and the folder that holds them together with the numbers."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy.typing as npt
from matplotlib.figure import Figure

from l1ae.evaluation._figures import difference_figure, roc_figure, roc_figure_of, score_figure, score_figure_of
from l1ae.evaluation._metrics import Metrics, ScoreSet, save_metrics
from l1ae.evaluation._streamed import SpooledScores
from l1ae.evaluation._style import VARIANT_LABELS, save_figure
from l1ae.files import in_hand
from l1ae.progress import tracked

__all__ = ["performance_figures", "save_evaluation", "spooled_figures"]


def performance_figures(
    scores: Mapping[str, ScoreSet],
    metrics: Metrics,
    groups: Mapping[str, npt.ArrayLike] | None = None,
    weights: Mapping[str, npt.ArrayLike] | None = None,
    *,
    target_fpr: float | None = None,
    score_name: str = "Anomaly score",
) -> dict[str, Figure]:
    """`roc`, `scores` and, for each variant next to "float", `difference_VARIANT`.

    `metrics` must come from the same `scores`, `groups` and `weights`; `target_fpr` is marked in the ROC. The score distributions are
    those of the last variant. Differences are shown event by event, whatever events weigh.
    """
    last = list(scores)[-1]
    shown = {name: score_set for name, score_set in scores.items() if name in ("float", last)}
    figures = {
        "roc": roc_figure(shown, groups, weights, aucs=metrics.auc[last], target_fpr=target_fpr),
        "scores": score_figure(
            scores[last].background,
            scores[last].signals,
            weights,
            threshold=metrics.threshold,
            lsb=scores[last].lsb,
            name=score_name,
            subtitle=VARIANT_LABELS.get(last, last),
        ),
    }
    for variant, score_set in scores.items():
        if "float" in scores and variant != "float":
            reference = scores["float"].background
            figures[f"difference_{variant}"] = difference_figure(
                reference, score_set.background, labels=("float", variant), lsb=score_set.lsb, threshold=metrics.threshold
            )
    return figures


def save_evaluation(folder: Path, metrics: Metrics, figures: Mapping[str, Figure]) -> Path:
    """Write metrics.json and the figures as NAME.svg and NAME.pdf into `folder`, replacing what an earlier evaluation left there.

    Everything goes to a temporary folder next to it, which is renamed at the end. Returns `folder`.
    """
    temporary = folder.with_name(f".tmp-{folder.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    with in_hand(temporary):
        temporary.mkdir(parents=True)
        save_metrics(temporary / "metrics.json", metrics)
        for name, figure in tracked(figures.items(), "evaluation: drawing", total=len(figures), unit="figures"):
            save_figure(temporary, name, figure)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    return folder


def spooled_figures(
    samples: Mapping[str, SpooledScores], metrics: Metrics, *, target_fpr: float | None = None, score_name: str = "Anomaly score"
) -> dict[str, Figure]:
    """As `performance_figures`, of samples in spools; differences are shown for the events of one part."""
    background = samples["background"]
    last = list(background.lsb)[-1]
    shown = [variant for variant in background.lsb if variant in ("float", last)]
    ranked = {variant: {name: sample.ranked[variant] for name, sample in samples.items()} for variant in background.lsb}
    figures = {
        "roc": roc_figure_of(
            {variant: ranked[variant] for variant in shown}, background.lsb, aucs=metrics.auc[last], target_fpr=target_fpr
        ),
        "scores": score_figure_of(
            ranked[last],
            threshold=metrics.threshold,
            lsb=background.lsb[last],
            name=score_name,
            subtitle=VARIANT_LABELS.get(last, last),
        ),
    }
    for variant, lsb in background.lsb.items():
        if "float" in background.lsb and variant != "float":
            scores = [background.shown[which].scores for which in ("float", variant)]
            figures[f"difference_{variant}"] = difference_figure(*scores, labels=("float", variant), lsb=lsb, threshold=metrics.threshold)
    return figures
