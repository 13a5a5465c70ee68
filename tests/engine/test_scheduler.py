"""A scheduler and workers that run already, as processes of their own; and addresses where there is none."""

import logging
import operator
import socket
import sys
import time
from contextlib import contextmanager
from threading import Thread

import pytest

from l1ae import __version__
from l1ae.engine import EngineOptions, engine
from l1ae.engine._remote import call
from l1ae.errors import UserError

from .places import elsewhere

pytest.importorskip("distributed")


def take(opened, number, seconds=120.0):
    """So many outcomes by key."""
    found, deadline = [], time.monotonic() + seconds
    while len(found) < number and time.monotonic() < deadline:
        found += opened.finished(1.0)
    assert len({outcome.key for outcome in found}) == len(found) == number
    return {outcome.key: outcome for outcome in found}


@contextmanager
def _port(says: bytes | None):
    """A port where something else listens: it says that to whoever comes, or nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = []

        def accept():
            try:
                while True:
                    connection, _ = server.accept()
                    taken.append(connection)
                    if says is not None:
                        connection.sendall(says)
                        connection.close()
            except OSError:
                return

        thread = Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in taken:
            connection.close()


@pytest.mark.parametrize(
    "address",
    [
        *("nonsense", "tcp://127.0.0.1", "http://127.0.0.1:80"),
        pytest.param("tcp://127.0.0.1:1", marks=pytest.mark.slow),
        pytest.param("tcp://no.such.invalid:8786", marks=pytest.mark.exhaustive),
    ],
)
def test_an_address_without_a_scheduler_is_refused(address):
    begin = time.monotonic()
    with (
        pytest.raises(UserError, match=rf"no scheduler answers at '{address}' \(.*\); start one with `dask scheduler`"),
        engine(EngineOptions(scheduler=address)),
    ):
        pass
    assert time.monotonic() - begin < 10


@pytest.mark.slow
@pytest.mark.parametrize("says", [None, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
def test_a_port_of_something_else_is_refused(says):
    begin = time.monotonic()
    with _port(says) as port:
        address = f"tcp://127.0.0.1:{port}"
        with pytest.raises(UserError, match=f"no scheduler answers at '{address}'"), engine(EngineOptions(scheduler=address)):
            pass
    assert time.monotonic() - begin < 10


@pytest.mark.slow
def test_workers_elsewhere_do_tasks_and_are_replaced_and_a_lost_scheduler_is_told(tmp_path):
    with elsewhere(tmp_path, workers=1) as place, engine(EngineOptions(scheduler=place.address)) as opened:
        assert opened.workers == 1
        opened.submit("half", eval, "__import__('time').sleep(1.0) or 0.5")
        # another client gives the same key to something else
        with engine(EngineOptions(scheduler=place.address)) as other:
            other.submit("half", operator.truediv, 1, 4)
            assert take(other, 1)["half"].value == 0.25
        assert take(opened, 1)["half"].value == 0.5
        opened.submit("long", time.sleep, 1.0)
        time.sleep(0.5)
        for worker in place.workers:
            worker.kill()
        assert opened.finished(3.0) == []
        place.start_worker()
        assert take(opened, 1)["long"].error is None
        opened.submit("longer", time.sleep, 60)
        place.process.kill()
        with pytest.raises(UserError, match=r"the scheduler of the workers \(tcp://.*\) went away; .*search with --resume"):
            take(opened, 1)
        with pytest.raises(UserError, match="went away"):
            opened.submit("more", operator.neg, 1)


@pytest.mark.slow
def test_workers_of_another_kind_are_refused(tmp_path):
    """None at all, one with two threads, one with another l1ae; and who comes late finds out with its first task."""
    with elsewhere(tmp_path) as place:
        with (
            pytest.raises(UserError, match="has no worker; start some with `dask worker tcp://"),
            engine(EngineOptions(scheduler=place.address)),
        ):
            pass
        threaded = place.start_worker("--nthreads", "2")
        with pytest.raises(UserError, match="has 2 threads, and tasks need a process each"), engine(EngineOptions(scheduler=place.address)):
            pass
        threaded.terminate()
        threaded.wait()
        other = tmp_path / "other"
        (other / "l1ae-0.0.1.dist-info").mkdir(parents=True)
        (other / "l1ae-0.0.1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: l1ae\nVersion: 0.0.1\n")
        place.start_worker(path=other)
        with (
            pytest.raises(UserError, match=r"worker tcp://.* has l1ae 0\.0\.1, and this is .*; install the same version there"),
            engine(EngineOptions(scheduler=place.address)),
        ):
            pass


def test_a_worker_that_came_late_says_that_it_has_another_version():
    outcome = call("0.0.1", "a", operator.neg, (1,))
    assert isinstance(outcome.error, UserError)
    assert str(outcome.error) == f"a worker has l1ae {__version__}, and this is 0.0.1; install the same version there"
    assert call(__version__, "a", operator.neg, (1,)).value == -1


@pytest.mark.exhaustive
def test_fifty_workers_lose_nothing_and_do_nothing_twice():
    """1,000 tasks that take no time; `done` counts in this process, where the workers are threads."""
    from distributed import LocalCluster

    done = []
    sys.modules["l1ae_test_done"] = type(sys)("l1ae_test_done")
    sys.modules["l1ae_test_done"].done = done
    try:
        quiet = {"dashboard_address": "127.0.0.1:0", "worker_dashboard_address": None, "silence_logs": logging.CRITICAL}
        with (
            LocalCluster(n_workers=50, threads_per_worker=1, processes=False, protocol="tcp://", memory_limit=0, **quiet) as cluster,
            engine(EngineOptions(scheduler=cluster.scheduler_address)) as opened,
        ):
            assert opened.workers == 50
            begin = time.monotonic()
            for k in range(1000):
                opened.submit(f"task-{k}", exec, f"import sys; sys.modules['l1ae_test_done'].done.append({k})")
            found = take(opened, 1000)
            seconds = time.monotonic() - begin
        assert all(outcome.error is None for outcome in found.values())
        assert sorted(done) == list(range(1000))
        assert set(found) == {f"task-{k}" for k in range(1000)}
        assert seconds < 60
    finally:
        del sys.modules["l1ae_test_done"]
