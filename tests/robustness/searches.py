"""Faults in searches: whatever is killed, full or away, nothing that finished is lost or done again, and the front is the same."""

import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from l1ae.files import is_full
from tests.robustness.commands import Child, Ended, run, start
from tests.robustness.disks import small_disk
from tests.robustness.found import Found
from tests.search.command import PretendedSearch
from tests.search.interrupts import interrupted
from tests.search.pretended import calls, without_times, write_study
from tests.search.servers import Postgres, Workers, postgres, workers

__all__ = ["searches"]

_TRIALS = 16
_SECONDS = 0.05
_PATIENCE = 1200.0
"""Seconds that a search of so few trials may take on a machine that has other work."""

_INTERRUPT = 2.0
"""Seconds that an interrupt may take."""

_HALVING = {"rungs": 2, "eta": 2}


@dataclass
class _Search:
    """A search in a folder of its own: `run` holds what it leaves, `log`, elsewhere, a line for every training.

    A training takes `seconds`.
    """

    folder: Path
    log: Path
    address: str
    workers: int
    storage: str | None = None
    run: Path = field(init=False)
    seconds: float = _SECONDS

    def __post_init__(self) -> None:
        self.run = self.folder / "run"
        self.study = write_study(
            self.folder, trials=_TRIALS, halving=_HALVING, seed=3, **({} if self.storage is None else {"storage": self.storage})
        )

    @property
    def words(self) -> list[str]:
        where = ["--scheduler", self.address, "--workers", str(self.workers)]
        return ["search", str(self.study), "--run", str(self.run), "--no-verify", *where]

    def command(self, *more: str) -> Callable[[], object]:
        """The command as `commands.start` takes it."""
        return PretendedSearch(self.log, self.seconds, (*self.words, *more))

    def finished(self) -> dict[str, bytes]:
        """The files of the trials that finished."""
        return {path.name: path.read_bytes() for path in sorted((self.run / "search" / "trials").glob("[0-9]*.json"))}

    def until(self, count: int, child: Child, rng: random.Random) -> None:
        """Wait for so many trainings, and a moment."""
        end = time.monotonic() + _PATIENCE
        while sum(calls(self.log).values()) < count and time.monotonic() < end and child.lives:
            time.sleep(0.005)
        time.sleep(rng.random() * 0.3)


class _Campaign:
    """Plants faults, and looks at what is left."""

    def __init__(self, work: Path, rng: random.Random, address: Callable[[], str]) -> None:
        self.work, self.rng, self.address, self.found = work, rng, address, Found()
        shutil.rmtree(work, ignore_errors=True)
        undisturbed = _Search(work / "undisturbed", work / "undisturbed" / "calls", address(), 1)
        ended = run(undisturbed.command(), undisturbed.folder, limit=_PATIENCE)
        if ended.status != 0:
            raise RuntimeError(f"a search fails undisturbed: {ended.said[-800:]}")
        self.expected = without_times(undisturbed.run / "search")
        self.ordinary = calls(undisturbed.log)

    def search(self, number: int, *, folder: Path | None = None, storage: str | None = None) -> _Search:
        """Every other one with one worker, whose results are those of the undisturbed one; the others with two."""
        place, log = self.work / "disturbed" if folder is None else folder, self.work / "calls"
        shutil.rmtree(place, ignore_errors=True)
        log.unlink(missing_ok=True)
        return _Search(place, log, self.address(), 1 + number % 2, storage)

    def judge(self, what: str, search: _Search, ended: Ended, *, resume: bool = True) -> None:
        """After the fault, which is over: continue, and compare."""
        before, done = search.finished(), calls(search.log)
        if ended.status is not None and ended.status >= 0:
            self.found.ended(what, ended)
        again = ended if ended.status == 0 and not resume else run(search.command("--resume"), search.folder, limit=_PATIENCE)
        if again.status != 0:
            self.found.fault("no second run", f"{what}: {again.said[-1500:]}")
            return
        after = search.finished()
        if lost := [name for name, content in before.items() if after.get(name) != content]:
            self.found.fault("lost", f"{what}: {lost}")
        names = {f"pretended_{int(name[:6]):04d}" for name in before}
        more = calls(search.log) - done
        if twice := [key for key in more if key[0] in names]:
            self.found.fault("twice", f"{what}: {twice}")
        self._whole(what, search)

    def _whole(self, what: str, search: _Search) -> None:
        from l1ae.search import Ledger, SearchFolder, load_study

        folder = SearchFolder(search.run / "search")
        trials, study = folder.trials(), load_study(search.study)
        with Ledger(study, folder.path) as ledger:
            told = ledger.trials()
        if [trial.number for trial in trials] != list(range(len(trials))):
            self.found.fault("missing numbers", f"{what}: {[trial.number for trial in trials]}")
        if sum(trial.state in {"complete", "failed"} for trial in trials) < _TRIALS or any(trial.state == "failed" for trial in trials):
            self.found.fault("too few", f"{what}: {[trial.state for trial in trials]}")
        if [trial.number for trial in told if trial.state.is_finished()] != [trial.number for trial in trials]:
            self.found.fault("not told", f"{what}: {[(trial.number, trial.state.name) for trial in told]}")
        if left := [path.name for path in search.run.rglob(".*")] + [path.name for path in search.run.glob("search/parts/*")]:
            self.found.fault("leftovers", f"{what}: {left}")
        if search.workers == 1 and (now := without_times(folder.path)) != self.expected:
            names = [name for name in now.keys() | self.expected.keys() if now.get(name) != self.expected.get(name)]
            self.found.fault("another search", f"{what}: {sorted(names)}")


