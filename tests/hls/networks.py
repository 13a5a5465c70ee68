"""Contracts made by hand, with operations that no single model has together."""

import numpy as np

from l1ae.contract import Contract
from l1ae.contract._builder import Builder
from l1ae.contract._ops import (
    Binning,
    Concatenate,
    Convolution,
    Dense,
    Dot,
    Elementwise,
    Gather,
    HardwareInput,
    Lookup,
    Pool,
    Preprocess,
    Quantize,
    ReconstructionError,
    Relu,
    Sum,
    Table,
    Threshold,
)
from l1ae.inputs import FixedFormat

ROWS, COLUMNS = 6, 4


class Network(Builder):
    """A contract as it grows; an operation without a format gets the narrowest that holds its exact result at `fraction`."""

    def __init__(self, seed=3):
        super().__init__()
        self.rng = np.random.default_rng(seed)

    def __getitem__(self, name):
        return self.operation(name)

    def put(self, kind, name, *inputs, size, form=None, fraction=None, **values):
        def make(form):
            return kind(name=name, inputs=inputs, format=form, size=size, **values)

        if form is None:
            self.add_exact(make, fraction)
        else:
            self.add(make(FixedFormat.parse(form) if isinstance(form, str) else form))

    def inputs(self, size, shift, gate, work, form="fixed<10,5,RND_CONV,SAT>", present=None):
        port = FixedFormat.parse("fixed<10,10>")
        low, high = np.full(size, port.low), np.full(size, port.high)
        self.put(HardwareInput, "hw", size=size, form=port, low=low, high=high)
        values = {"offset": self.rng.integers(-40, 40, size), "shift": shift, "gate": gate, "work": FixedFormat.parse(work)}
        present = np.ones(size, bool) if present is None else present
        self.put(Preprocess, "inputs", "hw", size=size, form=form, present=present, **values)

    def weights(self, *shape, form="fixed<6,2>", density=0.8):
        form = FixedFormat.parse(form)
        codes = self.rng.integers(form.low, form.high + 1, shape) * (self.rng.random(shape) < density)
        bias_form = FixedFormat.parse("fixed<7,3>")
        bias = self.rng.integers(bias_form.low, bias_form.high + 1, shape[-1])
        return {"weights": codes, "bias": bias, "weight_format": form, "bias_format": bias_form}

    def dense(self, name, source, size, *, form=None, wraps=False):
        values = self.weights(self[source].size, size)
        fraction = self[source].format.fraction + values["weight_format"].fraction
        self.put(Dense, name, source, size=size, form=form, fraction=fraction, wraps=wraps, **values)

    def convolution(self, name, source, shape, kernel, filters, stride=(1, 1), *, form=None, wraps=False):
        values = self.weights(*kernel, shape[2], filters)
        rows, columns = ((shape[k] - kernel[k]) // stride[k] + 1 for k in range(2))
        fraction = self[source].format.fraction + values["weight_format"].fraction
        size = rows * columns * filters
        self.put(Convolution, name, source, size=size, form=form, fraction=fraction, shape=shape, stride=stride, wraps=wraps, **values)
        return rows, columns, filters

    def score(self, source, threshold):
        self.put(Quantize, "score", source, size=1, form="ufixed<18,14,TRN,SAT>")
        self.put(Threshold, "trigger", "score", size=1, form="ufixed<1,1>", threshold=threshold)

    def contract(self, project="everything_v1"):
        return Contract(project, tuple(self.operations))


def everything(*, exact_products=False):
    """Every operation in one contract.

    Preprocessing truncates and wraps within its work type, some slots are gated and some inputs absent, the windows of
    pooling overlap, a dense layer wraps, and unless `exact_products` it, a convolution and a dot product round every product and wrap.
    """
    b, size = Network(), ROWS * COLUMNS
    gate = np.where(np.arange(size) < 12, np.arange(size) // 3 * 3, -1)
    shift = np.tile([0, 1, 3, -1], ROWS)
    b.inputs(size, shift, gate, "fixed<11,9,RND,WRAP>", present=np.arange(size) % 7 != 4)
    padded = np.full((ROWS + 2, COLUMNS + 1), -1)
    padded[1:-1, :-1] = np.arange(size).reshape(ROWS, COLUMNS)
    b.put(Gather, "padded", "inputs", size=padded.size, form=b["inputs"].format, index=padded.ravel())
    narrow = None if exact_products else "fixed<9,6,RND_CONV,WRAP>"
    shape = b.convolution("conv", "padded", (ROWS + 2, COLUMNS + 1, 1), (3, 2), 3, (1, 2), form=narrow, wraps=not exact_products)
    b.put(Relu, "conv_relu", "conv", size=b["conv"].size, form="ufixed<7,4,RND,SAT>")
    shape = b.convolution("pointwise", "conv_relu", shape, (1, 1), 2)
    b.put(Quantize, "same", "pointwise", size=b["pointwise"].size, form=b["pointwise"].format)
    index = np.arange(b["same"].size).reshape(shape)
    windows = np.stack([index[0:-1].reshape(-1), index[1:].reshape(-1)], axis=1)
    for name in ("max", "sum"):
        b.put(Pool, f"pool_{name}", "same", size=len(windows), fraction=b["same"].format.fraction, windows=windows, function=name)
    b.put(Concatenate, "pooled", "pool_max", "pool_sum", size=2 * len(windows), form="fixed<9,6,TRN_ZERO,SAT_SYM>")
    b.dense("enc", "pooled", 5, form="fixed<12,5>" if exact_products else "fixed<10,7,TRN,WRAP>", wraps=True)
    b.put(Quantize, "latent", "enc", size=5, form="fixed<8,4,RND_INF,SAT>")
    b.dense("dec", "latent", size)
    b.put(Quantize, "out", "dec", size=size, form="fixed<9,5,RND_ZERO,SAT>")
    b.put(Elementwise, "skip", "out", "inputs", size=size, form="fixed<9,5,RND_MIN_INF,SAT>", function="add")
    b.put(Elementwise, "rest", "skip", "inputs", size=size, form="fixed<10,6>", function="subtract")
    b.put(Elementwise, "product", "rest", "out", size=size, form="fixed<12,7,TRN,SAT_ZERO>", function="multiply")
    b.put(Elementwise, "square", "latent", "latent", size=5, form="ufixed<10,6,RND,SAT>", function="multiply")
    _add_scores(b, size, exact_products)
    return b.contract()


def _add_scores(b, size, exact_products):
    wide, everywhere = FixedFormat.parse("fixed<12,7>"), {"present": np.ones(size, bool), "gate": np.full(size, -1)}
    gated = {"present": b["inputs"].present, "gate": b["inputs"].gate}
    b.put(ReconstructionError, "squared", "inputs", "out", "hw", size=1, fraction=10, power=2, difference=wide, **gated)
    b.put(ReconstructionError, "absolute", "rest", "out", size=1, fraction=5, power=1, difference=wide, **everywhere)
    narrow = None if exact_products else "fixed<11,9,RND,WRAP>"
    b.put(Dot, "overlap", "product", "rest", size=1, form=narrow, fraction=9, wraps=not exact_products)
    b.put(Dot, "norm", "latent", size=1, fraction=8)
    bits = np.arange(256)
    table = {"codes": (bits * 7 + 3) % 64, "function": "test", "max_error": 0.0}
    b.put(Table, "table", "latent", size=5, form="ufixed<6,3>", **table)
    b.put(Sum, "half", "table", "norm", size=1, fraction=9, halvings=1)
    b.put(Sum, "squares", "square", size=1, fraction=4)
    b.put(Sum, "all", "squared", "half", size=1, fraction=10)
    b.put(Sum, "more", "all", "squares", size=1, fraction=10)
    b.put(Concatenate, "parts", "more", "absolute", size=2, form="fixed<24,19>")
    b.put(Concatenate, "terms", "parts", "overlap", size=3, form="fixed<24,19>")
    b.put(Sum, "total", "terms", size=1, fraction=5)
    b.score("total", 40000)


def calorimeter():
    """A small student network on 18 x 14 regions: two convolutions and two dense layers."""
    b, size = Network(), 252
    b.inputs(size, np.full(size, 2), np.full(size, -1), "fixed<14,10>", form="ufixed<10,4,RND,SAT>")
    shape = b.convolution("conv0", "inputs", (18, 14, 1), (3, 3), 4)
    b.put(Relu, "relu0", "conv0", size=b["conv0"].size, form="ufixed<8,4,RND,SAT>")
    b.convolution("conv1", "relu0", shape, (3, 3), 4, (2, 2))
    b.put(Relu, "relu1", "conv1", size=b["conv1"].size, form="ufixed<8,4,RND,SAT>")
    b.dense("dense0", "relu1", 16)
    b.put(Relu, "relu2", "dense0", size=16, form="ufixed<8,4,RND,SAT>")
    b.dense("dense1", "relu2", 1)
    b.score("dense1", 100)
    return b.contract("calorimeter_v1")


class TableNetwork(Network):
    """With bins and tables, all of random content."""

    def port(self, size, form):
        form = FixedFormat.parse(form)
        low, high = np.full(size, form.low), np.full(size, form.high)
        self.put(HardwareInput, "hw", size=size, form=FixedFormat(form.signed, form.width, form.integer), low=low, high=high)

    def bins(self, name, source, index, most):
        """Up to `most` edges of each element at any codes of the source; the first element has none, the second those at the ends."""
        form = self[source].format
        some = [self.rng.integers(form.low, form.high + 1, self.rng.integers(1, most + 1)) for _ in index[2:]]
        edges = [(), (form.low, form.high), *(tuple(np.unique(codes).tolist()) for codes in some)]
        width = max(len(row) for row in edges).bit_length()
        self.put(Binning, name, source, size=len(index), form=f"ufixed<{width},{width}>", index=np.array(index), edges=tuple(edges))

    def lookup(self, name, source, index, bits, form):
        form = FixedFormat.parse(form)
        tables = [self.rng.integers(form.low, form.high + 1, 1 << sum(widths)) for widths in bits]
        values = {"name": name, "inputs": (source,), "format": form, "function": "noise"}
        self.add(Lookup.of_tables(tables, index, bits, **values))


def tables(port="fixed<9,9>", seed=11):
    """Bins and tables of none, one, two and three codes, on signed hardware codes, on bins and on sums of tables, without preprocessing."""
    b = TableNetwork(seed)
    b.port(6, port)
    b.bins("bins", "hw", [5, 0, 1, 2, 3, 4, 1], 7)
    index = [(), (2,), (3, 6), (1, 4, 2), (5, 3), (2,), (6, 5)]
    b.lookup("pairs", "bins", index, [(3,) * len(row) for row in index], "fixed<7,3>")
    b.lookup("direct", "hw", [(0,), (5, 0), (3, 1, 4)], [(9,), (2, 3), (1, 2, 2)], "fixed<6,3>")
    windows = np.array([[0, 1, 2], [3, 4, 5], [6, 1, 3]])
    b.put(Pool, "sums", "pairs", size=3, fraction=4, windows=windows, function="sum")
    b.put(Quantize, "hidden", "sums", size=3, form="fixed<5,3,RND_CONV,SAT>")
    b.lookup("second", "hidden", [(0, 1), (2,), (), (2, 0)], [(5, 5), (5,), (), (3, 2)], "ufixed<8,4>")
    b.bins("deep", "hidden", [0, 1, 2, 0], 5)
    b.lookup("third", "deep", [(2, 3)], [(2, 1)], "ufixed<5,4>")
    b.put(Sum, "first_part", "second", "direct", size=1, fraction=5, halvings=1)
    b.put(Sum, "total", "first_part", "third", size=1, fraction=5)
    b.score("total", 100000)
    return b.contract("tables_v1")
