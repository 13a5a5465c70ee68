"""The operations of a density tree by hand: hardware codes, bins, tables of pairs, their sum as the score; no preprocessing."""

import numpy as np

from l1ae.contract import Binning, Contract, HardwareInput, Lookup, Quantize, Threshold
from l1ae.contract._builder import Builder
from l1ae.inputs import FixedFormat, Layout

from .tiny import tiny_layout

EDGES = 7
CODE = FixedFormat.parse("fixed<9,6>")


def tree_contract(layout: Layout | None = None, seed: int = 31, name: str = "tree") -> Contract:
    """`tree_v4`: EDGES random edges for each column that is there, a table of each and the one before it, one of three, and a constant."""
    rng, builder, layout = np.random.default_rng(seed), Builder(), layout or tiny_layout()
    low, high = layout.code_range
    port = FixedFormat.covering(int(low.min()), int(high.max()), 0)
    ends = {"low": np.full(layout.size, port.low), "high": np.full(layout.size, port.high)}
    builder.add(HardwareInput(name="hw", inputs=(), format=port, size=layout.size, **ends))
    columns = np.flatnonzero(high - low > EDGES)
    edges = tuple(tuple(sorted((rng.choice(high[k] - low[k], EDGES, replace=False) + low[k] + 1).tolist())) for k in columns)
    width = EDGES.bit_length()
    bins = {"format": FixedFormat(False, width, width), "size": len(columns), "index": columns, "edges": edges}
    builder.add(Binning(name="bins", inputs=("hw",), **bins))
    index = [(0,), *((k - 1, k) for k in range(1, len(columns))), (0, 1, 2), ()]
    tables = [rng.integers(CODE.low, CODE.high + 1, 1 << width * len(row)) for row in index]
    bits = [(width,) * len(row) for row in index]
    builder.add(Lookup.of_tables(tables, index, bits, name="pairs", inputs=("bins",), format=CODE, function="-log2 p"))
    builder.sum("total", "pairs")
    builder.add(Quantize(name="score", inputs=("total",), format=FixedFormat.parse("ufixed<14,10,TRN,SAT>"), size=1))
    builder.add(Threshold(name="trigger", inputs=("score",), format=FixedFormat(False, 1, 1), size=1, threshold=600))
    return Contract(f"{name}_v4", tuple(builder.operations), layout)
