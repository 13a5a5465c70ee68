"""How long an interrupt takes, and which processes it leaves."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["catches", "descendants", "interrupted", "lives"]


def lives(pid: int) -> bool:
    """Whether a process has not ended; its status may wait."""
    return Path(f"/proc/{pid}/exe").exists()


def catches(pid: int, which: signal.Signals) -> bool:
    """Whether a process has a handler of a signal."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (which - 1) & 1)
    return False


def interrupted(pid: int, how: signal.Signals, patience: float = 60.0) -> float:
    """Seconds from a signal to the end of the process, but for those in which its threads waited for a processor."""
    queued = _queued(pid)
    waited = dict(queued)
    os.kill(pid, how)
    begin = time.monotonic()
    while lives(pid) and time.monotonic() < begin + patience:
        waited.update(_queued(pid))
        time.sleep(0.01)
    took = time.monotonic() - begin
    return took - max((waited[thread] - queued.get(thread, 0.0) for thread in waited), default=0.0)


def _queued(pid: int) -> dict[str, float]:
    """Seconds that each thread of a process has waited for a processor."""
    found = {}
    for place in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):
            found[place.parent.name] = int(place.read_text().split()[1]) / 1e9
    return found


def descendants(pid: int) -> list[int]:
    """Living processes that a process has started, and theirs."""
    found = []
    for place in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, place.read_text().split()):
                found += [child, *descendants(child)]
    return found
