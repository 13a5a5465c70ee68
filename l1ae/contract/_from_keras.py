"""Reading a quantized Keras model into a contract, or refusing it with the layer's name and the remedy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.config import Config
from l1ae.contract._bounds import interval_of
from l1ae.contract._contract import Contract
from l1ae.contract._ops import (
    Dense,
    HardwareInput,
    IntArray,
    Operation,
    Preprocess,
    Quantize,
    Relu,
    SquaredError,
    SquaredNorm,
    Sum,
    Table,
    Threshold,
)
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, InputSpec, Overflow, Rounding

__all__ = ["build_contract", "exp_table", "threshold_for_fpr"]


class _Builder:
    """Appends operations and gives each the narrowest format that its interval allows."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._intervals: dict[str, Any] = {}

    def add(self, operation: Operation) -> str:
        self.operations.append(operation)
        self._intervals[operation.name] = interval_of(operation, self._intervals)
        return operation.name

    def add_exact(self, make: Callable[[FixedFormat], Operation], fraction: int) -> str:
        """Add an operation whose format is whatever holds every result and partial sum at `fraction`."""
        draft = interval_of(make(FixedFormat(True, 62, 62 - fraction)), self._intervals)
        return self.add(make(FixedFormat.covering(draft.partial_low, draft.partial_high, fraction)))

    def format_of(self, name: str) -> FixedFormat:
        return next(operation.format for operation in self.operations if operation.name == name)

    def size_of(self, name: str) -> int:
        return next(operation.size for operation in self.operations if operation.name == name)


def build_contract(config: Config, model: Any) -> Contract:
    """The contract of a trained quantized model (`l1ae.models.build_quantized_model`), threshold 0.

    Refused with `UserError`, naming the layer and the remedy: BatchNormalization that was not folded, a quantizer
    without explicit `alpha=1`, stochastic rounding, 1-bit quantizers, unsupported layers and activations.
    """
    builder = _Builder()
    spec = config.inputs.spec()
    _add_inputs(builder, spec)
    tensors: dict[str, str] = {}
    for layer in _topological(model):
        tensors[layer.name] = _add_layer(builder, layer, tensors)
    outputs = [tensors[tensor._keras_history.operation.name] for tensor in model.outputs]
    _add_score(builder, config, outputs, spec)
    return Contract(config.project, tuple(builder.operations))


def _topological(model: Any) -> list[Any]:
    """Layers in the order in which a functional model computes them."""
    return [operation for depth in sorted(model._operations_by_depth, reverse=True) for operation in model._operations_by_depth[depth]]


def _add_inputs(builder: _Builder, spec: InputSpec) -> None:
    low, high = spec.code_range
    form = FixedFormat.covering(int(low.min()), int(high.max()), 0)
    low, high = np.full(spec.size, form.low, np.int64), np.full(spec.size, form.high, np.int64)
    builder.add(HardwareInput(name="hw", inputs=(), format=form, size=spec.size, low=low, high=high))
    builder.add(
        Preprocess(
            name="inputs",
            inputs=("hw",),
            format=spec.network,
            size=spec.size,
            offset=spec.offset,
            shift=spec.shift,
            present=spec.present,
            work=_work_format(spec, form),
        )
    )


def _work_format(spec: InputSpec, port: FixedFormat) -> FixedFormat:
    """Holds every `(hw - offset) * 2**-shift` exactly, and the difference before the shift."""
    low, high = port.low - spec.offset, port.high - spec.offset
    fraction = max(int(spec.shift.max()), 0)
    grow = np.maximum(fraction - spec.shift, fraction)
    scale = 2 ** grow.astype(object)
    return FixedFormat.covering(int((low * scale).min()), int((high * scale).max()), fraction)


