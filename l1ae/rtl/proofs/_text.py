"""Reads the Verilog of the stages back and compares it, line by line, with the programs of the pipeline.

Nothing here is generated: what a line of a program means in bits is derived from its binary points, and what the text
says is read with the parameters of alkaid's modules (`shift_adder`, `mux` and so on; their headers name them).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from alkaid.types import CombLogic

from l1ae.errors import CheckFailedError
from l1ae.inputs import FixedFormat
from l1ae.progress import tracked
from l1ae.rtl._opcodes import Opcode
from l1ae.rtl._project import RtlProject
from l1ae.rtl._schedule import Pipeline, Stage
from l1ae.rtl.proofs._core import prove_core
from l1ae.rtl_results import TextProof

__all__ = ["prove_text"]

_LINE = re.compile(r"wire \[(\d+):0\] v(\d+); (.*);")
_INSTANCE = re.compile(r"(\w+)(?: #\(([-\d, ]*)\))? op_(\d+) \((.*)\)")
_ASSIGNMENT = re.compile(r"assign v(\d+)\[(\d+):0\] = (.*)")
_OUTPUT = re.compile(r"assign model_out\[(\d+):(\d+)\] = (.*);")
_SLICE = re.compile(r"(v\d+|model_inp)(?:\[(\d+)(?::(\d+))?\])?")
_REPEATED = re.compile(r"\{(\d+)\{(.*)\}\}")
_NUMBER = re.compile(r"(\d*)'b([01]+)")
# one line of comment says whose module it is
_HEADER = re.compile(
    r"(?://[^\n]*\n)?module (\w+) \(\s*input \[(\d+):0\] model_inp,\s*output \[(\d+):0\] model_out\s*\);(.*)endmodule\s*", re.DOTALL
)
_TABLE = re.compile(r"module (table_\w+)\(input \[(\d+):0\] in, output reg \[(\d+):0\] out\);(.*?)endmodule", re.DOTALL)
_ENTRY = re.compile(r"(\d+)'h([0-9A-F]+): out = (\d+)'h([0-9A-FX]+);")

# A bit is (signal, index), or a constant '0' or '1'; a group of bits starts with the lowest.
Bits = tuple[Any, ...]
Tables = Mapping[str, tuple[int, tuple[str, ...]]]


@dataclass(frozen=True)
class _Gate:
    """What makes a signal: the module or operator, its parameters, and the bits that it reads."""

    width: int
    kind: str
    parameters: tuple[int, ...]
    operands: tuple[Bits, ...]


def prove_text(project: RtlProject, pipeline: Pipeline, score: FixedFormat) -> TextProof:
    """Compare the Verilog of core and stages in `project`, as it lies on disk, with the pipeline; `score` is the score's format.

    Raises `CheckFailedError` naming file, line and layer where a slice, an operand, a shift, a sign, a width, a constant or
    an entry of a table is another one, where a line is missing or twice, and where a line is not understood.
    """
    tables = _tables(project.files.get("verilog/tables.v", ""))
    lines = prove_core(_file(project, f"{project.design.name}_core"), project.design, pipeline, score)
    for k, stage in enumerate(tracked(pipeline.stages, "RTL: proving the text", unit="stages")):
        name = f"{project.design.name}_stage{k}"
        read, outputs = _read(_file(project, name), name, stage.logic)
        for i, (found, wanted) in _pairs(read, _Meaning(stage, tables).gates()):
            if found != wanted:
                layer = f" of layer '{stage.layers[i]}'" if i < len(stage.layers) else ""
                raise CheckFailedError(f"'{name}.v', v{i}{layer}: {_differ(found, wanted)}")
        if outputs != (wanted_outputs := _outputs(stage.logic)):
            first = next((k for k in wanted_outputs if outputs.get(k) != wanted_outputs[k]), None)
            raise CheckFailedError(f"'{name}.v', output {first}: the register behind it does not get line {wanted_outputs.get(first or 0)}")
        lines += len(read) + len(outputs)
    return TextProof(len(pipeline.stages) + 1, lines)


def _file(project: RtlProject, module: str) -> str:
    path = f"verilog/{module}.v"
    if path not in project.files:
        raise CheckFailedError(f"'{path}' is missing")
    return project.files[path]


def _pairs(read: Mapping[int, _Gate], wanted: Mapping[int, _Gate]) -> Iterator[tuple[int, tuple[_Gate | None, _Gate | None]]]:
    for i in sorted({*read, *wanted}):
        yield i, (read.get(i), wanted.get(i))


def _differ(found: _Gate | None, wanted: _Gate | None) -> str:
    if found is None or wanted is None:
        return "is missing" if found is None else "is not in the pipeline"
    for what in ("width", "kind", "parameters", "operands"):
        if (a := getattr(found, what)) != (b := getattr(wanted, what)):
            return f"{what} in the file {_short(a)}, in the pipeline {_short(b)}"
    raise AssertionError("equal")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) < 200 else f"{text[:200]}..."


# -- what the text says --------------------------------------------------------------------------------------------


def _read(text: str, name: str, logic: CombLogic) -> tuple[dict[int, _Gate], dict[int, int]]:
    """The gates by number, and by output the number of the signal that drives all its bits."""
    header = _HEADER.fullmatch(text)
    widths = int(logic.inp_kifs.sum()), int(logic.out_kifs.sum())
    if header is None or header[1] != name or (int(header[2]) + 1, int(header[3]) + 1) != widths:
        raise CheckFailedError(f"'{name}.v' is no module {name} with {widths[0]} bits in and {widths[1]} out")
    gates: dict[int, _Gate] = {}
    driven: dict[tuple[int, int], Bits] = {}
    for line in (line.strip() for line in header[4].splitlines()):
        if not line or line.startswith("//"):
            continue
        if output := _OUTPUT.fullmatch(line):
            driven[int(output[2]), int(output[1]) + 1] = _bits(output[3], gates)
            continue
        i, gate = _gate(line, name, gates)
        if i in gates:
            raise CheckFailedError(f"'{name}.v' makes v{i} twice")
        gates[i] = gate
    return gates, _drivers(driven, logic, gates)


def _gate(line: str, name: str, gates: Mapping[int, _Gate]) -> tuple[int, _Gate]:
    declared = _LINE.fullmatch(line)
    if declared is None:
        raise CheckFailedError(f"'{name}.v': '{line}' is not understood")
    width, i, body = int(declared[1]) + 1, int(declared[2]), declared[3]
    if assignment := _ASSIGNMENT.fullmatch(body):
        if (int(assignment[1]), int(assignment[2]) + 1) == (i, width):
            return i, _assigned(width, assignment[3], gates)
    elif (instance := _INSTANCE.fullmatch(body)) and int(instance[3]) == i:
        *operands, result = (part.strip() for part in instance[4].split(","))
        if result in (f"v{i}", f"v{i}[{width - 1}:0]"):
            parameters = tuple(int(p) for p in instance[2].split(",")) if instance[2] else ()
            return i, _Gate(width, instance[1], parameters, tuple(_bits(o, gates) for o in operands))
    raise CheckFailedError(f"'{name}.v': '{line}' is not understood")


def _assigned(width: int, expression: str, gates: Mapping[int, _Gate]) -> _Gate:
    for symbol in "~|&":
        if expression.startswith(symbol):
            return _Gate(width, symbol, (), (_bits(expression[1:], gates),))
    value, _, mask = expression.partition(" & ")
    bits = _bits(value, gates)
    if mask:
        repeated = _REPEATED.fullmatch(mask)
        if repeated is None or int(repeated[1]) != width or not repeated[2].startswith("~"):
            raise CheckFailedError(f"'{expression}' is not understood")
        return _Gate(width, "relu", (), (bits, _bits(repeated[2][1:], gates)))
    # an unsized number is 32 bits or more, and zero above its digits
    padded = (*bits, *"0" * (width - len(bits))) if value.startswith("'") else bits
    return _Gate(width, "=", (), (padded,))


def _bits(expression: str, gates: Mapping[int, _Gate]) -> Bits:
    """Bits of a slice, a number, a repetition, or of a concatenation of those."""
    if number := _NUMBER.fullmatch(expression):
        size = int(number[1]) if number[1] else len(number[2])
        return tuple(number[2][::-1].ljust(size, "0"))
    if piece := _SLICE.fullmatch(expression):
        signal = piece[1]
        if piece[2] is None:
            return tuple((signal, b) for b in range(_width_of(signal, gates)))
        high = int(piece[2])
        low = int(piece[3]) if piece[3] is not None else high
        if signal != "model_inp" and high >= _width_of(signal, gates):
            raise CheckFailedError(f"'{expression}' goes beyond the width of {signal}")
        return tuple((signal, b) for b in range(low, high + 1))
    if repeated := _REPEATED.fullmatch(expression):
        return _bits(repeated[2], gates) * int(repeated[1])
    if expression.startswith("{") and expression.endswith("}"):
        parts = [_bits(part.strip(), gates) for part in expression[1:-1].split(",")]
        return tuple(bit for part in reversed(parts) for bit in part)
    raise CheckFailedError(f"'{expression}' is not understood")


def _width_of(signal: str, gates: Mapping[int, _Gate]) -> int:
    i = int(signal[1:]) if signal.startswith("v") else -1
    if i not in gates:
        raise CheckFailedError(f"'{signal}' is read before it is declared")
    return gates[i].width


def _drivers(driven: Mapping[tuple[int, int], Bits], logic: CombLogic, gates: Mapping[int, _Gate]) -> dict[int, int]:
    """The number of the line behind each output that has bits; -1 where it is not one whole signal."""
    outputs = {}
    for k, (low, high) in enumerate(_places(logic.out_kifs)):
        if low == high:
            continue
        bits = driven.get((low, high), ())
        line = int(bits[0][0][1:]) if bits and bits[0][0].startswith("v") else -1
        outputs[k] = line if line >= 0 and bits == _bits(f"v{line}", gates) and len(bits) == high - low else -1
    if len(driven) != len(outputs):
        raise CheckFailedError(f"{len(driven)} outputs are driven instead of {len(outputs)}")
    return outputs


def _tables(text: str) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Output bits and entries of each table by name; the entries are hexadecimal numbers, in order of the input's code."""
    tables = {}
    for name, in_high, out_high, body in _TABLE.findall(text):
        entries = _ENTRY.findall(body)
        bits = {(int(entry[0]), int(entry[2])) for entry in entries}
        addresses = [int(entry[1], 16) for entry in entries]
        if bits != {(int(in_high) + 1, int(out_high) + 1)} or addresses != list(range(2 ** (int(in_high) + 1))):
            raise CheckFailedError(f"'{name}' in 'verilog/tables.v' does not have one entry for each input")
        tables[name] = int(out_high) + 1, tuple(entry[3] for entry in entries)
    return tables


