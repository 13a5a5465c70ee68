"""Which layers of a contract are folded over the clocks of an interval, and what lies between them.

A layer with weights is folded in one of two ways:

* *serial*: all of it at once, a few bits of every number per clock (`_serial`). For any layer.
* *window*: one adder graph for some output positions of a convolution, which meets another part of the image every clock.

What is not folded is ordinary pipelined logic between them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from alkaid.types import CombLogic

from l1ae.contract import Contract, Convolution, Dense, Gather, HardwareInput, Operation, Quantize, Relu, Table, Threshold
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat
from l1ae.rtl._arithmetic import program
from l1ae.rtl._operations import Tensor, apply
from l1ae.rtl._trace import rounding_constants, trace_layer
from l1ae.rtl.folding._serial import SerialNet, serial_net
from l1ae.rtl.folding._words import Values, Word, hardware_values, traced_values, union
from l1ae.rtl_results import Folding

__all__ = ["Fold", "FoldPlan", "Segment", "SerialFold", "Step", "WindowFold", "plan_fold"]

IntArray = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]

# A layer with fewer of the network's products is not worth the clocks that folding it takes.
_LEAST_SHARE = 0.015

# LUTs of a constant adder graph per product and bit of the accumulator; adders per product of a serial one, each of which
# yosys makes of a LUT per bit of a digit and a little more; LUTs per bit that is loaded and shifted, and per bit and choice
# that is selected. They choose between two exact ways and decide nothing else.
_WIDE, _ADDERS, _CARRY, _SHIFT, _SELECT = 0.6, 1.1, 0.2, 0.6, 0.4


@dataclass(frozen=True, eq=False)
class SerialFold:
    """`net` works once for each row of `sources` (P, K): elements of `source`, -1 for zero. `name`: the product, without bias."""

    name: str
    layer: str
    source: str
    sources: IntArray
    net: SerialNet
    values: Values

    @property
    def folding(self) -> Folding:
        """For the report."""
        return Folding(self.layer, "serial", self.net.digits, self.net.digit)

    def simulate(self, source: Array) -> Array:
        """The product (N, size), given the source (N, size)."""
        padded = np.concatenate([source, np.zeros((len(source), 1))], axis=1)
        return np.concatenate([self.net.values.of_words(self.net.simulate(padded[:, row])) for row in self.sources], axis=1)


@dataclass(frozen=True, eq=False)
class WindowFold:
    """`logic` computes `outputs[p]` (elements of `name`, -1 for none) from `sources[p]` (of `source`, -1: zero) in clock p.

    `slots`: format of the logic's inputs, `core`: its outputs. `positions` per clock.
    """

    name: str
    layer: str
    source: str
    sources: IntArray
    outputs: IntArray
    slots: tuple[Word, ...]
    logic: CombLogic
    core: Values
    values: Values
    positions: int

    @property
    def folding(self) -> Folding:
        """For the report."""
        return Folding(self.layer, "window", len(self.sources), self.positions)

    def simulate(self, source: Array) -> Array:
        """The output (N, size), given the source (N, size), clock by clock."""
        padded = np.concatenate([source, np.zeros((len(source), 1))], axis=1)
        result = np.empty((len(source), len(self.values.index) + 1))
        for elements, outputs in zip(self.sources, self.outputs, strict=True):
            result[:, outputs] = self.core.of_words(_predict(self.logic, padded[:, elements]))
        return result[:, :-1]


Fold = SerialFold | WindowFold


@dataclass(frozen=True, eq=False)
class Segment:
    """What is not folded: `logic` reads the words of `inputs`, one tensor after the other, and gives those of `outputs`."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    logic: CombLogic
    layers: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Step:
    """A segment (if anything is left to do) and the folds that read its outputs or earlier tensors."""

    segment: Segment | None
    folds: tuple[Fold, ...]


