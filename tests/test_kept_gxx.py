"""The compiler of tests that compile: the same program for the same text, another one for anything else."""

import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch, kept_gxx):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "exports.map").write_text("{ local: *; };\n")
    return tmp_path


def _compile(folder: Path, text: str, *options: str, name: str = "main.cpp") -> subprocess.CompletedProcess[str]:
    (folder / name).write_text(text)
    return subprocess.run(["g++", *options, name, "-o", "main"], cwd=folder, capture_output=True, text=True, check=False)


def _kept(folder: Path) -> int:
    return len(list((folder / "cache").rglob("*.*")))


def _answer(folder: Path) -> int:
    return subprocess.run([folder / "main"], check=False).returncode


def test_the_same_text_is_compiled_once(folder):
    assert _compile(folder, "int main() { return 3; }").returncode == 0
    (folder / "main").unlink()
    assert _compile(folder, "int main() { return 3; } // said\n", "-I/nowhere", name="other.cpp").returncode == 0
    assert (_answer(folder), _kept(folder)) == (3, 1)


@pytest.mark.slow
def test_another_text_option_or_named_file_is_compiled(folder):
    shared = ("-shared", "-fPIC", "-Wl,--version-script=exports.map")
    for number in (3, 4):
        assert _compile(folder, f"int main() {{ return {number}; }}").returncode == 0
        assert _answer(folder) == number
    _compile(folder, "int main() { return CASE; }", "-DCASE=5")
    assert _answer(folder) == 5
    _compile(folder, "int open() { return 1; }", *shared)
    (folder / "exports.map").write_text("{ global: *; };\n")
    _compile(folder, "int open() { return 1; }", *shared)
    listed = subprocess.run(["nm", "-D", "--defined-only", folder / "main"], capture_output=True, text=True, check=True).stdout
    assert "open" in listed
    assert _kept(folder) == 5


def test_what_is_refused_or_warned_of_is_said_every_time(folder):
    for _ in range(2):
        found = _compile(folder, "int main() { return none; }")
        assert found.returncode == 1
        assert "main.cpp:1:21: error: " in found.stderr
        assert "unused" in _compile(folder, "int main() { int unused; }", "-Wall").stderr
    assert _kept(folder) == 0


def test_other_calls_are_those_of_the_compiler(folder):
    assert "Free Software Foundation" in subprocess.run(["g++", "--version"], capture_output=True, text=True, check=True).stdout
    (folder / "one.cpp").write_text("int one() { return 1; }\n")
    subprocess.run(["g++", "-c", "one.cpp"], cwd=folder, check=True)
    (folder / "two.cpp").write_text("int one(); int main() { return one() + 1; }\n")
    subprocess.run(["g++", "one.o", "two.cpp", "-o", "main"], cwd=folder, check=True)
    assert (_answer(folder), _kept(folder)) == (2, 0)


def test_of_several_sources_each_counts(folder):
    for one, two in ((1, 1), (2, 1), (1, 2), (1, 1)):
        (folder / "one.cpp").write_text(f"int one() {{ return {one}; }}\n")
        (folder / "two.cpp").write_text(f"int one(); int main() {{ return one() + {10 * two}; }}\n")
        subprocess.run(["g++", "one.cpp", "two.cpp", "-o", "main"], cwd=folder, check=True)
        assert _answer(folder) == one + 10 * two
    assert _kept(folder) == 3
