"""What background alone says of a run's model: its validation part against its test part, and halves of the test part."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.config import Config
from l1ae.data import TEST, VALIDATION, EventStore, events_of, is_unselected, open_dataset, weights_of
from l1ae.evaluation import (
    LabelFree,
    ScoreSet,
    SpooledScores,
    agreement,
    group_ids,
    spooled_threshold_drift,
    threshold_drift,
)
from l1ae.pipeline._samples import Scorer, spooled_part
from l1ae.trigger import RATES

__all__ = ["label_free_of", "spooled_label_free_of"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Part:
    """Scores (N,) by variant, weights (N,) and source events (N,) of one part of the background."""

    scores: Mapping[str, npt.NDArray[np.floating]]
    weights: FloatArray
    groups: npt.NDArray[np.int64]


def label_free_of(scorer: Scorer, sets: Mapping[str, ScoreSet]) -> dict[str, LabelFree]:
    """The metrics of every variant; none where the validation or the test part of the background is empty.

    `sets` hold the scores of the test part, which need not be computed again. The threshold that drifts is that for `RATES[-1]` raw
    where the background is what a trigger sees, at `model.target_fpr` otherwise.
    """
    store = open_dataset(scorer.config.data.source, scorer.config.inputs.selected).background
    test = _part(scorer, store, TEST, {variant: scored.background for variant, scored in sets.items()})
    validation = _part(scorer, store, VALIDATION)
    if test is None or validation is None:
        return {}
    fpr = _drift_fpr(scorer.config, store)
    return {variant: _metrics(validation, test, variant, fpr) for variant in sets}


def _part(scorer: Scorer, store: EventStore, part: int, known: Mapping[str, npt.NDArray[np.floating]] | None = None) -> _Part | None:
    """A part of the background, with its scores computed unless they are known; None where it has no events."""
    blocks = [block for block in events_of(scorer.config.data, store, part) if len(block)]
    if not blocks:
        return None
    found = [weights_of(block) for block in blocks]
    weights = np.concatenate([np.ones(len(b)) if weight is None else weight for b, weight in zip(blocks, found, strict=True)])
    groups = group_ids(np.concatenate([b.process for b in blocks]), np.concatenate([b.source_event for b in blocks]))
    if known is None:
        scored = [scorer(block.hw) for block in blocks]
        known = {variant: np.concatenate([scores[variant] for scores in scored]) for variant in scorer.variants}
    return _Part(known, weights, groups)


def spooled_label_free_of(scorer: Scorer, test: SpooledScores) -> dict[str, LabelFree]:
    """As `label_free_of`, of the test part of the background in a spool."""
    store = open_dataset(scorer.config.data.source, scorer.config.inputs.selected).background
    validation = spooled_part(scorer, store, VALIDATION)
    if not len(validation.spool):
        return {}
    fpr = _drift_fpr(scorer.config, store)
    return {variant: _spooled_metrics(validation, test, variant, fpr) for variant in test.lsb}


def _spooled_metrics(validation: SpooledScores, test: SpooledScores, variant: str, fpr: float) -> LabelFree:
    """Equal scores are of equal rank: distributions by distinct scores say the same as all events."""
    (first, one), (second, other) = (sample.ranked[variant].distribution for sample in (validation, test))
    return LabelFree(
        events=(len(validation.spool), len(test.spool)),
        **agreement(first, second, (one, other)),
        drift=spooled_threshold_drift(test, variant, fpr),
    )


def _drift_fpr(config: Config, store: EventStore) -> float:
    return RATES[-1] / (config.trigger.revolution_khz * config.trigger.bunches) if is_unselected(store) else config.model.target_fpr


def _metrics(validation: _Part, test: _Part, variant: str, fpr: float) -> LabelFree:
    first, second = validation.scores[variant], test.scores[variant]
    return LabelFree(
        events=(len(first), len(second)),
        **agreement(first, second, (validation.weights, test.weights)),
        drift=threshold_drift(second, fpr, weights=test.weights, groups=test.groups),
    )
