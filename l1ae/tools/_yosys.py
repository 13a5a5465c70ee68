"""yosys from the Python package pyosys: run one script in a process of its own, within a memory limit and a time limit."""

import importlib.util
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from l1ae.errors import UserError
from l1ae.tools._process import started

__all__ = ["YosysRun", "abc_program", "run_yosys", "yosys_version"]

_WORKER = Path(__file__).with_name("_yosys_worker.py")
_POLL_SECONDS = 0.02
_GIGABYTE = 1e9
# What yosys, Python, the loader and abc write when an allocation fails.
_MEMORY_MESSAGES = ("bad_alloc", "MemoryError", "annot allocate memory", "ut of memory", "failed to map segment", "return code 134")


@dataclass(frozen=True)
class YosysRun:
    """One finished run: wall time, CPU time, largest resident memory of yosys or of abc in GB (1e9 bytes), and the log."""

    seconds: float
    cpu_seconds: float
    peak_gb: float
    log: str


def yosys_version() -> str:
    """For example `pyosys 0.70`; raises `UserError` when it is not installed."""
    _check_installed()
    try:
        return f"pyosys {version('pyosys')}"
    except PackageNotFoundError as error:
        raise UserError("pyosys has no version; install it again with `pip install 'l1ae[rtl]'`") from error


def abc_program() -> Path:
    """The abc that belongs to this yosys; raises `UserError` when it is missing."""
    _check_installed()
    spec = importlib.util.find_spec("pyosys")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        if (program := Path(folder) / "yosys-abc").is_file():
            return program
    raise UserError("pyosys was installed without its yosys-abc; install it again with `pip install 'l1ae[rtl]'`")


def run_yosys(script: str, folder: Path, *, memory_gb: float, timeout: float) -> YosysRun:
    """Run a yosys script with `folder` as working directory; temporary files stay in it.

    `memory_gb` (1e9 bytes) limits the address space of yosys and of each abc that it starts; `timeout` is in seconds.
    Raises `UserError` with the end of the log when yosys stops with an error, needs more memory or more time. The whole
    log stays in `folder/yosys.log`.
    """
    _check_installed()
    (folder / "run.ys").write_text(script)
    log = folder / "yosys.log"
    command = [sys.executable, "-P", str(_WORKER), "run.ys", str(int(memory_gb * _GIGABYTE))]
    begin = time.monotonic()
    with log.open("wb") as stream:
        environment = {**os.environ, "TMPDIR": str(folder)}
        with started(command, folder=folder, environment=environment, stdout=stream, stderr=subprocess.STDOUT) as process:
            status, usage = _wait(process, timeout)
    # A run that failed left no figure; getrusage(2) is then an upper bound, in kilobytes.
    peak = folder / "peak_kb"
    peak_gb = (int(peak.read_text()) if peak.is_file() else usage.ru_maxrss) * 1024 / _GIGABYTE
    text = log.read_text(errors="replace")
    if status is None:
        raise UserError(f"yosys did not finish within {timeout:.0f} s and was stopped; allow more time or make the design smaller")
    if status != 0:
        raise UserError(_explain(status, text, peak_gb, memory_gb))
    return YosysRun(time.monotonic() - begin, usage.ru_utime + usage.ru_stime, peak_gb, text)


def _check_installed() -> None:
    if importlib.util.find_spec("pyosys") is None:
        raise UserError("yosys is missing; install it with `pip install 'l1ae[rtl]'` (Python package pyosys)")


def _wait(process: subprocess.Popen[Any], timeout: float) -> tuple[int | None, resource.struct_rusage]:
    """(exit status or None after a timeout, what the process and its children used).

    `wait4` and not `Popen.wait`, because only it tells what this one child used; the children of a process that is gone
    are killed with its group.
    """
    deadline = time.monotonic() + timeout
    stopped = False
    while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
        if not stopped and time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            stopped = True
        time.sleep(_POLL_SECONDS)
    process.returncode = os.waitstatus_to_exitcode(ended[1])
    return (None if stopped else process.returncode), ended[2]


def _explain(status: int, log: str, peak_gb: float, memory_gb: float) -> str:
    tail = "\n".join(log.strip().splitlines()[-8:])
    if status in (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGKILL) or any(text in log for text in _MEMORY_MESSAGES):
        return (
            f"yosys stopped because it needs more than the {memory_gb:.2f} GB it was given (it used {peak_gb:.2f} GB);"
            f" give it more memory or make the design smaller. The end of its log:\n{tail}"
        )
    errors = [line for line in log.splitlines() if "ERROR:" in line]
    return f"yosys refused the design: {errors[-1]}" if errors else f"yosys ended with status {status}. The end of its log:\n{tail}"
