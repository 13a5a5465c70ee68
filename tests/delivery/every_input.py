"""A network that reads every input of the trigger, so that no wrong wire goes unseen, and whose score is signed."""

import numpy as np

from l1ae.contract import Contract, Dense, Quantize, Threshold
from l1ae.contract._builder import Builder, add_inputs
from l1ae.inputs import FixedFormat, Layout

from .tiny import spec_of, tiny_layout


def every_input_contract(layout: Layout | None = None) -> Contract:
    """`every_v2`: a sum of all inputs of a layout, default the trigger's, with different weights, none of them 0."""
    builder, layout = Builder(), layout or tiny_layout()
    add_inputs(builder, spec_of(layout))
    weight = FixedFormat.parse("fixed<4,4>")
    slots, features = np.divmod(np.arange(layout.size), 3)
    weights = (np.choose(features, [1 + slots % 3, 1 + slots % 2, 1]) * (1 - 2 * ((slots + features) % 2)))[:, None]
    codes = {"weights": weights, "bias": np.zeros(1, np.int64), "weight_format": weight, "bias_format": weight}
    fraction = builder.format_of("inputs").fraction
    builder.add_exact(lambda form: Dense(name="sum", inputs=("inputs",), format=form, size=1, **codes), fraction)
    builder.add(Quantize(name="score", inputs=("sum",), format=FixedFormat.parse("fixed<14,10,TRN,SAT>"), size=1))
    builder.add(Threshold(name="trigger", inputs=("score",), format=FixedFormat.parse("ufixed<1,1>"), size=1, threshold=-5))
    return Contract("every_v2", tuple(builder.operations), layout)
