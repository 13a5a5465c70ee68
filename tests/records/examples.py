"""Results of every kind with made-up numbers, built from the classes that the stages write."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from l1ae.agreement import CsimReport, CsimSeconds, FloatComparison, Mismatch, QuantizedComparison, TensorComparison, TypeMismatch
from l1ae.baselines import BaselineResult, BaselinesResult
from l1ae.delivery import Amount, BudgetLine, StageFigures
from l1ae.delivery._budget import Outcome
from l1ae.delivery._reports import Stage
from l1ae.delivery._reports_find import Design
from l1ae.evaluation import (
    AtRate,
    Capacity,
    Comparison,
    Drift,
    Estimate,
    LabelFree,
    Metrics,
    RatePoint,
    RateSampleFacts,
    ScoreDifference,
    WorkingPoint,
)
from l1ae.inputs import FixedFormat, named_layout
from l1ae.latent import LatentResult, Resolution, SelectedHunt, bump_hunt, compression, measure_drift
from l1ae.manifest import Manifest, StageRecord
from l1ae.records import (
    BinnedElement,
    BinsSummary,
    BudgetReport,
    ContractSummary,
    FirmwareThreshold,
    HlsSummary,
    ImportedModel,
    ResourcesReport,
    SynthesisedDesign,
    SynthesisedLayer,
    SynthesisReport,
    TableSummary,
    TensorSummary,
    TrainedNetwork,
    VerificationReport,
    VerificationRow,
    VerifiedCrossings,
)
from l1ae.rtl_results import (
    Folding,
    LayerAdders,
    LayerProof,
    LinearProof,
    NetlistProof,
    ProtocolViolation,
    RtlMismatch,
    RtlProof,
    RtlReport,
    RtlSeconds,
    RtlSummary,
    StageDelay,
    StageProof,
    TableProof,
    TablesProof,
    TextProof,
)
from l1ae.synth import CriticalPath, PathKind, PathStep, TimingBand
from l1ae.tables import TablesResult


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
        wrapped={},
        wrapped_events=5000,
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


WEIGHTS = "weights"
WEIGHTS_DIGEST = hashlib.sha256(WEIGHTS.encode()).hexdigest()


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
        "train": stage(1, {"data/background.h5": "11" * 32}, {"quantized.weights.h5": WEIGHTS_DIGEST}),
        "contract": stage(2, {"train/quantized.weights.h5": WEIGHTS_DIGEST}, {"summary.json": "33" * 32}),
        "csim": stage(3, {"contract/contract.json": contract().digest}, {"report.json": "44" * 32}),
    }
    return Manifest("dnn_ae_v3", stages)


def rtl_summary(mode="unrolled"):
    design = RtlSummary(
        name="dnn_ae_v3",
        inputs=57,
        input_bits=10,
        score_bits=18,
        score_signed=False,
        score_fraction=4,
        threshold=1537,
        latency=15,
        interval=8 if mode == "folded" else 1,
        clock_period=2.78,
        part="xcvu13p-flga2577-2-e",
        digest="c0ffee" * 10 + "abcd",
        mode="folded" if mode == "folded" else "unrolled",
        crossings=2 if mode == "crossings" else None,
        adders="binary",
        clock_uncertainty=12.5,
        latency_ns=41.7,
    )
    if mode == "folded":
        return replace(design, folded_layers=(Folding("enc0", "serial", 8, 3), Folding("conv1", "window", 6, 44)))
    return replace(
        design,
        register_bits=9876,
        stages=(StageDelay(2.1, ("inputs", "enc0")),),
        layers=(LayerAdders("inputs", 57), LayerAdders("enc0", 2345)),
    )


def rtl_simulation(language="verilog", failing=False):
    return RtlReport(
        project="dnn_ae_v3",
        language=language,
        events=100_000,
        corner_vectors=683,
        clock_cycles=234_567,
        latency=15,
        interval=1,
        mismatches=31 if failing else 0,
        first_mismatch=RtlMismatch("trigger", False, 4711, 1.0, 0.0, "gaps", 99) if failing else None,
        protocol_violations=17 if failing else 0,
        first_violation=None,
        outputs=(),
        compiler="Verilator 5.048" if language == "verilog" else "GHDL 2.0.0 (mcode)",
        seconds=RtlSeconds(61.2, 3.4),
    )


def rtl_proof(linear=True):
    if not linear:
        return RtlProof(None, None, None, None, 2000, ())
    layers = (
        LayerProof("enc0", "Dense", 32, 3000, 2345, True, "", 1.5),
        LayerProof("dec9", "Dense", 9, 40, 30, False, "its accumulator wraps", 0.1),
    )
    tables = (TableProof("bins", "Binning", 1, 5, 8192, True, "", 0.2),)
    return RtlProof(LinearProof(layers, 1.6), TablesProof(tables, 0.2), StageProof(15, 7654), TextProof(17, 7700), 2000, ())


def counted(luts):
    found = {"luts": luts, "luts_packed": luts - 1000, "flip_flops": 8888, "carry4": 777, "carry8": 400, "dsp": 0, "bram36": 0.5}
    kinds = {"luts_by_size": (0, 0, 0, 0, 0, luts), "latches": 0, "muxes": 0, "uram": 0, "inverters": 0, "other": {}}
    return found | kinds | {"memory_luts": 20, "shift_registers": 3, "seconds": 12.5, "peak_gb": 0.75, "cached": False}


def timing(optimistic=2.2, typical=2.95, pessimistic=4.4):
    steps = tuple(PathStep("LUT6", "n", layer, 0.5, 0.1, 1.0) for layer in (None, "enc0", "score"))
    paths = (CriticalPath(ns, PathKind.REGISTER_TO_REGISTER, steps) for ns in (optimistic, typical, pessimistic))
    return TimingBand(*paths, stage="pre-placement estimate", source="RapidWright's delay model", untimed=())


def synthesis(proofs=None, changed=(), layers=True, mode="unrolled"):
    return SynthesisReport(
        project="dnn_ae_v3",
        stage="synthesis, before placement",
        tool="Yosys 0.70",
        digest="ab" * 32,
        part="xcvu13p-flga2577-2-e",
        resources=SynthesisedDesign(**counted(22_000)),
        percent={"luts": 1.274, "flip_flops": 0.257},
        latency_cycles=15,
        interval=1,
        clock_period=2.78,
        timing=timing(),
        layers=(SynthesisedLayer(name="enc0", **counted(20_000)),) if layers else (),
        rtl=rtl_summary(mode),
        changed_files=tuple(changed),
        proof=proofs,
        wall_seconds=30.0,
    )


PROOFS = (
    NetlistProof("dnn_ae_v3_stage0", "proven", "", 120, 3.25, False),
    NetlistProof("dnn_ae_v3_stage1", "not finished", "abc took too long", 80, 120.0, False),
)


def verification(differing=0, **changes):
    rows = (
        VerificationRow("C simulation (g++)", 1_000_000, "every tensor", 0, "g++ 13.3.0", 125.0),
        VerificationRow("RTL simulation", 1_000_000, "score, trigger bit", differing, "", 61.0),
    )
    source = VerifiedCrossings("shipped", 1_000_000)
    return replace(VerificationReport("dnn_ae_v3", contract().digest, source, 190.0, rows, (), {}, differing == 0), **changes)


def latent() -> LatentResult:
    rng = np.random.default_rng(1)
    values = rng.standard_normal((200, 2))
    drift = measure_drift(values[:100], values[100:] + 3, np.arange(100), np.arange(100), labels=("background", "late"), permutations=99)
    hunt = bump_hunt(np.exp(rng.normal(4, 0.5, 800)), pseudo_experiments=20)
    value = Estimate(-1.25, -1.5, -1.0)
    row = Resolution("met_pt", "GeV", None, None, 4321, value, value, value, 7.5)
    return LatentResult(
        project="dnn_ae_v3",
        contract="c0ffee",
        tensors={"latent_q": "fixed<10,5>"},
        events=5000,
        seed=1,
        codes=(),
        compression=compression(named_layout("ugt"), {"latent_q": (FixedFormat.parse("fixed<10,5>"), 3)}),
        resolution=(row, replace(row, energy_low=20.0, entries=99)),
        emptiness=(),
        generation=None,
        drift=(drift,),
        hunts=(SelectedHunt("dijet", 0.9, 12.5, 800, 0, hunt),),
        injected={},
        skipped={"generation": "the model is not variational"},
    )


def label_free():
    drift = Drift(0.25, 3.5e-5, 4.5e-5, 17.0, 0.125)
    return LabelFree((1234, 5678), Capacity(-0.25, 12.5, False), Capacity(-0.125, 1000.0, True), 1.5, 0.0625, drift)


def metrics() -> Metrics:
    auc, change = Estimate(0.75, 0.74, 0.76), Estimate(-0.001, -0.002, 0.0)
    few = WorkingPoint(1e-5, 4000, None, None, None, "too few")
    point = RatePoint("pure", 1.0, 45.5, 44.0, 47.0, Estimate(0.98, 0.9, 1.05), 50.0, {"a4l": auc}, auc, auc)
    return Metrics(
        events={"background": 4000, "a4l": 700},
        groups={"background": 2000, "a4l": 700},
        auc_method="by hand",
        auc={"float": {"a4l": auc}, "fixed": {"a4l": auc}},
        working_points={"fixed": {"a4l": (WorkingPoint(1e-3, 4000, 96.5, auc, auc), few)}},
        threshold=96.0625,
        accepted={"fixed": {"background": Estimate(0.001, 0.0005, 0.002)}},
        comparisons={"fixed": Comparison({"a4l": change}, {"a4l": ScoreDifference(700, 1.5, 0.25, -0.125, 3)})},
        effective={"background": 1234.5},
        at_rate={"fixed": AtRate((point,))},
        rate_sample=RateSampleFacts("its test part", 20000, 9000.0, 20.5, ("other crossings",)),
        label_free={"fixed": label_free()},
    )


def baselines() -> BaselinesResult:
    at_rate = metrics().at_rate["fixed"]
    result = BaselineResult("leading_jet", "Jets, leading pT", "Leading energy", "the largest energy", "GeV", at_rate)
    return BaselinesResult("ugt", 5000, 10000, 4000.0, "its test part", 20000, (result,), {"tree": "no slot can be empty"})


def training() -> TrainedNetwork:
    return TrainedNetwork(38, 14, 0.71828, 0.81828, 192.0)


def _everything(summary: ContractSummary) -> ContractSummary:
    """With whatever a summary may have."""
    return replace(
        summary,
        threshold_fraction=0.001,
        threshold_rate=FirmwareThreshold(1537, "pure", 1.0, Estimate(0.98, 0.9, 1.05), 20000),
        bins=(BinsSummary("bins", "hw", (BinnedElement("jet_1_pt", (-3, 5)),)),),
        wrapped={"encoder_0": 3},
        wrapped_events=5000,
    )


EXAMPLES: dict[str, tuple[object, ...]] = {
    "train/training.json": (training(), TablesResult(5, 1000, 2.5), ImportedModel("network.yaml")),
    "contract/summary.json": (contract(), _everything(contract())),
    "evaluation/metrics.json": (metrics(),),
    "baselines/baselines.json": (baselines(),),
    "latent/latent.json": (latent(),),
    "hls/summary.json": (replace(hls(), layer_reuse_factors={"encoder_0": 2}),),
    "csim/report.json": (
        csim(),
        replace(csim(12), type_mismatches=(TypeMismatch("encoder_0", "weight", "fixed<8,3>", "fixed<7,3>"),), changed_files=("x.h",)),
        replace(csim(), quantized=None, float=None),
    ),
    "rtl/summary.json": (rtl_summary(), rtl_summary("folded"), rtl_summary("crossings")),
    "rtl/proof.json": (rtl_proof(), rtl_proof(linear=False)),
    "rtl/report.json": (rtl_simulation(), rtl_simulation(failing=True)),
    "rtl/report_vhdl.json": (
        replace(rtl_simulation("vhdl"), first_violation=ProtocolViolation("out_valid", 0, 1, "gaps", 7), protocol_violations=1),
    ),
    "synth/report.json": (synthesis(), synthesis(PROOFS, ("a.v",), layers=False, mode="crossings")),
    "verification/report.json": (verification(), verification(differing=3, missing=("CMSSW emulator",))),
    "resources.json": (resources(csynth_row(), verdicts=(line("lut", "failed", 40000, 48100, "route"),), lut=40000),),
}
"""Results by the place of their file in a run folder."""