@dataclass(frozen=True, eq=False)
class FoldPlan:
    """A contract as steps that each take every event `interval` clocks or less. `values`: the tensors between them."""

    contract: Contract
    interval: int
    steps: tuple[Step, ...]
    values: dict[str, Values]

    @property
    def foldings(self) -> tuple[Folding, ...]:
        """How each folded layer is folded, in order."""
        return tuple(fold.folding for step in self.steps for fold in step.folds)

    def simulate(self, hardware: npt.NDArray[np.integer]) -> IntArray:
        """Codes of the score (N,) for hardware codes (N, size), digit by digit and window by window."""
        form = self.contract.hardware.format
        tensors: dict[str, Array] = {self.contract.hardware.name: np.asarray(hardware, np.float64).reshape(len(hardware), -1) * form.lsb}
        for step in self.steps:
            if step.segment is not None:
                self._simulate_segment(step.segment, tensors)
            for fold in step.folds:
                tensors[fold.name] = fold.simulate(tensors[fold.source])
        score = self.contract.score
        return np.round(tensors[score.name][:, 0] / score.format.lsb).astype(np.int64)

    def _simulate_segment(self, segment: Segment, tensors: dict[str, Array]) -> None:
        words = np.concatenate([self.values[name].to_words(tensors[name]) for name in segment.inputs], axis=1)
        results, place = _predict(segment.logic, words), 0
        for name in segment.outputs:
            values = self.values[name]
            tensors[name] = values.of_words(results[:, place : place + len(values.words)])
            place += len(values.words)


def _predict(logic: CombLogic, words: Array) -> Array:
    if not logic.out_idxs:
        return np.zeros((len(words), 0))
    return np.asarray(logic.predict(np.ascontiguousarray(words), n_threads=1), np.float64).reshape(len(words), -1)


def plan_fold(contract: Contract, interval: int) -> FoldPlan:
    """Fold `contract` so that it takes an event every `interval` clocks.

    Raises `UserError` when the interval is below 2, when no layer can be folded, and when a layer gives a constant.
    """
    if interval < 2:
        raise UserError(f"rtl.interval must be at least 2 for a folded design, not {interval}; 1 is the unrolled design")
    return _Planner(contract, interval).plan()


def _products(operation: Operation) -> int:
    if isinstance(operation, Dense):
        return int(np.count_nonzero(operation.weights))
    assert isinstance(operation, Convolution)
    return int(np.count_nonzero(operation.weights) * np.prod(operation.positions))


