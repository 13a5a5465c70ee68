"""How many physical LUTs a netlist needs at least when pairs of small LUTs share one LUT with two outputs: an estimate."""

import heapq
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from l1ae.synth._netlist import Netlist, lut_size

__all__ = ["packed_luts"]

_SHARED_INPUTS = 5
# A net with more readers than this links each reader to this many similar ones only, which keeps the time linear.
_NEIGHBOURS = 16


@dataclass(frozen=True)
class _Small:
    """A LUT of at most five inputs. `drives` is the bit it makes.

    `beside`: it drives an S input and so has its place beside a carry chain. `only`: the one bit whose LUT may share it (the
    DI input of the same position), where the second output of that place is taken by the carry chain; `None` for no limit.
    """

    inputs: frozenset[int]
    drives: int
    beside: bool
    only: int | None

    def fits(self, other: "_Small") -> bool:
        if self.beside and other.beside:
            return False
        if len(self.inputs | other.inputs) > _SHARED_INPUTS:
            return False
        return self.only in (None, other.drives) and other.only in (None, self.drives)


def packed_luts(netlist: Netlist) -> int:
    """LUTs after pairing, without LUTs used as memory or shift register: an estimate, made before placement.

    A LUT6_2 computes two functions of together at most five inputs (AMD UG574, chapter 2). Two LUTs are paired when they
    read a common net and at most five different ones in total. A LUT that drives the S input of a carry chain has its place
    beside it: two of them are never paired, and where the sum or the carry leaves the slice the output multiplexer is
    taken, so that only the LUT of the same DI input can share the place. The matching is the heuristic of Karp and Sipser
    (FOCS 1981: the node with the fewest partners left goes first, with its partner of fewest partners). A placer pairs
    fewer when pairing costs delay, so this is a lower bound for the netlist, not a prediction.
    """
    partners = _partners(_small_luts(netlist))
    total = sum(count for name, count in netlist.types.items() if lut_size(name))
    return total - _match(partners)


def _small_luts(netlist: Netlist) -> list[_Small]:
    places = _places(netlist)
    small = []
    for cell in netlist.cells:
        if lut_size(cell.type):
            nets = frozenset(bit for pin, bits in cell.pins.items() if pin != "O" for bit in bits if bit >= 0)
            drives = cell.pins["O"][0]
            if 0 < len(nets) <= _SHARED_INPUTS:
                small.append(_Small(nets, drives, drives in places, places.get(drives)))
    return small


def _places(netlist: Netlist) -> dict[int, int | None]:
    """For each bit on an S input: `None` if its place has an output left, otherwise the bit on the same DI input."""
    leaving = {bit for bits in netlist.outputs.values() for bit in bits}
    for cell in netlist.cells:
        if not cell.type.startswith("FD"):
            for pin, bits in cell.pins.items():
                if pin not in netlist.driving[cell.type] and pin != "CI":
                    leaving.update(bits)
    places: dict[int, int | None] = {}
    for cell in netlist.cells:
        if cell.type == "CARRY4":
            pins = cell.pins
            for select, data, total, carry in zip(pins["S"], pins["DI"], pins["O"], pins["CO"], strict=True):
                places[select] = data if total in leaving or carry in leaving else None
    return places


def _partners(small: list[_Small]) -> list[set[int]]:
    partners: list[set[int]] = [set() for _ in small]
    for one, other in _candidates([lut.inputs for lut in small]):
        if small[one].fits(small[other]):
            partners[one].add(other)
            partners[other].add(one)
    return partners


def _candidates(inputs: list[frozenset[int]]) -> Iterator[tuple[int, int]]:
    """Pairs of LUTs that read a common net; on large nets only those with similar inputs."""
    readers = defaultdict(list)
    for index, nets in enumerate(inputs):
        for net in nets:
            readers[net].append(index)
    for members in readers.values():
        if len(members) > _NEIGHBOURS:
            members.sort(key=lambda index: sorted(inputs[index]))
        for position, one in enumerate(members):
            for other in members[position + 1 : position + 1 + _NEIGHBOURS]:
                yield one, other


def _match(partners: list[set[int]]) -> int:
    """Number of pairs; empties `partners`."""
    queue = [(len(others), index) for index, others in enumerate(partners) if others]
    heapq.heapify(queue)
    pairs = 0
    while queue:
        degree, one = heapq.heappop(queue)
        if degree != len(partners[one]) or not degree:
            continue
        other = min(partners[one], key=lambda index: (len(partners[index]), index))
        pairs += 1
        for gone in (one, other):
            for neighbour in partners[gone]:
                partners[neighbour].discard(gone)
                if neighbour not in (one, other) and partners[neighbour]:
                    heapq.heappush(queue, (len(partners[neighbour]), neighbour))
            partners[gone] = set()
    return pairs
