import json
import subprocess
import time
from pathlib import Path

import pytest

from l1ae.errors import UserError
from l1ae.tools import abc_program, run_yosys, yosys_version


def test_the_version_is_that_of_the_program(tmp_path):
    run_yosys("write_json version.json", tmp_path, memory_gb=1, timeout=60)
    creator = json.loads((tmp_path / "version.json").read_text())["creator"]
    assert creator.startswith(f"Yosys {yosys_version().removeprefix('pyosys ')} ")


def test_abc_answers():
    answer = subprocess.run([abc_program(), "-c", "version"], capture_output=True, text=True, check=False)
    assert "ABC" in answer.stdout


def test_a_run_tells_what_it_used(tmp_path):
    run = run_yosys("read_verilog -lib +/xilinx/cells_sim.v", tmp_path, memory_gb=1, timeout=60)
    assert 0 < run.cpu_seconds < run.seconds + 0.5
    assert 0.01 < run.peak_gb < 1


def wait_for_end(pid):
    """Whether the process is gone (or a zombie that nobody waits for) within five seconds."""
    for _ in range(100):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
def test_a_stopped_run_leaves_no_process_behind(tmp_path):
    (tmp_path / "endless.sh").write_text("echo $$ > child.pid\nsleep 600\n")
    with pytest.raises(UserError, match=r"did not finish within 3 s"):
        run_yosys("exec -- sh endless.sh", tmp_path, memory_gb=1, timeout=3)
    assert wait_for_end(int((tmp_path / "child.pid").read_text()))


def test_an_interrupt_leaves_no_process_behind(tmp_path, monkeypatch):
    (tmp_path / "endless.sh").write_text("echo $$ > child.pid\nsleep 600\n")
    sleep = time.sleep

    def interrupt(seconds):
        sleep(seconds)
        if (tmp_path / "child.pid").exists() and (tmp_path / "child.pid").read_text():
            raise KeyboardInterrupt

    monkeypatch.setattr("l1ae.tools._yosys.time.sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_yosys("exec -- sh endless.sh", tmp_path, memory_gb=1, timeout=60)
    monkeypatch.undo()
    assert wait_for_end(int((tmp_path / "child.pid").read_text()))


def test_an_unknown_command_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"yosys refused the design: ERROR: No such command: no_such_command"):
        run_yosys("no_such_command", tmp_path, memory_gb=1, timeout=60)
