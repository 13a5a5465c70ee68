"""Every file that stages hand each other as typed results."""

from typing import Any, cast

from l1ae.agreement import CsimReport
from l1ae.baselines import BaselinesResult
from l1ae.evaluation import Metrics
from l1ae.latent import LatentResult
from l1ae.records._contract import ContractSummary
from l1ae.records._hls import HlsSummary
from l1ae.records._resources import ResourcesReport
from l1ae.records._result_file import ResultFile
from l1ae.records._synthesis import SynthesisReport
from l1ae.records._training import ImportedModel, TrainedNetwork, TrainingRecord
from l1ae.records._verification import VerificationReport
from l1ae.rtl_results import RtlProof, RtlReport, RtlSummary
from l1ae.tables import TablesResult

__all__ = [
    "BASELINES",
    "CONTRACT",
    "CSIM",
    "HLS",
    "LATENT",
    "METRICS",
    "RESOURCES",
    "RESULT_FILES",
    "RTL",
    "RTL_PROOF",
    "RTL_VERILOG",
    "RTL_VHDL",
    "SYNTHESIS",
    "TRAINING",
    "VERIFICATION",
]

_TRAIN = "l1ae train {run}/config.yaml --run {run}"
_TRAINING = cast("type[TrainingRecord]", TrainedNetwork | TablesResult | ImportedModel)

TRAINING = ResultFile("train/training.json", _TRAINING, "record of a training", _TRAIN)
CONTRACT = ResultFile("contract/summary.json", ContractSummary, "summary of a contract", _TRAIN)
METRICS = ResultFile("evaluation/metrics.json", Metrics, "metrics file", "l1ae evaluate {run}")
BASELINES = ResultFile("baselines/baselines.json", BaselinesResult, "baselines file", "l1ae baselines {run}")
LATENT = ResultFile("latent/latent.json", LatentResult, "latent study", "l1ae latent {run}")
HLS = ResultFile("hls/summary.json", HlsSummary, "summary of an HLS project", "l1ae hls {run}")
CSIM = ResultFile("csim/report.json", CsimReport, "report of a C simulation", "l1ae csim {run}")
RTL = ResultFile("rtl/summary.json", RtlSummary, "summary of RTL", "l1ae rtl {run}")
RTL_PROOF = ResultFile("rtl/proof.json", RtlProof, "proof of RTL", "l1ae rtl {run}")
RTL_VERILOG = ResultFile("rtl/report.json", RtlReport, "report of an RTL simulation", "l1ae rtl {run}")
RTL_VHDL = ResultFile("rtl/report_vhdl.json", RtlReport, "report of an RTL simulation", "l1ae rtl {run}")
SYNTHESIS = ResultFile("synth/report.json", SynthesisReport, "report of a synthesis", "l1ae synth {run}")
VERIFICATION = ResultFile("verification/report.json", VerificationReport, "report of a verification", "l1ae verify {run}")
RESOURCES = ResultFile("resources.json", ResourcesReport, "table of resources", "l1ae report {run}")

RESULT_FILES: tuple[ResultFile[Any], ...] = (
    *(TRAINING, CONTRACT, METRICS, BASELINES, LATENT, HLS, CSIM, RTL, RTL_PROOF, RTL_VERILOG, RTL_VHDL, SYNTHESIS),
    *(VERIFICATION, RESOURCES),
)
"""All but the manifest (`l1ae.manifest`) and the working points, which other programs read and which have a format (`l1ae.trigger`)."""
