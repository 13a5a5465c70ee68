"""Read by a worker here before it takes tasks."""

import os
from typing import Any

__all__ = ["dask_setup"]


def dask_setup(worker: Any) -> None:
    """Keep what libraries and a worker that is ended write off the terminal, which belongs to the client."""
    del worker
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)
