"""What open synthesis says of RTL: synth/report.json."""

from dataclasses import dataclass

from l1ae.results import Count, Digest, Positive
from l1ae.rtl_results import NetlistProof, RtlSummary
from l1ae.synth import Resources, TimingBand

__all__ = ["SynthesisReport", "SynthesisedDesign", "SynthesisedLayer"]


@dataclass(frozen=True)
class SynthesisedDesign(Resources):
    """Resources, and wall time and memory (1e9 bytes) of the run that counted them, also when it was `cached`."""

    seconds: Positive
    peak_gb: Positive
    cached: bool


@dataclass(frozen=True)
class SynthesisedLayer(SynthesisedDesign):
    """The logic of one layer by itself, without registers."""

    name: str


@dataclass(frozen=True)
class SynthesisReport:
    """A synthesised design before placement.

    `percent` of the part; `latency_cycles` and `interval` in clocks of `clock_period` ns; `layers` are empty where they were not
    synthesised by themselves. `rtl`: the RTL that it is of, `changed_files`: of that, not as they had been written. `proof`: of the netlist
    of every stage, None where it was not asked for.
    """

    project: str
    stage: str
    tool: str
    digest: Digest
    part: str
    resources: SynthesisedDesign
    percent: dict[str, Positive]
    latency_cycles: Count
    interval: Count
    clock_period: Positive
    timing: TimingBand
    layers: tuple[SynthesisedLayer, ...]
    rtl: RtlSummary
    changed_files: tuple[str, ...]
    proof: tuple[NetlistProof, ...] | None
    wall_seconds: Positive
