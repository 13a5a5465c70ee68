"""A network small enough to be simulated in seconds, with every cast that the larger ones have."""

import numpy as np

from l1ae.contract import Contract, Dense, Dot, HardwareInput, Preprocess, Quantize, Relu, Threshold
from l1ae.contract._builder import Builder
from l1ae.inputs import FixedFormat


def _dense(builder, rng, name, source, size):
    weight, bias = FixedFormat(True, 5, 1), FixedFormat(True, 7, 3)
    weights = rng.integers(-16, 16, (builder.size_of(source), size))
    weights[0, 0] = 0
    codes = {"weights": weights, "bias": rng.integers(-64, 64, size)}

    def make(form):
        return Dense(name=name, inputs=(source,), format=form, size=size, weight_format=weight, bias_format=bias, **codes)

    return builder.add_exact(make, max(builder.format_of(source).fraction + weight.fraction, bias.fraction))


def network():
    """5-4-2; the score is the sum of the squares of the last layer. One input is absent, one weight 0."""
    builder, rng = Builder(), np.random.default_rng(3)
    port, size = FixedFormat(True, 7, 7), 5
    builder.add(HardwareInput(name="hw", inputs=(), format=port, size=size, low=np.full(size, -64), high=np.full(size, 63)))
    builder.add(
        Preprocess(
            name="inputs",
            inputs=("hw",),
            format=FixedFormat.parse("fixed<6,3,RND_CONV,SAT>"),
            size=size,
            offset=np.array([0, 3, -5, 0, 1]),
            shift=np.array([3, 3, 4, 3, 2]),
            present=np.array([True, True, True, True, False]),
            gate=np.full(size, -1),
            work=FixedFormat(True, 14, 9),
        )
    )
    first = _dense(builder, rng, "first", "inputs", 4)
    builder.add(Relu(name="first_relu", inputs=(first,), format=FixedFormat.parse("ufixed<5,2,RND,SAT>"), size=4))
    second = _dense(builder, rng, "second", "first_relu", 2)
    builder.add(Quantize(name="second_q", inputs=(second,), format=FixedFormat.parse("fixed<7,4,RND_CONV,SAT>"), size=2))
    form = FixedFormat(False, 20, 14)
    builder.add(Dot(name="distance", inputs=("second_q",), format=form, size=1))
    builder.add(Quantize(name="score", inputs=("distance",), format=FixedFormat.parse("ufixed<9,6,TRN,SAT>"), size=1))
    builder.add(Threshold(name="trigger", inputs=("score",), format=FixedFormat(False, 1, 1), size=1, threshold=100))
    return Contract("tiny_v1", tuple(builder.operations))
