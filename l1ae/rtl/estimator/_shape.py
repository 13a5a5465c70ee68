"""What arithmetic is made of, counted without tracing it: carry chains, their bits, logic beside them, and levels of delay.

Two things are not counted but modelled, with the constants of `Laws`: how many additions of a matrix product are shared, and
how wide and how deep its adder trees are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from math import ceil, log, log2

import numpy as np
import numpy.typing as npt

from l1ae.contract import Convolution, Dense, Interval, patches
from l1ae.inputs import FixedFormat, Overflow, Rounding
from l1ae.rtl._arithmetic import HALF_UP, LUT_INPUTS

__all__ = [
    "COUNTS",
    "PRICED",
    "Laws",
    "Level",
    "Products",
    "Shape",
    "Tensor",
    "absolute",
    "any_of",
    "biased",
    "cast",
    "csd_digits",
    "gates",
    "longest",
    "product",
    "products_of",
    "rounded_products",
    "rounds_products",
    "shifted",
    "signed_square",
    "square",
    "tensor_of",
    "times",
    "total",
    "tree",
]

Ints = npt.NDArray[np.int64]

# Readers of a value that a cast looks at from several sides: its top bits, its low bits and the value itself.
_CAST_FAN_OUT = 4
# Adder graphs of 57 inputs and less: additions that read an input relative to all, and how the values become fewer by level.
_DIRECT = 0.7
_NARROWING = 0.64


@dataclass(frozen=True)
class Laws:
    """Constants of the matrix products, fitted by `benchmarks/rtl_estimator.py`.

    `sharing`: coefficients of ln(additions / additions without sharing) in `Products.predictors`;
    `width`: of an addition's bits in (1, bits of the inputs, bits of the outputs);
    `depth`: of a tree of n digits as levels beyond log2(n), rounded up afterwards;
    `live`: values behind the first levels of a tree, relative to its additions.
    """

    sharing: tuple[float, ...]
    width: tuple[float, ...]
    depth: float
    live: float


@dataclass(frozen=True)
class Tensor:
    """Ranges of a tensor's elements in codes with `fraction` fractional bits."""

    low: Ints
    high: Ints
    fraction: int

    @property
    def varies(self) -> npt.NDArray[np.bool_]:
        """Which elements are no constants."""
        return np.asarray(self.low != self.high, np.bool_)

    def coarser(self, fraction: int) -> "Tensor":
        """The same values, of which no bit below `fraction` is ever set, in codes with at most that many fractional bits."""
        drop = max(self.fraction - fraction, 0)
        return Tensor(self.low >> drop, self.high >> drop, self.fraction - drop)

    def only(self, elements: npt.NDArray[np.bool_]) -> "Tensor":
        """The same with 0 in place of all other elements, unless they are constants, whose value may count."""
        gone = self.varies & ~elements
        return Tensor(np.where(gone, 0, self.low), np.where(gone, 0, self.high), self.fraction)

    @property
    def widths(self) -> Ints:
        """Bits of each element, 0 for a constant."""
        return np.where(self.varies, _bits(self.low, self.high), 0)

    @property
    def bits(self) -> int:
        """Bits of all elements."""
        return int(self.widths.sum())


@dataclass(frozen=True)
class Level:
    """One step of the longest path: `chain` bits of carry, or a level of LUTs where that is 0. `live`: bits behind it.

    `cast`: a gate of a cast, which often fits into one LUT with the one before it.
    """

    chain: float
    fan_out: float
    live: float
    cast: bool = False


@dataclass(frozen=True)
class Shape:
    """`additions` are carry chains, `chain_bits` their bits, those of matrix products apart from all others.

    `constant_bits`: of additions of a constant. `logic`: bits that a level of LUTs makes; `tables`: LUTs of tables; `rows`: bits
    of the AND gates of products.
    """

    tree_additions: float = 0.0
    tree_bits: float = 0.0
    additions: float = 0.0
    chain_bits: float = 0.0
    constant_bits: float = 0.0
    logic: float = 0.0
    tables: float = 0.0
    rows: float = 0.0
    levels: tuple[Level, ...] = field(default=(), repr=False)

    def __add__(self, other: "Shape") -> "Shape":
        """One after the other."""
        counts = (getattr(self, name) + getattr(other, name) for name in COUNTS)
        return replace(Shape(*counts), levels=self.levels + other.levels)


