"""All campaigns or some: `python -m tests.robustness [CAMPAIGN...] [--small] [--share S]` from the root of the sources.

Without --small, docs/robustness.md tells of those that ran what they found.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
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
from tests.robustness.searches import searches
from tests.robustness.things import STAGES, make_things

_SMALL_STAGES = ("train", "trigger", "hls")
_SMALL_JOBS = ("data import", "trigger of a tree")
_SLOW = ("rtl of a tree", "synth of a tree", "verification of a tree", "delivery/cmssw of a tree", "csim of a tree")


@dataclass(frozen=True)
class Size:
    """`share`: of the trials of a full campaign, at least one of every kind of trial; `small`: a part of the kinds, for every day.

    `kept`: where a campaign that can go on after a cut keeps its pieces.
    """

    share: float = 1.0
    small: bool = False
    kept: Path | None = None

    def trials(self, full: int, small: int = 1) -> int:
        """Of the campaign, or of one kind."""
        return small if self.small else max(1, round(full * self.share))

    def jobs(self, times: Callable[[Job], int]) -> list[tuple[Job, int]]:
        """Those with any trials."""
        chosen = [(job, times(job)) for job in JOBS if not self.small or job.name in _SMALL_JOBS]
        return [(job, self.trials(full)) for job, full in chosen if full]


def _kills(job: Job) -> int:
    """Most often what is quick."""
    return 3 if job.name in _SLOW else 14 if job.name == "data import" else 6


def _disks(job: Job) -> int:
    """Most often what is quick."""
    return 0 if job.name in _SLOW else 8 if job.name == "data import" else 4


def _pairs(small: bool) -> tuple[Pair, ...]:
    return tuple(pair for pair in PAIRS if pair.name in {"data import twice"}) if small else PAIRS


CAMPAIGNS: dict[str, Callable[[Path, Path, Size], Found]] = {
    "damaged files": lambda base, work, size: damaged_files(base, work, trials=size.trials(2200, 30)),
    "full disks": lambda base, work, size: full_disks(base, work, size.jobs(_disks)),
    "concurrent pairs": lambda base, work, size: pairs(base, work, _pairs(size.small), each=size.trials(5)),
    "names and strings": lambda base, work, size: names(base, work, trials=size.trials(260, 5)),
    "kills": lambda base, work, size: kills(base, work, size.jobs(_kills)),
    "searches": lambda base, work, size: searches(work, size.trials, kept=size.kept),
}


def main() -> int:
    """Status 0 when no campaign found a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.robustness", description=__doc__)
    parser.add_argument("campaign", nargs="*", help=", ".join(CAMPAIGNS))
    parser.add_argument("--share", type=float, default=1.0, help="of the trials, for a machine with less time, for example 0.1")
    parser.add_argument("--small", action="store_true", help="a part of each, for every day")
    parser.add_argument("--base", type=Path, help="folder for what the campaigns work on; made unless it is there")
    parser.add_argument("--kept", type=Path, help="folder for the pieces of the searches; what is there is not done again")
    chosen = parser.parse_args()
    wanted = chosen.campaign or list(CAMPAIGNS)
    preload()
    with tempfile.TemporaryDirectory(prefix="robustness-") as temporary:
        base = chosen.base or Path(temporary, "base")
        # searches bring their own
        if not base.exists() and wanted != ["searches"]:
            base.mkdir(parents=True)
            make_things(base, _SMALL_STAGES if chosen.small else tuple(STAGES), ("tree",) if chosen.small else ("tiny", "tree"))
        found = {}
        for name in wanted:
            begin = time.monotonic()
            found[name] = CAMPAIGNS[name](base, Path(temporary, "work"), Size(chosen.share, chosen.small, chosen.kept))
            counted = found[name]
            faults = {kind: len(texts) for kind, texts in counted.faults.items()}
            print(f"{name}: {counted.trials} trials in {time.monotonic() - begin:.0f} s, faults: {faults or 0}")  # noqa: T201
    if not chosen.small:
        write_page(Path("docs/robustness.md"), found, chosen.share)
    return int(any(item.faults for item in found.values()))


if __name__ == "__main__":
    sys.exit(main())
