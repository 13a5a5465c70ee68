"""Training of density models: counting, without TensorFlow."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l1ae.config import Config
from l1ae.data import TRAIN, events_of, open_dataset, weights_of
from l1ae.inputs import WeightedBlock
from l1ae.tables._additive import AdditiveTables, save_tables
from l1ae.tables._density import fit_forest

__all__ = ["TABLES", "DensityResult", "train_density", "untrained_density"]

TABLES = "tables.json"

_UNTRAINED_EVENTS = 4096


@dataclass(frozen=True)
class DensityResult:
    """Trees, their tables and all entries, and the time."""

    trees: int
    tables: int
    entries: int
    seconds: float


def train_density(config: Config, folder: Path) -> DensityResult:
    """Fit the trees of `model.density` to the training part of the background, and leave them in `folder`/tables.json.

    Deterministic, in the memory of one block of events, whatever their number. Raises `UserError` as `fit_trees`, and for a data source
    that is missing or does not fit.
    """
    started = time.perf_counter()
    inputs = config.inputs
    store = open_dataset(config.data.source, inputs.selected).background

    def blocks() -> Iterator[WeightedBlock]:
        return ((inputs.event(events.hw), weights_of(events)) for events in events_of(config.data, store, TRAIN))

    model = fit_forest(inputs.columns, config.model.density.trees, blocks)
    folder.mkdir(parents=True, exist_ok=True)
    save_tables(model, inputs.columns, folder / TABLES)
    entries = sum(table.size for table in model.tables)
    seconds = time.perf_counter() - started
    return DensityResult(len(config.model.density.trees), len(model.tables), entries, seconds)


def untrained_density(config: Config) -> AdditiveTables:
    """A model of the shape that training gives where every edge is populated: right in names, sizes and operations."""
    layout = config.inputs.columns
    low, high = layout.code_range
    rng = np.random.default_rng(config.seed)
    codes = rng.integers(low, high + 1, (_UNTRAINED_EVENTS, layout.size))
    return fit_forest(layout, [tree.model_copy(update={"populated": 1}) for tree in config.model.density.trees], lambda: [(codes, None)])
