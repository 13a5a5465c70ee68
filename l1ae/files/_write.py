"""Writing under a temporary name and renaming, so that a file is whole or absent."""

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from l1ae.files._lock import held

__all__ = ["NO_SPACE", "replacing", "write_bytes", "write_json", "write_text"]

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says when a disk, a quota or a file is full."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path in the folder of `path`, for the block to write a file to; then it replaces `path`.

    When the block fails, nothing is left and `path` is as it was. What a killed process left under that name is overwritten by
    the next one. Raises `UserError` when another process writes the same file now.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    with held(path):
        try:
            yield temporary
            temporary.replace(path)
        except BaseException:
            # before whoever still has it open writes more: it gives back the space of a full disk
            with suppress(OSError):
                os.truncate(temporary, 0)
            with suppress(OSError):
                temporary.unlink()
            raise


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
