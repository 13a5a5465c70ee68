"""The stages of a run and the run folder that they share."""

from l1ae.pipeline._run import Run
from l1ae.pipeline._stages import contract_stage, csim_stage, csim_verdict, evaluate_stage, hls_stage, report_stage, run_all, train_stage

__all__ = ["Run", "contract_stage", "csim_stage", "csim_verdict", "evaluate_stage", "hls_stage", "report_stage", "run_all", "train_stage"]
