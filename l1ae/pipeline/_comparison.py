"""What quantization costs: the fixed-point model against the Keras models on the events of the C simulation."""

import numpy as np
import numpy.typing as npt

from l1ae.agreement import FloatComparison, QuantizedComparison
from l1ae.evaluation import auc, compare_scores
from l1ae.pipeline._samples import CsimSample, Scorer

__all__ = ["float_comparison", "quantized_comparison"]


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
