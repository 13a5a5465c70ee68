"""A graph of alkaid against the contract: every tensor, on random and corner vectors."""

import numpy as np

from l1ae.agreement import corner_vectors
from l1ae.rtl import trace_contract


def vectors(contract, count=500, seed=1):
    """Codes over the whole port of which a quarter is 0, codes near 0, and the corner vectors."""
    rng = np.random.default_rng(seed)
    hardware = contract.hardware
    codes = rng.integers(hardware.low, hardware.high + 1, (count, hardware.size))
    codes[rng.random(codes.shape) < 0.25] = 0
    near = np.clip(rng.integers(-8, 9, codes.shape), hardware.low, hardware.high)
    return np.concatenate([codes, near, corner_vectors(contract)])


def assert_exact(contract, adders="binary", hardware=None):
    """Trace a contract and compare; the graph."""
    graph = trace_contract(contract, adders)
    assert_same(contract, graph, vectors(contract) if hardware is None else hardware)
    return graph


def assert_same(contract, graph, hardware):
    """Every tensor of the graph is the contract's, in both evaluations that it has."""
    names = [part.name for part in graph.parts]
    found = graph.evaluate(hardware, names)
    expected, reference = contract.evaluate(hardware, names), contract.evaluate_reference(hardware, names)
    for name in names:
        lsb = contract[name].format.lsb
        np.testing.assert_array_equal(found[name] / lsb, expected[name], err_msg=f"{name} {contract[name].format}")
        np.testing.assert_array_equal(expected[name], reference[name], err_msg=name)
