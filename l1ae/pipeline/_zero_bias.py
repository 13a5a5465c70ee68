"""Zero-bias crossings for a run."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from l1ae.config import Config
from l1ae.data import EventStore, shipped_zero_bias
from l1ae.errors import UserError

__all__ = ["has_zero_bias", "open_zero_bias", "zero_bias_events"]


def has_zero_bias(config: Config) -> bool:
    """Whether there is a store for the configuration: the shipped one has the columns of layout `ugt` only."""
    if config.trigger.zero_bias != "shipped":
        return True
    try:
        config.inputs.selected.taken_from(EventStore.open(shipped_zero_bias()).own, "the zero bias that comes with l1ae")
    except UserError:
        return False
    return True


def _path(config: Config) -> Path:
    return shipped_zero_bias() if config.trigger.zero_bias == "shipped" else Path(config.trigger.zero_bias)


def open_zero_bias(config: Config, path: Path | None = None) -> EventStore:
    """The zero-bias store `path`, default the configuration's, in the columns of the run's inputs.

    Raises `UserError` when it does not exist or lacks them.
    """
    if path is None and not has_zero_bias(config):
        raise UserError(
            f"the zero bias that comes with l1ae has layout 'ugt', without the columns of '{config.inputs.selected.name}' that this "
            "network reads; give events without selection of your own: --zero-bias STORE.h5, or trigger.zero_bias"
        )
    return EventStore.open(path or _path(config), config.inputs.selected)


def zero_bias_events(config: Config, count: int, path: Path | None = None) -> npt.NDArray[np.int64]:
    """Hardware integers (N, size) of the first `count` crossings; none where the shipped store has no such columns.

    Raises `UserError` when a store that was named holds fewer.
    """
    if path is None and not has_zero_bias(config):
        return np.empty((0, config.inputs.selected.size), np.int64)
    store = open_zero_bias(config, path)
    if store.n_events < count:
        raise UserError(
            f"'{store.path}' holds {store.n_events} crossings, fewer than the {count} asked for; make more with "
            f"`l1ae data generate --sample zerobias --events {count} -o FILE.h5`"
        )
    return store.read(0, count).hw.astype(np.int64)
