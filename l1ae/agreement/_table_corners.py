"""Corner vectors for bins and tables: both sides of every edge, and every address that some input gives."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from l1ae.contract import Binning, Contract, Gather, Lookup, Operation, Table

__all__ = ["address_vectors", "codes_at_steps", "edge_vectors", "side_by_side"]

Codes = npt.NDArray[np.int64]

_DRAWN = 1 << 14
"""Vectors of a round; as many as most ports have codes."""

_ROUNDS = 8
"""Rounds that look for addresses, as long as they find some: an address of 12 bits is met 30 times on average."""


def codes_at_steps(contract: Contract) -> list[Codes]:
    """For each hardware input the codes beside and at each edge of its bins, and on either side of each step of its tables, rising."""
    low, high = contract.hardware.low, contract.hardware.high
    found: list[list[int]] = [[] for _ in low]
    for item in contract.operations:
        for element, codes in _steps(item):
            column = _inputs_read(contract, item.inputs[0])[element]
            if 0 <= column < len(found):
                found[column] += codes
    return [np.unique(np.clip(np.array(codes, np.int64), *ends)) for codes, *ends in zip(found, low, high, strict=True)]


def _steps(operation: Operation) -> Iterator[tuple[int, list[int]]]:
    """The elements of the input that an operation bins or looks up, each in a table of its own, with the codes around their steps."""
    if isinstance(operation, Table) and operation.bits:
        for element, starts in enumerate(operation.starts):
            yield element, [code + near for code in starts[1:] for near in (-1, 0)]
    if isinstance(operation, Binning):
        for element, edges in zip(operation.index.tolist(), operation.edges, strict=True):
            yield element, [edge + near for edge in edges for near in (-1, 0, 1)]


def _inputs_read(contract: Contract, name: str) -> list[int]:
    """The hardware input that each element of a tensor is; -1 where it is none, or one beyond them."""
    source = contract[name]
    if source in {contract.hardware, contract.event}:
        return list(range(source.size))
    if isinstance(source, Gather) and source.inputs == (contract.hardware.name,):
        return [int(k) for k in source.index]
    return [-1] * source.size


def side_by_side(steps: list[Codes], contract: Contract, rng: np.random.Generator) -> Codes:
    """All codes at steps, of all inputs at once in an order of their own: (the most of an input, size).

    An input with fewer repeats them, one with none takes any code.
    """
    low, high = contract.hardware.low, contract.hardware.high
    vectors = rng.integers(low, high + 1, (max(map(len, steps)), len(steps)))
    for column, codes in enumerate(steps):
        if len(codes):
            vectors[:, column] = np.resize(rng.permutation(codes), len(vectors))
    return vectors


def edge_vectors(contract: Contract, steps: list[Codes], rng: np.random.Generator) -> Codes:
    """For bins of something else than hardware codes: of many vectors those that come closest to each edge, on both sides."""
    binnings = [item for item in contract.operations if isinstance(item, Binning) and item.inputs != (contract.hardware.name,)]
    if not binnings:
        return np.empty((0, contract.hardware.size), np.int64)
    vectors = np.concatenate([_drawn(contract, steps, rng), _swept(contract, rng)])
    sources = contract.evaluate(vectors, sorted({item.inputs[0] for item in binnings}))
    kept = [
        event
        for item in binnings
        for column, edges in zip(item.index.tolist(), item.edges, strict=True)
        for event in _closest(sources[item.inputs[0]][:, column], np.array(edges, np.int64))
    ]
    return vectors[np.unique(np.array(kept, np.int64))]


def _closest(values: Codes, edges: Codes) -> Iterator[int]:
    """Events with the largest value below each edge, the smallest from it on, and the smallest beyond it, where there are any."""
    order = np.argsort(values, kind="stable")
    for offset, wanted in ((-1, edges), (0, edges), (0, edges + 1)):
        places = np.searchsorted(values[order], wanted) + offset
        yield from order[places[(places >= 0) & (places < len(order))]].tolist()


def address_vectors(contract: Contract, steps: list[Codes], rng: np.random.Generator) -> Codes:
    """Of random vectors the first at each address of each table that several codes address, as long as new ones turn up."""
    lookups = [item for item in contract.operations if isinstance(item, Lookup)]
    kept = [np.empty((0, contract.hardware.size), np.int64)]
    seen = [[np.zeros(len(table), np.bool_) for table in item.tables] for item in lookups]
    for _ in range(_ROUNDS if lookups else 0):
        vectors = _drawn(contract, steps, rng)
        sources = contract.evaluate(vectors, sorted({item.inputs[0] for item in lookups}))
        events = [_new(item, sources[item.inputs[0]], met) for item, met in zip(lookups, seen, strict=True)]
        kept.append(vectors[np.unique(np.concatenate(events))])
        if not len(kept[-1]):
            break
    return np.concatenate(kept)


def _new(lookup: Lookup, codes: Codes, seen: list[npt.NDArray[np.bool_]]) -> Codes:
    """First events at addresses that are not in `seen`, to which they are added."""
    events = []
    for address, met in zip(lookup.addresses(codes.T), seen, strict=True):
        first = np.full(len(met), -1, np.int64)
        first[address[::-1]] = np.arange(len(codes))[::-1]
        events.append(first[(first >= 0) & ~met])
        met[first >= 0] = True
    return np.concatenate(events)


def _drawn(contract: Contract, steps: list[Codes], rng: np.random.Generator) -> Codes:
    """Random codes, those of an input with steps mostly at them: all codes alike would nearly all lie in the widest bin."""
    low, high = contract.hardware.low, contract.hardware.high
    vectors = rng.integers(low, high + 1, (_DRAWN, len(steps)))
    for column, codes in enumerate(steps):
        if len(codes):
            chosen = np.flatnonzero(rng.random(_DRAWN) < 0.9)
            vectors[chosen, column] = rng.choice(codes, len(chosen))
    return vectors


def _swept(contract: Contract, rng: np.random.Generator) -> Codes:
    """Every input through its codes one after the other, from where it happens to begin."""
    low, span = contract.hardware.low, contract.hardware.high - contract.hardware.low + 1
    return low + (np.arange(_DRAWN)[:, None] + rng.integers(0, span)) % span
