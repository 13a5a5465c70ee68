"""GHDL, the simulator of the VHDL."""

import re
import shutil
from pathlib import Path

from l1ae.errors import UserError
from l1ae.tools._process import answer_of

__all__ = ["ghdl", "ghdl_version"]

_REMEDY = "Debian/Ubuntu: apt-get install ghdl"


def ghdl() -> Path:
    """The program on PATH. Raises `UserError` when there is none."""
    path = shutil.which("ghdl")
    if path is None:
        raise UserError(f"there is no GHDL; {_REMEDY}")
    return Path(path)


def ghdl_version(program: Path) -> str:
    """Number and code generator as it tells them, for example `2.0.0 (mcode)`; raises `UserError` when it does not run."""
    output = answer_of((str(program), "--version"))
    number, backend = re.match(r"GHDL (\S+)", output), re.search(r"(\S+)(?: \S+)? code generator", output)
    if number is None:
        raise UserError(f"'{program} --version' answers '{output.strip()}', which is no version of GHDL; {_REMEDY}")
    return f"{number[1]} ({backend[1]})" if backend else number[1]
