"""Formats of QKeras quantizers, or their refusal with the place and the remedy."""

from math import frexp
from typing import Any

import numpy as np

from l1ae.contract._ops import IntArray
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, Overflow, Rounding

__all__ = [
    "QUANTIZERS",
    "bits_format",
    "finest_codes",
    "is_relu",
    "learned_format",
    "quantizer_refusal",
    "relu_format",
    "weight_codes",
    "weight_format",
]

QUANTIZERS = ("quantized_bits", "quantized_relu", "ternary", "binary")
"""Classes of QKeras that have a fixed-point format; the last two for weights only."""

# float32, in which Keras computes, has no more
_MAX_BITS = 24
# in LSB
_FLOAT_ERROR = 2.0**-8


def weight_format(quantizer: Any, where: str) -> FixedFormat:
    """Format of the weights that a kernel or bias quantizer makes: `quantized_bits`, `ternary` or `binary`.

    The latter two are codes -1, 0 and 1 of a 2-bit format whose LSB is the quantizer's constant power-of-two `alpha`.
    """
    kind = _kind(quantizer)
    if kind not in {"ternary", "binary"}:
        return _bits(quantizer, where, _exponent(quantizer, where) if kind == "quantized_bits" else 0)
    if quantizer.alpha is None:
        raise _no_scale(quantizer, where)
    _refuse_stochastic_rounding(quantizer, where)
    return FixedFormat(True, 2, 2 + _exponent(quantizer, where))


def _exponent(quantizer: Any, where: str) -> int:
    """log2 of the quantizer's scale, by which QKeras multiplies what it has quantized; None is a scale of 1."""
    alpha = 1.0 if quantizer.alpha is None else quantizer.alpha
    if isinstance(alpha, str) or np.ndim(alpha) or not np.isfinite(float(alpha)) or frexp(float(alpha))[0] != 0.5:
        raise _no_scale(quantizer, where)
    return frexp(float(alpha))[1] - 1


def _no_scale(quantizer: Any, where: str) -> UserError:
    return UserError(
        f"'{where}': {_kind(quantizer)} has scale alpha={quantizer.alpha!r}, which changes with the data or is no power of two; train it "
        "with a constant power of two, for example alpha=1"
    )


def _kind(quantizer: Any) -> str:
    """Name of a quantizer of QKeras; of something else, what it is."""
    if quantizer is None:
        return "no quantizer"
    name = getattr(quantizer, "__name__", type(quantizer).__name__)
    if type(quantizer).__module__.startswith("qkeras."):
        return name
    return f"activation {name}"


def quantizer_refusal(where: str, kind: str) -> UserError:
    """Why the quantizer or activation `kind` is not supported, and which one comes next to it."""
    relu = kind != "quantized_relu" and ("relu" in kind or "hswish" in kind or "elu" in kind)
    near = "quantized_relu(bits, integer)" if relu else "quantized_bits(bits, integer, alpha=1)"
    return UserError(f"{where}: {kind} is not supported; use {near}, and train the model with it")


def bits_format(quantizer: Any, where: str) -> FixedFormat:
    """Format of a `quantized_bits` of activations: round half to even, saturate (QKeras, `quantized_bits.__call__`)."""
    if _kind(quantizer) == "quantized_bits" and _exponent(quantizer, where):
        raise UserError(
            f"'{where}': quantized_bits multiplies what it has quantized by alpha={quantizer.alpha}; give alpha=1, and multiply the "
            f"weights that read the result by {quantizer.alpha}"
        )
    return _bits(quantizer, where, 0)


def _bits(quantizer: Any, where: str, exponent: int) -> FixedFormat:
    """Format of a `quantized_bits` whose results are multiplied by 2^exponent."""
    if _kind(quantizer) != "quantized_bits":
        raise quantizer_refusal(f"'{where}'", _kind(quantizer))
    _refuse_noise(quantizer, where)
    if quantizer.bits - bool(quantizer.keep_negative) < 1:
        raise UserError(f"'{where}': {quantizer} has no bit beside the sign, which QKeras makes a sign function; use at least 2 bits")
    for name in ("symmetric", "keep_negative"):
        if getattr(quantizer, name) not in {0, 1}:
            raise UserError(f"'{where}': {name}={getattr(quantizer, name)} is neither 0 nor 1; give one of the two")
    signed = bool(quantizer.keep_negative)
    overflow = Overflow.SAT_SYM if quantizer.symmetric and signed else Overflow.SAT
    bits, integer = _whole_bits(quantizer, where)
    return FixedFormat(signed, bits, integer + signed + exponent, Rounding.RND_CONV, overflow)


