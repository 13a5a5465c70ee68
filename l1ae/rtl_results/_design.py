"""The design as a whole, and how its logic is laid out."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Literal

from l1ae.results import Code, Count, Digest, Positive, Real, check_that

__all__ = ["Design", "DesignFile", "Folding", "LayerAdders", "RtlSummary", "StageDelay"]


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.name) and not path.is_absolute() and ".." not in path.parts


SourcePath = Annotated[str, check_that(_inside, "is no path inside the folder")]


@dataclass(frozen=True)
class Design:
    """What the ports of a design are, and when it answers.

    `name` is the top module and entity. An event is `inputs` words of `input_bits` bits, word 0 in the lowest bits of
    `in_event`. The score is a code of `score_bits` bits, in two's complement if `score_signed`, LSB `2**-score_fraction`.
    `latency`: an event that the k-th rising edge samples is answered by outputs that change at edge k + latency.
    `interval` (II): clocks between two events. `threshold`: smallest code that triggers, after reset.
    `digest`: of the contract.
    """

    name: str
    inputs: Count
    input_bits: Count
    score_bits: Count
    score_signed: bool
    score_fraction: Code
    threshold: Code
    latency: Count
    interval: Count
    clock_period: Positive
    part: str
    digest: Digest


@dataclass(frozen=True)
class DesignFile:
    """design.json of an RTL project: the design, and the sources of each language in order of compilation."""

    design: Design
    verilog: tuple[SourcePath, ...]
    vhdl: tuple[SourcePath, ...]


@dataclass(frozen=True)
class Folding:
    """How one layer is folded, for reports. `parts`: bits per clock of a serial one, output positions per clock of a window."""

    layer: str
    kind: Literal["serial", "window"]
    clocks: Count
    parts: Count


@dataclass(frozen=True)
class StageDelay:
    """A stage of the pipeline: its longest path by the delays that it was cut by, and the layers whose logic is in it."""

    delay_ns: Real
    layers: tuple[str, ...]


@dataclass(frozen=True)
class LayerAdders:
    """Operations of a layer that add, subtract or negate."""

    name: str
    adders: Count


@dataclass(frozen=True)
class RtlSummary(Design):
    """rtl/summary.json: the design, what it was asked for, and how its logic is laid out.

    `crossings` and `clock_uncertainty` (per cent) are those of the configuration. Folded designs have `folded_layers`; unrolled ones have
    `register_bits`, `stages` and `layers`.
    """

    mode: Literal["unrolled", "folded"]
    crossings: Count | None
    adders: str
    clock_uncertainty: Positive
    latency_ns: Positive
    folded_layers: tuple[Folding, ...] = ()
    register_bits: Count | None = None
    stages: tuple[StageDelay, ...] = ()
    layers: tuple[LayerAdders, ...] = ()
