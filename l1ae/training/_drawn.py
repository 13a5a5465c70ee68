"""Networks as training leaves them, without training: what they cost follows from how their weights are distributed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from l1ae.config import Config
from l1ae.families import Body
from l1ae.models import TableStep, WeightStep, build_float_model, build_quantized_model, firmware_plan, output_steps, weight_steps
from l1ae.training._calibrate import calibrate_on
from l1ae.training._events import Preprocessing
from l1ae.training._train import copy_weights

__all__ = ["drawn_model", "is_linear"]

FloatArray = npt.NDArray[np.float32]

_LARGEST = 2**-0.5
"""Of a kernel, relative to what its format holds: in the middle of 1/2 and 1, between which it lies."""


def drawn_model(config: Config, hardware: npt.NDArray[np.integer], event_weights: npt.NDArray[np.floating] | None) -> keras.Model:
    """The quantized firmware graph with drawn weights, calibrated on events (N, size) with weights (N,) as a trained one is.

    Kernels have the quantiles of a Laplace distribution in an order that `config.seed` decides, the smallest are 0 where pruning makes
    them so; layers are scaled and centred as BatchNormalization does it, the reconstruction to the spread of the inputs. Linear
    autoencoders whose empty slots count have principal components. Tables have the straight lines that they start with.
    """
    model, events, drawn = build_float_model(config, folded=True), _Events.of(config, hardware, event_weights), _Drawn.of(config)
    for step in weight_steps(firmware_plan(config)):
        if not isinstance(step, TableStep):
            _draw(model, step, events, drawn)
    quantized = build_quantized_model(config, calibrate_on(config, model, hardware, event_weights))
    for layer in model.layers:
        copy_weights(layer, quantized.get_layer(layer.name))
    return quantized


def is_linear(config: Config) -> bool:
    """Whether a network learns principal components: a linear autoencoder to which all inputs count the same, filled or not."""
    model = config.model
    autoencoder = model.family.body is Body.AUTOENCODER and not model.family.of_tables and model.latent_activation == "linear"
    counted = config.inputs.empty_slots == "counted" and model.latent < config.inputs.columns.size
    return autoencoder and counted and len(firmware_plan(config)) == 2


@dataclass(frozen=True, eq=False)
class _Events:
    """`inputs` (N, size) of the network, `counts` (N,): how much each event counts; `spread`: standard deviation of the inputs.

    `mean` (size,): of every input.
    """

    inputs: FloatArray
    counts: npt.NDArray[np.float64]
    mean: FloatArray
    spread: float

    @classmethod
    def of(cls, config: Config, hardware: npt.NDArray[np.integer], weights: npt.NDArray[np.floating] | None) -> "_Events":
        preprocessing = Preprocessing(config.inputs.spec())
        codes = tf.cast(tf.constant(hardware), tf.float32)
        inputs = np.asarray(preprocessing.inputs(codes, preprocessing.mask(codes)))
        counts = np.ones(len(inputs)) if weights is None else np.asarray(weights, np.float64) ** config.training.weight_power
        mean, spreads = _moments(inputs, counts)
        return cls(inputs, counts, mean, float(np.sqrt((spreads**2).mean())))

    def components(self, number: int, rng: np.random.Generator) -> FloatArray:
        """A basis (size, number) of what the first principal components span; training finds any."""
        _, vectors = np.linalg.eigh(np.cov(self.inputs.T, aweights=self.counts))
        turned, _ = np.linalg.qr(rng.normal(size=(number, number)))
        return np.asarray(vectors[:, ::-1][:, :number] @ turned, np.float32)

    def moments(self, model: keras.Model) -> tuple[FloatArray, float]:
        """Mean (units,) of what a model makes of the inputs, and the spread of all units."""
        found = np.asarray(model(self.inputs))
        mean, spreads = _moments(found.reshape(len(found), -1), self.counts)
        return mean.reshape(-1, found.shape[-1]).mean(axis=0), float(np.sqrt((spreads**2).mean()))


def _moments(values: FloatArray, counts: npt.NDArray[np.float64]) -> tuple[FloatArray, FloatArray]:
    mean = np.average(values, axis=0, weights=counts)
    return mean, np.sqrt(np.average((values - mean) ** 2, axis=0, weights=counts))


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Where kernels come from. `pruned`: the part of every layer that training sets to 0; `outputs`: names of the network's last layers;
    `linear`: size of a code with nothing between it, inputs and reconstruction, so that weights are principal components (Baldi and
    Hornik, Neural Networks 2 (1989) 53), else 0."""

    seed: int
    rng: np.random.Generator
    pruned: float
    outputs: frozenset[str]
    linear: int

    @classmethod
    def of(cls, config: Config) -> "_Drawn":
        pruned = 0.0 if config.training.pruning is None else config.training.pruning.sparsity
        plan, model = firmware_plan(config), config.model
        outputs = frozenset(step.name for step in output_steps(config, plan))
        return cls(config.seed, np.random.default_rng(config.seed), pruned, outputs, model.latent if is_linear(config) else 0)

    @property
    def turning(self) -> np.random.Generator:
        """The same for code and reconstruction."""
        return np.random.default_rng(self.seed)

    def reconstructs(self, step: WeightStep, size: int) -> bool:
        """Whether a layer gives the inputs again."""
        return step.name in self.outputs and step.shape == (size,)

    def kernel(self, shape: Sequence[int]) -> FloatArray:
        """Quantiles of a Laplace distribution at equal distances, so that the largest of so many is no accident."""
        size = prod(shape)
        magnitude = -np.log1p(-(np.arange(size) + 0.5) / size)
        magnitude[: int(self.pruned * size)] = 0.0
        return np.asarray(self.rng.permutation(magnitude) * self.rng.choice([-1.0, 1.0], size), np.float32).reshape(shape)


def _draw(model: keras.Model, step: WeightStep, events: _Events, drawn: _Drawn) -> None:
    """Draw one layer, whose sources have their weights."""
    layer, reconstructs = model.get_layer(step.name), drawn.reconstructs(step, events.inputs.shape[1])
    if drawn.linear:
        components = events.components(drawn.linear, drawn.turning)
        kernel = components.T if reconstructs else components
    else:
        kernel = drawn.kernel(layer.kernel.shape)
    bias = [np.zeros(kernel.shape[-1], np.float32)] * step.bias
    layer.set_weights([kernel, *bias])
    mean, width = events.moments(keras.Model(model.input, layer.output))
    factor = (events.spread if reconstructs else 1.0) / (width or 1.0)
    largest = float(np.abs(kernel).max()) * factor
    if not drawn.linear:
        factor *= _LARGEST * 2.0 ** round(np.log2(largest / _LARGEST)) / largest
    wanted = events.mean if reconstructs else np.zeros_like(mean)
    layer.set_weights([kernel * factor, *(np.asarray(wanted - mean * factor, np.float32) for _ in bias)])
