"""Training and validation events: in memory where they fit, else in a file."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.config import Config
from l1ae.data import TRAIN, VALIDATION, divided, open_dataset, weights_of
from l1ae.errors import UserError
from l1ae.inputs import Layout
from l1ae.training._rows import Collected, blocks, scaled

__all__ = ["Teacher", "TrainingData", "load_training_data"]

CHUNK = 65536

Codes = npt.NDArray[np.integer]
Weights = npt.NDArray[np.float32]
Real = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Teacher:
    """What a student imitates: `score` gives a number (N,) for the hardware codes (N, size) of `layout`, which the background store
    must have; larger is more anomalous."""

    layout: Layout
    score: Callable[[Codes], Real]


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Hardware integers (N, size) of the background for training and validation; `digest` is the sha256 of all that is here.

    `weights` and `validation_weights`, (N,) each, to the power `training.weight_power`, are positive and of mean 1, so that a mean of
    weight x loss over a batch has the weighted mean over all events as its expectation; None where all events count the same. `targets`
    and `validation_targets`, (N,) each, are what teachers say, None without any.
    """

    training: Codes
    validation: Codes
    digest: str
    weights: Weights | None = None
    validation_weights: Weights | None = None
    targets: Weights | None = None
    validation_targets: Weights | None = None


def load_training_data(config: Config, teachers: Sequence[Teacher] = ()) -> TrainingData:
    """Read the background store and split it as `data` says. More than a million events stay in a file, but for what teachers say.

    Raises `UserError` when the store is missing or damaged, has no recorded split though one is asked for, or has weights that cannot
    be used (`l1ae.data.divided`), or the training part is smaller than one batch, or the validation part is empty.
    """
    layout = config.inputs.selected
    parts = [Collected() for _ in (TRAIN, VALIDATION)]
    weights = [Collected() for _ in (TRAIN, VALIDATION)]
    for events, part in divided(config.data, open_dataset(config.data.source, layout).background, size=CHUNK):
        found = weights_of(events)
        for index, codes, weighed in zip((TRAIN, VALIDATION), parts, weights, strict=True):
            codes.append(events.hw[part == index])
            if found is not None:
                weighed.append(found[part == index])
    _check_sizes(config, list(map(len, parts)))
    training, validation = (codes.array() for codes in parts)
    exact = [weighed.array() if len(weighed) else None for weighed in weights]
    shares = [None if found is None else scaled(found, config.training.weight_power) for found in exact]
    targets = _mean_targets(config, teachers, exact[0]) if teachers else (None, None)
    digest = hashlib.sha256()
    for values in (training, validation, *shares, *targets):
        for block in () if values is None else blocks(values):
            digest.update(block.tobytes())
    return TrainingData(training, validation, digest.hexdigest(), *shares, *targets)


def _mean_targets(config: Config, teachers: Sequence[Teacher], weights: Real | None) -> tuple[Weights, Weights]:
    training, validation = zip(*(_targets(config, teacher, weights) for teacher in teachers), strict=True)
    return np.mean(training, axis=0, dtype=np.float32), np.mean(validation, axis=0, dtype=np.float32)


def _targets(config: Config, teacher: Teacher, weights: Real | None) -> tuple[Weights, Weights]:
    """What the teacher says of training and validation events, as `model.teaching` wants it; `weights` are those of the training."""
    parts: tuple[list[Real], list[Real]] = ([], [])
    for events, part in divided(config.data, open_dataset(config.data.source, teacher.layout).background, size=CHUNK):
        for index, said in zip((TRAIN, VALIDATION), parts, strict=True):
            if (part == index).any():
                said.append(np.asarray(teacher.score(events.hw[part == index]), np.float64))
    training, validation = (np.concatenate(said) for said in parts)
    if not (np.isfinite(training).all() and np.isfinite(validation).all()):
        raise UserError("model.teacher_run: its score of some training event is no finite number; train that run again, or choose another")
    if config.model.teaching == "rank":
        return surprise_of_rank(training, training, weights), surprise_of_rank(validation, training, weights)
    if min(training.min(), validation.min()) <= -1.0:
        raise UserError("model.teacher_run: its score reaches -1, of which ln(1 + score) does not exist; set model.teaching: rank")
    return np.log1p(training).astype(np.float32), np.log1p(validation).astype(np.float32)


def surprise_of_rank(scores: Real, reference: Real, weights: Real | None) -> Weights:
    """-log2 of the fraction of `reference`, by its `weights`, that scores as high or higher, (N,): 1 more at half the rate.

    What scores higher than all of it is as rare as the event of the smallest weight.
    """
    weights = np.ones(len(reference)) if weights is None else weights
    order = np.argsort(reference, kind="stable")
    above = np.append(np.cumsum(weights[order][::-1])[::-1], weights.min())
    share = above[np.searchsorted(reference[order], scores, side="left")]
    return (-np.log2(np.minimum(share / weights.sum(), 1.0)) + 0.0).astype(np.float32)


def _check_sizes(config: Config, counts: list[int]) -> None:
    source = f"data source '{config.data.source}'"
    if counts[0] < config.training.batch_size:
        raise UserError(
            f"{source} leaves {counts[0]} background events for training, fewer than one batch of {config.training.batch_size}; "
            "use more events, a larger data.train or a smaller training.batch_size"
        )
    if counts[1] == 0:
        raise UserError(f"{source} leaves no background event for validation; use more events or a larger data.validation")
