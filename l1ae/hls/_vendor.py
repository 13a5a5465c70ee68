"""The C-synthesis report of Vivado HLS or Vitis HLS, where one exists. What it does not say is None, never 0."""

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from l1ae.errors import UserError

__all__ = ["VendorReport", "read_vendor_report"]

# Name in our report, and the names that the tools gave it over the versions.
_RESOURCES = {"lut": ("LUT",), "ff": ("FF",), "dsp": ("DSP", "DSP48E"), "bram": ("BRAM_18K",), "uram": ("URAM",)}


@dataclass(frozen=True)
class VendorReport:
    """Estimates of the C synthesis; cycles, ns, and numbers of resources. `available` is the part's total."""

    stage: str
    tool: str
    part: str | None
    latency_cycles_min: int | None
    latency_cycles_max: int | None
    interval_min: int | None
    interval_max: int | None
    estimated_clock_ns: float | None
    target_clock_ns: float | None
    lut: int | None
    ff: int | None
    dsp: int | None
    bram: int | None
    uram: int | None
    available: dict[str, int | None]


def read_vendor_report(project: Path) -> VendorReport | None:
    """The `csynth.xml` of the project's top function, or None when no C synthesis was run.

    Raises `UserError` when there is a report that cannot be read.
    """
    found = sorted(project.glob("*_prj/solution*/syn/report/csynth.xml")) or sorted(project.glob("*/hls/syn/report/csynth.xml"))
    if not found:
        return None
    try:
        root = ElementTree.parse(found[-1]).getroot()
    except ElementTree.ParseError as error:
        raise UserError(f"'{found[-1]}' is damaged ({error}); run the C synthesis again") from error
    version = root.findtext("ReportVersion/Version")
    overall, timing = "PerformanceEstimates/SummaryOfOverallLatency", "PerformanceEstimates/SummaryOfTimingAnalysis"
    used = {name: _resource(root, "Resources", tags) for name, tags in _RESOURCES.items()}
    return VendorReport(
        stage="csynth",
        tool=f"HLS {version}" if version else "HLS, version not in the report",
        part=root.findtext("UserAssignments/Part"),
        latency_cycles_min=_integer(root, f"{overall}/Best-caseLatency"),
        latency_cycles_max=_integer(root, f"{overall}/Worst-caseLatency"),
        interval_min=_integer(root, f"{overall}/Interval-min"),
        interval_max=_integer(root, f"{overall}/Interval-max"),
        estimated_clock_ns=_number(root, f"{timing}/EstimatedClockPeriod"),
        target_clock_ns=_number(root, "UserAssignments/TargetClockPeriod"),
        available={name: _resource(root, "AvailableResources", tags) for name, tags in _RESOURCES.items()},
        **used,
    )


def _resource(root: ElementTree.Element, section: str, tags: tuple[str, ...]) -> int | None:
    values = (_integer(root, f"AreaEstimates/{section}/{tag}") for tag in tags)
    return next((value for value in values if value is not None), None)


def _integer(root: ElementTree.Element, path: str) -> int | None:
    value = _number(root, path)
    return None if value is None else int(value)


def _number(root: ElementTree.Element, path: str) -> float | None:
    """Text such as `undef` or `-` means that the tool does not know."""
    try:
        return float(root.findtext(path) or "")
    except ValueError:
        return None
