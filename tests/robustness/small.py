"""A network of three inputs of four bits: all its 4096 events can be tried, so that equivalent faults are known to be."""

import numpy as np

from l1ae.contract import Contract, Dense, Dot, Quantize, Relu, Table, Threshold
from l1ae.contract._builder import Builder, add_inputs
from l1ae.inputs import FixedFormat, InputSpec, Layout

THRESHOLD = 150


def small_layout() -> Layout:
    """Three numbers of four bits without sign, never empty."""
    feature = {"name": "value", "bits": 4}
    return Layout.model_validate({"name": "small", "groups": [{"name": "x", "kind": "vector", "slots": 3, "features": [feature]}]})


def small_contract() -> Contract:
    """Preprocessing, a dense layer of three nodes with biases, relu, a table, a sum of squares; weights by seed 11."""
    rng, builder, layout = np.random.default_rng(11), Builder(), small_layout()
    add_inputs(
        builder, InputSpec.of(layout, offset=np.array([3, 5, 8]), shift=np.array([0, 1, -1]), network=FixedFormat.parse("fixed<6,5>"))
    )
    weight, bias = FixedFormat.parse("fixed<4,1>"), FixedFormat.parse("fixed<6,3>")
    codes = {"weights": rng.integers(-7, 8, (3, 3)), "bias": rng.integers(-9, 10, 3), "weight_format": weight, "bias_format": bias}
    fraction = builder.format_of("inputs").fraction + weight.fraction
    builder.add_exact(lambda form: Dense(name="enc", inputs=("inputs",), format=form, size=3, **codes), fraction)
    form = FixedFormat.parse("ufixed<5,4,RND_CONV,SAT>")
    builder.add(Relu(name="enc_relu", inputs=("enc",), format=form, size=3))
    entries = np.sort(rng.integers(0, 64, 32))
    table = FixedFormat.parse("ufixed<6,4>")
    builder.add(Table(name="bent", inputs=("enc_relu",), format=table, size=3, codes=entries, function="bent", max_error=0.0))
    builder.add_exact(lambda form: Dot(name="norm", inputs=("bent",), format=form, size=1), 2 * table.fraction)
    builder.add(Quantize(name="score", inputs=("norm",), format=FixedFormat.parse("ufixed<12,10,RND_CONV,SAT>"), size=1))
    builder.add(Threshold(name="trigger", inputs=("score",), format=FixedFormat.parse("ufixed<1,1>"), size=1, threshold=THRESHOLD))
    return Contract("small_v1", tuple(builder.operations), layout)


def every_event() -> np.ndarray:
    """(4096, 3): every event that there is."""
    return np.stack(np.meshgrid(*[np.arange(16)] * 3, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.int64)


def some_events(count: int = 500, seed: int = 12) -> np.ndarray:
    """A sample of them, in random order: what a run would have."""
    return every_event()[np.random.default_rng(seed).permutation(4096)[:count]]
