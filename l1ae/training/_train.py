"""Float pre-training, BatchNorm folding, calibration and quantization-aware fine-tuning."""

import errno
import logging
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from l1ae.config import Config, PhaseConfig
from l1ae.errors import UserError
from l1ae.files import is_full
from l1ae.models import (
    Calibration,
    Networks,
    build_float_model,
    build_float_networks,
    build_quantized_networks,
    fold_batch_norm,
)
from l1ae.progress import task
from l1ae.training._calibrate import calibrate_on
from l1ae.training._checkpoint import Checkpoint, HistoryRow, Phase, fingerprint
from l1ae.training._data import Teacher, TrainingData, load_training_data
from l1ae.training._improvement import check_improvement, lower_rate
from l1ae.training._logs import TensorBoardLog, write_history
from l1ae.training._loop import Losses, Trainer

__all__ = ["EpochReport", "Progress", "TrainedModels", "TrainingResult", "load_trained", "train"]

_log = logging.getLogger("l1ae")

CHECKPOINT = "checkpoint.npz"
CALIBRATION = "calibration.json"
FLOAT_WEIGHTS = "float.weights.h5"
QUANTIZED_WEIGHTS = "quantized.weights.h5"
AUXILIARY_WEIGHTS = "{}.weights.h5"
HISTORY = "history.csv"
LOGS = "logs"

# finer than the LSB of any weight
_GRID = 2.0**24


@dataclass(frozen=True)
class EpochReport:
    """What the progress callback learns after each epoch, when its checkpoint is on disk."""

    phase: Phase
    epoch: int
    epochs: int
    loss: float
    validation_loss: float
    learning_rate: float


Progress = Callable[[EpochReport], None]


@dataclass(frozen=True)
class TrainingResult:
    """Epochs run in each phase, the best validation losses, and the time spent in epochs, interruptions left out."""

    float_epochs: int
    quantized_epochs: int
    float_loss: float
    quantized_loss: float
    seconds: float


@dataclass(frozen=True)
class TrainedModels:
    """The firmware graphs after training: floating point with BatchNorm folded, and quantized.

    `auxiliary` are the float graphs that were trained beside the quantized one (`l1ae.models.Networks`).
    """

    float_model: keras.Model
    quantized_model: keras.Model
    auxiliary: Mapping[str, keras.Model]

    @property
    def decoder(self) -> keras.Model | None:
        """Latent vectors (N, latent) to reconstruction (N, size) of a variational autoencoder, in network units."""
        return self.auxiliary.get("decoder")


@dataclass(frozen=True)
class _Run:
    config: Config
    folder: Path
    data: TrainingData
    fingerprint: str
    progress: Progress | None


def train(
    config: Config, folder: Path, *, resume: bool = False, progress: Progress | None = None, teachers: Sequence[Teacher] = ()
) -> TrainingResult:
    """Train a model from data to quantized weights. A student with `model.teacher_run` needs the scores of those runs as `teachers`.

    Leaves in `folder`: float.weights.h5 (BatchNorm folded), quantized.weights.h5, calibration.json, history.csv,
    logs/ (TensorBoard) and checkpoint.npz, which is rewritten after every epoch. With `resume` the training continues from that
    checkpoint, or starts when there is none. On a CPU, with the same number of threads and versions, an interrupted and
    resumed training ends with the same bytes as one that ran through.

    Raises `UserError` when the data do not fit the configuration, a loss is not finite, a phase does not improve the validation loss,
    or the checkpoint belongs to another configuration or other data.
    """
    tf.config.experimental.enable_op_determinism()
    folder.mkdir(parents=True, exist_ok=True)
    data = load_training_data(config, teachers)
    run = _Run(config, folder, data, fingerprint(config, data.digest), progress)
    start = _starting_point(run, resume=resume)
    if start is None or start.phase == "float":
        networks = build_float_networks(config)
        previous = _run_phase(run, "float", networks, start, None)
        finished = _run_phase(run, "quantized", networks := _quantize(run, networks), None, previous)
    else:
        networks = build_quantized_networks(config, Calibration.load(folder / CALIBRATION))
        finished = _run_phase(run, "quantized", networks, start, None)
    snap_weights(networks.firmware)
    _save_weights(networks.firmware, folder / QUANTIZED_WEIGHTS)
    for name, model in networks.auxiliary.items():
        _save_weights(model, folder / AUXILIARY_WEIGHTS.format(name))
    return _result(finished)


