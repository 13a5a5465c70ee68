"""A run folder as the stages leave it, from numbers made up here."""

import json
from collections.abc import Callable
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from l1ae.evaluation import ScoreSet, evaluate, performance_figures, save_evaluation
from l1ae.manifest import Manifest, digest_file
from l1ae.results import save_result

from ..records.examples import WEIGHTS, contract, csim, hls, manifest, training


@pytest.fixture(autouse=True)
def _undrawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes a second; tests that ask for `drawn` look at what is drawn."""
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr("l1ae.report._blocks.figure_svg", lambda figure: "<svg/>")
        monkeypatch.setattr("l1ae.report._blocks.figure_pdf", lambda figure: b"%PDF")


@pytest.fixture(name="drawn")
def _drawn() -> None:
    """Figures are drawn."""


CONFIG = "name: dnn_ae\nversion: 3\nmodel: {architecture: dense_ae, score: squared_error}\n"


@pytest.fixture(scope="session", name="evaluation_source")
def _evaluation_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(1)
    background, signal = rng.gamma(2, 8, 4000), rng.gamma(4, 8, 700)
    float_scores = ScoreSet(background, {"a4l": signal})
    fixed = ScoreSet(np.floor(background * 16) / 16, {"a4l": np.floor(signal * 16) / 16}, 1 / 16)
    scores = {"float": float_scores, "quantized": fixed, "fixed": fixed}
    metrics = evaluate(scores, {"background": np.arange(4000) // 2}, threshold=96.0625, replicas=50)
    return save_evaluation(tmp_path_factory.mktemp("run") / "evaluation", metrics, performance_figures(scores, metrics))


@pytest.fixture(name="write")
def _write(tmp_path: Path) -> Callable[[str, Any], Path]:
    def write(name: str, content: Any) -> Path:
        path = tmp_path / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if is_dataclass(content):
            save_result(path, content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        _seal(tmp_path / "run", name)
        return path

    return write


def _seal(run: Path, place: str) -> None:
    """What a test writes is what the stage left."""
    stage, _, name = place.partition("/")
    known = Manifest.load(run)
    if name and stage in known.stages:
        record = known.stages[stage]
        known.with_stage(stage, replace(record, outputs={**record.outputs, name: digest_file(run / place)})).save(run)


@pytest.fixture(name="empty_run")
def _empty_run(write: Callable[[str, Any], Path]) -> Path:
    return write("config.yaml", CONFIG).parent


@pytest.fixture(name="full_run")
def _full_run(empty_run: Path, write: Callable[[str, Any], Path], evaluation_source: Path) -> Path:
    import shutil

    write("manifest.json", manifest())
    write("train/quantized.weights.h5", WEIGHTS)
    write(
        "train/history.csv",
        "phase,epoch,learning_rate,loss,validation_loss\n"
        "float,0,0.003,9.0,9.1\nfloat,1,0.003,4.0,4.2\nquantized,0,0.001,5.0,5.1\nquantized,1,0.001,4.1,4.3\n",
    )
    write("train/training.json", training())
    write("contract/summary.json", contract())
    write("hls/summary.json", hls())
    write("csim/report.json", csim())
    shutil.copytree(evaluation_source, empty_run / "evaluation")
    return empty_run
