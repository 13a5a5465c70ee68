"""Asking a program something short."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from l1ae.errors import UserError

__all__ = ["answer_of"]


def answer_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """What `command` prints. `environment` is added to ours.

    Raises `UserError` with what it said when it fails or does not answer within a minute.
    """
    try:
        result = subprocess.run(command, env=os.environ | dict(environment or {}), capture_output=True, text=True, timeout=60, check=True)
    except subprocess.CalledProcessError as error:
        raise UserError(f"`{' '.join(command)}` fails: {(error.stderr or error.stdout).strip()}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"`{' '.join(command)}` does not run: {error}") from error
    return result.stdout
