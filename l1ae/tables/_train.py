"""Training of models made of tables, without TensorFlow."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l1ae.config import Config, PairsConfig, ReferenceConfig
from l1ae.data import TRAIN, events_of, open_dataset, weights_of
from l1ae.errors import UserError
from l1ae.families import Body
from l1ae.results import Count, Positive
from l1ae.tables._additive import AdditiveTables, Codes, FloatArray, save_tables
from l1ae.tables._density import Blocks, fit_forest, fit_ratio
from l1ae.tables._injection import Contrast
from l1ae.tables._pairs import fit_pairs

__all__ = ["TABLES", "TablesResult", "sketched_tables", "train_tables", "untrained_tables"]

TABLES = "tables.json"

_UNTRAINED_EVENTS = 4096
_USUAL_RATE = PairsConfig().learning_rate


@dataclass(frozen=True)
class TablesResult:
    """Tables, all their entries, and the time that their training took."""

    tables: Count
    entries: Count
    seconds: Positive


def train_tables(config: Config, folder: Path) -> TablesResult:
    """Fit the tables of the configured architecture to the training part of the background, and leave them in `folder`/tables.json.

    The same configuration and data give the same bytes. Raises `UserError` as `fit_trees` and `fit_pairs`, and for a data source that is
    missing or does not fit.
    """
    started = time.perf_counter()
    store = open_dataset(config.data.source, config.inputs.selected).background
    model = _fitted(config, lambda: ((events.hw, weights_of(events)) for events in events_of(config.data, store, TRAIN)))
    folder.mkdir(parents=True, exist_ok=True)
    save_tables(model, config.inputs.columns, folder / TABLES)
    return TablesResult(len(model.tables), sum(table.size for table in model.tables), time.perf_counter() - started)


def untrained_tables(config: Config) -> AdditiveTables:
    """A model of the shape that training gives where every edge is populated: right in names, sizes and operations."""
    layout = config.inputs.selected
    low, high = layout.code_range
    codes = np.random.default_rng(config.seed).integers(low, high + 1, (_UNTRAINED_EVENTS, layout.size)).astype(layout.dtype)
    trees = tuple(tree.model_copy(update={"populated": 1}) for tree in config.model.density.trees)
    few = ReferenceConfig(events=_UNTRAINED_EVENTS)
    density = config.model.density
    short = {
        "density": density.model_copy(update={"trees": trees, "reference": density.reference and few}),
        "pair_tables": config.model.pair_tables.model_copy(update={"epochs": 1, "learning_rate": _USUAL_RATE, "reference": few}),
    }
    return _fitted(config.model_copy(update={"model": config.model.model_copy(update=short)}), lambda: [(codes, None)], checked=False)


def sketched_tables(config: Config, codes: Codes, weights: FloatArray | None, share: float) -> AdditiveTables:
    """A model as training gives it, of some of its events (N, size) with weights (N,), which are `share` of all: bins and entries of trees
    are about those of trained ones. Tables of pairs, whose entries take more steps, are those of `untrained_tables`."""
    if config.model.family.body is not Body.DENSITY:
        return untrained_tables(config)
    density = config.model.density
    trees = tuple(tree.model_copy(update={"populated": max(round(tree.populated * share), 1)}) for tree in density.trees)
    few = density.reference and density.reference.model_copy(update={"events": min(density.reference.events, max(len(codes) // 4, 1000))})
    short = {"density": density.model_copy(update={"trees": trees, "reference": few})}
    return _fitted(config.model_copy(update={"model": config.model.model_copy(update=short)}), lambda: [(codes, weights)])


def _fitted(config: Config, blocks: Blocks, *, checked: bool = True) -> AdditiveTables:
    """`checked`: whether tables that learnt nothing are an error."""
    if config.model.family.body is Body.DENSITY:
        return _forest(config, blocks)
    return _pairs(config, blocks, checked=checked)


def _forest(config: Config, blocks: Blocks) -> AdditiveTables:
    inputs, density, columns = config.inputs, config.model.density, used_columns(config)
    if density.reference is None:
        return fit_forest(inputs.columns, density.trees, lambda: ((inputs.event(codes), w) for codes, w in blocks()), columns)
    sample = Contrast.of(inputs, density.reference, *_together(blocks), config.seed)
    return fit_ratio(inputs.columns, density.trees, sample, columns, config.seed)


def _pairs(config: Config, blocks: Blocks, *, checked: bool) -> AdditiveTables:
    pairs = config.model.pair_tables
    sample = Contrast.of(config.inputs, pairs.reference, *_together(blocks), config.seed)
    return fit_pairs(used_columns(config), pairs, sample, config.seed, checked=checked)


def _together(blocks: Blocks) -> tuple[Codes, FloatArray]:
    """All events and their weights."""
    found = [(codes, np.ones(len(codes)) if weights is None else np.asarray(weights, np.float64)) for codes, weights in blocks()]
    codes, weights = (np.concatenate(parts) for parts in zip(*found, strict=True))
    if not len(codes):
        raise UserError("models made of tables need training events, and there are none; give a data source with events")
    return codes, weights


def used_columns(config: Config) -> tuple[int, ...]:
    """The columns of `inputs.columns` that are binned. Raises `UserError` for a name in `model.columns` that is none."""
    layout, asked = config.inputs.columns, config.model.columns
    known = {name for column in layout.columns for name in (column.name, column.feature.name)}
    for name in asked or ():
        if name not in known:
            raise UserError(f"model.columns: '{name}' is no feature and no column of the inputs; they are {', '.join(sorted(known))}")
    chosen = [asked is None or {column.name, column.feature.name} & set(asked) for column in layout.columns]
    return tuple(k for k, (wanted, present) in enumerate(zip(chosen, layout.present, strict=True)) if wanted and present)
