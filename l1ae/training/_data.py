"""Training and validation events as network inputs, in memory."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l1ae.config import Config
from l1ae.data import open_dataset, split_fractions
from l1ae.errors import UserError
from l1ae.inputs import InputSpec

__all__ = ["Block", "TrainingData", "load_training_data"]

CHUNK = 65536
_PARTS = ("training", "validation")


@dataclass(frozen=True, eq=False)
class Block:
    """Events as a network sees them: values (N, size) float32 on the input grid, and which of them carry information."""

    inputs: npt.NDArray[np.float32]
    mask: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Background for training and validation; `digest` is the sha256 of the hardware integers of both."""

    training: Block
    validation: Block
    digest: str


def load_training_data(config: Config) -> TrainingData:
    """Read the background store, split it by source event, and convert it to network inputs.

    Holds 2 bytes per input while reading and 5 afterwards. Raises `UserError` when the store is missing or damaged, or
    the training part is smaller than one batch, or the validation part is empty.
    """
    spec = config.inputs.spec()
    parts: tuple[list[npt.NDArray[np.int16]], ...] = ([], [])
    for events in open_dataset(config.data.source, spec).background.chunks(CHUNK):
        part = split_fractions(events, (config.data.train, config.data.validation), config.data.split_seed)
        for index, blocks in enumerate(parts):
            blocks.append(events.hw[part == index])
    counts = [sum(map(len, blocks)) for blocks in parts]
    _check_sizes(config, counts)
    digest = hashlib.sha256()
    for blocks in parts:
        for block in blocks:
            digest.update(block.tobytes())
    training, validation = (_convert(spec, blocks, count) for blocks, count in zip(parts, counts, strict=True))
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


def _convert(spec: InputSpec, blocks: list[npt.NDArray[np.int16]], count: int) -> Block:
    result = Block(np.empty((count, spec.size), np.float32), np.empty((count, spec.size), np.bool_))
    start = 0
    for block in blocks:
        where = slice(start, start := start + len(block))
        result.inputs[where] = spec.to_network_float(block)
        result.mask[where] = spec.mask(block)
    return result
