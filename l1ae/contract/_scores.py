"""The configured score as operations: what the firmware computes from the network's outputs."""

from collections.abc import Sequence

from l1ae.config import Config
from l1ae.contract._builder import Builder
from l1ae.contract._ops import Quantize, Threshold
from l1ae.errors import UserError
from l1ae.families import Score, find_score
from l1ae.inputs import FixedFormat

__all__ = ["add_score"]


def add_score(builder: Builder, config: Config, outputs: Sequence[str]) -> None:
    """Append the configured score of the network's `outputs` (as `l1ae.families.score` takes them), its cast and the trigger bit."""
    record = find_score(config.model.score)
    _check_outputs(builder, record, outputs)
    exact = record.firmware(builder, outputs, config.model.table_type)
    if builder.size_of(exact) != 1:
        raise UserError(f"score 'output' takes a single number, '{exact}' has {builder.size_of(exact)}; end the model in one node")
    score = builder.add(Quantize(name="score", inputs=(exact,), format=config.model.score_type, size=1))
    builder.add(Threshold(name="trigger", inputs=(score,), format=FixedFormat(False, 1, 1), size=1, threshold=0))


def _check_outputs(builder: Builder, score: Score, outputs: Sequence[str]) -> None:
    if len(outputs) not in score.outputs:
        numbers = " or ".join(map(str, score.outputs))
        raise UserError(f"score '{score.name}' needs {numbers} outputs, the model returns {', '.join(outputs)}; return no more and no less")
    sizes = [builder.size_of(output) for output in outputs]
    if len(set(sizes)) > 1:
        raise UserError(
            f"score '{score.name}' needs outputs of one size, {' and '.join(outputs)} have {' and '.join(map(str, sizes))} elements"
        )
