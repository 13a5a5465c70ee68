"""The netlist that yosys writes as JSON, in a compact form: cells of AMD primitives that connect numbered bits."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

__all__ = ["Cell", "Netlist", "lut_size", "parse_netlist"]

_CONSTANTS = {"0": -1, "1": -2, "x": -3, "z": -3}


@dataclass(frozen=True, slots=True)
class Cell:
    """A primitive: its instance name, its type (`LUT6`, `CARRY4`, `FDRE`...) and the bits of each pin, lowest first.

    A bit is the number of a net; negative numbers are constants (-1: 0, -2: 1, -3: undefined). `parameters` are kept of DSP
    blocks only, as binary text.
    """

    name: str
    type: str
    pins: Mapping[str, tuple[int, ...]]
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Netlist:
    """A flat netlist. `inputs` and `outputs` are the ports; `names` the public names of each bit, `stage0.sum[3]`.

    `driving` gives the output pins of every cell type.
    """

    top: str
    cells: tuple[Cell, ...]
    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]
    names: Mapping[int, tuple[str, ...]]
    driving: Mapping[str, frozenset[str]]

    @cached_property
    def types(self) -> Counter[str]:
        """How many cells of each type."""
        return Counter(cell.type for cell in self.cells)

    @cached_property
    def driver(self) -> dict[int, tuple[Cell, str]]:
        """The cell and pin that drives each bit; ports and constants drive the others."""
        return {bit: (cell, pin) for cell in self.cells for pin in self.driving[cell.type] for bit in cell.pins.get(pin, ()) if bit >= 0}

    @cached_property
    def carry_chains(self) -> tuple[tuple[Cell, ...], ...]:
        """Maximal chains of CARRY4, each from its first block to its last, linked from CO[3] to CI."""
        following = {}
        for cell in self.cells:
            if cell.type == "CARRY4" and (link := self._before(cell)) and link.name not in following:
                following[link.name] = cell
        linked = {cell.name for cell in following.values()}
        chains = []
        for cell in self.cells:
            if cell.type == "CARRY4" and cell.name not in linked:
                chain = [cell]
                while successor := following.get(chain[-1].name):
                    chain.append(successor)
                chains.append(tuple(chain))
        return tuple(chains)

    def _before(self, cell: Cell) -> Cell | None:
        bit = cell.pins["CI"][0]
        driver = self.driver.get(bit)
        return driver[0] if driver and driver[0].type == "CARRY4" and driver[0].pins["CO"][3] == bit else None


def lut_size(cell_type: str) -> int:
    """Inputs of a LUT cell type, 0 for any other."""
    return int(cell_type[3]) if len(cell_type) == 4 and cell_type.startswith("LUT") else 0


def parse_netlist(text: str | bytes, top: str) -> Netlist:
    """The module `top` of yosys' JSON (`help write_json` in yosys gives the format)."""
    module = json.loads(text)["modules"][top]
    cells, driving = [], {}
    for name, content in module["cells"].items():
        if content["type"].startswith("$"):
            continue
        parameters = content["parameters"] if content["type"].startswith("DSP48") else {}
        cells.append(Cell(name, content["type"], {pin: _bits(bits) for pin, bits in content["connections"].items()}, parameters))
        if content["type"] not in driving:
            directions = content["port_directions"].items()
            driving[content["type"]] = frozenset(pin for pin, direction in directions if direction == "output")
    ports = {
        direction: {name: _bits(port["bits"]) for name, port in module["ports"].items() if port["direction"] == direction}
        for direction in ("input", "output")
    }
    return Netlist(top, tuple(cells), ports["input"], ports["output"], _names(module["netnames"]), driving)


def _bits(bits: list[int | str]) -> tuple[int, ...]:
    return tuple(_CONSTANTS[bit] if isinstance(bit, str) else bit for bit in bits)


def _names(nets: Mapping[str, Any]) -> dict[int, tuple[str, ...]]:
    """Public names of each bit; names that yosys invented say nothing to a reader."""
    names: dict[int, tuple[str, ...]] = {}
    for name, net in nets.items():
        if net["hide_name"]:
            continue
        offset, single = int(net.get("offset", 0)), len(net["bits"]) == 1
        for position, bit in enumerate(net["bits"]):
            if not isinstance(bit, str):
                label = name if single else f"{name}[{position + offset}]"
                names[bit] = (*names.get(bit, ()), label)
    return names
