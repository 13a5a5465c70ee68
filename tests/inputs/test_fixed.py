import math
import shutil
import subprocess
from fractions import Fraction
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, Overflow, Rounding

INT64 = st.integers(-(2**63), 2**63 - 1)


def reference_round(value: Fraction, rounding: Rounding) -> int:
    """UG1399, table of quantization modes, in exact rational arithmetic."""
    below = math.floor(value)
    tie = value - below == Fraction(1, 2)
    nearest = math.floor(value + Fraction(1, 2))
    toward_zero = math.trunc(value)
    return {
        Rounding.TRN: below,
        Rounding.TRN_ZERO: toward_zero,
        Rounding.RND: nearest,
        Rounding.RND_ZERO: toward_zero if tie else nearest,
        Rounding.RND_MIN_INF: below if tie else nearest,
        Rounding.RND_INF: (below if value < 0 else below + 1) if tie else nearest,
        Rounding.RND_CONV: round(value),
    }[rounding]


def reference_overflow(code: int, form: FixedFormat) -> int:
    """UG1399, table of overflow modes."""
    low = -(2 ** (form.width - 1)) if form.signed else 0
    high = 2 ** (form.width - form.signed) - 1
    if low <= code <= high and not (form.overflow is Overflow.SAT_SYM and form.signed and code == low):
        return code
    if form.overflow is Overflow.SAT:
        return low if code < low else high
    if form.overflow is Overflow.SAT_ZERO:
        return 0
    if form.overflow is Overflow.SAT_SYM:
        return high if code > high else (-high if form.signed else 0)
    wrapped = code % 2**form.width
    return wrapped - 2**form.width if form.signed and wrapped >= 2 ** (form.width - 1) else wrapped


def reference_cast(value: Fraction, form: FixedFormat) -> int:
    return reference_overflow(reference_round(value * Fraction(2) ** form.fraction, form.rounding), form)


formats = st.builds(
    FixedFormat, st.booleans(), st.integers(1, 62), st.integers(-80, 80), st.sampled_from(list(Rounding)), st.sampled_from(list(Overflow))
)


@given(form=formats, codes=st.lists(st.integers(-(2**12), 2**12) | INT64, max_size=20), fraction=st.integers(-70, 140))
def test_cast_against_fractions(form, codes, fraction):
    assume(all(-(2**63) <= code * 2 ** max(form.fraction - fraction, 0) < 2**63 for code in codes))
    expected = [reference_cast(Fraction(code) / Fraction(2) ** fraction, form) for code in codes]
    result = form.cast(np.array(codes, np.int64), fraction)
    assert result.dtype == np.int64
    assert result.tolist() == expected


@given(form=formats, drops=st.lists(st.tuples(st.integers(-(2**20), 2**20), st.integers(-40, 40)), min_size=1, max_size=20))
def test_cast_with_one_fraction_per_element(form, drops):
    codes, fractions = (np.array(values, np.int64) for values in zip(*((code, form.fraction + drop) for code, drop in drops), strict=True))
    expected = [reference_cast(Fraction(int(c)) / Fraction(2) ** int(f), form) for c, f in zip(codes, fractions, strict=True)]
    assert form.cast(codes, fractions).tolist() == expected
    assert form.cast(np.stack([codes, codes]), fractions).tolist() == [expected, expected]


@given(form=formats, offset=st.integers(-600, 600))
def test_ties_and_their_neighbours(form, offset):
    """Random codes rarely hit a tie of a wide shift: build them."""
    for drop in (1, 2, 3, 40, 62):
        half = 2 ** (drop - 1)
        near = [code for i in range(-3, 4) for code in (2 * half * (offset + i) + half + j for j in (-1, 0, 1)) if abs(code) < 2**63]
        fraction = form.fraction + drop
        assert form.cast(near, fraction).tolist() == [reference_cast(Fraction(code) / Fraction(2) ** fraction, form) for code in near]


def test_shifts_beyond_int64_keep_the_lost_bits():
    half = 2**62
    codes = [half - 1, half, half + 1, -half - 1, -half, -half + 1]
    for rounding, expected in (("RND_CONV", [0, 0, 1, -1, 0, 0]), ("RND_INF", [0, 1, 1, -1, -1, 0]), ("TRN_ZERO", [0] * 6)):
        assert FixedFormat.parse(f"fixed<8,8,{rounding},SAT>").cast(codes, 63).tolist() == expected
    assert FixedFormat.parse("fixed<8,8>").cast([1, -1], 1000).tolist() == [0, -1]


