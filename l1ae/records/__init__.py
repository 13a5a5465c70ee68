"""What stages of a run hand each other and the report: every file with its place, its type and the command that makes it."""

from l1ae.records._contract import BinnedElement, BinsSummary, ContractSummary, FirmwareThreshold, TableSummary, TensorSummary
from l1ae.records._files import (
    BASELINES,
    CONTRACT,
    CSIM,
    HLS,
    LATENT,
    METRICS,
    RESOURCES,
    RESULT_FILES,
    RTL,
    RTL_PROOF,
    RTL_VERILOG,
    RTL_VHDL,
    SYNTHESIS,
    TRAINING,
    VERIFICATION,
)
from l1ae.records._hls import HlsSummary
from l1ae.records._resources import BudgetReport, ResourcesReport
from l1ae.records._result_file import ResultFile
from l1ae.records._settings import other_settings
from l1ae.records._synthesis import SynthesisedDesign, SynthesisedLayer, SynthesisReport
from l1ae.records._training import ImportedModel, TrainedNetwork, TrainingRecord
from l1ae.records._verification import VerificationReport, VerificationRow, VerifiedCrossings

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
    "BinnedElement",
    "BinsSummary",
    "BudgetReport",
    "ContractSummary",
    "FirmwareThreshold",
    "HlsSummary",
    "ImportedModel",
    "ResourcesReport",
    "ResultFile",
    "SynthesisReport",
    "SynthesisedDesign",
    "SynthesisedLayer",
    "TableSummary",
    "TensorSummary",
    "TrainedNetwork",
    "TrainingRecord",
    "VerificationReport",
    "VerificationRow",
    "VerifiedCrossings",
    "other_settings",
]
