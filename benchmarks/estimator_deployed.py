"""Networks with the number formats that triggers deploy: wide inputs, kernels of few bits, accumulators that truncate and may wrap.

What `l1ae.contract.import_description` makes of a description of hls4ml types, with weights from a fixed seed: every dense layer has an
accumulator of its own, a result type, and a ReLU with a third type.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from l1ae.contract import Contract, Dense, Dot, Elementwise, HardwareInput, Preprocess, Quantize, ReconstructionError, Relu, Threshold
from l1ae.contract._builder import Builder, difference_format
from l1ae.inputs import FixedFormat, Overflow, Rounding

__all__ = ["Deployed", "deployed_contract", "deployed_networks"]

_PERIODS = (2.78, 4.0, 5.0, 5.0, 6.25, 25.0)
_SCORES = ("mu2", "mu2", "distance", "output", "absolute_error", "squared_error")


@dataclass(frozen=True)
class Deployed:
    """What a network is drawn with. `widths`: of all dense layers; `dropped`: bits of the products below the accumulators' LSB.

    `narrow`: bits that the accumulators lack to hold every sum, so that they may wrap; `result_bits`, `hidden_bits`: of what leaves an
    accumulator and a ReLU; `plain`: the inputs arrive in the network's format. `luts`: the size that was aimed at; `held`: for judging
    the bands only.
    """

    name: str
    seed: int
    inputs: int
    input_bits: int
    input_integer: int
    widths: tuple[int, ...]
    weight_bits: int
    spread: float
    dropped: int
    narrow: int
    result_bits: int
    hidden_bits: int
    saturates: bool
    plain: bool
    score: str
    period: float
    luts: float
    held: bool
    synthesised: bool = True

    @property
    def shape(self) -> str:
        """Inputs and layers."""
        return "-".join(map(str, (self.inputs, *self.widths)))

    @property
    def bits(self) -> str:
        """Of inputs, hidden activations and weights; of the products that are dropped, and that the accumulators lack."""
        more = (f", −{self.dropped}" if self.dropped else "") + (f", wraps {self.narrow}" if self.narrow else "")
        return f"{self.input_bits}/{self.hidden_bits}/{self.weight_bits}{more}"


def deployed_networks(count: int = 42) -> list[Deployed]:
    """All networks, always the same: every third is held back."""
    rng = np.random.default_rng(2306)
    targets = np.geomspace(200, 4500, count)
    return [replace(_drawn(rng, f"p{k:02}_v1", float(target)), held=k % 3 == 1) for k, target in enumerate(targets)]


def _drawn(rng: np.random.Generator, name: str, target: float) -> Deployed:
    """Formats first; then draw a shape until the crude size is close to the target."""
    chosen = {
        "seed": int(rng.integers(1 << 31)),
        "input_bits": int(rng.integers(8, 19)),
        "input_integer": int(rng.integers(4, 8)),
        "weight_bits": int(rng.choice([2, 3, 4, 4, 5, 5, 5, 6, 8])),
        "spread": float(rng.choice([0.15, 0.25, 0.35])),
        "dropped": int(rng.choice([0, 0, 1, 1, 2, 4])),
        "narrow": int(rng.choice([0, 0, 0, 0, 1, 2])),
        "result_bits": int(rng.integers(12, 21)),
        "hidden_bits": int(rng.integers(6, 13)),
        "saturates": bool(rng.random() < 0.75),
        "plain": bool(rng.random() < 0.3),
        "score": str(rng.choice(_SCORES)),
        "period": float(rng.choice(_PERIODS)),
    }
    for attempt in range(5000):
        inputs, depth, first = 3 * int(rng.integers(2, 20)), int(rng.integers(1, 4)), int(rng.integers(4, 33))
        widths = (*(max(first >> k, 2) for k in range(depth - 1)), int(rng.integers(2, 9)))
        found = Deployed(name=name, inputs=inputs, widths=widths, luts=target, held=False, **chosen)
        if abs(np.log(_crude_luts(found) / target)) < 0.15 + attempt / 1000:
            return found
    raise AssertionError(name)


def _chain(network: Deployed) -> tuple[int, ...]:
    """Sizes of all tensors with weights between them."""
    chain = (network.inputs, *network.widths)
    if network.score == "output":
        return (*chain, 1)
    if network.score == "distance":
        return (*chain, max(chain[-1] // 2, 2), chain[-1])
    if network.score in ("absolute_error", "squared_error"):
        return (*chain, *chain[-2::-1])
    return chain


def _crude_luts(network: Deployed) -> float:
    """Good to a factor of two: it only spreads the sizes."""
    weights = sum(a * b for a, b in pairwise(_chain(network)))
    error = {"squared_error": network.input_bits**2 / 2, "absolute_error": network.input_bits}.get(network.score, 0.0)
    return weights * network.weight_bits * (network.hidden_bits + 6) / 12 + network.inputs * (error + 2 * network.input_bits)


@dataclass
class _Drawing:
    """A contract under construction."""

    network: Deployed
    rng: np.random.Generator
    builder: Builder = field(default_factory=Builder)

    @property
    def overflow(self) -> Overflow:
        return Overflow.SAT if self.network.saturates else Overflow.WRAP

    def dense(self, name: str, source: str, size: int, *, integer: int) -> str:
        """Accumulator and result type: `integer` bits of it in front of the binary point."""
        network, bits = self.network, self.network.weight_bits
        count = self.builder.size_of(source)
        kernel_form, bias_form = FixedFormat(True, bits, 1), FixedFormat(True, bits + 3, 4)
        end = 1 << (bits - 1)
        kernel = self.rng.normal(0, max(2 * network.spread * end / np.sqrt(count / 8 + 1), 0.4), (count, size)).round().clip(-end, end - 1)
        kernel[self.rng.integers(0, count, size), np.arange(size)] = 1
        bias = self.rng.integers(-end, end + 1, size).clip(bias_form.low, bias_form.high)
        fraction = max(self.builder.format_of(source).fraction + kernel_form.fraction - network.dropped, bias_form.fraction)
        make = {
            "name": name,
            "inputs": (source,),
            "size": size,
            "weights": kernel.astype(np.int64),
            "bias": bias.astype(np.int64),
            "weight_format": kernel_form,
            "bias_format": bias_form,
        }
        draft = Builder()
        draft.operations, draft._intervals = list(self.builder.operations), dict(self.builder._intervals)
        draft.add_exact(lambda form: Dense(format=form, **make), fraction)
        form = draft.format_of(name)
        if network.narrow and form.width - network.narrow > 4:
            form = FixedFormat(form.signed, form.width - network.narrow, form.integer - network.narrow)
        self.builder.add(Dense(format=form, wraps=network.narrow > 0, **make))
        result = FixedFormat(True, network.result_bits, integer + 3)
        return self.builder.add(Quantize(name=f"{name}_result", inputs=(name,), format=result, size=size))

    def relu(self, name: str, source: str) -> str:
        """A ReLU with a type of its own."""
        rounding = Rounding.RND_CONV if self.network.saturates else Rounding.TRN
        form = FixedFormat(False, self.network.hidden_bits, 6, rounding, self.overflow)
        return self.builder.add(Relu(name=name, inputs=(source,), format=form, size=self.builder.size_of(source)))

    def features(self, name: str, source: str) -> str:
        """What is compared, or squared: fewer bits than a result."""
        form = FixedFormat(True, self.network.hidden_bits + 1, 6, Rounding.RND_CONV, Overflow.SAT)
        return self.builder.add(Quantize(name=name, inputs=(source,), format=form, size=self.builder.size_of(source)))


def deployed_contract(network: Deployed) -> Contract:
    """The contract; equal networks give equal bytes."""
    drawing = _Drawing(network, np.random.default_rng(network.seed))
    _inputs(drawing)
    source, chain, latent = "inputs", _chain(network), len(network.widths) - 1
    kept = ""
    for k, size in enumerate(chain[1:]):
        source = drawing.dense(f"dense{k}", source, size, integer=5)
        last = k == len(chain) - 2
        if k == latent and network.score != "output":
            source = kept = drawing.features("latent", source)
        elif not last:
            source = drawing.relu(f"relu{k}", source)
    _score(drawing, source, kept)
    return Contract(network.name, tuple(drawing.builder.operations))


def _inputs(drawing: _Drawing) -> None:
    network, builder, rng = drawing.network, drawing.builder, drawing.rng
    size, form = network.inputs, FixedFormat(True, network.input_bits, network.input_integer, Rounding.RND_CONV, Overflow.SAT)
    if network.plain:
        words = FixedFormat(True, form.width, form.integer)
        low, high = np.full(size, words.low, np.int64), np.full(size, words.high, np.int64)
        builder.add(HardwareInput(name="inputs", inputs=(), format=words, size=size, low=low, high=high))
        return
    port = FixedFormat(True, 13, 13)
    low, high = np.full(size, port.low, np.int64), np.full(size, port.high, np.int64)
    builder.add(HardwareInput(name="hw", inputs=(), format=port, size=size, low=low, high=high))
    prepared = Preprocess(
        name="inputs",
        inputs=("hw",),
        format=form,
        size=size,
        offset=np.where(rng.random(size) < 0.4, rng.choice([72, 144, 288], size), 0).astype(np.int64),
        shift=rng.integers(2, 8, size),
        present=np.ones(size, np.bool_),
        gate=np.full(size, -1),
        work=FixedFormat(True, 13 + 1 + 5, 13 + 1),
    )
    builder.add(prepared)


def _score(drawing: _Drawing, output: str, latent: str) -> None:
    builder, network = drawing.builder, drawing.network
    match network.score:
        case "output":
            exact = output
        case "mu2":
            exact = _dot(drawing, latent)
        case "distance":
            found = drawing.features("found", output)
            a, b = builder.format_of(latent), builder.format_of(found)
            difference = Elementwise(
                name="difference",
                inputs=(latent, found),
                format=difference_format(a, b),
                size=builder.size_of(latent),
                function="subtract",
            )
            exact = _dot(drawing, builder.add(difference))
        case kind:
            exact = _error(drawing, drawing.features("found", output), 1 if kind == "absolute_error" else 2)
    score = builder.add(Quantize(name="score", inputs=(exact,), format=FixedFormat(False, 18, 14, overflow=Overflow.SAT), size=1))
    builder.add(Threshold(name="trigger", inputs=(score,), format=FixedFormat(False, 1, 1), size=1, threshold=4000))


def _dot(drawing: _Drawing, source: str) -> str:
    fraction = 2 * drawing.builder.format_of(source).fraction
    return drawing.builder.add_exact(lambda form: Dot(name="distance", inputs=(source,), format=form, size=1), fraction)


def _error(drawing: _Drawing, found: str, power: int) -> str:
    builder, size = drawing.builder, drawing.builder.size_of(found)
    difference = difference_format(builder.format_of("inputs"), builder.format_of(found))

    def make(form: FixedFormat) -> ReconstructionError:
        return ReconstructionError(
            name="error",
            inputs=("inputs", found),
            format=form,
            size=1,
            power=power,
            present=np.ones(size, np.bool_),
            gate=np.full(size, -1, np.int64),
            difference=difference,
        )

    return builder.add_exact(make, power * difference.fraction)