def load_trained(config: Config, folder: Path) -> TrainedModels:
    """Rebuild the models that `train` left in `folder`. Raises `UserError` when they are missing or do not fit `config`."""
    float_model = build_float_model(config, folded=True)
    _load_weights(float_model, folder / FLOAT_WEIGHTS)
    quantized = build_quantized_networks(config, Calibration.load(folder / CALIBRATION))
    _load_weights(quantized.firmware, folder / QUANTIZED_WEIGHTS)
    for name, model in quantized.auxiliary.items():
        _load_weights(model, folder / AUXILIARY_WEIGHTS.format(name))
    return TrainedModels(float_model, quantized.firmware, quantized.auxiliary)


def snap_weights(model: keras.Model) -> None:
    """Replace every weight by its quantized value.

    A QKeras quantizer returns w + (q(w) - w), which float32 may miss by one bit in the last place; of q(w) itself it
    does not.
    """
    for layer in model.layers:
        if hasattr(layer, "snap"):
            layer.snap()
        for name in ("kernel", "bias"):
            quantizer = getattr(layer, f"{name}_quantizer_internal", None)
            variable = getattr(layer, name, None)
            if quantizer is not None and variable is not None:
                values = np.asarray(quantizer(variable), np.float64)
                variable.assign((np.rint(values * _GRID) / _GRID).astype(np.float32))


def _starting_point(run: _Run, *, resume: bool) -> Checkpoint | None:
    """The checkpoint to continue from; without one, results of an earlier training are removed so that nothing mixes."""
    path = run.folder / CHECKPOINT
    if resume and path.exists():
        checkpoint = Checkpoint.load(path, run.fingerprint)
        _log.info("continuing the %s training after epoch %d", checkpoint.phase, checkpoint.epoch)
        return checkpoint
    for path in (*(run.folder / name for name in (CHECKPOINT, CALIBRATION, HISTORY)), *run.folder.glob(AUXILIARY_WEIGHTS.format("*"))):
        path.unlink(missing_ok=True)
    shutil.rmtree(run.folder / LOGS, ignore_errors=True)
    return None


def _run_phase(run: _Run, phase: Phase, networks: Networks, start: Checkpoint | None, previous: Checkpoint | None) -> Checkpoint:
    """Train until the schedule ends; `networks` end with the weights of the best epoch.

    Continues from `start`, or begins after the `previous` phase.
    """
    schedule = _schedule(run.config, phase)
    trainer = Trainer(run.config, networks, run.data, phase)
    state = _begin(run, phase, trainer, previous) if start is None else start
    _assign(trainer.variables, state.variables)
    with TensorBoardLog(run.folder / LOGS / phase) as board, task(f"{phase} training", total=schedule.epochs, unit="epochs") as epochs:
        epochs.begin_at(state.epoch)
        while not state.finished(schedule):
            state = _run_epoch(run, phase, trainer, state)
            state.save(run.folder / CHECKPOINT)
            write_history(run.folder / HISTORY, state.history)
            board.write(state.history[-1])
            epochs.update(state.epoch, note=f"validation loss {state.history[-1].validation_loss:.4g}")
            _report(run, schedule, state.history[-1])
    check_improvement(run.config, phase, state)
    _assign(networks.variables, state.best)
    _log.info("%s training: best validation loss %.6g after epoch %d of %d", phase, state.best_loss, state.best_epoch, state.epoch)
    return state


def _begin(run: _Run, phase: Phase, trainer: Trainer, previous: Checkpoint | None) -> Checkpoint:
    """The state before the first epoch."""
    rate = _schedule(run.config, phase).learning_rate
    losses = _checked(run, phase, 0, trainer.validate())
    row = _row(phase, 0, rate, Losses(np.nan, dict.fromkeys(losses.terms, np.nan)), losses)
    variables = _values(trainer.variables)
    return Checkpoint(
        fingerprint=run.fingerprint,
        phase=phase,
        epoch=0,
        learning_rate=rate,
        best_loss=losses.total,
        best_epoch=0,
        stale=0,
        stale_rate=0,
        seconds=previous.seconds if previous else 0.0,
        history=(*previous.history, row) if previous else (row,),
        variables=variables,
        best=variables[: trainer.n_network_variables],
    )


