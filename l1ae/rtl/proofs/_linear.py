"""Proof, for every input, that the adder graph of each linear layer computes the contract's integers."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.contract import (
    Concatenate,
    Contract,
    Convolution,
    Dense,
    Elementwise,
    Gather,
    Operation,
    Pool,
    Quantize,
    Sum,
    patches,
)
from l1ae.errors import CheckFailedError
from l1ae.inputs import FixedFormat
from l1ae.progress import tracked
from l1ae.rtl._opcodes import ADDERS
from l1ae.rtl._trace import Element, Graph, rounding_constants
from l1ae.rtl.proofs._forms import Forms, Port, linear_forms
from l1ae.rtl_results import LayerProof, LinearProof

__all__ = ["cone_of", "prove_linear", "value_of"]


@dataclass(frozen=True, eq=False)
class _Expected:
    """Output j is the sum of input element `index[j, k]` times `weights[j, k] * 2**-fraction`, plus `constant[j] * 2**-constant_fraction`.

    Elements count through all inputs of the operation.
    """

    index: npt.NDArray[np.int64]
    weights: npt.NDArray[np.int64]
    fraction: int
    constant: npt.NDArray[np.int64]
    constant_fraction: int


def prove_linear(contract: Contract, graph: Graph) -> LinearProof:
    """Compare each linear layer's adder graph with the weights, bias and bounds of the contract, for all inputs at once.

    Assumed of a layer is only that the tensors it reads are the contract's. Layers that round every product, or whose
    accumulator wraps, are not linear and reported as not covered. Raises `CheckFailedError` naming layer and output
    where a coefficient or constant is wrong, and the line that overflows or drops bits.
    """
    started = time.perf_counter()
    added = rounding_constants(contract)
    proofs = []
    for part in tracked(graph.parts, "RTL: proving linear layers", unit="layers"):
        operation = contract[part.name]
        expected = _expected(operation, contract)
        if expected is not None:
            proofs.append(_prove(operation, expected, contract, graph, Fraction(added.get(part.name, 0.0))))
    return LinearProof(tuple(proofs), time.perf_counter() - started)


def _prove(operation: Operation, expected: _Expected | str, contract: Contract, graph: Graph, added: Fraction) -> LayerProof:
    started = time.perf_counter()
    read = [(name, k) for name in operation.inputs for k in range(contract[name].size)]
    elements = [graph.tensors[name][k] for name, k in read]
    lines = cone_of(graph, graph.tensors[operation.name], elements)
    if not isinstance(expected, str):
        values = [value_of(contract, graph, name, k) for name, k in read]
        try:
            _compare(operation.name, expected, _Layer(graph, elements, values, lines), added)
        except CheckFailedError as error:
            raise CheckFailedError(f"layer '{operation.name}': {error}") from error
    adders = sum(graph.logic.ops[i].opcode in ADDERS for i in lines)
    reason = expected if isinstance(expected, str) else ""
    seconds = time.perf_counter() - started
    return LayerProof(operation.name, type(operation).__name__, operation.size, len(lines), adders, not reason, reason, seconds)


@dataclass(frozen=True)
class _Layer:
    """The lines of a layer, the elements that it reads and what each can hold."""

    graph: Graph
    elements: Sequence[Element]
    values: Sequence[Port]
    lines: Sequence[int]


def cone_of(graph: Graph, made: Sequence[Element], elements: Sequence[Element]) -> list[int]:
    """The lines between the elements that a layer reads and those of what it makes, in order of evaluation."""
    read = {e.index for e in elements}
    needed: set[int] = set()
    waiting = [e.index for e in made if e.index is not None]
    while waiting:
        i = waiting.pop()
        if i not in read and i not in needed:
            needed.add(i)
            waiting.extend(graph.logic.ops[i].addr)
    return sorted(needed)


def value_of(contract: Contract, graph: Graph, name: str, k: int) -> Port:
    """What element k of a tensor can be: within the contract's bounds and what its line can hold."""
    interval, element = contract.intervals[name], graph.tensors[name][k]
    bounds = Port(int(interval.low[k]), int(interval.high[k]), interval.fraction)
    if element.index is None:
        if bounds.low != bounds.high or Fraction(bounds.low) / Fraction(2) ** bounds.fraction != Fraction(element.constant):
            raise CheckFailedError(f"element {k} of '{name}' is the constant {element.constant}, but not in the contract")
        return bounds
    signed, integer, fraction = (int(v) for v in graph.logic.ops[element.index].qint.kif)
    drop = max(bounds.fraction - fraction, 0)
    grow = max(fraction - bounds.fraction, 0)
    limit = 1 << (integer + fraction)
    low, high = -((-bounds.low << grow) >> drop), (bounds.high << grow) >> drop
    return Port(max(low, -limit * signed), min(high, limit - 1), fraction)


def _compare(name: str, expected: _Expected, layer: _Layer, added: Fraction) -> None:
    ports = {e.index: value for e, value in zip(layer.elements, layer.values, strict=True) if e.index is not None}
    outputs = layer.graph.tensors[name]
    keep = sorted({e.index for e in outputs if e.index is not None})
    finest = max((value.fraction for value in layer.values), default=0) + expected.fraction
    scale = max(0, finest, expected.constant_fraction, added.denominator.bit_length() - 1)
    forms = linear_forms(layer.graph.logic, layer.lines, ports, scale, keep)
    for j, output in enumerate(outputs):
        want = _wanted(j, expected, layer, forms, added)
        got = _constant_row(output, forms) if output.index is None else forms.rows[output.index]
        if not np.array_equal(got, want):
            raise CheckFailedError(f"output {j}: {_difference(got, want, forms, layer)}")


