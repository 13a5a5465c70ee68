"""A contract as RTL with one pipeline register per layer, whose dense layers are written in a chosen way.

For comparisons only: everything but the dense layers is what `l1ae rtl` makes, so that two designs differ in how they
multiply and in nothing else. The ports are those of `l1ae rtl`, so `simulate_rtl` proves every design against its contract.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from alkaid.types import QInterval

from l1ae.contract import Contract, Convolution, Dense
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat
from l1ae.rtl import Graph, Layer, RtlProject
from l1ae.rtl._emit import combinational_sources, design_of, primitives, top_sources

__all__ = ["Bits", "DaLayers", "DenseModule", "layered_project", "multipliers"]


@dataclass(frozen=True)
class Bits:
    """A fixed-point number on a wire: sign bit or none, integer and fraction bits; the latter two may be negative."""

    signed: bool
    integer: int
    fraction: int

    @property
    def width(self) -> int:
        """Number of wires."""
        return int(self.signed) + self.integer + self.fraction

    @classmethod
    def of(cls, form: FixedFormat) -> "Bits":
        """All bits of a type."""
        return cls(form.signed, form.integer - form.signed, form.fraction)


@dataclass(frozen=True)
class DenseModule:
    """Verilog of one dense layer: ports `model_inp` and `model_out`, element 0 lowest, with the bits of each element."""

    text: str
    inputs: tuple[Bits, ...]
    outputs: tuple[Bits, ...]


# (module name, layer, type of its inputs, constant that is added to every sum) -> module
MakeDense = Callable[[str, Dense, FixedFormat, float], DenseModule]


def layered_project(contract: Contract, graph: Graph, make: MakeDense, *, period: float, part: str, more: Mapping[str, str]) -> RtlProject:
    """The design; `more` are further sources that the modules of `make` need. `period` in ns is only written down.

    Raises `UserError` for convolutions and for sums that wrap or round their products.
    """
    core = _Core(contract, graph, make)
    for layer in graph.parts:
        core.add(layer)
    design = design_of(contract, latency=core.depth + 1, interval=1, clock_period=period, part=part)
    logic = [layer.logic for layer in core.ordinary]
    sources = primitives("v") | dict(more) | combinational_sources(logic, lambda k: core.module(core.ordinary[k].name), "v")
    sources |= {f"{core.module(name)}.v": module.text for name, module in core.dense.items()}
    sources |= {f"{design.name}_core.v": core.text(design.name)} | top_sources(design, "v")
    verilog = {f"verilog/{name}": text for name, text in sources.items()}
    return RtlProject(design, verilog, tuple(verilog), ())


def _range_bits(low: float, high: float, step: float) -> Bits:
    signed, integer, fraction = QInterval(low, high, step).kif
    return Bits(bool(signed), int(integer), int(fraction))


def cast(wire: str, have: Bits, want: Bits) -> str:
    """The bits `want` of a number on `wire`; bits that are cut off at the top must repeat the sign, at the bottom be 0."""
    if want.width <= 0:
        return ""
    top = f"{wire}[{have.width - 1}]" if have.signed else "1'b0"
    chosen = []
    for weight in range(want.integer + want.signed - 1, -want.fraction - 1, -1):
        position = weight + have.fraction
        chosen.append("1'b0" if position < 0 else f"{wire}[{position}]" if position < have.width else top)
    return "{" + ", ".join(chosen) + "}"


class _Core:
    """Collects modules, wires and delays. `depth`: stages behind the input register; a dense layer begins a new one."""

    def __init__(self, contract: Contract, graph: Graph, make: MakeDense) -> None:
        self._contract, self._graph, self._make = contract, graph, make
        self._stage = {contract.hardware.name: 0}
        self._made: dict[int, tuple[str, Bits, int]] = {}
        self._delays: dict[str, tuple[int, int]] = {}
        self._lines: list[str] = []
        self.ordinary: list[Layer] = []
        self.dense: dict[str, DenseModule] = {}
        self.depth = 0
        width = contract.hardware.format.width
        for k, element in enumerate(graph.tensors[contract.hardware.name]):
            assert element.index is not None
            wire = f"x{element.index}"
            self._lines.append(f"wire [{width - 1}:0] {wire} = event_r[{(k + 1) * width - 1}:{k * width}];")
            self._made[element.index] = (wire, Bits.of(contract.hardware.format), 0)

    def module(self, layer: str) -> str:
        """Name of a layer's module."""
        return f"{self._contract.project}_{layer}"

    def add(self, layer: Layer) -> None:
        """Place one operation behind those that it reads."""
        operation = self._contract[layer.name]
        if isinstance(operation, Convolution):
            raise UserError(f"layer '{layer.name}' is a convolution; this comparison is for dense networks")
        stage = max(self._stage[name] for name in operation.inputs) + isinstance(operation, Dense)
        self._stage[layer.name], self.depth = stage, max(self.depth, stage)
        if isinstance(operation, Dense):
            self._add_dense(operation, stage)
            return
        self.ordinary.append(layer)
        have = [Bits(bool(k), int(i), int(f)) for k, i, f in layer.logic.inp_kifs.T]
        give = [Bits(bool(k), int(i), int(f)) for k, i, f in layer.logic.out_kifs.T]
        indices = [element.index for element in layer.inputs]
        self._instance(layer.name, [self._read(index, stage, bits) for index, bits in zip(indices, have, strict=False)], give, stage)

    def _add_dense(self, operation: Dense, stage: int) -> None:
        form = self._contract[operation.inputs[0]].format
        if self._contract.sum_wraps(operation) or operation.format.fraction < form.fraction + operation.weight_format.fraction:
            raise UserError(f"layer '{operation.name}' wraps or rounds its products; this comparison is for exact sums")
        module = self._make(self.module(operation.name), operation, form, self._graph.added.get(operation.name, 0.0))
        self.dense[operation.name] = module
        parts = []
        for element, bits in zip(self._graph.tensors[operation.inputs[0]], module.inputs, strict=True):
            if element.index is None:
                parts.append(f"{bits.width}'d{int(element.constant * 2.0**bits.fraction) % 2**bits.width}")
            else:
                parts.append(self._read(element.index, stage, bits))
        self._instance(operation.name, parts, list(module.outputs), stage)

    def _read(self, index: int | None, stage: int, want: Bits) -> str:
        assert index is not None
        wire, have, made = self._made[index]
        if stage > made:
            self._delays[wire] = (have.width, max(stage - made, self._delays.get(wire, (0, 0))[1]))
            wire = f"{wire}_d{stage - made}"
        return cast(wire, have, want)

    def _instance(self, name: str, parts: Sequence[str], give: Sequence[Bits], stage: int) -> None:
        """One module; its outputs become wires with the ranges that the graph knows."""
        total = sum(bits.width for bits in give)
        inputs = ", ".join(part for part in reversed(parts) if part) or "1'b0"
        self._lines.append(f"wire [{total - 1}:0] {name}_out;")
        self._lines.append(f"{self.module(name)} u_{name} (.model_inp({{{inputs}}}), .model_out({name}_out));")
        start = 0
        for element, bits in zip(self._graph.tensors[name], give, strict=True):
            if bits.width and element.index is not None and element.index not in self._made:
                wire, want = f"x{element.index}", _range_bits(element.low, element.high, element.step)
                self._lines.append(f"wire [{bits.width - 1}:0] {wire}_full = {name}_out[{start + bits.width - 1}:{start}];")
                self._lines.append(f"wire [{want.width - 1}:0] {wire} = {cast(f'{wire}_full', bits, want)};")
                self._made[element.index] = (wire, want, stage)
            start += bits.width

    def text(self, name: str) -> str:
        """The module `NAME_core`, with the ports that `l1ae rtl` gives it."""
        hardware, score = self._contract.hardware, self._contract.score
        width = hardware.size * hardware.format.width
        (element,) = self._graph.tensors[score.name]
        value = self._read(element.index, self.depth, Bits.of(score.format))
        registers = [f"reg [{bits - 1}:0] {wire}_d{k + 1};" for wire, (bits, depth) in self._delays.items() for k in range(depth)]
        updates = [
            f"    {wire}_d{k + 1} <= {wire}_d{k};" if k else f"    {wire}_d1 <= {wire};"
            for wire, (_, depth) in self._delays.items()
            for k in range(depth)
        ]
        return "\n".join([
            f"module {name}_core(input wire clk, input wire [{width - 1}:0] in_event, output wire [{score.format.width - 1}:0] score);",
            f"reg [{width - 1}:0] event_r;",
            *registers,
            *self._lines,
            "always @(posedge clk) begin",
            "    event_r <= in_event;",
            *updates,
            "end",
            f"assign score = {value};",
            "endmodule",
            "",
        ])  # fmt: skip


