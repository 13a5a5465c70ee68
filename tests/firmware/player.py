"""Drives all cases of one kind for a clock and reads what they show; runs inside the simulator."""

import json
import os
from pathlib import Path

from cases import BENCHES, join, split
from cocotb.triggers import Timer


class Player:
    """`step(name=value or list with one value per case)` is one clock: drive, read just before the rising edge, rise.

    Values that are not given are 0. The inputs change on the falling edge. What is read has no undefined bit, or `int` raises.
    """

    def __init__(self, dut, kind: str):
        self.dut, self.kind = dut, kind
        ports, self.number = BENCHES[kind]
        self.inputs = {name: (getattr(dut, f"{kind}_{name}"), bits) for name, (d, bits) in ports.items() if d == "in"}
        self.outputs = {name: (getattr(dut, f"{kind}_{name}"), bits) for name, (d, bits) in ports.items() if d == "out"}
        self.log = []

    async def step(self, **values) -> dict[str, list[int]]:
        self.dut.clk.value = 0
        for name, (handle, bits) in self.inputs.items():
            value = values.get(name, 0)
            handle.value = join(value if isinstance(value, list) else [value] * self.number, bits)
        await Timer(5, "ns")
        packed = {name: int(handle.value) for name, (handle, _) in self.outputs.items()}
        self.log.append(packed)
        self.dut.clk.value = 1
        await Timer(5, "ns")
        return {name: split(packed[name], bits, self.number) for name, (_, bits) in self.outputs.items()}

    def save(self) -> None:
        """What was read, clock by clock, for the comparison of the languages."""
        Path(os.environ["BENCH_LOG"], f"{self.kind}.json").write_text(json.dumps(self.log))
