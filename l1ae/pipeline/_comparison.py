"""What quantization costs: the fixed-point model against the Keras models on the events of the C simulation."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.evaluation import auc, compare_scores
from l1ae.hls import CsimReport
from l1ae.pipeline._samples import CsimSample, Scorer

__all__ = ["FloatComparison", "float_comparison", "report_content"]


@dataclass(frozen=True)
class FloatComparison:
    """Fixed point against float on the same events, in units of the score; AUCs on held-out events only.

    `quantized_mismatches` counts values in which the quantized Keras model's outputs differ from the contract's.
    """

    max_abs: float
    rms: float
    auc_float: dict[str, float]
    auc_fixed: dict[str, float]
    decision_flips: int
    threshold: float
    quantized_events: int
    quantized_mismatches: int


def float_comparison(scorer: Scorer, sample: CsimSample) -> FloatComparison:
    """Compare on a sample of real events."""
    scores = scorer(sample.hardware)
    contract = scorer.contract
    threshold = contract.threshold * contract.score.format.lsb
    difference = compare_scores(scores["float"], scores["fixed"], threshold)
    signals = sorted(set(sample.sample.tolist()) - {"background"})
    return FloatComparison(
        max_abs=difference.max_abs,
        rms=difference.rms,
        auc_float={name: _auc(scores["float"], sample, name) for name in signals},
        auc_fixed={name: _auc(scores["fixed"], sample, name) for name in signals},
        decision_flips=difference.flips or 0,
        threshold=threshold,
        quantized_events=len(sample.hardware),
        quantized_mismatches=_quantized_mismatches(scorer, sample),
    )


def _auc(scores: npt.NDArray[np.float64], sample: CsimSample, signal: str) -> float:
    background = scores[(sample.sample == "background") & sample.held_out]
    return auc(background, scores[sample.sample == signal]).value


def _quantized_mismatches(scorer: Scorer, sample: CsimSample) -> int:
    tensors = scorer.quantized_tensors(sample.hardware)
    codes = scorer.contract.evaluate(sample.hardware, list(tensors))
    return sum(int(np.sum(codes[name] * scorer.contract[name].format.lsb != values)) for name, values in tensors.items())


def report_content(report: CsimReport, comparison: FloatComparison, prepare_seconds: float) -> dict[str, Any]:
    """`csim/report.json`, in the shape that all simulation reports share."""
    against_float = asdict(comparison)
    quantized = {name: against_float.pop(f"quantized_{name}") for name in ("events", "mismatches")}
    return {
        "project": report.project,
        "backend": report.backend,
        "events": report.events,
        "mismatches": report.mismatches,
        "first_mismatch": None if report.first_mismatch is None else asdict(report.first_mismatch),
        "types_compared": report.types_compared,
        "type_mismatches": [asdict(mismatch) for mismatch in report.type_mismatches],
        "outputs": [asdict(tensor) for tensor in report.outputs],
        "layers": [asdict(tensor) for tensor in report.layers],
        "float": against_float,
        "quantized": quantized,
        "corner_vectors": report.corner_vectors,
        "compiler": report.compiler,
        "seconds": {
            "convert": round(prepare_seconds, 3),
            "compile": round(report.compile_seconds, 3),
            "simulate": round(report.simulate_seconds, 3),
        },
    }