COUNTS = tuple(item.name for item in fields(Shape) if item.name != "levels")
# What LUTs are charged for.
PRICED = ("tree_bits", "chain_bits", "constant_bits", "logic", "tables", "rows")


def tensor_of(interval: Interval) -> Tensor:
    """The proven range of a tensor."""
    return Tensor(interval.low.astype(np.int64), interval.high.astype(np.int64), interval.fraction)


def _bits(low: Ints, high: Ints) -> Ints:
    """Bits of two's complement, or of an unsigned number where nothing is negative, that hold [low, high]."""
    magnitude = np.maximum(np.maximum(high, -low - 1), 0).astype(np.float64)
    return (np.floor(np.log2(np.maximum(magnitude, 0.5))).astype(np.int64) + 1) + (low < 0)


def csd_digits(values: Ints) -> Ints:
    """Digits that are not 0 in the canonical signed-digit form (Reitwiesner 1960): ones of `n xor 3n`."""
    magnitude = np.abs(values.astype(np.int64))
    return np.bitwise_count(magnitude ^ (3 * magnitude)).astype(np.int64)


def _distinct(matrix: Ints) -> Ints:
    """Columns of (inputs, outputs) that differ by more than sign and shift: the first of each kind."""
    shifts = np.min(np.where(matrix == 0, 62, np.bitwise_count((matrix & -matrix) - 1)), axis=0)
    first = matrix[(matrix != 0).argmax(axis=0), np.arange(matrix.shape[1])]
    return np.sort(np.unique((matrix >> shifts) * np.sign(first), axis=1, return_index=True)[1])


def _only_subtracted(values: Ints) -> npt.NDArray[np.bool_]:
    """Columns (inputs, outputs) none of whose signed digits is positive: their sum takes a negation."""
    magnitude = np.abs(values.astype(np.int64))
    plus, minus = 3 * magnitude & ~magnitude, magnitude & ~(3 * magnitude)
    return np.asarray(~np.where(values > 0, plus, minus).any(0), np.bool_)


def gates(levels: int, live: float, fan_out: float = 1.0) -> tuple[Level, ...]:
    return (Level(0.0, fan_out, live),) * levels


def _cast_gates(levels: int, live: float) -> tuple[Level, ...]:
    return (Level(0.0, _CAST_FAN_OUT, live, cast=True),) * levels


def any_of(bits: float) -> int:
    """Levels of LUTs that look at all bits."""
    return ceil(log(max(bits, 2), LUT_INPUTS))


# -- matrix products -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Products:
    """One matrix product whose weights are known, `copies` times: `digits` (inputs, outputs) signed digits of each weight.

    `inputs` and `outputs`: bits of each; without those that are constant, and without outputs that another one is already, but
    for a sign and a shift. `negations`: outputs that only subtract. `values`: magnitudes among the weights.
    """

    digits: Ints
    inputs: Ints
    outputs: Ints
    negations: int
    values: int
    copies: int

    @property
    def terms(self) -> Ints:
        """Signed digits of each output."""
        return np.asarray(self.digits.sum(0), np.int64)

    @property
    def plain(self) -> int:
        """Additions when nothing is shared."""
        return int(np.maximum(self.terms - 1, 0).sum())

    @property
    def shares(self) -> bool:
        """Whether two sums, or two digits of one weight, may have a term in common."""
        return len(self.terms) > 1 or int(self.digits.max()) > 1

    @property
    def predictors(self) -> tuple[float, ...]:
        """What the share of additions that is left depends on: inputs, outputs, digits per weight, different weights."""
        inputs, outputs = len(self.inputs), len(self.outputs)
        return (1.0, log(inputs), log(outputs), log(float(self.digits.sum()) / (inputs * outputs)), log(self.values))

    @property
    def width_predictors(self) -> tuple[float, ...]:
        """What the mean width of an addition depends on: bits of the inputs, and of the outputs where most digits are."""
        return (1.0, float(self.inputs.mean()), float(np.average(self.outputs, weights=self.terms)))


