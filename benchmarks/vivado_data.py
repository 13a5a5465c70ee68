"""RTL with Vivado's results, as the test data of alkaid (LGPL-3) holds them: read where they lie, never copied.

The archive is `tests/test_data.tar.xz` of alkaid's source repository. A project in it has Verilog below `src/` and the text
reports `*_post_synth_util.rpt`, `*_post_route_util.rpt` and `*_post_route_timing.rpt` in folders beside it.
"""

import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from l1ae.errors import UserError

__all__ = ["Utilization", "VivadoProject", "parse_utilization", "read_archive"]

_REPORT = re.compile(r"_post_(synth|route)_util\.rpt$")
_TIMING = re.compile(r"_post_route_timing(_summary)?\.rpt$")
_PROJECT_NAME = re.compile(r'set\s+project_name\s+"?([A-Za-z_]\w*)"?')
_ROWS = {
    "lut_logic": ("CLB LUTs as Logic", "LUT as Logic"),
    "lut_memory": ("LUT as Memory",),
    "flip_flops": ("Register as Flip Flop",),
    "carry8": ("CARRY8",),
    "dsp": ("DSPs",),
}


@dataclass(frozen=True)
class Utilization:
    """Numbers of a Vivado utilization report; None for a row that the report has not."""

    lut_logic: int | None
    lut_memory: int | None
    flip_flops: int | None
    carry8: int | None
    dsp: int | None


@dataclass(frozen=True)
class VivadoProject:
    """Verilog, its top module, Vivado's numbers by stage (`synth`, `route`), and the period that it reached after routing (ns)."""

    name: str
    top: str
    sources: Mapping[str, str]
    utilization: Mapping[str, Utilization]
    period: float | None


def read_archive(path: Path) -> tuple[VivadoProject, ...]:
    """All projects with Verilog and a utilization report of Vivado, by name.

    Raises `UserError` when the file is no archive or has no such project.
    """
    try:
        with tarfile.open(path) as archive:
            texts = {PurePosixPath(member.name): archive.extractfile(member) for member in archive if member.isfile()}
            wanted = {name: stream.read().decode("utf-8", "replace") for name, stream in texts.items() if stream and _is_text(name)}
    except (OSError, tarfile.TarError, EOFError) as error:
        raise UserError(f"'{path}' is no readable archive ({error}); give tests/test_data.tar.xz of alkaid's source repository") from error
    roots = sorted({name.parent for name in wanted if name.name == "build_vivado_prj.tcl"})
    projects = [project for root in roots if (project := _project(root, wanted))]
    if not projects:
        raise UserError(f"'{path}' holds no Verilog with a utilization report of Vivado; give tests/test_data.tar.xz of alkaid's sources")
    return tuple(projects)


def _is_text(name: PurePosixPath) -> bool:
    return name.suffix in {".v", ".sv", ".rpt", ".tcl", ".xdc"}


def _project(root: PurePosixPath, texts: Mapping[PurePosixPath, str]) -> VivadoProject | None:
    inside = {name.relative_to(root): text for name, text in texts.items() if name.is_relative_to(root)}
    sources = {str(name): text for name, text in inside.items() if name.suffix in {".v", ".sv"} and name.parts[0] == "src"}
    stages = {match[1]: parse_utilization(text) for name, text in inside.items() if (match := _REPORT.search(name.name))}
    name = _PROJECT_NAME.search(inside[PurePosixPath("build_vivado_prj.tcl")])
    if not sources or not stages or not name:
        return None
    timing = next((text for path, text in inside.items() if _TIMING.search(path.name)), "")
    constraint = next((text for path, text in inside.items() if path.suffix == ".xdc"), "")
    return VivadoProject(root.name, name[1], sources, stages, _period(timing, constraint))


def parse_utilization(text: str) -> Utilization:
    """The column `Used` of the rows that we compare."""
    return Utilization(**{field: _used(text, labels) for field, labels in _ROWS.items()})


def _used(text: str, labels: tuple[str, ...]) -> int | None:
    for label in labels:
        found = re.search(rf"^\|\s*{re.escape(label)}\s*\|\s*(\d+)\s*\|", text, re.MULTILINE)
        if found:
            return int(found[1])
    return None


def _period(timing: str, constraint: str) -> float | None:
    """The constraint minus the worst negative slack, the first number below `WNS(ns)`."""
    clock = re.search(r"^\s*set\s+clock_period\s+([\d.]+)", constraint, re.MULTILINE)
    slack = re.search(r"WNS\(ns\)[^\n]*\n[\s-]*\n\s*(-?[\d.]+)", timing)
    return float(clock[1]) - float(slack[1]) if clock and slack else None
