"""What a configuration costs in RTL before anything is trained."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, exp, floor, hypot, log
from types import ModuleType
from typing import TYPE_CHECKING

from l1ae.config import CROSSING, Config
from l1ae.contract import Contract, Lookup
from l1ae.errors import UserError
from l1ae.extras import needs
from l1ae.hls import check_strategy
from l1ae.pipeline._models import drawn_contract, source_contract, source_files
from l1ae.rtl_results import Estimated, Forecast

if TYPE_CHECKING:
    from l1ae.rtl import Estimate, Pipeline

__all__ = ["doubts", "forecast", "forecast_of", "scheduled", "training_kind"]

_ENDLESS = 1 << 20
# Packed LUTs of a design that is traced in less than a second.
_TRACED = 5000

Band = tuple[float, float, float]


@dataclass(frozen=True)
class Change:
    """What training makes of a cost that was forecast: trained / drawn of the estimates, the least, a typical one and the largest.

    `time`: of the logic from end to end, in cycles or in ns.
    """

    luts: Band
    flip_flops: Band
    time: Band

    @staticmethod
    def of(found: Estimated, band: Band) -> Estimated:
        """The estimate after training: its own error and the change are independent."""
        least, typical, largest = band
        below = hypot(log(found.value / found.low), log(typical / least))
        above = hypot(log(found.high / found.value), log(largest / typical))
        return Estimated(found.value * typical, found.value * typical * exp(-below), found.value * typical * exp(above))


_NOTHING = Change((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0))

_CHANGES = {
    "networks": Change((0.60, 1.00, 1.30), (0.55, 1.00, 1.30), (0.90, 1.00, 1.10)),
    "linear networks": Change((0.70, 1.00, 1.30), (0.55, 0.90, 1.30), (0.75, 0.93, 1.10)),
    "learned widths": Change((0.08, 0.15, 1.10), (0.08, 0.15, 1.10), (0.60, 0.80, 1.05)),
    "penalised weights": Change((0.15, 0.30, 1.10), (0.15, 0.30, 1.10), (0.75, 0.90, 1.05)),
    "table networks": Change((0.60, 0.90, 1.15), (0.80, 1.05, 1.40), (0.85, 0.96, 1.06)),
    "tables": Change((0.80, 1.00, 1.25), (0.95, 1.00, 1.05), (0.84, 1.00, 1.08)),
}
"""By kind of training, from trained models: benchmarks/estimate_untrained.py measures them, docs/estimate.md has the numbers."""


def training_kind(config: Config) -> str:
    """What decides how far training takes a model from the one that was drawn."""
    family, training = config.model.family, config.training
    if family.tabular:
        return "tables"
    if training.learned_widths is not None:
        return "learned widths"
    if family.of_tables:
        return "table networks"
    if training.weight_decay > 0 or training.sparsity.l1 > 0:
        return "penalised weights"
    with needs("train"):
        from l1ae.training import is_linear
    return "linear networks" if is_linear(config) else "networks"


def forecast(config: Config) -> Forecast:
    """What the RTL of a configuration will cost, from a model about as training leaves it; an imported one is what it is.

    Values and ranges take up what training was found to change (docs/estimate.md). Raises `UserError` where there is no such model, and
    as `forecast_of`, `MissingExtraError` without the extra `train` for a configuration of a Keras model.
    """
    if config.model.source is not None:
        return forecast_of(config, source_contract(config, source_files(config)[0]))
    contract = drawn_contract(config)
    return _found(config, contract, _CHANGES[training_kind(config)])


def forecast_of(config: Config, contract: Contract) -> Forecast:
    """What the RTL of a contract will cost. Raises `UserError` for folded layers, ternary adders, and what the estimator does not know."""
    return _found(config, contract, _NOTHING)


def _found(config: Config, contract: Contract, change: Change) -> Forecast:
    """The cost of a contract that training will `change`."""
    if config.rtl.interval > 1:
        raise UserError("the estimator knows unrolled designs only, and rtl.interval folds this one; run `l1ae rtl` and `l1ae synth`")
    rtl, period = _rtl(), config.rtl_clock_period
    clock = rtl.Clock(period, config.rtl.clock_uncertainty, config.rtl.crossings)
    found = rtl.estimate(contract, clock, config.rtl.adders)
    cycles, flip_flops = _cycles(config, contract, found, change), change.of(found.flip_flops, change.flip_flops)
    latency, crossings = _in_time(cycles, period)
    return Forecast(
        luts_packed=change.of(found.luts_packed, change.luts),
        flip_flops=flip_flops if clock.stages is None else _registered(flip_flops, cycles),
        cycles=cycles,
        latency_ns=latency,
        crossings=crossings,
        weight_bits=_weight_bits(contract),
        inputs=contract.hardware.size,
        input_bits=contract.hardware.format.width,
        problems=tuple(_problems(config, contract, cycles)),
    )


def _in_time(cycles: Estimated, period: float) -> tuple[Estimated, Estimated]:
    """Clock cycles of `period` ns in ns, and in bunch crossings that have begun."""
    latency = [end * period for end in (cycles.value, cycles.low, cycles.high)]
    return Estimated(*latency), Estimated(*(float(ceil(end / CROSSING - 1e-6)) for end in latency))


def _registered(flip_flops: Estimated, cycles: Estimated) -> Estimated:
    """Flip-flops of a design of as many long stages as it may have: about as many more as there are more stages.

    Where there are several, a little more logic moves the cut to another layer, which is wide or narrow.
    """
    low, high = (end / cycles.value for end in (cycles.low, cycles.high))
    moved, widened = (0.5, 1.6) if cycles.high > 1 else (1.0, 1.0)
    return Estimated(flip_flops.value, flip_flops.low * min(low, 1.0) * moved, flip_flops.high * max(high, 1.0) * widened)


def _cycles(config: Config, contract: Contract, found: "Estimate", change: Change) -> Estimated:
    """Clock cycles of a contract that was estimated as `found`."""
    if config.rtl.crossings is None:
        return _whole(change.of(found.cycles, change.time))
    rtl = _rtl()
    clock = rtl.Clock(config.rtl_clock_period, config.rtl.clock_uncertainty, config.rtl.crossings)
    cycles: Estimated = rtl.long_stages(change.of(found.time, change.time), clock)
    if cycles.low < cycles.high and found.luts_packed.value < _TRACED:
        time = _traced(config, contract)
        cycles = rtl.long_stages(change.of(Estimated(time, time, time), change.time), clock)
    return cycles


def _traced(config: Config, contract: Contract) -> float:
    """The time of the logic from end to end in ns, from the design itself, where an estimate leaves open how many crossings it takes: with
    what every stage but the last leaves unused."""
    pipeline = _pipeline(config, contract)
    return float((len(pipeline.stages) - 1) * pipeline.clock.budget(_rtl().Delays()) + pipeline.stages[-1].delay)


def _pipeline(config: Config, contract: Contract) -> "Pipeline":
    """The traced design in as many stages as it needs, long ones where it is one of crossings: what is too slow says how much."""
    rtl = _rtl()
    clock = rtl.Clock(config.rtl_clock_period, config.rtl.clock_uncertainty, None if config.rtl.crossings is None else _ENDLESS)
    found: Pipeline = rtl.schedule(rtl.trace_contract(contract, config.rtl.adders), clock)
    return found


def _whole(cycles: Estimated) -> Estimated:
    """The whole numbers in a range, the nearest to its value at least."""
    value = float(round(cycles.value))
    return Estimated(value, min(float(ceil(cycles.low)), value), max(float(floor(cycles.high)), value))


def scheduled(config: Config, contract: Contract) -> Forecast:
    """As `forecast_of`, with the latency of the traced and scheduled design in place of an estimated one: exact, in seconds."""
    found, stages = forecast_of(config, contract), len(_pipeline(config, contract).stages)
    cycles = Estimated(stages, stages, stages)
    latency, crossings = _in_time(cycles, config.rtl_clock_period)
    problems = tuple(_problems(config, contract, cycles))
    return replace(found, cycles=cycles, latency_ns=latency, crossings=crossings, problems=problems)


def _rtl() -> ModuleType:
    """Imported when something is estimated."""
    return importlib.import_module("l1ae.rtl")


def _weight_bits(contract: Contract) -> int:
    layers = sum(layer.weights.size * layer.weight_format.width + layer.bias.size * layer.bias_format.width for layer in contract.weighted)
    lookups = (operation for operation in contract.operations if isinstance(operation, Lookup))
    return int(layers + sum(operation.codes.size * operation.format.width for operation in lookups))


def doubts(found: Forecast, config: Config) -> Iterator[str]:
    """What may turn out to be refused: more stages than there are crossings lie in the range of an estimate."""
    allowed, cycles = config.rtl.crossings, found.cycles
    if allowed is not None and cycles.low <= allowed < cycles.high:
        yield (
            f"refused when it is made: the logic takes {cycles.low:g} to {cycles.high:g} stages of {CROSSING:g} ns, most likely "
            f"{cycles.value:g}, and rtl.crossings is {allowed}; allow more crossings, or make the network smaller"
        )


def _problems(config: Config, contract: Contract, cycles: Estimated) -> Iterator[str]:
    try:
        check_strategy(contract, config.hls)
    except UserError as error:
        yield str(error)
    allowed = config.rtl.crossings
    if allowed is not None and cycles.low > allowed:
        stages = f"{cycles.low:g}" if cycles.low == cycles.high else f"{cycles.low:g} to {cycles.high:g}"
        yield (
            f"the logic takes {stages} stages of {CROSSING:g} ns, but rtl.crossings is {allowed}; "
            "allow more crossings, or make the network smaller"
        )
