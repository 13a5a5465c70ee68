"""`ap_fixed` casts on alkaid's symbolic fixed-point variables: every rounding and overflow mode, in few gates."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from alkaid.trace import FVArray, HWConfig, trace
from alkaid.trace.fixed_variable import FVariable
from alkaid.trace.passes import optimize
from alkaid.types import CombLogic

from l1ae.inputs import FixedFormat, Overflow, Rounding

__all__ = [
    "HALF_UP",
    "HARDWARE",
    "LUT_INPUTS",
    "SOLVER",
    "all_bits",
    "any_bit",
    "bit",
    "bits_below",
    "bring_into_range",
    "cast",
    "cast_after_half",
    "choose",
    "gated",
    "half_lsb",
    "product",
    "program",
    "square",
    "total",
    "truncate",
]

Variable = Any  # alkaid has no type information

# alkaid's figures of cost: full adders of one bit, carry of one bit, no limit to the delay.
HARDWARE = HWConfig(1, 1, -1)
# An adder tree may be two levels deeper than the shallowest if that shares more terms.
SOLVER = {"hard_dc": 2}
# Rounding modes that add half an LSB and then look at the dropped bits at most.
HALF_UP = (Rounding.RND, Rounding.RND_CONV)

LUT_INPUTS = 6


def program(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> CombLogic:
    """The program that makes `outputs` of all `inputs`, read or not.

    alkaid's second trace is left out: it forgets the ranges of the inputs, which widens adders, and refuses tables that do
    not hold every word of the input's bits.
    """
    return optimize(trace(list(inputs), list(outputs), optimize=False), keep_dead_inputs=True, retrace=False)


def half_lsb(form: FixedFormat) -> float:
    """What `RND` adds before it drops bits."""
    return float(2.0 ** (-form.fraction - 1))


def _wrapped(x: Variable, signed: int, integer: int, fraction: int) -> Variable:
    """The bits of `x` from `2**-fraction` up to `2**integer`, and the sign: alkaid 0.8.2 wraps unsigned constants wrongly."""
    width = signed + integer + fraction
    if x.low < x.high or width <= 0:
        return x.quantize(signed, integer, fraction)
    low = -(1 << width - 1) if signed else 0
    code = (math.floor(x.low * 2.0**fraction) - low) % (1 << width) + low
    return FVariable.from_const(code * 2.0**-fraction, hwconf=x.hwconf)


def truncate(x: Variable, fraction: int) -> Variable:
    """Drop the bits below `2**-fraction`, towards minus infinity."""
    signed, integer, present = x.kif
    if fraction >= present:
        return x
    return _wrapped(x, signed, max(integer, 1 - fraction - signed), fraction)


def cast(x: Variable, form: FixedFormat) -> Variable:
    """`x` in `form`."""
    if x.low == x.high:
        return _cast_constant(x, form)
    if x.kif[2] <= form.fraction:
        return bring_into_range(x, form)
    if form.rounding in HALF_UP:
        return cast_after_half(x + half_lsb(form), form)
    return bring_into_range(truncate(_rounded_up(x, form), form.fraction), form)


def cast_after_half(x: Variable, form: FixedFormat) -> Variable:
    """As `cast` for a rounding of `HALF_UP`, where half an LSB was added before.

    Ties to even are then the ties with the last bit cleared: bits instead of a second addition.
    """
    if x.low == x.high:
        return _cast_constant(x - half_lsb(form), form)
    rounded = truncate(x, form.fraction)
    if form.rounding is Rounding.RND_CONV and rounded is not x:
        rest = bits_below(x, -form.fraction)
        last = bit(rounded, -form.fraction)
        rounded = truncate(rounded, form.fraction - 1) + (last & any_bit(rest)) * form.lsb
    return bring_into_range(rounded, form)


def _cast_constant(x: Variable, form: FixedFormat) -> Variable:
    fraction = x.kif[2]
    return FVariable.from_const(float(form.cast(round(x.low * 2.0**fraction), fraction)) * form.lsb, hwconf=x.hwconf)


def _rounded_up(x: Variable, form: FixedFormat) -> Variable:
    """`x` plus what makes truncation to `form` round as its mode says (UG1399, quantization modes)."""
    step, half, unit = x.step, half_lsb(form), form.lsb
    match form.rounding:
        case Rounding.TRN:
            return x
        case Rounding.RND_MIN_INF:
            return x + (half - step)
        case Rounding.RND_ZERO:
            return x + (half - step) + x.is_negative() * step
        case Rounding.RND_INF:
            return x + half - x.is_negative() * step
        case Rounding.TRN_ZERO:
            return x + x.is_negative() * (unit - step)
    raise AssertionError(form.rounding)


def bits_below(x: Variable, position: int) -> Variable:
    """The bits of weight less than `2**position`, as an unsigned number."""
    return _wrapped(x, 0, position, x.kif[2])


def bit(x: Variable, position: int) -> Variable:
    """The bit of weight `2**position` as 0 or 1."""
    signed, integer, fraction = x.kif
    if -position > fraction:
        return FVariable.from_const(0, hwconf=x.hwconf)
    if position >= integer:
        return x.is_negative() if signed else FVariable.from_const(0, hwconf=x.hwconf)
    return _wrapped(x, 0, position + 1, -position) * 2.0**-position


def any_bit(x: Variable) -> Variable:
    """1 if `x` is not 0."""
    if x.low > 0 or x.high < 0:
        return FVariable.from_const(1, hwconf=x.hwconf)
    if x.low == x.high:
        return FVariable.from_const(0, hwconf=x.hwconf)
    return x.unary_bit_op("any")


def all_bits(x: Variable) -> Variable:
    """1 if all bits of `x`, a number without sign, are set."""
    return x.unary_bit_op("all")


def choose(condition: Variable, a: Variable, b: Variable) -> Variable:
    """`a` where the bit `condition` is 1, else `b`."""
    if condition.low == condition.high:
        return a if condition.low else b
    return condition.msb_mux(a, b)


def gated(condition: Variable, x: Variable) -> Variable:
    """`x` where the bit `condition` is 1, else 0."""
    return choose(condition, x, FVariable.from_const(0, hwconf=x.hwconf))


def bring_into_range(x: Variable, form: FixedFormat) -> Variable:
    """Apply the overflow mode to a value whose bits below the LSB are gone.

    Saturation looks at the bits above the format instead of subtracting its limits: no carry chain.
    """
    low, high = form.low * form.lsb, form.high * form.lsb
    if low <= x.low and x.high <= high:
        return x
    integer = form.integer - form.signed
    inside = _wrapped(x, form.signed, integer, form.fraction)
    match form.overflow:
        case Overflow.WRAP:
            return inside
        case Overflow.SAT_SYM:
            return _wrapped(x.max_of(low).min_of(high), form.signed, integer, form.fraction)
        case Overflow.SAT_ZERO:
            return gated(~_overflows(x, form), inside)
        case Overflow.SAT:
            return _saturated(x, inside, form)


def _top_bits(x: Variable, form: FixedFormat) -> Variable:
    """The bits above the largest code of `form`; with the sign, if there is one."""
    signed, integer, _ = x.kif
    limit = form.integer - form.signed
    return _wrapped(x, signed, max(integer, limit + 1 - signed), -limit)


def _overflows(x: Variable, form: FixedFormat) -> Variable:
    """1 if `x` is outside of `form`."""
    top = _top_bits(x, form)
    # A step beyond the format's largest code: what is not 0 is outside, and the zeros below the step are no bits of `top`.
    if x.low >= 0 or not form.signed or x.step > 2.0 ** (form.integer - 1):
        return any_bit(top)
    return any_bit(top) & ~top.unary_bit_op("all")


def _saturated(x: Variable, inside: Variable, form: FixedFormat) -> Variable:
    integer = form.integer - form.signed
    if x.low >= 0:
        ones = -any_bit(_top_bits(x, form)) * form.lsb
        return _wrapped(_wrapped(inside, 0, integer, form.fraction) | ones, 0, integer, form.fraction)
    if not form.signed:
        positive = x.relu()
        fits = positive.high <= form.high * form.lsb
        return positive if fits else _saturated(positive, _wrapped(positive, 0, integer, form.fraction), form)
    low, high = (FVariable.from_const(code * form.lsb, hwconf=x.hwconf) for code in (form.low, form.high))
    return choose(_overflows(x, form), x.msb_mux(low, high), inside)


def square(x: Variable) -> Variable:
    """`x**2`: the squares of groups of six bits are tables (one LUT a bit), the cross terms rows of AND gates.

    `(h 2^6 + l)^2 = h^2 2^12 + l^2 + h l 2^7`, and `l^2 < 2^12` needs no adder beside `h^2 2^12`. With a sign and up to six bits the
    sign chooses between two tables of the bits, which is two thirds of the way through a magnitude.
    """
    signed, integer, fraction = (int(v) for v in x.kif)
    if not signed or integer + fraction > LUT_INPUTS:
        return _square_unsigned(abs(x))
    bits = _wrapped(x, 0, integer, fraction)
    codes = np.arange(round(bits.low / bits.step), round(bits.high / bits.step) + 1) * bits.step
    # what no value reaches must not widen the sums behind
    below, above = np.maximum(codes - 2.0**integer, x.low) ** 2, np.minimum(codes, x.high) ** 2
    if x.high < 0:
        return bits.lookup(below)
    return choose(x.is_negative(), bits.lookup(below), bits.lookup(above))


def _square_unsigned(x: Variable) -> Variable:
    _, integer, fraction = x.kif
    if integer + fraction <= LUT_INPUTS:
        values = np.arange(round((x.high - x.low) / x.step) + 1) * x.step + x.low
        return x.lookup(values**2) if x.low < x.high else FVariable.from_const(x.low**2, hwconf=x.hwconf)
    cut = LUT_INPUTS - fraction
    low, high = bits_below(x, cut), truncate(x, -cut)
    rows = [gated(bit(low, k), high) * 2.0 ** (k + 1) for k in range(-fraction, cut)]
    return total([_square_unsigned(high) + _square_unsigned(low), *rows])


def product(a: Variable, b: Variable) -> Variable:
    """`a * b` as a sum of rows of AND gates, one for each bit of the narrower factor: a pipeline may cut between the additions."""
    if min(a.high - a.low, b.high - b.low) == 0:
        return a * b
    if sum(a.kif) < sum(b.kif):
        a, b = b, a
    signed, integer, fraction = b.kif
    rows = [gated(bit(b, k), a) * 2.0**k for k in range(-fraction, integer)]
    if signed:
        rows.append(-gated(b.is_negative(), a) * 2.0**integer)
    return total(rows)


def total(terms: Sequence[Variable]) -> Variable:
    """The sum of all terms, as one adder tree."""
    constant = sum(float(v.low) for v in terms if v.low == v.high)
    variables = [v for v in terms if v.low != v.high]
    if not variables:
        return FVariable.from_const(constant, hwconf=HARDWARE)
    if len(variables) == 1:
        return variables[0] + constant
    array = np.empty(len(variables), dtype=object)
    array[:] = variables
    return np.asarray(FVArray(array, SOLVER) @ np.ones((len(variables), 1)), dtype=object)[0] + constant
