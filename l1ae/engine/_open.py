"""An engine where the options say."""

from collections.abc import Iterator
from contextlib import contextmanager

from l1ae.engine._options import EngineOptions
from l1ae.engine._tasks import Engine
from l1ae.extras import needs

__all__ = ["engine"]


@contextmanager
def engine(options: EngineOptions) -> Iterator[Engine]:
    """An engine for the block, whose workers end with it where they were started for it.

    A worker is a process with one thread and a limit of memory. A task whose worker dies is tried again; the third one to die with it
    ends it with a `LostError`. Workers here import the script that calls this, which must do so under
    `if __name__ == "__main__":`.

    Raises `UserError` when there is no scheduler at the address, its workers have other packages, or the batch system does not take
    the jobs.
    """
    with needs("search"):
        from l1ae.engine import _dask
    with _dask.opened(options) as found:
        yield found
