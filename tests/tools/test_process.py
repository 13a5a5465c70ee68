"""External programs end as they end, and with the process that wants them."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from l1ae.tools import run_program, started

# A program that starts another and waits; both write their numbers.
FAMILY = "sleep 60 & echo $$ $! > numbers; wait"


def gone(number: int) -> bool:
    """Whether a process is no more, or only waits to be taken notice of."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def numbers(folder: Path) -> list[int]:
    """Of the processes of `FAMILY`."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        text = (folder / "numbers").read_text() if (folder / "numbers").exists() else ""
        if text.endswith("\n"):
            return [int(word) for word in text.split()]
        time.sleep(0.02)
    raise AssertionError("the programs did not start")


def assert_gone(found: list[int]) -> None:
    deadline = time.monotonic() + 10
    while not all(gone(number) for number in found):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def test_output_errors_and_status_are_those_of_the_program(tmp_path: Path) -> None:
    result = run_program(["sh", "-c", "pwd; echo wrong >&2; cat; exit 7"], folder=tmp_path)
    assert (result.stdout, result.stderr, result.returncode) == (f"{tmp_path}\n", "wrong\n", 7)
    together = run_program(["sh", "-c", "echo a; echo b >&2"], together=True)
    assert together.stdout == "a\nb\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV])
def test_a_program_that_a_signal_ended_says_so(number: signal.Signals, tmp_path: Path) -> None:
    assert run_program(["sh", "-c", f"ulimit -c 0; kill -{int(number)} $$"], folder=tmp_path).returncode == -number


def test_what_a_killed_program_leaves_in_its_temporary_folder_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = run_program(["sh", "-c", "touch $TMPDIR/half.s; ls $TMPDIR; kill -9 $$"], environment={"PATH": os.environ["PATH"]})
    assert (result.stdout, result.returncode) == ("half.s\n", -signal.SIGKILL)
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        run_program(["no-such-program"])


def test_a_program_without_an_end_is_killed_with_what_it_started(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run_program(["sh", "-c", FAMILY], folder=tmp_path, timeout=0.5)
    assert_gone(numbers(tmp_path))


def test_leaving_the_block_kills_the_program(tmp_path: Path) -> None:
    with started(["sh", "-c", FAMILY], folder=tmp_path):
        found = numbers(tmp_path)
        assert not any(gone(number) for number in found)
    assert_gone(found)


PARENT = """
    import signal, sys
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests with nohup has it ignored
    from pathlib import Path
    from concurrent.futures import ThreadPoolExecutor
    from l1ae.tools import run_program
    with ThreadPoolExecutor(1) as pool:
        pool.submit(run_program, ["sh", "-c", sys.argv[2]], folder=Path(sys.argv[1])).result()
    """


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_a_killed_parent_leaves_no_children(number: signal.Signals, tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path), FAMILY])
    found = numbers(tmp_path)
    parent.send_signal(number)
    assert parent.wait() == -number
    assert_gone(found)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_of_the_command_line_ends_programs_in_threads(number: signal.Signals, tmp_path: Path) -> None:
    code = f"""
        import click, sys
        from l1ae.cli import _main
        sys.argv = ["l1ae", "synth", *sys.argv[1:]]
        @click.command()
        @click.argument("words", nargs=-1)
        def synth(words):
        {textwrap.indent(textwrap.dedent(PARENT.replace("sys.argv[2]", "words[1]").replace("sys.argv[1]", "words[0]")), " " * 12)}
        _main._cli.add_command(synth, "synth")
        _main.main()
        """
    source = tmp_path / "code.py"
    source.write_text(textwrap.dedent(code))
    parent = subprocess.Popen([sys.executable, str(source), str(tmp_path), FAMILY], stderr=subprocess.PIPE, text=True, cwd=Path.cwd())
    found = numbers(tmp_path)
    begin = time.monotonic()
    os.kill(parent.pid, number)
    assert parent.stderr is not None
    said = parent.stderr.read()
    assert parent.wait() == 1
    parent.stderr.close()
    assert time.monotonic() - begin < 5
    assert "interrupted; RUN/synth is as it was before; `l1ae synth" in said
    assert_gone(found)
