"""Proof by enumeration that the adder graph of bins and tables gives the contract's codes for every input that can arrive."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch

import numpy as np
import numpy.typing as npt
from alkaid.types import CombLogic, Op

from l1ae.contract import Binning, Contract, Lookup, Operation, Table
from l1ae.errors import CheckFailedError
from l1ae.progress import tracked
from l1ae.rtl._opcodes import Opcode
from l1ae.rtl._trace import Element, Graph
from l1ae.rtl.proofs._forms import Port
from l1ae.rtl.proofs._linear import cone_of, value_of
from l1ae.rtl_results import TableProof, TablesProof

__all__ = ["MOST_INPUTS", "prove_tables"]

IntArray = npt.NDArray[np.int64]

MOST_INPUTS = 1 << 22
"""Inputs of one element that are tried at most."""

_BLOCK = 64


def prove_tables(contract: Contract, graph: Graph) -> TablesProof:
    """Compare every element of each `Binning`, `Lookup` and `Table` with the contract, for all codes of what it reads.

    Assumed of a layer is only that the tensors it reads are the contract's. Every line between is shown to hold its value. Raises
    `CheckFailedError` naming layer, output and input where a value is wrong, or a line does not hold it.
    """
    started = time.perf_counter()
    kinds = Binning | Lookup | Table
    layers = [
        _prove(contract[part.name], contract, graph)
        for part in tracked(graph.parts, "RTL: proving tables", unit="layers")
        if isinstance(contract[part.name], kinds)
    ]
    return TablesProof(tuple(layers), time.perf_counter() - started)


def _prove(operation: Operation, contract: Contract, graph: Graph) -> TableProof:
    started, (source,) = time.perf_counter(), operation.inputs
    lines, inputs, reason = 0, 0, ""
    for i in range(operation.size):
        reads = _reads(operation, i)
        elements = [graph.tensors[source][k] for k in reads]
        ports = [value_of(contract, graph, source, k) for k in reads]
        count = int(np.prod([port.high - port.low + 1 for port in ports], dtype=object))
        if count > MOST_INPUTS:
            reason = f"output {i} reads {count} combinations of codes, more than the {MOST_INPUTS} that are tried"
            continue
        made = _Made.of(graph, operation.name, i, elements)
        codes = _combinations(ports)
        try:
            _compare(operation, i, made, (codes, ports, contract[source].format.fraction))
        except CheckFailedError as error:
            raise CheckFailedError(f"layer '{operation.name}', output {i}: {error}") from error
        lines, inputs = lines + len(made.lines), inputs + count
    seconds = time.perf_counter() - started
    return TableProof(operation.name, type(operation).__name__, operation.size, lines, inputs, not reason, reason, seconds)


@singledispatch
def _reads(operation: Operation, i: int) -> tuple[int, ...]:
    """The elements of the input that element i of the output reads."""
    return (i,)


@_reads.register
def _(operation: Binning, i: int) -> tuple[int, ...]:
    return (int(operation.index[i]),)


@_reads.register
def _(operation: Lookup, i: int) -> tuple[int, ...]:
    return tuple(dict.fromkeys(operation.index[i]))


@singledispatch
def _expected(operation: Operation, i: int, codes: dict[int, IntArray]) -> IntArray:
    """Codes (N,) of element i of the output, by the codes (N,) of the elements that it reads."""
    raise NotImplementedError(type(operation).__name__)


@_expected.register
def _(operation: Binning, i: int, codes: dict[int, IntArray]) -> IntArray:
    (code,) = codes.values()
    return np.sum([code >= edge for edge in operation.edges[i]], axis=0, dtype=np.int64) + np.zeros_like(code)


@_expected.register
def _(operation: Lookup, i: int, codes: dict[int, IntArray]) -> IntArray:
    shape = [1 << bits for bits in operation.bits[i]]
    place = tuple(codes[k] % size for k, size in zip(operation.index[i], shape, strict=True))
    return np.asarray(operation.tables[i].reshape(shape)[place], np.int64)


@_expected.register
def _(operation: Table, i: int, codes: dict[int, IntArray]) -> IntArray:
    table = operation.tables[i]
    return np.asarray(table[codes[i] % len(table)], np.int64)


def _combinations(ports: Sequence[Port]) -> list[IntArray]:
    """For each port (N,): all its codes with all codes of the others."""
    axes = np.meshgrid(*(np.arange(port.low, port.high + 1) for port in ports), indexing="ij")
    return [axis.ravel() for axis in axes] if ports else []


@dataclass(frozen=True)
class _Made:
    """Element `output`, which reads `elements`, as a program of its own with the lines `inputs` of the graph as inputs; `lines` are its
    outputs."""

    output: Element
    elements: tuple[Element, ...]
    logic: CombLogic | None
    inputs: tuple[int, ...]
    lines: tuple[int, ...]

    @classmethod
    def of(cls, graph: Graph, name: str, i: int, elements: Sequence[Element]) -> "_Made":
        output = graph.tensors[name][i]
        entering = tuple(dict.fromkeys(e.index for e in elements if e.index is not None))
        lines = tuple(cone_of(graph, [output], elements))
        if not lines:
            return cls(output, tuple(elements), None, entering, lines)
        place = {line: k for k, line in enumerate((*entering, *lines))}
        ops = graph.logic.ops
        known = [Op((), Opcode.INPUT, (k,), ops[line].qint, 0.0, 0.0) for k, line in enumerate(entering)]
        if any(a not in place for line in lines for a in ops[line].addr):
            raise CheckFailedError(f"layer '{name}', output {i}: it reads what the contract's does not")
        known += [ops[line]._replace(addr=tuple(place[a] for a in ops[line].addr)) for line in lines]
        shape, outputs = (len(entering), len(lines)), [place[line] for line in lines]
        zeros, tables = [0] * len(lines), graph.logic.lookup_tables
        logic = CombLogic(shape, [0] * len(entering), outputs, zeros, [False] * len(lines), known, 1, 1, tables)
        return cls(output, tuple(elements), logic, entering, lines)

    def values(self, words: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Real values (N,) of the output for those of `elements` (N, elements); every line is shown to hold its own."""
        columns = {e.index: column for e, column in zip(self.elements, words.T, strict=True)}
        if self.output.index is None:
            return np.full(len(words), self.output.constant)
        if self.logic is None:
            return columns[self.output.index]
        data = np.stack([columns[line] for line in self.inputs], axis=1) if self.inputs else np.zeros((len(words), 0))
        # alkaid fills its last block of rows with zeros, which a table need not hold
        whole = np.concatenate([data, np.repeat(data[:1], -len(data) % _BLOCK, axis=0)])
        found = np.asarray(self.logic.predict(whole, n_threads=1)).reshape(len(whole), -1)[: len(words)]
        for line, place, column in zip(self.lines, self.logic.out_idxs, found.T, strict=True):
            signed, integer, fraction = (int(v) for v in self.logic.ops[place].qint.kif)
            codes, limit = column * 2.0**fraction, 2.0 ** (integer + fraction)
            if (codes % 1).any() or codes.min() < -limit * signed or codes.max() > limit - 1:
                raise CheckFailedError(f"line {line} does not hold its value")
        return found[:, self.lines.index(self.output.index)]


def _compare(operation: Operation, i: int, made: _Made, given: tuple[list[IntArray], Sequence[Port], int]) -> None:
    """Output i for the codes that are given (each of LSB `2**-port.fraction`; the contract's have the last fraction)."""
    reads, (codes, ports, fraction) = _reads(operation, i), given
    words = np.stack([code * 2.0**-port.fraction for code, port in zip(codes, ports, strict=True)], axis=1) if codes else np.zeros((1, 0))
    found = made.values(words) / operation.format.lsb
    raw = {k: _at(code, port.fraction, fraction) for k, code, port in zip(reads, codes, ports, strict=True)}
    wanted = np.broadcast_to(_expected(operation, i, raw), len(words))
    wrong = np.flatnonzero(found != wanted)
    if len(wrong):
        (source,) = operation.inputs
        where = ", ".join(f"{source}[{k}] = {int(code[wrong[0]])}" for k, code in raw.items())
        raise CheckFailedError(f"for {where or 'every event'} the graph gives {found[wrong[0]]:g} LSB, the contract {wanted[wrong[0]]}")


def _at(code: IntArray, given: int, wanted: int) -> IntArray:
    return code << (wanted - given) if wanted >= given else code >> (given - wanted)
