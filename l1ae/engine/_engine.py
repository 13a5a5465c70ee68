"""Tasks on worker processes, here or elsewhere, by Dask distributed."""

import logging
import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import dask
from distributed import Client, Future, KilledWorker, LocalCluster
from distributed.deploy import Cluster

from l1ae.errors import L1aeError, UserError

__all__ = ["Engine", "EngineOptions", "LostError", "Outcome", "engine"]

_log = logging.getLogger("l1ae")

ATTEMPTS = 3
"""How often a task is tried whose worker dies."""

THREADS = dict.fromkeys(
    (
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"),
        *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    ),
    "1",
)
"""What keeps the libraries of a worker to one thread."""

ENVIRONMENT = THREADS | {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}

_ANSWER = 10.0
_POLL = 1.0


class LostError(L1aeError):
    """A task whose workers died again and again."""


@dataclass(frozen=True)
class EngineOptions:
    """Where tasks run: on `workers` processes here (default: one per core), at a `scheduler` by address, or on a `cluster`.

    `memory`: what a worker may use, as in 4GiB.
    """

    workers: int | None = None
    scheduler: str | None = None
    cluster: str | None = None
    memory: str = "4GiB"


@dataclass(frozen=True)
class Outcome:
    """What became of a task: its value, or the error that it ended with."""

    key: str
    value: Any
    error: Exception | None


class Engine:
    """Runs tasks, `workers` at a time. A task whose worker dies is tried again, at most `ATTEMPTS` times in all."""

    def __init__(self, client: Client, workers: int) -> None:
        """Tasks go to the workers of `client`, of which there are, or will be, `workers`."""
        self.workers = workers
        self._client = client
        self._futures: dict[str, Future] = {}
        self._done: queue.SimpleQueue[str] = queue.SimpleQueue()

    def submit(self, key: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Have `function` called once; keys are unique. What it needs must be found by import on the workers."""
        if key in self._futures:
            raise ValueError(f"task '{key}' was submitted before")
        future = self._client.submit(function, *arguments, key=key, pure=False)
        self._futures[key] = future
        future.add_done_callback(lambda _: self._done.put(key))

    def finished(self, timeout: float | None = None) -> list[Outcome]:
        """Tasks that ended since the last call, at least one; none only after `timeout` s.

        Raises `UserError` when the scheduler goes away.
        """
        waited = 0.0
        while True:
            try:
                keys = [self._done.get(timeout=_POLL)]
            except queue.Empty:
                waited += _POLL
                self._check_scheduler()
                if timeout is not None and waited >= timeout:
                    return []
                continue
            while not self._done.empty():
                keys.append(self._done.get())
            return [self._outcome(key) for key in keys]

    def _check_scheduler(self) -> None:
        if self._client.status != "running":
            raise UserError(
                "the scheduler of the workers went away; nothing that finished is lost: start it again, and continue with --resume"
            )

    def _outcome(self, key: str) -> Outcome:
        future = self._futures.pop(key)
        if future.status == "finished":
            return Outcome(key, future.result(timeout=_ANSWER), None)
        if future.status != "error":
            self._check_scheduler()
            return Outcome(key, None, LostError(f"task '{key}' was {future.status}"))
        error = future.exception(timeout=_ANSWER)
        if isinstance(error, KilledWorker):
            error = LostError(f"its worker died {ATTEMPTS} times, which too little memory is the usual reason of; raise --memory")
        return Outcome(key, None, error if isinstance(error, Exception) else LostError(repr(error)))


@contextmanager
def engine(options: EngineOptions) -> Iterator[Engine]:
    """An engine for the block, whose workers end with it where they were started for it.

    Raises `UserError` when there is no scheduler, or its workers have another version of l1ae.
    """
    settings = {
        "distributed.scheduler.allowed-failures": ATTEMPTS - 1,
        "distributed.comm.timeouts.connect": f"{_ANSWER}s",
        "distributed.admin.log-format": "%(message)s",
    }
    for name in ("distributed", "asyncio", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with dask.config.set(settings), _client(options) as (client, workers):
        yield Engine(client, workers)


@contextmanager
def _client(options: EngineOptions) -> Iterator[tuple[Client, int]]:
    if options.scheduler is not None:
        with _connected(options.scheduler) as client:
            found = len(client.scheduler_info(n_workers=-1)["workers"])
            yield client, options.workers or max(found, 1)
        return
    with _local(options) as cluster, Client(cluster) as client:
        yield client, len(cluster.workers)


@contextmanager
def _local(options: EngineOptions) -> Iterator[Cluster]:
    with LocalCluster(
        n_workers=options.workers or dask.system.CPU_COUNT,
        threads_per_worker=1,
        memory_limit=options.memory,
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
        env=ENVIRONMENT,
    ) as cluster:
        yield cluster


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    try:
        client = Client(address, timeout=_ANSWER)
    except (OSError, ValueError, TimeoutError) as error:
        raise UserError(
            f"no scheduler answers at '{address}' ({error}); start one with `dask scheduler`, and give the address it prints"
        ) from error
    with client:
        mine = version("l1ae")
        others = {worker: found for worker, found in client.run(version, "l1ae").items() if found != mine}
        if others:
            worker, found = next(iter(others.items()))
            raise UserError(f"worker {worker} has l1ae {found}, and this is {mine}; install the same version there")
        yield client
