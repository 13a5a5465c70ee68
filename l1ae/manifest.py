"""The manifest of a run folder: what each stage was made from and what it left, by sha256."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from l1ae.errors import UserError
from l1ae.results import Positive, load_result, save_result

__all__ = ["Manifest", "StageRecord", "digest_file", "digest_tree"]

_NAME = "manifest.json"
_REMEDY = "remove it, and the stages will be made again"


@dataclass(frozen=True)
class StageRecord:
    """One stage as it finished: wall time, date and time (ISO 8601, UTC), sha256 of inputs and outputs, versions of tools and of l1ae."""

    seconds: Positive
    finished: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    tools: dict[str, str]
    git: str


@dataclass(frozen=True)
class Manifest:
    """Records of the finished stages, by the name of their folder below the run's."""

    project: str
    stages: dict[str, StageRecord] = field(default_factory=dict)

    @classmethod
    def load(cls, run: Path, project: str = "") -> "Manifest":
        """Of a run folder, without any stage where there is none yet. Raises `UserError` when it is damaged."""
        path = run / _NAME
        if not path.is_file():
            return cls(project)
        return load_result(cls, path, what="manifest", remedy="", again=_REMEDY)

    def save(self, run: Path) -> None:
        """Write it into a run folder."""
        save_result(run / _NAME, self)

    def inputs(self, stage: str) -> Mapping[str, str]:
        """What a stage was made from; nothing where it has not finished."""
        return self.stages[stage].inputs if stage in self.stages else {}

    def outputs(self, stage: str) -> Mapping[str, str]:
        """What a stage left; nothing where it has not finished."""
        return self.stages[stage].outputs if stage in self.stages else {}

    def with_stage(self, stage: str, record: StageRecord | None) -> "Manifest":
        """With another record of one stage, or without one."""
        others = {name: known for name, known in self.stages.items() if name != stage}
        return replace(self, stages=others if record is None else others | {stage: record})

    def changed(self, run: Path, stage: str) -> list[str]:
        """Files of a finished stage that are not as it left them, or are gone; what tools added is ignored."""
        return [name for name, digest in self.outputs(stage).items() if _digest(run / stage / name) != digest]

    def check(self, run: Path, stage: str, command: str, counts: Callable[[str], bool] = lambda name: True) -> None:
        """Raise `UserError` when a stage has not finished or a file that `counts` is not as it left it; `command` makes it again."""
        if stage not in self.stages:
            raise UserError(f"the run's manifest knows nothing of '{run / stage}'; make it with `{command}`")
        changed = [name for name in self.changed(run, stage) if counts(name)]
        if changed:
            path, more = run / stage / changed[0], f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
            state = "is not as it was left, by its sha256 in the run's manifest" if path.exists() else "is gone"
            raise UserError(f"'{path}'{more} {state}; run `{command}` again")


def digest_file(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_tree(folder: Path) -> dict[str, str]:
    """sha256 of every file below a folder, by relative path; empty when there is no such folder."""
    return {str(path.relative_to(folder)): digest_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def _digest(path: Path) -> str | None:
    return digest_file(path) if path.is_file() else None
