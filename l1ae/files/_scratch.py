"""Temporary folders, which a process that was killed leaves to the next one to remove."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from l1ae.files._leftovers import in_hand

__all__ = ["scratch"]

_PREFIX = "l1ae-"
_HELD = ".held"


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A temporary folder in $TMPDIR for the block. Those of processes that were killed are removed first."""
    base = Path(tempfile.gettempdir())
    for left in base.glob(f"{_PREFIX}*/{_HELD}"):
        _remove_if_left(left)
    # under another name until it is locked, so that nobody takes it for a left one
    new = Path(tempfile.mkdtemp(prefix=".l1ae-", dir=base))
    with (new / _HELD).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        folder = new.rename(base / f"{_PREFIX}{name}-{new.name.removeprefix('.l1ae-')}")
        try:
            with in_hand(folder):
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_if_left(held: Path) -> None:
    with suppress(OSError), held.open("r+") as file:
        if os.fstat(file.fileno()).st_uid != os.getuid():
            return
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(held.parent, ignore_errors=True)