def multipliers(name: str, operation: Dense, form: FixedFormat, added: float) -> DenseModule:
    """One constant multiplier for every weight that is not 0, and one sum for each output, as a plain expression."""
    n_in, n_out = operation.weights.shape
    shift = operation.format.fraction - form.fraction - operation.weight_format.fraction
    bias = operation.bias.astype(object) * 2 ** (operation.format.fraction - operation.bias_format.fraction)
    bias = bias + int(added * 2**operation.format.fraction)
    out, factor = operation.format.width + 1, operation.weight_format.width
    lines = [
        f"module {name}(input wire [{n_in * form.width - 1}:0] model_inp, output wire [{n_out * out - 1}:0] model_out);",
        *(_signed_input(i, form) for i in range(n_in)),
    ]
    for j in range(n_out):
        terms = []
        for i in np.flatnonzero(operation.weights[:, j]):
            weight = int(operation.weights[i, j])
            literal = f"{'-' if weight < 0 else ''}{factor + 1}'sd{abs(weight)}"
            lines.append(f"wire signed [{form.width + factor}:0] p{i}_{j} = x{i} * {literal};")
            terms.append(f"(p{i}_{j} <<< {shift})" if shift else f"p{i}_{j}")
        constant = int(bias[j])
        terms.append(f"{'-' if constant < 0 else ''}{out}'sd{abs(constant)}")
        lines.append(f"wire signed [{out - 1}:0] y{j} = {' + '.join(terms)};")
        lines.append(f"assign model_out[{(j + 1) * out - 1}:{j * out}] = y{j};")
    output = Bits(True, out - 1 - operation.format.fraction, operation.format.fraction)
    return DenseModule("\n".join([*lines, "endmodule", ""]), (Bits.of(form),) * n_in, (output,) * n_out)


