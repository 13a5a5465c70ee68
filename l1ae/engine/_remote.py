"""What the client and its workers must agree on. The workers import this file, so that it imports nothing but l1ae."""

from collections.abc import Callable
from typing import Any

from l1ae import __version__
from l1ae.engine._tasks import Outcome, outcome_of
from l1ae.errors import UserError

__all__ = ["ENVIRONMENT", "EXACT", "THREADS", "call"]

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Read by numpy's linear algebra when it is loaded."""

ENVIRONMENT = THREADS | {
    "NUMBA_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
}
"""What keeps the libraries of a worker to one thread, and quiet."""

EXACT = ("l1ae", "numpy", "scikit-learn", "keras", "tensorflow", "qkeras-v3", "pythia8mc", "fastjet", "awkward")
"""Packages of which another version may give other results. Only l1ae must be there; what lacks another one says so."""


def call(version: str, key: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Outcome:
    """Do a task for a client with l1ae `version`, which workers that came late were not asked for."""
    if version != __version__:
        error = UserError(f"a worker has l1ae {__version__}, and this is {version}; install the same version there")
        return Outcome(key, None, error)
    return outcome_of(key, function, arguments)
