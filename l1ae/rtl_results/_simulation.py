"""What a simulation of RTL found."""

from dataclasses import dataclass
from typing import Literal

from l1ae.agreement import TensorComparison
from l1ae.results import Code, Count, Positive, Real

__all__ = ["Language", "ProtocolViolation", "RtlMismatch", "RtlReport", "RtlSeconds", "rtl_verdict"]

Language = Literal["verilog", "vhdl"]

_NAMES = {"verilog": "Verilator, Verilog", "vhdl": "GHDL, VHDL"}


def rtl_verdict(language: Language, mismatches: int, events: int, violations: int = 0) -> str:
    """One line on the outcome of an RTL simulation."""
    line = f"RTL simulation ({_NAMES[language]}): {mismatches} mismatches in {events} events"
    return line if violations == 0 else f"{line}, {violations} clock cycles against the protocol"


@dataclass(frozen=True)
class RtlMismatch:
    """The first result that differs: `event` counts the real events, or the corner vectors if `corner`.

    `layer` is the output's name. `simulation` is None where no result came in the clock in which it was due, or unknown
    bits; `stream` and `cycle` tell when.
    """

    layer: str
    corner: bool
    event: Count
    contract: Real
    simulation: Real | None
    stream: str
    cycle: Count

    def __str__(self) -> str:
        kind = "corner vector" if self.corner else "event"
        found = "nothing or unknown bits" if self.simulation is None else repr(self.simulation)
        return (
            f"output '{self.layer}', {kind} {self.event}: contract {self.contract!r}, RTL simulation {found} "
            f"(stream '{self.stream}', clock cycle {self.cycle})"
        )


@dataclass(frozen=True)
class ProtocolViolation:
    """The first clock cycle in which a port shows what it must not; `found` is None for unknown bits."""

    port: str
    expected: Code
    found: Code | None
    stream: str
    cycle: Count

    def __str__(self) -> str:
        found = "unknown" if self.found is None else self.found
        return f"port '{self.port}' is {found} instead of {self.expected} (stream '{self.stream}', clock cycle {self.cycle})"


@dataclass(frozen=True)
class RtlSeconds:
    """Wall times."""

    compile: Positive
    simulate: Positive


@dataclass(frozen=True)
class RtlReport:
    """Result of an RTL simulation, as it is written to rtl/report.json: in the shape that all simulation reports share.

    `mismatches` counts the events and corner vectors with a wrong, missing or late result in any stream;
    `protocol_violations` the clock cycles in which no result was due and `out_valid`, `out_score` or `out_trigger` was
    not 0, or in which `in_ready` or `threshold` was wrong. `latency` and `interval` in clock cycles, as designed and seen.
    `layers` are those of the proof's interpreter; nothing is compared with floating point.
    """

    project: str
    language: Language
    events: Count
    corner_vectors: Count
    clock_cycles: Count
    latency: Count
    interval: Count
    mismatches: Count
    first_mismatch: RtlMismatch | None
    protocol_violations: Count
    first_violation: ProtocolViolation | None
    outputs: tuple[TensorComparison, ...]
    compiler: str
    seconds: RtlSeconds
    layers: tuple[TensorComparison, ...] = ()
    float: None = None

    @property
    def passed(self) -> bool:
        """Every result and every clock cycle is as it must be."""
        return self.mismatches == 0 and self.protocol_violations == 0

    @property
    def verdict(self) -> str:
        """The line that is printed and that CI looks for."""
        return rtl_verdict(self.language, self.mismatches, self.events, self.protocol_violations)
