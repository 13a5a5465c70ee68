"""Another run as the teacher of a student."""

from pathlib import Path

from l1ae.config import Config
from l1ae.errors import UserError
from l1ae.pipeline._models import load_models
from l1ae.pipeline._run import Run, digest_json, digest_tree
from l1ae.pipeline._samples import Scorer
from l1ae.pipeline._shared import contract_digest, contract_of
from l1ae.training import Teacher

__all__ = ["teacher_inputs", "teacher_of"]


def teacher_of(config: Config) -> Teacher | None:
    """The score of `model.teacher_run`: in floating point where that run has such a model, else of its contract; None without one.

    Raises `UserError` when there is no trained run.
    """
    run = _run(config)
    if run is None:
        return None
    scorer = Scorer(run.config, contract_of(run), load_models(run.config, run.path("train")))
    variant = scorer.variants[0]
    return Teacher(run.config.inputs.selected, lambda hardware: scorer.variant(variant, hardware))


def teacher_inputs(config: Config) -> dict[str, str]:
    """Digests of what the teacher is."""
    run = _run(config)
    if run is None:
        return {}
    files = {name: digest for name, digest in digest_tree(run.path("train")).items() if not name.startswith("logs/")}
    return {f"teacher/{name}": digest for name, digest in contract_digest(run).items()} | {"teacher/train": digest_json(files)}


def _run(config: Config) -> Run | None:
    folder = config.model.teacher_run
    if folder is None:
        return None
    run = Run.open(Path(folder))
    if not (run.path("contract") / "contract.json").is_file():
        raise UserError(f"model.teacher_run '{folder}' has not been trained; run `l1ae train` there first")
    return run
