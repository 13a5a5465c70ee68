"""The workers of a scheduler that runs already."""

import asyncio
import platform
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

from distributed import Client
from distributed.comm import connect
from distributed.versions import VersionMismatchWarning

from l1ae.engine._logs import log
from l1ae.engine._places import Place
from l1ae.engine._remote import EXACT
from l1ae.errors import UserError

__all__ = ["connected"]

_ANSWER = 8.0
_FIRST_WORKER = 10.0


@contextmanager
def connected(address: str, workers: int | None) -> Iterator[tuple[Client, Place]]:
    """A client of the scheduler at `address`. Raises `UserError` when there is none, or no worker, or they are of another kind."""
    with _client(address) as client:
        found = _workers(client, address)
        _check_packages(client)

        def present() -> int:
            return len(client.scheduler_info(n_workers=-1)["workers"])

        remedy = f"start some with `{_command(address)}`"
        yield client, Place(address, workers or found, remedy, present)


def _command(address: str) -> str:
    return f"dask worker {address} --nthreads 1 --memory-limit 4GiB"


def _client(address: str) -> Client:
    remedy = "start one with `dask scheduler`, and give the address that it prints, for example tcp://host:8786"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", VersionMismatchWarning)
        try:
            # a client has no end of its patience with a port that takes connections and does not answer as a scheduler does
            with ThreadPoolExecutor(1) as thread:
                # a notebook has a loop of its own in this one
                thread.submit(asyncio.run, _ask(address)).result()
            client = Client(address, timeout=_ANSWER, set_as_default=False)
        except ImportError as error:
            raise UserError(f"the scheduler at '{address}' has packages that do not fit: {error}; install the same there") from error
        except Exception as error:
            # an address that is none, no answer, and an answer of something else are a dozen kinds of errors
            said = " ".join(str(error).split()) or type(error).__name__
            raise UserError(f"no scheduler answers at '{address}' ({said}); {remedy}") from error
    for warning in caught:
        if issubclass(warning.category, VersionMismatchWarning):
            log.warning("the scheduler at %s has other versions: %s", address, warning.message)
    return client


async def _ask(address: str) -> None:
    """Have a scheduler say what it is."""
    async with asyncio.timeout(_ANSWER):
        comm = await connect(address, timeout=_ANSWER)
        try:
            await comm.write({"op": "identity", "n_workers": 0, "reply": True})
            if (await comm.read()).get("type") != "Scheduler":
                raise ValueError("something else answers")
        finally:
            comm.abort()


def _workers(client: Client, address: str) -> int:
    """How many there are, the first one waited for. Those with more threads than one count as many, which run tasks beside each other."""
    deadline = time.monotonic() + _FIRST_WORKER
    while True:
        found = client.scheduler_info(n_workers=-1)["workers"]
        if found:
            break
        if time.monotonic() > deadline:
            raise UserError(f"the scheduler at '{address}' has no worker; start some with `{_command(address)}`")
        time.sleep(0.2)
    many = [name for name, facts in found.items() if facts["nthreads"] != 1]
    if many:
        raise UserError(
            f"worker {many[0]} has {found[many[0]]['nthreads']} threads, and tasks need a process each; start workers with "
            f"`{_command(address)}`"
        )
    return len(found)


def _check_packages(client: Client) -> None:
    """Raises `UserError` when a worker has not what gives the same results as here."""
    _check("python", _minor(platform.python_version()), {w: _minor(v) for w, v in client.run(platform.python_version).items()})
    for package in EXACT:
        try:
            mine = version(package)
        except PackageNotFoundError:
            continue
        found = client.run(version, package, on_error="return")
        if package == "l1ae":
            _check_there(package, found)
        _check(package, mine, {worker: theirs for worker, theirs in found.items() if isinstance(theirs, str)})


def _check_there(package: str, found: dict[str, object]) -> None:
    for worker, theirs in found.items():
        if not isinstance(theirs, str):
            raise UserError(f"worker {worker} has no {package} ({theirs}); install it there")


def _check(package: str, mine: str, found: dict[str, str]) -> None:
    for worker, theirs in found.items():
        if theirs != mine:
            raise UserError(f"worker {worker} has {package} {theirs}, and this is {mine}; install the same version there")


def _minor(python: str) -> str:
    return python.rpartition(".")[0]
