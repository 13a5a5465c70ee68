"""Where a run's vendor reports lie, and what they say together: one row of figures for each design and stage."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from l1ae.contract import Contract
from l1ae.delivery._reports import (
    RESOURCES,
    STAGES,
    Amount,
    CosimReport,
    CsynthReport,
    PowerReport,
    Stage,
    TimingReport,
    UtilizationReport,
)
from l1ae.delivery._reports_hls import read_cosim, read_csynth
from l1ae.delivery._reports_vivado import read_power, read_timing, read_utilization
from l1ae.errors import UserError
from l1ae.files import DamagedError, json_content
from l1ae.results import Count, Positive, Real

__all__ = ["AnyReport", "Design", "Found", "StageFigures", "figures_of", "find_csynth", "find_reports"]

Design = Literal["hls", "rtl"]
AnyReport = CsynthReport | CosimReport | UtilizationReport | TimingReport | PowerReport

# what hls4ml's script vivado_synth.tcl, part of an HLS project, writes into the project
_OF_HLS4ML = "vivado_synth.rpt"
# DESIGN_impl/STAGE_KIND.rpt, as the scripts of `l1ae deliver --target vivado` write them, or reports/DESIGN_STAGE_KIND.rpt
_NAMES = (
    re.compile(r".*/(hls|rtl)_impl/(synth|route)_(utilization|timing_summary|power)\.rpt"),
    re.compile(r".*/reports/(hls|rtl)_(synth|route)_(utilization|timing|power)\.rpt"),
)
_READERS: dict[str, Callable[[Path, Stage | None], AnyReport]] = {
    "utilization": read_utilization,
    "timing": read_timing,
    "timing_summary": read_timing,
    "power": read_power,
}
_NEWEST_KNOWN = "2025.2"


@dataclass(frozen=True)
class Found:
    """One report of a design, when its file was written (seconds since 1970), and the contract's digest, where one lies beside it."""

    design: Design
    report: AnyReport
    modified: float
    digest: str | None


@dataclass(frozen=True)
class StageFigures:
    """What one stage says of one design; None is not in its reports.

    `slack_ns` is clock less uncertainty less slowest path (WNS); `interval` the largest II; `resources` by the names of
    `RESOURCES`. `files` are what it was read from. `doubts` say why it may not be of this design: a verdict must not use it.
    """

    design: Design
    stage: Stage
    tool: str
    part: str | None = None
    clock_ns: Positive | None = None
    uncertainty_ns: Positive | None = None
    slack_ns: Real | None = None
    hold_slack_ns: Real | None = None
    failing_endpoints: Count | None = None
    latency_cycles_min: Count | None = None
    latency_cycles: Count | None = None
    latency_ns: Positive | None = None
    interval: Count | None = None
    resources: Mapping[str, Amount] = field(default_factory=dict)
    power_w: Positive | None = None
    power_confidence: str | None = None
    simulation_passed: bool | None = None
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def find_csynth(project: Path) -> CsynthReport | None:
    """The newest C-synthesis report of an HLS project, None when no C synthesis was run. Raises `UserError` when it cannot be read."""
    reports = [found for found in find_reports([project], None) if isinstance(found.report, CsynthReport)]
    newest = max(reports, key=lambda found: found.modified, default=None)
    return cast(CsynthReport, newest.report) if newest is not None else None


def find_reports(roots: Iterable[Path], top: str | None) -> list[Found]:
    """All reports below the folders `roots`, from the oldest file to the newest.

    `top` is the project's name: of the reports of C synthesis as text, one for each function, only that of the top is read;
    where csynth.xml lies beside them it is read instead, because it names its fields. Raises `UserError` for a report that
    is damaged or of an unknown version.
    """
    found = []
    for root in roots:
        digest = _digest(root)
        for path in sorted(root.rglob("*")):
            entry = _read(path, top)
            if entry is not None:
                found.append(Found(*entry, path.stat().st_mtime, _digest(path.parent, root) or digest))
    return sorted(found, key=lambda item: item.modified)


def _read(path: Path, top: str | None) -> tuple[Design, AnyReport] | None:
    folder = path.parent
    if folder.name == "report" and folder.parent.name == "syn":
        if path.name == "csynth.xml" or (path.name == f"{top}_csynth.rpt" and not (folder / "csynth.xml").exists()):
            return "hls", read_csynth(path)
    elif folder.name == "report" and folder.parent.name == "sim" and path.name.endswith("_cosim.rpt"):
        return "hls", read_cosim(path)
    elif path.name == _OF_HLS4ML:
        return "hls", read_utilization(path, "synth")
    for pattern in _NAMES:
        name = pattern.fullmatch(path.as_posix())
        if name is not None:
            return cast(Design, name[1]), _READERS[name[3]](path, cast(Stage, name[2]))
    return None


