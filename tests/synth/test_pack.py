import random
import time
from itertools import combinations

import pytest

from l1ae.synth import Cell, Netlist, packed_luts

LUT_PINS = {f"LUT{size}": frozenset({"O"}) for size in range(1, 7)}


def netlist(luts, carries=(), outputs=()):
    """LUTs as tuples of input bits; LUT number i drives bit 1000 + i."""
    cells = [
        Cell(f"l{i}", f"LUT{len(bits)}", {**{f"I{k}": (b,) for k, b in enumerate(bits)}, "O": (1000 + i,)}) for i, bits in enumerate(luts)
    ]
    cells += [Cell(f"c{i}", "CARRY4", pins) for i, pins in enumerate(carries)]
    driving = {**LUT_PINS, "CARRY4": frozenset({"O", "CO"})}
    return Netlist("top", tuple(cells), {}, {"out": tuple(outputs)}, {}, driving)


def largest_matching(luts):
    """Size of the largest set of disjoint pairs, by trying all: an independent answer for a few LUTs."""
    edges = [pair for pair in combinations(range(len(luts)), 2) if set(luts[pair[0]]) & set(luts[pair[1]])]
    edges = [(one, other) for one, other in edges if len(set(luts[one]) | set(luts[other])) <= 5]

    def best(rest, used):
        if not rest:
            return 0
        (one, other), tail = rest[0], rest[1:]
        skipped = best(tail, used)
        return skipped if used & {one, other} else max(skipped, 1 + best(tail, used | {one, other}))

    return best(edges, frozenset())


@pytest.mark.parametrize(
    ("luts", "packed"),
    [
        ([(1, 2, 3), (1, 2, 3)], 1),
        ([(1, 2, 3), (3, 4, 5)], 1),
        ([(1, 2, 3), (4, 5)], 2),
        ([(1, 2, 3, 4), (3, 4, 5, 6)], 2),
        ([(1, 2, 3, 4, 5, 6), (1, 2)], 2),
        ([(1, 2)] * 5, 3),
        ([], 0),
    ],
)
def test_known_pairs(luts, packed):
    assert packed_luts(netlist(luts)) == packed


@pytest.mark.parametrize("seed", range(20))
def test_pairs_are_as_many_as_the_largest_matching_of_small_netlists(seed):
    generator = random.Random(seed)
    luts = [tuple(generator.sample(range(9), generator.randint(2, 4))) for _ in range(7)]
    assert len(luts) - packed_luts(netlist(luts)) == largest_matching(luts)


def carry(select, data, total):
    return {"S": select, "DI": data, "O": total, "CO": (90, 91, 92, 93), "CI": (-1,), "CYINIT": (-1,)}


def test_luts_beside_a_carry_chain_are_not_paired_with_each_other():
    assert packed_luts(netlist([(1, 2), (1, 2)], [carry((1000, 1001, -1, -1), (-1,) * 4, (80, 81, 82, 83))])) == 2


def test_a_lut_beside_a_carry_chain_shares_only_where_an_output_is_left():
    chain = carry((1000, -1, -1, -1), (7, -1, -1, -1), (80, 81, 82, 83))
    assert packed_luts(netlist([(1, 2), (1, 2)], [chain])) == 1
    assert packed_luts(netlist([(1, 2), (1, 2)], [chain], outputs=(80,))) == 2
    beside = carry((1000, -1, -1, -1), (1001, -1, -1, -1), (80, 81, 82, 83))
    assert packed_luts(netlist([(1, 2), (1, 2)], [beside], outputs=(80,))) == 1


def test_twenty_thousand_luts_take_seconds():
    generator = random.Random(1)
    luts = [tuple(generator.sample(range(i // 2, i // 2 + 12), generator.randint(2, 5))) for i in range(20_000)]
    started = time.monotonic()
    packed = packed_luts(netlist(luts))
    assert time.monotonic() - started < 10
    assert 10_000 <= packed < 20_000
