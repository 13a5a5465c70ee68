"""Layers whose bit widths are trained with their weights: high-granularity quantization, arXiv:2405.00645.

Every weight has a number of fractional bits f of its own, every activation layer one; the range of a weight follows its
value. A number is rounded to round(x 2^f) 2^-f, and f learns through the surrogate gradient of the paper (section III):
d q(x) / d f = ln 2 (x - q(x)), as the `quantizers` package of its author computes it. A weight that rounds to 0 has no
bits left: the layers prune themselves.

Widths are counted without the sign, as the paper counts them.
"""

from typing import Any

import keras
from keras import ops
from quantizers.fixed_point import get_fixed_quantizer

from l1ae.config import Config
from l1ae.models._plan import INPUTS, ConcatenateStep, ConvolutionStep, Plan, PoolStep, SliceStep, WeightStep, firmware_plan

__all__ = ["LearnedActivation", "LearnedConv2D", "LearnedDense", "Within", "effective_bit_operations", "round_to", "whole"]

# weights of this many negative fractional bits, multiples of 16, are coarser than any network has
_COARSEST = -4

_quantizer = get_fixed_quantizer("RND_CONV", "SAT")


@keras.saving.register_keras_serializable(package="l1ae")
class Within(keras.constraints.Constraint):  # type: ignore[misc]
    """Keeps a variable in [low, high]."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def __call__(self, w: Any) -> Any:
        return ops.clip(w, self.low, self.high)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        return {"low": self.low, "high": self.high}


def whole(fraction: Any) -> Any:
    """The nearest whole number of bits, with the gradient of the number itself; exact, since x - x is 0."""
    fraction = ops.convert_to_tensor(fraction)
    return ops.stop_gradient(ops.round(fraction)) + (fraction - ops.stop_gradient(fraction))


def round_to(values: Any, fraction: Any) -> Any:
    """`values` on the grid 2^-fraction, half to even, exactly; the gradient to a fraction that is trained is the surrogate one."""
    return _quantizer.round(ops.convert_to_tensor(values), fraction)


class _LearnedWeights(keras.layers.Layer):  # type: ignore[misc]
    """Kernel with a width per weight, and bias on the fixed grid 2^-bias_fraction.

    A weight starts with `initial_bits` fractional bits, which is also the most that it can have. Nothing saturates: the
    contract takes a range that holds all weights.
    """

    data_format = "channels_last"
    dilation_rate = (1, 1)
    groups = 1

    def __init__(
        self, *, initial_bits: int, bias_fraction: int, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", **options: Any
    ) -> None:
        super().__init__(**options)
        self.initial_bits, self.bias_fraction, self.use_bias = initial_bits, bias_fraction, use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def _add_weights(self, shape: tuple[int, ...]) -> None:
        self.kernel = self.add_weight(shape=shape, initializer=self.kernel_initializer, name="kernel")
        self.bias = self.add_weight(shape=shape[-1:], initializer="zeros", name="bias") if self.use_bias else None
        self.kernel_fraction = self.add_weight(
            shape=shape,
            initializer=keras.initializers.Constant(self.initial_bits),
            constraint=Within(_COARSEST, self.initial_bits),
            name="kernel_fraction",
        )

    def quantized_kernel(self) -> Any:
        """The weights that the layer multiplies with, exactly integers x 2^-f."""
        return round_to(self.kernel, whole(self.kernel_fraction))

    def quantized_bias(self) -> Any:
        """The bias that the layer adds, exactly integers x 2^-bias_fraction; None without bias."""
        if self.bias is None:
            return None
        return round_to(self.bias, float(self.bias_fraction))

    def kernel_bits(self) -> Any:
        """Bits of every weight without the sign, max(i + f, 0), in the kernel's shape: 0 where the weight is 0.

        i, the number of integer bits that the value needs, does not depend on any variable as far as gradients go.
        """
        size = ops.stop_gradient(ops.abs(self.quantized_kernel()))
        # log2 of a power of two may come out a little low
        integer = ops.where(size > 0, ops.floor(ops.log2(ops.where(size > 0, size, 1.0)) + 1e-5) + 1.0, float("-inf"))
        return ops.relu(integer + whole(self.kernel_fraction))

    def snap(self) -> None:
        """Replace weights and widths by the values that the layer uses."""
        self.kernel.assign(self.quantized_kernel())
        self.kernel_fraction.assign(whole(self.kernel_fraction))
        if self.bias is not None:
            self.bias.assign(self.quantized_bias())

    def _biased(self, product: Any) -> Any:
        return product if self.bias is None else product + self.quantized_bias()

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        own = {"initial_bits": self.initial_bits, "bias_fraction": self.bias_fraction, "use_bias": self.use_bias}
        return {**super().get_config(), **own, "kernel_initializer": keras.initializers.serialize(self.kernel_initializer)}


@keras.saving.register_keras_serializable(package="l1ae")
class LearnedDense(_LearnedWeights):
    """x @ q(kernel) + q(bias), (N, n_in) -> (N, units)."""

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.units = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Kernel (n_in, units)."""
        n_in = input_shape[-1]
        assert n_in is not None
        self._add_weights((n_in, self.units))

    def call(self, inputs: Any) -> Any:
        """The layer's output before its activation."""
        return self._biased(ops.matmul(inputs, self.quantized_kernel()))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(N, units)."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="l1ae")