def _add_layer(builder: _Builder, layer: Any, tensors: dict[str, str]) -> str:
    kind = type(layer).__name__
    if kind == "InputLayer":
        return "inputs"
    sources = [tensors[tensor._keras_history.operation.name] for tensor in layer._inbound_nodes[0].input_tensors]
    if kind == "QDense":
        return _add_dense(builder, layer, sources[0])
    if kind == "QActivation":
        return _add_activation(builder, layer.name, layer.activation, sources[0])
    if kind == "BatchNormalization":
        raise UserError(f"layer '{layer.name}': BatchNormalization cannot be exact in fixed point; fold it before quantization")
    raise UserError(f"layer '{layer.name}': {kind} is not supported; use QDense and QActivation")


def _add_dense(builder: _Builder, layer: Any, source: str) -> str:
    weight_format = _bits_format(layer.kernel_quantizer_internal, f"{layer.name}.kernel")
    weights = _codes(layer.kernel_quantizer_internal, layer.kernel, weight_format, f"{layer.name}.kernel")
    bias, bias_format = np.zeros(weights.shape[1], np.int64), FixedFormat(True, 1, 1)
    if layer.use_bias:
        bias_format = _bits_format(layer.bias_quantizer_internal, f"{layer.name}.bias")
        bias = _codes(layer.bias_quantizer_internal, layer.bias, bias_format, f"{layer.name}.bias")
    fraction = max(builder.format_of(source).fraction + weight_format.fraction, bias_format.fraction)

    def make(form: FixedFormat) -> Dense:
        return Dense(
            name=layer.name,
            inputs=(source,),
            format=form,
            size=weights.shape[1],
            weights=weights,
            bias=bias,
            weight_format=weight_format,
            bias_format=bias_format,
        )

    name = builder.add_exact(make, fraction)
    activation = getattr(layer, "activation", None)
    if activation is None or getattr(activation, "__name__", "") == "linear":
        return name
    return _add_activation(builder, f"{layer.name}_activation", activation, name)


def _add_activation(builder: _Builder, name: str, quantizer: Any, source: str) -> str:
    size = builder.size_of(source)
    kind = type(quantizer).__name__
    if kind == "quantized_relu":
        return builder.add(Relu(name=name, inputs=(source,), format=_relu_format(quantizer, name), size=size))
    return builder.add(Quantize(name=name, inputs=(source,), format=_bits_format(quantizer, name), size=size))


def _bits_format(quantizer: Any, where: str) -> FixedFormat:
    """Format of a `quantized_bits`: round half to even, saturate (QKeras, `quantized_bits.__call__`)."""
    kind = type(quantizer).__name__
    if kind != "quantized_bits":
        raise UserError(f"'{where}': quantizer {kind} is not supported; use quantized_bits(bits, integer, alpha=1)")
    if quantizer.alpha is None or isinstance(quantizer.alpha, str) or float(quantizer.alpha) != 1.0:
        raise UserError(f"'{where}': quantizer {quantizer} has scale alpha={quantizer.alpha!r}; give alpha=1 explicitly")
    _refuse_noise(quantizer, where)
    if quantizer.bits - bool(quantizer.keep_negative) < 1:
        raise UserError(f"'{where}': {quantizer} has no bit beside the sign, which QKeras makes a sign function; use at least 2 bits")
    signed = bool(quantizer.keep_negative)
    overflow = Overflow.SAT_SYM if quantizer.symmetric and signed else Overflow.SAT
    return FixedFormat(signed, int(quantizer.bits), int(quantizer.integer) + signed, Rounding.RND_CONV, overflow)


def _relu_format(quantizer: Any, where: str) -> FixedFormat:
    if quantizer.use_sigmoid or quantizer.negative_slope or not quantizer.is_quantized_clip or quantizer.relu_upper_bound:
        raise UserError(
            f"'{where}': {quantizer} with a sigmoid, a negative slope or an upper bound is not supported; use quantized_relu(bits, integer)"
        )
    _refuse_noise(quantizer, where)
    return FixedFormat(False, int(quantizer.bits), int(quantizer.integer), Rounding.RND_CONV, Overflow.SAT)


def _refuse_noise(quantizer: Any, where: str) -> None:
    if quantizer.use_stochastic_rounding:
        raise UserError(f"'{where}': {quantizer} rounds at random, which no firmware repeats; set use_stochastic_rounding=False")
    if float(np.asarray(quantizer.qnoise_factor)) != 1.0:
        raise UserError(f"'{where}': qnoise_factor={float(np.asarray(quantizer.qnoise_factor))} quantizes only in part; set it to 1")


