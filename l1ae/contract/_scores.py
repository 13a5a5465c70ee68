"""Scores as operations: what the firmware computes from the network's outputs."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from l1ae.config import Config
from l1ae.contract._builder import Builder, difference_format
from l1ae.contract._ops import Dot, Quantize, ReconstructionError, Sum, Table, Threshold
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat, InputSpec

__all__ = ["add_score", "function_table", "precision", "variance_term"]

# a table with an entry for every code
_MAX_TABLE_BITS = 16

Function = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


def variance_term(log_var: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """exp(v) - v - 1 with v = ln sigma^2."""
    return np.asarray(np.expm1(log_var) - log_var, np.float64)


def precision(log_var: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """exp(-v) = 1 / sigma^2 with v = ln sigma^2."""
    return np.asarray(np.exp(-log_var), np.float64)


def add_score(builder: Builder, config: Config, outputs: Sequence[str], spec: InputSpec) -> None:
    """Append the configured score of the network's `outputs` (as `l1ae.models.score` takes them), its cast and the trigger bit."""
    name, table = config.model.score, config.model.table_type
    _check_outputs(builder, name, outputs)
    match name:
        case "squared_error" | "absolute_error":
            exact = _input_error(builder, name, outputs[0], spec)
        case "latent_error":
            exact = _error(builder, name, (outputs[0], outputs[1]), 2)
        case "output":
            exact = outputs[0]
        case "mu2":
            exact = _norm(builder, outputs[0])
        case "kl":
            exact = _kl(builder, _norm(builder, outputs[0]), outputs[1], table)
        case "rz":
            exact = _rz(builder, outputs[0], outputs[1], table)
    if builder.size_of(exact) != 1:
        raise UserError(f"score 'output' takes a single number, '{exact}' has {builder.size_of(exact)}; end the model in one node")
    score = builder.add(Quantize(name="score", inputs=(exact,), format=config.model.score_type, size=1))
    builder.add(Threshold(name="trigger", inputs=(score,), format=FixedFormat(False, 1, 1), size=1, threshold=0))


def _check_outputs(builder: Builder, name: str, outputs: Sequence[str]) -> None:
    # log_var, which mu2 does not need, is part of a variational encoder all the same
    wanted = {"kl": (2,), "rz": (2,), "latent_error": (2,), "mu2": (1, 2)}.get(name, (1,))
    if len(outputs) not in wanted:
        numbers = " or ".join(map(str, wanted))
        raise UserError(f"score '{name}' needs {numbers} outputs, the model returns {', '.join(outputs)}; return no more and no less")
    sizes = [builder.size_of(output) for output in outputs]
    if len(set(sizes)) > 1:
        raise UserError(f"score '{name}' needs outputs of one size, {' and '.join(outputs)} have {' and '.join(map(str, sizes))} elements")


def _input_error(builder: Builder, name: str, output: str, spec: InputSpec) -> str:
    """Against the inputs, without the empty slots."""
    gated = bool((spec.gate >= 0).any() or not spec.present.all())
    inputs = ("inputs", output, "hw") if gated else ("inputs", output)
    return _error(builder, name, inputs, 2 if name == "squared_error" else 1, spec if gated else None)


def _error(builder: Builder, name: str, inputs: tuple[str, ...], power: int, spec: InputSpec | None = None) -> str:
    a, b = (builder.format_of(source) for source in inputs[:2])
    sizes = [builder.size_of(source) for source in inputs[:2]]
    if sizes[0] != sizes[1]:
        raise UserError(
            f"score '{name}' compares '{inputs[0]}' ({sizes[0]} elements) with '{inputs[1]}' ({sizes[1]}); they must be as long"
        )
    difference = difference_format(a, b)
    present = np.ones(sizes[0], np.bool_) if spec is None else spec.present
    gate = np.full(sizes[0], -1, np.int64) if spec is None else spec.gate

    def make(form: FixedFormat) -> ReconstructionError:
        return ReconstructionError(
            name=name, inputs=inputs, format=form, size=1, power=power, present=present, gate=gate, difference=difference
        )

    return builder.add_exact(make, power * difference.fraction)


def _norm(builder: Builder, source: str) -> str:
    fraction = 2 * builder.format_of(source).fraction
    return builder.add_exact(lambda form: Dot(name="mu2", inputs=(source,), format=form, size=1), fraction)


def _kl(builder: Builder, mu2: str, log_var: str, form: FixedFormat) -> str:
    """0.5 * (sum mu^2 + sum (exp(v) - v - 1)) with v = ln sigma^2: the KL divergence to a unit normal prior."""
    table = _table(builder, "variance_term", log_var, form, text="exp(v) - v - 1", function=variance_term)
    fraction = max(builder.format_of(mu2).fraction, form.fraction) + 1
    return builder.add_exact(lambda total: Sum(name="kl", inputs=(mu2, table), format=total, size=1, halvings=1), fraction)


def _rz(builder: Builder, mu: str, log_var: str, form: FixedFormat) -> str:
    """Sum of mu^2 / sigma^2 (arXiv:2108.03986)."""
    inverse = _table(builder, "precision", log_var, form, text="exp(-v)", function=precision)
    weighted = builder.elementwise("mu_over_variance", "multiply", mu, inverse)
    fraction = builder.format_of(mu).fraction + builder.format_of(weighted).fraction
    return builder.add_exact(lambda total: Dot(name="rz", inputs=(mu, weighted), format=total, size=1), fraction)


def _table(builder: Builder, name: str, source: str, form: FixedFormat, *, text: str, function: Function) -> str:
    size, width = builder.size_of(source), builder.format_of(source).width
    if width > _MAX_TABLE_BITS:
        raise UserError(f"layer '{source}': {width} bits are too many for the table '{text}'; quantize it to at most {_MAX_TABLE_BITS}")
    return builder.add(function_table(name, source, builder.format_of(source), form, size=size, text=text, function=function))


def function_table(
    name: str, source: str, source_format: FixedFormat, form: FixedFormat, *, size: int, text: str, function: Function
) -> Table:
    """Table of a function over all 2**width inputs of `source_format`, rounded and saturated to `form`."""
    bits = np.arange(1 << source_format.width, dtype=np.int64)
    codes = np.where(bits > source_format.high, bits - len(bits), bits) if source_format.signed else bits
    exact = function(np.asarray(codes * source_format.lsb, np.float64))
    table = form.quantize(np.minimum(exact, (form.high + 1) * form.lsb))
    inside = table < form.high
    error = float(np.abs(table * form.lsb - exact)[inside].max())
    return Table(name=name, inputs=(source,), format=form, size=size, codes=table, function=text, max_error=error)
