"""Compiled programs, kept from one run to the next by the digest of everything that went into them."""

import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from l1ae.errors import UserError
from l1ae.files import user_cache

__all__ = ["KEPT_VARIABLE", "compiled"]

_log = logging.getLogger(__name__)

KEPT_VARIABLE = "L1AE_COMPILED"
"""Environment variable: `off`, or how much is kept at most, in MB (1e6 bytes)."""

_DEFAULT_MB = 1000
_PARTIAL = ".partial-"
_LEFT_SECONDS = 3600.0  # no program of this package takes so long to copy


def compiled(target: Path, ingredients: Iterable[str | bytes], make: Callable[[], None]) -> bool:
    """Put the program `target` there: the one that the same `ingredients` gave before, or else the one that `make` writes to it.

    `ingredients` is everything that decides about the bytes of the program: sources, options, compiler. Programs are kept in
    $XDG_CACHE_HOME/l1ae/compiled, or ~/.cache/l1ae/compiled, by the digest of the ingredients and that of their own bytes, so that a
    damaged one is not taken. Those that were not used for longest are removed when there are more than `L1AE_COMPILED` MB (1000),
    and nothing is kept when it is `off` or the folder cannot be written. Processes may do this at the same time.

    Returns whether the program was there. Raises `UserError` when `L1AE_COMPILED` is neither.
    """
    megabytes = _megabytes()
    if megabytes is None:
        make()
        return False
    digest = hashlib.sha256()
    for item in ingredients:
        content = item.encode() if isinstance(item, str) else item
        digest.update(len(content).to_bytes(8, "little") + content)
    key = digest.hexdigest()
    with suppress(OSError, RuntimeError):  # RuntimeError: nobody's home
        if _take(user_cache("compiled"), key, target):
            _log.debug("%s: compiled before (%s)", target.name, key[:12])
            return True
    make()
    with suppress(OSError, RuntimeError):
        _keep(user_cache("compiled"), key, target)
        _make_room(user_cache("compiled"), megabytes * 1_000_000)
    return False


def _megabytes() -> float | None:
    value = os.environ.get(KEPT_VARIABLE, "").strip() or str(_DEFAULT_MB)
    if value == "off":
        return None
    if not value.isdecimal() or int(value) == 0:
        raise UserError(f"the environment variable {KEPT_VARIABLE} must be `off` or a size in MB, not '{value}'")
    return int(value)


def _take(folder: Path, key: str, target: Path) -> bool:
    """Copy a whole program of that key to `target`, if there is one."""
    for entry in sorted(folder.glob(f"{key}.*")):
        content = entry.read_bytes()
        if entry.suffix == f".{_digest(content)}":
            target.write_bytes(content)
            target.chmod(0o755)
            os.utime(entry)
            return True
        _log.warning("'%s' is damaged and removed; the program is compiled again", entry)
        entry.unlink(missing_ok=True)
    return False


def _keep(folder: Path, key: str, target: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=_PARTIAL, dir=folder)
    os.close(descriptor)
    partial = Path(name)
    try:
        # its digest is of what was read, whatever becomes of the file while it is written
        content = target.read_bytes()
        partial.write_bytes(content)
        partial.rename(folder / f"{key}.{_digest(content)}")
    finally:
        partial.unlink(missing_ok=True)


def _make_room(folder: Path, most: float) -> None:
    """Remove what killed processes left, and what was not used for longest until no more than `most` bytes are there."""
    entries = []
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            status = path.stat()
            if not path.name.startswith(_PARTIAL):
                entries.append((status.st_mtime, status.st_size, path))
            elif time.time() - status.st_mtime > _LEFT_SECONDS:
                path.unlink()
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= most:
            return
        path.unlink(missing_ok=True)
        total -= size


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
