"""A configuration whose offsets, shifts and tables are all known, before anything depends on them."""

from pathlib import Path

from l1ae.config import Config
from l1ae.data import dataset_folder
from l1ae.manifest import digest_file
from l1ae.pipeline._run import Run
from l1ae.training import with_derived_inputs

__all__ = ["resolved"]


def resolved(config: Config, folder: Path) -> Config:
    """`with_derived_inputs`, without reading the data again where the run in `folder` was trained on them with the same configuration."""
    if not config.inputs.from_data or config.inputs.derived is not None or config.model.family.tabular:
        return config
    known = _known(config, folder)
    return with_derived_inputs(config) if known is None else known


def _known(config: Config, folder: Path) -> Config | None:
    """The configuration with what the run in `folder` found."""
    if not (folder / "config.yaml").is_file():
        return None
    run = Run.open(folder)
    found = config.model_copy(update={"inputs": config.inputs.model_copy(update={"derived": run.config.inputs.derived})})
    trained_on = run.manifest.inputs("train").get("data/background.h5")
    same = (run.config.inputs, run.config.data, run.config.model.architecture) == (found.inputs, found.data, found.model.architecture)
    return found if same and trained_on == digest_file(dataset_folder(config.data.source) / "background.h5") else None
