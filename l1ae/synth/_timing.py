"""Static timing of a netlist before placement: a band from three assumptions about the wiring, with the critical paths."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from l1ae.errors import UserError
from l1ae.results import Positive, Real
from l1ae.synth._delays import SCENARIOS, delay_table
from l1ae.synth._graph import Arc, End, Graph, build_graph
from l1ae.synth._netlist import Netlist
from l1ae.synth._parts import Part

__all__ = ["STAGE", "CriticalPath", "PathKind", "PathStep", "TimingBand", "analyse_timing"]

STAGE = "pre-placement estimate"


class PathKind(StrEnum):
    """From where to where a path goes; registers are flip-flops, memories and DSP blocks with registers."""

    REGISTER_TO_REGISTER = "register to register"
    INPUT_TO_REGISTER = "input to register"
    REGISTER_TO_OUTPUT = "register to output"
    INPUT_TO_OUTPUT = "input to output"


_KINDS = {
    (True, True): PathKind.REGISTER_TO_REGISTER,
    (False, True): PathKind.INPUT_TO_REGISTER,
    (True, False): PathKind.REGISTER_TO_OUTPUT,
    (False, False): PathKind.INPUT_TO_OUTPUT,
}


@dataclass(frozen=True)
class PathStep:
    """One cell of a path: its type, the net that it drives, the layer, and ns.

    `wire` is the net in front of the cell, `logic` the cell (setup at the end), `arrival` the sum until here.
    """

    cell: str
    net: str
    layer: str | None
    wire: Positive
    logic: Real
    arrival: Real


@dataclass(frozen=True)
class CriticalPath:
    """The slowest path of one scenario; `ns` with clock-to-Q and setup, 0 and without steps where there is no path."""

    ns: Positive
    kind: PathKind | None
    steps: tuple[PathStep, ...]


@dataclass(frozen=True)
class TimingBand:
    """The slowest path under each assumption. `stage` says what it is, `source` where the logic delays come from.

    `untimed`: types of cells without known delays, through which no path was followed.
    """

    optimistic: CriticalPath
    typical: CriticalPath
    pessimistic: CriticalPath
    stage: str
    source: str
    untimed: tuple[str, ...]


def analyse_timing(
    netlist: Netlist,
    part: Part,
    *,
    kinds: Collection[PathKind] = tuple(PathKind),
    layer_of: Callable[[str], str | None] | None = None,
) -> TimingBand:
    """The slowest path of the chosen kinds for three assumptions about the wiring.

    Optimistic, typical and pessimistic: a net takes 150 ps; 350 + 80 log2(readers) ps; 650 + 100 log2(readers) ps
    (UltraScale+; on Series 7 300; 600 + 120 log2; 1000 + 150 log2), and the LUT pin is the fastest, the mean, the slowest.
    The net to an input port and the one behind an output port belong to the surrounding design: the first is charged, the
    second is not. Clock skew and uncertainty are not contained. `layer_of` names the layer of a public net; a net without
    a name takes the layer of the next named one behind it. Raises `UserError` for a combinational loop.
    """
    delays = delay_table(part)
    graph = build_graph(netlist, delays)
    order = _order(graph, netlist)
    naming = layer_of or (lambda _: None)
    paths = [_Search(graph, order, netlist, naming, scenario).slowest(kinds) for scenario in range(len(SCENARIOS))]
    return TimingBand(paths[0], paths[1], paths[2], STAGE, delays.source, tuple(sorted(graph.untimed)))


def _order(graph: Graph, netlist: Netlist) -> list[int]:
    """Combinational bits in an order in which every bit comes behind those that it depends on (Kahn 1962)."""
    waiting = {bit: sum(arc.source in graph.arcs for arc in arcs) for bit, arcs in graph.arcs.items()}
    following: dict[int, list[int]] = {}
    for bit, arcs in graph.arcs.items():
        for arc in arcs:
            following.setdefault(arc.source, []).append(bit)
    order = [bit for bit, count in waiting.items() if not count]
    for bit in order:
        for target in following.get(bit, ()):
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    if len(order) < len(waiting):
        names = [_name(netlist, bit) for bit, count in waiting.items() if count]
        named = next((name for name in names if name), "a net without name")
        raise UserError(f"module '{netlist.top}' has a combinational loop through or in front of {named}; break it with a register")
    return order


@dataclass(frozen=True)
class _Search:
    """The graph, its order and the names, for the search under one scenario."""

    graph: Graph
    order: list[int]
    netlist: Netlist
    layer_of: Callable[[str], str | None]
    scenario: int

    def slowest(self, kinds: Collection[PathKind]) -> CriticalPath:
        best = CriticalPath(0.0, None, ())
        for registered, starts in ((True, self.graph.registers), (False, self.graph.inputs)):
            wanted = [end for end in self.graph.ends if _KINDS[registered, end.register] in kinds]
            if not wanted:
                continue
            arrival, before = self._propagate(starts)
            for end in wanted:
                if end.arc.source in arrival and (time := arrival[end.arc.source] + self._cost(end.arc)) / 1000 > best.ns:
                    best = CriticalPath(time / 1000, _KINDS[registered, end.register], self._steps(end, arrival, before))
        return best

    def _cost(self, arc: Arc) -> float:
        return arc.logic[self.scenario] + arc.wire[self.scenario]

    def _propagate(self, starts: Mapping[int, float]) -> tuple[dict[int, float], dict[int, Arc]]:
        """Latest arrival in ps of every bit that a start reaches, and the arc that it came by."""
        arrival, before = dict(starts), {}
        for bit in self.order:
            for arc in self.graph.arcs[bit]:
                if (start := arrival.get(arc.source)) is not None:
                    time = start + self._cost(arc)
                    if time > arrival.get(bit, -1.0):
                        arrival[bit], before[bit] = time, arc
        return arrival, before

    def _steps(self, end: End, arrival: Mapping[int, float], before: Mapping[int, Arc]) -> tuple[PathStep, ...]:
        """The path from its start; walked backwards, so that a nameless net knows the layer behind it."""
        final = (arrival[end.arc.source] + self._cost(end.arc)) / 1000
        layer = self._layer(end.output)
        steps = [self._step(end.cell, end.output, end.arc, final, layer)]
        bit: int | None = end.arc.source
        while bit is not None:
            driver, arc = self.netlist.driver.get(bit), before.get(bit)
            layer = self._layer(bit) or layer
            steps.append(self._step(driver[0].type if driver else "input", bit, arc, arrival[bit] / 1000, layer))
            bit = arc.source if arc else None
        return tuple(reversed(steps))

    def _layer(self, bit: int | None) -> str | None:
        names = () if bit is None else self.netlist.names.get(bit, ())
        return next((found for name in names if (found := self.layer_of(name)) is not None), None)

    def _step(self, cell: str, bit: int | None, arc: Arc | None, arrival: float, layer: str | None) -> PathStep:
        net = "" if bit is None else _name(self.netlist, bit)
        if arc is None:
            return PathStep(cell, net, layer, 0.0, arrival, arrival)
        return PathStep(cell, net, layer, arc.wire[self.scenario] / 1000, arc.logic[self.scenario] / 1000, arrival)


def _name(netlist: Netlist, bit: int) -> str:
    return next(iter(netlist.names.get(bit, ())), "")