def _constant_row(output: Element, forms: Forms) -> npt.NDArray[Any]:
    row = np.zeros(len(forms.columns) + 1, object)
    row[-1] = Fraction(output.constant) * 2**forms.scale
    return row


def _wanted(j: int, expected: _Expected, layer: _Layer, forms: Forms, added: Fraction) -> npt.NDArray[Any]:
    """The contract's form of output j, in the units of `forms`."""
    row = np.zeros(len(forms.columns) + 1, object)
    row[-1] = int(expected.constant[j]) * (1 << (forms.scale - expected.constant_fraction)) + int(added * 2**forms.scale)
    for k, weight in zip(expected.index[j].tolist(), expected.weights[j].tolist(), strict=True):
        element, value = layer.elements[k], layer.values[k]
        unit = weight * (1 << (forms.scale - expected.fraction - value.fraction))
        if element.index in forms.columns:
            row[forms.columns[element.index]] += unit
        else:
            row[-1] += unit * value.low
    return row


def _difference(got: npt.NDArray[Any], want: npt.NDArray[Any], forms: Forms, layer: _Layer) -> str:
    (column, *_) = np.flatnonzero(got != want)
    if column == len(got) - 1:
        unit = 2**forms.scale
        return f"the graph adds {float(got[-1] / unit):g}, the contract {float(want[-1] / unit):g}"
    line = next(i for i, k in forms.columns.items() if k == column)
    k = next(k for k, e in enumerate(layer.elements) if e.index == line)
    unit = 2 ** (forms.scale - layer.values[k].fraction)
    return f"the graph multiplies input {k} by {float(got[column] / unit):g}, the contract by {float(want[column] / unit):g}"


@singledispatch
def _expected(operation: Operation, contract: Contract) -> _Expected | str | None:
    """What a linear operation computes; for one with weights that is not linear the reason, for any other None."""
    return None


def _moved(index: npt.NDArray[Any], weights: npt.NDArray[Any] | None = None, fraction: int = 0) -> _Expected:
    """An operation without constants; weights 1 unless given."""
    weights = np.ones_like(index) if weights is None else weights
    return _Expected(index, weights, fraction, np.zeros(len(index), np.int64), 0)


def _weighted(operation: Dense | Convolution, contract: Contract, index: npt.NDArray[Any], weights: npt.NDArray[Any]) -> _Expected | str:
    """`index` (positions, k), weights (k, filters); outputs are positions, then filters."""
    form = operation.format
    if contract.sum_wraps(operation):
        return "its accumulator wraps"
    if contract[operation.inputs[0]].format.fraction + operation.weight_format.fraction > form.fraction:
        return "every product is rounded"
    positions, filters = len(index), weights.shape[1]
    bias = FixedFormat(True, 62, 62 - form.fraction, form.rounding).cast(operation.bias, operation.bias_format.fraction)
    rows = np.tile(weights.T, (positions, 1))
    return _Expected(np.repeat(index, filters, axis=0), rows, operation.weight_format.fraction, np.tile(bias, positions), form.fraction)


@_expected.register
def _(operation: Dense, contract: Contract) -> _Expected | str | None:
    return _weighted(operation, contract, np.arange(len(operation.weights))[None], operation.weights)


@_expected.register
def _(operation: Convolution, contract: Contract) -> _Expected | str | None:
    return _weighted(operation, contract, patches(operation), operation.weights.reshape(-1, operation.weights.shape[-1]))


@_expected.register
def _(operation: Sum, contract: Contract) -> _Expected | str | None:
    count = sum(contract[name].size for name in operation.inputs)
    return _moved(np.arange(count)[None], fraction=operation.halvings)


@_expected.register
def _(operation: Pool, contract: Contract) -> _Expected | str | None:
    return _moved(operation.windows) if operation.function == "sum" else None


@_expected.register
def _(operation: Gather, contract: Contract) -> _Expected | str | None:
    index = operation.index[:, None]
    return _moved(np.maximum(index, 0), (index >= 0).astype(np.int64))


@_expected.register
def _(operation: Elementwise, contract: Contract) -> _Expected | str | None:
    if operation.function == "multiply":
        return None
    index = np.arange(2 * operation.size).reshape(2, -1).T
    sign = 1 if operation.function == "add" else -1
    expected = _moved(index, np.tile(np.array([1, sign], np.int64), (operation.size, 1)))
    return expected if _loses_nothing(operation, contract, expected) else None


@_expected.register(Quantize)
@_expected.register(Concatenate)
def _(operation: Quantize | Concatenate, contract: Contract) -> _Expected | str | None:
    expected = _moved(np.arange(operation.size)[:, None])
    return expected if _loses_nothing(operation, contract, expected) else None


def _loses_nothing(operation: Operation, contract: Contract, expected: _Expected) -> bool:
    """Whether the cast to the output's format changes no value that the contract's bounds allow."""
    intervals = [contract.intervals[name] for name in operation.inputs]
    fraction, form = operation.format.fraction, operation.format
    if any(interval.fraction > fraction for interval in intervals):
        return False
    low, high = (
        np.concatenate([ends * 2 ** (fraction - interval.fraction) for interval, ends in zip(intervals, bounds, strict=True)])
        for bounds in ([i.low for i in intervals], [i.high for i in intervals])
    )
    terms_low, terms_high = low[expected.index] * expected.weights, high[expected.index] * expected.weights
    least, most = np.minimum(terms_low, terms_high).sum(1), np.maximum(terms_low, terms_high).sum(1)
    return bool(form.low <= min(least) and max(most) <= form.high)
