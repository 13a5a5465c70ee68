"""Reading what a run folder holds. What is not there is None; what is damaged is an error."""

import csv
from dataclasses import dataclass
from pathlib import Path

from l1ae.config import Config, load_config
from l1ae.errors import UserError
from l1ae.evaluation import Metrics, figure_svg, history_figure
from l1ae.hls import CsimReport
from l1ae.records import (
    CONTRACT,
    CSIM,
    HLS,
    MANIFEST,
    METRICS,
    RESOURCES,
    TRAINING,
    ContractSummary,
    HlsSummary,
    Manifest,
    ResourcesReport,
    TrainingRecord,
)

__all__ = ["RunFiles", "read_run"]


@dataclass(frozen=True)
class RunFiles:
    """Everything that the report is made from; a stage that has not been run is None, or has no figures."""

    config: Config
    manifest: Manifest
    training: TrainingRecord | None
    metrics: Metrics | None
    figures: dict[str, str]
    contract: ContractSummary | None
    hls: HlsSummary | None
    csim: CsimReport | None
    resources: ResourcesReport | None


def read_run(run: Path) -> RunFiles:
    """Read a run folder. Raises `UserError` when it is none, or when a file in it is damaged."""
    if not (run / "config.yaml").is_file():
        raise UserError(f"'{run}' is no run folder (it has no config.yaml); make one with 'l1ae train CONFIG.yaml --run {run}'")
    config = load_config(run / "config.yaml")
    return RunFiles(
        config=config,
        manifest=MANIFEST.find(run) or Manifest(config.project),
        training=TRAINING.find(run),
        metrics=METRICS.find(run),
        figures=_history(run / "train" / "history.csv") | {p.stem: p.read_text() for p in sorted((run / "evaluation").glob("*.svg"))},
        contract=CONTRACT.find(run),
        hls=HLS.find(run),
        csim=CSIM.find(run),
        resources=RESOURCES.find(run),
    )


def _history(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    with path.open(newline="") as file:
        rows: list[dict[str, str | float]] = list(csv.DictReader(file))
    try:
        return {"history": figure_svg(history_figure(rows))} if rows else {}
    except (TypeError, ValueError) as error:
        raise UserError(f"'{path}' is damaged ({error}); run 'l1ae train' again") from error