class LearnedConv2D(_LearnedWeights):
    """Two-dimensional convolution of images (N, rows, columns, channels) with q(kernel), plus q(bias)."""

    def __init__(
        self, filters: int, kernel_size: tuple[int, int], *, strides: tuple[int, int] = (1, 1), padding: str = "valid", **options: Any
    ) -> None:
        super().__init__(**options)
        self.filters, self.kernel_size, self.strides, self.padding = filters, tuple(kernel_size), tuple(strides), padding

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Kernel (rows, columns, channels, filters)."""
        channels = input_shape[-1]
        assert channels is not None
        self._add_weights((*self.kernel_size, channels, self.filters))

    def call(self, inputs: Any) -> Any:
        """The layer's output before its activation."""
        return self._biased(ops.conv(inputs, self.quantized_kernel(), self.strides, self.padding, "channels_last"))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(N, rows, columns, filters)."""
        sizes = []
        for size, kernel, stride in zip(input_shape[1:3], self.kernel_size, self.strides, strict=True):
            assert size is not None
            sizes.append(-(-size // stride) if self.padding == "same" else (size - kernel) // stride + 1)
        return input_shape[0], *sizes, self.filters

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        own = {"filters": self.filters, "kernel_size": list(self.kernel_size), "strides": list(self.strides), "padding": self.padding}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="l1ae")
class LearnedActivation(keras.layers.Layer):  # type: ignore[misc]
    """A ReLU (`hidden`) or nothing, then a cast to `integer` bits left of the point and a trained number right of it.

    Rounds half to even and saturates. `bits` is the width at the start, which is also the largest; a sign is one of
    them. At least one bit beside the sign remains, as the contract wants it.
    """

    def __init__(self, *, hidden: bool, bits: int, integer: int, **options: Any) -> None:
        super().__init__(**options)
        self.hidden, self.bits, self.integer = hidden, bits, integer

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """One number of fractional bits."""
        most = self.bits - self.integer - (0 if self.hidden else 1)
        self.fraction = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(most), constraint=Within(1 - self.integer, most), name="fraction"
        )

    def call(self, inputs: Any) -> Any:
        """The quantized activations."""
        inputs = ops.relu(inputs) if self.hidden else inputs
        return _quantizer(inputs, 0.0 if self.hidden else 1.0, float(self.integer), whole(self.fraction))

    def width(self) -> Any:
        """Bits without the sign."""
        return self.integer + whole(self.fraction)

    def snap(self) -> None:
        """Replace the width by the whole number that the layer uses."""
        self.fraction.assign(whole(self.fraction))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        return {**super().get_config(), "hidden": self.hidden, "bits": self.bits, "integer": self.integer}


def effective_bit_operations(config: Config, model: keras.Model) -> Any:
    """EBOPs of a firmware graph of such layers, a scalar: the sum over all products of bits(weight) x bits(input).

    arXiv:2405.00645, equation 5. A convolution's products count once per output position. A sum over a window has
    ceil(log2 n) bits more than its elements.
    """
    plan = firmware_plan(config)
    widths: dict[str, Any] = {INPUTS: float(config.inputs.spec().network.width - config.inputs.spec().network.signed)}
    total: Any = 0.0
    for step in plan:
        if isinstance(step, WeightStep):
            layer = model.get_layer(step.name)
            # bits of a kernel (..., n_in, n_out) per input; the input's width is one number, or one per element
            per_input = ops.sum(layer.kernel_bits(), axis=(*range(len(layer.kernel.shape) - 2), -1))
            positions = step.shape[0] * step.shape[1] if isinstance(step, ConvolutionStep) else 1
            total = total + positions * ops.sum(per_input * widths[step.sources[0]])
            widths[step.name] = model.get_layer(step.activation).width()
        else:
            widths[step.name] = _width_of(step, plan, widths)
    return total


def _width_of(step: Any, plan: Plan, widths: dict[str, Any]) -> Any:
    """Width of a tensor without weights, from those of its sources."""
    if isinstance(step, ConcatenateStep):
        sizes = {source.name: source.shape[0] for source in plan}
        return ops.concatenate([ops.broadcast_to(widths[source], (sizes[source],)) for source in step.sources])
    width = widths[step.sources[0]]
    if isinstance(step, SliceStep) and ops.ndim(width):
        return width[step.start : step.stop]
    if isinstance(step, PoolStep) and step.function == "sum":
        return width + (step.window[0] * step.window[1] - 1).bit_length()
    return width
