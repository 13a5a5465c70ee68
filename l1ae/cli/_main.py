"""Entry point: logging, exit status, and the list of commands."""

import logging
import os
import shlex
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

import click
from rich.console import Console
from rich.logging import RichHandler

from l1ae import __version__
from l1ae.cli import _baselines, _compare, _data, _delivery, _doctor, _latent, _rtl, _run, _search, _trigger
from l1ae.errors import L1aeError
from l1ae.files import is_full
from l1ae.tools import stop_programs

__all__ = ["main"]

_STDERR = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="l1ae")
@click.option("-v", "--verbose", is_flag=True, help="Log every step.")
def _cli(verbose: bool) -> None:
    """From collision data to trigger firmware: quantized autoencoders, verified to the last bit."""
    handler = RichHandler(console=Console(stderr=True), show_path=False, show_time=False)
    logging.getLogger("l1ae").addHandler(handler)
    logging.getLogger("l1ae").setLevel(logging.DEBUG if verbose else logging.INFO)


for _command in (
    _data.data,
    *_run.COMMANDS,
    *_rtl.COMMANDS,
    *_delivery.COMMANDS,
    _latent.latent,
    _trigger.trigger,
    _baselines.baselines,
    _compare.compare,
    _search.search,
    _doctor.doctor,
):
    _cli.add_command(_command)


def main() -> None:
    """Run the command line. Exit status: 0 success, 2 a user's mistake, 1 anything else."""
    searching = _words(sys.argv[1:])[:1] == ["search"]
    if searching:
        _watch_signals()
    for signalled in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signalled, _left_to_the_watch if searching else _interrupt)
    try:
        sys.exit(_cli.main(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo(f"interrupted; {_continuing(sys.argv[1:])}", err=True)
        sys.exit(1)
    except OSError as error:
        _end_without_space(error)
        click.echo(f"Error: {error}; is the path right, and writable?", err=True)
        sys.exit(2)
    except L1aeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


def _interrupt(*_: object) -> None:
    """Programs that run in other threads would be waited for."""
    stop_programs()
    raise KeyboardInterrupt


def _left_to_the_watch(*_: object) -> None:
    """A handler there must be: without one no signal is written to the watch."""


def _watch_signals() -> None:
    """Have a thread of its own end a search that is interrupted.

    The main thread may be in a call that no handler breaks off, as of a database that is locked, or does not take signals while workers
    are started.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    # what the libraries say while they are imported is swallowed
    words = os.dup(_STDERR)
    threading.Thread(target=_end_when_signalled, args=(read, words), name="signals", daemon=True).start()


def _end_when_signalled(read: int, words: int) -> None:
    while os.read(read, 1)[0] not in {signal.SIGINT, signal.SIGTERM}:
        continue
    _end_with_workers(f"interrupted; {_continuing(sys.argv[1:])}", words)


def _end_with_workers(message: str, stream: int) -> None:
    """End at once, with a message. A search can be killed anywhere, and what it would take leave of may not have started yet."""
    stop_programs()
    for child in _workers():
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    # a bar hides the cursor, and is in the middle of a line. Python's streams may be held by the thread that draws it
    shown = b"\x1b[?25h" if os.isatty(stream) else b""
    with suppress(OSError):
        os.write(stream, shown + f"\n{message}\n".encode())
    os._exit(1)


def _workers() -> list[int]:
    """Processes of multiprocessing that this one has started, and may not know of yet; not the one that cleans up after them."""
    children = {int(pid) for place in Path("/proc/self/task").glob("*/children") for pid in place.read_text().split()}
    return [pid for pid in children if b"--multiprocessing-fork" in _command_of(pid)]


def _command_of(pid: int) -> list[bytes]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return []


def _words(arguments: list[str]) -> list[str]:
    """Command, subcommand and names, without options."""
    return [word for word in arguments if not word.startswith("-")]


def _continuing(arguments: list[str]) -> str:
    """How what was interrupted is continued."""
    words = _words(arguments)
    if words[:1] in (["train"], ["search"]):
        command = arguments if "--resume" in arguments else [*arguments, "--resume"]
        return f"`l1ae {shlex.join(command)}` continues the {'training' if words[0] == 'train' else 'search'}"
    if words[:1] == ["run"] or words[:2] == ["data", "generate"]:
        return "the same command continues"
    return "nothing was left half written, and what was there before still is; the same command begins anew"


def _end_without_space(error: OSError) -> None:
    """Say that a disk is full, and end at once: HDF5 tries once more to write what it holds, and is lost when that fails."""
    if not is_full(error):
        return
    place = f" for '{error.filename}'" if error.filename else ""
    again = _continuing(sys.argv[1:]) if _words(sys.argv[1:])[:1] == ["search"] else "run the same command again"
    click.echo(f"Error: no space is left{place} ({error}); free some, and {again}: nothing is half written", err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)