def _kill(campaign: _Campaign, number: int) -> None:
    """The client; every third at any time since its start, the others as soon as some trainings were done."""
    how = campaign.rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
    search = campaign.search(number)
    child = start(search.command(), search.folder)
    if number % 3:
        search.until(campaign.rng.randrange(_TRIALS), child, campaign.rng)
    else:
        time.sleep(campaign.rng.random() * 6)
    what = f"client of {search.workers} workers by {how.name} with {len(search.finished())} finished"
    took = interrupted(child.pid, how)
    ended = child.wait(time.monotonic() - child.begin + 1)
    if took > _INTERRUPT:
        campaign.found.fault("slow to end", f"{what}: {took:.1f} s")
    if ended.status == 1 and "--resume` continues the search" not in ended.said:
        campaign.found.fault("not said", f"{what}: {ended.said[-500:]}")
    campaign.judge(what, search, ended)


def _kill_worker(campaign: _Campaign, number: int, servers: Workers) -> None:
    search = campaign.search(number)
    child = start(search.command(), search.folder)
    search.until(campaign.rng.randrange(_TRIALS - 4), child, campaign.rng)
    what = f"a worker of {search.workers} with {len(search.finished())} finished"
    servers.kill_worker(campaign.rng.randrange(servers.number))
    ended = child.wait(_PATIENCE)
    if ended.status != 0:
        campaign.found.fault("not continued", f"{what}: {ended.said[-600:]}")
    campaign.judge(what, search, ended, resume=False)


def _kill_scheduler(campaign: _Campaign, number: int, servers: Workers) -> None:
    search = campaign.search(number)
    child = start(search.command(), search.folder)
    search.until(campaign.rng.randrange(_TRIALS - 4), child, campaign.rng)
    what = f"scheduler of {search.workers} workers with {len(search.finished())} finished"
    servers.kill_scheduler()
    ended = child.wait(_PATIENCE)
    # one that is killed before the client has found it was never there
    if ended.status == 0 or not ("--resume" in ended.said or "no scheduler answers" in ended.said):
        campaign.found.fault("not said", f"{what}: status {ended.status}: {ended.said[-600:]}")
    servers.stop()
    servers.start()
    search.address = servers.address
    campaign.judge(what, search, ended)


