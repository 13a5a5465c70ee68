"""Networks small enough for golden copies and quick compilers: any layout, four hidden nodes, sum of squares as score."""

import numpy as np

from l1ae.contract import Contract, Dense, Dot, Quantize, Relu, Threshold
from l1ae.contract._builder import Builder, add_inputs
from l1ae.inputs import FixedFormat, InputSpec, Layout, named_layout

VERSION = 3
THRESHOLD = 900


def tiny_layout() -> Layout:
    """The 57 inputs of the global trigger."""
    return named_layout("ugt")


def spec_of(layout: Layout) -> InputSpec:
    """The layout's preset, or offsets at the middle of what has a period and shifts that leave six bits."""
    if layout.preset is not None:
        return InputSpec.of(layout)
    low, high = layout.code_range
    offset = np.where(layout.period > 0, (low + high + 1) // 2, 0)
    shift = np.array([max(int(max(-a, b)).bit_length() - 5, 0) for a, b in zip(low - offset, high - offset, strict=True)])
    return InputSpec.of(layout, offset=offset, shift=shift)


def tiny_contract(
    version: int = VERSION, threshold: int = THRESHOLD, seed: int = 5, layout: Layout | None = None, name: str = "tiny"
) -> Contract:
    """`NAME_vVERSION`. Another seed gives other weights, so another network under the same types."""
    rng = np.random.default_rng(seed)
    builder, layout = Builder(), layout or tiny_layout()
    add_inputs(builder, spec_of(layout))
    weight, bias = FixedFormat.parse("fixed<4,1>"), FixedFormat.parse("fixed<6,3>")
    weights = rng.integers(-3, 4, (layout.size, 4)) * (rng.random((layout.size, 4)) < 0.3)
    codes = {"weights": weights, "bias": rng.integers(-9, 10, 4), "weight_format": weight, "bias_format": bias}
    fraction = builder.format_of("inputs").fraction + weight.fraction
    builder.add_exact(lambda form: Dense(name="enc0", inputs=("inputs",), format=form, size=4, **codes), fraction)
    form = FixedFormat.parse("ufixed<6,3,RND_CONV,SAT>")
    builder.add(Relu(name="enc0_relu", inputs=("enc0",), format=form, size=4))
    builder.add_exact(lambda form: Dot(name="norm", inputs=("enc0_relu",), format=form, size=1), 2 * form.fraction)
    score = FixedFormat.parse("ufixed<18,14,TRN,SAT>")
    builder.add(Quantize(name="score", inputs=("norm",), format=score, size=1))
    bit = FixedFormat.parse("ufixed<1,1>")
    builder.add(Threshold(name="trigger", inputs=("score",), format=bit, size=1, threshold=threshold))
    return Contract(f"{name}_v{version}", tuple(builder.operations), layout)


def tiny_events(count: int = 200, seed: int = 8) -> np.ndarray:
    """Valid hardware integers (count, 57) of `tiny_layout`, every second slot empty on average, pT mostly small."""
    rng = np.random.default_rng(seed)
    low, high = tiny_layout().code_range
    codes = rng.integers(low, high + 1, (count, 57)).reshape(count, 19, 3)
    codes[:, :, 0] = np.minimum(codes[:, :, 0], rng.exponential(80, codes.shape[:2]).astype(int))
    codes[rng.random(codes.shape[:2]) < 0.5] = 0
    return np.where(codes[:, :, :1] == 0, 0, codes).reshape(count, -1).astype(np.int64)


def layout_events(layout: Layout, count: int, seed: int) -> np.ndarray:
    """Valid hardware integers (count, size) over the whole range of any layout, every second slot empty."""
    rng = np.random.default_rng(seed)
    low, high = layout.code_range
    codes = rng.integers(low, high + 1, (count, layout.size))
    for gate in np.unique(layout.gate[layout.gate >= 0]):
        slot = layout.gate == gate
        codes[:, gate] = np.maximum(codes[:, gate], 1)
        codes[np.ix_(rng.random(count) < 0.5, slot)] = 0
    return codes
