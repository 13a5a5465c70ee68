"""Tasks on the workers of a Dask scheduler."""

import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import dask
from distributed import Client, Future, KilledWorker

from l1ae import __version__
from l1ae.engine._batch import batch
from l1ae.engine._connect import connected
from l1ae.engine._local import local
from l1ae.engine._logs import log, quiet
from l1ae.engine._options import EngineOptions
from l1ae.engine._places import Place
from l1ae.engine._remote import call
from l1ae.engine._tasks import Keys, LostError, Outcome
from l1ae.errors import UserError

__all__ = ["DaskEngine", "opened"]

ATTEMPTS = 3
"""How often a task is tried whose worker dies."""

_SETTINGS = {
    "distributed.scheduler.allowed-failures": ATTEMPTS - 1,
    # compilers that hold the interpreter for minutes are no death
    "distributed.scheduler.worker-ttl": "30 minutes",
    # a worker that pauses for lack of memory may have nothing left that it could end; one beyond its limit is started anew
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.comm.timeouts.connect": "8s",
}

_POLL = 0.5
_LOOK = 2.0
_LONELY = 60.0


class DaskEngine:
    """See `Engine`. A task whose worker dies is tried again, `ATTEMPTS` times in all where the scheduler is ours."""

    def __init__(self, client: Client, place: Place) -> None:
        """Tasks go to the workers of `client`, which are at `place`."""
        self._client = client
        self._place = place
        self._keys = Keys()
        # another client of the same scheduler may use the same keys
        self._prefix = uuid.uuid4().hex
        self._lock = threading.RLock()
        self._waiting: deque[tuple[str, Callable[..., Any], tuple[Any, ...]]] = deque()
        self._sent: dict[str, Future] = {}
        self._unfinished = 0
        self._done: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._present = place.present()
        self._looked = self._seen = time.monotonic()
        self._gone = False

    @property
    def workers(self) -> int:
        """How many there are, or were asked for."""
        return self._place.workers

    def submit(self, key: str, function: Callable[..., Any], *arguments: Any) -> None:
        """See `Engine`."""
        self._keys.add(key)
        self._check_scheduler()
        self._unfinished += 1
        with self._lock:
            self._waiting.append((key, function, arguments))
            self._send()

    def finished(self, timeout: float | None = None) -> list[Outcome]:
        """See `Engine`."""
        begin = time.monotonic()
        while self._unfinished:
            self._check_scheduler()
            self._look_after()
            try:
                outcomes = [self._done.get(timeout=_POLL if timeout is None else min(_POLL, timeout))]
            except queue.Empty:
                if timeout is not None and time.monotonic() - begin >= timeout:
                    return []
                continue
            while not self._done.empty():
                outcomes.append(self._done.get())
            self._unfinished -= len(outcomes)
            return outcomes
        return []

    def _send(self) -> None:
        """Send as many tasks as there are workers: one that waits at a worker would be blamed for the death of that worker."""
        while self._waiting and len(self._sent) < max(1, min(self._place.workers, self._present)):
            key, function, arguments = self._waiting.popleft()
            future = self._client.submit(call, __version__, key, function, arguments, key=f"{key}-{self._prefix}", pure=False)
            self._sent[key] = future
            future.add_done_callback(partial(self._receive, key))

    def _receive(self, key: str, future: Future) -> None:
        """Take what a task returned from its worker at once: while it lies there, the death of the worker would undo it."""
        if future.status == "cancelled":
            # we cancel none: the scheduler is gone
            self._gone = True
            return
        outcome = _outcome(key, future)
        with self._lock:
            del self._sent[key]
            self._send()
        self._done.put(outcome)

    def _check_scheduler(self) -> None:
        if self._gone or self._client.status != "running":
            raise UserError(
                f"the scheduler of the workers ({self._place.name}) went away; nothing that finished is lost: start it again, and "
                "run the same command again to continue (a search with --resume)"
            )

    def _look_after(self) -> None:
        """Have workers replaced that are lost for good, use those that came, and say when there are none."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        self._place.look_after()
        self._present = self._place.present()
        with self._lock:
            self._send()
        if self._present:
            self._seen = now
        elif now - self._seen >= _LONELY:
            self._seen = now
            log.warning("no worker is there; %s", self._place.remedy)


def _outcome(key: str, future: Future) -> Outcome:
    try:
        return future.result()
    except KilledWorker as error:
        return Outcome(key, None, _lost(error))
    except Exception as error:  # noqa: BLE001
        return Outcome(key, None, error)


def _lost(error: KilledWorker) -> LostError:
    return LostError(
        f"its worker died {error.allowed_failures + 1} times, most likely for lack of memory; raise --memory, or use fewer workers"
    )


@contextmanager
def opened(options: EngineOptions) -> Iterator[DaskEngine]:
    """See `l1ae.engine.engine`."""
    with quiet(), dask.config.set(_SETTINGS), _place(options) as (client, place):
        yield DaskEngine(client, place)


def _place(options: EngineOptions) -> AbstractContextManager[tuple[Client, Place]]:
    if options.scheduler is not None:
        return connected(options.scheduler, options.workers)
    if options.cluster is not None:
        return batch(options.cluster, options.workers, options.memory)
    return local(options.workers, options.memory)
