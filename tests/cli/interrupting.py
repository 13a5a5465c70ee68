"""`python -m tests.cli.interrupting BASE FILE`: every command that takes time, interrupted in the middle of its work.

Makes what the commands work on in BASE, and appends to FILE a line of JSON for each: a `Trial`.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.robustness.commands import Child, fresh, preload, start
from tests.robustness.things import STAGES, make_things, words
from tests.search.interrupts import interrupted

__all__ = ["CASES", "Case", "Trial"]

_ROWS = 400_000


@dataclass(frozen=True)
class Case:
    """A command; it is in the middle of its work once `begun` is there. What may be `kept`, and what must not be there (`output`)."""

    name: str
    words: tuple[str, ...]
    begun: str
    output: str = ""
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trial:
    """What came of it: seconds that it was in its work, seconds from the signal to its end, status (None: none), and the rest."""

    name: str
    how: str
    worked: float
    seconds: float
    status: int | None
    said: str
    orphans: int
    left: list[str]
    changed: list[str]


def _stage(name: str, run: str) -> Case:
    hidden = f"{run}/.tmp-{name.replace('/', '-')}" if name != "report" else f"{run}/.lock"
    kept = {"train": (f"{run}/.tmp-train",), "report": (f"{run}/resources.json",)}.get(name, ())
    return Case(f"{name} of {run}", tuple(words(name, run)), hidden, kept=kept)


_IMPORT = ("data", "import", "tables/many.csv", "--map", "tables/map.yaml", "-o", "new.h5")
_GENERATE = ("data", "generate", "--sample", "mine", "--config", "configs/generator.yaml", "--events", "100000", "-o", "made/new.h5")

CASES: tuple[Case, ...] = (
    *(_stage(name, "tiny" if name in {"train", "latent"} else "tree") for name in STAGES),
    _stage("evaluation", "tiny"),
    _stage("csim", "tiny"),
    _stage("rtl", "tiny"),
    _stage("synth", "tiny"),
    Case("run", ("run", "configs/tree.yaml", "--run", "again", "--to", "csim"), "again/.tmp-csim", kept=("again",)),
    Case("compare", ("compare", "tiny", "tree", "-o", "page.html", "--replicas", "200000"), "", "page.html"),
    Case("data import", _IMPORT, ".new.h5.tmp", "new.h5"),
    Case("data generate, two workers", (*_GENERATE, "--workers", "2"), "made/shards/detector", "made/new.h5", kept=("made",)),
    Case("data generate, no worker", (*_GENERATE, "--workers", "1"), "made/shards/truth", "made/new.h5", kept=("made",)),
)


def _main(base: Path, results: Path) -> None:
    preload()
    base.mkdir(parents=True)
    make_things(base, tuple(STAGES), ("tiny", "tree"))
    _many_rows(base / "tables")
    with results.open("a") as file:
        for number, case in enumerate(CASES):
            trial = _trial(case, base, base.parent / "work", (signal.SIGINT, signal.SIGTERM)[number % 2])
            file.write(json.dumps(asdict(trial)) + "\n")
            file.flush()


def _many_rows(folder: Path) -> None:
    header, *rows = (folder / "t.csv").read_text().splitlines()
    (folder / "many.csv").write_text("\n".join([header, *rows * (_ROWS // len(rows))]) + "\n")


def _trial(case: Case, base: Path, work: Path, how: signal.Signals) -> Trial:
    """Interrupted as late as possible: what ended before, or had put its result into its place, is interrupted sooner."""
    for after in (1.5, 0.5, 0.1, 0.02, 0.0):
        fresh(base, work)
        before = _files(work)
        child = start(case.words, work)
        worked = _wait_for_work(child, work / case.begun if case.begun else None, after)
        seconds = interrupted(child.pid, how) if child.lives else 0.0
        ended = child.wait(time.monotonic() - child.begin + 60)
        now = _files(work)
        changed = sorted(name for name in before if now.get(name) != before[name] and not name.startswith(case.kept or ("\0",)))
        if ended.status != 0 and not any(name.endswith("manifest.json") for name in changed):
            break
    orphans = child.orphans(patience=2.0)
    left = sorted(name for name in _files(work).keys() - before.keys() if not name.startswith(case.kept or ("\0",)))
    return Trial(case.name, how.name, worked, seconds, ended.status, ended.said, len(orphans), left, changed)


def _wait_for_work(child: Child, sign: Path | None, after: float) -> float:
    """Seconds for which it has worked: about `after`, less where it ends before."""
    end = time.monotonic() + 300
    while sign is not None and not sign.exists() and child.lives and time.monotonic() < end:
        time.sleep(0.002)
    begin = time.monotonic()
    while time.monotonic() < begin + after and child.lives:
        time.sleep(0.002)
    return time.monotonic() - begin


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file, by path; what is hidden is a file, too."""
    return dict(_listed(folder, folder))


def _listed(root: Path, folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    for entry in os.scandir(folder):
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _listed(root, path)
        else:
            status = entry.stat(follow_symlinks=False)
            yield str(path.relative_to(root)), (status.st_size, status.st_mtime_ns)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]))
