"""Writing under a temporary name and renaming, so that a file is whole or absent."""

import errno
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from l1ae.errors import UserError
from l1ae.files._leftovers import in_hand
from l1ae.files._lock import held

__all__ = ["is_full", "remove_left", "replacing", "write_bytes", "write_json", "write_text"]

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# numpy and HDF5 say it in words only
_SAY_FULL = re.compile(r"errno = (28|122|27)\b|No space left|quota exceeded|File too large|requested and \d+ written", re.IGNORECASE)


def is_full(error: BaseException) -> bool:
    """Whether an error, or what it came from, says that a disk, a quota or a file is full."""
    found: BaseException | None = error
    while found is not None:
        # HDF5 below Keras raises RuntimeError
        if isinstance(found, OSError | RuntimeError) and (getattr(found, "errno", None) in _FULL or _SAY_FULL.search(str(found))):
            return True
        found = found.__cause__ or found.__context__
    return False


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path in the folder of `path`, for the block to write a file to; then it replaces `path`.

    When the block fails, nothing is left and `path` is as it was. What a killed process left under that name is overwritten by
    the next one. Raises `UserError` when another process writes the same file now, or `path` is a folder ("." and "" are).
    """
    if path.is_dir():
        raise UserError(f"'{path}' is a folder; name a file to write")
    temporary = path.with_name(f".{path.name}.tmp")
    with held(path):
        try:
            with in_hand(temporary):
                yield temporary
                temporary.replace(path)
        except BaseException:
            # before whoever still has it open writes more: it gives back the space of a full disk
            with suppress(OSError):
                os.truncate(temporary, 0)
            with suppress(OSError):
                temporary.unlink()
            raise


def remove_left(folder: Path) -> None:
    """Remove what killed processes left of files that they were writing into a folder."""
    for temporary in folder.glob(".*.tmp"):
        final = temporary.with_name(temporary.name[1:].removesuffix(".tmp"))
        with suppress(UserError, OSError), held(final):
            temporary.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all. Raises `ValueError` for what JSON cannot hold, numbers that are none included."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")
