"""`l1ae` commands in processes of their own that cost no start: forked from one that has imported everything and computed nothing."""

import atexit
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Child", "Ended", "preload", "run", "start"]

MARK = "L1AE_TRIAL"


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit status (negative: the signal; None: it did not end in time), what it said, and seconds."""

    status: int | None
    said: str
    seconds: float

    @property
    def fault(self) -> str:
        """What no command may do, or "": a traceback, an end by a signal, no end, a status that nobody promised."""
        if self.status is None:
            return "no end in time"
        if "Traceback (most recent call last)" in self.said or "Exception ignored" in self.said:
            return "traceback: " + self.said.strip().splitlines()[-1]
        if self.status < 0:
            return f"ended by {signal.Signals(-self.status).name}"
        if self.status not in {0, 1, 2}:
            return f"status {self.status}"
        return "refused without a word" if self.status and not self.said.strip() else ""


@dataclass(frozen=True)
class Child:
    """A command that runs; `log` is where it writes what it says."""

    pid: int
    mark: str
    log: Path
    begin: float

    @property
    def lives(self) -> bool:
        """Whether it has not ended; its status may wait."""
        return Path(f"/proc/{self.pid}/exe").exists()

    def wait(self, limit: float) -> Ended:
        """Its end, which is made when it takes more than `limit` seconds."""
        status = self._poll(limit)
        if status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        said = self.log.read_text(errors="replace")
        self.log.unlink()
        return Ended(status, said, time.monotonic() - self.begin)

    def _poll(self, limit: float) -> int | None:
        pause = 0.001
        while time.monotonic() - self.begin < limit:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(pause)
            pause = min(0.05, pause * 1.3)
        return None

    def orphans(self, patience: float = 10.0) -> list[int]:
        """Processes that it started and that live `patience` seconds after its end; they are ended here."""
        end = time.monotonic() + patience
        while (left := _marked(self.mark)) and time.monotonic() < end:
            time.sleep(0.1)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        return left


def _marked(mark: str) -> list[int]:
    """Living processes whose environment has the mark, or that are in the session of the process that has it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            if state[0] == "Z":
                continue
            if state[3] == mark or f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def preload() -> None:
    """Import what every command needs. No tensor may be computed here: TensorFlow's threads would not survive the fork."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import l1ae.cli
    import l1ae.data
    import l1ae.engine._dask
    import l1ae.latent
    import l1ae.pipeline.rtl
    import l1ae.search  # noqa: F401


def start(what: Sequence[str] | Callable[[], object], folder: Path, *, temporary: Path | None = None) -> Child:
    """Begin a command of `l1ae`, or a function under the same entry point, in `folder`; `temporary` is its TMPDIR.

    A function may have the `words` of a command that it stands for.
    """
    handle, log = tempfile.mkstemp(prefix="said-", dir=os.environ.get("L1AE_LOGS"))
    sys.stdout.flush()
    sys.stderr.flush()
    begin = time.monotonic()
    pid = os.fork()
    if pid:
        os.close(handle)
        return Child(pid, str(pid), Path(log), begin)
    try:
        _become(what, folder, handle, temporary)
    except SystemExit as ended:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)


def _become(what: Sequence[str] | Callable[[], object], folder: Path, handle: int, temporary: Path | None) -> None:
    # those of the campaign would remove what it works on
    atexit._clear()
    os.setsid()
    os.environ[MARK] = str(os.getpid())
    os.environ["COLUMNS"] = "400"
    for stream in (1, 2):
        os.dup2(handle, stream)
    os.chdir(folder)
    if temporary is not None:
        os.environ["TMPDIR"] = str(temporary)
        tempfile.tempdir = None
    import l1ae.cli._main as entry

    if callable(what):
        sys.argv = ["l1ae", *getattr(what, "words", (getattr(what, "__name__", "read"),))]
        entry._cli.main = lambda **options: what() and None  # type: ignore[method-assign]
    else:
        sys.argv = ["l1ae", *what]
    entry.main()


def run(what: Sequence[str] | Callable[[], object], folder: Path, *, limit: float = 120.0, temporary: Path | None = None) -> Ended:
    """A command or function to its end."""
    return start(what, folder, temporary=temporary).wait(limit)


def fresh(source: Path, target: Path) -> Path:
    """A copy of a folder in the place of whatever was there."""
    shutil.rmtree(target, ignore_errors=True)
    return Path(shutil.copytree(source, target, symlinks=True))
