"""Whether a phase of the training made a model, or left what it began with."""

import logging
import math
from collections.abc import Sequence

from l1ae.config import Config, TrainingConfig
from l1ae.errors import UserError
from l1ae.training._checkpoint import Checkpoint, HistoryRow, Phase

__all__ = ["check_improvement", "lower_rate"]

_log = logging.getLogger("l1ae")

_ALIKE = 1e-3
"""Relative change of the loss up to which nothing was learnt."""
_WORSE = 0.05
"""Relative rise of the loss above that of the calibrated network, from which on its fine-tuning went wrong. Less than that a good
calibration leaves little to gain."""
_USUAL = {
    "float": TrainingConfig().float_phase.learning_rate,
    "quantized": TrainingConfig().quantized_phase.learning_rate,
}


def check_improvement(config: Config, phase: Phase, state: Checkpoint) -> None:
    """Raise `UserError` when a finished phase did not improve the validation loss.

    A float phase must end below the network of random weights. A quantized phase must not end far above the calibrated network it began
    with or, where it had to reach a sparsity, not above the network of random weights either.
    """
    rows = [row for row in state.history if row.phase == phase]
    start, later = rows[0], rows[1:]
    if not later or not start.validation_loss:
        return
    if phase == "float":
        if state.best_loss >= start.validation_loss:
            raise UserError(_message(config, phase, "random", start, later))
    elif config.training.pruning is not None:
        first = next((row for row in state.history if row.phase == "float"), start)
        if state.best_loss >= max(first.validation_loss, start.validation_loss):
            raise UserError(_message(config, phase, "calibrated", start, later))
    elif state.best_loss >= start.validation_loss:
        if min(row.validation_loss for row in later) > start.validation_loss + _WORSE * abs(start.validation_loss):
            raise UserError(_message(config, phase, "calibrated", start, later))
        _log.warning(
            "the quantized training did not improve the calibrated network (validation loss %.6g): its weights are those of the float "
            "training, rounded; another training.quantized_phase.learning_rate than %g may help",
            start.validation_loss,
            config.training.quantized_phase.learning_rate,
        )


def _message(config: Config, phase: Phase, weights: str, start: HistoryRow, later: Sequence[HistoryRow]) -> str:
    rate = (config.training.float_phase if phase == "float" else config.training.quantized_phase).learning_rate
    best = min(row.validation_loss for row in later)
    alike = abs(best - start.validation_loss) <= _ALIKE * abs(start.validation_loss)
    return (
        f"{phase} training: the validation loss of the {weights} weights that it began with, {start.validation_loss:.6g}, was not "
        f"improved in {len(later)} epochs, of which the best has {best:.6g}: there is no trained model; {_advice(phase, rate, alike=alike)}"
    )


def _advice(phase: Phase, rate: float, *, alike: bool) -> str:
    """`alike`: the loss hardly changed."""
    usual, key = _USUAL[phase], f"training.{phase}_phase.learning_rate"
    if rate > usual:
        return lower_rate(phase, rate)
    if rate < usual and alike:
        return f"raise {key} (it is {rate:g}) to {usual:g}"
    higher = usual if rate < usual else 3 * rate
    return f"change {key} (it is {rate:g}), for example to {higher:g}, or to {rate / 10:g}"


def lower_rate(phase: Phase, rate: float) -> str:
    """What to do about steps that are too large."""
    advised = min(_USUAL[phase], rate / 10) if math.isfinite(rate) else _USUAL[phase]
    return f"lower training.{phase}_phase.learning_rate (it is {rate:g}), for example to {advised:g}"
