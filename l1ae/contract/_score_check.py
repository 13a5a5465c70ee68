"""Whether the two formulas of a score say the same."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from l1ae.config import InputsConfig
from l1ae.contract._builder import Builder, add_inputs
from l1ae.contract._contract import Contract
from l1ae.contract._ops import Gather, IntArray, Quantize, Threshold
from l1ae.errors import UserError
from l1ae.families import Body, Score
from l1ae.inputs import FixedFormat, InputSpec

__all__ = ["check_score"]

_LATENT = 3
_OF_BODY = {Body.VARIATIONAL: _LATENT, Body.FEATURES: _LATENT, Body.STUDENT: 1, Body.DENSITY: 1, Body.CONTRAST: 1}
_OUTPUT = FixedFormat.parse("fixed<9,3,RND_CONV,SAT>")
_TABLE = FixedFormat.parse("fixed<34,16,RND_CONV,SAT>")
# of a score that is made of tables, whose entries are rounded
_TABLED = 1e-3


def check_score(score: Score, *, events: int = 500, seed: int = 1) -> None:
    """Compare the formula in real numbers with the operations of the contract, on random codes that both represent exactly.

    For every body and number of outputs that the score can take, on outputs of 9 bits from -4 to 4. Scores without tables must agree to
    rounding of float64, those with tables to a thousandth. Raises `UserError` with the first event that differs, and where the operations
    do not end in one number.
    """
    spec = InputsConfig().spec()
    low, high = spec.port.code_range
    hardware = np.random.default_rng(seed).integers(low, high + 1, (events, spec.port.size))
    for body in sorted(score.bodies):
        for count in score.outputs:
            _compare(score, body, count, spec, hardware)


def _compare(score: Score, body: Body, count: int, spec: InputSpec, hardware: IntArray) -> None:
    builder = Builder()
    add_inputs(builder, spec)
    names = list(_outputs(builder, spec, _OF_BODY.get(body, spec.size), count))
    last = score.firmware(builder, names, _TABLE)
    where = f"score '{score.name}' of a network of body {body} with {count} outputs"
    if builder.size_of(last) != 1:
        raise UserError(f"{where}: firmware ends in {builder.size_of(last)} numbers, but a score is one; sum over the elements")
    found = _evaluated(builder, last, names, hardware)
    outputs = [np.asarray(found[name] * _OUTPUT.lsb, np.float64) for name in names]
    inputs = np.asarray(spec.to_network(hardware) * spec.network.lsb, np.float64)
    exact = np.asarray(score.real(inputs, outputs, spec.mask(hardware)), np.float64)
    if exact.shape != (len(hardware),):
        raise UserError(f"{where}: real gives an array of shape {exact.shape}, but must give one number per event, ({len(hardware)},)")
    firmware = found[last][:, 0] * builder.format_of(last).lsb
    scale = max(float(np.abs(exact).max()), 1.0)
    wrong = np.flatnonzero(np.abs(firmware - exact) > scale * (_TABLED if score.tabled else 1e-9))
    if len(wrong):
        k = wrong[0]
        raise UserError(f"{where}: real gives {exact[k]:.9g}, firmware {firmware[k]:.9g} for event {k}; make them the same formula")


def _outputs(builder: Builder, spec: InputSpec, size: int, count: int) -> Iterator[str]:
    """What a network might return: some of the inputs, on a grid of their own."""
    for k in range(count):
        index = (np.arange(size) + 3 * k) % spec.size
        builder.add(Gather(name=f"o{k}_raw", inputs=("inputs",), format=spec.network, size=size, index=index))
        yield builder.add(Quantize(name=f"o{k}", inputs=(f"o{k}_raw",), format=_OUTPUT, size=size))


def _evaluated(builder: Builder, last: str, names: list[str], hardware: IntArray) -> dict[str, npt.NDArray[np.int64]]:
    one = FixedFormat(False, 1, 1)
    builder.add(Quantize(name="l1ae_score", inputs=(last,), format=builder.format_of(last), size=1))
    builder.add(Threshold(name="l1ae_trigger", inputs=("l1ae_score",), format=one, size=1, threshold=0))
    return Contract("check_v1", tuple(builder.operations)).evaluate(hardware, [*names, last])
