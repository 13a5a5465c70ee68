"""Workers that are jobs of a batch system."""

import logging
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from distributed import Client
from distributed.utils import get_ip_interface

from l1ae.engine._clusters import HTCondor, Slurm, load_cluster
from l1ae.engine._local import memory_bytes
from l1ae.engine._places import Place
from l1ae.engine._remote import ENVIRONMENT
from l1ae.errors import UserError
from l1ae.names import checked

__all__ = ["batch", "job_script"]

_DASK = {
    "DASK_DISTRIBUTED__WORKER__MEMORY__TARGET": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__SPILL": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE": "False",
}
_REPLACE = 30.0
"""Seconds between two looks for jobs that are gone."""


@dataclass(frozen=True)
class _System:
    """How a batch system is spoken to: class of dask-jobqueue, its commands, how its jobs are looked at."""

    cluster: str
    programs: tuple[str, ...]
    look: str


_SYSTEMS = {
    "slurm": _System("SLURMCluster", ("sbatch", "scancel"), "squeue"),
    "htcondor": _System("HTCondorCluster", ("condor_submit", "condor_rm"), "condor_q"),
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
            remedy = f"see `{system.look}` for the jobs that hold them, and {config.logs} for what they printed"
            place = Place(name, number, remedy, lambda: len(cluster.scheduler.workers), _replacing(cluster, number))
            yield client, place


def job_script(name: str, memory: str | None = None) -> str:
    """What is submitted for one worker, but for the address of the scheduler. Nothing is submitted."""
    with _made(load_cluster(name), memory) as cluster:
        return cluster.job_script()


@contextmanager
def _made(config: Slurm | HTCondor, memory: str | None) -> Iterator[Any]:
    """A scheduler here, that nobody works for yet."""
    try:
        jobqueue = import_module("dask_jobqueue")
    except ModuleNotFoundError as error:
        raise UserError(f"a cluster needs the package '{error.name}'; install it with: pip install 'l1ae[search]'") from error
    with getattr(jobqueue, _SYSTEMS[config.system].cluster)(**_arguments(config, memory)) as cluster:
        yield cluster


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
    try:
        # what `scale` begins, waited for
        cluster.sync(cluster._correct_state)
    except (RuntimeError, ValueError, OSError) as error:
        said = " ".join(str(error).split())
        # jobs that were not taken have nothing to close
        cluster._created.clear()
        raise UserError(f"cluster '{name}' does not take the jobs: {said}") from error


def _replacing(cluster: Any, number: int) -> Callable[[], None]:
    """Submits new jobs for those that ended, by their time limit or with their node."""
    last = time.monotonic()

    def replace() -> None:
        nonlocal last
        if time.monotonic() - last >= _REPLACE:
            last = time.monotonic()
            with suppress(RuntimeError, ValueError, OSError):
                cluster.scale(jobs=number)

    return replace
