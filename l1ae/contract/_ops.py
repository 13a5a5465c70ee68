"""The operations of a fixed-point model. Each says its inputs, its weights as integers and its output format.

Arrays are integers ("codes"); a tensor's real value is `code * 2**-format.fraction`. Weights have shape
(n_in, n_out) as in Keras.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.inputs import FixedFormat

__all__ = [
    "OPERATIONS",
    "Accumulating",
    "Binning",
    "Concatenate",
    "Convolution",
    "Dense",
    "Dot",
    "Elementwise",
    "Gather",
    "HardwareInput",
    "IntArray",
    "Lookup",
    "Operation",
    "Pool",
    "Preprocess",
    "Quantize",
    "ReconstructionError",
    "Relu",
    "Sum",
    "Table",
    "Threshold",
]

IntArray = npt.NDArray[np.int64]

OMITTED = {"omitted": True}
"""Of a field that a serialised contract does without where it has its default: contracts from before the field keep their digest."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Operation:
    """One node: `name` is also the name of its output tensor, whose type is `format` and length `size`."""

    name: str
    inputs: tuple[str, ...]
    format: FixedFormat
    size: int


@dataclass(frozen=True, eq=False, kw_only=True)
class HardwareInput(Operation):
    """The event as it arrives: hardware codes in LSB of `format`, each within [low, high], which nothing downstream can widen.

    For a contract made here that is every word that fits into the port's type, whether a detector sends it or not, and
    the LSB is 1.
    """

    low: IntArray
    high: IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Preprocess(Operation):
    """`(hw - offset) >> shift` in the arithmetic of `work`, cast to `format`; 0 where an input carries no information.

    `offset` is in units of 2**-offset_fraction (a serialised contract leaves out a fraction of 0). The exact difference is
    cast to `work` with its modes; the shift moves the bits within `work`, as `ap_fixed` does: to the right it drops the
    lowest (towards minus infinity), to the left (a negative shift) the highest. A contract made here has a `work` that
    loses none.

    `present` is false for absent features. `gate` (size,) is the index of the hardware input whose code 0 empties this
    input's slot, -1 for none.
    """

    offset: IntArray
    shift: IntArray
    present: npt.NDArray[np.bool_]
    gate: IntArray
    work: FixedFormat
    offset_fraction: int = field(default=0, metadata=OMITTED)

    def aligned(self, fraction: int) -> tuple[int, IntArray, int]:
        """For hardware codes with `fraction` fractional bits: how far they are shifted to the left, the offset beside them, and
        the fractional bits of both."""
        common = max(fraction, self.offset_fraction)
        return common - fraction, self.offset << (common - self.offset_fraction), common


