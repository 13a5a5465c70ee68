"""Layers of a description that become several operations: normalisation, clamps, hls4ml's tables, and scores of vectors."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.config import ActivationDescription, BatchNormDescription, ClampDescription, ScoreDescription
from l1ae.contract._builder import Builder
from l1ae.contract._foreign_arrays import Arrays
from l1ae.contract._ops import Dense, Gather, Pool, Quantize, Relu, Table
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, Overflow, Rounding

__all__ = ["add_activation", "add_batch_norm", "add_clamp", "add_score_of_vector"]

Floats = npt.NDArray[np.float64]

# -- x * scale + bias ------------------------------------------------------------------------------------------------


def add_batch_norm(layer: BatchNormDescription, source: str, builder: Builder, arrays: Arrays) -> str:
    """A sum of one product for each element, in a type that holds it exactly, and its cast where there is one."""
    size, where = builder.size_of(source), f"layer '{layer.name}'"
    scale, bias = _affine(layer, arrays, where)
    if scale.shape != bias.shape or scale.ndim != 1 or size % len(scale):
        raise UserError(
            f"{arrays.path}: {where}: its arrays must have one number for each of the {size} elements of '{layer.input}', or for each "
            f"channel, not shapes {scale.shape} and {bias.shape}"
        )
    codes = [
        np.tile(arrays.codes(numbers, form, f"{where}, {name}", rounds=layer.round_weights), size // len(scale))
        for name, numbers, form in (("scale", scale, layer.scale_type), ("bias", bias, layer.bias_type))
    ]
    fraction = max(builder.format_of(source).fraction + layer.scale_type.fraction, layer.bias_type.fraction)

    def make(form: FixedFormat) -> Dense:
        return Dense(
            name=layer.name,
            inputs=(source,),
            format=form,
            size=size,
            weights=np.diag(codes[0]),
            bias=codes[1],
            weight_format=layer.scale_type,
            bias_format=layer.bias_type,
        )

    builder.add_exact(make, fraction)
    if layer.result is None:
        return layer.name
    return builder.add(Quantize(name=f"{layer.name}_result", inputs=(layer.name,), format=layer.result, size=size))


def _affine(layer: BatchNormDescription, arrays: Arrays, where: str) -> tuple[Floats, Floats]:
    """Scale and bias: those of the firmware, or from what was learned, in double precision as hls4ml computes them."""
    found: Mapping[str, Floats] = {
        name: arrays.numbers(value, f"{where}, {name}")
        for name in ("scale", "bias", "gamma", "beta", "mean", "variance")
        if (value := getattr(layer, name)) is not None
    }
    if "scale" in found:
        return found["scale"], found["bias"]
    mean, variance = found["mean"], found["variance"]
    gamma, beta = found.get("gamma", np.ones(variance.shape)), found.get("beta", np.zeros(mean.shape))
    if len({values.shape for values in (mean, variance, gamma, beta)}) > 1 or variance.min() < 0:
        raise UserError(f"{arrays.path}: {where}: gamma, beta, mean and variance must be of one shape, and no variance below 0")
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return scale, beta - mean * scale


# -- clamps --------------------------------------------------------------------------------------------------------------


def add_clamp(layer: ClampDescription, source: str, builder: Builder, arrays: Arrays) -> str:
    """max(x, low) = x + max(low - x, 0), min(x, high) = x - max(x - high, 0), exact; then cast to `result`."""
    name, size = layer.name, builder.size_of(source)
    ends = {}
    for end in ("low", "high"):
        if (value := getattr(layer, end)) is not None:
            (code,), fraction = arrays.reals(value, f"layer '{name}', {end}", (1,))
            ends[end] = FixedFormat.covering(int(code), int(code), fraction), int(code)
    for end, (form, code) in ends.items():
        constant = _constants(builder, f"{name}_{end}", source, form, code)
        if end == "low":
            excess = _positive_part(builder, f"{name}_low", constant, source)
            source = builder.elementwise(f"{name}_from_low", "add", source, excess)
        else:
            excess = _positive_part(builder, f"{name}_high", source, constant)
            source = builder.elementwise(f"{name}_to_high", "subtract", source, excess)
    if len(ends) == 2:
        source = _narrowed(builder, f"{name}_range", source, ends)
    return builder.add(Quantize(name=name, inputs=(source,), format=layer.result, size=size))


def _positive_part(builder: Builder, name: str, first: str, second: str) -> str:
    """max(first - second, 0)."""
    beyond, size = builder.elementwise(f"{name}_beyond", "subtract", first, second), builder.size_of(first)
    fraction = builder.format_of(beyond).fraction
    return builder.add_exact(lambda form: Relu(name=f"{name}_excess", inputs=(beyond,), format=form, size=size), fraction)


def _constants(builder: Builder, name: str, beside: str, form: FixedFormat, code: int) -> str:
    tables = [np.array([code])] * builder.size_of(beside)
    return builder.add(Table.of_elements(tables, name=name, inputs=(beside,), format=form, function="constant", max_error=0.0))


def _narrowed(builder: Builder, name: str, source: str, ends: Mapping[str, tuple[FixedFormat, int]]) -> str:
    """What interval arithmetic does not see: nothing is outside of the clamp, so that a cast to the least type around it changes no bit."""
    fraction = builder.format_of(source).fraction
    low, high = (code << (fraction - form.fraction) for form, code in (ends["low"], ends["high"]))
    least = FixedFormat.covering(min(low, 0), max(high, 0), fraction)
    form = FixedFormat(least.signed, least.width, least.integer, Rounding.TRN, Overflow.SAT)
    return builder.add(Quantize(name=name, inputs=(source,), format=form, size=builder.size_of(source)))


# -- hls4ml's tables -------------------------------------------------------------------------------------------------------

_REACH = {"sigmoid": 8, "tanh": 4, "softplus": 8, "softsign": 8}
"""The tables go from minus to plus this."""


def add_activation(layer: ActivationDescription, source: str, builder: Builder) -> str:
    """The table of hls4ml's nnet_activation.h: its address is the input in steps of the range, rounded towards 0 and saturated."""
    name, size, reach = layer.name, builder.size_of(source), _REACH[layer.function]
    bits, integer = layer.table_size.bit_length() - 1, reach.bit_length()
    address = FixedFormat(True, bits, integer, Rounding.TRN_ZERO, Overflow.SAT)
    builder.add(Quantize(name=f"{name}_address", inputs=(source,), format=address, size=size))
    patterns = np.arange(layer.table_size)
    x = (np.where(patterns > address.high, patterns - layer.table_size, patterns) * address.lsb).astype(np.float32)
    values = _function(layer.function, x)
    entries = layer.table_type.quantize(values.astype(np.float64))
    codes = layer.result.cast(entries, layer.table_type.fraction)
    error = float(np.abs(codes * layer.result.lsb - values)[codes < layer.result.high].max(initial=0.0))
    text = f"{layer.function}, {layer.table_size} entries of {layer.table_type}"
    return builder.add(
        Table(name=name, inputs=(f"{name}_address",), format=layer.result, size=size, codes=codes, function=text, max_error=error)
    )


