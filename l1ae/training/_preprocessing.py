"""Offsets and shifts that a configuration leaves to the training data."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from l1ae.config import Config, DerivedPreprocessing
from l1ae.data import TRAIN, events_of, open_dataset
from l1ae.families import Front
from l1ae.inputs import derive_preprocessing
from l1ae.training._data import CHUNK

__all__ = ["with_derived_inputs"]


def with_derived_inputs(config: Config) -> Config:
    """The configuration with the result of `inputs.preprocessing: auto` in it; the same one where nothing is left to the data.

    Reads the training part of the background once, in blocks. What a configuration has derived already stays.
    Raises `UserError` as `derive_preprocessing` and for a data source that is missing or does not fit.
    """
    if not config.inputs.automatic or config.inputs.derived is not None or config.model.family.imported:
        return config
    by_group = config.model.family.front is Front.OBJECTS
    offset, shift = derive_preprocessing(config.inputs.selected, _training_blocks(config), by_group=by_group)
    derived = DerivedPreprocessing(offset=tuple(offset.tolist()), shift=tuple(shift.tolist()))
    return config.model_copy(update={"inputs": config.inputs.model_copy(update={"derived": derived})})


def _training_blocks(config: Config) -> Iterator[npt.NDArray[np.integer]]:
    store = open_dataset(config.data.source, config.inputs.selected).background
    return (events.hw for events in events_of(config.data, store, TRAIN, size=CHUNK))