def _digest(folder: Path, root: Path | None = None) -> str | None:
    """The contract's digest by the nearest file that states it, from `folder` up to `root`."""
    for place in (folder, *folder.parents):
        stated = [_stated(place / name) for name in ("delivery.json", "design.json", "l1ae_contract.json") if (place / name).is_file()]
        if stated:
            return stated[0]
        if root is None or place == root:
            break
    return None


def _stated(path: Path) -> str | None:
    if path.name == "l1ae_contract.json":
        return Contract.load(path).digest
    try:
        content = json_content(path.read_bytes())
    except DamagedError as error:
        raise UserError(f"'{path}' is damaged ({error}); make this folder again") from error
    if isinstance(content.get("design"), dict):
        content = content["design"]
    digest = content.get("digest")
    return digest if isinstance(digest, str) else None


def figures_of(reports: Sequence[tuple[Found, tuple[str, ...]]], base: Path) -> list[StageFigures]:
    """One row for each design and stage; of several reports of one kind the newest counts.

    `reports`: each with the doubts about it. `base`: what paths of files are given relative to.
    """
    groups: dict[tuple[Design, Stage], dict[type, tuple[Found, tuple[str, ...]]]] = {}
    for found, doubts in sorted(reports, key=lambda item: item[0].modified):
        stage = found.report.origin.stage
        assert stage is not None
        groups.setdefault((found.design, stage), {})[type(found.report)] = (found, doubts)
    order = sorted(groups, key=lambda key: (key[0], STAGES.index(key[1])))
    return [_row(*key, list(groups[key].values()), base) for key in order]


def _row(design: Design, stage: Stage, members: list[tuple[Found, tuple[str, ...]]], base: Path) -> StageFigures:
    values: dict[str, object] = {}
    for found, _ in members:
        values |= {name: value for name, value in _values(found.report).items() if value is not None}
    origins = [found.report.origin for found, _ in members]
    parts = [origin.part for origin in origins if origin.part]
    notes = [
        f"version {origin.version} is newer than {_NEWEST_KNOWN}, the newest whose layout is known"
        for origin in origins
        if _newer(origin.version)
    ]
    if any(origin.path.name == _OF_HLS4ML for origin in origins):
        notes.append("by hls4ml's vivado_synth.tcl, without a clock and with buffers at the ports")
    return StageFigures(
        design,
        stage,
        tool="; ".join(dict.fromkeys(origin.label for origin in origins)),
        part=max(parts, key=len, default=None),
        files=tuple(str(origin.path.relative_to(base)) for origin in origins),
        notes=tuple(dict.fromkeys(notes)),
        doubts=tuple(dict.fromkeys(doubt for _, doubts in members for doubt in doubts)),
        **{"resources": {name: Amount() for name in RESOURCES}} | values,  # type: ignore[arg-type]
    )


def _newer(version: str | None) -> bool:
    return version is not None and version.split(".")[:2] > _NEWEST_KNOWN.split(".")


def _values(report: AnyReport) -> dict[str, object]:
    """What one report adds to its row."""
    match report:
        case CsynthReport():
            cycles, period = report.latency_max, report.target_clock_ns
            return {
                "clock_ns": period,
                "uncertainty_ns": report.uncertainty_ns,
                "slack_ns": report.slack_ns,
                "latency_cycles_min": report.latency_min,
                "latency_cycles": cycles,
                "latency_ns": None if cycles is None or period is None else cycles * period,
                "interval": report.interval_max,
                "resources": {name: report.resources.get(name, Amount()) for name in RESOURCES},
            }
        case CosimReport():
            return {
                "simulation_passed": report.passed,
                "latency_cycles_min": report.latency_min,
                "latency_cycles": report.latency_max,
                "interval": report.interval_max,
            }
        case UtilizationReport():
            return {"resources": {name: report.resources.get(name, Amount()) for name in RESOURCES}}
        case TimingReport():
            return {
                "clock_ns": next(iter(report.clocks.values())) if len(report.clocks) == 1 else None,
                "uncertainty_ns": report.uncertainty_ns,
                "slack_ns": report.wns_ns,
                "hold_slack_ns": report.whs_ns,
                "failing_endpoints": report.setup_failing,
            }
        case PowerReport():
            return {"power_w": report.total_w, "power_confidence": report.confidence}
