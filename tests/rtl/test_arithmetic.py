"""Symbolic casts, squares and products against integer arithmetic, over every code of small formats."""

from fractions import Fraction
from itertools import product as combinations

import numpy as np
import pytest
from alkaid.trace.fixed_variable import FVariable

from l1ae.inputs import FixedFormat, Overflow, Rounding
from l1ae.rtl import _arithmetic as arithmetic
from l1ae.rtl._arithmetic import (
    HALF_UP,
    HARDWARE,
    any_bit,
    bit,
    bits_below,
    cast,
    cast_after_half,
    gated,
    half_lsb,
    program,
    square,
    total,
    truncate,
)
from l1ae.rtl._tables import table

MODES = list(combinations(Rounding, Overflow))
# Lowest and highest code and fractional bits of a variable: whole formats, parts of one, one sign, a single step.
SOURCES = [(-16, 15, 2), (0, 31, 3), (-5, 22, 4), (-27, -3, 1), (-4, 3, -2), (0, 1, 0), (-1, 0, 3), (3, 9, 2)]


def variable(low, high, fraction):
    step = 2.0**-fraction
    return FVariable(low * step, high * step, step, hwconf=HARDWARE)


def evaluated(sources, function):
    """Codes of every combination of the sources (N, sources), and the real values (N, outputs) of `function` of their variables."""
    variables = [variable(*source) for source in sources]
    logic = program(variables, function(*variables))
    codes = np.array(list(combinations(*(range(low, high + 1) for low, high, _ in sources))))
    # alkaid fills the last block of rows with zeros, which a table need not hold
    rows = np.concatenate([codes, np.repeat(codes[:1], -len(codes) % 64, axis=0)])
    return codes, logic.predict(rows * [2.0**-fraction for *_, fraction in sources], n_threads=1)[: len(codes)]


def targets(fraction, signs=(True, False), widths=(1, 3, 8)):
    """Formats whose LSB goes from far above the largest value to below the LSB of the source."""
    for signed, width, drop in combinations(signs, widths, (-2, 0, 1, 3, 4, 8)):
        for rounding, overflow in MODES:
            yield FixedFormat(signed, width, width - (fraction - drop), rounding, overflow)


def assert_casts(source, forms, function):
    *_, fraction = source
    codes, found = evaluated([source], lambda x: [function(x, form) for form in forms])
    for form, values in zip(forms, found.T, strict=True):
        expected = form.cast(codes[:, 0], fraction) * form.lsb
        np.testing.assert_array_equal(values, expected, err_msg=f"{source} to {form}, fraction {form.fraction}")


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_every_cast_is_that_of_ap_fixed(source):
    assert_casts(source, list(targets(source[2])), cast)


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_half_an_lsb_may_be_added_before(source):
    forms = [form for form in targets(source[2]) if form.rounding in HALF_UP and form.fraction < source[2]]
    assert_casts(source, forms, lambda x, form: cast_after_half(x + half_lsb(form), form))


def rounded(value, rounding):
    """An integer near the exact fraction `value`, from the wording of UG1399 rather than from bits."""
    down = value.numerator // value.denominator
    rest = value - down
    nearest = down + (rest > Fraction(1, 2))
    toward_zero = down + (value < 0 and rest != 0)
    ties = {
        Rounding.RND: down + 1,
        Rounding.RND_MIN_INF: down,
        Rounding.RND_ZERO: down + (value < 0),
        Rounding.RND_INF: down + (value >= 0),
        Rounding.RND_CONV: down + down % 2,
    }
    if rounding in ties:
        return ties[rounding] if rest == Fraction(1, 2) else nearest
    return {Rounding.TRN: down, Rounding.TRN_ZERO: toward_zero}[rounding]


def in_range(code, form):
    low, high = (-(1 << form.width - 1), (1 << form.width - 1) - 1) if form.signed else (0, (1 << form.width) - 1)
    symmetric = form.overflow is Overflow.SAT_SYM and form.signed
    match form.overflow:
        case Overflow.WRAP:
            return (code - low) % (high - low + 1) + low
        case Overflow.SAT_ZERO:
            return code if low <= code <= high else 0
    return min(max(code, low + symmetric), high)


