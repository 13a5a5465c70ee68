"""Options that say where work runs, for every command that has some."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

__all__ = ["engine_options"]

_OPTIONS = (
    click.option("--workers", type=click.IntRange(1), help="Processes, or jobs; default: one per core, or what the cluster's file says."),
    click.option("--scheduler", metavar="ADDRESS", help="Run on the workers of this Dask scheduler, for example tcp://host:8786."),
    click.option("--cluster", metavar="slurm|htcondor|FILE.yaml", help="Run in jobs of a batch system."),
    click.option("--memory", metavar="SIZE", help="What a worker may use, beyond which it is started again; default: 4GiB."),
)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as `engine`, an `EngineOptions`."""

    @wraps(command)
    def with_engine(
        *arguments: Any, workers: int | None, scheduler: str | None, cluster: str | None, memory: str | None, **options: Any
    ) -> Any:
        from l1ae.engine import EngineOptions

        return command(*arguments, engine=EngineOptions(workers, scheduler, cluster, memory), **options)

    for option in reversed(_OPTIONS):
        with_engine = option(with_engine)
    return with_engine
