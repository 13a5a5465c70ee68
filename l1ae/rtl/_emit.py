"""Verilog and VHDL of a pipeline: alkaid's code for the logic of the stages, our registers, and the hand-written trigger around them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np
from alkaid.codegen.rtl.verilog.comb import comb_logic_gen as verilog_logic
from alkaid.codegen.rtl.verilog.lookup import lookup_source as verilog_tables
from alkaid.codegen.rtl.vhdl.comb import comb_logic_gen as vhdl_logic
from alkaid.codegen.rtl.vhdl.lookup import lookup_source as vhdl_tables
from alkaid.types import CombLogic

from l1ae.contract import Contract
from l1ae.inputs import FixedFormat
from l1ae.names import checked
from l1ae.rtl._firmware import firmware_source
from l1ae.rtl._project import RtlProject
from l1ae.rtl._schedule import Pipeline
from l1ae.rtl_results import Design

__all__ = ["combinational_sources", "constraints", "design_of", "emit", "layer_of_net", "named", "primitives", "render", "top_sources"]


def render(template: str, **values: Any) -> str:
    """Fill in a template of this package; a missing value is an error."""
    loader = jinja2.FunctionLoader(lambda name: (files("l1ae.rtl") / "templates" / name).read_text())
    environment = jinja2.Environment(
        loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(values)


def primitives(suffix: str) -> dict[str, str]:
    """alkaid's multiplexers, negations and the like ('v' or 'vhd') by file name, with an adder of ours in place of its own."""
    folder = files("alkaid.codegen.rtl") / {"v": "verilog", "vhd": "vhdl"}[suffix] / "source"
    found = {
        item.name: item.read_text() for item in sorted(folder.iterdir(), key=lambda item: item.name) if item.name.endswith(f".{suffix}")
    }
    own = f"shift_adder.{suffix}"
    return found | {own: (files("l1ae.rtl") / "templates" / own).read_text()}


def combinational_sources(logic: Sequence[CombLogic], name: Callable[[int], str], suffix: str) -> dict[str, str]:
    """One file for each program, and one for the tables of all, in order of compilation. `name(k)`: module of program k."""
    generate, tables = {"v": (verilog_logic, verilog_tables), "vhd": (vhdl_logic, vhdl_tables)}[suffix]
    text = tables(list(logic))
    sources = {f"tables.{suffix}": text} if text else {}
    return sources | {f"{name(k)}.{suffix}": generate(program, name(k)) for k, program in enumerate(logic)}


def design_of(contract: Contract, *, latency: int, interval: int, clock_period: float, part: str) -> Design:
    """What the ports of a design for `contract` are."""
    hardware, score = contract.hardware, contract.score.format
    return Design(
        name=checked("project", contract.project),
        inputs=hardware.size,
        input_bits=hardware.format.width,
        score_bits=score.width,
        score_signed=score.signed,
        score_fraction=score.fraction,
        threshold=contract.threshold,
        latency=latency,
        interval=interval,
        clock_period=clock_period,
        part=checked("part", part),
        digest=contract.digest,
    )


def top_sources(design: Design, suffix: str) -> dict[str, str]:
    """The trigger shell and the top around the core."""
    trigger = f"l1ae_trigger.{suffix}"
    version = int(design.name.rpartition("_v")[2])
    values = asdict(design) | {"in_width": design.inputs * design.input_bits, "version": version}
    return {trigger: firmware_source(trigger), f"{design.name}.{suffix}": render(f"top.{suffix}.j2", **values)}


def emit(contract: Contract, pipeline: Pipeline, part: str) -> RtlProject:
    """The project of an unrolled pipeline (II = 1)."""
    stages = pipeline.stages
    design = design_of(contract, latency=len(stages), interval=1, clock_period=pipeline.clock.period, part=part)
    sources: dict[str, dict[str, str]] = {}
    for suffix in ("v", "vhd"):
        logic = combinational_sources([stage.logic for stage in stages], lambda k: f"{design.name}_stage{k}", suffix)
        core = {f"{design.name}_core.{suffix}": _core(contract, pipeline, design, suffix)}
        sources[suffix] = primitives(suffix) | named(logic, design, suffix) | core | top_sources(design, suffix)
    verilog = {f"verilog/{name}": text for name, text in sources["v"].items()}
    vhdl = {f"vhdl/{name}": text for name, text in sources["vhd"].items()}
    return RtlProject(design, verilog | vhdl | constraints(design), tuple(verilog), tuple(vhdl))