@pytest.mark.parametrize("signed", [True, False])
def test_casts_follow_the_manual(signed):
    """Not even the rounding of `FixedFormat` is used here."""
    source, forms = (-40, 37, 4), list(targets(4, (signed,), (3,)))
    codes, found = evaluated([source], lambda x: [cast(x, form) for form in forms])
    for form, values in zip(forms, found.T, strict=True):
        scaled = [Fraction(int(code), 16) * Fraction(2) ** form.fraction for code in codes[:, 0]]
        expected = [in_range(rounded(value, form.rounding), form) * form.lsb for value in scaled]
        np.testing.assert_array_equal(values, expected, err_msg=str(form))


def test_a_value_in_the_format_costs_nothing():
    x = variable(-8, 7, 2)
    for rounding, overflow in MODES:
        assert cast(x, FixedFormat(True, 6, 3, rounding, overflow)) is x


@pytest.mark.parametrize("value", [-2.75, -0.5, 0.0, 0.25, 1.5, 6.0])
def test_constants_are_cast(value):
    forms = list(targets(2, widths=(1, 3)))
    for form in forms:
        made = cast(FVariable.from_const(value, hwconf=HARDWARE), form)
        assert made.low == made.high == form.cast(int(value * 4), 2) * form.lsb, form


@pytest.mark.parametrize("value", [-2.75, -0.5, 0.25, 1.5, 6.0])
def test_constants_are_cast_after_half(value):
    for form in targets(2, widths=(1, 3)):
        if form.rounding in HALF_UP and form.fraction < 2:
            made = cast_after_half(FVariable.from_const(value + half_lsb(form), hwconf=HARDWARE), form)
            assert made.low == made.high == form.cast(int(value * 4), 2) * form.lsb, form


def test_negative_values_truncate_to_minus_one_lsb():
    codes, found = evaluated([(-3, 2, 3)], lambda x: [truncate(x, 0), truncate(x, -4), truncate(x, 3)])
    np.testing.assert_array_equal(found[:, 0], np.floor(codes[:, 0] / 8))
    np.testing.assert_array_equal(found[:, 1], np.where(codes[:, 0] < 0, -16, 0))
    np.testing.assert_array_equal(found[:, 2], codes[:, 0] / 8)


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_bits_are_those_of_twos_complement(source):
    *_, fraction = source
    positions = range(-fraction - 2, 8 - fraction)

    def function(x):
        return [*(bit(x, p) for p in positions), any_bit(x), *(bits_below(x, p) for p in positions if p > -fraction)]

    codes, found = evaluated([source], function)
    columns = iter(found.T)
    for p in positions:
        shift = p + fraction
        np.testing.assert_array_equal(next(columns), codes[:, 0] >> shift & 1 if shift >= 0 else 0 * codes[:, 0], err_msg=f"bit {p}")
    np.testing.assert_array_equal(next(columns), codes[:, 0] != 0)
    for p in positions:
        if p > -fraction:
            below = (codes[:, 0] & (1 << p + fraction) - 1) * 2.0**-fraction
            np.testing.assert_array_equal(next(columns), below, err_msg=f"below {p}")


def test_a_constant_has_a_known_any_bit():
    for value in (-1.5, 0.0, 2.0):
        made = any_bit(FVariable.from_const(value, hwconf=HARDWARE))
        assert made.low == made.high == (value != 0)


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_gates(source):
    codes, found = evaluated([(0, 1, 0), source], lambda on, x: [gated(on, x)])
    np.testing.assert_array_equal(found[:, 0], codes[:, 0] * codes[:, 1] * 2.0 ** -source[2])
    for on in (0, 1):
        codes, found = evaluated([source], lambda x, on=on: [gated(FVariable.from_const(on, hwconf=HARDWARE), x)])
        np.testing.assert_array_equal(found[:, 0], on * codes[:, 0] * 2.0 ** -source[2])


def whole(signed, width):
    return (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)


WIDTHS = [1, 2, 5, 6, 7, 8, 11, 12, 13, 14]


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("width", WIDTHS)
def test_squares_of_whole_formats(width, signed):
    codes, found = evaluated([(*whole(signed, width), 3)], lambda x: [square(x)])
    np.testing.assert_array_equal(found[:, 0], codes[:, 0].astype(float) ** 2 / 64)


@pytest.mark.parametrize("source", [*SOURCES, (-200, 77, 9), (5, 700, -1), (-700, -5, 0), (4096, 4097, 0), (3, 3, 1), (0, 0, 0)], ids=str)
def test_squares_of_parts_of_a_format(source):
    codes, found = evaluated([source], lambda x: [square(x)])
    np.testing.assert_array_equal(found[:, 0], (codes[:, 0] * 2.0 ** -source[2]) ** 2)


