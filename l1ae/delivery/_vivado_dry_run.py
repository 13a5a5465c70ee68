"""Runs the delivered scripts for Vivado without Vivado: a real Tcl interpreter, and recorded definitions of the tools' commands."""

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from l1ae.errors import UserError
from l1ae.files import scratch
from l1ae.tools import run_program

__all__ = ["TOOLS", "DryRun", "Tools", "dry_run", "tclsh"]

_STAND_IN = Path(__file__).parent / "tcl_commands" / "tool.tcl"


@dataclass(frozen=True)
class Tools:
    """One vendor installation: `hls` is its program for C synthesis of projects of `backend`."""

    version: str
    backend: str
    hls: str

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.hls} and Vivado {self.version}"


TOOLS = (
    Tools("2020.1", "Vivado", "vivado_hls"),
    Tools("2023.1", "Vitis", "vitis_hls"),
    Tools("2024.1", "Vitis", "vitis_hls"),
    Tools("2024.2", "Vitis", "vitis-run"),
    Tools("2025.2", "Vitis", "vitis-run"),
)
"""What the scripts are for: the first and the last version of each generation."""


@dataclass(frozen=True)
class DryRun:
    """Exit status of run.sh, what it printed, and the vendor commands that were called, one a line."""

    status: int
    output: str
    calls: tuple[str, ...]


def tclsh() -> str | None:
    """The Tcl interpreter on PATH, None when there is none."""
    return shutil.which("tclsh")


def dry_run(
    folder: Path,
    steps: Sequence[str],
    tools: Tools,
    *,
    scenario: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> DryRun:
    """`run.sh STEP` for each of `steps` in a copy of the delivered folder, until one fails.

    `scenario`: what the tools find, for example {"wns": -0.1, "csim": "fail"}; keys are those of tcl_commands/tool.tcl.
    `environment`: options of run.sh. Raises `UserError` when there is no tclsh.
    """
    if tclsh() is None:
        raise UserError("there is no tclsh; Debian/Ubuntu: apt-get install tcl")
    with scratch("dry-run") as here:
        work, calls = here / "delivery", here / "calls"
        shutil.copytree(folder, work, ignore=lambda path, names: {"build"} & set(names) if Path(path) == folder else set())
        calls.touch()
        # Nothing of a real installation may be found.
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("XILINX", "L1AE_"))}
        own = {
            "PATH": f"{_programs(here, tools)}{os.pathsep}{os.defpath}",
            "L1AE_CALLS": str(calls),
            "L1AE_SCENARIO": " ".join(f"{{{key}}} {{{value}}}" for key, value in (scenario or {}).items()),
        }
        status, output = _run(work, steps, inherited | own | dict(environment or {}))
        return DryRun(status, output.replace(str(here), ""), tuple(calls.read_text().splitlines()))


def _programs(folder: Path, tools: Tools) -> Path:
    """A folder with launchers named as the vendor's programs."""
    programs = folder / "bin"
    programs.mkdir()
    for program in (tools.hls, "vivado"):
        launcher = programs / program
        command = (str(tclsh()), str(_STAND_IN), program, tools.version)
        launcher.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        launcher.chmod(0o755)
    return programs


def _run(work: Path, steps: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    output = ""
    for step in steps:
        result = run_program(["sh", work / "run.sh", step], environment=environment, together=True)
        output += result.stdout
        if result.returncode != 0:
            return result.returncode, output
    return 0, output