def test_cast_refuses_what_int64_cannot_align():
    form = FixedFormat.parse("fixed<62,0>")
    assert form.cast(-1, 0).tolist() == 0
    assert form.cast([0, -2], [-1000, 0]).tolist() == [0, 0]
    with pytest.raises(OverflowError, match=r"^aligning code 2 by 62 bits does not fit into int64$"):
        form.cast([1, 2], 0)
    with pytest.raises(OverflowError, match=r"^aligning code -1 by 64 bits does not fit into int64$"):
        form.cast([[0], [-1]], [62, -2])


@given(form=formats, values=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20))
def test_quantize_against_fractions(form, values):
    assert form.quantize(values).tolist() == [reference_cast(Fraction(value), form) for value in values]


@given(form=formats, code=st.integers(-(2**50), 2**50), quarters=st.integers(0, 3), nudge=st.sampled_from([-1, 0, 1]))
def test_quantize_near_ties(form, code, quarters, nudge):
    """A value one float64 step beside a tie is no tie, however much finer than the LSB that step is."""
    value = math.ldexp(code // 4 ** (code % 25) + quarters / 4, -form.fraction)
    if nudge:
        value = math.nextafter(value, nudge * math.inf)
    assert form.quantize(value).tolist() == reference_cast(Fraction(value), form)


def test_quantize_of_values_finer_than_any_fixed_guard():
    form = FixedFormat.parse("fixed<8,8,RND_CONV,SAT>")
    assert form.quantize([0.5, 0.5 + 2**-40, 1.5, 1.5 - 2**-40, 2.5 + 2**-40, -0.5 - 2**-50]).tolist() == [0, 1, 2, 1, 3, -1]
    assert FixedFormat.parse("fixed<8,8,TRN,SAT>").quantize([-1e-300, 1e-300, 5e-324]).tolist() == [-1, 0, 0]


def test_quantize_of_huge_and_infinite_values():
    saturating, wrapping = FixedFormat.parse("fixed<8,8,TRN,SAT>"), FixedFormat.parse("fixed<8,8>")
    assert saturating.quantize([1e308, -1e308, np.inf, -np.inf]).tolist() == [127, -128, 127, -128]
    assert wrapping.quantize([2.0**1000, 2.0**53 + 2, -(2.0**60) - 256]).tolist() == [0, 2, 0]
    with pytest.raises(ValueError, match=r"has no code in fixed<8,8>"):
        wrapping.quantize(np.inf)
    with pytest.raises(ValueError, match=r"has no code in fixed<8,8,TRN,SAT>"):
        saturating.quantize([0.0, np.nan])


# --- the independent implementation: the HLS headers that hls4ml compiles with

SOURCES = {"ap_fixed<10,5>": (range(-512, 512), 5), "ap_ufixed<10,4>": (range(1024), 6)}
CASES = [
    ("ap_fixed<10,5>", (True, 6, 4)),
    ("ap_fixed<10,5>", (False, 5, 3)),
    ("ap_fixed<10,5>", (True, 4, -1)),
    ("ap_fixed<10,5>", (True, 14, 9)),
    ("ap_ufixed<10,4>", (True, 5, 6)),
]

PROGRAM = """
#include <cstdio>
#include "ap_fixed.h"
template <class S, class D> void run(int first) {
    for (int i = first; i < first + 1024; i++) {
        S source; D target, from_double;
        source.range(9, 0) = ap_int<12>(i).range(9, 0);
        target = source;
        from_double = source.to_double();
        long code = 0, other = 0;
        for (int b = 0; b < D::width; b++) { code |= long(target[b]) << b; other |= long(from_double[b]) << b; }
        std::printf("%ld %ld\\n", code, other);
    }
}
int main() {
RUNS
}
"""


@pytest.fixture(scope="module")
def header_results(tmp_path_factory: pytest.TempPathFactory, kept_gxx: None) -> dict[tuple[str, FixedFormat], np.ndarray]:
    """Codes that `ap_fixed` gives for every 10-bit source, as (1024, 2): cast from fixed point, and from double."""
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed")
    hls4ml = find_spec("hls4ml")
    assert hls4ml is not None
    assert hls4ml.origin is not None
    headers = Path(hls4ml.origin).parent / "templates" / "vivado" / "ap_types"
    cases = [
        (source, FixedFormat(signed, width, integer, rounding, overflow))
        for (source, (signed, width, integer)), rounding, overflow in product(CASES, Rounding, Overflow)
    ]
    runs = "\n".join(f"    run<{source}, {form.cpp}>({SOURCES[source][0][0]});" for source, form in cases)
    folder = tmp_path_factory.mktemp("ap_fixed")
    (folder / "main.cpp").write_text(PROGRAM.replace("RUNS", runs))
    subprocess.run(["g++", "-O0", "-w", f"-I{headers}", "main.cpp", "-o", "main"], cwd=folder, check=True)
    output = subprocess.run([folder / "main"], check=True, capture_output=True).stdout
    codes = np.array(output.split(), np.int64).reshape(len(cases), 1024, 2)
    return dict(zip(cases, codes, strict=True))


def _as_signed(codes: np.ndarray, form: FixedFormat) -> np.ndarray:
    return np.where(form.signed & (codes >> (form.width - 1) == 1), codes - 2**form.width, codes)


@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize("rounding", Rounding)
def test_every_10_bit_value_against_the_hls_headers(header_results, rounding, overflow):
    compared = 0
    for (source, form), codes in header_results.items():
        if (form.rounding, form.overflow) == (rounding, overflow):
            values, fraction = SOURCES[source]
            expected = _as_signed(codes, form)
            np.testing.assert_array_equal(form.cast(values, fraction), expected[:, 0], str(form))
            np.testing.assert_array_equal(form.quantize(np.array(values) * 2.0**-fraction), expected[:, 1], str(form))
            compared += 1
    assert compared == len(CASES)


# --- reading and writing


@given(form=formats)
def test_text_round_trip(form):
    assert FixedFormat.parse(str(form)) == form
    assert FixedFormat.parse(form.cpp) == form


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fixed<12,6>", FixedFormat(True, 12, 6)),
        (" ufixed< 18 , 14 > ", FixedFormat(False, 18, 14)),
        ("ap_fixed<12,-2,AP_RND,AP_SAT>", FixedFormat(True, 12, -2, Rounding.RND, Overflow.SAT)),
        ("ap_ufixed<8,8,AP_TRN,AP_WRAP,0>", FixedFormat(False, 8, 8)),
        ("fixed<8,4,RND_CONV>", FixedFormat(True, 8, 4, Rounding.RND_CONV)),
    ],
)
def test_parse(text, expected):
    assert FixedFormat.parse(text) == expected


