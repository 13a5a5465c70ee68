"""What a contract costs in RTL, and what of it is beyond a budget."""

from dataclasses import dataclass
from pathlib import Path

from l1ae.config import CROSSING, BudgetConfig, Config
from l1ae.contract import Contract
from l1ae.evaluation import Estimate
from l1ae.pipeline._models import untrained_contract
from l1ae.pipeline._preprocessing import resolved
from l1ae.rtl import Clock, estimate
from l1ae.search._results import Cost

__all__ = ["cost_of", "excess", "forecast", "sentences"]


@dataclass
class _F:
    cost: Cost
    problems: tuple[str, ...]


def forecast(config: Config) -> _F:
    return _F(cost_of(config, untrained_contract(resolved(config, Path("/nonexistent")))), ())


def cost_of(config: Config, contract: Contract) -> Cost:
    """Estimated before tracing. Raises `UserError` for what the estimator does not know."""
    period = config.rtl_clock_period
    found = estimate(contract, Clock(period, config.rtl.clock_uncertainty), config.rtl.adders)
    lut, ff, cycles = (Estimate(item.value, item.low, item.high) for item in (found.luts_packed, found.flip_flops, found.cycles))
    if config.rtl.crossings:
        cycles = Estimate(1.0, 1.0, 1.0)
    latency = Estimate(cycles.value * period, cycles.low * period, cycles.high * period)
    crossings = Estimate(*(end / CROSSING for end in (latency.value, latency.low, latency.high)))
    return Cost(lut, ff, cycles, latency, crossings, 0)


def excess(cost, budget: BudgetConfig, *, sure: bool = False, every: bool = False) -> dict[str, float]:
    """By how much of each limit it is beyond a budget, below 0 where it is within; `sure`: at the low end of the band."""
    cost = getattr(cost, "cost", cost)
    parts = {"lut": cost.lut, "ff": cost.ff, "latency_ns": cost.latency_ns, "latency_cycles": cost.cycles}
    limits = {name: limit for name, limit in budget if limit is not None}
    found = {name: (parts[name].low if sure else parts[name].value) / limit - 1 for name, limit in limits.items()}
    return {name: value for name, value in found.items() if every or value > 1e-9}


def sentences(cost, budget: BudgetConfig) -> tuple[str, ...]:
    return tuple(f"{name} is {value:.0%} beyond" for name, value in excess(cost, budget, sure=True).items())
