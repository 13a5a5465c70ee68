"""A part of every campaign; `make robustness` runs all of them. Seeds are those of the campaigns (1)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..levels import exhaustive

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first campaign makes what all of them work on."""
    return tmp_path_factory.mktemp("robustness") / "base"


CAMPAIGNS = ("damaged files", "full disks", "concurrent pairs", "names and strings", "kills", "searches")


@pytest.mark.slow
@pytest.mark.parametrize("campaign", exhaustive(CAMPAIGNS, ("names and strings",)))
def test_a_part_of_the_campaign_finds_no_fault(campaign: str, base: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.robustness", campaign, "--small", "--base", str(base)]
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600)
    if "no disk can be mounted here" in ended.stderr:
        pytest.skip("full disks need the right to mount one")
    if "there is no PostgreSQL server here" in ended.stderr:
        pytest.skip("searches need a server; install Debian's postgresql")
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert "faults: 0" in ended.stdout
