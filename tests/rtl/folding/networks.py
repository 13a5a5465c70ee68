"""Contracts with random weights that are small enough to simulate: a dense autoencoder, and convolutions on an image."""

from dataclasses import dataclass

import numpy as np

from l1ae.contract import (
    Contract,
    Convolution,
    Dense,
    Dot,
    Gather,
    HardwareInput,
    Pool,
    Preprocess,
    Quantize,
    ReconstructionError,
    Relu,
    Threshold,
)
from l1ae.inputs import FixedFormat

parse = FixedFormat.parse
WEIGHT, BIAS = parse("fixed<6,1>"), parse("fixed<9,2>")
# Wide enough for every sum below.
ACCUMULATOR = parse("fixed<24,12>")


class Chain:
    """Operations one after the other; `last` is the name of the last tensor."""

    def __init__(self, inputs: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        low, high = np.full(inputs, -64), np.full(inputs, 63)
        self.operations = [HardwareInput(name="hw", inputs=(), format=parse("fixed<7,7>"), size=inputs, low=low, high=high)]
        every = np.arange(inputs)
        self.gates = {"present": every != 3, "gate": np.where(every == 1, 0, -1)}
        self._preprocess(every)

    def _preprocess(self, every):
        values = {"offset": every % 3 - 1, "shift": 3 + every % 2, "work": parse("fixed<13,9>")}
        self._add(Preprocess, "inputs", "fixed<7,4,RND_CONV,SAT>", len(every), **values, **self.gates)

    @property
    def last(self):
        return self.operations[-1].name

    @property
    def size(self):
        return self.operations[-1].size

    def _add(self, kind, name, form, size, **values):
        values.setdefault("inputs", (self.last,))
        self.operations.append(kind(name=name, format=form if isinstance(form, FixedFormat) else parse(form), size=size, **values))

    def _weights(self, shape):
        return {
            "weights": self.rng.integers(-32, 32, shape),
            "bias": self.rng.integers(-256, 256, shape[-1]),
            "weight_format": WEIGHT,
            "bias_format": BIAS,
        }

    def dense(self, name, outputs, cast, **options):
        self._add(Dense, name, ACCUMULATOR, outputs, **(self._weights((self.size, outputs)) | options))
        kind = Relu if cast.startswith("u") else Quantize
        self._add(kind, f"{name}_q", cast, outputs)

    def convolution(self, name, shape, kernel, filters, stride=(1, 1)):
        rows, columns = ((shape[k] - kernel[k]) // stride[k] + 1 for k in (0, 1))
        weights = self._weights((*kernel, shape[2], filters))
        self._add(Convolution, name, ACCUMULATOR, rows * columns * filters, shape=shape, stride=stride, **weights)
        self._add(Relu, f"{name}_q", "ufixed<5,2,RND,SAT>", rows * columns * filters)
        return rows, columns, filters

    def gather(self, name, index):
        self._add(Gather, name, self.operations[-1].format, index.size, index=index.ravel())

    def pool_rows(self, name, shape):
        elements = np.arange(np.prod(shape)).reshape(shape)
        windows = np.stack([elements[0 : shape[0] // 2 * 2 : 2], elements[1::2]], axis=-1).reshape(-1, 2)
        self._add(Pool, name, "ufixed<6,3>", len(windows), windows=windows, function="sum")
        return shape[0] // 2, *shape[1:]

    def reconstruction(self):
        form = parse("fixed<9,5>")
        self._add(
            ReconstructionError, "error", "ufixed<14,10>", 1, inputs=("inputs", self.last, "hw"), power=1, difference=form, **self.gates
        )
        return self._scored()

    def squares(self):
        self._add(Dot, "squares", "ufixed<24,16>", 1)
        return self._scored()

    def _scored(self):
        self._add(Quantize, "score", "ufixed<12,8,TRN,SAT>", 1)
        self._add(Threshold, "trigger", "ufixed<1,1>", 1, threshold=300)
        return Contract("net_v1", tuple(self.operations))


def dense_contract(inputs=7, hidden=(6, 4), seed=1, **options):
    """inputs-hidden-inputs, scored by the sum of absolute errors."""
    chain = Chain(inputs, seed)
    for k, nodes in enumerate(hidden):
        chain.dense(f"layer{k}", nodes, "ufixed<6,2,RND,SAT>", **options)
    chain.dense("out", inputs, "fixed<8,4,RND_CONV,SAT>", **options)
    return chain.reconstruction()


@dataclass(frozen=True)
class Image:
    """Convolution on an image with zeros around it or not, rows added in pairs or not, perhaps a second one on doubled rows."""

    rows: int = 6
    columns: int = 3
    filters: int = 2
    stride: tuple[int, int] = (1, 1)
    padded: bool = True
    pooled: bool = False
    doubled: bool = False


def image_contract(image=Image(), seed=2):
    """`image`, then a dense layer of three nodes, scored by the sum of their squares."""
    chain = Chain(image.rows * image.columns, seed)
    shape = (image.rows, image.columns, 1)
    if image.padded:
        shape = _padded(chain, "padded", shape, 1)
    shape = chain.convolution("conv", shape, (3, 3), image.filters, image.stride)
    if image.pooled:
        shape = chain.pool_rows("pool", shape)
    if image.doubled:
        shape = chain.convolution("again", _padded(chain, "doubled", shape, 2), (3, 3), 2)
    chain.dense("latent", 3, "fixed<7,4,RND,SAT>")
    return chain.squares()


def _padded(chain, name, shape, times):
    """Every row `times` times, and zeros all around."""
    elements = np.arange(np.prod(shape)).reshape(shape).repeat(times, axis=0)
    index = np.pad(elements, ((1, 1), (1, 1), (0, 0)), constant_values=-1)
    chain.gather(name, index)
    return index.shape