class _Planner:
    def __init__(self, contract: Contract, interval: int) -> None:
        self._contract, self._interval = contract, interval
        self._added = rounding_constants(contract)
        self._values = {contract.hardware.name: hardware_values(contract.hardware)}
        self._folded = self._choose()
        self._chains = {name: chain for name in self._folded if (chain := self._chain(name))}
        self._inside = {op.name for name, chain in self._chains.items() for op in (contract[name], *chain)}
        self._live = self._needed()
        self._levels = self._level()

    # -- structure -------------------------------------------------------------------------------------------------

    def _choose(self) -> tuple[str, ...]:
        weighted = self._contract.weighted
        if not weighted:
            raise UserError(
                f"'{self._contract.project}' has no layer with weights, and tables are not folded; use rtl.interval 1, with which it takes "
                "an event every clock"
            )
        exact = [op for op in weighted if self._is_exact(op) and _products(op)]
        if not exact:
            named = ", ".join(f"'{op.name}'" for op in weighted) or "none"
            raise UserError(
                f"'{self._contract.project}' cannot be folded: of its layers with weights ({named}) none has an accumulator that keeps "
                f"every bit; use rtl.interval 1, or wider accumulators"
            )
        total = sum(_products(op) for op in exact)
        return tuple(op.name for op in exact if _products(op) >= _LEAST_SHARE * total)

    def _is_exact(self, operation: Dense | Convolution) -> bool:
        fraction = self._contract[operation.inputs[0]].format.fraction + operation.weight_format.fraction
        return not self._contract.sum_wraps(operation) and fraction <= operation.format.fraction

    def _readers(self, name: str) -> list[Operation]:
        return [operation for operation in self._contract.operations if name in operation.inputs]

    def _chain(self, name: str) -> tuple[Operation, ...]:
        """For a convolution that is folded by windows, what follows element by element; otherwise nothing."""
        operation, chain = self._contract[name], []
        if not isinstance(operation, Convolution) or _window(operation, self._interval, self._bits(operation)) is None:
            return ()
        while len(readers := self._readers(name)) == 1 and isinstance(readers[0], Relu | Quantize | Table):
            if isinstance(readers[0], Table) and readers[0].bits:
                break  # its elements are not alike, so that it cannot move over the image
            chain.append(readers[0])
            name = readers[0].name
        return tuple(chain)

    def _bits(self, operation: Operation) -> int:
        return self._contract[operation.inputs[0]].format.width

    def _fold_of(self, name: str) -> str | None:
        """The folded layer whose result this tensor is."""
        for layer, chain in self._chains.items():
            if name == chain[-1].name:
                return layer
        return name if name in self._folded and name not in self._chains else None

    def _resolve(self, name: str) -> tuple[str, IntArray]:
        """Where the elements of a tensor come from when wires are followed back: tensor, element (-1: zero)."""
        operation = self._contract[name]
        if not isinstance(operation, Gather):
            return name, np.arange(operation.size)
        source, index = self._resolve(operation.inputs[0])
        return source, np.where(operation.index < 0, -1, index[operation.index])

    def _reads(self, operation: Operation) -> tuple[str, ...]:
        if (layer := self._fold_of(operation.name)) is None:
            return operation.inputs
        return (self._resolve(self._contract[layer].inputs[0])[0],)

    def _needed(self) -> set[str]:
        live = {self._contract.score.name}
        for operation in reversed(self._contract.operations):
            if operation.name in live:
                live.update(self._reads(operation))
        return live

    def _level(self) -> dict[str, int]:
        levels: dict[str, int] = {}
        for operation in self._contract.operations:
            if operation.name in self._live:
                level = max((levels[name] for name in self._reads(operation)), default=0)
                levels[operation.name] = level + (self._fold_of(operation.name) is not None)
        return levels

    # -- building --------------------------------------------------------------------------------------------------

    def plan(self) -> FoldPlan:
        last = max(self._levels.values())
        steps = []
        for level in range(last + 1):
            here = [op for op in self._contract.operations if self._levels.get(op.name) == level]
            segment = self._segment(level, here)
            folds = tuple(self._fold(op) for op in self._contract.operations if self._folds_after(op, level))
            steps.append(Step(segment, folds))
        return FoldPlan(self._contract, self._interval, tuple(steps), self._values)

    def _folds_after(self, operation: Operation, level: int) -> bool:
        return self._levels.get(operation.name) == level + 1 and self._fold_of(operation.name) is not None

    def _formats(self, operation: Operation) -> list[FixedFormat]:
        return [self._contract[name].format for name in operation.inputs]

    def _trace(self, operation: Operation, tensors: Sequence[Tensor], formats: Sequence[FixedFormat]) -> Tensor:
        return trace_layer(self._contract.decided(operation), tensors, formats, self._added)

    def _segment(self, level: int, here: Sequence[Operation]) -> Segment | None:
        """Trace what is not folded at this level. A serial layer's bias belongs to it."""
        todo = [op for op in here if not isinstance(op, HardwareInput | Threshold) and not self._is_window(op.name)]
        if not todo:
            return None
        made = {op.name for op in todo}
        inputs = [name for name in self._values if self._is_read(name, todo)]
        words, tensors = [], {}
        for name in inputs:
            variables, tensors[name] = self._values[name].variables()
            words += variables
        for op in todo:
            if self._fold_of(op.name) is not None:
                tensors[op.name] = tensors[_product_name(op.name)] + self._bias(op)
            else:
                tensors[op.name] = self._trace(op, [tensors[name] for name in op.inputs], self._formats(op))
        outputs = [op.name for op in todo if op.name in made and self._is_output(op.name, level)]
        results = []
        for name in outputs:
            self._values[name], variables = traced_values(list(tensors[name]))
            results += variables
        if not results:
            raise _nothing_to_do(outputs)
        logic = program(words, results)
        return Segment(tuple(inputs), tuple(outputs), logic, ("+".join(made),) * len(logic.ops))

    def _is_window(self, name: str) -> bool:
        return self._fold_of(name) in self._chains

    def _is_read(self, name: str, todo: Sequence[Operation]) -> bool:
        made = {op.name for op in todo}
        for op in todo:
            if self._fold_of(op.name) is not None:
                if name == _product_name(op.name):
                    return True
            elif name in op.inputs and name not in made:
                return True
        return False

    def _is_output(self, name: str, level: int) -> bool:
        if name == self._contract.score.name:
            return True
        readers = [op for op in self._contract.operations if op.name in self._live and name in self._reads(op)]
        return any(self._levels[op.name] > level for op in readers)

    def _bias(self, operation: Operation) -> Array:
        """The bias as the accumulator takes it, with half an LSB of the rounding that follows."""
        assert isinstance(operation, Dense | Convolution)
        one, outputs = Word(0.0, 1.0, 1.0), operation.weights.shape[-1]
        nothing: Tensor = Values((one,), np.array([-1]), np.zeros(1)).variables()[1]
        if isinstance(operation, Dense):
            bare: Operation = replace(operation, weights=np.zeros((1, outputs), np.int64), wraps=False)
        else:
            weights = np.zeros((1, 1, 1, outputs), np.int64)
            bare = replace(operation, weights=weights, shape=(1, 1, 1), stride=(1, 1), size=outputs, wraps=False)
        bias = np.array([float(v.low) for v in apply(bare, [nothing], self._formats(operation))])
        return np.resize(bias, operation.size) + self._added.get(operation.name, 0.0)

    def _fold(self, result: Operation) -> Fold:
        layer = self._fold_of(result.name)
        assert layer is not None
        operation = self._contract[layer]
        assert isinstance(operation, Dense | Convolution)
        source, index = self._resolve(operation.inputs[0])
        if layer in self._chains:
            assert isinstance(operation, Convolution)
            window = self._window_fold(operation, self._chains[layer], source, index)
            self._values[window.name] = window.values
            return window
        serial = self._serial_fold(operation, source, index)
        self._values[serial.name] = serial.values
        return serial

    def _serial_fold(self, operation: Dense | Convolution, source: str, index: IntArray) -> SerialFold:
        weights = operation.weights * operation.weight_format.lsb
        matrix = weights.reshape(-1, weights.shape[-1])
        if isinstance(operation, Dense):
            sources = index[None]
        else:
            windows, _ = _windows(operation, 1, 1)
            sources = np.where(windows < 0, -1, index[windows])
        slots = [self._slot(source, column) for column in sources.T]
        if not any(matrix[k].any() for k, slot in enumerate(slots) if slot.low or slot.high):
            raise _nothing_to_do([operation.name])
        net = serial_net(slots, np.asarray(matrix, np.float64), self._interval)
        return SerialFold(_product_name(operation.name), operation.name, source, sources, net, _repeated(net.values, len(sources)))

    def _slot(self, source: str, elements: IntArray) -> Word:
        return union(self._values[source].word_of(int(element)) for element in elements)

    def _window_fold(self, operation: Convolution, chain: Sequence[Operation], source: str, index: IntArray) -> WindowFold:
        shape = _window(operation, self._interval, self._bits(operation))
        assert shape is not None
        windows, outputs = _windows(operation, *shape)
        sources = np.where(windows < 0, -1, index[windows])
        slots = tuple(self._slot(source, column) for column in sources.T)
        words, tensor = Values(slots, np.arange(len(slots)), np.zeros(len(slots))).variables()
        formats = self._formats(operation)
        for op in _core(operation, chain, shape):
            tensor = self._trace(op, [tensor], formats)
            formats = [op.format]
        core, results = traced_values(list(tensor))
        if not results:
            raise _nothing_to_do([chain[-1].name])
        logic = program(words, results)
        name = chain[-1].name
        return WindowFold(name, operation.name, source, sources, outputs, slots, logic, core, _unfolded(core, outputs), shape[0] * shape[1])


