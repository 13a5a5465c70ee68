"""All campaigns or some: `python -m tests.robustness [CAMPAIGN...] [--small]` from the root of the sources.

All of them write docs/robustness.md.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.robustness.commands import preload
from tests.robustness.damaged import damaged_files
from tests.robustness.disks import full_disks
from tests.robustness.found import Found
from tests.robustness.jobs import JOBS, Job
from tests.robustness.kills import kills
from tests.robustness.names import names
from tests.robustness.page import write_page
from tests.robustness.pairs import PAIRS, Pair, pairs
from tests.robustness.things import STAGES, make_things

_SMALL_STAGES = ("train", "trigger", "hls")
_SMALL_JOBS = ("data import", "trigger of a tree")
_SLOW = ("rtl of a tree", "synth of a tree", "verification of a tree", "delivery/cmssw of a tree", "csim of a tree")


def _kill_jobs(small: bool) -> list[tuple[Job, int]]:
    """Most often what is quick."""
    if small:
        return [(job, 1) for job in JOBS if job.name in _SMALL_JOBS]
    return [(job, 3 if job.name in _SLOW else 14 if job.name == "data import" else 6) for job in JOBS]


def _pairs(small: bool) -> tuple[Pair, ...]:
    return tuple(pair for pair in PAIRS if pair.name in {"data import twice"}) if small else PAIRS


def _disk_jobs(small: bool) -> list[tuple[Job, int]]:
    """Most often what is quick."""
    if small:
        return [(job, 1) for job in JOBS if job.name in _SMALL_JOBS]
    return [(job, 8 if job.name == "data import" else 4) for job in JOBS if job.name not in _SLOW]


CAMPAIGNS: dict[str, Callable[[Path, Path, bool], Found]] = {
    "damaged files": lambda base, work, small: damaged_files(base, work, trials=30 if small else 2200),
    "full disks": lambda base, work, small: full_disks(base, work, _disk_jobs(small)),
    "concurrent pairs": lambda base, work, small: pairs(base, work, _pairs(small), each=1 if small else 5),
    "names and strings": lambda base, work, small: names(base, work, trials=5 if small else 260),
    "kills": lambda base, work, small: kills(base, work, _kill_jobs(small)),
}


def main() -> int:
    """Status 0 when no campaign found a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.robustness", description=__doc__)
    parser.add_argument("campaign", nargs="*", help=", ".join(CAMPAIGNS))
    parser.add_argument("--small", action="store_true", help="a part of each, for every day")
    parser.add_argument("--base", type=Path, help="folder for what the campaigns work on; made unless it is there")
    chosen = parser.parse_args()
    wanted = chosen.campaign or list(CAMPAIGNS)
    preload()
    with tempfile.TemporaryDirectory(prefix="robustness-") as temporary:
        base = chosen.base or Path(temporary, "base")
        if not base.exists():
            base.mkdir(parents=True)
            make_things(base, _SMALL_STAGES if chosen.small else tuple(STAGES), ("tree",) if chosen.small else ("tiny", "tree"))
        found = {}
        for name in wanted:
            begin = time.monotonic()
            found[name] = CAMPAIGNS[name](base, Path(temporary, "work"), chosen.small)
            counted = found[name]
            faults = {kind: len(texts) for kind, texts in counted.faults.items()}
            print(f"{name}: {counted.trials} trials in {time.monotonic() - begin:.0f} s, faults: {faults or 0}")  # noqa: T201
    if not chosen.small and len(wanted) == len(CAMPAIGNS):
        write_page(Path("docs/robustness.md"), found)
    return int(any(item.faults for item in found.values()))


if __name__ == "__main__":
    sys.exit(main())
