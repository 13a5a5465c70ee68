"""The `l1ae` command: parse, call one function, print."""

from l1ae.cli._main import main

__all__ = ["main"]
