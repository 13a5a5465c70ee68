"""What a vendor's tool said of a design: one type for each kind of report. What a report does not say is None, never 0.

Resources are those of the field's tables: `lut`, `ff`, `dsp`, `bram` in blocks of 36 kbit, `uram`. Times are in ns, latency and
initiation interval in clock cycles.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from l1ae.results import Positive

__all__ = [
    "RESOURCES",
    "STAGES",
    "Amount",
    "CosimReport",
    "CsynthReport",
    "Origin",
    "PowerReport",
    "Stage",
    "TimingReport",
    "UtilizationReport",
]

Stage = Literal["estimate", "open synthesis", "csynth", "cosim", "synth", "place", "route"]

STAGES: tuple[Stage, ...] = ("estimate", "open synthesis", "csynth", "cosim", "synth", "place", "route")
"""From the least to the most certain."""

RESOURCES = ("lut", "ff", "dsp", "bram", "uram")


@dataclass(frozen=True)
class Amount:
    """How many of a resource are used, and how many the part has."""

    used: Positive | None = None
    available: Positive | None = None
    share: float | None = field(init=False)
    """Fraction of the part, above 1 where the design does not fit."""

    def __post_init__(self) -> None:
        share = None if self.used is None or not self.available else self.used / self.available
        object.__setattr__(self, "share", share)


@dataclass(frozen=True)
class Origin:
    """Which file says it, at which stage, by which tool; `design` is the top's name. None: not in the report."""

    path: Path
    stage: Stage | None
    tool: str
    version: str | None
    part: str | None
    design: str | None

    @property
    def label(self) -> str:
        """Tool and version, for people."""
        return f"{self.tool} {self.version}" if self.version else f"{self.tool}, version not in the report"


@dataclass(frozen=True)
class CsynthReport:
    """Estimates of the C synthesis: csynth.xml or TOP_csynth.rpt."""

    origin: Origin
    target_clock_ns: float | None
    estimated_clock_ns: float | None
    uncertainty_ns: float | None
    latency_min: int | None
    latency_max: int | None
    interval_min: int | None
    interval_max: int | None
    resources: Mapping[str, Amount]

    @property
    def slack_ns(self) -> float | None:
        """Target less uncertainty less estimate, as the tool's own reports count it."""
        terms = (self.target_clock_ns, self.uncertainty_ns, self.estimated_clock_ns)
        target, uncertainty, estimated = terms
        return None if target is None or uncertainty is None or estimated is None else round(target - uncertainty - estimated, 6)


@dataclass(frozen=True)
class CosimReport:
    """Simulation of the RTL that HLS made against the C test bench: TOP_cosim.rpt. `passed` None: nothing was simulated."""

    origin: Origin
    passed: bool | None
    latency_min: int | None
    latency_avg: int | None
    latency_max: int | None
    interval_min: int | None
    interval_avg: int | None
    interval_max: int | None


@dataclass(frozen=True)
class UtilizationReport:
    """`report_utilization` of Vivado."""

    origin: Origin
    resources: Mapping[str, Amount]


@dataclass(frozen=True)
class TimingReport:
    """`report_timing_summary` of Vivado: worst and total negative slack of setup (WNS, TNS) and hold (WHS, THS).

    A slack is None where the report has no path to measure. `clocks` maps a clock to its period, `uncertainty_ns` is that of
    the first path in the report, `met` what the report says of all constraints.
    """

    origin: Origin
    wns_ns: float | None
    tns_ns: float | None
    setup_failing: int | None
    whs_ns: float | None
    ths_ns: float | None
    hold_failing: int | None
    clocks: Mapping[str, float]
    uncertainty_ns: float | None
    met: bool | None


@dataclass(frozen=True)
class PowerReport:
    """`report_power` of Vivado, in watts. `confidence` is what Vivado says of its own estimate."""

    origin: Origin
    total_w: float | None
    dynamic_w: float | None
    static_w: float | None
    confidence: str | None
