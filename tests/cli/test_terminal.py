"""What people see: bars on a terminal, lines elsewhere, results on stdout, in any width and without colours."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from l1ae.cli._continue import CONTINUED, command_of, continuing
from l1ae.cli._main import _cli
from l1ae.cli._terminal import duration, state_of
from l1ae.progress import task

from ..levels import slow

ROOT = Path(__file__).parents[2]

WORK = """
import logging, time
import click
from l1ae.progress import task
import l1ae.cli._main as entry

@click.command()
def work():
    log = logging.getLogger("l1ae")
    with task("outer stage"), task("counting", total=30, unit="events") as counting:
        for k in range(30):
            if k % 10 == 5:
                log.info("line %d of the log", k)
            time.sleep(0.1)
            counting.advance()
    click.echo("the result")

entry._cli.add("Test", work)
entry.main()
"""


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"}}
    return kept | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color"} | more


def on_a_terminal(*words: str, **more: str) -> str:
    """All that a command writes where both streams are one terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", WORK, "work", *words], stdout=follower, stderr=follower, stdin=follower, env=environment(**more)
    )
    os.close(follower)
    written, end = b"", time.monotonic() + 120
    while time.monotonic() < end:
        if select.select([leader], [], [], 0.1)[0]:
            try:
                written += os.read(leader, 65536)
            except OSError:
                break
        elif process.poll() is not None:
            break
    process.wait()
    os.close(leader)
    assert process.returncode == 0, written.decode()
    return written.decode()


def screen(written: str, width: int) -> list[str]:
    """The lines that are left on a terminal: a cursor that goes up, to the beginning of its line, and erases."""
    lines, row, column = [""], 0, 0
    for found in re.finditer(r"\x1b\[([0-9;?]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)", written):
        number, letter, back, down, text = found.groups()
        if back:
            column = 0
        elif down:
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif text:
            assert column + len(text) <= width, f"a line is wrapped at {width}: {text}"
            lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
            column += len(text)
        elif letter == "A":
            row -= int(number or 1)
        elif letter == "K":
            lines[row] = "" if number == "2" else lines[row][:column]
        else:
            assert letter in "mhl", f"an escape that this terminal does not know: {found.group()!r}"
    return [line.rstrip() for line in lines if line.strip()]


@pytest.mark.parametrize("columns", slow([60, 80, 120], (60,)))
def test_log_lines_and_bars_do_not_meet_and_nothing_of_a_bar_stays(columns):
    written = on_a_terminal(COLUMNS=str(columns))
    assert "counting" in written, "no bar was shown"
    assert ("of 30 events" in written) == (columns >= 66)
    assert screen(written, columns) == [
        "INFO     line 5 of the log",
        "INFO     line 15 of the log",
        "INFO     line 25 of the log",
        "the result",
    ]
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h"), "the cursor stays hidden"


@pytest.mark.slow
def test_no_color_leaves_no_colour():
    coloured, plain = on_a_terminal(COLUMNS="80"), on_a_terminal(COLUMNS="80", NO_COLOR="1")
    # SGR 30 to 37, 90 to 97 and 38: foreground colours
    colours = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|9[0-7])(?:;\d+)*m")
    assert colours.search(coloured)
    assert not colours.search(plain)


@pytest.mark.parametrize("terminal", slow(["dumb", "xterm-256color"], ("dumb",)))
def test_elsewhere_there_are_plain_lines_and_results_are_alone_on_stdout(terminal):
    command = [sys.executable, "-c", WORK, "work"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=environment(TERM=terminal))
    assert found.stdout == "the result\n"
    assert "\x1b" not in found.stderr
    lines = found.stderr.splitlines()
    assert [line for line in lines if line.startswith("INFO")] == [f"INFO     line {k} of the log" for k in (5, 15, 25)]
    told = [line for line in lines if not line.startswith("INFO")]
    assert len(told) == 2
    assert told[0].startswith("outer stage: 2 s")
    assert re.fullmatch(r"counting: \d+ of 30 events, 2 s, about \d+ s left", told[1])


@pytest.mark.slow
def test_a_dumb_terminal_gets_lines():
    assert "\x1b" not in on_a_terminal(TERM="dumb")


def test_a_state_says_count_note_and_time():
    with task("work", total=3000, unit="events") as found:
        found.update(1500, note="loss 0.2")
        found.begun -= 100
        assert state_of(found) == "work: 1,500 of 3,000 events, loss 0.2, 1 min 40 s, about 1 min 40 s left"


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (7500, "2 h 5 min")])
def test_durations(seconds, text):
    assert duration(seconds) == text


def commands(group: click.Group, before: str = "") -> list[str]:
    found = []
    for name, command in group.commands.items():
        found += commands(command, f"{name} ") if isinstance(command, click.Group) else [before + name]
    return found


def test_every_command_says_how_it_is_continued():
    assert set(CONTINUED) == set(commands(_cli))
    for name in CONTINUED:
        words = [*name.split(), "a path", "--set", "x=1"]
        assert command_of(["-v", *words]) == name
        assert f"l1ae {name} 'a path' --set x=1" in continuing(words)


def test_commands_are_listed_in_the_order_of_use():
    order = [_cli.list_commands(None).index(name) for name in ("data", "train", "trigger", "hls", "rtl", "deliver", "run", "doctor")]
    assert order == sorted(order)


def test_every_help_says_what_is_read_and_written():
    def texts(group: click.Group) -> list[tuple[str, str]]:
        found = []
        for name, command in group.commands.items():
            found += texts(command) if isinstance(command, click.Group) else [(name, command.help or "")]
        return found

    for name, text in texts(_cli):
        assert re.search(r"\b(?:[Rr]eads|[Ww]rites)\b", text) or name in {"configs", "layouts"}, f"{name} does not say"
        assert len(text.splitlines()[0]) <= 60, f"the first line of {name} is cut in the list of commands"
