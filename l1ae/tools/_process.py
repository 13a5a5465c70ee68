"""External programs, none of which outlives the process that wants it."""

import errno
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from l1ae.errors import UserError
from l1ae.files import scratch

__all__ = ["answer_of", "run_program", "started", "stop_programs"]

_GUARD = Path(__file__).with_name("_guard.py")


class _Running:
    """The ends of the pipes that keep programs alive."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.ends: set[IO[bytes]] = set()
        self.stopped = False

    def add(self, end: IO[bytes]) -> None:
        with self.lock:
            if self.stopped:
                end.close()
            self.ends.add(end)

    def remove(self, end: IO[bytes]) -> None:
        with self.lock:
            self.ends.discard(end)
            end.close()

    def stop(self) -> None:
        with self.lock:
            self.stopped = True
            for end in self.ends:
                end.close()


_running = _Running()


def stop_programs() -> None:
    """Kill every program that runs now with all that it started; whatever this process starts later is killed at once."""
    _running.stop()


@contextmanager
def started(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdout: IO[Any] | int = subprocess.PIPE,
    stderr: IO[Any] | int = subprocess.PIPE,
) -> Iterator[subprocess.Popen[Any]]:
    """A program in a process group of its own, killed with all that it started when the block ends, and when this process ends.

    `environment`: all of it, ours if None; TMPDIR becomes a folder that goes with it, as killed compilers leave files there. It reads
    nothing from standard input. Raises `FileNotFoundError` when there is no such program.
    """
    words = [str(word) for word in command]
    if shutil.which(words[0], path=(environment or os.environ).get("PATH")) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), words[0])
    with scratch("program") as temporary:
        variables = {**(os.environ if environment is None else environment), "TMPDIR": str(temporary)}
        with _guarded(words, folder, variables, stdout, stderr) as process:
            yield process


@contextmanager
def _guarded(
    words: Sequence[str], folder: Path | None, environment: Mapping[str, str], stdout: IO[Any] | int, stderr: IO[Any] | int
) -> Iterator[subprocess.Popen[Any]]:
    read, write = os.pipe()
    end = os.fdopen(write, "wb")
    _running.add(end)
    try:
        guarded = [sys.executable, "-I", "-S", str(_GUARD), *words]
        process = subprocess.Popen(
            guarded, cwd=folder, env=environment, stdin=read, stdout=stdout, stderr=stderr, start_new_session=True, text=True
        )
    except BaseException:
        _running.remove(end)
        raise
    finally:
        os.close(read)
    try:
        yield process
    finally:
        _running.remove(end)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        process.wait()


def run_program(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
    together: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end in `folder` and keep what it writes; with `together` its errors are in its output.

    `environment` as for `started`; `timeout` is in seconds. Raises `FileNotFoundError` when there is no such program and
    `subprocess.TimeoutExpired` when it does not end.
    """
    stderr = subprocess.STDOUT if together else subprocess.PIPE
    with started(command, folder=folder, environment=environment, stderr=stderr) as process:
        output, errors = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(list(command), process.returncode, output, errors)


def answer_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """What `command` prints. `environment` is added to ours.

    Raises `UserError` with what it said when it fails or does not answer within a minute.
    """
    try:
        result = run_program(command, environment=os.environ | dict(environment or {}), timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"`{' '.join(command)}` does not run: {error}") from error
    if result.returncode != 0:
        raise UserError(f"`{' '.join(command)}` fails: {(result.stderr or result.stdout).strip()}")
    return result.stdout
