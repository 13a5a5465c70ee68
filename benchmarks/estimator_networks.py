"""Networks with drawn sizes, widths, sparsity and scores, as contracts: what the RTL estimator is fitted to and measured on."""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt

from l1ae.contract import Contract, Convolution, Dense, Operation, Quantize, Relu, patches
from l1ae.contract._builder import Builder, add_inputs
from l1ae.contract._scores import add_score
from l1ae.inputs import FixedFormat, Overflow, Rounding

__all__ = ["Network", "contract_of", "dense_network", "networks"]

_PERIODS = (2.78, 4.0, 5.0, 6.25)
_SCORES = ("squared_error", "absolute_error", "latent_error", "mu2", "kl", "rz", "output")
_EVENTS = 2000
_BIAS = 0.1


@dataclass(frozen=True)
class Network:
    """What a network is drawn with. `widths`: of the dense layers up to the latent space; the decoder mirrors them.

    `filters` above 0 puts a convolution of 3 x 3 before them. `luts`: the size that was aimed at, 0 for none in particular;
    `synthesised`: whether synthesis measures it, or only its adder graph and pipeline count. `plain`: the inputs arrive in the
    network's format. `held`: for judging the bands only.
    """

    name: str
    seed: int
    objects: int
    input_bits: int
    widths: tuple[int, ...]
    filters: int
    activation_bits: int
    weight_bits: int
    sparsity: float
    rounding: str
    gated: bool
    score: str
    period: float
    luts: float
    synthesised: bool
    plain: bool = False
    held: bool = False

    @property
    def shape(self) -> str:
        """Inputs and layers of the encoder."""
        return f"{3 * self.objects}-{'-'.join(map(str, self.widths))}" + (f", conv {self.filters}" if self.filters else "")

    @property
    def bits(self) -> str:
        """Of inputs, activations and weights, and how many weights are 0."""
        pruned = f", {self.sparsity:.0%} 0" if self.sparsity else ""
        return f"{self.input_bits}/{self.activation_bits}/{self.weight_bits}{pruned}"


def networks() -> list[Network]:
    """All networks, always the same: dense ones, convolutional ones, and larger ones that are only traced.

    Every second one up to 4,500 LUTs and two larger ones are synthesised, of which every third is held back.
    """
    rng = np.random.default_rng(57)
    dense = [(f"d{k:02}", target) for k, target in enumerate([*np.geomspace(250, 4000, 54), *np.geomspace(5000, 16000, 6)])]
    convolutional = [(f"c{k:02}", target) for k, target in enumerate(np.geomspace(900, 4000, 8))]
    traced = [(f"t{k:02}", target) for k, target in enumerate(np.geomspace(400, 40000, 40))]
    drawn = [_drawn(rng, name, float(target)) for name, target in [*dense, *convolutional, *traced]]
    small = sorted((network for network in drawn if network.synthesised and network.luts < 4500), key=lambda network: network.luts)
    chosen = [network.name for network in small[::2]] + ["d54_v1", "d57_v1"]
    return [replace(network, synthesised=network.name in chosen, held=network.name in chosen[1::3]) for network in drawn]


def dense_network(name: str, widths: tuple[int, ...], score: str, weight_bits: int, sparsity: float) -> Network:
    """57 inputs, inputs and activations of 8 bits, 5 ns: what published figures are compared with."""
    return Network(
        name=name,
        seed=1,
        objects=19,
        input_bits=8,
        widths=widths,
        filters=0,
        activation_bits=8,
        weight_bits=weight_bits,
        sparsity=sparsity,
        rounding="RND_CONV",
        gated=False,
        score=score,
        period=5.0,
        luts=0.0,
        synthesised=False,
        plain=True,
    )


def _drawn(rng: np.random.Generator, name: str, target: float) -> Network:
    """Score, sparsity and widths first; then draw a shape until the crude size is close to the target."""
    traced, conv = name.startswith("t"), name.startswith("c") or (name.startswith("t") and rng.random() < 0.15)
    chosen = {
        "seed": int(rng.integers(1 << 31)),
        "input_bits": int(rng.integers(5, 13)),
        "activation_bits": int(rng.integers(3, 11)),
        "weight_bits": int(rng.integers(3, 11)),
        "sparsity": float(rng.choice([0, 0, 0.25, 0.5, 0.6, 0.75, 0.9])),
        "rounding": str(rng.choice(["RND_CONV", "RND_CONV", "RND_CONV", "RND", "TRN"])),
        "gated": bool(rng.random() < 0.7),
        "score": str(rng.choice(_SCORES)),
        "period": float(rng.choice(_PERIODS)),
    }
    for attempt in range(5000):
        depth, first = int(rng.integers(1, 4)), int(rng.integers(4, 33))
        network = Network(
            name=f"{name}_v1",
            objects=int(rng.integers(3 if conv else 2, 20)),
            widths=(*(max(first >> k, 2) for k in range(depth - 1)), int(rng.integers(2, 7))),
            filters=int(rng.integers(2, 7)) if conv else 0,
            luts=target,
            synthesised=not traced,
            **chosen,
        )
        if abs(np.log(_crude_luts(network) / target)) < 0.15 + attempt / 1000:
            return network
    raise AssertionError(name)


