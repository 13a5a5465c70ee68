"""Reports of Vivado HLS and Vitis HLS: C synthesis as XML and as text, and the cosimulation.

Layouts: UG902 (2020.1) and UG1399 (2023.1, 2024.2), and reports that users published.
"""

import re
from pathlib import Path
from typing import Any
from xml.parsers import expat

from l1ae.delivery._reports import Amount, CosimReport, CsynthReport, Origin
from l1ae.delivery._reports_text import Text, check_version, quantity

__all__ = ["read_cosim", "read_csynth"]

# Names of the resources over the versions, and how many of them are one of ours: BRAM is reported in halves of a block.
_NAMES = {"LUT": ("lut", 1), "FF": ("ff", 1), "DSP": ("dsp", 1), "DSP48E": ("dsp", 1), "BRAM_18K": ("bram", 2), "URAM": ("uram", 1)}
_FIRST_VITIS = (2020, 2)


def read_csynth(path: Path) -> CsynthReport:
    """csynth.xml (or TOP_csynth.xml), or TOP_csynth.rpt. Raises `UserError` when it is damaged or of an unknown version."""
    return _xml(path) if path.suffix == ".xml" else _rpt(path)


def _tool(version: str | None) -> str:
    """The XML does not say which of the two it was; the last Vivado HLS is 2020.1."""
    if version is None:
        return "HLS"
    year, release = version.split(".")[:2]
    return "Vitis HLS" if (int(year), int(release)) >= _FIRST_VITIS else "Vivado HLS"


def _xml(path: Path) -> CsynthReport:
    text = Text.read(path)
    values = _elements(text)
    line, version = values.get("ReportVersion/Version", (0, None))
    if version is not None:
        version = check_version(text, line, version)
    if not any(name.startswith(("PerformanceEstimates/", "AreaEstimates/")) for name in values):
        raise text.error(0, "it has neither PerformanceEstimates nor AreaEstimates: this is no C-synthesis report")

    def value(name: str) -> float | None:
        return text.number(*values[name]) if name in values else None

    def whole(name: str) -> int | None:
        return text.integer(*values[name]) if name in values else None

    overall = "PerformanceEstimates/SummaryOfOverallLatency"
    return CsynthReport(
        origin=Origin(
            path, "csynth", _tool(version), version, _text(values, "UserAssignments/Part"), _text(values, "UserAssignments/TopModelName")
        ),
        target_clock_ns=value("UserAssignments/TargetClockPeriod"),
        estimated_clock_ns=value("PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"),
        uncertainty_ns=value("UserAssignments/ClockUncertainty"),
        latency_min=whole(f"{overall}/Best-caseLatency"),
        latency_max=whole(f"{overall}/Worst-caseLatency"),
        interval_min=whole(f"{overall}/Interval-min"),
        interval_max=whole(f"{overall}/Interval-max"),
        resources={
            name: Amount(
                _scaled(value(f"AreaEstimates/Resources/{tag}"), per), _scaled(value(f"AreaEstimates/AvailableResources/{tag}"), per)
            )
            for tag, (name, per) in _NAMES.items()
            if f"AreaEstimates/Resources/{tag}" in values or f"AreaEstimates/AvailableResources/{tag}" in values
        },
    )


def _scaled(value: float | None, per: int) -> float | None:
    return None if value is None else value / per


def _text(values: dict[str, tuple[int, str]], name: str) -> str | None:
    return values[name][1] or None if name in values else None


def _elements(text: Text) -> dict[str, tuple[int, str]]:
    """Line and text of the first element of every path below the root. Raises `UserError` when it is no XML."""
    parser, found = expat.ParserCreate(), dict[str, tuple[int, str]]()
    stack: list[tuple[str, int, list[str]]] = []

    def start(name: str, attributes: Any) -> None:
        stack.append((name, parser.CurrentLineNumber - 1, []))

    def data(piece: str) -> None:
        stack[-1][2].append(piece)

    def end(name: str) -> None:
        path = "/".join(item[0] for item in stack[1:])
        _, line, pieces = stack.pop()
        found.setdefault(path, (line, "".join(pieces).strip()))

    parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = start, data, end
    try:
        parser.Parse("\n".join(text.lines), True)
    except expat.ExpatError as error:
        raise text.error(error.lineno - 1, f"it is damaged ({expat.errors.messages[error.code]})") from error
    return found


