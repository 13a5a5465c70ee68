"""The fast evaluation against int64, against exact rational arithmetic written here, and against Keras."""

from fractions import Fraction

import numpy as np
import pytest

from l1ae.contract import Contract, Dense, HardwareInput, Preprocess, Quantize, ReconstructionError, Threshold
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat

SCORES = ["squared_error", "mu2", "kl"]


def _names(contract):
    return [operation.name for operation in contract.operations]


@pytest.mark.parametrize("score", SCORES)
def test_fast_evaluation_equals_int64_in_every_tensor(make_network, hardware, score):
    contract = make_network(score).contract
    fast = contract.evaluate(hardware, _names(contract))
    exact = contract.evaluate_reference(hardware, _names(contract))
    assert {name: int(np.sum(fast[name] != exact[name])) for name in fast} == dict.fromkeys(_names(contract), 0)


def test_number_of_threads_and_chunks_does_not_matter(make_network, hardware, monkeypatch):
    contract = make_network("kl").contract
    one = contract.evaluate(hardware, workers=1)
    monkeypatch.setattr("l1ae.contract._execute._CHUNKS", (16, 80))
    many = contract.evaluate(hardware, workers=5)
    alone = np.concatenate([contract.evaluate(hardware[k : k + 1])["score"] for k in range(20)])
    np.testing.assert_array_equal(one["score"], many["score"])
    np.testing.assert_array_equal(one["score"][:20], alone)


def _half_even(value: Fraction) -> int:
    return round(value)


def _clip(value: int, bits: int, signed: bool) -> int:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return min(max(value, low), high)


def _quantized(value: Fraction, bits: int, fraction: int, signed: bool) -> Fraction:
    return Fraction(_clip(_half_even(value * 2**fraction), bits, signed), 2**fraction)


def _layer(model, name: str, x: list[Fraction]) -> list[Fraction]:
    layer = model.get_layer(name)
    kernel = np.asarray(layer.kernel_quantizer_internal(layer.kernel), float)
    bias = np.asarray(layer.bias_quantizer_internal(layer.bias), float)
    return [
        Fraction(float(bias[j])) + sum((xi * Fraction(float(w)) for xi, w in zip(x, kernel[:, j], strict=True)), Fraction(0))
        for j in range(len(bias))
    ]