def _weight_shapes(network: Network) -> list[tuple[int, int, int]]:
    """(inputs, outputs, copies) of every layer with weights."""
    inputs, shapes = 3 * network.objects, []
    if network.filters:
        shapes.append((9, network.filters, (network.objects - 2)))
        inputs = (network.objects - 2) * network.filters
    chain = [inputs, *network.widths]
    shapes += [(a, b, 1) for a, b in pairwise(chain)]
    if network.score in ("kl", "rz"):
        shapes.append((chain[-2], chain[-1], 1))
    if network.score == "output":
        shapes.append((chain[-1], 1, 1))
    if network.score in ("squared_error", "absolute_error"):
        back = [*network.widths[::-1], 3 * network.objects]
        shapes += [(a, b, 1) for a, b in pairwise(back)]
    if network.score == "latent_error":
        shapes += [(chain[-1], max(chain[-1] // 2, 2), 1), (max(chain[-1] // 2, 2), chain[-1], 1)]
    return shapes


def _crude_luts(network: Network) -> float:
    """Good to a factor of two: it only spreads the sizes."""
    weights = sum(a * b * copies for a, b, copies in _weight_shapes(network)) * (1 - network.sparsity)
    error = {"squared_error": network.input_bits**2 / 2, "absolute_error": network.input_bits}.get(network.score, 0)
    per_input = error + 2 * network.input_bits + 10
    return weights * network.weight_bits * (network.activation_bits + network.weight_bits) / 9 + 3 * network.objects * per_input


@dataclass
class _Drawing:
    """A contract under construction: values of each tensor on random events choose the next binary points."""

    network: Network
    rng: np.random.Generator
    builder: Builder = field(default_factory=Builder)
    values: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)

    @property
    def rounding(self) -> Rounding:
        return Rounding(self.network.rounding)

    def weights(self, shape: tuple[int, ...]) -> tuple[npt.NDArray[np.int64], FixedFormat]:
        """He-normal codes of full width, of which the smallest are set to 0."""
        real = self.rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)
        integer = int(np.ceil(np.log2(np.abs(real).max()))) + 1
        form = FixedFormat(True, self.network.weight_bits, integer, Rounding.RND, Overflow.SAT)
        codes = form.quantize(real)
        pruned = np.argsort(np.abs(real), axis=None)[: int(self.network.sparsity * real.size)]
        codes.reshape(-1)[pruned] = 0
        if not codes.any():
            codes.reshape(-1)[np.argmax(np.abs(real))] = 1
        return codes, FixedFormat(True, form.width, form.integer)

    def _linear(self, name: str, source: str, shape: tuple[int, ...], image: tuple[int, int, int] | None = None) -> str:
        kernel, form = self.weights(shape)
        bias_form = FixedFormat(True, self.network.weight_bits, 1, Rounding.RND, Overflow.SAT)
        bias = bias_form.quantize(self.rng.normal(0, _BIAS, shape[-1]))
        fraction = max(self.builder.format_of(source).fraction + form.fraction, bias_form.fraction)

        def make(accumulator: FixedFormat) -> Operation:
            common = {"name": name, "inputs": (source,), "format": accumulator, "weights": kernel, "bias": bias}
            common |= {"weight_format": form, "bias_format": FixedFormat(True, bias_form.width, 1)}
            if image is None:
                return Dense(size=shape[-1], **common)
            size = (image[0] - shape[0] + 1) * (image[1] - shape[1] + 1) * shape[-1]
            return Convolution(size=size, stride=(1, 1), shape=image, **common)

        added = self.builder.add_exact(make, fraction)
        operation = self.builder.operations[-1]
        x, real = self.values[source], kernel.reshape(-1, shape[-1]) * form.lsb
        taken = x[:, patches(operation)] if isinstance(operation, Convolution) else x[:, None]
        self.values[added] = (taken @ real + bias * bias_form.lsb).reshape(len(x), -1)
        return added

    def dense(self, name: str, source: str, size: int) -> str:
        """A dense layer."""
        return self._linear(name, source, (self.builder.size_of(source), size))

    def convolution(self, name: str, source: str, shape: tuple[int, int, int], filters: int) -> str:
        """A convolution of 3 x 3."""
        return self._linear(name, source, (3, 3, shape[2], filters), shape)

    def activation(self, name: str, source: str, kind: type[Relu] | type[Quantize], bits: int) -> str:
        """A cast whose range holds nearly all values."""
        signed, values = kind is Quantize, self.values[source]
        largest = max(float(np.quantile(np.abs(values) if signed else np.maximum(values, 0), 0.999)), 2.0**-6)
        integer = int(np.ceil(np.log2(largest))) + signed
        form = FixedFormat(signed, bits, integer, self.rounding, Overflow.SAT)
        added = self.builder.add(kind(name=name, inputs=(source,), format=form, size=self.builder.size_of(source)))
        self.values[added] = form.quantize(values) * form.lsb if signed else form.quantize(np.maximum(values, 0)) * form.lsb
        return added


def contract_of(network: Network) -> Contract:
    """The contract; equal networks give equal bytes."""
    drawing = _Drawing(network, np.random.default_rng(network.seed))
    _inputs(drawing)
    outputs = _layers(drawing)
    builder = drawing.builder
    table = FixedFormat(False, min(network.activation_bits + 8, 18), 8, Rounding.RND_CONV, Overflow.SAT)
    model = SimpleNamespace(score=network.score, table_type=table, score_type=FixedFormat(False, 18, 12, Rounding.TRN, Overflow.SAT))
    add_score(builder, SimpleNamespace(model=model), outputs)
    return Contract(network.name, tuple(builder.operations))


def _inputs(drawing: _Drawing) -> None:
    """Objects of a magnitude and two angles, as the hardware sends them; an object of magnitude 0 is empty."""
    network, rng, size = drawing.network, drawing.rng, 3 * drawing.network.objects
    if network.plain:
        _plain_inputs(drawing, size)
        return
    low, high = np.tile([0, -200, 0], network.objects), np.tile([511, 199, 143], network.objects)
    bits = network.input_bits
    gate = np.repeat(np.arange(0, size, 3), 3) if network.gated else np.full(size, -1)
    spec = SimpleNamespace(
        size=size,
        port=SimpleNamespace(size=size, code_range=(low, high)),
        added=None,
        network=FixedFormat(True, bits, max(bits // 2, 2), Rounding.RND_CONV, Overflow.SAT),
        offset=np.tile(rng.integers(0, 20, 3), network.objects),
        shift=np.tile(rng.integers(3, 7, 3), network.objects),
        present=np.ones(size, np.bool_),
        gate=gate,
        counted_gate=gate,
        tables={},
        tabled=np.zeros(size, np.bool_),
    )
    add_inputs(drawing.builder, spec)
    codes = np.clip(rng.normal(0, [60, 80, 60] * network.objects, (_EVENTS, size)), low, high).astype(np.int64)
    drawing.values["inputs"] = spec.network.cast(codes - spec.offset, spec.shift) * spec.network.lsb


def _plain_inputs(drawing: _Drawing, size: int) -> None:
    form = FixedFormat(True, drawing.network.input_bits, max(drawing.network.input_bits // 2, 2), Rounding.RND_CONV, Overflow.SAT)
    spec = SimpleNamespace(
        size=size,
        port=SimpleNamespace(size=size, code_range=(np.full(size, form.low), np.full(size, form.high))),
        added=None,
        network=form,
        offset=np.zeros(size, np.int64),
        shift=np.full(size, form.fraction),
        present=np.ones(size, np.bool_),
        gate=np.full(size, -1),
        counted_gate=np.full(size, -1),
        tables={},
        tabled=np.zeros(size, np.bool_),
    )
    add_inputs(drawing.builder, spec)
    codes = np.clip(drawing.rng.normal(0, form.high / 3, (_EVENTS, size)), form.low, form.high).astype(np.int64)
    drawing.values["inputs"] = codes * form.lsb


def _layers(drawing: _Drawing) -> list[str]:
    """The network's outputs, as its score takes them."""
    network, bits = drawing.network, drawing.network.activation_bits
    source = "inputs"
    if network.filters:
        source = drawing.convolution("conv0", source, (network.objects, 3, 1), network.filters)
        source = drawing.activation("conv0_relu", source, Relu, bits)
    for k, width in enumerate(network.widths[:-1]):
        source = drawing.activation(f"enc{k}_relu", drawing.dense(f"enc{k}", source, width), Relu, bits)
    latent = drawing.activation("latent_q", drawing.dense("latent", source, network.widths[-1]), Quantize, bits)
    if network.score in ("kl", "rz"):
        spread = drawing.dense("log_var", source, network.widths[-1])
        return [latent, drawing.activation("log_var_q", spread, Quantize, min(bits, 9))]
    if network.score == "mu2":
        return [latent]
    if network.score == "output":
        return [drawing.dense("student", latent, 1)]
    return _decoder(drawing, latent)


def _decoder(drawing: _Drawing, latent: str) -> list[str]:
    network, bits, source = drawing.network, drawing.network.activation_bits, latent
    inside = network.score == "latent_error"
    widths = [max(network.widths[-1] // 2, 2)] if inside else network.widths[-2::-1]
    for k, width in enumerate(widths):
        source = drawing.activation(f"dec{k}_relu", drawing.dense(f"dec{k}", source, width), Relu, bits)
    size = drawing.builder.size_of(latent if inside else "inputs")
    source = drawing.dense("out", source, size)
    out = drawing.activation("out_q", source, Quantize, bits if inside else network.input_bits)
    return [latent, out] if inside else [out]
