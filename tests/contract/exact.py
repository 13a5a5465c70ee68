"""The meaning of the operations in rational numbers, from the definition of `ap_fixed` (UG1399); one event at a time."""

from fractions import Fraction
from math import ceil, floor

import numpy as np

from l1ae.contract import _ops as ops
from l1ae.inputs import FixedFormat

HALF = Fraction(1, 2)
BIT = FixedFormat(False, 1, 1)
ROUND = {
    "TRN": floor,
    "TRN_ZERO": int,
    "RND": lambda x: floor(x + HALF),
    "RND_MIN_INF": lambda x: ceil(x - HALF),
    "RND_ZERO": lambda x: ceil(x - HALF) if x > 0 else floor(x + HALF),
    "RND_INF": lambda x: floor(x + HALF) if x > 0 else ceil(x - HALF),
    "RND_CONV": round,
}


def ended(*operations):
    """Operations that need no end, with one: the first element of the last is the score."""
    last = operations[-1]
    if isinstance(last, ops.Threshold):
        return operations
    score = ops.Gather(name="first", inputs=(last.name,), format=last.format, size=1, index=np.zeros(1, np.int64))
    return (*operations, score, ops.Threshold(name="bit", inputs=("first",), format=BIT, size=1, threshold=0))


def rounded(x: Fraction, mode: str) -> int:
    return ROUND[mode](x)


def wrapped(code: int, form) -> int:
    bits = code % 2**form.width
    return bits - 2**form.width if form.signed and bits >= 2 ** (form.width - 1) else bits


def cast(x: Fraction, form) -> int:
    """Code of the real number x."""
    code = rounded(x * Fraction(2) ** form.fraction, form.rounding)
    low, high = (-(2 ** (form.width - 1)), 2 ** (form.width - 1) - 1) if form.signed else (0, 2**form.width - 1)
    if form.overflow == "WRAP":
        return wrapped(code, form)
    if form.overflow == "SAT_ZERO":
        return code if low <= code <= high else 0
    return min(max(code, low + (form.signed and form.overflow == "SAT_SYM")), high)


def value(code: int, form) -> Fraction:
    return int(code) / Fraction(2) ** form.fraction


def accumulate(terms: list[Fraction], form) -> int:
    return wrapped(sum(rounded(term * Fraction(2) ** form.fraction, form.rounding) for term in terms), form)


def _open(op, hardware, i):
    return op.present[i] and (op.gate[i] < 0 or hardware[op.gate[i]] != 0)


def _preprocess(op, hw, form):
    codes = []
    for i, code in enumerate(hw):
        offset = Fraction(int(op.offset[i]), 2**op.offset_fraction)
        bits, shift = cast(value(code, form) - offset, op.work), int(op.shift[i])
        bits = wrapped(bits >> shift if shift >= 0 else bits << -shift, op.work)
        codes.append(cast(value(bits, op.work), op.format) if _open(op, hw, i) else 0)
    return codes


def _dense(op, x):
    weights = [[value(w, op.weight_format) for w in row] for row in op.weights]
    return [
        accumulate([value(op.bias[j], op.bias_format), *(x[i] * weights[i][j] for i in range(len(x)))], op.format) for j in range(op.size)
    ]


def _convolution(op, x):
    height, width, channels = op.shape
    rows, columns, _, filters = op.weights.shape
    codes = []
    for r in range(0, height - rows + 1, op.stride[0]):
        for c in range(0, width - columns + 1, op.stride[1]):
            for f in range(filters):
                terms = [value(op.bias[f], op.bias_format)]
                for i, j, k in np.ndindex(rows, columns, channels):
                    terms.append(x[((r + i) * width + c + j) * channels + k] * value(op.weights[i, j, k, f], op.weight_format))
                codes.append(accumulate(terms, op.format))
    return codes


def _table(op, codes, width):
    """The entry for the lowest bits: one table for all, or for each element the last run of its own that has begun."""
    if not op.bits:
        return [int(op.codes[code % 2**width]) for code in codes]
    found, before = [], 0
    for code, bits, starts in zip(codes, op.bits, op.starts, strict=True):
        found.append(int(op.codes[before + sum(start <= code % 2**bits for start in starts) - 1]))
        before += len(starts)
    return found


def _lookup(op, codes):
    """The entry at the number that the bits of the codes spell, one after the other."""
    found, before = [], 0
    for index, widths in zip(op.index, op.bits, strict=True):
        spelt = "".join(format(codes[k] % 2**bits, f"0{bits}b") for k, bits in zip(index, widths, strict=True))
        found.append(int(op.codes[before + int(spelt or "0", 2)]))
        before += 2 ** len(spelt)
    return found


def _reconstruction_error(op, a, b, hardware=None):
    used = [hardware is None or _open(op, hardware, i) for i in range(len(a))]
    return [cast(sum((abs(p - q) ** op.power for p, q, use in zip(a, b, used, strict=True) if use), Fraction(0)), op.format)]


FUNCTIONS = {
    "add": lambda p, q: p + q,
    "subtract": lambda p, q: p - q,
    "multiply": lambda p, q: p * q,
    "sum": sum,
    "max": max,
}

EXACT = {
    ops.Preprocess: lambda op, codes, forms, x: _preprocess(op, codes[0], forms[0]),
    ops.Dense: lambda op, codes, forms, x: _dense(op, x[0]),
    ops.Convolution: lambda op, codes, forms, x: _convolution(op, x[0]),
    ops.Dot: lambda op, codes, forms, x: [accumulate([p * q for p, q in zip(x[0], x[-1], strict=True)], op.format)],
    ops.Quantize: lambda op, codes, forms, x: [cast(v, op.format) for v in x[0]],
    ops.Relu: lambda op, codes, forms, x: [cast(max(v, Fraction(0)), op.format) for v in x[0]],
    ops.Table: lambda op, codes, forms, x: _table(op, codes[0], forms[0].width),
    ops.Binning: lambda op, codes, forms, x: [sum(e <= codes[0][k] for e in edges) for k, edges in zip(op.index, op.edges, strict=True)],
    ops.Lookup: lambda op, codes, forms, x: _lookup(op, codes[0]),
    ops.Gather: lambda op, codes, forms, x: [0 if i < 0 else codes[0][i] for i in op.index],
    ops.Pool: lambda op, codes, forms, x: [cast(FUNCTIONS[op.function]([x[0][i] for i in window]), op.format) for window in op.windows],
    ops.Elementwise: lambda op, codes, forms, x: [cast(FUNCTIONS[op.function](p, q), op.format) for p, q in zip(*x, strict=True)],
    ops.Concatenate: lambda op, codes, forms, x: [cast(v, op.format) for v in x[0] + x[1]],
    ops.ReconstructionError: lambda op, codes, forms, x: _reconstruction_error(op, *x),
    ops.Sum: lambda op, codes, forms, x: [cast(sum(v for part in x for v in part) / 2**op.halvings, op.format)],
    ops.Threshold: lambda op, codes, forms, x: [int(codes[0][0] >= op.threshold)],
}


def evaluate(op, inputs: list[list[int]], formats) -> list[int]:
    """Codes of the operation's output for one event, from those of its inputs."""
    values = [[value(code, form) for code in codes] for codes, form in zip(inputs, formats, strict=True)]
    return EXACT[type(op)](op, inputs, formats, values)
