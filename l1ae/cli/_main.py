"""Entry point: logging, exit status, and the list of commands."""

import logging
import os
import sys
from contextlib import closing
from typing import NoReturn

import click

from l1ae import __version__
from l1ae.cli import _baselines, _compare, _configs, _data, _delivery, _doctor, _latent, _rtl, _run, _search, _trigger, _watch
from l1ae.cli._continue import command_of, continuing
from l1ae.cli._groups import InOrder
from l1ae.cli._interrupts import Interrupts
from l1ae.cli._terminal import log_to_terminal, progress_shown
from l1ae.errors import L1aeError
from l1ae.files import is_full

__all__ = ["main"]


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="l1ae")
@click.option("-v", "--verbose", is_flag=True, help="Log every step.")
def _cli(verbose: bool) -> None:
    """From collision data to trigger firmware: quantized autoencoders, verified to the last bit."""
    log_to_terminal(logging.DEBUG if verbose else logging.INFO)


for _section, _commands in (
    ("Events", (_data.data, _watch.watch)),
    ("A model", (_configs.configs, _rtl.estimate, _run.train, _run.evaluate, _baselines.baselines, _trigger.trigger, _latent.latent)),
    ("Firmware", (_run.hls, _run.csim, _rtl.rtl, _rtl.synth, _delivery.deliver, _delivery.verify)),
    ("All of it", (_run.run_all, _run.report, _compare.compare, _search.search)),
    ("Installation", (_doctor.doctor,)),
):
    for _command in _commands:
        _cli.add(_section, _command)


_AT_ONCE = {"search", "data generate"}
"""Commands that can be killed anywhere, and that start workers of which they may not know yet."""


def main() -> None:
    """Run the command line. Exit status: 0 success, 2 a user's mistake, 1 anything else."""
    arguments = sys.argv[1:]
    interrupts = Interrupts(f"interrupted; {continuing(arguments)}", at_once=command_of(arguments) in _AT_ONCE)
    with closing(interrupts):
        _carry_out(interrupts)


def _carry_out(interrupts: Interrupts) -> NoReturn:
    try:
        with progress_shown():
            status = _cli.main(standalone_mode=False) or 0
        sys.exit(status)
    except (click.Abort, KeyboardInterrupt):
        interrupts.end()
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (OSError, L1aeError) as error:
        if interrupts.happened:
            # a program that was stopped, and whoever waits for it complains
            interrupts.end()
        _end(error)


def _end(error: OSError | L1aeError) -> NoReturn:
    if isinstance(error, L1aeError):
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    _end_without_space(error)
    click.echo(f"Error: {error}; is the path right, and writable?", err=True)
    sys.exit(2)


def _end_without_space(error: OSError) -> None:
    """Say that a disk is full, and end at once: HDF5 tries once more to write what it holds, and is lost when that fails."""
    if not is_full(error):
        return
    place = f" for '{error.filename}'" if error.filename else ""
    arguments = sys.argv[1:]
    again = continuing(arguments) if command_of(arguments) == "search" else "run the same command again"
    click.echo(f"Error: no space is left{place} ({error}); free some, and {again}: nothing is half written", err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)
