"""The timing graph of a netlist: from every bit back to the bits that decide when it arrives, with the delays between."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from l1ae.synth._delays import DelayTable, Triple
from l1ae.synth._netlist import Cell, Netlist, lut_size

__all__ = ["Arc", "End", "Graph", "build_graph"]

_CLOCKS = ("C", "CLK", "WCLK", "CLKARDCLK", "CLKBWRCLK")
_CONTROLS = ("CE", "R", "S", "CLR", "PRE")


@dataclass(frozen=True, slots=True)
class Arc:
    """From bit `source`: delay of the cell, and delay of the wiring in front of it, in ps for each scenario."""

    source: int
    logic: Triple
    wire: Triple


@dataclass(frozen=True, slots=True)
class End:
    """Where a path ends: the last arc, the type of the cell, whether that is a register or an output port; its output bit."""

    arc: Arc
    cell: str
    register: bool
    output: int | None = None


@dataclass
class Graph:
    """`arcs`: into each combinational bit. `registers`, `inputs`: bits where paths start, with the time of arrival in ps.

    `untimed`: types of cells that no delay is known for; no path is followed through them.
    """

    arcs: dict[int, list[Arc]] = field(default_factory=dict)
    registers: dict[int, float] = field(default_factory=dict)
    inputs: dict[int, float] = field(default_factory=dict)
    ends: list[End] = field(default_factory=list)
    untimed: set[str] = field(default_factory=set)


def build_graph(netlist: Netlist, delays: DelayTable) -> Graph:
    """The graph of all cells; inverters cost nothing, because the cells that read them absorb them."""
    return _Builder(netlist, delays).graph


class _Builder:
    def __init__(self, netlist: Netlist, delays: DelayTable) -> None:
        self.netlist, self.delays, self.graph = netlist, delays, Graph()
        self.inverted = {cell.pins["O"][0]: cell.pins["I"][0] for cell in netlist.cells if cell.type == "INV"}
        self.readers: Counter[int] = Counter()
        self.stored: Counter[int] = Counter()
        self._count_readers()
        for chain in netlist.carry_chains:
            self._carry_chain(chain)
        for cell in netlist.cells:
            self._cell(cell)
        for bits in netlist.inputs.values():
            self.graph.inputs.update(dict.fromkeys(bits, 0.0))
        for bits in netlist.outputs.values():
            for bit in map(self._root, bits):
                if bit >= 0:
                    self.graph.ends.append(End(Arc(bit, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)), "output", False))

    def _root(self, bit: int) -> int:
        while bit in self.inverted:
            bit = self.inverted[bit]
        return bit

    def _count_readers(self) -> None:
        for cell in self.netlist.cells:
            for pin, bit in self._read(cell):
                if cell.type != "INV":
                    self.readers[bit] += 1
                    self.stored[bit] += pin == "D" and cell.type.startswith("FD")
        for bits in self.netlist.outputs.values():
            self.readers.update(self._root(bit) for bit in bits)

    def _read(self, cell: Cell) -> Iterator[tuple[str, int]]:
        """Input pins of a cell with their bits, without clocks and constants."""
        driving = self.netlist.driving[cell.type]
        for pin, bits in cell.pins.items():
            if pin not in driving and pin not in _CLOCKS:
                for bit in bits:
                    if bit >= 0:
                        yield pin, self._root(bit)

    def _kind(self, bit: int) -> str:
        """What drives a bit: LUT, CARRY, MUX or anything else."""
        driver = self.netlist.driver.get(bit)
        if driver is None:
            return "port"
        name = driver[0].type
        return "LUT" if lut_size(name) else "CARRY" if name == "CARRY4" else "MUX" if name.startswith("MUXF") else name

    def _wire(self, bit: int) -> Triple:
        table, spread = self.delays, math.log2(max(self.readers[bit], 1))
        leave = table.leave.get(self._kind(bit), 0.0)
        one, two, three = (leave + base + slope * spread for base, slope in zip(table.net_base, table.net_fanout, strict=True))
        return one, two, three

    def _add(self, target: int, source: int, logic: float | Triple, *, wired: bool = True) -> None:
        triple = logic if isinstance(logic, tuple) else (logic, logic, logic)
        wire = self._wire(source) if wired else (0.0, 0.0, 0.0)
        self.graph.arcs.setdefault(target, []).append(Arc(source, triple, wire))

    def _end(self, bit: int, cell: Cell, delay: float, *, wired: bool = True) -> None:
        wire = self._wire(bit) if wired else (0.0, 0.0, 0.0)
        output = next(iter(cell.pins.get("Q", ())), None)
        self.graph.ends.append(End(Arc(bit, (delay, delay, delay), wire), cell.type, True, output))

    def _cell(self, cell: Cell) -> None:
        name = cell.type
        if lut_size(name):
            for _, bit in self._read(cell):
                self._add(cell.pins["O"][0], bit, self.delays.lut[lut_size(name)])
        elif name.startswith("MUXF"):
            self._mux(cell)
        elif name.startswith("FD"):
            self._flip_flop(cell)
        elif name.startswith("SRL") or (name.startswith("RAM") and not name.startswith("RAMB")):
            self._distributed_memory(cell)
        elif name.startswith("RAMB"):
            self._registered(cell, self.delays.block_clock_to_q, self.delays.block_setup)
        elif name.startswith("DSP48"):
            self._dsp(cell)
        elif name not in ("CARRY4", "INV", "GND", "VCC"):
            self.graph.untimed.add(name)
            self._registered(cell, 0.0, 0.0)

    def _mux(self, cell: Cell) -> None:
        for pin, bit in self._read(cell):
            delay = self.delays.mux_select if pin == "S" else self.delays.mux_data
            self._add(cell.pins["O"][0], bit, delay, wired=self._kind(bit) not in ("LUT", "MUX") or pin == "S")

    def _flip_flop(self, cell: Cell) -> None:
        table = self.delays
        self.graph.registers[cell.pins["Q"][0]] = table.clock_to_q
        for pin, bit in self._read(cell):
            if pin in _CONTROLS:
                self._end(bit, cell, table.control_setup)
            elif self.stored[bit] == 1 and (direct := table.direct.get(self._kind(bit))) is not None:
                self._end(bit, cell, direct + table.setup, wired=False)
            else:
                self._end(bit, cell, table.bypass + table.setup)

    def _registered(self, cell: Cell, clock_to_q: float, setup: float) -> None:
        """A cell whose paths all end at its inputs and start at its outputs."""
        for pin in self.netlist.driving[cell.type]:
            self.graph.registers.update((bit, clock_to_q) for bit in cell.pins.get(pin, ()) if bit >= 0)
        for _, bit in self._read(cell):
            self._end(bit, cell, setup)

    def _distributed_memory(self, cell: Cell) -> None:
        """Written at the clock, read through the address without one, as through a LUT of six inputs."""
        self._registered(cell, self.delays.memory_clock_to_q, self.delays.memory_setup)
        for pin, bit in self._read(cell):
            if pin.startswith(("A", "DPRA")):
                for output in self.netlist.driving[cell.type]:
                    for target in cell.pins.get(output, ()):
                        self._add(target, bit, self.delays.lut[6])

    def _dsp(self, cell: Cell) -> None:
        """Multiplier and adder as two halves, with the registers that the cell is configured to use."""
        half, setup, clock_to_q = self.delays.dsp_half, self.delays.block_setup, self.delays.clock_to_q
        behind_a, behind_m, behind_p = (int(cell.parameters.get(name, "0"), 2) for name in ("AREG", "MREG", "PREG"))
        targets = [bit for pin in self.netlist.driving[cell.type] for bit in cell.pins.get(pin, ()) if self.readers[bit]]
        if behind_a or behind_m or behind_p:
            starts = clock_to_q + (0.0 if behind_p else half if behind_m else 2 * half)
            self.graph.registers.update(dict.fromkeys(targets, starts))
        for bit in {bit for _, bit in self._read(cell)}:
            if behind_a or behind_m or behind_p:
                self._end(bit, cell, setup + (0.0 if behind_a else half if behind_m else 2 * half))
            else:
                for target in targets:
                    self._add(target, bit, 2 * half)

    def _carry_chain(self, chain: tuple[Cell, ...]) -> None:
        """UltraScale has carry blocks of eight bits: two CARRY4 of a chain are one of them."""
        width = self.delays.carry_bits // 4
        for first in range(0, len(chain), width):
            self._carry_block(chain[first : first + width], linked=first > 0)

    def _carry_block(self, block: tuple[Cell, ...], *, linked: bool) -> None:
        table = self.delays
        select, data, sums, carries = (tuple(bit for cell in block for bit in cell.pins[pin]) for pin in ("S", "DI", "O", "CO"))
        targets = [(bit, "O", position) for position, bit in enumerate(sums) if self.readers[bit]]
        targets += [(bit, "CO", position) for position, bit in enumerate(carries) if self.readers[bit]]
        for target, pin, position in targets:
            for index in range(position + 1):
                self._from_select(target, select[index], (table.carry_s_o if pin == "O" else table.carry_s_co)[index][position - index])
                if pin == "CO" or index < position:
                    rows, offset = (table.carry_di_co, position - index) if pin == "CO" else (table.carry_di_o, position - index - 1)
                    self._from_fabric(target, data[index], rows[index][offset])
            enter, init = block[0].pins["CI"][0], block[0].pins["CYINIT"][0]
            if linked:
                delay = (table.carry_ci_o if pin == "O" else table.carry_ci_co)[position]
                self._add(target, enter, table.link + delay, wired=False)
            for bit in (init,) if linked else (enter, init):
                self._from_fabric(target, bit, (table.carry_init_o if pin == "O" else table.carry_init_co)[position])

    def _from_fabric(self, target: int, bit: int, delay: float) -> None:
        if bit >= 0:
            self._add(target, self._root(bit), delay)

    def _from_select(self, target: int, bit: int, delay: float) -> None:
        """S is wired to the LUT beside it; any other driver passes through that LUT."""
        if bit < 0:
            return
        if self._kind(bit) == "LUT":
            self._add(target, bit, self.delays.select + delay, wired=False)
        else:
            fast, mean, slow = self.delays.lut[1]
            extra = self.delays.select + delay
            self._add(target, self._root(bit), (fast + extra, mean + extra, slow + extra))
