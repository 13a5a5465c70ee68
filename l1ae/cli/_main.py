"""Entry point: logging, exit status, and the list of commands."""

import logging
import os
import sys

import click
from rich.console import Console
from rich.logging import RichHandler

from l1ae import __version__
from l1ae.cli import _baselines, _compare, _data, _delivery, _doctor, _latent, _rtl, _run, _trigger
from l1ae.errors import L1aeError

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="l1ae")
@click.option("-v", "--verbose", is_flag=True, help="Log every step.")
def _cli(verbose: bool) -> None:
    """From collision data to trigger firmware: quantized autoencoders, verified to the last bit."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
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
    _doctor.doctor,
):
    _cli.add_command(_command)


def main() -> None:
    """Run the command line. Exit status: 0 success, 2 a user's mistake, 1 anything else."""
    try:
        sys.exit(_cli.main(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo(
            "interrupted; `l1ae train ... --resume` continues a training, the same command `l1ae run` and `l1ae data generate`; "
            "an import left nothing and begins anew",
            err=True,
        )
        sys.exit(1)
    except OSError as error:
        click.echo(f"Error: {error}; is the path right, and writable?", err=True)
        sys.exit(2)
    except L1aeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
