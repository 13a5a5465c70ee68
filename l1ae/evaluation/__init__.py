"""How well a model separates signals from background: AUC, TPR at fixed FPR, comparisons of variants, figures."""

from l1ae.evaluation._auc import auc, auc_difference, group_ids
from l1ae.evaluation._estimate import LEVEL, Estimate, clopper_pearson, format_estimate
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
from l1ae.evaluation._working_point import WorkingPoint, tpr_at_fpr

__all__ = [
    "FPRS",
    "LEVEL",
    "Comparison",
    "Estimate",
    "Metrics",
    "ScoreDifference",
    "ScoreSet",
    "WorkingPoint",
    "auc",
    "auc_difference",
    "clopper_pearson",
    "compare_scores",
    "evaluate",
    "format_estimate",
    "group_ids",
    "load_metrics",
    "save_metrics",
    "tpr_at_fpr",
]
