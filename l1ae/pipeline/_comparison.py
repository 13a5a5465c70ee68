"""What quantization costs: the fixed-point model against the Keras models on the events of the C simulation."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.evaluation import auc, compare_scores
from l1ae.hls import CsimReport
from l1ae.pipeline._samples import CsimSample, Scorer

__all__ = ["FloatComparison", "QuantizedComparison", "float_comparison", "quantized_comparison", "report_content"]


@dataclass(frozen=True)
class FloatComparison:
    """Fixed point against float on the same events, in units of the score; AUCs on held-out events only, by weight.

    The other numbers ask how far arithmetic is off on what was simulated, and count each event once.
    """

    max_abs: float
    rms: float
    auc_float: dict[str, float]
    auc_fixed: dict[str, float]
    decision_flips: int
    threshold: float


@dataclass(frozen=True)
class QuantizedComparison:
    """`mismatches` counts values in which the quantized Keras model's outputs differ from the contract's; `events` may be 0."""

    events: int
    mismatches: int


def float_comparison(scorer: Scorer, sample: CsimSample) -> FloatComparison | None:
    """Compare on a sample of real events; None where the model has no float variant."""
    if "float" not in scorer.variants:
        return None
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
    )


def _auc(scores: npt.NDArray[np.float64], sample: CsimSample, signal: str) -> float:
    background, positive = (sample.sample == "background") & sample.held_out, sample.sample == signal
    weights = (None, None) if sample.weights is None else (sample.weights[background], sample.weights[positive])
    return auc(scores[background], scores[positive], background_weights=weights[0], signal_weights=weights[1]).value


def quantized_comparison(scorer: Scorer, sample: CsimSample) -> QuantizedComparison:
    """Compare every output of the quantized Keras model, if there is one, on a sample of real events."""
    tensors = scorer.quantized_tensors(sample.hardware)
    if not tensors:
        return QuantizedComparison(0, 0)
    codes = scorer.contract.evaluate(sample.hardware, list(tensors))
    wrong = sum(int(np.sum(codes[name] * scorer.contract[name].format.lsb != values)) for name, values in tensors.items())
    return QuantizedComparison(len(sample.hardware), wrong)


def report_content(
    report: CsimReport, against_float: FloatComparison | None, quantized: QuantizedComparison, prepare_seconds: float
) -> dict[str, Any]:
    """`csim/report.json`, in the shape that all simulation reports share."""
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
        "wrapped": dict(report.wrapped),
        "float": None if against_float is None else asdict(against_float),
        "quantized": asdict(quantized),
        "corner_vectors": report.corner_vectors,
        "compiler": report.compiler,
        "seconds": {
            "convert": round(prepare_seconds, 3),
            "compile": round(report.compile_seconds, 3),
            "simulate": round(report.simulate_seconds, 3),
        },
    }
