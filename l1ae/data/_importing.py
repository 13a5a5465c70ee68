"""What the importers of foreign files have in common."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from l1ae.data._store import Events, StoreWriter
from l1ae.inputs import Layout
from l1ae.progress import task

__all__ = ["ImportResult", "Progress", "write_blocks"]

log = logging.getLogger("l1ae")

Progress = Callable[[int, int], None]
"""Called after every block with the number of events done and the total."""


@dataclass(frozen=True)
class ImportResult:
    """What an import wrote.

    `reordered` counts the events whose objects were not in the order of their group's sort key, or had empty slots between
    filled ones, and were put in order. `left_out` counts events that are not in the store, by reason.
    """

    path: Path
    events: int
    per_process: Mapping[str, int]
    reordered: int
    left_out: Mapping[str, int] = field(default_factory=dict)


def write_blocks(
    blocks: Iterable[tuple[Events, int]],
    output: Path,
    layout: Layout,
    *,
    sample: str,
    processes: Sequence[str],
    provenance: Mapping[str, object],
    total: int,
    progress: Progress | None,
) -> ImportResult:
    """Write blocks, each with its number of reordered events, into a store; about `total` events are expected."""
    counts, reordered = np.zeros(len(processes), np.int64), 0
    writing = StoreWriter(output, layout, sample=sample, processes=processes, provenance=provenance)
    with writing as writer, task(f"importing {output.name}", total=total, unit="events") as imported:
        for events, changed in blocks:
            writer.append(events)
            counts += np.bincount(events.process, minlength=len(counts))
            reordered += changed
            imported.update(writer.written, max(total, writer.written))
            if progress is not None:
                progress(writer.written, max(total, writer.written))
        if progress is not None and writer.written != total:
            progress(writer.written, writer.written)
    log.info("%s: %d events, objects of %d of them were put in order", output, int(counts.sum()), reordered)
    return ImportResult(Path(output), int(counts.sum()), dict(zip(processes, counts.tolist(), strict=True)), reordered)
