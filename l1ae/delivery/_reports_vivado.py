"""Reports of Vivado, 2020.1 to 2024.2 and later: utilisation, timing summary and power.

Layouts: UG835 (report_utilization, report_timing_summary, report_power), UG906, and reports that users published.
"""

import re
from pathlib import Path

from l1ae.delivery._reports import Amount, Origin, PowerReport, Stage, TimingReport, UtilizationReport
from l1ae.delivery._reports_text import Text, check_version

__all__ = ["read_power", "read_timing", "read_utilization"]

# Rows of the tables by site type; an asterisk at the end refers to a footnote.
_SITES = {
    "CLB LUTs": "lut",
    "Slice LUTs": "lut",
    "CLB Registers": "ff",
    "Slice Registers": "ff",
    "Registers": "ff",
    "DSPs": "dsp",
    "DSP Slices": "dsp",
    "Block RAM Tile": "bram",
    "URAM": "uram",
    "URAMs": "uram",
}
_POWER = {"Total On-Chip Power (W)": "total", "Dynamic (W)": "dynamic", "Device Static (W)": "static", "Confidence Level": "confidence"}


def read_utilization(path: Path, stage: Stage | None = None) -> UtilizationReport:
    """`report_utilization`. `stage` is that of the file's name, for reports that do not say their own.

    Raises `UserError` when it is damaged or of an unknown version.
    """
    text, origin = _open(path, "Utilization Design Information", stage)
    _check_contents(text)
    found: dict[str, Amount] = {}
    columns: dict[str, int] = {}
    for line in range(len(text.lines)):
        row = text.lines[line].strip()
        if not (row.startswith("|") and row.endswith("|")):
            columns = {} if not row.startswith("+") else columns
            continue
        cells = [cell.strip() for cell in row[1:-1].split("|")]
        if cells[0] == "Site Type":
            columns = {name: k for k, name in enumerate(cells)}
        elif "Used" in columns and cells[0].rstrip("*") in _SITES:
            used, available = (text.number(line, text.cell(line, cells, columns[name])) for name in ("Used", "Available"))
            found.setdefault(_SITES[cells[0].rstrip("*")], Amount(used, available))
    if "lut" not in found:
        raise text.error(len(text.lines) - 1, "no row 'CLB LUTs' or 'Slice LUTs': it is damaged, or of a layout that l1ae does not know")
    return UtilizationReport(origin, found)


def read_timing(path: Path, stage: Stage | None = None) -> TimingReport:
    """`report_timing_summary`. `stage` as for `read_utilization`. Raises `UserError` when it is damaged or of an unknown version."""
    text, origin = _open(path, "Timing Summary Report", stage)
    head = text.need(
        r"^\s*WNS\(ns\)\s+TNS\(ns\)", "the table 'Design Timing Summary'", text.need("Design Timing Summary", "'Design Timing Summary'")
    )
    line = head + 2
    names = re.split(r"\s{2,}", text.lines[head].strip())
    cells = text.lines[line].split() if line < len(text.lines) else []
    if len(cells) != len(names):
        raise text.error(min(line, len(text.lines) - 1), f"{len(cells)} values for the {len(names)} columns of 'Design Timing Summary'")
    row = dict(zip(names, cells, strict=True))
    values = {name: text.number(line, row[f"{name}(ns)"]) if f"{name}(ns)" in row else None for name in ("WNS", "TNS", "WHS", "THS")}
    failing = {name: text.integer(line, row[name]) if name in row else None for name in ("TNS Failing Endpoints", "THS Failing Endpoints")}
    uncertainty = text.find(r"^\s*Clock Uncertainty:\s+\S+ns", line)
    return TimingReport(
        origin,
        wns_ns=values["WNS"],
        tns_ns=values["TNS"],
        setup_failing=failing["TNS Failing Endpoints"],
        whs_ns=values["WHS"],
        ths_ns=values["THS"],
        hold_failing=failing["THS Failing Endpoints"],
        clocks=_clocks(text, line),
        uncertainty_ns=None if uncertainty is None else text.number(uncertainty, text.lines[uncertainty].split()[2].removesuffix("ns")),
        met=_met(text, line),
    )


