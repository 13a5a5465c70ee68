"""Whether the parts of a contract fit: its first and last operation, and of each the shapes, indices, ranges, binary points."""

import math
import re
from collections.abc import Mapping, Sequence
from functools import singledispatch
from itertools import pairwise
from math import prod

import numpy as np

from l1ae.contract._ops import (
    Binning,
    Concatenate,
    Convolution,
    Dense,
    Dot,
    Elementwise,
    Gather,
    HardwareInput,
    IntArray,
    Lookup,
    Operation,
    Pool,
    Preprocess,
    ReconstructionError,
    Sum,
    Table,
    Threshold,
)
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat

__all__ = ["check", "check_name", "check_whole"]

Sources = list[Operation]

# firmware, files and scripts are called so
_PROJECT = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*_v[0-9]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")

MOST_ADDRESS_BITS = 16
"""Of a table: more entries would be no logic."""

MOST_ENTRIES = 1 << 24
"""Of all tables of one operation together."""

_LARGEST = 1 << 61

_INPUTS = {HardwareInput: {0}, Elementwise: {2}, Concatenate: {2}, ReconstructionError: {2, 3}, Sum: {1, 2}, Dot: {1, 2}}


def check_whole(project: str, operations: Sequence[Operation]) -> None:
    """Raise `UserError` unless the operations begin with the only input of hardware codes and end with the only threshold."""
    if not _PROJECT.fullmatch(project):
        raise UserError(f"project '{project}' is no NAME_vVERSION; take small letters, digits and single _, for example my_network_v1")
    if not operations:
        raise UserError("a contract has operations: a HardwareInput first, a Threshold last; there are none")
    for place, kind, what, remedy in (
        (0, HardwareInput, "begin with the HardwareInput", "put it first, and others out"),
        (-1, Threshold, "end with the Threshold, which makes the trigger bit", "put it last, and others out"),
    ):
        found = [operation.name for operation in operations if isinstance(operation, kind)]
        end = operations[place]
        if found != [end.name]:
            have = f"{kind.__name__}: {', '.join(found) or 'none'}"
            raise UserError(f"a contract must {what}; it has '{end.name}' ({type(end).__name__}) there ({have}); {remedy}")


def check_name(name: str) -> None:
    """Raise `UserError` unless C++, HDL and file systems take the name of a layer."""
    if not _NAME.fullmatch(name):
        raise UserError(f"layer '{name}': firmware names are letters, digits and _, a letter first, 100 at most; rename the layer")


def check(operation: Operation, known: Mapping[str, Operation]) -> None:
    """Raise `UserError` naming the layer and what is wrong; `known` holds the operations before it."""
    check_name(operation.name)
    missing = [name for name in operation.inputs if name not in known]
    if missing or operation.name in known:
        raise UserError(f"layer '{operation.name}' needs {missing or 'a name of its own'}; operations must be in order")
    allowed = _INPUTS.get(type(operation), {1})
    _require(operation, len(operation.inputs) in allowed, f"it needs {sorted(allowed)} inputs, not {len(operation.inputs)}")
    _require(operation, operation.size > 0, f"its size must be positive, not {operation.size}")
    _check_parts(operation, [known[name] for name in operation.inputs])


def _require(operation: Operation, condition: bool, problem: str) -> None:
    if not condition:
        raise UserError(f"layer '{operation.name}': {problem}")


def _require_size(operation: Operation, size: int) -> None:
    _require(operation, operation.size == size, f"its size must be {size}, not {operation.size}")


def _require_shape(operation: Operation, field: str, shape: tuple[int, ...]) -> None:
    found = getattr(operation, field).shape
    _require(operation, found == shape, f"{field} must have shape {shape}, not {found}")


def _require_range(operation: Operation, field: str, values: IntArray, low: int, high: int) -> None:
    _require(operation, values.dtype.kind in "iu", f"{field} must hold integers, not {values.dtype}")
    inside = values.size == 0 or low <= values.min() <= values.max() <= high
    _require(operation, bool(inside), f"{field} must lie within {low} to {high}")


def _require_codes(operation: Operation, field: str, form: FixedFormat) -> None:
    _require_range(operation, field, getattr(operation, field), form.low, form.high)


def _require_function(operation: Operation, function: str, known: tuple[str, ...]) -> None:
    _require(operation, function in known, f"function '{function}' is unknown; known are {', '.join(known)}")


def _require_text(operation: Operation, field: str) -> None:
    text = getattr(operation, field)
    _require(operation, text.isprintable(), f"{field} must be one line of text that can be printed, not {text!r}")


def _require_entries(operation: Operation, entries: int) -> None:
    _require(
        operation, entries <= MOST_ENTRIES, f"its tables have {entries} entries, more than {MOST_ENTRIES}; address them with fewer bits"
    )


