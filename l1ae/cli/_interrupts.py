"""Ctrl-C and SIGTERM: every command ends within two seconds, with all that it started, and says how it is continued."""

import os
import select
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from l1ae.cli._terminal import close_terminal
from l1ae.files import remove_in_hand
from l1ae.tools import stop_programs

__all__ = ["Interrupts"]

_STDERR = 2
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_GRACE = 1.2
"""Seconds in which a command may take leave of what it works on, before it is ended as it is."""


class Interrupts:
    """Watches for signals from a thread of its own, from now on: `message` is what is said.

    The main thread is interrupted too, and may take leave of what it works on. It may also be in a call that no handler breaks off, as of
    a library that computes or a database that is locked, or wait for other threads: then the watch ends everything. `at_once`: for
    commands that can be killed anywhere, and that start processes of which they may not know yet.
    """

    def __init__(self, message: Callable[[], str], *, at_once: bool) -> None:
        self._message, self._at_once = message, at_once
        self._said = threading.Lock()
        self.happened = False
        read, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        # what libraries say while they are imported is swallowed
        self._stream = os.dup(_STDERR)
        threading.Thread(target=self._watch, args=(read,), name="signals", daemon=True).start()
        for signalled in _SIGNALS:
            # a handler there must be: without one no signal is written to the watch
            signal.signal(signalled, self._leave)

    def _leave(self, *_: object) -> None:
        """In the main thread, as soon as it takes signals."""
        before, self.happened = self.happened, True
        if not before and not self._at_once:
            raise KeyboardInterrupt

    def _watch(self, read: int) -> None:
        _wait_for_signal(read)
        # threads wait for programs, and the main thread for them
        stop_programs()
        if not self._at_once and _signalled(read, _GRACE):
            _wait_for_signal(read)
        close_terminal()
        for child in _workers():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        remove_in_hand()
        self.say()
        os._exit(1)

    def say(self) -> None:
        """The message, once."""
        if not self._said.acquire(blocking=False):
            return
        with suppress(OSError):
            # Python's streams may be held by the thread that draws
            os.write(self._stream, f"\n{self._message()}\n".encode())


def _wait_for_signal(read: int) -> None:
    while os.read(read, 1)[0] not in _SIGNALS:
        continue


def _signalled(read: int, seconds: float) -> bool:
    """Whether one more signal comes within so many seconds: who asks twice does not want to wait."""
    return bool(select.select([read], [], [], seconds)[0])


def _workers() -> list[int]:
    """Processes of multiprocessing that this one has started, and may not know of yet; not the one that cleans up after them."""
    children = {int(pid) for place in Path("/proc/self/task").glob("*/children") for pid in place.read_text().split()}
    return [pid for pid in children if b"--multiprocessing-fork" in _command_of(pid)]


def _command_of(pid: int) -> list[bytes]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return []