def _run_epoch(run: _Run, phase: Phase, trainer: Trainer, state: Checkpoint) -> Checkpoint:
    started = time.perf_counter()
    epoch = state.epoch + 1
    losses = _checked(run, phase, epoch, trainer.train(epoch, state.learning_rate))
    validation = _checked(run, phase, epoch, trainer.validate())
    row = _row(phase, epoch, state.learning_rate, losses, validation)
    seconds = time.perf_counter() - started
    return state.after_epoch(
        _schedule(run.config, phase),
        row,
        _values(trainer.variables),
        trainer.n_network_variables,
        seconds=seconds,
        settled_after=trainer.settled_after,
    )


def _quantize(run: _Run, networks: Networks) -> Networks:
    """Fold, save the float weights, calibrate, and build the quantized networks from the folded weights."""
    folded = fold_batch_norm(run.config, networks)
    _save_weights(folded.firmware, run.folder / FLOAT_WEIGHTS)
    calibration = calibrate_on(run.config, folded.firmware, run.data.training, run.data.weights)
    calibration.save(run.folder / CALIBRATION)
    quantized = build_quantized_networks(run.config, calibration)
    for source, target in zip(folded.models, quantized.models, strict=True):
        for layer in source.layers:
            copy_weights(layer, target.get_layer(layer.name))
    return quantized


def copy_weights(source: Any, target: Any) -> None:
    """Kernel and bias; trained widths, which only `target` may have, stay as they are."""
    weights = source.get_weights()
    if weights:
        target.set_weights([*weights, *target.get_weights()[len(weights) :]])


def _schedule(config: Config, phase: Phase) -> PhaseConfig:
    return config.training.float_phase if phase == "float" else config.training.quantized_phase


def _row(phase: Phase, epoch: int, learning_rate: float, losses: Losses, validation: Losses) -> HistoryRow:
    return HistoryRow(phase, epoch, learning_rate, losses.total, validation.total, losses.terms, validation.terms)


def _checked(run: _Run, phase: Phase, epoch: int, losses: Losses) -> Losses:
    if not np.isfinite(losses.total):
        advice = lower_rate(phase, _schedule(run.config, phase).learning_rate)
        raise UserError(f"{phase} training, epoch {epoch}: the loss is {losses.total}; {advice}")
    return losses


def _report(run: _Run, schedule: PhaseConfig, row: HistoryRow) -> None:
    _log.debug(
        "%s epoch %d: loss %.6g, validation %.6g, learning rate %.3g",
        row.phase,
        row.epoch,
        row.loss,
        row.validation_loss,
        row.learning_rate,
    )
    if run.progress is not None:
        run.progress(EpochReport(row.phase, row.epoch, schedule.epochs, row.loss, row.validation_loss, row.learning_rate))


def _result(state: Checkpoint) -> TrainingResult:
    float_rows = [row for row in state.history if row.phase == "float"]
    return TrainingResult(
        float_epochs=float_rows[-1].epoch,
        quantized_epochs=state.epoch,
        float_loss=min(row.validation_loss for row in float_rows),
        quantized_loss=state.best_loss,
        seconds=state.seconds,
    )


def _values(variables: Sequence[Any]) -> tuple[npt.NDArray[Any], ...]:
    return tuple(np.array(variable.numpy()) for variable in variables)


def _assign(variables: Sequence[Any], values: Sequence[npt.NDArray[Any]]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _save_weights(model: keras.Model, path: Path) -> None:
    temporary = path.with_name(f"unfinished.{path.name}")  # Keras insists on the ending .weights.h5
    report, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        model.save_weights(temporary)
    except (OSError, RuntimeError) as error:
        if is_full(error):
            # what HDF5 holds it tries to write until the process ends, and says each time that it cannot
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        sys.unraisablehook = report
        raise
    sys.unraisablehook = report
    temporary.replace(path)


def _load_weights(model: keras.Model, path: Path) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns when it leaves layers as they were
            model.load_weights(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, MemoryError, UserWarning) as error:
        raise UserError(f"{path}: cannot be loaded ({error}); was it trained with this configuration? Train the model again") from error
