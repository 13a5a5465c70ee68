"""Keras models of a configuration: float and quantized, each a graph that becomes firmware and those trained beside it.

Network inputs are values on the grid of `config.inputs.spec().network` (`to_network_float`), so the graphs start
without a quantizer of their own.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

import keras
from qkeras import QActivation, QConv2D, QDense, binary, quantized_bits, quantized_relu, ternary

from l1ae.config import Config, LearnedWidthsConfig
from l1ae.models._batch_norm import WeightedBatchNormalization
from l1ae.models._calibration import Calibration, WeightBits
from l1ae.models._layers import Slice, SumPooling2D
from l1ae.models._learned import LearnedActivation, LearnedConv2D, LearnedDense
from l1ae.models._plan import (
    ConcatenateStep,
    ConvolutionStep,
    DenseStep,
    Plan,
    PoolStep,
    ReshapeStep,
    SliceStep,
    SpreadStep,
    Step,
    WeightStep,
    auxiliary_plans,
    firmware_plan,
    output_steps,
)

__all__ = [
    "Networks",
    "build_float_model",
    "build_float_networks",
    "build_quantized_model",
    "build_quantized_networks",
    "fold_batch_norm",
]

# a Keras layer; keras has no type information
Layer = Any
# what a weight step adds to the graph: tensor -> tensor
WeightBuilder = Callable[[WeightStep, Any], Any]


@dataclass(frozen=True)
class Networks:
    """The graphs that are trained together.

    `firmware` maps inputs (N, size) to the reconstruction (N, size); for a variational encoder to [mu, log_var], each
    (N, latent); for a latent autoencoder to [features, their reconstruction]; for a student to its score (N, 1).
    `auxiliary` are those of `auxiliary_plans`, which stay in floating point.
    """

    firmware: keras.Model
    auxiliary: Mapping[str, keras.Model] = field(default_factory=dict)

    @property
    def models(self) -> tuple[keras.Model, ...]:
        """All graphs, the firmware first."""
        return (self.firmware, *self.auxiliary.values())

    @property
    def trainable_variables(self) -> list[Any]:
        """Trainable variables in a fixed order."""
        return [variable for model in self.models for variable in model.trainable_variables]

    @property
    def variables(self) -> list[Any]:
        """All variables, the moving averages of BatchNormalization included, in a fixed order."""
        return [variable for model in self.models for variable in model.variables]


def build_float_networks(config: Config, *, folded: bool = False) -> Networks:
    """Float graphs with freshly initialised weights, which depend on `config.seed` alone.

    With `folded` there is no BatchNormalization, as `fold_batch_norm` leaves it.
    """
    builder = _float_builder(config, batch_norm=config.model.batch_norm and not folded)
    return _networks(config, builder, builder)


def build_quantized_networks(config: Config, calibration: Calibration) -> Networks:
    """Graphs for quantization-aware training: the firmware graph quantized, the others float without BatchNormalization."""
    return _networks(config, _quantized_builder(config, calibration), _float_builder(config, batch_norm=False))


def build_float_model(config: Config, *, folded: bool = False) -> keras.Model:
    """The firmware graph in floating point: weights, BatchNormalization unless `folded` or not configured, ReLU."""
    return build_float_networks(config, folded=folded).firmware


def build_quantized_model(config: Config, calibration: Calibration) -> keras.Model:
    """The firmware graph of QDense, QConv2D and QActivation layers.

    Every quantizer has a constant power-of-two scale, is asymmetric (two's complement range) and rounds half to even;
    activations and weights saturate. A layer `enc0` is followed by its quantizer, `enc0_relu` or, without a ReLU,
    `enc0_q`. With `training.learned_widths` the layers are LearnedDense, LearnedConv2D and LearnedActivation.
    """
    return build_quantized_networks(config, calibration).firmware


def fold_batch_norm(config: Config, networks: Networks) -> Networks:
    """Float graphs without BatchNormalization that compute the same as trained ones with it.

    w' = w g, b' = (b - mean) g + offset with g = gamma / sqrt(variance + epsilon), in float64, rounded once.
    """
    folded = build_float_networks(config, folded=True)
    for source, target in zip(networks.models, folded.models, strict=True):
        layers = {layer.name: layer for layer in source.layers}
        for layer in target.layers:
            if isinstance(layer, keras.layers.Dense | keras.layers.Conv2D):
                layer.set_weights(_folded_weights(layers[layer.name], layers.get(f"{layer.name}_bn")))
    return folded


def _folded_weights(layer: Layer, norm: Layer | None) -> list[Any]:
    weights = layer.get_weights()
    if norm is None:
        return list(weights)
    kernel, bias = (weight.astype("float64") for weight in weights)
    gamma, beta, mean, variance = (weight.astype("float64") for weight in norm.get_weights())
    gain = gamma / (variance + norm.epsilon) ** 0.5
    return [(kernel * gain).astype("float32"), ((bias - mean) * gain + beta).astype("float32")]


def _networks(config: Config, builder: WeightBuilder, auxiliary_builder: WeightBuilder) -> Networks:
    plan = firmware_plan(config)
    firmware = _graph(config, plan, config.inputs.columns.size, builder, config.name)
    auxiliary = {}
    for name, steps in auxiliary_plans(config).items():
        source = steps[0].sources[0]
        size = {"latent": config.model.latent, "features": config.model.features}.get(source, config.inputs.columns.size)
        auxiliary[name] = _graph(config, steps, size, auxiliary_builder, f"{config.name}_{name}")
    return Networks(firmware, auxiliary)


def _graph(config: Config, plan: Plan, size: int, builder: WeightBuilder, name: str) -> keras.Model:
    source = plan[0].sources[0]
    tensors = {source: keras.Input((size,), name=source)}
    for step in plan:
        inputs = [tensors[name] for name in step.sources]
        tensors[step.name] = builder(step, inputs[0]) if isinstance(step, WeightStep) else _structure(step, inputs)
    outputs = [tensors[step.name] for step in output_steps(config, plan)]
    return keras.Model(tensors[source], outputs if len(outputs) > 1 else outputs[0], name=name)


@singledispatch
def _structure(step: Step, tensors: list[Any]) -> Any:
    """The tensor of a step without weights."""
    raise NotImplementedError(type(step).__name__)


@_structure.register
def _(step: ReshapeStep, tensors: list[Any]) -> Any:
    return keras.layers.Reshape(step.shape, name=step.name)(tensors[0])


@_structure.register
def _(step: SliceStep, tensors: list[Any]) -> Any:
    return Slice(step.start, step.stop, name=step.name)(tensors[0])


@_structure.register
def _(step: ConcatenateStep, tensors: list[Any]) -> Any:
    return keras.layers.Concatenate(name=step.name)(tensors)


@_structure.register
def _(step: PoolStep, tensors: list[Any]) -> Any:
    if step.function == "max":
        return keras.layers.MaxPooling2D(step.window, name=step.name)(tensors[0])
    return SumPooling2D(step.window, name=step.name)(tensors[0])


@_structure.register
def _(step: SpreadStep, tensors: list[Any]) -> Any:
    tensor = keras.layers.UpSampling2D(step.factors, name=step.name)(tensors[0])
    if step.pad == (0, 0):
        return tensor
    return keras.layers.ZeroPadding2D(((step.pad[0], 0), (step.pad[1], 0)), name=f"{step.name}_pad")(tensor)


def _float_builder(config: Config, *, batch_norm: bool) -> WeightBuilder:
    def build(step: WeightStep, tensor: Any) -> Any:
        tensor = _float_layer(config, step)(tensor)
        if not step.hidden:
            return tensor
        if batch_norm and step.normalised:
            tensor = WeightedBatchNormalization(name=step.batch_norm)(tensor)
        return keras.layers.ReLU(name=step.activation)(tensor)

    return build


def _float_layer(config: Config, step: WeightStep) -> Layer:
    options = {"use_bias": step.bias, "kernel_initializer": _initializer(config, step), "name": step.name}
    return _layer(step, keras.layers.Dense, keras.layers.Conv2D, options)


def _layer(step: WeightStep, dense: type[Any], convolution: type[Any], options: Mapping[str, Any]) -> Layer:
    """A layer with weights of one kind or the other; `options` are those that both share."""
    if isinstance(step, DenseStep):
        return dense(step.shape[0], **options)
    assert isinstance(step, ConvolutionStep)
    return convolution(step.shape[2], step.kernel, strides=step.stride, padding=step.padding, **options)


def _quantized_builder(config: Config, calibration: Calibration) -> WeightBuilder:
    learned = config.training.learned_widths
    if learned is not None:
        return _learned_builder(config, calibration, learned)

    def build(step: WeightStep, tensor: Any) -> Any:
        tensor = _quantized_layer(config, step, calibration.weights[step.name])(tensor)
        integer = calibration.activations[step.activation]
        quantizer = quantized_relu(step.bits, integer) if step.hidden else quantized_bits(step.bits, integer, alpha=1)
        return QActivation(quantizer, name=step.activation)(tensor)

    return build


def _learned_builder(config: Config, calibration: Calibration, learned: LearnedWidthsConfig) -> WeightBuilder:
    def build(step: WeightStep, tensor: Any) -> Any:
        bits = calibration.weights[step.name]
        options = {
            "initial_bits": learned.initial_bits,
            "bias_fraction": bits.bias_bits - 1 - bits.bias_integer,
            "use_bias": step.bias,
            "kernel_initializer": _initializer(config, step),
            "name": step.name,
        }
        tensor = _layer(step, LearnedDense, LearnedConv2D, options)(tensor)
        integer = calibration.activations[step.activation]
        return LearnedActivation(hidden=step.hidden, bits=step.bits, integer=integer, name=step.activation)(tensor)

    return build


def _quantized_layer(config: Config, step: WeightStep, bits: WeightBits) -> Layer:
    options = {
        "use_bias": step.bias,
        "kernel_quantizer": _kernel_quantizer(step, bits),
        "bias_quantizer": quantized_bits(bits.bias_bits, bits.bias_integer, alpha=1),
        "kernel_initializer": _initializer(config, step),
        "name": step.name,
    }
    return _layer(step, QDense, QConv2D, options)


def _kernel_quantizer(step: WeightStep, bits: WeightBits) -> Any:
    scale = 2.0**bits.kernel_integer
    if step.weights == "binary":
        return binary(alpha=scale)
    if step.weights == "ternary":
        return ternary(alpha=scale, threshold=scale / 2)
    return quantized_bits(bits.kernel_bits, bits.kernel_integer, alpha=1)


def _initializer(config: Config, step: Step) -> Any:
    """Glorot uniform from a seed of its own per layer: independent of global random state and of other layers."""
    return keras.initializers.GlorotUniform(seed=zlib.crc32(f"{config.seed}/{step.name}".encode()) & 0x7FFFFFFF)