@pytest.mark.parametrize("signs", list(combinations([True, False], repeat=2)))
@pytest.mark.parametrize("widths", [(1, 1), (1, 6), (2, 2), (3, 5), (6, 4), (5, 5), (7, 1)], ids=str)
def test_products_of_whole_formats(widths, signs):
    sources = [(*whole(sign, width), fraction) for sign, width, fraction in zip(signs, widths, (2, 0), strict=True)]
    codes, found = evaluated(sources, lambda a, b: [arithmetic.product(a, b)])
    np.testing.assert_array_equal(found[:, 0], codes[:, 0] * codes[:, 1] / 4)


@pytest.mark.parametrize("pair", list(combinations(SOURCES, repeat=2)), ids=str)
def test_products_of_parts_of_a_format(pair):
    codes, found = evaluated(pair, lambda a, b: [arithmetic.product(a, b)])
    np.testing.assert_array_equal(found[:, 0], codes[:, 0] * codes[:, 1] * 2.0 ** -(pair[0][2] + pair[1][2]))


@pytest.mark.parametrize("widths", [(12, 13), (13, 7)], ids=str)
def test_wide_products(widths):
    """Ends and random codes: the factors of a trained network's score."""
    ends = [whole(True, width) for width in widths]
    a, b = (variable(*end, 0) for end in ends)
    random = np.random.default_rng(2).integers(*np.transpose(ends), (3996, 2))
    codes = np.concatenate([list(combinations(*ends)), random])
    found = program([a, b], [arithmetic.product(a, b)]).predict(codes.astype(float), n_threads=1)
    np.testing.assert_array_equal(found[:, 0], codes[:, 0] * codes[:, 1])


@pytest.mark.parametrize("value", [-1.25, 0.0, 1.0, 6.5])
def test_products_with_constants(value):
    codes, found = evaluated([(-9, 6, 1)], lambda x: [arithmetic.product(x, FVariable.from_const(value, hwconf=HARDWARE))])
    np.testing.assert_array_equal(found[:, 0], codes[:, 0] / 2 * value)
    codes, found = evaluated([(-9, 6, 1)], lambda x: [arithmetic.product(FVariable.from_const(value, hwconf=HARDWARE), x)])
    np.testing.assert_array_equal(found[:, 0], codes[:, 0] / 2 * value)


def test_a_product_with_itself_is_the_square():
    codes, found = evaluated([(-19, 30, 1)], lambda x: [arithmetic.product(x, x), square(x)])
    np.testing.assert_array_equal(found[:, 0], found[:, 1])
    np.testing.assert_array_equal(found[:, 0], codes[:, 0] ** 2 / 4)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("constants", [[], [0.75], [-2.0, 0.0, 3.5]], ids=str)
def test_totals(count, constants):
    sources = [(-2, 1, k % 3) for k in range(count)]
    codes, found = evaluated(sources, lambda *terms: [total([*terms, *(FVariable.from_const(c, hwconf=HARDWARE) for c in constants)])])
    np.testing.assert_array_equal(found[:, 0], codes @ [2.0 ** -(k % 3) for k in range(count)] + sum(constants))


def test_a_total_of_constants_is_a_constant():
    made = total([FVariable.from_const(c, hwconf=HARDWARE) for c in (0.5, -3.0)])
    assert made.low == made.high == -2.5
    empty = total([])
    assert empty.low == empty.high == 0


def test_the_same_term_twice_counts_twice():
    codes, found = evaluated([(-3, 4, 0), (0, 3, 1)], lambda a, b: [total([a, b, a, -b, a])])
    np.testing.assert_array_equal(found[:, 0], 3 * codes[:, 0])


@pytest.mark.parametrize(
    ("low", "high", "step"),
    [
        (-512, 511, 1),
        (0, 1023, 1),
        (-4, 3.96875, 1 / 32),
        (-2.1875, 1.53125, 1 / 32),
        (3, 900, 1),
        (-600, -300, 1),
        (-100, 2000, 1),
        (0, 63, 1),
    ],
)
def test_tables_give_every_entry(low, high, step):
    """Tables of more than six bits are taken apart; the range need not start at a power of two, nor hold every word."""
    x = FVariable(float(low), float(high), float(step), hwconf=HARDWARE)
    values = low + step * np.arange(round((high - low) / step) + 1)
    outputs = np.random.default_rng(1).integers(-200, 3000, len(values)) / 8
    logic = program([x], [table(x, outputs)])
    np.testing.assert_array_equal(logic.predict(values[:, None])[:, 0], outputs)
