"""A network small enough for golden copies: 57 trigger inputs, four hidden nodes, sum of squares as score."""

import numpy as np

from l1ae.contract import Contract, Dense, Dot, Quantize, Relu, Threshold
from l1ae.contract._builder import Builder, add_inputs
from l1ae.inputs import FixedFormat, InputSpec, ugt_input_spec

VERSION = 3
THRESHOLD = 900


def tiny_spec() -> InputSpec:
    """The inputs of the global trigger with their default preprocessing."""
    return ugt_input_spec()


def tiny_contract(version: int = VERSION, threshold: int = THRESHOLD, seed: int = 5) -> Contract:
    """`tiny_vVERSION`. Another seed gives other weights, so another network under the same types."""
    rng = np.random.default_rng(seed)
    builder = Builder()
    add_inputs(builder, tiny_spec())
    weight, bias = FixedFormat.parse("fixed<4,1>"), FixedFormat.parse("fixed<6,3>")
    weights = rng.integers(-3, 4, (57, 4)) * (rng.random((57, 4)) < 0.3)
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
    return Contract(f"tiny_v{version}", tuple(builder.operations))


def tiny_events(count: int = 200, seed: int = 8) -> np.ndarray:
    """Valid hardware integers (count, 57), every second slot empty on average, pT mostly small."""
    rng = np.random.default_rng(seed)
    spec = tiny_spec()
    low, high = spec.code_range
    codes = rng.integers(low, high + 1, (count, spec.size)).reshape(count, spec.slots, 3)
    codes[:, :, 0] = np.minimum(codes[:, :, 0], rng.exponential(80, codes.shape[:2]).astype(int))
    codes[rng.random(codes.shape[:2]) < 0.5] = 0
    return np.where(codes[:, :, :1] == 0, 0, codes).reshape(count, -1).astype(np.int64)