def _nothing_to_do(names: Sequence[str]) -> UserError:
    return UserError(
        f"layer '{names[-1]}' gives the same for every event, which cannot be folded; look for a layer whose weights are all 0 or whose "
        "output saturates, or use rtl.interval 1"
    )


def _product_name(layer: str) -> str:
    # No name in a contract has a dot.
    return f"{layer}.product"


def _repeated(values: Values, times: int) -> Values:
    """The same tensor several times, one after the other."""
    count = len(values.words)
    index = [np.where(values.index < 0, -1, values.index + k * count) for k in range(times)]
    return Values(values.words * times, np.concatenate(index), np.tile(values.constants, times))


def _unfolded(core: Values, outputs: IntArray) -> Values:
    """The whole tensor, whose words are those of every clock, one after the other."""
    size, count = int(outputs.max()) + 1, len(core.words)
    index, constants = np.full(size, -1), np.zeros(size)
    for clock, elements in enumerate(outputs):
        for k in np.flatnonzero(elements >= 0):
            index[elements[k]] = -1 if core.index[k] < 0 else core.index[k] + clock * count
            constants[elements[k]] = core.constants[k]
    return Values(core.words * len(outputs), index, constants)


# -- windows -------------------------------------------------------------------------------------------------------


def _window(operation: Convolution, interval: int, bits: int) -> tuple[int, int] | None:
    """Rows and columns of the output that one clock computes, or nothing where serial arithmetic is smaller."""
    rows, columns = operation.positions
    fits = [(r, c) for r in range(1, rows + 1) for c in range(1, columns + 1) if -(-rows // r) * -(-columns // c) <= interval]
    shape = min(fits, key=lambda part: (part[0] * part[1], -part[1]))
    clocks = -(-rows // shape[0]) * -(-columns // shape[1])
    if clocks == 1:
        return None
    kernel, width = int(np.count_nonzero(operation.weights)), operation.format.width
    windows, _ = _windows(operation, *shape)
    moving = bits * min(_SHIFT * np.prod(operation.shape), _SELECT * sum(len(np.unique(column)) for column in windows.T))
    window = kernel * shape[0] * shape[1] * _WIDE * width + moving
    serial = kernel * rows * columns * _ADDERS * (_CARRY - (-width // interval))
    return shape if window < serial else None


def _windows(operation: Convolution, rows: int, columns: int) -> tuple[IntArray, IntArray]:
    """For each clock the elements of the input that `rows` x `columns` output positions see, and those positions' elements.

    -1 where they reach beyond the image. Clocks go through the image row by row.
    """
    (height, width, channels), (down, right) = operation.shape, operation.stride
    kernel_rows, kernel_columns, _, filters = operation.weights.shape
    out_rows, out_columns = operation.positions
    sources, outputs = [], []
    for row, column in _blocks(out_rows, out_columns, rows, columns):
        y = row * down + np.arange((rows - 1) * down + kernel_rows)
        x = column * right + np.arange((columns - 1) * right + kernel_columns)
        sources.append(_elements(y, x, (height, width, channels)))
        outputs.append(_elements(row + np.arange(rows), column + np.arange(columns), (out_rows, out_columns, filters)))
    return np.array(sources), np.array(outputs)


def _blocks(rows: int, columns: int, tall: int, wide: int) -> Iterator[tuple[int, int]]:
    for row in range(0, rows, tall):
        for column in range(0, columns, wide):
            yield row, column


def _elements(rows: IntArray, columns: IntArray, shape: tuple[int, int, int]) -> IntArray:
    """Numbers of the elements in these rows and columns of an image, all channels; -1 outside."""
    height, width, channels = shape
    inside = (rows < height)[:, None] & (columns < width)[None]
    places = rows[:, None] * width + columns[None]
    return np.where(inside[..., None], places[..., None] * channels + np.arange(channels), -1).ravel()


def _core(operation: Convolution, chain: Sequence[Operation], shape: tuple[int, int]) -> list[Operation]:
    """The same operations for a small image with `shape` output positions."""
    (rows, columns), (down, right) = shape, operation.stride
    kernel_rows, kernel_columns, channels, filters = operation.weights.shape
    image = ((rows - 1) * down + kernel_rows, (columns - 1) * right + kernel_columns, channels)
    size = rows * columns * filters
    return [replace(operation, shape=image, size=size), *(replace(op, size=size) for op in chain)]