def _whole_bits(quantizer: Any, where: str) -> tuple[int, int]:
    """Width and integer bits, which QKeras takes as any number, even as one per channel."""
    found = []
    for name in ("bits", "integer"):
        value = np.asarray(getattr(quantizer, name), np.float64)
        if value.ndim or value != np.rint(value) or not (name == "integer" or 1 <= value <= _MAX_BITS) or abs(value) > _MAX_BITS:
            raise UserError(f"'{where}': {_kind(quantizer)} has {name}={value}; give one whole number, bits from 1 to {_MAX_BITS}")
        found.append(int(value))
    return found[0], found[1]


def is_relu(quantizer: Any) -> bool:
    """Whether `relu_format` reads this quantizer."""
    return _kind(quantizer) == "quantized_relu"


def relu_format(quantizer: Any, where: str) -> FixedFormat:
    """Format of a `quantized_relu`: round half to even, saturate."""
    if quantizer.use_sigmoid or quantizer.negative_slope or not quantizer.is_quantized_clip or quantizer.relu_upper_bound:
        raise UserError(
            f"'{where}': {quantizer} with a sigmoid, a negative slope or an upper bound is not supported; use quantized_relu(bits, integer)"
        )
    _refuse_noise(quantizer, where)
    return FixedFormat(False, *_whole_bits(quantizer, where), Rounding.RND_CONV, Overflow.SAT)


def _refuse_stochastic_rounding(quantizer: Any, where: str) -> None:
    if quantizer.use_stochastic_rounding:
        raise UserError(f"'{where}': {quantizer} rounds at random, which no firmware repeats; set use_stochastic_rounding=False")


def _refuse_noise(quantizer: Any, where: str) -> None:
    _refuse_stochastic_rounding(quantizer, where)
    if float(np.asarray(quantizer.qnoise_factor)) != 1.0:
        raise UserError(f"'{where}': qnoise_factor={float(np.asarray(quantizer.qnoise_factor))} quantizes only in part; set it to 1")


def learned_format(layer: Any) -> FixedFormat:
    """Format of a `LearnedActivation`: round half to even, saturate."""
    fraction = round(float(np.asarray(layer.fraction)))
    signed = not layer.hidden
    return FixedFormat(signed, signed + layer.integer + fraction, signed + layer.integer, Rounding.RND_CONV, Overflow.SAT)


def finest_codes(values: Any, where: str) -> tuple[IntArray, FixedFormat]:
    """Codes of weights that have a grid each, on the coarsest grid that holds all, and the narrowest signed format."""
    real = np.asarray(values, np.float64)
    for fraction in range(-16, 32) if real.any() else (0,):
        codes = real * 2.0**fraction
        if np.array_equal(codes, np.rint(codes)):
            integers = codes.astype(np.int64)
            return integers, FixedFormat.covering(min(int(integers.min()), -1), int(integers.max()), fraction)
    raise UserError(f"'{where}': the weights are no multiples of 2^-31; were they read after the training had ended?")


def weight_codes(quantizer: Any, variable: Any, form: FixedFormat, where: str) -> IntArray:
    """Integer codes of the quantized weights; they must lie on the grid of `form`.

    A quantizer returns w + (q(w) - w), which float32 may miss by one bit in the last place; q(w) is what is meant.
    """
    values = np.asarray(quantizer(variable), np.float64) * 2.0**form.fraction
    if not np.isfinite(values).all():
        raise UserError(f"'{where}': a weight is infinite or no number; train the model again with a smaller learning rate")
    codes = np.rint(values)
    if (np.abs(codes - values) > _FLOAT_ERROR).any() or codes.min() < form.low or codes.max() > form.high:
        raise UserError(f"'{where}': quantized weights do not lie on the grid of {form}; is the quantizer's scale a power of two?")
    return codes.astype(np.int64)
