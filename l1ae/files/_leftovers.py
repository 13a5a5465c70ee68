"""Files of work in hand, which whoever ends this process at once removes before."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["in_hand", "remove_in_hand"]

_lock = threading.Lock()
_paths: list[Path] = []


@contextmanager
def in_hand(*paths: Path) -> Iterator[None]:
    """`paths` mean nothing once the block is not there any more to finish them. The block removes them by itself where it ends."""
    with _lock:
        _paths.extend(paths)
    try:
        yield
    finally:
        with _lock:
            for path in paths:
                _paths.remove(path)


def remove_in_hand() -> None:
    """Remove them all. For a process that ends at the next instruction: what works on them is not asked."""
    with _lock:
        paths = tuple(_paths)
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):
            path.unlink()
