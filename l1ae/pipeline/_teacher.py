"""Other runs as the teachers of a student."""

from pathlib import Path
from typing import TYPE_CHECKING

from l1ae.config import Config
from l1ae.errors import UserError
from l1ae.manifest import digest_tree
from l1ae.pipeline._models import load_models
from l1ae.pipeline._run import Run, digest_json
from l1ae.pipeline._samples import Scorer
from l1ae.pipeline._shared import contract_digest, contract_of

if TYPE_CHECKING:
    from l1ae.training import Teacher

__all__ = ["teacher_inputs", "teachers_of"]


def teachers_of(config: Config) -> tuple["Teacher", ...]:
    """The scores of `model.teacher_run`: in floating point where a run has such a model, else of its contract.

    Raises `UserError` when one is no trained run.
    """
    return tuple(_teacher(run) for run in _runs(config))


def _teacher(run: Run) -> "Teacher":
    from l1ae.training import Teacher

    scorer = Scorer(run.config, contract_of(run), load_models(run.config, run.path("train")))
    return Teacher(run.config.inputs.selected, lambda hardware: scorer.variant(scorer.variants[0], hardware))


def teacher_inputs(config: Config) -> dict[str, str]:
    """Digests of what the teachers are."""
    found = {}
    for number, run in enumerate(_runs(config)):
        files = {name: digest for name, digest in digest_tree(run.path("train")).items() if not name.startswith("logs/")}
        found[f"teacher{number}"] = digest_json([contract_digest(run), files])
    return found


def _runs(config: Config) -> list[Run]:
    runs = [Run.open(Path(folder)) for folder in config.model.teacher_run]
    for run in runs:
        if not (run.path("contract") / "contract.json").is_file():
            raise UserError(f"model.teacher_run '{run.folder}' has not been trained; run `l1ae train` there first")
    return runs
