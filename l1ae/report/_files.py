"""Reading what a run folder holds. What is not there is None; what is damaged is an error."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from l1ae.agreement import CsimReport
from l1ae.config import Config, load_config
from l1ae.data import EventStore, dataset_folder
from l1ae.errors import UserError
from l1ae.evaluation import Metrics, history_figure
from l1ae.manifest import Manifest
from l1ae.records import (
    CONTRACT,
    CSIM,
    HLS,
    METRICS,
    RESOURCES,
    TRAINING,
    ContractSummary,
    HlsSummary,
    ResourcesReport,
    TrainingRecord,
)
from l1ae.report._blocks import Picture, drawn

__all__ = ["RunFiles", "pictures", "read_run"]


@dataclass(frozen=True)
class RunFiles:
    """Everything that the report is made from; a stage that has not been run, or is `outdated`, is None, or has no figures.

    `outdated`: by stage a sentence that says what it was made from, see `Manifest.outdated`. `background`: the store that was trained on,
    None where the report is written without the data.
    """

    folder: Path
    config: Config
    manifest: Manifest
    outdated: Mapping[str, str]
    training: TrainingRecord | None
    metrics: Metrics | None
    figures: dict[str, Picture]
    contract: ContractSummary | None
    hls: HlsSummary | None
    csim: CsimReport | None
    resources: ResourcesReport | None
    background: EventStore | None


def read_run(run: Path) -> RunFiles:
    """Read a run folder. Raises `UserError` when it is none, or when a file in it is damaged."""
    if not (run / "config.yaml").is_file():
        raise UserError(f"'{run}' is no run folder (it has no config.yaml); make one with 'l1ae train CONFIG.yaml --run {run}'")
    config = load_config(run / "config.yaml")
    manifest, contract = Manifest.load(run, config.project), CONTRACT.find(run)
    outdated = manifest.outdated(None if contract is None else contract.digest)
    manifest.check_file(run, "train/history.csv", f"l1ae train {run / 'config.yaml'} --run {run}")
    figures = {} if "evaluation" in outdated else pictures(run, manifest, "evaluation", f"l1ae evaluate {run}")
    return RunFiles(
        folder=run,
        config=config,
        outdated=outdated,
        manifest=manifest,
        training=TRAINING.find(run),
        metrics=None if "evaluation" in outdated else METRICS.find(run),
        figures=_history(run / "train" / "history.csv") | figures,
        contract=contract,
        hls=HLS.find(run),
        csim=None if "csim" in outdated else CSIM.find(run),
        resources=RESOURCES.find(run),
        background=_background(config),
    )


def _background(config: Config) -> EventStore | None:
    try:
        return EventStore.open(dataset_folder(config.data.source) / "background.h5")
    except UserError:
        return None


def pictures(run: Path, manifest: Manifest, stage: str, command: str) -> dict[str, Picture]:
    """The figures that a stage left, by name, without captions. Raises `UserError` when one is not as it was left; `command` makes it
    again.
    """
    found = {}
    for path in sorted((run / stage).glob("*.svg")):
        manifest.check_file(run, f"{stage}/{path.name}", command)
        place = f"{stage}/{path.stem}.pdf" if path.with_suffix(".pdf").is_file() else ""
        found[path.stem] = Picture(path.read_text(errors="replace"), "", path.stem, place=place)
    return found


def _history(path: Path) -> dict[str, Picture]:
    if not path.is_file():
        return {}
    try:
        with path.open(newline="") as file:
            rows: list[dict[str, str | float]] = list(csv.DictReader(file))
        return {"history": drawn(history_figure(rows), "history", "")} if rows else {}
    except (TypeError, ValueError, csv.Error) as error:
        raise UserError(f"'{path}' is damaged ({error}); run 'l1ae train' again") from error
