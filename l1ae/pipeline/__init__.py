"""The stages of a run and the run folder that they share."""

from l1ae.pipeline._baselines_stage import baselines_of, baselines_stage
from l1ae.pipeline._delivery_stage import deliver_stage, verify_deliveries
from l1ae.pipeline._latent_stage import LatentOptions, latent_stage
from l1ae.pipeline._run import Run
from l1ae.pipeline._samples import csim_sample
from l1ae.pipeline._stages import contract_stage, csim_stage, csim_verdict, evaluate_stage, hls_stage, report_stage, run_all, train_stage
from l1ae.pipeline._trigger_stage import trigger_stage
from l1ae.pipeline._verify_stage import Verification, VerificationRow, verify_stage

__all__ = [
    "LatentOptions",
    "Run",
    "Verification",
    "VerificationRow",
    "baselines_of",
    "baselines_stage",
    "contract_stage",
    "csim_sample",
    "csim_stage",
    "csim_verdict",
    "deliver_stage",
    "evaluate_stage",
    "hls_stage",
    "latent_stage",
    "report_stage",
    "run_all",
    "train_stage",
    "trigger_stage",
    "verify_deliveries",
    "verify_stage",
]
