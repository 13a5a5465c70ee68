"""What RTL is expected to cost before it is made, and what of it a budget does not allow."""

from dataclasses import dataclass
from math import inf

from l1ae.config import BudgetConfig
from l1ae.html import html_table

__all__ = ["Estimated", "Forecast", "beyond", "sentences"]


@dataclass(frozen=True)
class Estimated:
    """A value, and a range for the measured one: 90 % where enough designs were measured (docs/rtl_estimator.md says how many, and what
    share of those that were held back it held)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Forecast:
    """The cost of a design in RTL that takes an event per clock, shell included, without DSP blocks and block memory.

    `cycles`: latency in clock cycles, `latency_ns` the same in ns, `crossings` in bunch crossings of 25 ns that have begun. `weight_bits`:
    widths of all weights, biases and table entries in the contract, added up. `inputs`, `input_bits`: as of a `Design`.
    `problems`: what a tool would refuse, and why, a sentence each.
    """

    luts_packed: Estimated
    flip_flops: Estimated
    cycles: Estimated
    latency_ns: Estimated
    crossings: Estimated
    weight_bits: int
    inputs: int
    input_bits: int
    problems: tuple[str, ...]

    def _repr_html_(self) -> str:
        named = {"LUTs, packed": self.luts_packed, "flip-flops": self.flip_flops, "latency [cycles]": self.cycles}
        named |= {"latency [ns]": self.latency_ns, "latency [crossings]": self.crossings}
        rows = (
            (name, *(f"{end:,.4g}" if end < 1000 else f"{end:,.0f}" for end in (found.value, found.low, found.high)))
            for name, found in named.items()
        )
        return html_table(("estimate", "value", "low (90 %)", "high (90 %)"), rows, caption="; ".join(self.problems))


_QUANTITIES = {"lut": "luts_packed", "ff": "flip_flops", "latency_ns": "latency_ns", "latency_cycles": "cycles"}
"""The limits of a budget that a forecast says anything of; II is 1, and there are neither DSP blocks nor block memory."""


def beyond(found: Forecast, budget: BudgetConfig, *, sure: bool) -> dict[str, float]:
    """By limit of the budget that is broken: how much more is expected, relative to it; infinite beyond 0.

    With `sure`, of the low end of the range, so that what is broken is broken in all of it.
    """
    excess = {}
    for name, limit in _limits(budget).items():
        value = getattr(found, _QUANTITIES[name])
        expected = value.low if sure else value.value
        if expected > limit:
            excess[name] = expected / limit - 1 if limit else inf
    return excess


def sentences(found: Forecast, budget: BudgetConfig) -> tuple[str, ...]:
    """What is beyond the budget, surely or probably, one sentence for each limit."""
    said = []
    for name, limit in _limits(budget).items():
        value = getattr(found, _QUANTITIES[name])
        if value.low > limit:
            said.append(f"{name}: {value.low:,.0f} to {value.high:,.0f} (90 %) is beyond the budget of {limit:,g}")
        elif value.value > limit:
            said.append(
                f"{name}: {value.value:,.0f} ({value.low:,.0f} to {value.high:,.0f}, 90 %) is probably beyond the budget of {limit:,g}"
            )
    return tuple(said)


def _limits(budget: BudgetConfig) -> dict[str, float]:
    return {name: limit for name in _QUANTITIES if (limit := getattr(budget, name)) is not None}
