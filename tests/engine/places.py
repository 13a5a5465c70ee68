"""A scheduler and workers that run as they do elsewhere: processes of their own, started with Dask's commands."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Elsewhere:
    """`address` of the scheduler, whose `process` it is, and the workers that were started."""

    address: str
    process: subprocess.Popen[bytes]
    folder: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_worker(self, *options: str, python: str = sys.executable) -> subprocess.Popen[bytes]:
        arguments = ("--nthreads", "1", "--memory-limit", "2GiB", "--no-dashboard", "--local-directory", str(self.folder), *options)
        worker = _start("worker", self.address, *arguments, python=python, folder=self.folder)
        self.workers.append(worker)
        return worker


def _start(what: str, *arguments: str, folder: Path, python: str = sys.executable) -> subprocess.Popen[bytes]:
    repository = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(repository)}
    command = [python, "-W", "ignore", "-m", "distributed.cli.dask_" + what, *arguments]
    with (folder / f"{what}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)


@contextmanager
def elsewhere(folder: Path, workers: int = 0) -> Iterator[Elsewhere]:
    """A scheduler on a free port of 127.0.0.1, and so many workers."""
    file = folder / "scheduler.json"
    options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
    process = _start("scheduler", *options, folder=folder)
    place = None
    try:
        place = Elsewhere(_address(file), process, folder)
        for _ in range(workers):
            place.start_worker()
        yield place
    finally:
        for one in (*(place.workers if place else ()), process):
            one.terminate()
        for one in (*(place.workers if place else ()), process):
            one.wait()


def _address(file: Path) -> str:
    import json

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if file.exists() and (text := file.read_text()).endswith("}"):
            return json.loads(text)["address"]
        time.sleep(0.1)
    raise TimeoutError("no scheduler")
