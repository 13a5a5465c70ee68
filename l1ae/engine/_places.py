"""Where the workers of an engine are."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Place"]


def _nothing() -> None:
    """Workers that look after themselves."""


@dataclass(frozen=True)
class Place:
    """`workers`: how many there are or were asked for. `name` it and the `remedy` where none is there: for messages.

    `present`: how many there are now; `look_after`: replaces those that are lost for good.
    """

    name: str
    workers: int
    remedy: str
    present: Callable[[], int]
    look_after: Callable[[], None] = _nothing
