"""What a run's designs need, as far as the latest stage that knows it says."""

from l1ae.comparison._result import Quantity
from l1ae.pipeline import Run, read_resources

__all__ = ["COSTS", "cost_of"]

COSTS = {
    "lut": "LUT",
    "ff": "FF",
    "dsp": "DSP",
    "bram": "BRAM, blocks of 36 kbit",
    "latency_ns": "latency [ns]",
    "latency_cycles": "latency [clock cycles]",
    "interval": "initiation interval (II)",
}
"""Quantities, and how they are written."""


def cost_of(run: Run) -> dict[str, dict[str, Quantity]]:
    """Figures by design and name. Reports that may be of another design are left out."""
    result: dict[str, dict[str, Quantity]] = {}
    for row in read_resources(run).rows:
        if row.doubts:
            continue
        amounts = {name: amount.used for name, amount in row.resources.items()}
        known = amounts | {"latency_ns": row.latency_ns, "latency_cycles": row.latency_cycles, "interval": row.interval}
        found = {name: Quantity(float(value), row.stage, row.tool) for name, value in known.items() if name in COSTS and value is not None}
        # rows come from the least to the most certain
        result[row.design] = result.get(row.design, {}) | found
    return result
