"""How well a model separates signals from background: AUC, TPR at fixed FPR, comparisons of variants, figures."""

from typing import TYPE_CHECKING

from l1ae.evaluation._at_rate import CVAR, AtRate, RateKind, RatePoint, RateSampleFacts, worst, worst_words
from l1ae.evaluation._auc import auc, auc_difference, group_ids
from l1ae.evaluation._estimate import LEVEL, Estimate, FractionEstimate, RateEstimate, clopper_pearson, format_estimate
from l1ae.evaluation._label_free import (
    Capacity,
    Drift,
    LabelFree,
    agreement,
    approximation_capacity,
    capacity_at,
    threshold_drift,
    wasserstein,
)
from l1ae.evaluation._metrics import (
    FPRS,
    Comparison,
    Metrics,
    ScoreDifference,
    ScoreSet,
    compare_scores,
    evaluate,
    load_metrics,
    save_metrics,
)
from l1ae.evaluation._ranked import Ranked, coarse, sums_before
from l1ae.evaluation._sample import design_effect, group_numbers
from l1ae.evaluation._streamed import SpooledScores, evaluate_spooled, spooled_threshold_drift
from l1ae.evaluation._working_point import WorkingPoint, tpr_at_fpr
from l1ae.lazy import on_first_use

if TYPE_CHECKING:
    from l1ae.evaluation._figures import difference_figure, roc_figure, score_figure
    from l1ae.evaluation._history_figure import history_figure
    from l1ae.evaluation._inputs_figure import inputs_figure, telling_features
    from l1ae.evaluation._style import (
        BACKGROUND_COLOUR,
        PALETTE,
        colours,
        feature_label,
        figure_pdf,
        figure_svg,
        frame_label,
        new_figure,
        sample_label,
        save_figure,
        stamp,
        styled,
        with_unit,
    )
    from l1ae.evaluation._write import performance_figures, save_evaluation, spooled_figures
else:
    __getattr__ = on_first_use(
        __name__,
        _figures="difference_figure roc_figure score_figure",
        _history_figure="history_figure",
        _inputs_figure="inputs_figure telling_features",
        _style=(
            "BACKGROUND_COLOUR PALETTE colours feature_label figure_pdf figure_svg frame_label new_figure sample_label save_figure stamp "
            "styled with_unit"
        ),
        _write="performance_figures save_evaluation spooled_figures",
    )

__all__ = [
    "BACKGROUND_COLOUR",
    "CVAR",
    "FPRS",
    "LEVEL",
    "PALETTE",
    "AtRate",
    "Capacity",
    "Comparison",
    "Drift",
    "Estimate",
    "FractionEstimate",
    "LabelFree",
    "Metrics",
    "Ranked",
    "RateEstimate",
    "RateKind",
    "RatePoint",
    "RateSampleFacts",
    "ScoreDifference",
    "ScoreSet",
    "SpooledScores",
    "WorkingPoint",
    "agreement",
    "approximation_capacity",
    "auc",
    "auc_difference",
    "capacity_at",
    "clopper_pearson",
    "coarse",
    "colours",
    "compare_scores",
    "design_effect",
    "difference_figure",
    "evaluate",
    "evaluate_spooled",
    "feature_label",
    "figure_pdf",
    "figure_svg",
    "format_estimate",
    "frame_label",
    "group_ids",
    "group_numbers",
    "history_figure",
    "inputs_figure",
    "load_metrics",
    "new_figure",
    "performance_figures",
    "roc_figure",
    "sample_label",
    "save_evaluation",
    "save_figure",
    "save_metrics",
    "score_figure",
    "spooled_figures",
    "spooled_threshold_drift",
    "stamp",
    "styled",
    "sums_before",
    "telling_features",
    "threshold_drift",
    "tpr_at_fpr",
    "wasserstein",
    "with_unit",
    "worst",
    "worst_words",
]
