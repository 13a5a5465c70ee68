"""Formats of QKeras quantizers, or their refusal with the place and the remedy."""

from math import frexp
from typing import Any

import numpy as np

from l1ae.contract._ops import IntArray
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, Overflow, Rounding

__all__ = ["bits_format", "finest_codes", "learned_format", "relu_format", "weight_codes", "weight_format"]


def weight_format(quantizer: Any, where: str) -> FixedFormat:
    """Format of the weights that a kernel or bias quantizer makes: `quantized_bits`, `ternary` or `binary`.

    The latter two are codes -1, 0 and 1 of a 2-bit format whose LSB is the quantizer's constant power-of-two `alpha`.
    """
    kind = type(quantizer).__name__
    if kind not in {"ternary", "binary"}:
        return bits_format(quantizer, where)
    alpha = quantizer.alpha
    if alpha is None or isinstance(alpha, str) or np.ndim(alpha) or frexp(float(alpha))[0] != 0.5:
        raise UserError(f"'{where}': {kind} has scale alpha={alpha!r}; give a constant power of two, for example alpha=0.25")
    if quantizer.use_stochastic_rounding:
        raise UserError(f"'{where}': {quantizer} rounds at random, which no firmware repeats; set use_stochastic_rounding=False")
    return FixedFormat(True, 2, 2 + frexp(float(alpha))[1] - 1)


def bits_format(quantizer: Any, where: str) -> FixedFormat:
    """Format of a `quantized_bits`: round half to even, saturate (QKeras, `quantized_bits.__call__`)."""
    kind = "no quantizer" if quantizer is None else type(quantizer).__name__
    if kind == "function":
        kind = f"activation {quantizer.__name__}"
    if kind != "quantized_bits":
        raise UserError(f"'{where}': {kind} is not supported; use quantized_bits(bits, integer, alpha=1)")
    if quantizer.alpha is None or np.ndim(quantizer.alpha) or isinstance(quantizer.alpha, str) or float(quantizer.alpha) != 1.0:
        raise UserError(f"'{where}': quantizer {quantizer} has scale alpha={quantizer.alpha!r}; give alpha=1 explicitly")
    _refuse_noise(quantizer, where)
    if quantizer.bits - bool(quantizer.keep_negative) < 1:
        raise UserError(f"'{where}': {quantizer} has no bit beside the sign, which QKeras makes a sign function; use at least 2 bits")
    signed = bool(quantizer.keep_negative)
    overflow = Overflow.SAT_SYM if quantizer.symmetric and signed else Overflow.SAT
    return FixedFormat(signed, int(quantizer.bits), int(quantizer.integer) + signed, Rounding.RND_CONV, overflow)


def relu_format(quantizer: Any, where: str) -> FixedFormat:
    """Format of a `quantized_relu`: round half to even, saturate."""
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
    """Integer codes of the quantized weights; they must lie on the grid of `form`."""
    values = np.asarray(quantizer(variable), np.float64) * 2.0**form.fraction
    codes = np.rint(values).astype(np.int64)
    if not np.array_equal(codes, values) or codes.min() < form.low or codes.max() > form.high:
        raise UserError(f"'{where}': quantized weights do not lie on the grid of {form}; is the quantizer's scale a power of two?")
    return codes
