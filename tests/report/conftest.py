"""A run folder as the stages leave it, from numbers made up here."""

import json
from collections.abc import Callable, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from l1ae.delivery import Amount, BudgetLine, StageFigures
from l1ae.delivery._budget import Outcome
from l1ae.delivery._reports import Stage
from l1ae.delivery._reports_find import Design
from l1ae.evaluation import ScoreSet, evaluate, write_evaluation
from l1ae.hls import CsimReport, CsimSeconds, FloatComparison, Mismatch, QuantizedComparison, TensorComparison
from l1ae.manifest import Manifest, StageRecord
from l1ae.records import BudgetReport, ContractSummary, HlsSummary, ResourcesReport, TableSummary, TensorSummary, TrainedNetwork
from l1ae.results import save_result

CONFIG = "name: dnn_ae\nversion: 3\nmodel: {architecture: dense_ae, score: squared_error}\n"


def contract() -> ContractSummary:
    tensor = TensorSummary(
        name="encoder_0",
        op="Dense",
        type="fixed<20,9>",
        shape=32,
        low=-101.25,
        high=99.5,
        observed_low=-20.5,
        observed_high=31.75,
        accumulator="fixed<20,9>",
        evaluated_in="float32",
    )
    score = TensorSummary(
        name="score",
        op="ReconstructionError",
        type="ufixed<18,14,TRN,SAT>",
        shape=1,
        low=0.0,
        high=16383.9375,
        observed_low=0.5,
        observed_high=4012.0,
        accumulator=None,
        evaluated_in="float64",
    )
    return ContractSummary(
        project="dnn_ae_v3",
        digest="c0ffee" * 10 + "abcd",
        parameters=4941,
        nonzero_parameters=4777,
        weight_bits="8",
        used_bits=20058,
        bit_operations=130532,
        score="squared_error",
        score_type="ufixed<18,14,TRN,SAT>",
        threshold=1537,
        threshold_value=96.0625,
        target_fpr=1e-3,
        threshold_given=False,
        threshold_events=(1234, 1_200_000),
        threshold_fraction=None,
        threshold_rate=None,
        observed_events=20000,
        tensors=(tensor, score),
        tables=(TableSummary("exp", "exp", 3, (10, 10), 1024, 67, 0.00390625),),
        bins=(),
        wrapping=(),
    )


def hls() -> HlsSummary:
    return HlsSummary(
        project="dnn_ae_v3",
        backend="Vitis",
        part="xcvu9p-flga2104-2L-e",
        clock_period_ns=5.0,
        clock_uncertainty_percent=12.5,
        reuse_factor=1,
        layer_reuse_factors={},
        strategy="Latency",
        io_type="io_parallel",
        files=57,
        digest="deadbeef" * 8,
        multiplications=4645,
    )


def amounts(**used: tuple[float | None, float | None]) -> dict[str, Amount]:
    """Resources of a row by (used, available); what is not given is not in the report."""
    return {name: Amount(*used.get(name, (None, None))) for name in ("lut", "ff", "dsp", "bram", "uram")}


def figures(design: Design, stage: Stage, **values: Any) -> StageFigures:
    """A row of resources.json that knows nothing but `values`."""
    return StageFigures(**{"design": design, "stage": stage, "tool": "a tool 1.0", "resources": amounts()} | values)


def csynth_row() -> StageFigures:
    return figures(
        "hls",
        "csynth",
        tool="Vitis HLS 2023.2",
        part="xcvu9p-flga2104-2L-e",
        clock_ns=5.0,
        uncertainty_ns=0.62,
        slack_ns=0.059,
        latency_cycles_min=11,
        latency_cycles=13,
        latency_ns=65.0,
        interval=1,
        resources=amounts(lut=(118224, 1182240), ff=(30000, 2364480), dsp=(0, 6840), bram=(None, 2160), uram=(0, 960)),
    )


def resources(*rows: StageFigures, verdicts: Sequence[BudgetLine] = (), **limits: float) -> ResourcesReport:
    budget = BudgetReport(tuple(verdicts), tuple(verdicts), {"lut": None} | limits)
    return ResourcesReport(project="dnn_ae_v3", digest=contract().digest, rows=rows, budget=budget)


