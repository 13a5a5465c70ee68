"""A scheduler and workers that run as they do elsewhere: processes of their own, started with Dask's commands."""

import json
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

    def start_worker(self, *options: str, path: Path | None = None) -> subprocess.Popen[bytes]:
        """`options` more than those of the documentation; `path` where packages are looked for first."""
        arguments = ("--nthreads", "1", "--memory-limit", "2GiB", "--no-dashboard", "--local-directory", str(self.folder), *options)
        worker = _start("worker", self.address, *arguments, path=path, folder=self.folder)
        self.workers.append(worker)
        return worker


def _start(what: str, *arguments: str, folder: Path, path: Path | None = None) -> subprocess.Popen[bytes]:
    places = [Path(__file__).parents[2]] if path is None else [path, Path(__file__).parents[2]]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, places))}
    command = [sys.executable, "-W", "ignore", "-m", "distributed.cli.dask_" + what, *arguments]
    with (folder / f"{what}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)


@contextmanager
def elsewhere(folder: Path, workers: int = 0) -> Iterator[Elsewhere]:
    """A scheduler on a free port of 127.0.0.1, and so many workers."""
    file = folder / "scheduler.json"
    options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(file))
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
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if file.exists() and (text := file.read_text()).endswith("}"):
            return json.loads(text)["address"]
        time.sleep(0.1)
    raise TimeoutError("no scheduler")