def products_of(operation: Dense | Convolution, source: Tensor, output: Tensor) -> list[Products]:
    """The matrix products of an operation; positions of a convolution whose inputs vary alike are one, several times."""
    matrix = operation.weights.reshape(-1, operation.weights.shape[-1])
    digits = csd_digits(matrix)
    index = patches(operation) if isinstance(operation, Convolution) else np.arange(len(matrix))[None]
    widths, ends = source.widths[index], output.widths.reshape(len(index), -1)
    kinds, first, counts = np.unique(widths > 0, axis=0, return_index=True, return_counts=True)
    products = []
    for kind, place, count in zip(kinds, first, counts, strict=True):
        rows = kind & digits.any(1)
        columns = digits[rows].any(0) & (ends[place] > 0)
        if columns.any():
            columns = np.flatnonzero(columns)
            columns = columns[_distinct(matrix[np.ix_(rows, columns)])]
            negations = int(_only_subtracted(matrix[np.ix_(rows, columns)]).sum())
            values = len(np.unique(np.abs(matrix[np.ix_(rows, columns)])))
            product = Products(digits[np.ix_(rows, columns)], widths[place][rows], ends[place][columns], negations, values, int(count))
            products.append(product)
    return products


def tree(product: Products, laws: Laws) -> Shape:
    """The adder graph of one matrix product."""
    if not product.plain + product.negations:
        return Shape()
    # Nothing can be shared by one sum of terms that are all different.
    left = min(float(np.exp(np.dot(laws.sharing, product.predictors))), 1.0) if product.shares else 1.0
    additions = product.plain * left + product.negations
    terms = product.terms
    _, start, end = product.width_predictors
    width = float(np.clip(np.dot(laws.width, product.width_predictors), 1.0, end + 1))
    deepest = int(terms.max())
    depth = max(ceil(log2(deepest) + laws.depth), 1) if deepest > 2 else 1
    readers = (max(_DIRECT * additions / len(product.inputs), 1.0), 4.0)
    levels = []
    for level in range(1, depth + 1):
        bits = start + (end - start) * level / depth
        values = max(laws.live * additions * min(1.0, _NARROWING ** (level - 2)), len(terms)) if level < depth else len(terms)
        levels.append(Level(bits, readers[level - 1] if level < 3 else 2.0, bits * values * product.copies))
    return Shape(additions * product.copies, additions * width * product.copies, levels=tuple(levels))


def longest(shapes: Sequence[Shape]) -> Shape:
    """Side by side: counts add up, the one of most levels gives them, and what the others hold stays beside it."""
    made = [shape for shape in shapes if shape.levels]
    counts = Shape(*(sum(getattr(shape, name) for shape in shapes) for name in COUNTS))
    if not made:
        return counts
    deepest = max((shape.levels for shape in made), key=len)
    live = np.zeros(len(deepest))
    for shape in made:
        own = [level.live for level in shape.levels]
        live += own + own[-1:] * (len(deepest) - len(own))
    return replace(counts, levels=tuple(replace(level, live=float(bits)) for level, bits in zip(deepest, live, strict=True)))


