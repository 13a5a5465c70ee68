"""Files that are whole or absent, held by one at a time, and read with their type."""

import errno
import fcntl
import json
import os
import subprocess
import sys
import textwrap
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from l1ae.errors import UserError
from l1ae.files import DamagedError, held, json_content, read_json, replacing, scratch, write_json, write_text
from l1ae.results import Count, Fraction, load_result, save_result


def other(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code in another process."""
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], capture_output=True, text=True, check=False)


TAKE = """
    import sys
    from pathlib import Path
    from l1ae.files import held
    with held(Path(sys.argv[1])):
        print("got it")
    """


def test_a_second_process_is_told_who_holds_a_folder(tmp_path: Path) -> None:
    with held(tmp_path):
        answer = other(TAKE, tmp_path)
    assert answer.returncode == 1
    assert f"'{tmp_path}' is being written by process {os.getpid()} on " in answer.stderr
    assert other(TAKE, tmp_path).stdout == "got it\n"
    assert list(tmp_path.iterdir()) == []


def test_who_took_a_lock_a_moment_ago_is_waited_for_to_say_who_it_is(tmp_path: Path) -> None:
    who = {"pid": 7, "host": "here", "command": "l1ae hls run", "since": "2026-01-01"}
    with (tmp_path / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        telling = threading.Timer(0.05, lambda: (tmp_path / ".lock").write_text(json.dumps(who)))
        telling.start()
        with pytest.raises(UserError, match=r"process 7 on here \(`l1ae hls run`, since 2026-01-01\)"), held(tmp_path):
            pass
        telling.join()
        (tmp_path / ".lock").write_text("")
        with pytest.raises(UserError, match="is being written by another process"), held(tmp_path):
            pass


def test_a_process_may_hold_a_folder_twice_and_lets_go_at_the_end(tmp_path: Path) -> None:
    with held(tmp_path):
        with held(tmp_path):
            pass
        assert other(TAKE, tmp_path).returncode == 1
    assert other(TAKE, tmp_path).returncode == 0


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    killed = other(
        """
        import os, signal, sys
        from pathlib import Path
        from l1ae.files import held
        with held(Path(sys.argv[1])):
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        tmp_path,
    )
    assert killed.returncode == -9
    assert other(TAKE, tmp_path).stdout == "got it\n"


def test_what_fails_while_it_is_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_text(path, "old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_another_process_writes_is_not_written_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with replacing(path) as temporary:
        temporary.write_text("mine")
        answer = other("import sys, pathlib; from l1ae.files import write_text; write_text(pathlib.Path(sys.argv[1]), 'other')", path)
    assert "is being written by process" in answer.stderr
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["", ".", "..", "/", "there"])
def test_a_folder_is_not_written_as_a_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work" / "there").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    with pytest.raises(UserError, match=f"'{Path(name)}' is a folder; name a file to write"):
        write_text(Path(name), "text")
    assert [path.name for path in tmp_path.rglob("*")] == ["work", "there"]


def test_scratch_folders_of_killed_processes_go_and_those_in_use_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = """
        import os, signal, sys, tempfile
        tempfile.tempdir = sys.argv[1]
        from l1ae.files import scratch
        with scratch("work") as folder:
            (folder / "big").write_text("big")
            os.kill(os.getpid(), signal.SIGKILL)
        """
    assert other(code, tmp_path).returncode == -9
    (left,) = tmp_path.iterdir()
    with scratch("one") as mine:
        assert not left.exists()
        with scratch("two") as second:
            assert mine.is_dir()
        assert not second.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "Expecting value"),
        (b"[1]", "a list"),
        (b"1", "a number"),
        (b"true", "true or false"),
        (b'{"a": NaN}', "'NaN' is no number"),
        (b'{"a": -Infinity}', "'-Infinity' is no number"),
        (b'{"a": 1e999}', "beyond the range"),
        (b'{"a": "\xff"}', "codec can't decode"),
        (b'{"a":' + b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "integer string conversion"),
        (b'{"a": 1', "delimiter"),
    ],
)
def test_what_is_no_json_mapping_says_why(text: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DamagedError, match=reason):
        json_content(text)
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(UserError, match=r"is damaged .*; again"):
        read_json(tmp_path / "a.json", missing="first", damaged="again")


def test_numbers_that_are_none_are_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


@dataclass(frozen=True)
class Found:
    events: Count
    share: Fraction
    name: str
    codes: tuple[int, ...]


def read(path: Path) -> Found:
    return load_result(Found, path, what="finding", remedy="make it first", again="make it again")


def test_a_result_comes_back_as_it_was_written(tmp_path: Path) -> None:
    found = Found(3, 0.25, "a", (1, -2))
    save_result(tmp_path / "found.json", found)
    assert read(tmp_path / "found.json") == found


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("3", "true", "events"),
        ("3", "-1", "events"),
        ("3", "1" + "0" * 30, "events"),
        ("3", "3.5", "events"),
        ('"a"', "7", "name"),
        ("0.25", "1.5", "share"),
        ("0.25", "NaN", "damaged"),
        ("-2", "false", "codes.1"),
    ],
)
def test_an_edited_result_is_refused_at_its_place(old: str, new: str, place: str, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    save_result(path, Found(3, 0.25, "a", (1, -2)))
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=f"{place}.*; make it again"):
        read(path)
