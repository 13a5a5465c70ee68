"""Workers on this machine."""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

from dask.system import CPU_COUNT
from dask.utils import parse_bytes
from distributed import Client, LocalCluster

from l1ae.engine._logs import log
from l1ae.engine._options import DEFAULT_MEMORY
from l1ae.engine._places import Place
from l1ae.engine._remote import ENVIRONMENT, THREADS
from l1ae.errors import UserError

__all__ = ["local", "memory_bytes"]

_LEAST_MEMORY = 300_000_000
"""What a worker has in use before its first task, and a little."""


def memory_bytes(text: str) -> int:
    """Bytes of a size such as 4GiB. Raises `UserError` when it is none, or less than a worker needs."""
    try:
        size = int(parse_bytes(text))
    except ValueError as error:
        raise UserError(f"memory '{text}' is no size; write for example 4GiB") from error
    if size < _LEAST_MEMORY:
        raise UserError(f"memory {text} is too little for a worker, which needs at least 300MB; write for example {DEFAULT_MEMORY}")
    return size


@contextmanager
def local(workers: int | None, memory: str | None) -> Iterator[tuple[Client, Place]]:
    """As many workers as asked for (default: one per core), `memory` each."""
    number = workers or CPU_COUNT
    limit = memory_bytes(memory or DEFAULT_MEMORY)
    with _environment(), _cluster(number, limit) as cluster, Client(cluster, set_as_default=False) as client:
        remedy = "they are started again when they die; look for what ends them"
        yield client, Place(f"{number} processes here", number, remedy, lambda: len(cluster.scheduler.workers))


@contextmanager
def _cluster(number: int, limit: int) -> Iterator[LocalCluster]:
    # it is started by whichever thread needs it first, and lets through what is blocked there
    resource_tracker.ensure_running()
    # Ctrl-C reaches every process of a terminal. Workers inherit that it is blocked: they end when we end them, and what they have in
    # hand may be completed.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        cluster = LocalCluster(
            n_workers=number,
            threads_per_worker=1,
            memory_limit=limit,
            # its server of numbers listens all the same
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
            env=ENVIRONMENT,
            preload=[] if log.isEnabledFor(logging.DEBUG) else ["l1ae.engine._preload"],
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    with cluster:
        yield cluster


@contextmanager
def _environment() -> Iterator[None]:
    """What workers must find when they start: numpy may be loaded before they are told. Dask sets some of these, and more."""
    before = {name: os.environ.get(name) for name in (*THREADS, "PYTHONHASHSEED", "MALLOC_TRIM_THRESHOLD_")}
    os.environ.update(THREADS)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
