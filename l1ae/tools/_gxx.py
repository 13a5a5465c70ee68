"""The C++ compiler: where it is, which it is, and one compilation, which is done once for the same text."""

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from l1ae.errors import UserError
from l1ae.tools._compiled import compiled
from l1ae.tools._process import run_program

__all__ = ["compile_cpp", "compiler_identity", "gxx"]

# What g++ takes from its environment beside where headers are, which shows in the text that it compiles.
_VARIABLES = ("COMPILER_PATH", "GCC_EXEC_PREFIX", "LD_RUN_PATH", "LIBRARY_PATH")
_PARTS = ("cc1plus", "as", "ld", "collect2")

Result = subprocess.CompletedProcess[str]


def gxx(purpose: str) -> str:
    """Path of g++. Raises `UserError` that says what needs it when there is none."""
    path = shutil.which("g++")
    if path is None:
        raise UserError(f"g++ is not installed; the {purpose} needs it (Debian/Ubuntu: apt-get install g++)")
    return path


def compile_cpp(source: str | Path, options: Sequence[str | Path], target: Path, folder: Path, *, purpose: str) -> Result:
    """Run g++ in `folder` on one source to write `target`; returns what the compiler, or the preprocessor, said.

    The same text from the preprocessor, the same options and the same compiler give the program that they gave before
    (`l1ae.tools.compiled`). Raises `UserError` without g++; what the compiler refuses is in the result.
    """
    compiler, target = gxx(purpose), target.absolute()
    # the very text of which the digest is made is compiled, so that no header can change in between
    text = target.with_name(f"{target.name}.ii")
    result = run_program([compiler, *options, "-E", source, "-o", text], folder=folder)
    if result.returncode != 0:
        return result

    def make() -> None:
        nonlocal result
        result = run_program([compiler, *options, text, "-o", target], folder=folder)
        if result.returncode != 0:
            raise _RefusedError

    with suppress(_RefusedError):
        compiled(target, [*compiler_identity(compiler), *map(str, options), text.read_bytes()], make)
    text.unlink()
    return result


def compiler_identity(compiler: str) -> tuple[str, ...]:
    """Everything about a g++ and this machine that decides what it makes of a text, apart from its arguments."""
    programs = (compiler, *(_part(compiler, name) for name in _PARTS))
    stamps = [f"{name} {status.st_size} {status.st_mtime_ns}" for name in programs if (status := Path(name).stat())]
    environment = [f"{name}={os.environ[name]}" for name in _VARIABLES if name in os.environ]
    return (*stamps, *environment, platform.machine(), *platform.libc_ver())


@cache
def _part(compiler: str, name: str) -> str:
    """Where a part of the compiler is, which has the version's bits; of a wrapper that does not say, the wrapper itself."""
    answer = run_program([compiler, f"-print-prog-name={name}"])
    found = shutil.which(answer.stdout.strip()) if answer.returncode == 0 else None
    return found or compiler


class _RefusedError(Exception):
    """The compiler refused a source, so that there is nothing to keep."""
