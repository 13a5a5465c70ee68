"""What a configuration costs in RTL before anything is trained."""

import importlib
from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from types import ModuleType

from l1ae.config import CROSSING, Config
from l1ae.contract import Contract, Lookup
from l1ae.errors import UserError
from l1ae.hls import check_strategy
from l1ae.pipeline._models import source_contract, source_files, untrained_contract
from l1ae.rtl_results import Estimated, Forecast
from l1ae.training import with_derived_inputs

__all__ = ["forecast", "forecast_of", "scheduled"]

_ENDLESS = 1 << 20


def forecast(config: Config) -> Forecast:
    """What the RTL of a configuration will cost, from the model before any training; an imported one is what it is.

    Raises `UserError` where there is no such model (`untrained_contract`), and as `forecast_of`.
    """
    if config.model.source is not None:
        return forecast_of(config, source_contract(config, source_files(config)[0]))
    config = config if config.model.family.tabular else with_derived_inputs(config)
    return forecast_of(config, untrained_contract(config))


def forecast_of(config: Config, contract: Contract) -> Forecast:
    """What the RTL of a contract will cost. Raises `UserError` for folded layers, ternary adders, what the estimator does not know, and
    without the packages that RTL needs."""
    if config.rtl.interval > 1:
        raise UserError("the estimator knows unrolled designs only, and rtl.interval folds this one; run `l1ae rtl` and `l1ae synth`")
    rtl, period = _rtl(), config.rtl_clock_period
    clock = rtl.Clock(period, config.rtl.clock_uncertainty, config.rtl.crossings)
    found = rtl.estimate(contract, clock, config.rtl.adders)
    cycles = found.cycles
    return Forecast(
        luts_packed=found.luts_packed,
        flip_flops=found.flip_flops,
        cycles=cycles,
        latency_ns=Estimated(cycles.value * period, cycles.low * period, cycles.high * period),
        crossings=Estimated(*(float(ceil(end * period / CROSSING - 1e-6)) for end in (cycles.value, cycles.low, cycles.high))),
        weight_bits=_weight_bits(contract),
        problems=tuple(_problems(config, contract, cycles)),
    )


def scheduled(config: Config, contract: Contract) -> Forecast:
    """As `forecast_of`, with the latency of the traced and scheduled design in place of an estimated one: exact, in seconds."""
    found, rtl, period = forecast_of(config, contract), _rtl(), config.rtl_clock_period
    # as many stages as it needs, so that what is too slow says how much
    clock = rtl.Clock(period, config.rtl.clock_uncertainty, None if config.rtl.crossings is None else _ENDLESS)
    cycles = len(rtl.schedule(rtl.trace_contract(contract, config.rtl.adders), clock).stages)
    latency, begun = cycles * period, float(ceil(cycles * period / CROSSING - 1e-6))
    known = replace(
        found,
        cycles=Estimated(cycles, cycles, cycles),
        latency_ns=Estimated(latency, latency, latency),
        crossings=Estimated(begun, begun, begun),
    )
    return replace(known, problems=tuple(_problems(config, contract, known.cycles)))


def _rtl() -> ModuleType:
    """Raises `UserError` when what RTL needs is not installed."""
    try:
        return importlib.import_module("l1ae.rtl")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("l1ae"):
            raise
        raise UserError(f"the package '{error.name}' is not installed; RTL needs it: pip install 'l1ae[rtl]'") from error


def _weight_bits(contract: Contract) -> int:
    layers = sum(layer.weights.size * layer.weight_format.width + layer.bias.size * layer.bias_format.width for layer in contract.weighted)
    lookups = (operation for operation in contract.operations if isinstance(operation, Lookup))
    return int(layers + sum(operation.codes.size * operation.format.width for operation in lookups))


def _problems(config: Config, contract: Contract, cycles: Estimated) -> Iterator[str]:
    try:
        check_strategy(contract, config.hls)
    except UserError as error:
        yield str(error)
    allowed = config.rtl.crossings
    if allowed is not None and cycles.low > allowed:
        yield (
            f"the logic takes {cycles.low:.2g} to {cycles.high:.2g} stages of {CROSSING:g} ns, but rtl.crossings is {allowed}; "
            "allow more crossings, or make the network smaller"
        )
