"""Options that say where work runs, for every command that has some."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

__all__ = ["engine_options"]


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as `engine`, an `EngineOptions`."""

    @click.option("--workers", type=click.IntRange(1), help="Processes; default: one per core.")
    @click.option("--scheduler", metavar="ADDRESS", help="Run on the workers of this Dask scheduler, for example tcp://host:8786.")
    @click.option("--memory", default="4GiB", show_default=True, help="What a worker may use.")
    @wraps(command)
    def with_engine(*arguments: Any, workers: int | None, scheduler: str | None, memory: str, **options: Any) -> Any:
        from l1ae.engine import EngineOptions

        return command(*arguments, engine=EngineOptions(workers, scheduler, None, memory), **options)

    return with_engine
