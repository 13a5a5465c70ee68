"""Workers on this machine: what they are, what becomes of tasks, and that nothing outlives its client."""

import operator
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from l1ae.engine import EngineOptions, LostError, engine
from l1ae.errors import UserError

pytest.importorskip("distributed")

SHORT = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
)


def outcomes(opened, number, seconds=60.0):
    """So many outcomes by key."""
    found, deadline = [], time.monotonic() + seconds
    while len(found) < number and time.monotonic() < deadline:
        found += opened.finished(1.0)
    assert len({outcome.key for outcome in found}) == len(found) == number
    return {outcome.key: outcome for outcome in found}


@pytest.fixture(scope="module")
def two():
    """An engine of two workers, in an environment that would have them use more threads."""
    os.environ["OMP_NUM_THREADS"] = "7"
    try:
        with engine(EngineOptions(workers=2, memory="500MB")) as opened:
            yield opened
        assert os.environ["OMP_NUM_THREADS"] == "7"
    finally:
        del os.environ["OMP_NUM_THREADS"]


def test_values_and_errors_come_out(two):
    assert two.workers == 2
    for divisor in range(8):
        two.submit(f"divide-{divisor}", operator.truediv, 1, divisor)
    found = outcomes(two, 8)
    assert isinstance(found["divide-0"].error, ZeroDivisionError)
    assert [found[f"divide-{divisor}"].value for divisor in range(1, 8)] == [1 / divisor for divisor in range(1, 8)]
    assert two.finished() == []
    with pytest.raises(ValueError, match="task 'divide-1' was submitted before"):
        two.submit("divide-1", operator.truediv, 1, 1)


def test_nothing_finished_is_an_empty_answer_after_the_timeout(two):
    two.submit("sleep", time.sleep, 0.8)
    begin = time.monotonic()
    assert two.finished(0.2) == []
    assert time.monotonic() - begin < 0.7
    assert outcomes(two, 1)["sleep"].error is None


def test_a_worker_is_a_process_of_one_thread_that_says_nothing(two, capfd):
    for name in SHORT:
        two.submit(f"variable {name}", os.getenv, name)
    two.submit("pid", os.getpid)
    two.submit("main", os.write, 2, b"a library complains\n")
    two.submit("interrupts", signal.pthread_sigmask, signal.SIG_BLOCK, ())
    found = outcomes(two, len(SHORT) + 3)
    assert {found[f"variable {name}"].value for name in SHORT} == {"1"}
    assert found["pid"].value != os.getpid()
    assert signal.SIGINT in found["interrupts"].value
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_task_that_ends_its_worker_is_tried_three_times_and_the_others_are_done(two, tmp_path, caplog):
    script = f"import os, signal; open({str(tmp_path / 'tries')!r}, 'a').write('x'); os.kill(os.getpid(), signal.SIGKILL)"
    two.submit("killer", exec, script)
    for k in range(6):
        two.submit(f"innocent-{k}", time.sleep, 0.3)
    found = outcomes(two, 7)
    assert isinstance(found["killer"].error, LostError)
    assert str(found["killer"].error).startswith("its worker died 3 times, most likely for lack of memory; raise --memory")
    assert (tmp_path / "tries").read_text() == "xxx"
    assert all(found[f"innocent-{k}"].error is None for k in range(6))
    assert caplog.messages.count("a worker ended before its task; another one is started") == 3


def test_a_worker_that_died_once_costs_one_try(two, tmp_path):
    flag = tmp_path / "tried"
    script = f"import os, pathlib; p = pathlib.Path({str(flag)!r}); p.exists() or (p.touch(), os._exit(9))"
    two.submit("once", exec, script)
    assert outcomes(two, 1)["once"].error is None
    assert flag.exists()


@pytest.mark.slow
def test_a_worker_beyond_its_memory_is_ended(two, caplog):
    two.submit("large", exec, "import time; x = [bytearray(b'x' * 100_000_000) for _ in range(9)]; time.sleep(30)")
    error = outcomes(two, 1)["large"].error
    assert isinstance(error, LostError)
    assert any("exceeded 95% memory budget" in message for message in caplog.messages)


def test_an_error_that_cannot_be_sent_is_one_all_the_same(two):
    class LocalError(Exception):
        def __init__(self, one, two):
            super().__init__(one)

    two.submit("odd", exec, "class E(Exception):\n  def __init__(self, a, b): super().__init__('what was wrong')\nraise E(1, 2)")
    error = outcomes(two, 1)["odd"].error
    assert error is not None
    assert "what was wrong" in str(error) or "E" in repr(error)


@pytest.mark.parametrize(
    ("memory", "message"), [("lots", "memory 'lots' is no size; write for example 4GiB"), ("1MB", "needs at least 300MB")]
)
def test_a_size_that_is_none(memory, message):
    with pytest.raises(UserError, match=message), engine(EngineOptions(workers=1, memory=memory)):
        pass


_CLIENT = """
import os, signal, sys, time
from pathlib import Path
from l1ae.cli._interrupts import Interrupts
from l1ae.engine import EngineOptions, engine
from l1ae.tools import started

busy = '''
import os
from pathlib import Path
from l1ae.tools import started
with started(["sleep", "600"]) as child:
    Path(FOLDER, f"{os.getpid()}-{child.pid}").touch()
    while True:
        pass
'''

if __name__ == "__main__":
    Interrupts("interrupted", at_once=False)
    with engine(EngineOptions(workers=2)) as opened:
        for k in range(2):
            opened.submit(str(k), exec, busy.replace("FOLDER", repr(sys.argv[1])), {"__name__": "busy"})
        opened.finished()
"""


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_a_client(how, tmp_path):
    """Two workers that never give the interpreter away for long, each with a program of its own."""
    script = tmp_path / "client.py"
    script.write_text(textwrap.dedent(_CLIENT))
    (tmp_path / "busy").mkdir()
    with (tmp_path / "said").open("wb") as said:
        client = subprocess.Popen([sys.executable, str(script), str(tmp_path / "busy")], stderr=said, start_new_session=True)
    deadline = time.monotonic() + 120
    while len(list((tmp_path / "busy").iterdir())) < 2 and time.monotonic() < deadline:
        assert client.poll() is None
        time.sleep(0.1)
    pids = [int(pid) for path in (tmp_path / "busy").iterdir() for pid in path.name.split("-")]
    assert len(pids) == 4
    assert all(map(_alive, pids))
    if how == signal.SIGINT:
        # a terminal sends it to all of them
        os.killpg(client.pid, how)
    else:
        client.send_signal(how)
    client.wait(60)
    deadline = time.monotonic() + 20
    while any(map(_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(_alive, pids))
    complaint = (tmp_path / "said").read_text()
    # of the client's main thread, if it takes leave in time; none of a worker
    assert complaint.count("Traceback") <= (0 if how == signal.SIGKILL else 1), complaint