def _function(name: str, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """In the arithmetic of hls4ml: exponentials rounded to float, sums and quotients in double where a constant is a double."""
    wide = x.astype(np.float64)
    power = np.exp(-wide if name == "sigmoid" else wide).astype(np.float32)
    match name:
        case "sigmoid":
            found: Any = 1.0 / (np.float32(1) + power).astype(np.float64)
        case "tanh":
            found = np.tanh(wide)
        case "softplus":
            found = np.log(power.astype(np.float64) + 1.0)
        case _:
            found = wide / (np.abs(x) + np.float32(1)).astype(np.float64)
    return np.asarray(found, np.float32)


# -- scores of vectors -------------------------------------------------------------------------------------------------------


def add_score_of_vector(score: ScoreDescription, source: str, builder: Builder) -> str:
    """One number, exact, of a vector that leaves the network."""
    name, fraction = "score_exact", builder.format_of(source).fraction
    match score.function:
        case "squares":
            return builder.dot(name, source)
        case "absolute":
            zeros = Gather(
                name="score_zeros",
                inputs=(source,),
                format=builder.format_of(source),
                size=builder.size_of(source),
                index=np.full(builder.size_of(source), -1),
            )
            return builder.error(name, source, builder.add(zeros), 1)
        case "sum":
            return builder.sum(name, source)
        case _:
            windows = np.arange(builder.size_of(source))[None]
            return builder.add_exact(
                lambda form: Pool(name=name, inputs=(source,), format=form, size=1, windows=windows, function="max"), fraction
            )