def _rpt(path: Path) -> CsynthReport:
    text = Text.read(path)
    title = text.need(r"^\s*== (Vivado|Vitis) HLS Report for '", "the line \"== Vitis HLS Report for 'TOP'\"")
    names = re.search(r"== (Vivado|Vitis) HLS Report for '([^']*)'", text.lines[title])
    assert names is not None
    version = text.field("Version", r"\*")
    if version is None:
        raise text.error(title, "there is no line '* Version:' below it")
    device = text.field("Target device", r"\*")
    timing = text.need(r"^\s*\+ Timing", "the section '+ Timing'")
    latency = text.need(r"^\s*\+ Latency", "the section '+ Latency'", timing)
    target, estimated, uncertainty = _clock(text, timing)
    cycles = _cycles(text, latency)
    return CsynthReport(
        Origin(
            path,
            "csynth",
            f"{names[1]} HLS",
            check_version(text, version[0], version[1].split(" ")[0]),
            None if device is None else device[1],
            names[2],
        ),
        target,
        estimated,
        uncertainty,
        *cycles,
        resources=_utilization(text, text.need(r"^\s*== Utilization Estimates", "the section 'Utilization Estimates'", latency)),
    )


def _clock(text: Text, start: int) -> tuple[float | None, float | None, float | None]:
    """Target, estimate and uncertainty in ns: the first row below the table's head."""
    for line, cells in text.rows(start):
        if cells[0] != "Clock":
            try:
                target, estimated, uncertainty = (quantity(text.cell(line, cells, column)) for column in (1, 2, 3))
            except ValueError as error:
                raise text.error(line, f"{error}") from error
            return target, estimated, uncertainty
    raise text.error(start, "no table follows")


def _cycles(text: Text, start: int) -> tuple[int | None, int | None, int | None, int | None]:
    """Latency and interval, smallest and largest: columns 1, 2, 5 and 6, below a head of two rows."""
    for line, cells in text.rows(start):
        if cells[0] not in {"Latency (cycles)", "min"}:
            low, high, first, last = (text.integer(line, text.cell(line, cells, column)) for column in (0, 1, 4, 5))
            return low, high, first, last
    raise text.error(start, "no table follows")


def _utilization(text: Text, start: int) -> dict[str, Amount]:
    """The rows Total and Available of the summary; a dash in them means that the tool counts none of this kind there."""
    head: list[str] = []
    found: dict[str, dict[str, float | None]] = {}
    for line, cells in text.rows(start):
        if cells[0] == "Name":
            head = cells
        elif cells[0] in {"Total", "Available"}:
            if len(cells) != len(head):
                raise text.error(line, f"the row has {len(cells)} cells, and the head of the table {len(head)}")
            found[cells[0]] = {name: text.number(line, cell) for name, cell in zip(head[1:], cells[1:], strict=True)}
    if set(found) != {"Total", "Available"}:
        raise text.error(start, "the summary has no rows 'Total' and 'Available'")
    return {
        name: Amount(_scaled(found["Total"][column], per), _scaled(found["Available"][column], per))
        for column, (name, per) in _NAMES.items()
        if column in found["Total"]
    }


def read_cosim(path: Path) -> CosimReport:
    """TOP_cosim.rpt; it does not say which version of the tool made it. Raises `UserError` when it is damaged."""
    text = Text.read(path)
    start = text.need(r"\|\s*(VHDL|Verilog)\s*\|", "a row of VHDL or Verilog")
    tool = text.field("Simulation tool", "")
    simulator = "" if tool is None else f" with {tool[1].rstrip('.')}"
    origin = Origin(path, "cosim", f"HLS cosimulation{simulator}", None, None, path.name.removesuffix("_cosim.rpt"))
    ran = []
    for line, cells in text.rows(start):
        status = text.cell(line, cells, 1)
        if status.lower() not in {"pass", "fail", "na"}:
            raise text.error(line, f"'{status}' is no result of a simulation, which are Pass, Fail and NA")
        if status != "NA":
            ran.append((status.lower() == "pass", [text.integer(line, text.cell(line, cells, column)) for column in range(2, 8)]))
    if not ran:
        return CosimReport(origin, None, *[None] * 6)
    return CosimReport(origin, all(passed for passed, _ in ran), *ran[0][1])
