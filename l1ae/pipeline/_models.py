"""The models of a run: trained here, or imported from a file that somebody else made."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.config import Config, DataConfig, load_description
from l1ae.contract import Contract, build_contract, for_events, import_description, load_keras, tables_contract
from l1ae.data import TRAIN, EventStore, dataset_folder, some_of, weights_of
from l1ae.errors import UserError
from l1ae.extras import needs
from l1ae.inputs import Layout
from l1ae.pipeline._preprocessing import with_derived_inputs
from l1ae.tables import TABLES, AdditiveTables, load_tables, sketched_tables, untrained_tables

__all__ = [
    "Models",
    "copy_source",
    "drawn_contract",
    "has_threshold",
    "load_contract",
    "load_models",
    "source_contract",
    "source_files",
    "untrained_contract",
]


@dataclass(frozen=True)
class Models:
    """What the contract was made of: Keras models, or tables; None where there is none: an imported model has no float twin, a
    description neither."""

    float_model: Any | None
    quantized_model: Any | None
    tables: AdditiveTables | None = None


def load_models(config: Config, folder: Path) -> Models:
    """What the train stage left in `folder`."""
    if config.model.family.tabular:
        return Models(None, None, load_tables(folder / TABLES, config.inputs.columns))
    if config.model.source is None:
        with needs("train"):
            from l1ae.training import load_trained
        trained = load_trained(config, folder)
        return Models(trained.float_model, trained.quantized_model)
    return Models(None, None if config.model.described else load_keras(_copy(config, folder), config.model.source))


def load_contract(config: Config, folder: Path) -> Contract:
    """The contract of what the train stage left in `folder`, with the threshold of a description that has one.

    Raises `UserError` when a description does not fit the events that `config.inputs` asks for (`for_events`).
    """
    if config.model.source is not None:
        with _called_as_given(config, folder):
            return source_contract(config, _copy(config, folder))
    models = load_models(config, folder)
    return build_contract(config, models.quantized_model) if models.tables is None else tables_contract(config, models.tables)


def source_contract(config: Config, path: Path) -> Contract:
    """The contract of an imported model, which `path` holds: a description, or layers of Keras. Raises `UserError` as `load_contract`."""
    if config.model.described:
        return for_events(import_description(path, config.project), config.inputs.selected, path)
    return build_contract(config, load_keras(path, config.model.source))


def untrained_contract(config: Config) -> Contract:
    """The contract of the network before any training: right in names, shapes and operations, of which refusals speak.

    Raises `UserError` as `build_contract` does.
    """
    if config.model.family.tabular:
        return tables_contract(config, untrained_tables(config))
    with needs("train"):
        from l1ae.models import build_quantized_model, calibrate, firmware_plan, weight_steps
    steps = weight_steps(firmware_plan(config))
    halves = {step.name: 0.5 for step in steps}
    calibration = calibrate(config, halves, halves, {step.activation: 2.0 for step in steps})
    return build_contract(config, build_quantized_model(config, calibration))


def drawn_contract(config: Config) -> Contract:
    """The contract of a model about as training leaves it, without training: weights are drawn, tables counted on some of the events.

    Raises `UserError` as `build_contract` and `tables_contract` do, and for a data source that is missing or does not fit.
    """
    folder = dataset_folder(config.data.source)
    codes, weights, share = _sample(config.data, config.inputs.selected, (folder / "background.h5").stat().st_mtime_ns)
    if config.model.family.tabular:
        return tables_contract(config, sketched_tables(config, codes, weights, share))
    with needs("train"):
        from l1ae.training import drawn_model
    config = with_derived_inputs(config, (codes, weights))
    some = np.arange(0, len(codes), max(len(codes) // _DRAWN_EVENTS, 1))
    return build_contract(config, drawn_model(config, codes[some], None if weights is None else weights[some]))


_SAMPLE, _DRAWN_EVENTS = 1 << 15, 1 << 11
"""Training events that bins, tables and offsets are found on, and those of them that the ranges of a network are."""


@lru_cache(maxsize=4)
def _sample(data: DataConfig, layout: Layout, modified: int) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.float64] | None, float]:
    """Codes (N, layout.size), weights (N,) and the part of all training events that these are; `modified`: when the store was written."""
    store = EventStore.open(dataset_folder(data.source) / "background.h5", layout)
    events, share = some_of(data, store, TRAIN, _SAMPLE)
    return events.hw, weights_of(events), share


def has_threshold(config: Config, folder: Path) -> bool:
    """Whether the threshold is part of an imported description; otherwise it follows from `model.target_fpr`."""
    return config.model.described and load_description(_copy(config, folder)).score.threshold is not None


def _copy(config: Config, folder: Path) -> Path:
    """The run's own copy of an imported model."""
    assert config.model.source is not None
    return folder / Path(config.model.source).name


@contextmanager
def _called_as_given(config: Config, folder: Path) -> Iterator[None]:
    """Messages about the copy of a description, or about what lies beside it, name the file that a user can edit."""
    assert config.model.source is not None
    try:
        yield
    except UserError as error:
        raise UserError(str(error).replace(str(folder), str(Path(config.model.source).parent))) from error


def source_files(config: Config) -> list[Path]:
    """The files of an imported model: the model itself, and what a description names: its arrays, its layout."""
    assert config.model.source is not None
    path = Path(config.model.source)
    if not path.is_file():
        raise UserError(f"model.source '{path}' does not exist; it is relative to the configuration file")
    if not config.model.described:
        return [path]
    description = load_description(path)
    if description.weights is not None and not description.weights.is_file():
        raise UserError(f"{path}: the weights '{description.weights}' do not exist; the name is relative to the description")
    return [path, *description.files]


def copy_source(config: Config, folder: Path) -> None:
    """Copy an imported model into `folder`, so that a run needs nothing else."""
    assert config.model.source is not None
    origin = Path(config.model.source).parent
    for path in source_files(config):
        target = folder / path.relative_to(origin)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
