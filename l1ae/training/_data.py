"""Training and validation events in memory."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.config import Config
from l1ae.data import TRAIN, VALIDATION, divided, open_dataset, weights_of
from l1ae.errors import UserError

__all__ = ["TrainingData", "load_training_data"]

CHUNK = 65536

Codes = npt.NDArray[np.integer]
Weights = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Hardware integers (N, size) of the background for training and validation; `digest` is the sha256 of all that is here.

    `weights` and `validation_weights`, (N,) each, to the power `training.weight_power`, are positive and of mean 1; None where all events
    count the same.
    """

    training: Codes
    validation: Codes
    digest: str
    weights: Weights | None = None
    validation_weights: Weights | None = None


def load_training_data(config: Config) -> TrainingData:
    """Read the background store and split it as `data` says; 2 bytes per input, and 4 per event for weights.

    Raises `UserError` when the store is missing or damaged, has no recorded split though one is asked for, or has weights that cannot
    be used (`l1ae.data.divided`), or the training part is smaller than one batch, or the validation part is empty.
    """
    layout = config.inputs.selected
    parts: tuple[list[Codes], ...] = ([], [])
    weights: tuple[list[npt.NDArray[np.float64]], ...] = ([], [])
    for events, part in divided(config.data, open_dataset(config.data.source, layout).background, size=CHUNK):
        found = weights_of(events)
        for index, blocks, weighed in zip((TRAIN, VALIDATION), parts, weights, strict=True):
            blocks.append(events.hw[part == index])
            if found is not None:
                weighed.append(found[part == index])
    _check_sizes(config, [sum(map(len, blocks)) for blocks in parts])
    training, validation = (np.concatenate(blocks) for blocks in parts)
    digest = hashlib.sha256(training.tobytes())
    digest.update(validation.tobytes())
    power = config.training.weight_power
    shares = [_of_mean_one(np.concatenate(blocks) ** power) if blocks else None for blocks in weights]
    for share in shares:
        digest.update(b"" if share is None else share.tobytes())
    return TrainingData(training, validation, digest.hexdigest(), *shares)


def _of_mean_one(weights: npt.NDArray[np.float64]) -> Weights:
    """So that a mean of weight x loss over a batch has the weighted mean over all events as its expectation."""
    return (weights / weights.mean()).astype(np.float32)


def _check_sizes(config: Config, counts: list[int]) -> None:
    source = f"data source '{config.data.source}'"
    if counts[0] < config.training.batch_size:
        raise UserError(
            f"{source} leaves {counts[0]} background events for training, fewer than one batch of {config.training.batch_size}; "
            "use more events, a larger data.train or a smaller training.batch_size"
        )
    if counts[1] == 0:
        raise UserError(f"{source} leaves no background event for validation; use more events or a larger data.validation")