def _require_fraction(operation: Operation, fraction: int, least: int) -> None:
    _require(operation, fraction >= least, f"{fraction} fractional bits do not hold its exact result, which has {least}")


@singledispatch
def _check_parts(operation: Operation, sources: Sources) -> None:
    """Element by element: as many outputs as inputs."""
    _require_size(operation, sources[0].size)


@_check_parts.register
def _(operation: HardwareInput, sources: Sources) -> None:
    for field in ("low", "high"):
        _require_shape(operation, field, (operation.size,))
        _require_codes(operation, field, operation.format)
    _require(operation, bool(np.all(operation.low <= operation.high)), "low must not exceed high")
    form = operation.format
    _require(operation, -(1 << 31) <= form.low <= form.high < 1 << 31, f"{form} has codes that no 32 bits with sign hold; narrow it")


@_check_parts.register
def _(operation: Preprocess, sources: Sources) -> None:
    _require_size(operation, sources[0].size)
    whole = isinstance(sources[0], HardwareInput | Concatenate)
    _require(operation, whole, f"its input must be the hardware codes, alone or with columns added, not '{sources[0].name}'")
    for field in ("offset", "shift", "present", "gate"):
        _require_shape(operation, field, (operation.size,))
    _require_range(operation, "offset", operation.offset, -(1 << 61), 1 << 61)
    _require(operation, 0 <= operation.offset_fraction <= 62, f"offset_fraction must be 0 to 62, not {operation.offset_fraction}")
    _require_range(operation, "shift", operation.shift, -62, 62)
    grow, _, fraction = operation.aligned(sources[0].format.fraction)
    largest = (1 << sources[0].format.width + grow) + (int(np.abs(operation.offset).max()) << fraction - operation.offset_fraction)
    _require(operation, largest < _LARGEST, f"at one LSB codes and offset need {largest.bit_length()} bits, more than 61; round the offset")
    _require_range(operation, "gate", operation.gate, -1, sources[0].size - 1)


@_check_parts.register
def _(operation: Dense, sources: Sources) -> None:
    _require_shape(operation, "weights", (sources[0].size, operation.size))
    _require_shape(operation, "bias", (operation.size,))
    _require_codes(operation, "weights", operation.weight_format)
    _require_codes(operation, "bias", operation.bias_format)


@_check_parts.register
def _(operation: Convolution, sources: Sources) -> None:
    height, width, channels = operation.shape
    _require(operation, min(operation.shape) > 0, f"shape {operation.shape} must be positive")
    _require(operation, prod(operation.shape) == sources[0].size, f"shape {operation.shape} does not fit {sources[0].size} inputs")
    _require(operation, operation.weights.ndim == 4, f"weights must have four axes, not shape {operation.weights.shape}")
    rows, columns, _, filters = operation.weights.shape
    _require_shape(operation, "weights", (rows, columns, channels, filters))
    _require_shape(operation, "bias", (filters,))
    _require(operation, 0 < rows <= height and 0 < columns <= width, f"a kernel of {rows} x {columns} does not fit {height} x {width}")
    _require(
        operation, 0 < min(operation.stride) <= max(operation.stride) < 1 << 31, f"stride {operation.stride} must be 1 to {(1 << 31) - 1}"
    )
    _require_size(operation, prod(operation.positions) * filters)
    _require_codes(operation, "weights", operation.weight_format)
    _require_codes(operation, "bias", operation.bias_format)


@_check_parts.register
def _(operation: Dot, sources: Sources) -> None:
    _require_size(operation, 1)
    _require(operation, sources[0].size == sources[-1].size, f"its inputs have {sources[0].size} and {sources[-1].size} elements")


@_check_parts.register
def _(operation: Table, sources: Sources) -> None:
    _require_size(operation, sources[0].size)
    _require_text(operation, "function")
    valid = math.isfinite(operation.max_error) and operation.max_error >= 0
    _require(operation, valid, f"max_error must be a number from 0 on, not {operation.max_error}")
    _require_codes(operation, "codes", operation.format)
    if not operation.bits:
        _require(operation, not operation.starts, "starts needs bits, the width of every element's address")
        _require_shape(operation, "codes", (1 << sources[0].format.width,))
        return
    most = min(sources[0].format.width, MOST_ADDRESS_BITS)
    for name, values in (("bits", operation.bits), ("starts", operation.starts)):
        _require(operation, len(values) == operation.size, f"{name} must have {operation.size} elements, not {len(values)}")
    _require(operation, 0 <= min(operation.bits) <= max(operation.bits) <= most, f"bits must lie within 0 to {most}")
    _require_entries(operation, sum(1 << bits for bits in operation.bits))
    for bits, starts in zip(operation.bits, operation.starts, strict=True):
        rising = starts[:1] == (0,) and all(a < b for a, b in pairwise((*starts, 1 << bits)))
        _require(operation, rising, f"starts {list(starts)} must rise from 0 and stay below {1 << bits}")
    _require_shape(operation, "codes", (sum(len(starts) for starts in operation.starts),))


