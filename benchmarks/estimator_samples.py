"""A design of the estimator's benchmark: what it was drawn with, what was measured, and what the estimator says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from estimator_deployed import Deployed
from estimator_networks import Network
from estimator_tables import Tabled

from l1ae.contract import Contract
from l1ae.rtl import Clock
from l1ae.rtl.estimator._estimate import QUANTITIES, Constants, Prepared, count, prepare, priced

__all__ = ["PART", "Drawn", "Sample", "left_out", "nominal", "predicted", "ratios", "sample"]

PART = "xcvu13p"
Drawn = Network | Deployed | Tabled


@dataclass(frozen=True)
class Sample:
    """A design with what was measured of it. `network`: what it was drawn with, None for a trained model.

    `values`: by quantity; LUTs and flip-flops only of a synthesised one. `slowest`: the slowest path in ns under each assumption.
    """

    name: str
    network: Drawn | None
    prepared: Prepared
    clock: Clock
    layers: Mapping[str, Sequence[int]]
    values: Mapping[str, float]
    slowest: Mapping[str, float]

    @property
    def held(self) -> bool:
        """Whether it only judges the bands."""
        return self.network is not None and self.network.held


def sample(name: str, network: Drawn | None, contract: Contract, record: Mapping[str, Any]) -> Sample:
    """A record beside what the estimator counts."""
    trace, resources = record["trace"], record.get("resources", {})
    values = {"adders": trace["adders"], "cycles": trace["cycles"]}
    values |= {quantity: resources[quantity] for quantity in ("luts", "luts_packed", "flip_flops") if resources}
    values["register_bits"] = trace["register_bits"]
    return Sample(name, network, prepare(contract), Clock(record["period"]), trace["layers"], values, record.get("slowest", {}))


def predicted(one: Sample, constants: Constants) -> dict[str, float]:
    """What the estimator says, by quantity."""
    result = priced(count(one.prepared, constants.laws, one.clock), constants)
    return {name: getattr(result, name).value for name in QUANTITIES}


def ratios(samples: Sequence[Sample], estimates: Mapping[str, Mapping[str, float]], quantity: str) -> list[float]:
    """Measured / estimated, where it was measured."""
    return [one.values[quantity] / estimates[one.name][quantity] for one in samples if quantity in one.values]


def left_out(count: int) -> int:
    """How many of `count` ratios, with the one that comes next, may lie beyond either end of a band; at least that one."""
    return max((count + 1) // 20, 1)


def nominal(count: int) -> float:
    """The probability that the next ratio lies in a band made of `count`."""
    return max(1 - 2 * left_out(count) / (count + 1), 0.0)