def _inputs(config, event) -> list[Fraction]:
    """(hw - offset) / 2^shift in fixed<12,6>, from the definition."""
    spec, flat = config.inputs.spec(), event.ravel()
    values = []
    for i, code in enumerate(flat.tolist()):
        used = flat[3 * (i // 3)] != 0 and i != 1
        shifted = Fraction(code - int(spec.offset[i])) / Fraction(2) ** int(spec.shift[i])
        values.append(_quantized(shifted, spec.network.width, spec.network.fraction, True) if used else Fraction(0))
    return values


def _hidden(model, names: list[str], x: list[Fraction]) -> list[Fraction]:
    for name in names:
        x = [_quantized(max(value, Fraction(0)), 8, 5, False) for value in _layer(model, name, x)]
    return x


def test_squared_error_equals_rational_arithmetic(make_network, hardware):
    network = make_network("squared_error")
    contract, form = network.contract, network.contract.score.format
    answers = contract.evaluate(hardware[:25])
    for k, event in enumerate(hardware[:25]):
        x = _inputs(network.config, event)
        code = [_quantized(v, 10, 5, True) for v in _layer(network.model, "latent", _hidden(network.model, ["enc0", "enc1"], x))]
        out = [_quantized(v, 12, 6, True) for v in _layer(network.model, "out", _hidden(network.model, ["dec0"], code))]
        used = [event[i // 3 * 3] != 0 and i != 1 for i in range(57)]
        total = sum((a - b) ** 2 for a, b, use in zip(x, out, used, strict=True) if use)
        expected = min(int(total * 2**form.fraction // 1), form.high)
        assert answers["score"][k, 0] == expected
        assert answers["trigger"][k, 0] == (expected >= contract.threshold)


@pytest.mark.parametrize("score", ["mu2", "kl"])
def test_latent_scores_equal_rational_arithmetic(make_network, hardware, score):
    network = make_network(score)
    form, table_form = network.contract.score.format, network.config.model.table_type
    answers = network.contract.evaluate(hardware[:25])["score"][:, 0]
    for event, answer in zip(hardware[:25], answers, strict=True):
        h = _hidden(network.model, ["enc0", "enc1"], _inputs(network.config, event))
        total = sum(_quantized(v, 10, 5, True) ** 2 for v in _layer(network.model, "mu", h))
        if score == "kl":
            for v in (_quantized(v, 8, 4, True) for v in _layer(network.model, "log_var", h)):
                g = np.exp(np.longdouble(float(v))) - float(v) - 1
                code = int(np.rint(min(g * 2**table_form.fraction, table_form.high)))
                total += Fraction(code, 2**table_form.fraction)
            total /= 2
        assert answer == min(int(total * 2**form.fraction // 1), form.high)


@pytest.mark.parametrize(("score", "tensors"), [("squared_error", ["out_q"]), ("kl", ["mu_q", "log_var_q"])])
def test_contract_equals_the_keras_model(make_network, hardware, score, tensors):
    network = make_network(score)
    values = network.model(network.config.inputs.spec().to_network_float(hardware))
    codes = network.contract.evaluate(hardware, tensors)
    for name, expected in zip(tensors, values if isinstance(values, list) else [values], strict=True):
        np.testing.assert_array_equal(codes[name] * network.contract[name].format.lsb, expected)


def _wide(weight_bits: int, input_bits: int, seed: int = 3) -> Contract:
    """Two dense layers so wide that float32, or any float, is not enough."""
    rng = np.random.default_rng(seed)
    half = 1 << (weight_bits - 1)
    inputs = HardwareInput(
        name="hw",
        inputs=(),
        format=FixedFormat(True, input_bits, input_bits),
        size=6,
        low=np.full(6, -(1 << (input_bits - 1))),
        high=np.full(6, (1 << (input_bits - 1)) - 1),
    )
    dense = Dense(
        name="sum",
        inputs=("hw",),
        format=FixedFormat(True, min(weight_bits + input_bits + 4, 62), min(weight_bits + input_bits + 4, 62)),
        size=4,
        weights=rng.integers(-half, half, (6, 4)),
        bias=rng.integers(-half, half, 4),
        weight_format=FixedFormat(True, weight_bits, weight_bits),
        bias_format=FixedFormat(True, weight_bits, weight_bits),
    )
    one = Dense(
        name="first",
        inputs=("sum",),
        format=dense.format,
        size=1,
        weights=np.array([[1], [0], [0], [0]]),
        bias=np.zeros(1, np.int64),
        weight_format=FixedFormat(False, 1, 1),
        bias_format=FixedFormat(True, 1, 1),
    )
    score = Quantize(name="score", inputs=("first",), format=FixedFormat.parse("fixed<20,22,RND,SAT>"), size=1)
    trigger = Threshold(name="trigger", inputs=("score",), format=FixedFormat(False, 1, 1), size=1, threshold=0)
    return Contract("wide_v1", (inputs, dense, one, score, trigger))


@pytest.mark.parametrize(("weight_bits", "input_bits", "dtype"), [(6, 10, "float32"), (16, 20, "float64"), (30, 26, "int64")])
def test_number_type_follows_the_bounds_and_stays_exact(weight_bits, input_bits, dtype):
    contract = _wide(weight_bits, input_bits)
    assert contract.evaluated_in()["sum"] == dtype
    rng = np.random.default_rng(1)
    codes = rng.integers(contract.hardware.low, contract.hardware.high + 1, (500, 6))
    dense = contract["sum"]
    expected = codes.astype(object) @ dense.weights.astype(object) + dense.bias.astype(object)
    np.testing.assert_array_equal(contract.evaluate(codes, ["sum"])["sum"].astype(object), expected)


def test_codes_outside_the_hardware_range_are_refused(make_network, hardware):
    bad = hardware.copy()
    bad[7, 0] = 4096
    with pytest.raises(UserError, match=r"input 0 takes values 0 to 4096; its hardware range is -4096 to 4095"):
        make_network("kl").contract.evaluate(bad)


def test_wrong_number_of_inputs_is_refused(make_network):
    with pytest.raises(UserError, match="an event must have 57 hardware codes, not 56"):
        make_network("kl").contract.evaluate(np.zeros((3, 56), np.int16))


def test_large_codes_with_a_small_difference_are_subtracted_exactly():
    """Codes near 2^26, one half unit apart: float32 holds the difference but not the codes."""
    port, rounded = FixedFormat(False, 28, 28), FixedFormat.parse("ufixed<27,28,RND_CONV,SAT>")
    low = np.full(4, 2**26, np.int64)
    high, zeros, all_present, no_gate = low + 7, np.zeros(4, np.int64), np.ones(4, np.bool_), np.full(4, -1)
    arrays = {"size": 4, "offset": zeros, "shift": zeros, "present": all_present, "gate": no_gate, "work": FixedFormat(True, 30, 30)}
    contract = Contract(
        "large_v1",
        (
            HardwareInput(name="hw", inputs=(), format=port, size=4, low=low, high=high),
            Preprocess(name="a", inputs=("hw",), format=port, **arrays),
            Preprocess(name="b", inputs=("hw",), format=rounded, **arrays),
            ReconstructionError(
                name="error",
                inputs=("a", "b"),
                format=FixedFormat(False, 16, 16),
                size=1,
                power=2,
                present=all_present,
                gate=no_gate,
                difference=FixedFormat(True, 5, 5),
            ),
            Quantize(name="score", inputs=("error",), format=FixedFormat(False, 16, 16), size=1),
            Threshold(name="trigger", inputs=("score",), format=FixedFormat(False, 1, 1), size=1, threshold=0),
        ),
    )
    codes = np.random.default_rng(0).integers(low, high + 1, (1000, 4))
    odd = np.where(codes % 2 == 1, 1, 0).sum(axis=1)
    np.testing.assert_array_equal(contract.evaluate(codes, ["score"])["score"][:, 0], odd)
