"""Where results that can be made again are kept from one run to the next."""

import os
from pathlib import Path

__all__ = ["user_cache"]


def user_cache(kind: str) -> Path:
    """The folder for one kind of result: $XDG_CACHE_HOME/l1ae/KIND, or ~/.cache/l1ae/KIND. It need not exist."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "l1ae" / kind
