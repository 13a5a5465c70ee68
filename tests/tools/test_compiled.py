"""Programs kept from one compilation to the next: never those of other sources, options or compilers."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from l1ae.errors import UserError
from l1ae.tools import KEPT_VARIABLE, compile_cpp, compiled

SOURCE = '#include <cstdio>\n#include "answer.h"\nint main() { std::printf("%d", ANSWER); }\n'


@pytest.fixture
def kept(tmp_path, monkeypatch) -> Path:
    """The folder of the programs, a new one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(KEPT_VARIABLE, raising=False)
    return tmp_path / "cache" / "l1ae" / "compiled"


@pytest.fixture
def sources(tmp_path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "main.cpp").write_text(SOURCE)
    (folder / "answer.h").write_text("#define ANSWER 42\n")
    return folder


def _answer(sources: Path, *options: str) -> str:
    target = sources / "program"
    result = compile_cpp("main.cpp", options, target, sources, purpose="test")
    assert result.returncode == 0, result.stderr
    return subprocess.run([target], check=True, capture_output=True, text=True).stdout


def _write(folder: Path, text: str = "program", key: str = "key", size: int = 0) -> tuple[bool, str]:
    """Whether a program was kept, and what `target` holds."""
    target = folder / "target"
    target.unlink(missing_ok=True)
    found = compiled(target, [key], lambda: target.write_bytes(text.encode().ljust(size)))
    return found, target.read_text().strip()


def _entries(kept: Path) -> list[Path]:
    return sorted(kept.iterdir())


def test_the_same_sources_are_compiled_once(sources, kept):
    assert _answer(sources) == "42"
    (entry,) = _entries(kept)
    old = entry.stat()
    os.utime(entry, (1, 1))
    assert _answer(sources) == "42"
    assert _entries(kept) == [entry]
    assert entry.stat().st_ino == old.st_ino, "it was written again"
    assert entry.stat().st_mtime > 1, "its use does not show"
    assert sorted(path.name for path in sources.iterdir()) == ["answer.h", "main.cpp", "program"]


def test_a_changed_header_is_never_answered_from_before(sources, kept):
    """Of the same length and time as the one that was compiled."""
    assert _answer(sources) == "42"
    header = sources / "answer.h"
    before = header.stat()
    header.write_text("#define ANSWER 43\n")
    os.utime(header, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert _answer(sources) == "43"
    header.write_text("#define ANSWER 42\n")
    assert _answer(sources) == "42"
    assert len(_entries(kept)) == 2


def test_a_header_of_another_folder_counts(sources, kept, tmp_path, monkeypatch):
    (sources / "answer.h").unlink()
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "answer.h").write_text(f"#define ANSWER {number}\n")
        monkeypatch.setenv("CPLUS_INCLUDE_PATH", str(tmp_path / str(number)))
        assert _answer(sources) == str(number)
    assert len(_entries(kept)) == 2


def test_options_count(sources, kept):
    (sources / "answer.h").write_text("#define ANSWER ((unsigned char)(char)200 == (char)200)\n")
    assert _answer(sources, "-fsigned-char") == "0"
    assert _answer(sources, "-funsigned-char") == "1"


def test_another_compiler_counts(sources, kept, tmp_path, monkeypatch):
    """One that is named alike, and leaves its mark in what it makes."""
    assert _answer(sources) == "42"
    real = shutil.which("g++")
    other = tmp_path / "bin" / "g++"
    other.parent.mkdir()
    other.write_text(
        f'#!/bin/sh\n{real} "$@" || exit\nfor last; do :; done\n[ "$last" = {sources}/program ] && : > {tmp_path}/mark\nexit 0\n'
    )
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{other.parent}:{os.environ['PATH']}")
    assert _answer(sources) == "42"
    assert (tmp_path / "mark").exists()


def test_what_the_compiler_refuses_is_said_and_not_kept(sources, kept):
    (sources / "answer.h").write_text("#define ANSWER no_such_name\n")
    result = compile_cpp("main.cpp", [], sources / "program", sources, purpose="test")
    assert result.returncode != 0
    assert "main.cpp:3" in result.stderr
    assert "no_such_name" in result.stderr
    assert not (sources / "program").exists()
    assert not kept.exists()
    (sources / "main.cpp").write_text('#include "missing.h"\n')
    result = compile_cpp("main.cpp", [], sources / "program", sources, purpose="test")
    assert result.returncode != 0
    assert "missing.h" in result.stderr