def _codes(quantizer: Any, variable: Any, form: FixedFormat, where: str) -> IntArray:
    """Integer codes of the quantized weights; they must lie on the grid of `form`."""
    values = np.asarray(quantizer(variable), np.float64) * 2.0**form.fraction
    codes = np.rint(values).astype(np.int64)
    if not np.array_equal(codes, values) or codes.min() < form.low or codes.max() > form.high:
        raise UserError(f"'{where}': quantized weights do not lie on the grid of {form}; is the quantizer's scale a power of two?")
    return codes


def _add_score(builder: _Builder, config: Config, outputs: list[str], spec: InputSpec) -> None:
    if config.model.score == "squared_error":
        exact = _add_squared_error(builder, outputs[0], spec)
    else:
        exact = _add_norm(builder, "mu2", outputs[0])
        if config.model.score == "kl":
            exact = _add_kl(builder, exact, outputs[1], config.model.table_type)
    score = builder.add(Quantize(name="score", inputs=(exact,), format=config.model.score_type, size=1))
    builder.add(Threshold(name="trigger", inputs=(score,), format=FixedFormat(False, 1, 1), size=1, threshold=0))


def _add_squared_error(builder: _Builder, output: str, spec: InputSpec) -> str:
    a, b = builder.format_of("inputs"), builder.format_of(output)
    fraction = max(a.fraction, b.fraction)
    low = (a.low << (fraction - a.fraction)) - (b.high << (fraction - b.fraction))
    high = (a.high << (fraction - a.fraction)) - (b.low << (fraction - b.fraction))
    difference = FixedFormat.covering(low, high, fraction)

    def make(form: FixedFormat) -> SquaredError:
        return SquaredError(
            name="squared_error", inputs=("inputs", output, "hw"), format=form, size=1, present=spec.present, difference=difference
        )

    return builder.add_exact(make, 2 * fraction)


def _add_norm(builder: _Builder, name: str, source: str) -> str:
    fraction = 2 * builder.format_of(source).fraction
    return builder.add_exact(lambda form: SquaredNorm(name=name, inputs=(source,), format=form, size=1), fraction)


def _add_kl(builder: _Builder, mu2: str, log_var: str, form: FixedFormat) -> str:
    """0.5 * (sum mu^2 + sum (exp(v) - v - 1)) with v = ln sigma^2: the KL divergence to a unit normal prior."""
    table = exp_table("variance_term", log_var, builder.format_of(log_var), form, builder.size_of(log_var))
    builder.add(table)
    fraction = max(builder.format_of(mu2).fraction, form.fraction) + 1
    return builder.add_exact(lambda total: Sum(name="kl", inputs=(mu2, table.name), format=total, size=1, halvings=1), fraction)


def exp_table(name: str, source: str, source_format: FixedFormat, form: FixedFormat, size: int) -> Table:
    """Table of exp(v) - v - 1 over all 2**width inputs of `source_format`, rounded and saturated to `form`."""
    bits = np.arange(1 << source_format.width, dtype=np.int64)
    codes = np.where(bits > source_format.high, bits - len(bits), bits) if source_format.signed else bits
    values = codes * source_format.lsb
    exact = np.expm1(values) - values
    table = form.quantize(np.minimum(exact, (form.high + 1) * form.lsb))
    inside = table < form.high
    error = float(np.abs(table * form.lsb - exact)[inside].max())
    return Table(name=name, inputs=(source,), format=form, size=size, codes=table, function="exp(v) - v - 1", max_error=error)


def threshold_for_fpr(scores: npt.NDArray[np.integer], fpr: float) -> int:
    """Smallest integer threshold t for which the fraction of background `scores` with score >= t is at most `fpr`."""
    ordered = np.sort(np.asarray(scores).ravel())
    allowed = int(np.floor(fpr * len(ordered)))
    return int(ordered[len(ordered) - allowed - 1]) + 1
