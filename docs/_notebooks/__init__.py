"""How the notebooks of the tutorials are run and shown when the site is built."""

import os
import sys
from pathlib import Path

from myst_nb.core import render
from nbformat import NotebookNode

__all__ = ["joined", "prepare"]


def prepare() -> None:
    """Commands in cells are those of this environment, activated or not; their results and their log are one text, as in a terminal."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.environ["BASH_ENV"] = str(Path(__file__).with_name("shell.sh"))
    merge = render.coalesce_streams
    render.coalesce_streams = lambda outputs: merge(joined(outputs))


def joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Outputs in which pieces of one stream that follow each other are one.

    What a shell prints arrives in pieces of 100 bytes, and MyST-NB ends a line after each.
    """
    found: list[NotebookNode] = []
    for output in outputs:
        last = found[-1] if found else None
        if last is not None and output["output_type"] == last["output_type"] == "stream" and output["name"] == last["name"]:
            last["text"] += output["text"]
        else:
            found.append(output)
    return found