def biased(operation: Dense | Convolution, output: Tensor, rounded: bool) -> Shape:
    """The constants that are added behind the trees: biases, and half an LSB where the cast that follows rounds half up."""
    constants = np.tile(operation.bias, len(output.low) // len(operation.bias))
    widths = output.widths[((constants != 0) | rounded) & output.varies]
    if not len(widths):
        return Shape()
    return Shape(additions=len(widths), constant_bits=float(widths.sum()), levels=(Level(float(widths.max()), 1.0, output.bits),))


def rounded_products(operation: Dense | Convolution, source: Tensor, output: Tensor) -> Shape:
    """Every product is cast before the sum: outputs share equal products, and nothing else."""
    matrix = operation.weights.reshape(-1, operation.weights.shape[-1])
    index = patches(operation) if isinstance(operation, Convolution) else np.arange(len(matrix))[None]
    used = (source.widths[index] > 0)[:, :, None] & (matrix != 0)[None] & (output.widths.reshape(len(index), 1, -1) > 0)
    if not used.any():
        return Shape()
    places, rows, columns = np.nonzero(used)
    pairs = np.unique(np.stack([index[places, rows], matrix[rows, columns]]), axis=1)
    drop = source.fraction + operation.weight_format.fraction - operation.format.fraction
    made, narrow = _cast_products(source.widths[pairs[0]], pairs[1], drop, operation.format.rounding)
    return made + _sums(used.sum(1).ravel(), narrow, output)


def _cast_products(widths: Ints, codes: Ints, drop: int, rounding: Rounding) -> tuple[Shape, float]:
    """Inputs of `widths` bits times `codes`, each cast to `drop` bits less; and the mean width of what is left."""
    digits = csd_digits(codes)
    lost = np.maximum(drop - (np.bitwise_count((codes & -codes) - 1)).astype(np.int64), 0)
    # what loses no bit is subtracted from the sum instead
    negated = _only_subtracted(codes[None]) & (lost > 0)
    halves = (lost > 0) & (rounding is not Rounding.TRN)
    whole = widths + np.ceil(np.log2(np.abs(codes) + 0.5))
    left = float(np.maximum(widths + np.log2(np.abs(codes)) - drop, 1.0).mean())
    chains = digits - 1 + negated
    depth = ceil(log2(int(digits.max()))) + bool(negated.any())
    levels = [Level(float(whole.mean()), 2.0, left * len(codes)) for _ in range(depth + bool(halves.any()))]
    constant = float(whole[halves].sum())
    additions = int(chains.sum() + halves.sum())
    return Shape(additions=additions, chain_bits=float((chains * whole).sum()), constant_bits=constant, levels=tuple(levels)), left


def _sums(terms: Ints, width: float, output: Tensor) -> Shape:
    """For each output the sum of as many terms of `width` bits."""
    depth = ceil(log2(int(terms.max())))
    if not depth:
        return Shape()
    ends = output.widths[terms > 0]
    end, added = max(float(ends.mean()), width), terms[terms > 0] - 1
    mean = width + (end - width) * min(1.0, 2.0 / depth) / 2
    levels = []
    for level in range(1, depth + 1):
        bits = width + (end - width) * level / depth
        levels.append(Level(bits, 1.0, bits * float(np.ceil(terms / 2.0**level).sum())))
    return Shape(additions=int(added.sum()), chain_bits=float(added.sum()) * mean, levels=tuple(levels))


def rounds_products(operation: Dense | Convolution, source: Tensor) -> bool:
    """Whether each product is cast before the sum, because it has bits below the accumulator's LSB."""
    return source.fraction + operation.weight_format.fraction > operation.format.fraction


# -- casts -----------------------------------------------------------------------------------------------------------


def shifted(tensor: Tensor, fraction: int) -> Tensor:
    """The range in codes with `fraction` fractional bits; bits below are dropped."""
    drop = tensor.fraction - fraction
    if drop >= 0:
        return Tensor(tensor.low >> drop, tensor.high >> drop, fraction)
    return Tensor(tensor.low << -drop, tensor.high << -drop, fraction)


def cast(tensor: Tensor, form: FixedFormat, *, relu: bool = False, rounded: bool = False) -> Shape:
    """A cast to `form`, after `max(x, 0)` if `relu`. `rounded`: half an LSB is there already."""
    varying = Tensor(tensor.low[tensor.varies], tensor.high[tensor.varies], tensor.fraction)
    if not len(varying.low):
        return Shape()
    shape, out = Shape(), form.width * len(varying.low)
    drop = tensor.fraction - form.fraction
    if relu and varying.low.min() < 0:
        shape += Shape(logic=out, levels=_cast_gates(1, varying.bits))
    if drop > 0:
        shape += _rounding(varying, form, drop, rounded)
    return shape + _saturation(shifted(varying, form.fraction), form, relu)


def _rounding(tensor: Tensor, form: FixedFormat, drop: int, rounded: bool) -> Shape:
    count, bits = len(tensor.low), tensor.bits
    shape = Shape()
    if form.rounding is not Rounding.TRN and not (rounded and form.rounding in HALF_UP):
        width = float(tensor.widths.max())
        shape += Shape(additions=count, constant_bits=bits, levels=(Level(width, _CAST_FAN_OUT, bits),))
    if form.rounding is Rounding.RND_CONV:
        shape += Shape(logic=count * (1 + drop / 5), levels=_cast_gates(any_of(drop) + 1, bits - drop * count))
    return shape


def _saturation(tensor: Tensor, form: FixedFormat, relu: bool) -> Shape:
    """Multiplexers for the elements that reach beyond the format."""
    low = np.maximum(tensor.low, 0) if relu or not form.signed else tensor.low
    beyond = (low < form.low) | (tensor.high > form.high)
    count = int(beyond.sum())
    if not count or form.overflow is Overflow.WRAP:
        return Shape()
    top = float((_bits(low, tensor.high)[beyond] - form.width + 1).mean())
    steps = any_of(top) + (2 if form.signed else 1) + (not form.signed and not relu and bool(tensor.low.min() < 0))
    logic = count * (form.width + (2 if form.signed else 1) * (1 + top / 5))
    return Shape(logic=logic, levels=_cast_gates(steps, form.width * len(tensor.low) + 2 * count))


# -- sums and products of variables ----------------------------------------------------------------------------------


def total(count: int, width: float, end: float) -> Shape:
    """The sum of `count` terms of `width` bits, `end` bits wide."""
    if count < 2:
        return Shape()
    depth = ceil(log2(count))
    mean = width + (end - width) * min(1.0, 2.0 / depth) / 2
    values = [ceil(count / 2.0**level) for level in range(1, depth + 1)]
    widths = [width + (end - width) * level / depth for level in range(1, depth + 1)]
    levels = tuple(Level(bits, 1.0, bits * left) for bits, left in zip(widths, values, strict=True))
    return Shape(additions=count - 1, chain_bits=(count - 1) * mean, levels=levels)


def signed_square(width: int) -> Shape:
    """`x**2` of a number with up to six bits beside its sign: a table of them for either sign, and the sign chooses."""
    return Shape(tables=2 * max(2 * width - 2, 0), logic=2 * width, levels=gates(1, 4 * width) + gates(1, 2 * width, 2 * width))


def square(width: int) -> Shape:
    """`x**2` of an unsigned `x`, as `_arithmetic.square` builds it."""
    if width <= LUT_INPUTS:
        return Shape(tables=max(2 * width - 2, 0), levels=gates(1, 2 * width))
    high = width - LUT_INPUTS
    above, below = square(high), Shape(tables=2 * LUT_INPUTS - 2)
    counts = replace(above + below, levels=())
    rows = Shape(rows=LUT_INPUTS * high, levels=gates(1, 2 * width + LUT_INPUTS * high))
    if high == 1:
        # Rows of one bit lie side by side, in part.
        return counts + rows + total(LUT_INPUTS // 2 + 1, 2.0 * LUT_INPUTS, 2.0 * width)
    return counts + rows + total(LUT_INPUTS + 1, high + 2.0, 2.0 * width - LUT_INPUTS)


def absolute(width: int) -> Shape:
    """A negation and a multiplexer, of a number with `width` bits beside its sign."""
    return Shape(additions=1, chain_bits=width + 1, logic=width, levels=(Level(width + 1, 1.0, 2 * width + 1), *gates(1, width, width)))


def product(a: int, b: int) -> Shape:
    """`x * y` of `a` and `b` bits, as `_arithmetic.product` builds it."""
    wide, narrow = max(a, b), min(a, b)
    if not narrow:
        return Shape()
    return Shape(rows=wide * narrow, levels=gates(1, wide * narrow)) + total(narrow, wide + 1.0, float(wide + narrow))


def times(shape: Shape, count: float) -> Shape:
    """The same `count` times, side by side."""
    levels = tuple(replace(level, live=level.live * count) for level in shape.levels)
    counts = (getattr(shape, name) * count for name in COUNTS)
    return replace(Shape(*counts), levels=levels)
