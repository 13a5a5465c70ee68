"""The manifest of a run folder: what each stage was made from and what it left, by sha256."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from l1ae.errors import UserError
from l1ae.results import Positive, load_result, save_result

__all__ = ["Manifest", "StageRecord", "digest_file", "digest_tree", "same_digest"]

_NAME = "manifest.json"
# The summary of the HLS project is amended when a vendor report turns up; nothing else depends on it.
_AMENDED = {"hls/summary.json"}

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
        if record is not None:
            return replace(self, stages=self.stages | {stage: record})
        return replace(self, stages={name: known for name, known in self.stages.items() if name != stage})

    def changed(self, run: Path, stage: str) -> list[str]:
        """Files of a finished stage that are not as it left them, or are gone; what tools added is ignored."""
        return [name for name, digest in self.outputs(stage).items() if _digest(run / stage / name) != digest]

    def outdated(self, contract: str | None = None) -> dict[str, str]:
        """A sentence for each stage that was made from a file of another stage which has since been made anew.

        `contract`: digest of the contract that the run holds, by which stages name it.
        """
        made = {f"{stage}/{name}": digest for stage, record in self.stages.items() for name, digest in record.outputs.items()}
        if contract is not None:
            made["contract/contract.json"] = contract
        sentences = {}
        for stage, record in self.stages.items():
            used = record.inputs
            changed = sorted(name for name in used if name in made and name not in _AMENDED and not same_digest(used[name], made[name]))
            if changed:
                others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
                sentences[stage] = f"{stage} was made from an older {changed[0]}{others}; run this stage again"
        return sentences

    def check_file(self, run: Path, place: str, command: str) -> None:
        """Raise `UserError` when a file, by its place in the run folder, is not as a finished stage left it; `command` makes it again."""
        stage, name = next(
            ((known, place.removeprefix(f"{known}/")) for known in self.stages if place.startswith(f"{known}/")), ("", place)
        )
        # a file that is not there is missed by whoever needs it
        if stage and (run / place).exists() and self.outputs(stage).get(name) != _digest(run / place):
            raise UserError(f"'{run / place}' is not as it was left, by its sha256 in the run's manifest; run `{command}` again")

    def check(self, run: Path, stage: str, command: str) -> None:
        """Raise `UserError` when a stage has not finished, or a file is not as it left it; `command` makes it again."""
        if stage not in self.stages:
            raise UserError(f"the run's manifest knows nothing of '{run / stage}'; make it with `{command}`")
        changed = self.changed(run, stage)
        if changed:
            path, more = run / stage / changed[0], f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
            state = "is not as it was left, by its sha256 in the run's manifest" if path.exists() else "is gone"
            raise UserError(f"'{path}'{more} {state}; run `{command}` again")


def same_digest(first: str, second: str) -> bool:
    """Whether two sha256 are equal, with or without their prefix."""
    return first.removeprefix("sha256:") == second.removeprefix("sha256:")


def digest_file(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_tree(folder: Path) -> dict[str, str]:
    """sha256 of every file below a folder, by relative path; empty when there is no such folder."""
    return {str(path.relative_to(folder)): digest_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def _digest(path: Path) -> str | None:
    return digest_file(path) if path.is_file() else None
