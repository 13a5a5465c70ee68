"""Open synthesis of Verilog sources for AMD FPGAs: resources and timing before placement, without a vendor's tools."""

from l1ae.synth._effort import Effort, available_memory_gb, check_effort, estimate_effort
from l1ae.synth._netlist import Cell, Netlist, parse_netlist
from l1ae.synth._pack import packed_luts
from l1ae.synth._parts import Part, known_parts, part_of
from l1ae.synth._resources import Resources, count_resources, percent_of
from l1ae.synth._timing import STAGE, CriticalPath, PathKind, PathStep, TimingBand, analyse_timing
from l1ae.synth._verdict import ClockVerdict, clock_verdict
from l1ae.synth._yosys import DEFAULT_TIMEOUT, Synthesis, synthesise

__all__ = [
    "DEFAULT_TIMEOUT",
    "STAGE",
    "Cell",
    "ClockVerdict",
    "CriticalPath",
    "Effort",
    "Netlist",
    "Part",
    "PathKind",
    "PathStep",
    "Resources",
    "Synthesis",
    "TimingBand",
    "analyse_timing",
    "available_memory_gb",
    "check_effort",
    "clock_verdict",
    "count_resources",
    "estimate_effort",
    "known_parts",
    "packed_luts",
    "parse_netlist",
    "part_of",
    "percent_of",
    "synthesise",
]