def named(sources: Mapping[str, str], design: Design, suffix: str) -> dict[str, str]:
    """Generated sources behind a comment that says whose they are."""
    comment = {"v": "//", "vhd": "--", "xdc": "#"}[suffix]
    return {name: f"{comment} {design.name}: contract sha256 {design.digest}\n{text}" for name, text in sources.items()}


def constraints(design: Design) -> dict[str, str]:
    """The clock, for Vivado."""
    return named({f"{design.name}.xdc": f"create_clock -name clk -period {design.clock_period} [get_ports clk]\n"}, design, "xdc")


@dataclass(frozen=True)
class _Piece:
    """Bits [low, high] of the first stage's input are bits [source_low, source_high] of the event."""

    low: int
    high: int
    source_low: int
    source_high: int


def _picked(inputs: Sequence[int], width: int) -> list[_Piece]:
    """The words of the event that the network reads, neighbours joined."""
    pieces: list[_Piece] = []
    for k, i in enumerate(inputs):
        piece = _Piece(k * width, (k + 1) * width - 1, i * width, (i + 1) * width - 1)
        if pieces and pieces[-1].source_high + 1 == piece.source_low:
            piece = _Piece(pieces[-1].low, piece.high, pieces[-1].source_low, piece.source_high)
            pieces.pop()
        pieces.append(piece)
    return pieces


def _core(contract: Contract, pipeline: Pipeline, design: Design, suffix: str) -> str:
    stages = [{"in_width": int(s.logic.inp_kifs.sum()), "out_width": int(s.logic.out_kifs.sum())} for s in pipeline.stages]
    last = f"stage{len(stages) - 1}_out"
    parts = _fitted(pipeline.stages[-1].logic, contract.score.format, last, suffix)
    return render(
        f"core.{suffix}.j2",
        name=design.name,
        digest=design.digest,
        inputs=design.inputs,
        input_bits=design.input_bits,
        in_width=design.inputs * design.input_bits,
        score_bits=design.score_bits,
        stages=stages,
        picked=_picked(pipeline.inputs, design.input_bits),
        score={"parts": parts},
    )


def _fitted(logic: CombLogic, form: FixedFormat, signal: str, suffix: str) -> list[str]:
    """The score's bits, highest first: the last stage gives only those that are not known beforehand."""
    signed, integer, fraction = (int(v) for v in logic.out_kifs[:, 0])
    width = signed + integer + fraction
    below, above = form.fraction - fraction, form.integer - integer - signed
    assert below >= 0, "the score's LSB is finer than its format"
    assert above >= 0, "the score's range is wider than its format"
    top = f"{signal}[{width - 1}]" if suffix == "v" else f"{signal}({width - 1})"
    return [*([top] * above if signed else _zeros(above, suffix)), signal, *_zeros(below, suffix)]


def _zeros(count: int, suffix: str) -> list[str]:
    if not count:
        return []
    return [f"{count}'b{'0' * count}" if suffix == "v" else f'"{"0" * count}"']


_LINE = re.compile(r"\bstage(\d+)\.(?:v|op_)(\d+)\b")
_REGISTER = re.compile(r"\bstage(\d+)(?:_in|\.model_inp)\[(\d+)\]")


def layer_of_net(pipeline: Pipeline, net: str) -> str | None:
    """The operation of the contract that a net, cell or register of the flattened netlist belongs to.

    None for what lies around the stages, and for what somebody else added to the sources.
    """
    line, register = _LINE.search(net), _REGISTER.search(net)
    found = line or register
    if found is None or int(found[1]) >= len(pipeline.stages):
        return None
    stage = pipeline.stages[int(found[1])]
    number = int(found[2]) if line else int(np.searchsorted(np.cumsum(stage.logic.inp_kifs.sum(axis=0)), int(found[2]), side="right"))
    return stage.layers[number] if number < len(stage.layers) else None
