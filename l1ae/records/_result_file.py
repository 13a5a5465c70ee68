"""A file that a stage leaves, with its place, its type and the command that makes it."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Generic, TypeVar

from l1ae.manifest import Manifest
from l1ae.results import load_result, save_result

__all__ = ["ResultFile"]

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class ResultFile(Generic[_Result]):
    """A file that a stage leaves: its `place` in the run folder, its type, `what` it is, and the `command` that makes it.

    `{run}` in the command stands for the run folder.
    """

    place: str
    kind: type[_Result]
    what: str
    command: str

    def read(self, run: Path) -> _Result:
        """The result that a run folder holds.

        Raises `UserError` when it is missing, is something else, or is not as the stage left it.
        """
        command = self.command.format(run=run)
        Manifest.load(run).check_file(run, self.place, command)
        return load_result(
            self.kind, run / self.place, what=self.what, remedy=f"run `{command}` first", again=f"run its stage again: `{command}`"
        )

    def find(self, run: Path) -> _Result | None:
        """As `read`, None where there is no such file."""
        return self.read(run) if (run / self.place).exists() else None

    def write(self, folder: Path, result: _Result) -> None:
        """Write a result into the folder of the stage, which may still have a temporary name."""
        save_result(folder / PurePosixPath(self.place).name, result)
