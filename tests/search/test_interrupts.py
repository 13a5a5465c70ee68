"""Ctrl-C and SIGTERM end a search at once, whatever it does, say how it is continued, and leave no process."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..levels import slow
from .interrupts import catches, descendants, interrupted, lives
from .pretended import calls, write_study

ROOT = Path(__file__).parents[2]

LOCKED = """
import sqlite3
def busy():
    sqlite3.connect(PLACE, timeout=60).execute("begin exclusive")
"""
BLOCKED = """
import signal, threading
def busy():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    print("there", flush=True)
    threading.Event().wait(60)
"""
WORKERS = """
import multiprocessing, time
def busy():
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    process.start()
    print("there", flush=True)
    process.join()
"""
ENTRY = """
import l1ae.cli._main as entry
if __name__ == "__main__":
    entry._cli.main = lambda **options: busy()
    entry.main()
"""


def started(folder: Path, *words: str) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(
        [sys.executable, *words], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def check_end(process: subprocess.Popen, how: signal.Signals, words: str) -> None:
    """The end that an interrupt must have."""
    below = descendants(process.pid)
    took = interrupted(process.pid, how)
    _, said = process.communicate(timeout=60)
    assert took < 2
    assert process.returncode == 1
    assert said.strip().splitlines()[-1] == f"interrupted; `l1ae {words} --resume` continues the search"
    assert "Traceback" not in said
    end = time.monotonic() + 30
    while (left := [pid for pid in below if lives(pid)]) and time.monotonic() < end:
        time.sleep(0.05)
    assert not left


@pytest.mark.parametrize("how", slow([signal.SIGINT, signal.SIGTERM], (signal.SIGTERM,)))
@pytest.mark.parametrize("state", [LOCKED, BLOCKED, WORKERS], ids=["database is locked", "signals are blocked", "workers run"])
def test_an_interrupt_ends_a_search_whatever_its_main_thread_does(tmp_path, state, how):
    place = tmp_path / "locked.db"
    with sqlite3.connect(place, isolation_level=None) as other:
        other.execute("begin exclusive")
        script = tmp_path / "script.py"
        script.write_text(state.replace("PLACE", repr(str(place))) + ENTRY)
        process = started(tmp_path, str(script), "search", "study.yaml")
        if state is LOCKED:
            while not catches(process.pid, signal.SIGTERM):
                time.sleep(0.01)
            time.sleep(0.3)
        else:
            process.stdout.readline()
        check_end(process, how, "search study.yaml")


@pytest.mark.slow
def test_an_interrupt_while_everything_is_imported_ends_a_search(tmp_path):
    study = write_study(tmp_path, trials=4)
    process = started(tmp_path, "-c", "from l1ae.cli import main; main()", "search", str(study))
    while not catches(process.pid, signal.SIGTERM):
        time.sleep(0.01)
    time.sleep(0.5)
    check_end(process, signal.SIGINT, f"search {study}")


@pytest.mark.slow
@pytest.mark.parametrize("when", ["start", "wait"])
def test_an_interrupt_ends_a_search_with_its_workers(tmp_path, when):
    study, log = write_study(tmp_path, trials=40), tmp_path / "calls"
    words = ["search", str(study), "--run", str(tmp_path / "run"), "--no-verify", "--workers", "2"]
    process = started(tmp_path, "-m", "tests.search.command", str(log), "0.5", *words)
    end = time.monotonic() + 600
    there = {"start": lambda: len(descendants(process.pid)) > 1, "wait": lambda: len(calls(log)) > 2}[when]
    while not there() and time.monotonic() < end and lives(process.pid):
        time.sleep(0.05)
    check_end(process, signal.SIGINT, " ".join(words))
