"""Where the binary points lie: integer bits chosen from the float network's weights and activations."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log2
from pathlib import Path
from typing import Annotated

from pydantic import Field

from l1ae.config import Config
from l1ae.models._plan import INPUTS, Plan, TableStep, WeightStep, firmware_plan, weight_steps
from l1ae.results import load_result, save_result

__all__ = ["Calibration", "WeightBits", "calibrate", "integer_bits"]

MAX_BIAS_BITS = 16

_Width = Annotated[int, Field(ge=1, le=64)]
_Integer = Annotated[int, Field(ge=-64, le=64)]


@dataclass(frozen=True)
class WeightBits:
    """Quantizers of one layer, in the convention of QKeras: the sign is not among the integer bits.

    The values of ternary and binary weights are multiples of 2**kernel_integer.
    """

    kernel_bits: _Width
    kernel_integer: _Integer
    bias_bits: _Width
    bias_integer: _Integer


@dataclass(frozen=True)
class Calibration:
    """Integer bits of every quantizer of a firmware graph.

    `weights` is keyed by the layer with weights. `activations`, keyed by activation layer, holds integer bits without the sign.
    """

    weights: dict[str, WeightBits]
    activations: dict[str, _Integer]

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        save_result(path, self)

    @classmethod
    def load(cls, path: Path) -> "Calibration":
        """Inverse of `save`. Raises `UserError` when the file is missing or something else."""
        return load_result(cls, path, what="calibration", remedy="train the model first", again="train the model again")


def integer_bits(largest: float, bits: int, *, signed: bool) -> int:
    """Fewest integer bits (sign not counted, may be negative) with which `largest` saturates by at most half an LSB."""
    if largest <= 0:
        return 0
    levels = 2 ** (bits - signed)
    # `largest` still rounds to the top code, levels - 1, when it is below (levels - 0.5) LSB
    return ceil(log2(largest * levels / (levels - 0.5)))


def calibrate(config: Config, kernels: Mapping[str, float], biases: Mapping[str, float], activations: Mapping[str, float]) -> Calibration:
    """Choose all binary points.

    `kernels` gives the largest magnitude per layer, or the wanted scale of its ternary or binary weights; `biases` the
    largest magnitude, `activations` the magnitude per activation layer that must not saturate. Activations get no fewer
    than 0 integer bits (QKeras' quantized_relu knows no negative number), and one spare code of headroom comes from
    rounding up to a power of two. Biases lie on the grid of the products they are added to, as far as 16 bits reach: a
    finer grid would widen every accumulator. What addresses tables has no fractional bits, whatever its magnitude.
    """
    plan = firmware_plan(config)
    steps = weight_steps(plan)
    integers = {step.activation: _activation_integer(step, activations) for step in steps}
    fractions = _fractions(config, plan, integers)
    weights = {step.name: _weight_bits(step, kernels[step.name], biases.get(step.name, 0.0), fractions[step.sources[0]]) for step in steps}
    return Calibration(weights, integers)


def _activation_integer(step: WeightStep, activations: Mapping[str, float]) -> int:
    if isinstance(step, TableStep) and step.coded:
        return step.bits
    return max(integer_bits(activations[step.activation], step.bits, signed=not step.hidden), 0)


def _fractions(config: Config, plan: Plan, integers: Mapping[str, int]) -> dict[str, int]:
    """Fractional bits of every step's tensor; steps without weights do not change them."""
    fractions = {INPUTS: config.inputs.spec().network.fraction}
    for step in plan:
        if isinstance(step, WeightStep):
            fractions[step.name] = step.bits - integers[step.activation] - (0 if step.hidden else 1)
        else:
            fractions[step.name] = max(fractions[source] for source in step.sources)
    return fractions


def _weight_bits(step: WeightStep, kernel: float, bias: float, input_fraction: int) -> WeightBits:
    if step.weights == "fixed":
        bits, kernel_integer = step.weight_bits, integer_bits(kernel, step.weight_bits, signed=True)
    else:
        bits, kernel_integer = 1, round(log2(kernel)) if kernel > 0 else 0
    # the entry of a table is not multiplied by anything
    product_fraction = (0 if isinstance(step, TableStep) else input_fraction) + bits - 1 - kernel_integer
    bias_integer = max(integer_bits(bias, MAX_BIAS_BITS, signed=True), 0)
    return WeightBits(bits, kernel_integer, min(max(1 + bias_integer + product_fraction, 2), MAX_BIAS_BITS), bias_integer)
