"""The stages of a run and the run folder that they share."""

from typing import TYPE_CHECKING

from l1ae.lazy import on_first_use
from l1ae.manifest import digest_file
from l1ae.pipeline._baselines_stage import baselines_of, baselines_stage
from l1ae.pipeline._delivery_stage import check_targets, deliver_stage, verify_deliveries
from l1ae.pipeline._estimate import doubts, forecast, forecast_of, scheduled
from l1ae.pipeline._resources import read_resources
from l1ae.pipeline._run import Run, digest_json
from l1ae.pipeline._samples import OBSERVED_EVENTS, EvaluationScores, csim_sample, first_events, scores_of
from l1ae.pipeline._shared import contract_of
from l1ae.pipeline._stages import contract_stage, csim_stage, evaluate_stage, hls_stage, report_stage, train_stage, verdicts
from l1ae.pipeline._table import STAGES, RunOptions, Stage, run_all, stages_to
from l1ae.pipeline._trigger_stage import trigger_stage
from l1ae.pipeline._verify_stage import Verification, verify_stage
from l1ae.pipeline._zero_bias import judge_of, no_zero_bias, rate_sample
from l1ae.rtl_results import Forecast, beyond, sentences

if TYPE_CHECKING:
    from l1ae.pipeline._latent_stage import LatentOptions, latent_stage
else:
    __getattr__ = on_first_use(__name__, _latent_stage="LatentOptions latent_stage")

__all__ = [
    "OBSERVED_EVENTS",
    "STAGES",
    "EvaluationScores",
    "Forecast",
    "LatentOptions",
    "Run",
    "RunOptions",
    "Stage",
    "Verification",
    "baselines_of",
    "baselines_stage",
    "beyond",
    "check_targets",
    "contract_of",
    "contract_stage",
    "csim_sample",
    "csim_stage",
    "deliver_stage",
    "digest_file",
    "digest_json",
    "doubts",
    "evaluate_stage",
    "first_events",
    "forecast",
    "forecast_of",
    "hls_stage",
    "judge_of",
    "latent_stage",
    "no_zero_bias",
    "rate_sample",
    "read_resources",
    "report_stage",
    "run_all",
    "scheduled",
    "scores_of",
    "sentences",
    "stages_to",
    "train_stage",
    "trigger_stage",
    "verdicts",
    "verify_deliveries",
    "verify_stage",
]