def _signed_input(i: int, form: FixedFormat) -> str:
    bits = f"model_inp[{(i + 1) * form.width - 1}:{i * form.width}]"
    number = bits if form.signed else f"{{1'b0, {bits}}}"
    return f"wire signed [{form.width}:0] x{i} = $signed({number});"


class DaLayers:
    """Dense layers by da4ml 0.5, called as hls4ml 1.3.0 does (`backends/vivado/passes/distributed_arithmetic.py`).

    `costs` and `delays`: by layer, da4ml's estimate of LUT and its depth in its own unit (about one adder).
    """

    def __init__(self) -> None:
        self.costs: dict[str, float] = {}
        self.delays: dict[str, float] = {}

    def __call__(self, name: str, operation: Dense, form: FixedFormat, added: float) -> DenseModule:
        """As `multipliers`; da4ml's modules are renamed, since alkaid's have the same names."""
        from da4ml.codegen.rtl.verilog.comb import comb_logic_gen
        from da4ml.trace import FixedVariableArray, HWConfig, comb_trace

        bits = Bits.of(form)
        n_in = len(operation.weights)
        kif = (np.full(n_in, value) for value in (int(bits.signed), bits.integer, bits.fraction))
        options = {"hard_dc": 2, "search_all_decompose_dc": True}
        inputs = FixedVariableArray.from_kif(*kif, HWConfig(1, -1, -1), solver_options=options)
        outputs = inputs @ (operation.weights * operation.weight_format.lsb)
        outputs += operation.bias * operation.bias_format.lsb + added
        logic = comb_trace(inputs, outputs)
        self.costs[operation.name], self.delays[operation.name] = float(logic.cost), float(max(logic.latency))
        text = _renamed(comb_logic_gen(logic, name, print_latency=False))
        return DenseModule(text, _bits(logic.inp_kifs), _bits(logic.out_kifs))

    @staticmethod
    def primitives() -> dict[str, str]:
        """da4ml's adders and the like."""
        folder = files("da4ml.codegen.rtl") / "verilog" / "source"
        return {f"da4ml_{item.name}": _renamed(item.read_text()) for item in folder.iterdir() if item.name.endswith(".v")}


def _bits(kifs: np.ndarray) -> tuple[Bits, ...]:
    return tuple(Bits(bool(k), int(i), int(f)) for k, i, f in np.asarray(kifs).T)


def _renamed(text: str) -> str:
    folder = files("da4ml.codegen.rtl") / "verilog" / "source"
    names = {name for item in folder.iterdir() if item.name.endswith(".v") for name in re.findall(r"\bmodule\s+(\w+)", item.read_text())}
    return re.sub(rf"\b({'|'.join(sorted(names))})\b", r"da4ml_\1", text)
