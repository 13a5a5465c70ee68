"""Reads the Verilog of a pipeline's core back: its registers, what is put into them, and which bits are the score."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from l1ae.errors import CheckFailedError
from l1ae.inputs import FixedFormat
from l1ae.rtl._schedule import Pipeline
from l1ae.rtl_results import Design

__all__ = ["prove_core"]

_WIDTH = re.compile(r"(?:reg  |wire )\[(\d+):0\] stage(\d+)_(in|out);")
_STAGE = re.compile(r"(\w+) stage(\d+) \(\.model_inp\(stage(\d+)_in\), \.model_out\(stage(\d+)_out\)\);")
_PICK = re.compile(r"stage0_in\[(\d+):(\d+)\] <= in_event\[(\d+):(\d+)\];")
_MOVE = re.compile(r"stage(\d+)_in <= stage(\d+)_out;")
_SCORE = re.compile(r"assign score = \{(.*)\};")
_PIECE = re.compile(r"(?:(\d+)'b(0+)|stage(\d+)_out(?:\[(\d+)\])?)")

_BLOCK = ["always @(posedge clk) begin", "end"]
_CHECKS = {
    "widths": "a register or stage has another width",
    "modules": "a stage is another module",
    "picked": "the first stage reads other bits of the event",
    "moved": "a register does not get the stage before it",
    "score": "the score is made of other bits",
}


@dataclass
class _Core:
    """What the text says. A bit of the score is (stage, bit), or None for 0; the lowest comes first."""

    widths: dict[tuple[int, str], int] = field(default_factory=dict)
    modules: dict[int, str] = field(default_factory=dict)
    picked: dict[int, int] = field(default_factory=dict)
    moved: dict[int, int] = field(default_factory=dict)
    score: list[tuple[int, int] | None] = field(default_factory=list)


def prove_core(text: str, design: Design, pipeline: Pipeline, score: FixedFormat) -> int:
    """The number of lines that say what the pipeline asks for.

    Raises `CheckFailedError` where a register has another width or gets something else than the outputs of the stage before
    it (the first: the words of the event that the network reads), where the score is made of other bits, and where a line is
    not understood.
    """
    name = f"{design.name}_core"
    lines = _body(text, design, score)
    core = _Core()
    for line in lines:
        if line not in _BLOCK and not _take(line, core):
            raise CheckFailedError(f"'{name}.v': '{line}' is not understood")
    wanted = _wanted(design, pipeline, score)
    for what, message in _CHECKS.items():
        found, asked = getattr(core, what), getattr(wanted, what)
        if found != asked:
            raise CheckFailedError(f"'{name}.v': {message}: {_first(found, asked)}")
    if [line for line in lines if _is_clock(line)] != _BLOCK or not _only_clocked(lines):
        raise CheckFailedError(f"'{name}.v': the registers are not in one block at the rising edge of clk")
    return len(lines)


def _body(text: str, design: Design, score: FixedFormat) -> list[str]:
    """The lines behind the ports, without comments and the end of the module."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("//")]
    ports = [
        f"module {design.name}_core (",
        "input  wire clk,",
        f"input  wire [{design.inputs * design.input_bits - 1}:0] in_event,",
        f"output wire [{score.width - 1}:0] score",
        ");",
    ]
    if lines[: len(ports)] != ports or lines[-1:] != ["endmodule"]:
        raise CheckFailedError(f"'{design.name}_core.v' has other ports")
    return lines[len(ports) : -1]


def _is_clock(line: str) -> bool:
    return line.startswith("always") or line == "end"


def _only_clocked(lines: Sequence[str]) -> bool:
    """Whether what is clocked, and nothing else, is between the two lines of the block."""
    first, last = (k for k, line in enumerate(lines) if _is_clock(line))
    return all(("<=" in line) == (first < k < last) for k, line in enumerate(lines) if k not in (first, last))


def _take(line: str, core: _Core) -> bool:
    """Note what a line says; False if it is none that is known, or says something a second time."""
    before = _count(core)
    if m := _WIDTH.fullmatch(line):
        if line.startswith("reg") != (m[3] == "in"):
            return False
        core.widths[int(m[2]), m[3]] = int(m[1]) + 1
    elif (m := _STAGE.fullmatch(line)) and m[2] == m[3] == m[4]:
        core.modules[int(m[2])] = m[1]
    elif m := _PICK.fullmatch(line):
        high, low, source_high, source_low = map(int, m.groups())
        core.picked.update(zip(range(low, high + 1), range(source_low, source_high + 1), strict=False))
        return _count(core) - before == high - low + 1 == source_high - source_low + 1
    elif m := _MOVE.fullmatch(line):
        core.moved[int(m[1])] = int(m[2])
    elif (m := _SCORE.fullmatch(line)) and not core.score:
        core.score = _score_bits(m[1], core)
    return _count(core) > before


def _count(core: _Core) -> int:
    return len(core.widths) + len(core.modules) + len(core.picked) + len(core.moved) + len(core.score)


def _score_bits(text: str, core: _Core) -> list[tuple[int, int] | None]:
    bits: list[tuple[int, int] | None] = []
    for part in reversed(text.split(",")):
        piece = _PIECE.fullmatch(part.strip())
        if piece is None:
            raise CheckFailedError(f"'{part.strip()}' in the score is not understood")
        if piece[1]:
            bits += [None] * int(piece[1])
        elif piece[4]:
            bits.append((int(piece[3]), int(piece[4])))
        else:
            stage = int(piece[3])
            bits += [(stage, b) for b in range(core.widths.get((stage, "out"), 0))]
    return bits


def _wanted(design: Design, pipeline: Pipeline, score: FixedFormat) -> _Core:
    stages, bits = pipeline.stages, design.input_bits
    last = len(stages) - 1
    widths = {(k, "in"): int(s.logic.inp_kifs.sum()) for k, s in enumerate(stages)}
    widths |= {(k, "out"): int(s.logic.out_kifs.sum()) for k, s in enumerate(stages)}
    signed, integer, fraction = (int(v) for v in stages[last].logic.out_kifs[:, 0])
    top = signed + integer + fraction - 1
    of_score: list[tuple[int, int] | None] = []
    for b in range(fraction - score.fraction, fraction - score.fraction + score.width):
        inside = b >= 0 and (b <= top or signed)
        of_score.append((last, min(b, top)) if inside else None)
    picked = {k * bits + b: i * bits + b for k, i in enumerate(pipeline.inputs) for b in range(bits)}
    modules = {k: f"{design.name}_stage{k}" for k in range(len(stages))}
    return _Core(widths, modules, picked, {k: k - 1 for k in range(1, len(stages))}, of_score)


def _first(found: object, wanted: object) -> str:
    """The first difference of two dictionaries or lists."""
    a, b = (dict(enumerate(v)) if isinstance(v, list) else dict(v) if isinstance(v, dict) else {} for v in (found, wanted))
    key = next(key for key in [*b, *a] if a.get(key, "nothing") != b.get(key, "nothing"))
    return f"{key}: {a.get(key, 'nothing')} in the file, {b.get(key, 'nothing')} in the pipeline"
