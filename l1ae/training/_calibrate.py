"""Measuring the float network on training data, to choose the ranges of the quantizers."""

from typing import Any

import keras
import numpy as np

from l1ae.config import Config
from l1ae.models import Calibration, DenseStep, calibrate, firmware_plan
from l1ae.training._data import Block

__all__ = ["calibrate_on"]

MAX_EVENTS = 100_000
_BATCH = 16384


def calibrate_on(config: Config, model: keras.Model, block: Block) -> Calibration:
    """Ranges from the weights of a folded float firmware graph and its activations on the first 100,000 events."""
    plan = firmware_plan(config)
    weights = {step.name: model.get_layer(step.name).get_weights() for step in plan}
    return calibrate(
        config,
        kernels={name: float(np.abs(kernel).max()) for name, (kernel, _) in weights.items()},
        biases={name: float(np.abs(bias).max()) for name, (_, bias) in weights.items()},
        activations=_activation_ranges(config, model, plan, block),
    )


def _activation_ranges(config: Config, model: keras.Model, plan: tuple[DenseStep, ...], block: Block) -> dict[str, float]:
    """Per activation layer: the quantile over events of the largest magnitude in the layer."""
    settings = config.training
    names = [step.activation if step.hidden else step.name for step in plan]
    probe = keras.Model(model.input, [model.get_layer(name).output for name in names])
    inputs = block.inputs[:MAX_EVENTS]
    largest: list[list[Any]] = [[] for _ in plan]
    for start in range(0, len(inputs), _BATCH):
        for peaks, output in zip(largest, probe(inputs[start : start + _BATCH]), strict=True):
            peaks.append(np.abs(output.numpy()).max(axis=1))
    ranges = {}
    for step, peaks in zip(plan, largest, strict=True):
        quantile = settings.hidden_quantile if step.hidden else settings.output_quantile
        ranges[step.activation] = float(np.quantile(np.concatenate(peaks), quantile))
    return ranges
