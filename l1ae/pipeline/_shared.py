"""What several stages share: the run's contract, digests of what a stage depends on."""

import logging

from l1ae.config import Config
from l1ae.contract import LAYERS, Contract
from l1ae.data import dataset_folder
from l1ae.families import LOSSES, SCORES
from l1ae.manifest import digest_file
from l1ae.pipeline._run import Run, digest_json
from l1ae.records import RESULT_FILES

__all__ = [
    "changed_files",
    "contract_digest",
    "contract_of",
    "data_digests",
    "delivered_digest",
    "section_digest",
    "tell_old_deliveries",
]

_log = logging.getLogger("l1ae")


def contract_of(run: Run) -> Contract:
    """The contract that the run holds. Raises `UserError` when it is not as `l1ae train` left it."""
    run.check("contract", f"l1ae train {run.folder / 'config.yaml'} --run {run.folder} --resume")
    return Contract.load(run.path("contract") / "contract.json")


def contract_digest(run: Run) -> dict[str, str]:
    """Digest of the run's contract."""
    return {"contract/contract.json": contract_of(run).digest}


def data_digests(config: Config) -> dict[str, str]:
    """sha256 of every store of the data set."""
    return {f"data/{path.name}": digest_file(path) for path in sorted(dataset_folder(config.data.source).glob("*.h5"))}


def changed_files(run: Run, stage: str) -> list[str]:
    """Files of a stage that are not as it left them; the log names them, and RTL that has not passed its simulation."""
    if stage == "rtl" and stage not in run.manifest.stages:
        _log.warning("the RTL in '%s' has not passed its simulation", run.path(stage))
    changed = run.changed_files(stage)
    if changed:
        _log.warning("not as `l1ae %s` left them: %s", stage, ", ".join(changed))
    return changed


def delivered_digest(run: Run, stage: str) -> str:
    """sha256 of what deliveries take of a stage: reports on it are not, and hold times."""
    reports = {file.place for file in RESULT_FILES}
    left = run.manifest.outputs(stage) if run.path(stage).is_dir() else {}
    return digest_json({name: digest for name, digest in left.items() if f"{stage}/{name}" not in reports})


def tell_old_deliveries(run: Run, stage: str, what: str) -> None:
    """Log the deliveries that were made of another result of a stage, `what` in words (other RTL), than the run now holds."""
    present = delivered_digest(run, stage)
    stages = run.manifest.stages.items()
    old = [name for name, record in stages if name.startswith("delivery/") and record.inputs.get(stage, present) != present]
    if old:
        targets = " ".join(f"--target {name.removeprefix('delivery/')}" for name in old)
        _log.warning("made with %s: %s; deliver again: `l1ae deliver %s %s`", what, ", ".join(old), run.folder, targets)


def _extensions(config: Config, sections: tuple[str, ...]) -> dict[str, str]:
    """Origins of the records from other distributions that some sections name: their code is part of what a stage depends on."""
    found = {name: LOSSES.origin(name) for name in config.training.losses} if "training" in sections else {}
    if "model" in sections:
        found[config.model.score] = SCORES.origin(config.model.score)
        found |= {name: LAYERS.origin(name) for name in LAYERS} if config.model.source is not None else {}
    return {name: origin for name, origin in found.items() if origin is not None}


def section_digest(config: Config, *sections: str) -> dict[str, str]:
    """Digest of some sections of the configuration."""
    content = config.model_dump(mode="json")
    # where a model, a teacher or data lie does not matter, what they hold is digested as files
    for section, key in (("model", "source"), ("model", "teacher_run"), ("data", "source"), ("trigger", "zero_bias")):
        content[section].pop(key)
    if others := _extensions(config, sections):
        return {"config": digest_json({name: content[name] for name in sections} | {"extensions": others})}
    return {"config": digest_json({name: content[name] for name in sections})}
