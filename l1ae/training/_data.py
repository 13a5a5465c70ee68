"""Training and validation events in memory."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.config import Config
from l1ae.data import TRAIN, VALIDATION, open_dataset, split_columns, split_parts
from l1ae.errors import UserError

__all__ = ["TrainingData", "load_training_data"]

CHUNK = 65536

Codes = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Hardware integers (N, size) of the background for training and validation; `digest` is the sha256 of both."""

    training: Codes
    validation: Codes
    digest: str


def load_training_data(config: Config) -> TrainingData:
    """Read the background store and split it as `data` says; 2 bytes per input.

    Raises `UserError` when the store is missing or damaged, has no recorded split though one is asked for, or the training part is
    smaller than one batch, or the validation part is empty.
    """
    layout = config.inputs.selected
    parts: tuple[list[Codes], ...] = ([], [])
    store = open_dataset(config.data.source, layout).background
    for events in store.chunks(CHUNK, extra=split_columns(config.data, store)):
        part = split_parts(config.data, events)
        for index, blocks in zip((TRAIN, VALIDATION), parts, strict=True):
            blocks.append(events.hw[part == index])
    _check_sizes(config, [sum(map(len, blocks)) for blocks in parts])
    training, validation = (np.concatenate(blocks) for blocks in parts)
    digest = hashlib.sha256(training.tobytes())
    digest.update(validation.tobytes())
    return TrainingData(training, validation, digest.hexdigest())


def _check_sizes(config: Config, counts: list[int]) -> None:
    source = f"data source '{config.data.source}'"
    if counts[0] < config.training.batch_size:
        raise UserError(
            f"{source} leaves {counts[0]} background events for training, fewer than one batch of {config.training.batch_size}; "
            "use more events, a larger data.train or a smaller training.batch_size"
        )
    if counts[1] == 0:
        raise UserError(f"{source} leaves no background event for validation; use more events or a larger data.validation")