def test_without_a_compiler(sources, kept, monkeypatch):
    monkeypatch.setenv("PATH", str(sources))
    with pytest.raises(UserError, match=r"g\+\+ is not installed; the test needs it"):
        compile_cpp("main.cpp", [], sources / "program", sources, purpose="test")


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: b"\0" + content[1:], lambda content: b""])
def test_a_damaged_program_is_made_again(kept, tmp_path, damage, caplog):
    assert _write(tmp_path) == (False, "program")
    (entry,) = _entries(kept)
    entry.write_bytes(damage(entry.read_bytes()))
    assert _write(tmp_path) == (False, "program")
    assert f"'{entry}' is damaged and removed" in caplog.text
    assert _entries(kept) == [entry]
    assert _write(tmp_path, "not asked") == (True, "program")


def test_switched_off(kept, tmp_path, monkeypatch):
    _write(tmp_path, "old")
    monkeypatch.setenv(KEPT_VARIABLE, "off")
    assert _write(tmp_path, "new") == (False, "new")
    assert _write(tmp_path, "newer", "another key") == (False, "newer")
    assert len(_entries(kept)) == 1


@pytest.mark.parametrize("value", ["no", "0", "-1", "1.5"])
def test_a_value_that_is_neither(kept, tmp_path, monkeypatch, value):
    monkeypatch.setenv(KEPT_VARIABLE, value)
    with pytest.raises(UserError, match=f"{KEPT_VARIABLE} must be `off` or a size in MB, not '{value}'"):
        _write(tmp_path)


def test_those_not_used_for_longest_make_room(kept, tmp_path, monkeypatch):
    monkeypatch.setenv(KEPT_VARIABLE, "1")
    for number, key in enumerate("abc"):
        _write(tmp_path, key, key, 300_000)
        os.utime(next(iter(kept.glob(f"*.{_sha(key, 300_000)}"))), (number + 1, number + 1))
    _write(tmp_path, "not asked", "a")
    _write(tmp_path, "d", "d", 300_000)
    assert [_write(tmp_path, "again", key)[0] for key in "acd"] == [True, True, True]
    assert _write(tmp_path, "again", "b") == (False, "again")


def _sha(text: str, size: int) -> str:
    return hashlib.sha256(text.encode().ljust(size)).hexdigest()


def test_what_killed_processes_left_is_removed_after_an_hour(kept, tmp_path):
    _write(tmp_path)
    old, new = kept / ".partial-old", kept / ".partial-new"
    for path, age in ((old, 3700), (new, 10)):
        path.write_text("half")
        os.utime(path, (time.time() - age,) * 2)
    _write(tmp_path, key="another")
    assert not old.exists()
    assert new.exists()


def test_a_folder_that_cannot_be_written_costs_only_time(kept, tmp_path):
    kept.parent.mkdir(parents=True)
    kept.write_text("a file")
    assert _write(tmp_path) == (False, "program")
    assert _write(tmp_path) == (False, "program")


def test_many_at_once(kept, tmp_path):
    """Programs of one key that differ, as from a compiler that does not repeat itself: each gets a whole one."""

    def one(number: int) -> str:
        folder = tmp_path / str(number)
        folder.mkdir()
        return _write(folder, f"{number % 3}", size=100_000)[1]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(64))) <= {"0", "1", "2"}
    assert all(path.suffix == f".{_sha(path.read_text().strip(), 100_000)}" for path in _entries(kept))


def test_killed_while_it_keeps_a_program(kept, tmp_path):
    """At any moment: whatever lies there afterwards is whole, or not taken."""
    code = (
        "import sys; from pathlib import Path; from l1ae.tools import compiled\n"
        "target = Path(sys.argv[1])\n"
        "for k in range(10**6):\n"
        "    compiled(target, [str(k % 40)], lambda: target.write_bytes(bytes([k % 40]) * 500_000))\n"
    )
    ours = tmp_path / "ours"
    for delay in (0.02, 0.05, 0.1):
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "theirs")])
        while not (kept.exists() and any(kept.iterdir())):
            time.sleep(0.01)
        time.sleep(delay)
        process.kill()
        process.wait()
        for k in range(40):
            compiled(ours, [str(k)], lambda k=k: ours.write_bytes(bytes([k]) * 500_000))
            assert ours.read_bytes() == bytes([k]) * 500_000
        shutil.rmtree(kept)
