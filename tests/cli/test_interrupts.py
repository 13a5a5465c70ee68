"""Ctrl-C and SIGTERM end every command within two seconds, with all that it started, and say how it is continued."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from l1ae.cli._continue import continuing
from tests.search.interrupts import descendants, interrupted, lives

from ..levels import slow
from .interrupting import CASES, Case

ROOT = Path(__file__).parents[2]

_LIMIT = 2.0
"""Seconds, without those in which a process waited for a processor."""


STUBBORN = """
import itertools, signal, sys, threading, time
import click
import l1ae.cli._main as entry

def computes():
    sum(itertools.repeat(0, 10**12))

def waits():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    time.sleep(60)

def goes_on():
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        time.sleep(60)

def leaves_a_thread():
    threading.Thread(target=time.sleep, args=(60,)).start()
    time.sleep(60)

@click.command()
@click.argument("how")
def csim(how):
    print("there", flush=True)
    globals()[how]()

entry._cli.add_command(csim, "csim")
entry.main()
"""


@pytest.mark.parametrize("how", slow([signal.SIGINT, signal.SIGTERM], (signal.SIGTERM,)))
@pytest.mark.parametrize(
    ("what", "status"),
    [
        ("computes", -signal.SIGKILL),  # no thread runs: only another process can end it
        ("waits", 1),
        ("goes_on", 1),
        ("leaves_a_thread", 1),
    ],
)
def test_whatever_holds_the_main_thread_a_command_ends(what: str, status: int, how: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN, "csim", what],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.3)
    below = descendants(process.pid)
    assert below, "nobody watches"
    took = interrupted(process.pid, how)
    _, said = process.communicate(timeout=60)
    assert took < _LIMIT
    assert process.returncode == status
    assert said.strip() == f"interrupted; {continuing(['csim', what])}"
    end = time.monotonic() + 30
    while (left := [pid for pid in below if lives(pid)]) and time.monotonic() < end:
        time.sleep(0.05)
    assert not left


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """All cases, tried one after the other."""
    folder = tmp_path_factory.mktemp("interrupts")
    command = [sys.executable, "-m", "tests.cli.interrupting", str(folder / "base"), str(folder / "results")]
    environment = os.environ | {"TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return {trial["name"]: trial for trial in map(json.loads, (folder / "results").read_text().splitlines())}


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_interrupt_ends_a_command_in_the_middle_of_its_work(case: Case, trials: dict[str, dict]) -> None:
    trial = trials[case.name]
    assert trial["status"] == 1, trial["said"]
    assert trial["seconds"] < _LIMIT
    assert trial["said"].rstrip().splitlines()[-1] == f"interrupted; {continuing(case.words)}"
    assert "Traceback" not in trial["said"]
    assert "Exception ignored" not in trial["said"]
    assert not trial["orphans"], "processes that live on"
    assert not trial["left"], "files that are no result"
    assert not trial["changed"], "what was there before"
    assert not case.output or case.output not in trial["left"]