@pytest.mark.parametrize("text", ["", "float", "fixed<12>", "fixed<12.5,6>", "fixed<-1,3>", "fixed<8,4,RND,SAT,3>", "int<8,4>"])
def test_parse_refuses(text):
    with pytest.raises(UserError) as error:
        FixedFormat.parse(text)
    assert str(error.value) == f"'{text}' is no fixed-point format; write for example fixed<12,6,RND_CONV,SAT> or ufixed<18,14>"


def test_parse_names_unknown_modes():
    with pytest.raises(UserError, match=r"'fixed<8,4,ROUND>' names an unknown rounding or overflow mode; known are TRN, .*, SAT_SYM$"):
        FixedFormat.parse("fixed<8,4,ROUND>")


@pytest.mark.parametrize("width", [0, 63])
def test_width_limits(width):
    with pytest.raises(UserError, match=f"width must be 1 to 62 bits so that int64 holds every code, not {width}"):
        FixedFormat(True, width, 4)


@given(low=st.integers(-(2**40), 2**40), high=st.integers(-(2**40), 2**40), fraction=st.integers(-30, 30))
def test_covering_is_the_narrowest(low, high, fraction):
    low, high = min(low, high), max(low, high, 0)
    form = FixedFormat.covering(low, high, fraction)
    assert form.low <= low <= high <= form.high
    assert form.fraction == fraction
    assert form.signed == (low < 0)
    if form.width > 1:
        narrower = FixedFormat(form.signed, form.width - 1, form.integer)
        assert not narrower.low <= low <= high <= narrower.high


def test_lsb_and_range():
    form = FixedFormat.parse("fixed<6,4>")
    assert (form.lsb, form.low, form.high, form.fraction) == (0.25, -32, 31, 2)
    assert (FixedFormat.parse("fixed<6,4,TRN,SAT_SYM>").low, FixedFormat.parse("ufixed<6,9>").lsb) == (-31, 8.0)
