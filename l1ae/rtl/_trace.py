"""A contract as an adder graph: one alkaid program per operation, and all of them stitched into one, each line with its layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from alkaid.trace import FVArray
from alkaid.trace.fixed_variable import FVariable
from alkaid.trace.passes import dead_code_elimin, fuse_ternary_adders
from alkaid.types import CombLogic, Op, QInterval

from l1ae.contract import Contract, Convolution, Dense, HardwareInput, Operation, Quantize, Relu
from l1ae.inputs import FixedFormat
from l1ae.progress import tracked
from l1ae.rtl._arithmetic import HALF_UP, HARDWARE, SOLVER, cast_after_half, half_lsb, program
from l1ae.rtl._opcodes import Opcode
from l1ae.rtl._operations import Tensor, apply

__all__ = ["Adders", "Element", "Graph", "Layer", "constant_op", "rounding_constants", "trace_contract", "trace_layer"]

Adders = Literal["binary", "ternary"]


@dataclass(frozen=True)
class Element:
    """One element of a tensor: the number of the line in the graph that makes it, or, where that is None, a constant.

    The range is of real values.
    """

    index: int | None
    low: float
    high: float
    step: float

    @property
    def constant(self) -> float:
        """The value of an element that no line makes."""
        assert self.index is None
        return self.low


_ZERO = Element(None, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Layer:
    """One operation as a program of its own. `inputs` are the elements that it reads, one for each of the program's inputs.

    `added` is a constant that the output has beyond the contract's tensor (half an LSB of the rounding that follows).
    """

    name: str
    logic: CombLogic
    inputs: tuple[Element, ...]
    added: float


@dataclass(frozen=True)
class Graph:
    """The whole network up to the score. `layers[i]` is the operation that line i of `logic` belongs to.

    `tensors`: the elements of every tensor; `added` as in `Layer`, by tensor.
    """

    logic: CombLogic
    layers: tuple[str, ...]
    tensors: Mapping[str, tuple[Element, ...]]
    parts: tuple[Layer, ...]

    @cached_property
    def added(self) -> dict[str, float]:
        """By tensor: the constant that it has beyond the contract's, in real units."""
        return {part.name: part.added for part in self.parts}

    def evaluate(self, hardware: npt.NDArray[np.integer], names: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Real values (N, size) of tensors, from alkaid's interpreter: a check that knows nothing of our numpy.

        `hardware`: (N, size) codes.
        """
        values = np.ascontiguousarray(hardware.reshape(len(hardware), -1), np.float64)
        made = [e.index for name in names for e in self.tensors[name] if e.index is not None]
        count = len(made)
        probe = self.logic._replace(shape=(self.logic.shape[0], count), out_idxs=made, out_shifts=[0] * count, out_negs=[False] * count)
        columns = iter(probe.predict(values, n_threads=1).T if made else ())
        out = {}
        for name in names:
            elements = [np.full(len(hardware), e.low) if e.index is None else next(columns) for e in self.tensors[name]]
            out[name] = np.stack(elements, axis=1) - self.added.get(name, 0.0)
        return out


def trace_contract(contract: Contract, adders: Adders = "ternary") -> Graph:
    """The adder graph of `contract` up to its score; the threshold is the wrapper's."""
    stitcher = _Stitcher(contract)
    added = rounding_constants(contract)
    for operation in tracked(_needed(contract), "RTL: adder graphs", unit="layers"):
        stitcher.add(contract.decided(operation), added, adders)
    return stitcher.graph(contract.score.name)


def _needed(contract: Contract) -> list[Operation]:
    """The operations that the score depends on, without the input."""
    names = {contract.score.name}
    for operation in reversed(contract.operations[1:-1]):
        if operation.name in names:
            names.update(operation.inputs)
    return [operation for operation in contract.operations[1:-1] if operation.name in names]


def rounding_constants(contract: Contract) -> dict[str, float]:
    """What each linear operation adds to its bias because all that reads it is one cast that rounds half up.

    `floor(relu(x) + 1/2) = floor(relu(x + 1/2))`, so it may be added before a relu as well.
    """
    readers: dict[str, list[Operation]] = {}
    for operation in contract.operations:
        for name in operation.inputs:
            readers.setdefault(name, []).append(operation)
    constants = {}
    for operation in contract.operations:
        linear = isinstance(operation, Dense | Convolution) and not contract.sum_wraps(operation)
        after = readers.get(operation.name, [])
        if linear and len(after) == 1 and isinstance(after[0], Relu | Quantize):
            form = after[0].format
            if form.rounding in HALF_UP and form.fraction < operation.format.fraction:
                constants[operation.name] = half_lsb(form)
    return constants


def trace_layer(operation: Operation, tensors: Sequence[Tensor], formats: Sequence[FixedFormat], added: Mapping[str, float]) -> Tensor:
    """The output's variables, with the rounding constants where `rounding_constants` wants them."""
    if any(name in added for name in operation.inputs):
        values = [v.relu() for v in tensors[0]] if isinstance(operation, Relu) else tensors[0]
        return np.array([cast_after_half(v, operation.format) for v in values], dtype=object)
    output = apply(operation, tensors, formats)
    return output + added[operation.name] if operation.name in added else output


def constant_op(value: float) -> Op:
    """A line that holds a constant."""
    step = float(2.0 ** _lowest_bit(value)) if value else 1.0
    return Op((), Opcode.CONSTANT, (round(value / step),), QInterval(value, value, step), 0.0, 0.0)


def _lowest_bit(value: float) -> int:
    numerator, denominator = abs(value).as_integer_ratio()
    return (numerator & -numerator).bit_length() - 1 - (denominator.bit_length() - 1)


class _Stitcher:
    """Collects the lines of all operations. alkaid's cast moves the binary point and costs no gate: it joins two layers."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._ops: list[Op] = []
        self._layers: list[str] = []
        self._tables: list[Any] = []
        self._parts: list[Layer] = []
        hardware = contract.hardware
        self._tensors = {hardware.name: tuple(self._input(hardware, k) for k in range(hardware.size))}

    def _line(self, op: Op, layer: str) -> int:
        self._ops.append(op)
        self._layers.append(layer)
        return len(self._ops) - 1

    def _input(self, hardware: HardwareInput, k: int) -> Element:
        low, high, lsb = float(hardware.format.low), float(hardware.format.high), hardware.format.lsb
        index = self._line(Op((), Opcode.INPUT, (k,), QInterval(low * lsb, high * lsb, lsb), 0.0, 0.0), hardware.name)
        return Element(index, low * lsb, high * lsb, lsb)

    def add(self, operation: Operation, added: Mapping[str, float], adders: Adders) -> None:
        """Trace one operation and append its lines."""
        variables: dict[int, Any] = {}
        read = [self._tensors[name] for name in operation.inputs]
        tensors = [_variables(elements, variables) for elements in read]
        formats = [self._contract[name].format for name in operation.inputs]
        outputs = trace_layer(operation, tensors, formats, added)
        inputs = {e.index: e for elements in read for e in elements if e.index is not None}
        logic = program([variables[index] for index in inputs] or [_dummy()], outputs)
        if adders == "ternary":
            logic = dead_code_elimin(fuse_ternary_adders(logic), keep_dead_inputs=True)
        layer = Layer(operation.name, logic, tuple(inputs.values()), added.get(operation.name, 0.0))
        self._parts.append(layer)
        self._tensors[operation.name] = self._append(layer)

    def _append(self, layer: Layer) -> tuple[Element, ...]:
        logic, where = layer.logic, {}
        for i, op in enumerate(logic.ops):
            if op.opcode == Opcode.INPUT:
                index = layer.inputs[op.data[0]].index
                assert index is not None
                where[i] = index
                continue
            data = op.data
            if op.opcode == Opcode.TABLE:
                assert logic.lookup_tables is not None
                self._tables.append(logic.lookup_tables[op.data[0]])
                data = (len(self._tables) - 1, *op.data[1:])
            where[i] = self._line(Op(tuple(where[a] for a in op.addr), op.opcode, data, op.qint, 0.0, 0.0), layer.name)
        assert not any(logic.out_negs)
        outputs = zip(logic.out_idxs, logic.out_shifts, strict=True)
        return tuple(self._output(logic.ops[i], where[i], shift, layer.name) if i >= 0 else _ZERO for i, shift in outputs)

    def _output(self, op: Op, index: int, shift: int, layer: str) -> Element:
        """The element that line `index` makes, times `2**shift`."""
        low, high, step = (float(bound * 2.0**shift) for bound in op.qint)
        if low == high:
            return Element(None, low, low, step)
        if shift:
            index = self._line(Op((index,), Opcode.CAST, (shift,), QInterval(low, high, step), 0.0, 0.0), layer)
        return Element(index, low, high, step)

    def graph(self, score: str) -> Graph:
        """Everything so far; the program's only output is the score."""
        (element,) = self._tensors[score]
        index = element.index if element.index is not None else self._line(constant_op(element.constant), score)
        inputs = self._contract.hardware.size
        logic = CombLogic((inputs, 1), [0] * inputs, [index], [0], [False], self._ops, 1, 1, tuple(self._tables) or None)
        return Graph(logic, tuple(self._layers), self._tensors, tuple(self._parts))


def _dummy() -> Any:
    return FVariable(0.0, 1.0, 1.0, hwconf=HARDWARE)


def _variables(elements: Sequence[Element], known: dict[int, Any]) -> Tensor:
    """Fresh symbolic inputs for the elements; the same element is the same variable."""
    out = np.empty(len(elements), dtype=object)
    for k, element in enumerate(elements):
        if element.index is None:
            out[k] = FVariable.from_const(element.constant, hwconf=HARDWARE)
            continue
        if element.index not in known:
            known[element.index] = FVariable(element.low, element.high, element.step, hwconf=HARDWARE)
        out[k] = known[element.index]
    return FVArray(out, SOLVER)
