"""Which elements of each tensor the score depends on: pruning leaves inputs and neurons that nothing reads."""

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.contract import (
    Binning,
    Concatenate,
    Convolution,
    Dense,
    Dot,
    Elementwise,
    Gather,
    Lookup,
    Operation,
    Pool,
    Preprocess,
    Quantize,
    ReconstructionError,
    Relu,
    Sum,
    Table,
    patches,
)
from l1ae.errors import UserError

__all__ = ["needed_elements"]

Mask = npt.NDArray[np.bool_]


def needed_elements(operations: Sequence[Operation], varies: Mapping[str, Mask], score: str) -> Mapping[str, Mask]:
    """For each tensor (size,): whether the score depends on the element. A tensor on which it does not depend has none.

    `varies`: by tensor, which elements are no constants; a constant depends on nothing. Raises `UserError` for an operation
    that the estimator does not know.
    """
    needed = {operation.name: np.zeros(operation.size, np.bool_) for operation in operations}
    needed[score][:] = True
    sizes = {operation.name: operation.size for operation in operations}
    for operation in reversed(operations):
        live = needed[operation.name] & varies[operation.name]
        if operation.inputs and live.any():
            for name, mask in zip(operation.inputs, _read(operation, live, sizes), strict=True):
                needed[name] |= mask
    return needed


def _at(size: int, index: Any) -> Mask:
    mask = np.zeros(size, np.bool_)
    mask[index] = True
    return mask


@singledispatch
def _read(operation: Operation, output: Mask, sizes: Mapping[str, int]) -> list[Mask]:
    """For each input, the elements that the elements `output` read."""
    raise UserError(f"layer '{operation.name}': the estimator does not know {type(operation).__name__}; `l1ae synth` measures it")


@_read.register
def _(operation: Relu | Quantize | Table | Elementwise, output: Mask, sizes: Mapping[str, int]) -> list[Mask]:
    return [output] * len(operation.inputs)


@_read.register
def _(operation: Binning, output: Mask, sizes: Mapping[str, int]) -> list[Mask]:
    return [_at(sizes[operation.inputs[0]], operation.index[output])]


@_read.register
def _(operation: Lookup, output: Mask, sizes: Mapping[str, int]) -> list[Mask]:
    read = [k for index, used in zip(operation.index, output, strict=True) if used for k in index]
    return [_at(sizes[operation.inputs[0]], np.array(read, np.int64))]


@_read.register
def _(operation: Preprocess, output: Mask, sizes: Mapping[str, int]) -> list[Mask]:
    mine = output & operation.present
    return [mine | _at(len(mine), operation.gate[mine & (operation.gate >= 0)])]


@_read.register
def _(operation: Dense, output: Mask, sizes: Mapping[str, int]) -> list[Mask]:
    return [np.asarray(operation.weights[:, output].any(1), np.bool_)]


@_read.register
def _(operation: Convolution, output: Mask, sizes: Mapping[str, int]) -> list[Mask]:
    index, matrix = patches(operation), operation.weights.reshape(-1, operation.weights.shape[-1]) != 0
    reads = output.reshape(len(index), -1) @ matrix.T
    return [_at(sizes[operation.inputs[0]], index[reads])]


@_read.register
def _(operation: Gather, output: Mask, sizes: Mapping[str, int]) -> list[Mask]:
    return [_at(sizes[operation.inputs[0]], operation.index[output & (operation.index >= 0)])]


@_read.register
def _(operation: Pool, output: Mask, sizes: Mapping[str, int]) -> list[Mask]:
    return [_at(sizes[operation.inputs[0]], operation.windows[output])]


@_read.register
def _(operation: Concatenate, output: Mask, sizes: Mapping[str, int]) -> list[Mask]:
    first = sizes[operation.inputs[0]]
    return [output[:first], output[first:]]


@_read.register
def _(operation: Dot | Sum, output: Mask, sizes: Mapping[str, int]) -> list[Mask]:
    return [np.ones(sizes[name], np.bool_) for name in operation.inputs]


@_read.register
def _(operation: ReconstructionError, output: Mask, sizes: Mapping[str, int]) -> list[Mask]:
    reads = [operation.present, operation.present]
    if len(operation.inputs) == 3:
        gates = operation.gate[operation.present & (operation.gate >= 0)]
        reads.append(_at(sizes[operation.inputs[2]], gates))
    return reads
