"""Ctrl-C and SIGTERM: every command ends within two seconds, with all that it started, and says how it is continued."""

import os
import select
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from l1ae.cli._terminal import close_terminal
from l1ae.files import remove_in_hand
from l1ae.tools import stop_programs

__all__ = ["Interrupts"]

_STDERR = 2
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_WATCHDOG = Path(__file__).with_name("_watchdog.py")

_GRACE = 1.2
"""Seconds in which a command may take leave of what it works on, before it is ended as it is."""

_LIMIT = 1.6
"""Seconds after which a command is killed that could not be ended."""


class Interrupts:
    """Watches for signals from a thread and from a process of its own, until `close`: `message` is what is said.

    The main thread is interrupted too, and may take leave of what it works on. It may also be in a call that no handler breaks off, as of
    a library that computes or a database that is locked, or wait for other threads: then the watching thread ends everything, and where a
    library lets no thread run, the watching process. `at_once`: for commands that can be killed anywhere, and that start processes of
    which they may not know yet.
    """

    def __init__(self, message: str, *, at_once: bool) -> None:
        self._message, self._at_once = message, at_once
        self._said = threading.Lock()
        self.happened = False
        told = self._start_watchdog()
        # what libraries say while they are imported is swallowed
        self._stream = os.dup(_STDERR)
        self._thread = threading.Thread(target=self._watch, args=(told,), name="signals", daemon=True)
        self._thread.start()
        # a handler there must be: without one no signal is written to the watch
        self._handlers = {signalled: signal.signal(signalled, self._leave) for signalled in _SIGNALS}

    def close(self) -> None:
        """Watch no longer, and leave signals as they were."""
        for signalled, handler in self._handlers.items():
            signal.signal(signalled, handler)
        signal.set_wakeup_fd(-1)
        os.close(self._signals)
        self._watchdog.kill()
        self._watchdog.wait()
        # which ends as it has nobody to listen to
        self._thread.join()
        os.close(self._stream)

    def _start_watchdog(self) -> int:
        """Where it passes signals on."""
        (signals, write), (told, tell) = os.pipe(), os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        self._signals = write
        command = [sys.executable, "-I", "-S", str(_WATCHDOG), str(_LIMIT), self._message]
        self._watchdog = subprocess.Popen(command, stdin=signals, stdout=tell, start_new_session=True)
        os.close(signals)
        os.close(tell)
        return told

    def _leave(self, *_: object) -> None:
        """In the main thread, as soon as it takes signals."""
        before, self.happened = self.happened, True
        if not before and not self._at_once:
            raise KeyboardInterrupt

    def _watch(self, told: int) -> None:
        if not os.read(told, 1):
            os.close(told)
            return
        # threads wait for programs, and the main thread for them
        stop_programs()
        if not self._at_once:
            # one more signal: who asks twice does not want to wait
            select.select([told], [], [], _GRACE)
        self.end()

    def end(self) -> NoReturn:
        """End at once, whatever others do, with the message."""
        close_terminal()
        for child in _workers():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._say()
        # last: the main thread may go on until the end
        remove_in_hand()
        os._exit(1)

    def _say(self) -> None:
        """The message, once."""
        if not self._said.acquire(blocking=False):
            return
        with suppress(OSError):
            # Python's streams may be held by the thread that draws
            # the main thread has begun a new line
            begun = threading.current_thread() is threading.main_thread()
            os.write(self._stream, f"{'' if begun else chr(10)}{self._message}\n".encode())
            # so that the watchdog does not say it
            os.write(self._signals, bytes([0]))


def _workers() -> list[int]:
    """Processes of multiprocessing that this one has started, and may not know of yet; not the one that cleans up after them."""
    children = {int(pid) for place in Path("/proc/self/task").glob("*/children") for pid in place.read_text().split()}
    return [pid for pid in children if b"--multiprocessing-fork" in _command_of(pid)]


def _command_of(pid: int) -> list[bytes]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return []
