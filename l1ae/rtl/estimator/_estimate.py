"""Cost of a contract in RTL in less than a second: additions, LUTs, flip-flops and cycles, with the errors that were measured.

Nothing is traced or synthesised. What can be counted from formats and weights is counted (`_shape`), a few constants
describe what the solver of the adder graphs, the scheduler and synthesis make of it. `benchmarks/rtl_estimator.py` fits them to
our own flow and measures the errors on networks that were not fitted to; they come with the package as `estimator.json`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from l1ae.contract import Contract, Convolution, Dense, Operation, Quantize, Relu
from l1ae.errors import UserError
from l1ae.rtl._delay import Delays
from l1ae.rtl._schedule import Clock
from l1ae.rtl._trace import Adders, rounding_constants
from l1ae.rtl._unroll import restructured
from l1ae.rtl.estimator._needed import needed_elements
from l1ae.rtl.estimator._operations import shape_of
from l1ae.rtl.estimator._pipeline import Registers, registers_of, whole_time
from l1ae.rtl.estimator._shape import PRICED, Laws, Products, Shape, Tensor, longest, products_of, rounds_products, tensor_of, tree
from l1ae.rtl_results import Estimated

__all__ = [
    "QUANTITIES",
    "VERSION",
    "Constants",
    "Counted",
    "Estimate",
    "LayerEstimate",
    "Mapped",
    "Prepared",
    "count",
    "estimate",
    "long_stages",
    "parse_constants",
    "prepare",
    "priced",
]

QUANTITIES = ("adders", "luts", "luts_packed", "flip_flops", "cycles")
# Changes with the meaning of the constants, so that the file of another version is refused.
VERSION = 2
# The slowest element of one operation seldom feeds the slowest of the next, and those of one level end at different times:
# cycles and registers are the mean over clocks up to so much slower.
_SLOWER = (1.0, 1.06, 1.12)
# Of the whole time of the logic, measured / estimated: what `l1ae.rtl.schedule` finds for 90 % of designs (docs/estimate.md).
_TIME = (0.89, 1.13)


@dataclass(frozen=True)
class LayerEstimate:
    """One operation of the contract: carry chains, LUTs as yosys counts them and after packing, and flip-flops."""

    name: str
    adders: float
    luts: float
    luts_packed: float
    flip_flops: float


@dataclass(frozen=True)
class Estimate:
    """The whole design, shell included. `adders`: carry chains; `luts`: before packing; `cycles`: latency of the core.

    `time` (ns): of the whole logic and the comparison with the threshold without a register between, as `schedule` charges long stages.
    `shift_registers` (one LUT each) hold what waits three clocks and longer; yosys counts them apart. `layers` add up to
    the values without the shell.
    """

    adders: Estimated
    luts: Estimated
    luts_packed: Estimated
    flip_flops: Estimated
    cycles: Estimated
    time: Estimated
    shift_registers: float
    layers: tuple[LayerEstimate, ...]


@dataclass(frozen=True)
class Mapped:
    """Prices of one way to map logic. `luts`, `luts_packed`: LUTs for each of `PRICED`, then those of the shell.

    `bands`: for each of `QUANTITIES` the ends of the range of measured / estimated.
    """

    luts: tuple[float, ...]
    luts_packed: tuple[float, ...]
    bands: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Constants:
    """Fitted constants. `flip_flops`: for each bit between stages, for each bit of the score, and the others of the shell.

    `mappings`: by how synthesis maps the logic (`Prepared.mapping`).
    """

    laws: Laws
    flip_flops: tuple[float, float, float]
    mappings: Mapping[str, Mapped]


@dataclass(frozen=True)
class Prepared:
    """What follows from the contract alone. `products`: matrix products whose additions are shared, by operation.

    `mapping`: "restructured" where synthesis may rewrite the logic, "as_written" where it may not.
    """

    mapping: str
    score_bits: int
    operations: tuple[Operation, ...]
    tensors: Mapping[str, Tensor]
    products: Mapping[str, tuple[Products, ...]]
    shapes: Mapping[str, Shape]

    def with_trees(self, laws: Laws) -> dict[str, Shape]:
        """The shape of every operation."""
        trees = {name: longest([tree(product, laws) for product in products]) for name, products in self.products.items()}
        return {name: trees[name] + shape if name in trees else shape for name, shape in self.shapes.items()}


@dataclass(frozen=True)
class Counted:
    """Shapes of all operations; cycles, not yet rounded, and bits between stages; bits of registers and shift registers by operation.

    `mapping`, `score_bits`: as in `Prepared`. `time`: of the whole logic in ns.
    """

    mapping: str
    score_bits: int
    shapes: Mapping[str, Shape]
    clock: Clock
    time: float
    cycles: float
    total_bits: float
    bits: Mapping[str, float]
    shifts: Mapping[str, float]

    @property
    def adders(self) -> float:
        """Carry chains of all operations."""
        return sum(shape.tree_additions + shape.additions for shape in self.shapes.values())


def estimate(contract: Contract, clock: Clock, adders: Adders = "binary") -> Estimate:
    """The cost of `unroll(contract, clock, part, adders)` on UltraScale+ without DSP blocks. With `clock.stages` it is cut into
    long stages, as many as it needs.

    Raises `UserError` for ternary adders, for operations that the estimator does not know, and when the clock is too fast
    for one addition.
    """
    if adders != "binary":
        raise UserError(f"the estimator is calibrated for binary adders, not for {adders} ones; run `l1ae synth`, which measures")
    constants = _constants()
    counted = count(prepare(contract), constants.laws, clock)
    return priced(counted, constants)


def prepare(contract: Contract) -> Prepared:
    """Count everything that no fitted constant is needed for."""
    operations = contract.operations[:-1]
    ranges = _ranges(contract)
    needed = needed_elements(operations, {name: tensor.varies for name, tensor in ranges.items()}, contract.score.name)
    tensors = {name: tensor.only(needed[name]) for name, tensor in ranges.items()}
    used_operations = [operation for operation in operations if needed[operation.name].any()]
    rounding = rounding_constants(contract)
    products, shapes = {}, {}
    for operation in used_operations[1:]:
        sources, output = [tensors[name] for name in operation.inputs], tensors[operation.name]
        rounded = operation.name in rounding or any(name in rounding for name in operation.inputs)
        shapes[operation.name] = shape_of(operation, sources, output, rounded)
        if isinstance(operation, Dense | Convolution) and not rounds_products(operation, sources[0]):
            products[operation.name] = tuple(products_of(operation, sources[0], output))
    mapping = "restructured" if restructured(contract) else "as_written"
    return Prepared(mapping, contract.score.format.width, tuple(used_operations), tensors, products, shapes)


def _ranges(contract: Contract) -> dict[str, Tensor]:
    """The proven ranges of all tensors. A cast to more fractional bits than its input has leaves the new ones 0."""
    ranges: dict[str, Tensor] = {}
    for operation in contract.operations[:-1]:
        found = tensor_of(contract.intervals[operation.name])
        if isinstance(operation, Quantize | Relu):
            found = found.coarser(ranges[operation.inputs[0]].fraction)
        ranges[operation.name] = found
    return ranges


def count(prepared: Prepared, laws: Laws, clock: Clock) -> Counted:
    """Apply the laws of the matrix products and schedule the result."""
    shapes = prepared.with_trees(laws)
    slower = _SLOWER if clock.stages is None else _SLOWER[:1]
    runs = [_schedule(prepared, shapes, replace(clock, period=clock.period * factor)) for factor in slower]
    bits = {name: float(np.mean([run.bits.get(name, 0.0) for run in runs])) for name in prepared.tensors}
    shifts = {name: float(np.mean([run.shifts.get(name, 0.0) for run in runs])) for name in prepared.tensors}
    cycles, total = (float(np.mean([getattr(run, name) for run in runs])) for name in ("cycles", "total"))
    time = whole_time(prepared.operations, shapes, prepared.tensors)
    return Counted(prepared.mapping, prepared.score_bits, shapes, clock, time, cycles, total, bits, shifts)


def _schedule(prepared: Prepared, shapes: Mapping[str, Shape], clock: Clock) -> Registers:
    return registers_of(prepared.operations, shapes, prepared.tensors, clock)


def _counts(shape: Shape) -> npt.NDArray[np.float64]:
    return np.array([getattr(shape, name) for name in PRICED])


def priced(counted: Counted, constants: Constants) -> Estimate:
    """The estimate: constants times counts."""
    per_bit, per_score_bit, others = constants.flip_flops
    mapped = constants.mappings[counted.mapping]
    layers = []
    for name, bits in counted.bits.items():
        shape = counted.shapes.get(name, Shape())
        luts, packed = (float(np.dot(prices[:-1], _counts(shape))) for prices in (mapped.luts, mapped.luts_packed))
        layers.append(LayerEstimate(name, shape.tree_additions + shape.additions, luts, packed, per_bit * bits))
    values = {
        "adders": counted.adders,
        "luts": mapped.luts[-1] + sum(layer.luts for layer in layers),
        "luts_packed": mapped.luts_packed[-1] + sum(layer.luts_packed for layer in layers),
        "flip_flops": per_score_bit * counted.score_bits + others + sum(layer.flip_flops for layer in layers),
        "cycles": float(round(counted.cycles)),
    }
    ranges = {name: Estimated(value, *(value * end for end in mapped.bands[name])) for name, value in values.items()}
    time = Estimated(counted.time, *(counted.time * end for end in _TIME))
    if counted.clock.stages is not None:
        ranges["cycles"] = long_stages(time, counted.clock)
    return Estimate(**ranges, time=time, shift_registers=sum(counted.shifts.values()), layers=tuple(layers))


def long_stages(time: Estimated, clock: Clock) -> Estimated:
    """Stages of what takes `time`; what is lost where it is cut is less than the range is wide."""
    budget = clock.budget(Delays())
    return Estimated(*(float(ceil(end / budget)) for end in (time.value, time.low, time.high)))


@cache
def _constants() -> Constants:
    content = json.loads((files("l1ae.rtl.estimator") / "estimator.json").read_text())
    return parse_constants(content)


def parse_constants(content: Mapping[str, Any]) -> Constants:
    """The constants in the content of `estimator.json`. Raises `UserError` for those of another version of the estimator."""
    if (content["version"], tuple(content["priced"])) != (VERSION, PRICED):
        raise UserError(
            f"the constants of the estimator are of version {content['version']}, not {VERSION}; make them with benchmarks/rtl_estimator.py"
        )
    laws = content["laws"]
    mappings = {
        name: Mapped(tuple(found["luts"]), tuple(found["luts_packed"]), {key: (low, high) for key, (low, high) in found["bands"].items()})
        for name, found in content["mappings"].items()
    }
    return Constants(
        Laws(tuple(laws["sharing"]), tuple(laws["width"]), laws["depth"], laws["live"]), tuple(content["flip_flops"]), mappings
    )