def _fill(campaign: _Campaign, number: int, disk: Path | None) -> None:
    """The disk of the trials, that of the database, or that of both."""
    assert disk is not None
    which = ("trials", "database", "both")[number % 3]
    for path in disk.iterdir():
        shutil.rmtree(path, ignore_errors=True)
    base = disk / "search" if which != "database" else None
    (disk / "data").mkdir()
    place = {"trials": campaign.work / "kept.db", "database": disk / "data" / "kept.db", "both": None}[which]
    if place is not None:
        place.unlink(missing_ok=True)
    search = campaign.search(number // 3, folder=base, storage=None if place is None else f"sqlite:///{place}")
    child = start(search.command(), search.folder)
    search.until(campaign.rng.randrange(_TRIALS - 4), child, campaign.rng)
    filler = disk / "data" / "filler"
    _fill_up(filler, campaign.rng.choice((0, 4096, 20000)))
    what = f"full disk of {which} with {len(search.finished())} finished"
    ended = child.wait(_PATIENCE)
    if ended.status and "no space is left" not in ended.said:
        campaign.found.fault("not said", f"{what}: status {ended.status}: {ended.said[-600:]}")
    filler.unlink()
    campaign.judge(what, search, ended)


def _fill_up(filler: Path, room: int) -> None:
    """Leave so many bytes of a disk that is written to meanwhile."""
    with filler.open("wb") as file:
        while True:
            state = os.statvfs(filler.parent)
            size = state.f_bfree * state.f_frsize - room
            if size <= 0:
                return
            try:
                os.posix_fallocate(file.fileno(), 0, size)
            except OSError as error:
                if not is_full(error):
                    raise
            else:
                return


def _stop_database(campaign: _Campaign, number: int, server: Postgres) -> None:
    """For a few seconds, as a service is stopped or as if its power went; every third time the client is killed meanwhile."""
    _empty(server)
    search = campaign.search(number, storage=server.url)
    child = start(search.command(), search.folder)
    search.until(campaign.rng.randrange(_TRIALS - 4), child, campaign.rng)
    how = campaign.rng.choice((signal.SIGINT, signal.SIGQUIT))
    what = f"PostgreSQL stopped by {how.name} with {len(search.finished())} finished"
    server.stop(how)
    if number % 3 == 2:
        time.sleep(1)
        os.kill(child.pid, signal.SIGKILL)
    time.sleep(1 + 3 * campaign.rng.random())
    server.start()
    ended = child.wait(_PATIENCE)
    # a search that begins without its database does not wait for long
    began_without = "has not answered for 5 s" in ended.said and not search.finished()
    if ended.status and number % 3 != 2 and not began_without:
        campaign.found.fault("not continued", f"{what}: {ended.said[-600:]}")
    campaign.judge(what, search, ended, resume=False)


def _empty(server: Postgres) -> None:
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")


def _lock_database(campaign: _Campaign, number: int) -> None:
    """By another process that writes, for longer than SQLite waits for by itself."""
    search = campaign.search(number)
    child = start(search.command(), search.folder)
    search.until(campaign.rng.randrange(1, _TRIALS - 4), child, campaign.rng)
    what = f"SQLite locked with {len(search.finished())} finished"
    other = sqlite3.connect(search.run / "search" / "study.db", timeout=30)
    other.execute("begin exclusive")
    time.sleep(6 + 3 * campaign.rng.random())
    other.close()
    ended = child.wait(_PATIENCE)
    if ended.status:
        campaign.found.fault("not continued", f"{what}: {ended.said[-600:]}")
    campaign.judge(what, search, ended, resume=False)


def _lose_database(campaign: _Campaign, number: int) -> None:
    """Its file is gone, or older than the trials."""
    search = campaign.search(number)
    child = start(search.command(), search.folder)
    search.until(2, child, campaign.rng)
    database, copy = search.run / "search" / "study.db", search.folder / "older.db"
    if number % 2:
        with sqlite3.connect(database) as source, sqlite3.connect(copy) as target:
            source.backup(target)
    search.until(campaign.rng.randrange(4, _TRIALS - 2), child, campaign.rng)
    os.kill(child.pid, signal.SIGKILL)
    ended = child.wait(_PATIENCE)
    what = f"SQLite lost with {len(search.finished())} finished"
    for path in database.parent.glob("study.db*"):
        path.unlink()
    if number % 2:
        copy.rename(database)
    campaign.judge(what, search, ended)


@contextmanager
def _disk(folder: Path) -> Iterator[Path | None]:
    """None where none can be mounted."""
    try:
        with small_disk(folder) as disk:
            yield disk
    except RuntimeError as error:
        if "no disk can be mounted" not in str(error):
            raise
        yield None


def searches(work: Path, each: Callable[[int], int], *, seed: int = 1, kept: Path | None = None) -> Found:
    """Every fault a number of times: `each` of its number in a full campaign. Servers are real ones.

    `kept`: a folder of a file for each kind of fault; one that is there is not planted again.
    """
    found = Found()
    # what was mounted later its workers would not see
    with _disk(work.with_name("disk")) as disk, workers(work.with_name("servers"), 2) as servers, postgres() as server:
        kinds: dict[str, tuple[int, Callable[[_Campaign, int], None]]] = {
            "worker killed": (8, partial(_kill_worker, servers=servers)),
            "scheduler killed": (8, partial(_kill_scheduler, servers=servers)),
            "PostgreSQL stopped": (9, partial(_stop_database, server=server)),
            "SQLite locked": (4, _lock_database),
            "SQLite lost": (4, _lose_database),
            "disk full": (9, partial(_fill, disk=disk)),
            "client killed": (14, _kill),
        }
        if disk is None:
            del kinds["disk full"]
        for kind, (full, plant) in kinds.items():
            place = None if kept is None else kept / f"{kind.replace(' ', '_')}.json"
            planted = partial(_planted, kind, each(full), plant, work, f"{seed} {kind}", lambda: servers.address)
            found.add(Found.kept(place, planted))
        shutil.rmtree(work, ignore_errors=True)
    return found


def _planted(kind: str, times: int, plant: Callable[[_Campaign, int], None], work: Path, seed: str, address: Callable[[], str]) -> Found:
    begin, campaign = time.monotonic(), _Campaign(work, random.Random(seed), address)
    for number in range(times):
        campaign.found.count(kind)
        plant(campaign, number)
    faults = sum(map(len, campaign.found.faults.values()))
    print(f"{kind}: {times} in {time.monotonic() - begin:.0f} s, {faults} faults", flush=True)  # noqa: T201
    return campaign.found
