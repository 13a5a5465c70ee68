"""Measuring the float network on training data, to choose the ranges of the quantizers."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from l1ae.config import Config
from l1ae.families import Body
from l1ae.models import Calibration, TableStep, WeightStep, calibrate, code_step, firmware_plan, output_steps, weight_steps
from l1ae.training._events import Preprocessing

__all__ = ["calibrate_on"]

MAX_EVENTS = 100_000
_BATCH = 16384


def calibrate_on(
    config: Config, model: keras.Model, hardware: npt.NDArray[np.integer], event_weights: npt.NDArray[np.floating] | None = None
) -> Calibration:
    """Ranges from the weights of a folded float firmware graph and its activations on the first 100,000 events (N, size).

    With `event_weights` (N,) quantiles are weighted, and the 100,000 events are spread over all: strata may lie one after the other.
    """
    if event_weights is not None and len(hardware) > MAX_EVENTS:
        chosen = np.arange(MAX_EVENTS) * len(hardware) // MAX_EVENTS
        hardware, event_weights = hardware[chosen], event_weights[chosen]
    steps = weight_steps(firmware_plan(config))
    layers = {step.name: model.get_layer(step.name) for step in steps}
    return calibrate(
        config,
        kernels={step.name: _kernel_range(step, _kernel(step, layers[step.name])) for step in steps},
        biases={step.name: float(np.abs(layers[step.name].bias).max()) for step in steps if step.bias},
        activations=_activation_ranges(config, model, steps, hardware, event_weights),
    )


def _kernel(step: WeightStep, layer: Any) -> npt.NDArray[np.float32]:
    return np.asarray(layer.entries() if isinstance(step, TableStep) else layer.kernel)


def _kernel_range(step: WeightStep, kernel: npt.NDArray[np.float32]) -> float:
    """The largest magnitude; for ternary and binary weights the scale.

    Binary: the mean magnitude (XNOR-Net, arXiv:1603.05279, equation 6). Ternary: 4/3 of it, which is exact for a uniform
    distribution (Ternary Weight Networks, arXiv:1605.04711, section 2.2).
    """
    magnitude = np.abs(kernel)
    return float({"fixed": magnitude.max(), "binary": magnitude.mean(), "ternary": magnitude.mean() * 4 / 3}[step.weights])


def _activation_ranges(
    config: Config,
    model: keras.Model,
    steps: tuple[WeightStep, ...],
    hardware: npt.NDArray[np.integer],
    event_weights: npt.NDArray[np.floating] | None,
) -> dict[str, float]:
    """Per activation layer: the quantile over events of the largest magnitude in the layer."""
    settings = config.training
    names = [step.activation if step.hidden else step.name for step in steps]
    probe = keras.Model(model.input, [model.get_layer(name).output for name in names])
    preprocessing = Preprocessing(config.inputs.spec())
    largest: list[list[Any]] = [[] for _ in steps]
    for start in range(0, min(len(hardware), MAX_EVENTS), _BATCH):
        codes = tf.cast(tf.constant(hardware[start : min(start + _BATCH, MAX_EVENTS)]), tf.float32)
        outputs = probe(preprocessing.inputs(codes, preprocessing.mask(codes)))
        for peaks, output in zip(largest, outputs if isinstance(outputs, list) else [outputs], strict=True):
            peaks.append(np.abs(output.numpy()).reshape(len(output), -1).max(axis=1))
    visible = {step.name for step in output_steps(config, firmware_plan(config))} | {code_step(config)}
    ranges = {}
    for step, peaks in zip(steps, largest, strict=True):
        inside = step.hidden and step.name not in visible
        quantile = settings.hidden_quantile if inside else settings.output_quantile
        ranges[step.activation] = _quantile(np.concatenate(peaks), quantile, event_weights)
    if config.model.family.body is Body.STUDENT:
        # the output is the score, and what is looked for scores higher than anything in training
        ranges[steps[-1].activation] *= 2
    return ranges


def _quantile(values: npt.NDArray[np.floating], quantile: float, event_weights: npt.NDArray[np.floating] | None) -> float:
    """The quantile of values (N,); with weights (N,) the smallest one that at least this part of the weight lies at or below."""
    if event_weights is None:
        return float(np.quantile(values, quantile))
    return float(np.quantile(values, quantile, method="inverted_cdf", weights=event_weights.astype(np.float64)))
