"""Keras models of a configuration: float and quantized, each a graph that becomes firmware and, for a VAE, a decoder.

Network inputs are values on the grid of `InputSpec.network` (`InputSpec.to_network_float`), so the graphs start without
a quantizer of their own.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from qkeras import QActivation, QDense, quantized_bits, quantized_relu

from l1ae.config import Config
from l1ae.models._calibration import Calibration, WeightBits
from l1ae.models._plan import INPUTS, DenseStep, decoder_plan, firmware_plan, output_steps

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
# what a step adds to the graph: tensor -> tensor
StepBuilder = Callable[[DenseStep, Any], Any]


@dataclass(frozen=True)
class Networks:
    """The graphs that are trained together.

    `firmware` maps inputs (N, size) to the reconstruction (N, size), or for a VAE to [mu, log_var], each (N, latent).
    `decoder`, only for a VAE, maps latent vectors (N, latent) to the reconstruction; it stays in floating point.
    """

    firmware: keras.Model
    decoder: keras.Model | None

    @property
    def models(self) -> tuple[keras.Model, ...]:
        """Both graphs, or the only one."""
        return (self.firmware,) if self.decoder is None else (self.firmware, self.decoder)

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
    """Graphs for quantization-aware training: the firmware graph quantized, the decoder of a VAE float without BatchNormalization."""
    return _networks(config, _quantized_builder(config, calibration), _float_builder(config, batch_norm=False))


def build_float_model(config: Config, *, folded: bool = False) -> keras.Model:
    """The firmware graph in floating point: dense layers, BatchNormalization unless `folded` or not configured, ReLU."""
    return build_float_networks(config, folded=folded).firmware


def build_quantized_model(config: Config, calibration: Calibration) -> keras.Model:
    """The firmware graph of QDense and QActivation layers.

    Every quantizer has alpha=1, is asymmetric (two's complement range) and rounds half to even; activations and
    weights saturate. Dense layers are called enc0, ..., latent (or mu, log_var), dec0, ..., out; quantizers
    enc0_relu, ..., latent_q (mu_q, log_var_q), dec0_relu, ..., out_q.
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
            if isinstance(layer, keras.layers.Dense):
                layer.set_weights(_folded_weights(layers[layer.name], layers.get(f"{layer.name}_bn")))
    return folded


def _folded_weights(dense: Layer, norm: Layer | None) -> list[Any]:
    kernel, bias = (weight.astype("float64") for weight in dense.get_weights())
    if norm is not None:
        gamma, beta, mean, variance = (weight.astype("float64") for weight in norm.get_weights())
        gain = gamma / (variance + norm.epsilon) ** 0.5
        kernel, bias = kernel * gain, (bias - mean) * gain + beta
    return [kernel.astype("float32"), bias.astype("float32")]


def _networks(config: Config, builder: StepBuilder, decoder_builder: StepBuilder) -> Networks:
    firmware = _graph(firmware_plan(config), INPUTS, config.inputs.spec().size, builder, config.name)
    if config.model.architecture == "dense_ae":
        return Networks(firmware, None)
    decoder = _graph(decoder_plan(config), "latent", config.model.latent, decoder_builder, f"{config.name}_decoder")
    return Networks(firmware, decoder)


def _graph(plan: tuple[DenseStep, ...], source: str, size: int, builder: StepBuilder, name: str) -> keras.Model:
    tensors = {source: keras.Input((size,), name=source)}
    for step in plan:
        tensors[step.name] = builder(step, tensors[step.source])
    outputs = [tensors[step.name] for step in output_steps(plan)]
    return keras.Model(tensors[source], outputs if len(outputs) > 1 else outputs[0], name=name)


def _float_builder(config: Config, *, batch_norm: bool) -> StepBuilder:
    def build(step: DenseStep, tensor: Any) -> Any:
        tensor = keras.layers.Dense(step.units, kernel_initializer=_initializer(config, step), name=step.name)(tensor)
        if not step.hidden:
            return tensor
        if batch_norm:
            tensor = keras.layers.BatchNormalization(name=step.batch_norm)(tensor)
        return keras.layers.ReLU(name=step.activation)(tensor)

    return build


def _quantized_builder(config: Config, calibration: Calibration) -> StepBuilder:
    def build(step: DenseStep, tensor: Any) -> Any:
        tensor = _quantized_dense(config, step, calibration.weights[step.name])(tensor)
        integer = calibration.activations[step.activation]
        quantizer = quantized_relu(step.bits, integer) if step.hidden else quantized_bits(step.bits, integer, alpha=1)
        return QActivation(quantizer, name=step.activation)(tensor)

    return build


def _quantized_dense(config: Config, step: DenseStep, bits: WeightBits) -> Layer:
    return QDense(
        step.units,
        kernel_quantizer=quantized_bits(bits.kernel_bits, bits.kernel_integer, alpha=1),
        bias_quantizer=quantized_bits(bits.bias_bits, bits.bias_integer, alpha=1),
        kernel_initializer=_initializer(config, step),
        name=step.name,
    )


def _initializer(config: Config, step: DenseStep) -> Any:
    """Glorot uniform from a seed of its own per layer: independent of global random state and of other layers."""
    return keras.initializers.GlorotUniform(seed=zlib.crc32(f"{config.seed}/{step.name}".encode()) & 0x7FFFFFFF)