def line(quantity: str, outcome: Outcome, limit: float, value: float | None = None, stage: Stage | None = None) -> BudgetLine:
    """A verdict of the budget on the RTL."""
    return BudgetLine(quantity, "rtl", stage, None if stage is None else "a tool 1.0", value, limit, outcome)


def csim(mismatches: int = 0) -> CsimReport:
    return CsimReport(
        project="dnn_ae_v3",
        backend="Vitis",
        events=20000,
        corner_vectors=683,
        mismatches=mismatches,
        first_mismatch=Mismatch("encoder_0", False, 4711, 5, 1.5, 1.25) if mismatches else None,
        types_compared=40,
        type_mismatches=(),
        outputs=(TensorComparison("score", "ufixed<18,14,TRN,SAT>", 0, 0),),
        layers=(TensorComparison("encoder_0", "fixed<20,9>", mismatches, 3 if mismatches else 0),),
        compiler="g++ 13.3.0",
        seconds=CsimSeconds(3.25, 41.2, 75.6),
        quantized=QuantizedComparison(20000, 0),
        float=FloatComparison(12.25, 0.875, {}, {}, 7, 96.0625),
    )


def manifest() -> Manifest:
    def stage(minute: int, inputs: dict[str, str], outputs: dict[str, str]) -> StageRecord:
        return StageRecord(
            seconds=61.5,
            finished=f"2026-03-01T10:{minute:02}:00+00:00",
            inputs=inputs,
            outputs=outputs,
            tools={"python": "3.11.9", "numpy": "2.4.6"},
            git="v0.1.0-5-gabc",
        )

    stages = {
        "train": stage(1, {"data/background.h5": "11" * 32}, {"quantized.weights.h5": "22" * 32}),
        "contract": stage(2, {"train/quantized.weights.h5": "22" * 32}, {"contract.json": "33" * 32}),
        "csim": stage(3, {"contract/contract.json": contract().digest}, {"report.json": "44" * 32}),
    }
    return Manifest("dnn_ae_v3", stages)


@pytest.fixture(scope="session", name="evaluation_source")
def _evaluation_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(1)
    background, signal = rng.gamma(2, 8, 4000), rng.gamma(4, 8, 700)
    float_scores = ScoreSet(background, {"a4l": signal})
    fixed = ScoreSet(np.floor(background * 16) / 16, {"a4l": np.floor(signal * 16) / 16}, 1 / 16)
    scores = {"float": float_scores, "quantized": fixed, "fixed": fixed}
    metrics = evaluate(scores, {"background": np.arange(4000) // 2}, threshold=96.0625, replicas=50)
    return write_evaluation(tmp_path_factory.mktemp("run") / "evaluation", metrics, scores)


@pytest.fixture(name="write")
def _write(tmp_path: Path) -> Callable[[str, Any], Path]:
    def write(name: str, content: Any) -> Path:
        path = tmp_path / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if is_dataclass(content):
            save_result(path, content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture(name="empty_run")
def _empty_run(write: Callable[[str, Any], Path]) -> Path:
    return write("config.yaml", CONFIG).parent


@pytest.fixture(name="full_run")
def _full_run(empty_run: Path, write: Callable[[str, Any], Path], evaluation_source: Path) -> Path:
    import shutil

    write("manifest.json", manifest())
    write(
        "train/history.csv",
        "phase,epoch,learning_rate,loss,validation_loss\n"
        "float,0,0.003,9.0,9.1\nfloat,1,0.003,4.0,4.2\nquantized,0,0.001,5.0,5.1\nquantized,1,0.001,4.1,4.3\n",
    )
    write("train/training.json", TrainedNetwork(38, 14, 0.71828, 0.81828, 192.0))
    write("contract/summary.json", contract())
    write("hls/summary.json", hls())
    write("csim/report.json", csim())
    shutil.copytree(evaluation_source, empty_run / "evaluation")
    return empty_run
