"""Workers that are jobs of a batch system."""

import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from distributed import Client, Status
from distributed.utils import get_ip_interface

from l1ae.engine._clusters import HTCondor, Slurm, load_cluster
from l1ae.engine._local import memory_bytes
from l1ae.engine._places import Place
from l1ae.engine._remote import ENVIRONMENT
from l1ae.errors import UserError
from l1ae.extras import needs
from l1ae.names import checked
from l1ae.tools import run_program

__all__ = ["batch", "job_script"]

_DASK = {
    "DASK_DISTRIBUTED__WORKER__MEMORY__TARGET": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__SPILL": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE": "False",
}

REPLACE = 30.0
"""Seconds between two looks for jobs that are gone."""

_HOPELESS = 3
"""How often every job may end before any takes a task."""


@dataclass(frozen=True)
class _System:
    """How a batch system is spoken to: class of dask-jobqueue, its commands, how it lists the jobs that wait or run."""

    cluster: str
    programs: tuple[str, ...]
    queue: tuple[str, ...]


_CONDOR_Q = ("condor_q", "-format", "%d.", "ClusterId", "-format", "%d\\n", "ProcId")
_SYSTEMS = {
    "slurm": _System("SLURMCluster", ("sbatch", "scancel"), ("squeue", "--noheader", "--me", "--format=%A")),
    "htcondor": _System("HTCondorCluster", ("condor_submit", "condor_rm"), _CONDOR_Q),
}


@contextmanager
def batch(name: str, workers: int | None, memory: str | None) -> Iterator[tuple[Client, Place]]:
    """As many jobs as asked for, which may start any time later. Raises `UserError` when the batch system does not take them."""
    config = load_cluster(name)
    system, number = _SYSTEMS[config.system], workers or config.workers
    missing = [program for program in system.programs if shutil.which(program) is None]
    if missing:
        raise UserError(f"cluster '{name}': {missing[0]} is not installed here; run on a machine from which jobs are submitted")
    with _made(config, memory) as cluster:
        _submit(cluster, number, name)
        with Client(cluster, set_as_default=False) as client:
            remedy = f"see `{system.queue[0]}` for the jobs that hold them, and {config.logs} for what they printed"
            jobs = _Jobs(cluster, number, system, config.logs)
            place = Place(name, number, remedy, lambda: len(cluster.scheduler.workers), jobs.look_after)
            yield client, place


def job_script(name: str, memory: str | None = None) -> str:
    """What is submitted for one worker, but for the address of the scheduler. Nothing is submitted."""
    with _made(load_cluster(name), memory) as cluster:
        return cluster.job_script()


@contextmanager
def _made(config: Slurm | HTCondor, memory: str | None) -> Iterator[Any]:
    """A scheduler here, that nobody works for yet."""
    with needs("search"):
        jobqueue = import_module("dask_jobqueue")
    kind = getattr(jobqueue, _SYSTEMS[config.system].cluster)
    with kind(job_cls=_that_may_be_refused(kind.job_cls), **_arguments(config, memory)) as cluster:
        yield cluster


def _that_may_be_refused(job: Any) -> Any:
    """A kind of job that knows when and why it was not taken; without the former its cluster does not close."""

    class Job(job):  # type: ignore[misc]
        refusal: Exception | None = None

        async def start(self) -> None:
            try:
                await super().start()
            except (RuntimeError, ValueError, OSError) as error:
                self.status = Status.failed
                self.refusal = error
                raise

    return Job


def _arguments(config: Slurm | HTCondor, memory: str | None) -> dict[str, Any]:
    size = checked("size", memory or config.memory)
    memory_bytes(size)
    if config.interface is not None:
        _check_interface(config.interface)
    common = {
        "cores": 1,
        "processes": 1,
        "memory": size,
        "job_name": "l1ae",
        "python": checked("folder", sys.executable),
        "interface": config.interface,
        "local_directory": config.scratch,
        "log_directory": config.logs,
        "death_timeout": config.patience,
        "job_script_prologue": [f"export {key}={value}" for key, value in (ENVIRONMENT | _DASK).items()],
        "job_directives_skip": (),
        "worker_extra_args": [],
        "scheduler_options": {"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        "silence_logs": logging.CRITICAL,
    }
    if isinstance(config, Slurm):
        more = {"queue": config.partition, "account": config.account, "walltime": config.walltime}
        return common | more | {"job_extra_directives": list(config.directives)}
    return common | {"disk": config.disk, "job_extra_directives": dict(config.directives)}


def _check_interface(interface: str) -> None:
    try:
        get_ip_interface(interface)
    except ValueError as error:
        raise UserError(f"interface: {error}; give one of `ip link`") from error


def _submit(cluster: Any, number: int, name: str) -> None:
    cluster.scale(jobs=number)
    with suppress(RuntimeError, ValueError, OSError):
        # what `scale` begins, waited for
        cluster.sync(cluster._correct_state)
    for job in cluster.workers.values():
        if job.refusal is not None:
            raise UserError(f"cluster '{name}' does not take the jobs: {' '.join(str(job.refusal).split())}") from job.refusal


class _Jobs:
    """The jobs of a cluster, of which there are to be `number`: Dask misses those that end before their worker has joined."""

    def __init__(self, cluster: Any, number: int, system: _System, logs: str) -> None:
        self._cluster, self._number, self._system, self._logs = cluster, number, system, logs
        self._looked = time.monotonic()
        self._failed = 0

    def look_after(self) -> None:
        """Submit new ones for those that ended, by their time limit or with their node. Raises `UserError` when all of them fail."""
        if time.monotonic() - self._looked < REPLACE:
            return
        self._looked = time.monotonic()
        jobs = {name: job.job_id for name, job in list(self._cluster.workers.items())}
        queued, joined = self._queued(), {worker.name for worker in list(self._cluster.scheduler.workers.values())}
        if queued is None:
            return
        lost = [name for name, job in jobs.items() if job not in queued and name not in joined]
        for name in lost:
            self._cluster.workers.pop(name, None)
        self._failed = 0 if joined else self._failed + len(lost)
        if self._failed >= _HOPELESS * self._number:
            raise UserError(f"{self._failed} jobs ended before they took a task; what they printed is in {self._logs}")
        with suppress(RuntimeError, ValueError, OSError):
            self._cluster.scale(jobs=self._number)

    def _queued(self) -> set[str] | None:
        """The jobs that wait or run; None when the batch system does not say."""
        try:
            result = run_program(self._system.queue, timeout=30)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return set(result.stdout.split()) if result.returncode == 0 else None
