"""docs/robustness.md."""

import re
from collections.abc import Mapping
from pathlib import Path

from tests.robustness.found import Found

__all__ = ["write_page"]

_HEAD = """# Interrupts, full disks, concurrency, damage and hostile names

Written by `make robustness` (`python -m tests.robustness`): programs with fixed seeds that disturb every stage of a run, and count what
must not happen. Parts of all run in `make test-all`. The folders are those of a variational autoencoder and of a density tree, trained on
2,000 events, with every stage from data to verified deliveries.

<!-- results: robustness#campaigns -->
| campaign | trials | refused with a message | went through | faults |
|---|---|---|---|---|
"""

_TAIL = """
What counts as a fault:

- **damaged files**: bytes cut, flipped, zeroed, inserted, exchanged; values of JSON and YAML of another type, out of range, missing,
  nested; arrays of numpy and HDF5 of another type or shape, headers of 10^12 elements, members that unpack to gigabytes. A fault is a
  traceback, an end by a signal, no end within a minute, a message that blames the path, and a command that ends with status 0 and another
  answer without naming the file.
- **full disks**: a disk in memory with room for a part of what a command writes (ENOSPC). A fault is a traceback, an end by a signal,
  another status than 1 or another message than that no space is left, a half result that looks whole, and a next run, with room, that
  fails or makes other bytes.
- **concurrent pairs**: two commands on one run folder, output or folder of shards. A fault is a mixture of both, a second comer that is
  not told who holds it, both refused, and a traceback.
- **names and strings**: strings that a shell, make, Tcl, C++, VHDL, YAML, HTML or a file system would take for more than a name, and
  numbers beyond every range. A fault is a traceback and whatever was executed.
- **kills**: SIGKILL, SIGTERM and SIGINT at random times of every stage. A fault is a process that outlives its parent by ten seconds, a
  half result that looks whole, a next run that fails or makes other bytes than an undisturbed one, temporary files that are left after
  that, and an interrupt that takes more than ten seconds.
- **searches**: the client of a search, a worker or the scheduler is killed, its PostgreSQL server stopped and started, its SQLite file
  locked, lost, or replaced by an older one, the disk of its trials or of its database filled, each at random times. Trainings are
  pretended and write a line each. A fault is a trial that finished and is lost or changed, a training of it that is done again, a database
  that says otherwise than the files, a search of one worker that ends with other results than an undisturbed one, an end without a word
  on how to continue, and an interrupt that takes more than two seconds.

How long something took, which JSON files and the checkpoint of a training hold, is no difference of bytes.
"""


def write_page(path: Path, found: Mapping[str, Found], share: float) -> None:
    """One row for each campaign, how many trials there were of what, and every fault; `share` of the trials of a full one.

    What the page says of campaigns that are not in `found` stays.
    """
    rows, trials, faults = _said(path)
    size = "all of it" if share == 1 else f"a share of {share:g}"
    for name, item in found.items():
        rows[name] = [f"| {name} | {_row(item)} |"]
        trials[name] = [f"- {name} ({size}): " + ", ".join(f"{kind} {count}" for kind, count in sorted(item.kinds.items()))]
        faults[name] = [f"- {name}: {_line(text)}" for texts in item.faults.values() for text in texts]
    table, counts, listed = ("\n".join(line for lines in part.values() for line in lines) for part in (rows, trials, faults))
    path.write_text(_HEAD + table + "\n" + _TAIL + _TRIALS + counts + _FAULTS + (listed or "none") + "\n")


def _said(path: Path) -> tuple[dict[str, list[str]], ...]:
    """Lines of a page by campaign: of its table, of its trials, and of its faults."""
    text = path.read_text() if path.exists() else ""
    head, _, tail = text.partition(_TRIALS)
    found: tuple[dict[str, list[str]], ...] = ({}, {}, {})
    for part, said, pattern in zip(
        found, (head, *tail.partition(_FAULTS)[::2]), (r"\| ([^|]+) \|(?: [\d,]+ \|)+", r"- ([^(:]+) \(.*", r"- ([^:]+): .*"), strict=True
    ):
        for line in said.splitlines():
            if matched := re.fullmatch(pattern, line):
                part.setdefault(matched[1], []).append(line)
    return found


_TRIALS = "\nTrials, of the full campaigns or of a share of them (`--share`) with at least one of a kind:\n\n"
_FAULTS = "\n\nFaults:\n\n"


def _line(text: str) -> str:
    """The first line of a fault."""
    return f"`{text.splitlines()[0][:300]}`"


def _row(found: Found) -> str:
    return " | ".join(f"{count:,}" for count in (found.trials, found.refused, found.unharmed, sum(map(len, found.faults.values()))))
