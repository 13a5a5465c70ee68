"""The process that learns first of a signal: `python -I -S _watchdog.py SECONDS MESSAGE`; it imports little, to start fast.

The C handler of the command, its parent, writes each signal to standard input, whatever the command does. It is passed on to standard
output, where a thread of the command waits for it. What a library computes without giving Python's lock back lets no thread run: when the
command lives SECONDS after a signal, it is killed from here with its workers, after MESSAGE; programs end as their guards see it go.
"""

import math
import os
import select
import signal
import sys
import time
from pathlib import Path

_SAID = 0
"""No signal: the command has said that it was interrupted."""

_WORKER = b"--multiprocessing-fork"


def _main(seconds: float, message: str) -> None:
    command = os.getppid()
    try:
        ended = os.pidfd_open(command)
    except ProcessLookupError:
        return
    deadline, said = math.inf, False
    while time.monotonic() < deadline:
        left = None if deadline == math.inf else deadline - time.monotonic()
        ready, _, _ = select.select([0, ended], [], [], left)
        if ended in ready:
            return
        if 0 not in ready:
            continue
        found = os.read(0, 1)
        if not found:
            # only the command holds the other end
            return
        number = found[0]
        if number == _SAID:
            # it is about to end
            deadline, said = deadline + seconds, True
        elif number in (signal.SIGINT, signal.SIGTERM):
            os.write(1, bytes([number]))
            deadline = min(deadline, time.monotonic() + seconds)
    _end(command, ended, "" if said else message)


def _end(command: int, ended: int, message: str) -> None:
    """Its workers before they would become someone else's."""
    workers = [pid for pid in _children(command) if _WORKER in _words(pid)]
    for pid in (*workers, command):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    select.select([ended], [], [], 1.0)
    shown = "\x1b[?25h" if os.isatty(2) else ""
    os.write(2, f"{shown}\n{message}\n".encode() if message else b"")


def _children(pid: int) -> list[int]:
    return [int(child) for place in Path(f"/proc/{pid}/task").glob("*/children") for child in place.read_text().split()]


def _words(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


if __name__ == "__main__":
    _main(float(sys.argv[1]), sys.argv[2])
