"""One writer at a time of a folder or file."""

import contextlib
import fcntl
import json
import os
import shlex
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from l1ae.errors import UserError
from l1ae.files._leftovers import in_hand

__all__ = ["held"]

_mine: dict[Path, int] = {}
_guard = threading.Lock()
_LOOKS = 20
"""Whoever holds a lock since a moment ago has not yet written into it who it is."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a folder (by a file `.lock` in it) or a file (by a file beside it) for this process while the block runs.

    A process may hold the same path several times. The lock ends with the process, however it ends (flock(2)). Raises
    `UserError` that says who holds it when another process does.
    """
    lock = path / ".lock" if path.is_dir() else path.with_name(f".{path.name}.lock")
    lock = lock.absolute()
    with _guard:
        count = _mine.get(lock, 0)
        file = None if count else _acquire(lock, path)
        _mine[lock] = count + 1
    try:
        with in_hand(*([] if file is None else [lock])):
            yield
    finally:
        _leave(lock)
        if file is not None:
            with contextlib.suppress(OSError):
                lock.unlink()
            file.close()


def _leave(lock: Path) -> None:
    with _guard:
        _mine[lock] -= 1
        if not _mine[lock]:
            del _mine[lock]


def _acquire(lock: Path, path: Path) -> TextIO:
    while True:
        file = lock.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with file:
                raise UserError(f"'{path}' is being written by {_holder(file)}; wait until it ends, or write elsewhere") from None
        # who held it before may have removed the file that was opened here
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(lock.stat(), os.fstat(file.fileno())):
                _say_who(file)
                return file
        file.close()


def _say_who(file: TextIO) -> None:
    file.truncate(0)
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    since = datetime.now(UTC).isoformat(timespec="seconds")
    file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "command": command, "since": since}))
    file.flush()


def _holder(file: TextIO) -> str:
    for _ in range(_LOOKS):
        file.seek(0)
        with contextlib.suppress(ValueError, KeyError, TypeError):
            who = json.loads(file.read())
            return f"process {int(who['pid'])} on {who['host']} (`{who['command']}`, since {who['since']})"
        time.sleep(0.01)
    return "another process"
