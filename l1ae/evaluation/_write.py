"""All figures of an evaluation, and the folder that holds them together with the numbers."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy.typing as npt
from matplotlib.figure import Figure

from l1ae.evaluation._figures import difference_figure, roc_figure, score_figure
from l1ae.evaluation._metrics import Metrics, ScoreSet, save_metrics
from l1ae.evaluation._style import VARIANT_LABELS, figure_svg

__all__ = ["performance_figures", "write_evaluation"]


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
            name=score_name,
            subtitle=VARIANT_LABELS.get(last, last),
        ),
    }
    for variant, score_set in scores.items():
        if "float" in scores and variant != "float":
            reference = scores["float"].background
            figures[f"difference_{variant}"] = difference_figure(
                reference, score_set.background, labels=("float", variant), lsb=score_set.lsb
            )
    return figures


def write_evaluation(
    folder: Path,
    metrics: Metrics,
    scores: Mapping[str, ScoreSet],
    groups: Mapping[str, npt.ArrayLike] | None = None,
    weights: Mapping[str, npt.ArrayLike] | None = None,
    *,
    target_fpr: float | None = None,
    score_name: str = "Anomaly score",
    more: Mapping[str, Figure] | None = None,
) -> Path:
    """Write metrics.json and the figures as NAME.svg into `folder`, replacing what an earlier evaluation left there.

    The figures are those of `performance_figures` (same arguments) and `more`, for example `history` and `inputs`,
    which the report knows. Everything goes to a temporary folder next to it, which is renamed at the end. Returns `folder`.
    """
    figures = {**performance_figures(scores, metrics, groups, weights, target_fpr=target_fpr, score_name=score_name), **(more or {})}
    temporary = folder.with_name(f".tmp-{folder.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    save_metrics(temporary / "metrics.json", metrics)
    for name, figure in figures.items():
        (temporary / f"{name}.svg").write_text(figure_svg(figure))
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)
    return folder
