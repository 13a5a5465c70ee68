"""Kills at random times in every stage: nothing half made looks whole, nothing lives on, and the next run makes the same bytes."""

import os
import random
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from tests.robustness.commands import Child, Ended, run, start
from tests.robustness.found import Found
from tests.robustness.jobs import Job

__all__ = ["kills"]

_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def kills(base: Path, work: Path, jobs: Sequence[tuple[Job, int]], *, seed: int = 1) -> Found:
    """Kill every job a number of times, spread at random over how long it takes undisturbed."""
    rng, found = random.Random(seed), Found()
    for job, each in jobs:
        job.prepare(base, work)
        undisturbed = run(job.words, work, temporary=_temporary(work), limit=900)
        if undisturbed.status != 0:
            raise RuntimeError(f"{job.name} fails undisturbed: {undisturbed.said[-800:]}")
        expected = job.result(work)
        for k in range(each):
            share = (k + rng.random()) / each
            job.prepare(base, work)
            _kill(job, work, expected, share * undisturbed.seconds, rng.choice(_SIGNALS), found)
    shutil.rmtree(work, ignore_errors=True)
    return found


def _temporary(work: Path) -> Path:
    folder = work / "temporary files [1]"
    folder.mkdir(exist_ok=True)
    return folder


def _kill(job: Job, work: Path, expected: dict[str, str], after: float, how: signal.Signals, found: Found) -> None:
    found.count(job.name)
    what = f"{job.name} after {after:.2f} s by {how.name}"
    temporary = _temporary(work)
    child = start(job.words, work, temporary=temporary)
    ended = _ended_by(child, after, how)
    if how is not signal.SIGKILL:
        found.ended(what, ended)
        if ended.seconds - after > 10:
            found.fault("slow to end", f"{what}: {ended.seconds - after:.1f} s")
    if orphans := child.orphans():
        found.fault("orphans", f"{what}: {len(orphans)}")
    if problem := job.half(work, expected):
        found.fault("half results", f"{what}: {problem}")
    again = run(job.words, work, temporary=temporary, limit=900)
    if again.status != 0:
        found.fault("no second run", f"{what}: {again.said[-800:]}")
    elif job.result(work) != expected:
        now = job.result(work)
        found.fault("other bytes", f"{what}: {[name for name in expected.keys() | now.keys() if expected.get(name) != now.get(name)][:5]}")
    if left := [str(path.relative_to(work)) for path in job.left(work)] + [path.name for path in temporary.iterdir()]:
        found.fault("leftovers", f"{what}: {left[:6]}")


def _ended_by(child: Child, after: float, how: signal.Signals) -> Ended:
    time.sleep(max(0.0, after - (time.monotonic() - child.begin)))
    os.kill(child.pid, how)
    return child.wait(child.begin and time.monotonic() - child.begin + 60)
