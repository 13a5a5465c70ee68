"""Full disks: a small one in memory, filled but for a few bytes, or where none can be mounted a limit to the size of files."""

import ctypes
import os
import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.robustness.commands import run
from tests.robustness.found import Found
from tests.robustness.jobs import Job

__all__ = ["full_disks", "small_disk"]

_MEGABYTES = 96


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of its own, mounted for the block, that ends with this process. Raises `RuntimeError` where that needs more rights."""
    folder.mkdir(parents=True, exist_ok=True)
    _leave_the_mounts_of_others()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        raise RuntimeError(f"no disk can be mounted here ({mounted.stderr.strip()}); run it as root, or under `unshare -rm`")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _leave_the_mounts_of_others() -> None:
    """What is mounted from now on is seen by this process and its children only, and goes with them."""
    new_namespace = 0x00020000
    if ctypes.CDLL(None).unshare(new_namespace) == 0:
        subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, check=False)


def full_disks(base: Path, disk: Path, jobs: Sequence[tuple[Job, int]], *, seed: int = 1) -> Found:
    """Every job a number of times on a disk that has room for a part of what it makes."""
    rng, found = random.Random(seed), Found()
    with small_disk(disk):
        for job, times in jobs:
            work = disk / "work"
            job.prepare(base, work)
            before = _used(disk)
            if run(job.words, work, limit=900).status != 0:
                raise RuntimeError(f"{job.name} fails undisturbed")
            expected, size = job.result(work), max(_size(work / job.makes), _used(disk) - before, 8192)
            for _ in range(times):
                job.prepare(base, work)
                _try(job, disk, expected, int(rng.random() * size * 0.95), found)
            shutil.rmtree(work)
    return found


def _size(path: Path) -> int:
    return sum(item.stat().st_size for item in path.rglob("*") if item.is_file()) if path.is_dir() else path.stat().st_size


def _used(disk: Path) -> int:
    state = os.statvfs(disk)
    return (state.f_blocks - state.f_bfree) * state.f_frsize


def _try(job: Job, disk: Path, expected: dict[str, str], room: int, found: Found) -> None:
    found.count(job.name)
    work, filler, what = disk / "work", disk / "filler", f"{job.name} with room for {room} bytes"
    state = os.statvfs(disk)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(state.f_bfree * state.f_frsize - room, 1))
    ended = run(job.words, work, limit=900)
    good = found.ended(what, ended)
    if good and ended.status and not ("no space is left" in ended.said and ended.status == 1):
        found.fault("not said", f"{what}: status {ended.status}: {ended.said[-600:]}")
    if problem := job.half(work, expected):
        found.fault("half results", f"{what}: {problem}")
    filler.unlink()
    again = run(job.words, work, limit=900)
    if again.status != 0:
        found.fault("no second run", f"{what}: {again.said[-800:]}")
    elif job.result(work) != expected:
        now = job.result(work)
        found.fault("other bytes", f"{what}: {[name for name in expected.keys() | now.keys() if expected.get(name) != now.get(name)][:5]}")
    if left := [str(path.relative_to(work)) for path in job.left(work)]:
        found.fault("leftovers", f"{what}: {left[:6]}")
