"""The complete state of a training between two epochs, and its file."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from l1ae.config import Config, PhaseConfig
from l1ae.errors import UserError
from l1ae.files import read_arrays, replacing

__all__ = ["Checkpoint", "HistoryRow", "Phase", "fingerprint"]

Array = npt.NDArray[Any]
Phase = Literal["float", "quantized"]

_VERSION = 2
# fields of the model section that do not influence the training, and the place of what is digested with the data
_UNTRAINED = {"score", "score_type", "table_type", "target_fpr", "teacher_run"}


@dataclass(frozen=True)
class HistoryRow:
    """One epoch; epoch 0 is the state before training. Losses and the terms they are made of are averages per event, by weight."""

    phase: Phase
    epoch: int
    learning_rate: float
    loss: float
    validation_loss: float
    terms: Mapping[str, float]
    validation_terms: Mapping[str, float]

    def columns(self) -> dict[str, str | float]:
        """As a line of history.csv."""
        row: dict[str, str | float] = {"phase": self.phase, "epoch": self.epoch, "learning_rate": self.learning_rate, "loss": self.loss}
        row |= dict(self.terms) | {"validation_loss": self.validation_loss}
        return row | {f"validation_{name}": value for name, value in self.validation_terms.items()}


@dataclass(frozen=True, eq=False)
class _State:
    """A checkpoint without its arrays.

    `stale` counts epochs since the last improvement, `stale_rate` those since the last improvement or decay.
    """

    fingerprint: str
    phase: Phase
    epoch: int
    learning_rate: float
    best_loss: float
    best_epoch: int
    stale: int
    stale_rate: int
    seconds: float
    history: tuple[HistoryRow, ...]


_STATE = TypeAdapter(_State)


@dataclass(frozen=True, eq=False)
class Checkpoint(_State):
    """Everything that the next epoch depends on.

    `variables` are those of `Trainer.variables`; `best` are the network variables of the epoch with the lowest validation
    loss. There is no random state: order and noise follow from (seed, phase, epoch).
    """

    variables: tuple[Array, ...]
    best: tuple[Array, ...]

    def finished(self, schedule: PhaseConfig) -> bool:
        """Whether the phase is over."""
        return self.epoch >= schedule.epochs or self.stale >= schedule.patience

    def after_epoch(
        self,
        schedule: PhaseConfig,
        row: HistoryRow,
        variables: tuple[Array, ...],
        n_network: int,
        *,
        seconds: float,
        settled_after: int = 0,
    ) -> "Checkpoint":
        """The state after one more epoch: best weights, early stopping and learning rate are updated.

        Up to epoch `settled_after` the model is not yet the one that was asked for, so each epoch replaces the one before.
        """
        state = replace(self, epoch=row.epoch, history=(*self.history, row), variables=variables, seconds=self.seconds + seconds)
        if row.epoch <= settled_after:
            return replace(state, best_loss=row.validation_loss, best_epoch=row.epoch, best=variables[:n_network], stale=0, stale_rate=0)
        if row.validation_loss < self.best_loss:
            state = replace(state, best_loss=row.validation_loss, best_epoch=row.epoch, best=variables[:n_network])
        if row.validation_loss < self.best_loss * (1 - schedule.min_improvement):
            return replace(state, stale=0, stale_rate=0)
        if self.stale_rate + 1 >= schedule.decay_patience:
            return replace(state, stale=self.stale + 1, stale_rate=0, learning_rate=self.learning_rate / 2)
        return replace(state, stale=self.stale + 1, stale_rate=self.stale_rate + 1)

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        state = {name: value for name, value in asdict(self).items() if name not in ("variables", "best")}
        arrays = {f"variable_{index}": array for index, array in enumerate(self.variables)}
        arrays |= {f"best_{index}": array for index, array in enumerate(self.best)}
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, state=np.array(json.dumps({"version": _VERSION, **state})), **arrays)

    @classmethod
    def load(cls, path: Path, expected_fingerprint: str) -> "Checkpoint":
        """Read a checkpoint. Raises `UserError` when it is damaged or belongs to another configuration or data."""
        try:
            arrays = read_arrays(path)
            state = json.loads(str(arrays["state"]))
            version = state.pop("version")
            groups = [tuple(arrays[f"{name}_{i}"] for i in range(_count(arrays, name))) for name in ("variable", "best")]
            checkpoint = cls(**vars(_STATE.validate_python(state)), variables=groups[0], best=groups[1])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UserError(f"{path}: no readable checkpoint ({' '.join(str(error).split())[:200]}); train without --resume") from error
        if version != _VERSION or checkpoint.fingerprint != expected_fingerprint:
            raise UserError(
                f"{path}: written for another configuration (seed, inputs, model, training) or other data; "
                "restore the old configuration and data, or train without --resume"
            )
        return checkpoint


def _count(arrays: Mapping[str, Array], name: str) -> int:
    return sum(key.startswith(f"{name}_") for key in arrays)


def fingerprint(config: Config, data_digest: str) -> str:
    """sha256 of all that a training depends on."""
    content = config.model_dump(mode="json", include={"seed", "inputs", "model", "training"})
    content["model"] = {key: value for key, value in content["model"].items() if key not in _UNTRAINED}
    return hashlib.sha256(json.dumps([content, data_digest], sort_keys=True).encode()).hexdigest()
