"""Ctrl-C and SIGTERM end every command within two seconds, with all that it started, and say how it is continued."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from l1ae.cli._continue import continuing

from .interrupting import CASES, Case

ROOT = Path(__file__).parents[2]

_LIMIT = 2.0
"""Seconds, without those in which a process waited for a processor."""


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