@_check_parts.register
def _(operation: Binning, sources: Sources) -> None:
    form = sources[0].format
    _require_shape(operation, "index", (operation.size,))
    _require_range(operation, "index", operation.index, 0, sources[0].size - 1)
    _require(operation, len(operation.edges) == operation.size, f"edges must have {operation.size} rows, not {len(operation.edges)}")
    _require(
        operation, not operation.format.signed and operation.format.fraction == 0, f"bins are counted from 0, not in {operation.format}"
    )
    for edges in operation.edges:
        rising = all(a < b for a, b in pairwise(edges)) and all(form.low <= edge <= form.high for edge in edges)
        _require(operation, rising, f"edges {list(edges)} must rise within {form.low} to {form.high}, the codes of {form}")


@_check_parts.register
def _(operation: Lookup, sources: Sources) -> None:
    _require_text(operation, "function")
    for name, values in (("index", operation.index), ("bits", operation.bits)):
        _require(operation, len(values) == operation.size, f"{name} must have {operation.size} rows, not {len(values)}")
    for index, bits in zip(operation.index, operation.bits, strict=True):
        _require(operation, len(index) == len(bits), f"index {list(index)} and bits {list(bits)} must be as long")
        _require_range(operation, "index", np.array(index, np.int64), 0, sources[0].size - 1)
        _require_range(operation, "bits", np.array(bits, np.int64), 1, sources[0].format.width)
        _require(operation, sum(bits) <= MOST_ADDRESS_BITS, f"an address of {sum(bits)} bits is wider than {MOST_ADDRESS_BITS}")
    _require_shape(operation, "codes", (sum(1 << sum(bits) for bits in operation.bits),))
    _require_codes(operation, "codes", operation.format)


@_check_parts.register
def _(operation: Gather, sources: Sources) -> None:
    _require_shape(operation, "index", (operation.size,))
    _require_range(operation, "index", operation.index, -1, sources[0].size - 1)
    same = operation.format.fraction == sources[0].format.fraction
    _require(operation, same, f"wires cannot turn {sources[0].format} into {operation.format}")


@_check_parts.register
def _(operation: Pool, sources: Sources) -> None:
    windows = operation.windows
    fits = windows.ndim == 2 and len(windows) == operation.size and windows.shape[1] > 0
    _require(operation, fits, f"windows must have shape ({operation.size}, k), not {windows.shape}")
    _require_range(operation, "windows", windows, 0, sources[0].size - 1)
    _require_function(operation, operation.function, ("sum", "max"))
    _require_fraction(operation, operation.format.fraction, sources[0].format.fraction)


@_check_parts.register
def _(operation: Elementwise, sources: Sources) -> None:
    for source in sources:
        _require_size(operation, source.size)
    _require_function(operation, operation.function, ("add", "subtract", "multiply"))


@_check_parts.register
def _(operation: Concatenate, sources: Sources) -> None:
    _require_size(operation, sum(source.size for source in sources))


@_check_parts.register
def _(operation: ReconstructionError, sources: Sources) -> None:
    size = sources[0].size
    _require_size(operation, 1)
    _require(operation, sources[1].size == size, f"its inputs have {size} and {sources[1].size} elements")
    _require(operation, operation.power in {1, 2}, f"power must be 1 or 2, not {operation.power}")
    _require_shape(operation, "present", (size,))
    _require_shape(operation, "gate", (size,))
    _require_fraction(operation, operation.difference.fraction, max(source.format.fraction for source in sources[:2]))
    _require_fraction(operation, operation.format.fraction, operation.power * operation.difference.fraction)
    if len(sources) == 3:
        _require_range(operation, "gate", operation.gate, -1, sources[2].size - 1)
    else:
        everything = bool(operation.present.all() and (operation.gate == -1).all())
        _require(operation, everything, "without the hardware input every element must be present and its gate -1")


@_check_parts.register
def _(operation: Sum, sources: Sources) -> None:
    _require_size(operation, 1)
    _require(operation, operation.halvings >= 0, f"halvings must not be negative, not {operation.halvings}")
    _require_fraction(operation, operation.format.fraction - operation.halvings, max(source.format.fraction for source in sources))


@_check_parts.register
def _(operation: Threshold, sources: Sources) -> None:
    _require_size(operation, 1)
    _require_size(operation, sources[0].size)
    bit, form = FixedFormat(False, 1, 1), sources[0].format
    _require(operation, operation.format == bit, f"the trigger bit is {bit}, not {operation.format}")
    inside = form.low <= operation.threshold <= form.high
    _require(
        operation, inside, f"threshold {operation.threshold} is no code of the score's type {form}; take one of {form.low} to {form.high}"
    )