def _clocks(text: Text, start: int) -> dict[str, float]:
    """Periods of the section 'Clock Summary'."""
    head = text.find(r"^Clock\s+Waveform\(ns\)\s+Period\(ns\)", start)
    found: dict[str, float] = {}
    for line in range(head + 2 if head is not None else len(text.lines), len(text.lines)):
        row = re.match(r"\s*(\S+)\s+\{[^}]*\}\s+(\S+)", text.lines[line])
        if row is None:
            break
        period = text.number(line, row[2])
        if period is not None:
            found[row[1]] = period
    return found


def _met(text: Text, start: int) -> bool | None:
    line = text.find(r"^\s*(All user specified timing constraints are met|Timing constraints are not met)", start)
    return None if line is None else text.lines[line].strip().startswith("All")


def read_power(path: Path, stage: Stage | None = None) -> PowerReport:
    """`report_power`. `stage` as for `read_utilization`. Raises `UserError` when it is damaged or of an unknown version."""
    text, origin = _open(path, "Power Report", stage)
    _check_contents(text)
    start = text.need(r"^\|\s*Total On-Chip Power \(W\)", "the row 'Total On-Chip Power (W)'")
    found: dict[str, tuple[int, str]] = {}
    for line, cells in text.rows(start):
        if cells[0] in _POWER:
            found[_POWER[cells[0]]] = (line, text.cell(line, cells, 1))

    def watts(name: str) -> float | None:
        """Behind the number may stand a remark in brackets, such as that the junction gets too hot."""
        return text.number(found[name][0], found[name][1].partition("(")[0]) if name in found else None

    confidence = found["confidence"][1] if "confidence" in found else ""
    return PowerReport(origin, watts("total"), watts("dynamic"), watts("static"), confidence or None)


def _open(path: Path, title: str, stage: Stage | None) -> tuple[Text, Origin]:
    text = Text.read(path)
    tool = text.field("Tool Version")
    if tool is None:
        raise text.error(0, "there is no line '| Tool Version' in its head: this is no report of Vivado")
    version = re.match(r"Vivado v\.(\S+)", tool[1])
    if version is None:
        raise text.error(tool[0], f"'{tool[1]}' is no version of Vivado")
    known = check_version(text, tool[0], version[1])
    text.need(rf"^{title}\s*$", f"its title '{title}'")
    state, design = text.field("Design State"), text.field("Design")
    own = _stage(text, *state) if state is not None else None
    return text, Origin(path, own or stage, "Vivado", known, _part(text), None if design is None else design[1])


def _stage(text: Text, line: int, state: str) -> Stage:
    """The stage by Vivado's word for the state of the design."""
    word = state.lower()
    if "synthesized" in word or "optimized" in word:
        return "synth"
    if "routed" in word or "postroute" in word:
        return "route"
    if "placed" in word or "physopt" in word:
        return "place"
    raise text.error(line, f"'{state}' is no state of a design that l1ae knows")


def _part(text: Text) -> str | None:
    """The part as it is ordered: Series 7 loses its `xc` in some reports, and timing reports give the speed grade elsewhere."""
    device = text.field("Device")
    if device is None:
        return None
    name = device[1] if device[1].startswith("x") else f"xc{device[1]}"
    speed = text.field("Speed File")
    grade = speed[1].split()[0] if speed is not None and speed[1] else ""
    return name + grade if grade and grade not in name else name


def _check_contents(text: Text) -> None:
    """Every section that the table of contents announces must follow; a report that was cut off has fewer."""
    start = text.find(r"^Table of Contents\s*$")
    if start is None:
        return
    for line in range(start + 2, len(text.lines)):
        title = text.lines[line].strip()
        if not re.match(r"\d+(\.\d+)*\.? \S", title):
            return
        if not any(text.lines[k].strip() == title for k in range(line + 1, len(text.lines))):
            raise text.error(len(text.lines) - 1, f"the section '{title}' is missing: the report is cut off")