@dataclass(frozen=True, eq=False, kw_only=True)
class Accumulating(Operation):
    """A sum of products in the accumulator `format`, as hls4ml computes it.

    Every product, and the bias, is cast to the accumulator's LSB with its rounding; the sum wraps. Unless `wraps` is
    set, the bounds prove that it never does; only a model that somebody else deployed needs it. Whether one that has it
    does wrap for some input the bounds decide, too (`Contract.wrapping`, `Contract.decided`).
    """

    wraps: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Dense(Accumulating):
    """`x @ weights + bias`, weights (n_in, n_out)."""

    weights: IntArray
    bias: IntArray
    weight_format: FixedFormat
    bias_format: FixedFormat


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Accumulating):
    """Two-dimensional convolution without padding (that is a `Gather`), channels last.

    `shape` (height, width, channels) is the input's, which is stored row by row; `stride` (rows, columns). The output's
    shape is (out_height, out_width, filters), flattened. Weights (kernel_height, kernel_width, channels, filters) as in
    Keras, bias (filters,).
    """

    shape: tuple[int, int, int]
    stride: tuple[int, int]
    weights: IntArray
    bias: IntArray
    weight_format: FixedFormat
    bias_format: FixedFormat

    @property
    def positions(self) -> tuple[int, int]:
        """Rows and columns of the output."""
        (height, width, _), (rows, columns) = self.shape, self.weights.shape[:2]
        return (height - rows) // self.stride[0] + 1, (width - columns) // self.stride[1] + 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Quantize(Operation):
    """Cast to `format` with its rounding and overflow."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Relu(Operation):
    """`max(x, 0)`, then cast to `format`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Table(Operation):
    """A function of one tensor, element by element, as a table over the raw bits of the input.

    `codes[b]` is the output code for the input whose two's-complement bits are `b`. `function` names the function,
    `max_error` is the largest deviation from it where the output does not saturate, in real units.

    With `bits` every element has a table of its own: of element k the lowest `bits[k]` bits count, and they address 2**bits[k]
    entries, which `starts[k]`, rising from 0, cuts into runs of one value each; `codes` holds the values of all runs of all elements,
    one after the other. A serialised contract leaves `bits` and `starts` out where one table serves all.
    """

    codes: IntArray
    function: str
    max_error: float
    bits: tuple[int, ...] = field(default=(), metadata=OMITTED)
    starts: tuple[tuple[int, ...], ...] = field(default=(), metadata=OMITTED)

    @classmethod
    def of_elements(cls, tables: Sequence[IntArray], **values: Any) -> "Table":
        """With one table for each element, of 2**bits entries; `values` are the other fields."""
        starts, codes = [], []
        for table in tables:
            first = np.flatnonzero(np.append(True, np.diff(table) != 0))
            starts.append(tuple(first.tolist()))
            codes.append(table[first])
        bits = tuple(len(table).bit_length() - 1 for table in tables)
        return cls(codes=np.concatenate(codes).astype(np.int64), bits=bits, starts=tuple(starts), size=len(bits), **values)

    @cached_property
    def tables(self) -> tuple[IntArray, ...]:
        """The table of every element, with 2**n entries for the lowest n bits of its input."""
        if not self.bits:
            return (self.codes,) * self.size
        ends = np.cumsum([len(starts) for starts in self.starts])
        return tuple(
            np.repeat(self.codes[end - len(starts) : end], np.diff(np.append(starts, 1 << bits)))
            for bits, starts, end in zip(self.bits, self.starts, ends, strict=True)
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Binning(Operation):
    """Element k of the output is the number of `edges[k]` that element `index[k]` of the input reaches: 0 to len(edges[k]).

    Edges are codes of the input, rising; `format` is an unsigned integer.
    """

    index: IntArray
    edges: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Lookup(Operation):
    """A table for each element of the output, addressed by any number of the input's elements.

    The address of element i is made of the lowest `bits[i][j]` bits of elements `index[i][j]` of the input, the first in the highest
    bits; without any the element is a constant. `codes` holds the 2**sum(bits[i]) entries of element 0, then those of element 1, and
    so on. `function` says in words what the entries are.
    """

    index: tuple[tuple[int, ...], ...]
    bits: tuple[tuple[int, ...], ...]
    codes: IntArray
    function: str

    @classmethod
    def of_tables(
        cls, tables: Sequence[IntArray], index: Sequence[Sequence[int]], bits: Sequence[Sequence[int]], **values: Any
    ) -> "Lookup":
        """With the entries of each element (2**sum(bits[i]),); `values` are the other fields."""
        codes = np.concatenate(tables).astype(np.int64)
        return cls(codes=codes, index=tuple(map(tuple, index)), bits=tuple(map(tuple, bits)), size=len(tables), **values)

    @cached_property
    def tables(self) -> tuple[IntArray, ...]:
        """The entries of every element, each (2**sum(bits[i]),)."""
        ends = np.cumsum([1 << sum(bits) for bits in self.bits])
        return tuple(self.codes[end - (1 << sum(bits)) : end] for bits, end in zip(self.bits, ends, strict=True))

    def addresses(self, codes: IntArray) -> Iterator[IntArray]:
        """The address (N,) of each element in its table, for codes (elements of the input, N)."""
        for index, widths in zip(self.index, self.bits, strict=True):
            address = np.zeros(codes.shape[1], np.int64)
            for k, bits in zip(index, widths, strict=True):
                address = address << bits | codes[k] & ((1 << bits) - 1)
            yield address


@dataclass(frozen=True, eq=False, kw_only=True)
class Gather(Operation):
    """Wires: element i of the output is element `index[i]` of the input, or the constant 0 where `index[i]` is -1.

    Zero padding, nearest-neighbour upsampling, slices and transpositions. `format` is the input's.
    """

    index: IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Pool(Operation):
    """Element i of the output is the sum or the maximum of the input's elements `windows[i]`; windows (size, k), exact."""

    windows: IntArray
    function: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Elementwise(Operation):
    """`add`, `subtract` or `multiply` two tensors of equal size: the exact result, cast to `format`."""

    function: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Concatenate(Operation):
    """The elements of the first input, then those of the second, each cast to `format`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ReconstructionError(Operation):
    """Sum of |a - b|^power, power 1 or 2, over the inputs that carry information: inputs = (a, b, hardware).

    `present` and `gate` as in `Preprocess`; without the third input all elements count. `difference` is the format of
    a - b.
    """

    power: int
    present: npt.NDArray[np.bool_]
    gate: IntArray
    difference: FixedFormat


@dataclass(frozen=True, eq=False, kw_only=True)
class Dot(Accumulating):
    """Sum over the elements of a x b, or of a^2 when there is one input."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Sum(Operation):
    """Sum of all elements of all inputs (one or two), times 2**-`halvings` (exact: the binary point moves)."""

    halvings: int = field(default=0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Threshold(Operation):
    """1 where the score's code is at least `threshold` (in LSB of the score), else 0."""

    threshold: int


OPERATIONS: Mapping[str, type[Operation]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            HardwareInput,
            Preprocess,
            Dense,
            Convolution,
            Quantize,
            Relu,
            Table,
            Binning,
            Lookup,
            Gather,
            Pool,
            Elementwise,
            Concatenate,
            ReconstructionError,
            Dot,
            Sum,
            Threshold,
        )
    }
)
"""Every operation by its name. What must know them all is walked by tests/contract/test_dispatchers.py."""
