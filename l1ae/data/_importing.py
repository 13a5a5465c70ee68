"""What the importers of foreign files have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l1ae.data._store import Events

__all__ = ["ImportResult", "Progress", "Tally"]

Progress = Callable[[int, int], None]
"""Called after every block with the number of events done and the total."""


@dataclass(frozen=True)
class ImportResult:
    """What an import wrote.

    `reordered` counts the events whose objects were not in order of falling pT, or had empty slots between filled
    ones, and were put in order.
    """

    path: Path
    events: int
    per_process: Mapping[str, int]
    reordered: int


class Tally:
    """Counts events per process while blocks go by."""

    def __init__(self, processes: tuple[str, ...]) -> None:
        self._processes = processes
        self._counts = np.zeros(len(processes), np.int64)

    def add(self, events: Events) -> None:
        """Count a block."""
        self._counts += np.bincount(events.process, minlength=len(self._counts))

    def result(self, path: Path, reordered: int) -> ImportResult:
        """The result once all blocks are written."""
        counts = self._counts.tolist()
        return ImportResult(path, sum(counts), dict(zip(self._processes, counts, strict=True)), reordered)