# -- what the program means ----------------------------------------------------------------------------------------


def _places(kifs: Any) -> list[tuple[int, int]]:
    """First bit and the one behind the last of each word."""
    ends = [0, *accumulate(int(width) for width in kifs.sum(axis=0))]
    return list(pairwise(ends))


def _outputs(logic: CombLogic) -> dict[int, int]:
    return {k: i for k, (i, (low, high)) in enumerate(zip(logic.out_idxs, _places(logic.out_kifs), strict=True)) if high > low}


class _Meaning:
    """The gates that a program asks for."""

    def __init__(self, stage: Stage, tables: Tables) -> None:
        logic = stage.logic
        self._logic, self._layers, self._tables = logic, stage.layers, tables
        self._kifs = [tuple(int(v) for v in op.qint.kif) for op in logic.ops]
        self._places = _places(logic.inp_kifs)
        self._kinds: dict[int, Callable[[int], _Gate]] = {
            Opcode.NEGATIVE: self._negative,
            Opcode.INPUT: self._input,
            Opcode.ADD: self._adder,
            Opcode.SUBTRACT: self._adder,
            Opcode.RELU: self._relu,
            Opcode.CAST: lambda i: _Gate(self._width(i), "=", (), (self._slice(i, self._logic.ops[i].data[0]),)),
            Opcode.ADD_CONSTANT: self._constant_adder,
            Opcode.CONSTANT: self._constant,
            Opcode.MUX: self._mux,
            Opcode.MULTIPLY: self._multiplier,
            Opcode.TABLE: self._table,
            Opcode.BIT_UNARY: self._bit_unary,
            Opcode.BIT_BINARY: self._bit_binary,
            Opcode.SUM: self._ternary,
        }

    def gates(self) -> dict[int, _Gate]:
        """All lines that are read and have bits."""
        read = {a for op in self._logic.ops for a in op.addr} | set(self._logic.out_idxs)
        return {i: self._kinds[op.opcode](i) for i, op in enumerate(self._logic.ops) if i in read and self._width(i)}

    def _width(self, i: int) -> int:
        return sum(self._kifs[i])

    def _signed(self, i: int) -> int:
        return self._kifs[i][0]

    def _exponent(self, i: int) -> int:
        """Binary logarithm of the LSB."""
        return -self._kifs[i][2]

    def _whole(self, i: int) -> Bits:
        return tuple((f"v{i}", b) for b in range(self._width(i))) or ("0",)

    def _input(self, i: int) -> _Gate:
        low, high = self._places[self._logic.ops[i].data[0]]
        return _Gate(self._width(i), "=", (), (tuple(("model_inp", b) for b in range(low, high)),))

    def _slice(self, i: int, shift: int) -> Bits:
        """The bits of operand * 2**shift that the line keeps, its sign repeated above."""
        (a,) = self._logic.ops[i].addr
        first = self._exponent(i) - (self._exponent(a) + shift)
        top = self._width(a) - 1
        if first < 0 or (first + self._width(i) > top + 1 and not self._signed(a)):
            raise CheckFailedError(f"line {i} of the pipeline keeps bits that line {a} does not have")
        return tuple((f"v{a}", min(b, top)) for b in range(first, first + self._width(i)))

    def _relu(self, i: int) -> _Gate:
        (a,) = self._logic.ops[i].addr
        bits = self._slice(i, 0)
        if not self._signed(a):
            return _Gate(self._width(i), "=", (), (bits,))
        return _Gate(self._width(i), "relu", (), (bits, ((f"v{a}", self._width(a) - 1),)))

    def _constant(self, i: int) -> _Gate:
        code = self._logic.ops[i].data[0]
        return _Gate(self._width(i), "=", (), (tuple(str(code >> b & 1) for b in range(self._width(i))),))

    def _negative(self, i: int) -> _Gate:
        (a,) = self._logic.ops[i].addr
        self._aligned(i, self._exponent(a))
        return _Gate(self._width(i), "negative", (self._width(a), self._width(i), self._signed(a)), (self._whole(a),))

    def _aligned(self, i: int, exponent: int) -> None:
        if self._exponent(i) != exponent:
            raise CheckFailedError(f"line {i} of the pipeline has the LSB 2^{self._exponent(i)}, but its gate gives 2^{exponent}")

    def _adder(self, i: int) -> _Gate:
        op = self._logic.ops[i]
        a, b = op.addr
        first, second = self._exponent(a), self._exponent(b) + op.data[0]
        drop = self._exponent(i) - min(first, second)
        numbers = (self._width(a), self._width(b), self._signed(a), self._signed(b), self._width(i), drop, second - first, op.opcode)
        return _Gate(self._width(i), "shift_adder", numbers, (self._whole(a), self._whole(b)))

    def _constant_adder(self, i: int) -> _Gate:
        op = self._logic.ops[i]
        (a,), (value, fraction) = op.addr, op.data
        digits = tuple(f"{abs(value):b}"[::-1])
        first, second = self._exponent(a), -fraction
        drop = self._exponent(i) - min(first, second)
        numbers = (self._width(a), len(digits), self._signed(a), 0, self._width(i), drop, second - first, int(value < 0))
        return _Gate(self._width(i), "shift_adder", numbers, (self._whole(a), digits))

    def _two(self, i: int) -> tuple[int, int, int]:
        """Both operands and the shift between them; the line's LSB must be the lower of theirs."""
        op = self._logic.ops[i]
        a, b = op.addr[:2]
        if not self._width(a) or not self._width(b):
            # a zero has no bits and no LSB: the other one keeps its own
            kept = self._exponent(a) if self._width(a) else self._exponent(b) + op.data[0]
            return a, b, (1 if self._width(a) else -1) * (kept - self._exponent(i))
        first, second = self._exponent(a), self._exponent(b) + op.data[0]
        self._aligned(i, min(first, second))
        return a, b, second - first

    def _mux(self, i: int) -> _Gate:
        a, b, shift = self._two(i)
        key = self._logic.ops[i].addr[2]
        numbers = (max(self._width(a), 1), max(self._width(b), 1), self._signed(a), self._signed(b), self._width(i), shift)
        return _Gate(self._width(i), "mux", numbers, (((f"v{key}", self._width(key) - 1),), self._whole(a), self._whole(b)))

    def _bit_unary(self, i: int) -> _Gate:
        op = self._logic.ops[i]
        return _Gate(self._width(i), "~|&"[op.data[0]], (), (self._whole(op.addr[0]),))

    def _bit_binary(self, i: int) -> _Gate:
        a, b, shift = self._two(i)
        numbers = (self._width(a), self._width(b), self._signed(a), self._signed(b), self._width(i), shift, self._logic.ops[i].data[1])
        return _Gate(self._width(i), "binop", numbers, (self._whole(a), self._whole(b)))

    def _multiplier(self, i: int) -> _Gate:
        a, b = self._logic.ops[i].addr
        self._aligned(i, self._exponent(a) + self._exponent(b))
        numbers = (self._width(a), self._width(b), self._signed(a), self._signed(b), self._width(i))
        return _Gate(self._width(i), "multiplier", numbers, (self._whole(a), self._whole(b)))

    def _ternary(self, i: int) -> _Gate:
        op = self._logic.ops[i]
        exponents = [self._exponent(a) + op.data[2 * k + 1] for k, a in enumerate(op.addr)]
        lowest, numbers = min(exponents), list[int]()
        for k, a in enumerate(op.addr):
            numbers += [self._width(a), self._signed(a), int(not op.data[2 * k]), exponents[k] - lowest]
        numbers += [self._width(i), self._exponent(i) - lowest]
        return _Gate(self._width(i), "ternary_adder", tuple(numbers), tuple(self._whole(a) for a in op.addr))

    def _table(self, i: int) -> _Gate:
        """The module in the text that has the program's entries; where no value arrives, an entry may be anything."""
        op = self._logic.ops[i]
        (a,) = op.addr
        assert self._logic.lookup_tables is not None
        table = self._logic.lookup_tables[op.data[0]].padded_table(self._logic.ops[a].qint)
        digits, mask = -(-self._width(i) // 4), (1 << self._width(i)) - 1
        wanted = tuple("X" * digits if np.isnan(v) else f"{int(v) & mask:0{digits}X}" for v in table)
        names = [name for name, entries in self._tables.items() if entries == (self._width(i), wanted)]
        if not names:
            layer = self._layers[i]
            raise CheckFailedError(f"no table in 'verilog/tables.v' has the entries of line {i} (input v{a}) of layer '{layer}'")
        return _Gate(self._width(i), names[0], (), (self._whole(a),))
