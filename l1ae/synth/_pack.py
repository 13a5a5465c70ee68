"""How many physical LUTs a netlist needs at least when pairs of small LUTs share one LUT with two outputs: an estimate."""

import heapq
from collections import defaultdict
from collections.abc import Iterator

from l1ae.synth._netlist import Netlist, lut_size

__all__ = ["packed_luts"]

_SHARED_INPUTS = 5
# A net with more readers than this links each reader to this many similar ones only, which keeps the time linear.
_NEIGHBOURS = 16


def packed_luts(netlist: Netlist) -> int:
    """LUTs after pairing, without LUTs used as memory or shift register: an estimate, made before placement.

    A LUT6_2 computes two functions of together at most five inputs (AMD UG574, chapter 2). Two LUTs are paired when they
    read a common net and at most five different ones in total; two that both drive the S input of a carry chain are
    not, because each has its own place beside the chain. The matching is the heuristic of Karp and Sipser (FOCS 1981: the
    node with the fewest partners left goes first, with its partner of fewest partners), within a few per cent of the
    largest one. A placer pairs fewer when pairing costs delay, so this is a lower bound for the netlist, not a prediction.
    """
    inputs, on_carry = _small_luts(netlist)
    partners = _partners(inputs, on_carry)
    total = sum(count for name, count in netlist.types.items() if lut_size(name))
    return total - _match(partners)


def _small_luts(netlist: Netlist) -> tuple[list[frozenset[int]], list[bool]]:
    """Inputs of every LUT that can share, and whether it drives the S input of a carry chain."""
    selects = {bit for cell in netlist.cells if cell.type == "CARRY4" for bit in cell.pins["S"] if bit >= 0}
    inputs, on_carry = [], []
    for cell in netlist.cells:
        if lut_size(cell.type):
            nets = frozenset(bit for pin, bits in cell.pins.items() if pin != "O" for bit in bits if bit >= 0)
            if 0 < len(nets) <= _SHARED_INPUTS:
                inputs.append(nets)
                on_carry.append(cell.pins["O"][0] in selects)
    return inputs, on_carry


def _partners(inputs: list[frozenset[int]], on_carry: list[bool]) -> list[set[int]]:
    partners: list[set[int]] = [set() for _ in inputs]
    for one, other in _candidates(inputs):
        if not (on_carry[one] and on_carry[other]) and len(inputs[one] | inputs[other]) <= _SHARED_INPUTS:
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
