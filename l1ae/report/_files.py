"""Reading what a run folder holds. What is not there is None; what is damaged is an error."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l1ae.config import Config, load_config
from l1ae.errors import UserError
from l1ae.evaluation import Metrics, figure_svg, history_figure, load_metrics

__all__ = ["Json", "RunFiles", "read_json", "read_run"]

Json = dict[str, Any]


@dataclass(frozen=True)
class RunFiles:
    """Everything that the report is made from; a stage that has not been run is None, or has no figures."""

    config: Config
    manifest: Json
    training: Json | None
    metrics: Metrics | None
    figures: dict[str, str]
    contract: Json | None
    hls: Json | None
    csim: Json | None
    resources: Json | None


def read_run(run: Path) -> RunFiles:
    """Read a run folder. Raises `UserError` when it is none, or when a file in it is damaged."""
    if not (run / "config.yaml").is_file():
        raise UserError(f"'{run}' is no run folder (it has no config.yaml); make one with 'l1ae train CONFIG.yaml --run {run}'")
    metrics = run / "evaluation" / "metrics.json"
    return RunFiles(
        config=load_config(run / "config.yaml"),
        manifest=read_json(run / "manifest.json") or {"stages": {}},
        training=read_json(run / "train" / "training.json"),
        metrics=load_metrics(metrics) if metrics.is_file() else None,
        figures=_history(run / "train" / "history.csv") | {p.stem: p.read_text() for p in sorted((run / "evaluation").glob("*.svg"))},
        contract=read_json(run / "contract" / "summary.json"),
        hls=read_json(run / "hls" / "summary.json"),
        csim=read_json(run / "csim" / "report.json"),
        resources=read_json(run / "resources.json"),
    )


def read_json(path: Path) -> Json | None:
    """A JSON object, None where there is no file. Raises `UserError` when it is damaged."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise UserError(f"'{path}' is damaged ({error}); run its stage again") from error
    if not isinstance(content, dict):
        raise UserError(f"'{path}' must hold a JSON object, not {type(content).__name__}; run its stage again")
    return content


def _history(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    with path.open(newline="") as file:
        rows: list[dict[str, str | float]] = list(csv.DictReader(file))
    try:
        return {"history": figure_svg(history_figure(rows))} if rows else {}
    except (TypeError, ValueError) as error:
        raise UserError(f"'{path}' is damaged ({error}); run 'l1ae train' again") from error
