"""Servers that a search may use, on 127.0.0.1 and in temporary folders: PostgreSQL, and a Dask scheduler with its workers."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["PASSWORD", "Postgres", "Workers", "postgres", "postgres_programs", "workers"]

PASSWORD = "not:to@be/seen"
_ROOT = Path(__file__).parents[2]


def postgres_programs() -> Path | None:
    """Where the programs of a PostgreSQL server are: those of Debian's package, or on the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = debian[-1] if debian else shutil.which("initdb")
    return None if found is None else Path(found).parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until(there: Callable[[], bool], what: str, patience: float = 300.0) -> None:
    end = time.monotonic() + patience
    while not there():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} does not come")
        time.sleep(0.05)


@dataclass
class Postgres:
    """A server that can be stopped and started again. `url` of a database in it, with user and password."""

    programs: Path
    folder: Path
    port: int = field(default_factory=_free_port)
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"postgresql://l1ae:{PASSWORD.replace(':', '%3A').replace('@', '%40').replace('/', '%2F')}@127.0.0.1:{self.port}/postgres"

    @property
    def _owner(self) -> dict[str, object]:
        """The server refuses to be root."""
        return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}

    def make(self) -> None:
        """Have the folder hold an empty database."""
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if os.getuid() == 0:
            for path in (self.folder, secret):
                shutil.chown(path, "nobody", "nogroup")
        words = ["-D", self.folder / "data", "-U", "l1ae", "--auth=scram-sha-256", "--pwfile", secret, "--no-sync", "--encoding", "UTF8"]
        subprocess.run([self.programs / "initdb", *words], check=True, capture_output=True, cwd=self.folder, **self._owner)

    def start(self) -> None:
        """Returns when it answers."""
        words = ["-D", self.folder / "data", "-h", "127.0.0.1", "-p", str(self.port), "-k", "", "-c", "fsync=off"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([self.programs / "postgres", *words], stdout=log, stderr=log, cwd=self.folder, **self._owner)
        _until(lambda: b"ready to accept connections" in self._said(), "PostgreSQL")

    def _said(self) -> bytes:
        return (self.folder / "log").read_bytes().rpartition(b"starting PostgreSQL")[2]

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """By default as its service is: transactions are broken off. SIGQUIT: as if its power went."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server for the block. Raises `RuntimeError` where there are no programs for it."""
    programs = postgres_programs()
    if programs is None:
        raise RuntimeError("there is no PostgreSQL server here; install Debian's postgresql")
    # not below a folder that only its owner may enter
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))
    server = Postgres(programs, folder)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@dataclass
class Workers:
    """`dask scheduler` and `dask worker`s, each a process group of its own."""

    folder: Path
    number: int
    processes: list[subprocess.Popen] = field(default_factory=list)

    def start(self) -> None:
        """Returns when the workers are there."""
        place, log = self.folder / "scheduler.json", self.folder / "log"
        place.unlink(missing_ok=True)
        log.unlink(missing_ok=True)
        self._begin("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(place))
        _until(place.exists, "the scheduler")
        for k in range(self.number):
            options = ["--nthreads", "1", "--memory-limit", "2GiB", "--no-dashboard", "--local-directory", str(self.folder / f"w{k}")]
            self._begin("worker", "--scheduler-file", str(place), "--host", "127.0.0.1", *options)
        _until(lambda: log.read_bytes().count(b"Registered to") >= self.number, "a worker")

    def _begin(self, *words: str) -> None:
        environment = os.environ | {"PYTHONPATH": str(_ROOT), "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        with (self.folder / "log").open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "dask", *words], stdout=log, stderr=log, env=environment, cwd=self.folder, start_new_session=True
                )
            )

    @property
    def address(self) -> str:
        return str(json.loads((self.folder / "scheduler.json").read_text())["address"])

    def kill_scheduler(self) -> None:
        """SIGKILL."""
        self.processes[0].kill()

    def kill_worker(self, k: int) -> None:
        """SIGKILL to the process that has the task, which its nanny starts again; it is waited for where it is not there yet."""
        nanny = self.processes[1 + k].pid
        _until(lambda: _spawned(nanny) != [], "a worker")
        for pid in _spawned(nanny):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """All of them, with what they started."""
        for process in self.processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()


def _spawned(nanny: int) -> list[int]:
    """The processes that a nanny has tasks done in."""
    children = [int(pid) for place in Path(f"/proc/{nanny}/task").glob("*/children") for pid in place.read_text().split()]
    return [pid for pid in children if b"spawn_main" in _words(pid)]


def _words(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@contextmanager
def workers(folder: Path, number: int) -> Iterator[Workers]:
    """A scheduler and its workers for the block."""
    folder.mkdir(parents=True, exist_ok=True)
    found = Workers(folder, number)
    try:
        found.start()
        yield found
    finally:
        found.stop()
