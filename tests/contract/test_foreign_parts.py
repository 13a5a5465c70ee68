"""What deployed networks have beside plain layers, in descriptions: against rational arithmetic, numpy and hls4ml's own header."""

import importlib.util
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import yaml

from l1ae.contract import import_description
from l1ae.errors import UserError
from l1ae.inputs import FixedFormat

_spec = importlib.util.spec_from_file_location("exact", Path(__file__).with_name("exact.py"))
exact = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(exact)

SIZE = 5
PORT = FixedFormat(True, 7, 7)
WIDE = "ap_fixed<40,24>"


@pytest.fixture
def described(tmp_path):
    """The contract of layers over `inputs` (codes of 7 bits times 2**-2), and a score of its last tensor."""

    def make(*layers, arrays=None, score=None, preprocessing=None):
        np.savez(tmp_path / "weights.npz", **(arrays or {}))
        content = {
            "hardware": {"size": SIZE, "width": PORT.width},
            "preprocessing": preprocessing or {"divide": 4, "result": "ap_fixed<7,5>"},
            "layers": list(layers),
            "score": {"input": layers[-1]["name"], "type": WIDE, "function": "sum"} | (score or {}),
        }
        (tmp_path / "network.yaml").write_text(yaml.safe_dump(content | ({"weights": "weights.npz"} if arrays else {})))
        return import_description(tmp_path / "network.yaml", "parts_v1")

    return make


def _codes(seed, events=50):
    return np.random.default_rng(seed).integers(PORT.low, PORT.high + 1, (events, SIZE))


def _numbers(contract, hardware, name):
    """A tensor's numbers, evaluated fast; the slow way must agree."""
    codes = contract.evaluate(hardware, [name])[name]
    np.testing.assert_array_equal(codes, contract.evaluate_reference(hardware, [name])[name])
    return [[exact.value(code, contract[name].format) for code in row] for row in codes]


def _cast(value, text):
    form = FixedFormat.parse(text)
    return exact.value(exact.cast(value, form), form)


# -- inputs --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("result", ["ap_fixed<7,5>", "ap_fixed<5,4,AP_RND_CONV,AP_SAT>", "ap_fixed<4,4,AP_TRN_ZERO,AP_SAT>"])
def test_inputs_are_divided_without_a_loss_before_the_cast(described, result):
    divide = [1, 2, 4, 64, 8]
    contract = described(
        {"name": "q", "kind": "quantize", "input": "inputs", "result": WIDE},
        preprocessing={"divide": divide, "offset": [0, 0.5, -3, 1.25, 0], "result": result},
    )
    hardware = _codes(1)
    expected = [
        [_cast((int(code) - Fraction(offset)) / by, result) for code, offset, by in zip(row, (0, 0.5, -3, 1.25, 0), divide, strict=True)]
        for row in hardware
    ]
    assert _numbers(contract, hardware, "inputs") == expected
    assert contract.wrapping == () or "SAT" not in result


def test_decimal_offsets_are_rounded_to_their_type(described):
    layer = {"name": "q", "kind": "quantize", "input": "inputs", "result": WIDE}
    how = {"offset": [33.3, -0.1, 7, 0, 0], "divide": 1, "result": WIDE}
    for mode, expected in (("", [33.25, -0.25, 7, 0, 0]), (",AP_RND", [33.25, 0, 7, 0, 0])):
        contract = described(layer, preprocessing=how | {"offset_type": f"ap_fixed<9,7{mode}>"})
        assert (contract["inputs"].offset / 2 ** contract["inputs"].offset_fraction).tolist() == expected
    with pytest.raises(UserError, match=r"preprocessing.offset: number 0 is 33.2\d*, .*give the value .*, or that type as offset_type"):
        described(layer, preprocessing=how)
    with pytest.raises(UserError, match=r"preprocessing.offset\[0\] = 33.2\d* lies outside fixed<6,4>"):
        described(layer, preprocessing=how | {"offset_type": "ap_fixed<6,4>"})


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"divide": 3}, r"preprocessing.divide: number 0 is 3, which is no power of two"),
        ({"divide": [1, 2, 4, 0, 8]}, r"number 3 is 0, which is no power of two"),
        ({"divide": 4, "shift": 1}, "divide is exact and needs neither shift nor work; remove them, or divide"),
        ({"shift": 1}, "shift needs work, the type within which bits move; give it, or divide"),
        ({"divide": True}, "preprocessing.divide"),
    ],
)
def test_divisions_that_are_none_are_refused(described, how, message):
    with pytest.raises(UserError, match=message):
        described({"name": "q", "kind": "quantize", "input": "inputs", "result": WIDE}, preprocessing={"result": WIDE} | how)


# -- weights -------------------------------------------------------------------------------------------------------------

DENSE = {"name": "d", "kind": "dense", "input": "inputs", "kernel": "w", "accumulator": WIDE}


@pytest.mark.parametrize("mode", ["", ",AP_RND", ",AP_RND_CONV", ",AP_TRN_ZERO", ",AP_RND_ZERO"])
def test_decimal_weights_are_rounded_as_cpp_rounds_constants(described, mode):
    kernel = np.random.default_rng(2).uniform(-1.9, 1.9, (SIZE, 3))
    kernel[0] = [0.1875, -0.1875, 0.3125]  # ties of a step of 1/8
    text = f"ap_fixed<5,2{mode}>"
    contract = described(DENSE | {"kernel_type": text, "round_weights": True}, arrays={"w": kernel})
    expected = [[exact.cast(Fraction(float(weight)), FixedFormat.parse(text)) for weight in row] for row in kernel]
    assert contract["d"].weights.tolist() == expected
    with pytest.raises(
        UserError, match=r"layer 'd', kernel: 'w'\[0, 0\] = 0.1875 is no multiple .*, or round them to it with `round_weights: true`"
    ):
        described(DENSE | {"kernel_type": text}, arrays={"w": kernel})


@pytest.mark.parametrize("value", [2.0, 1.97, -2.1, 1e300, -1e300, np.inf, -np.inf, np.nan])
def test_rounding_does_not_bring_a_weight_into_range(described, value):
    kernel = np.zeros((SIZE, 3))
    kernel[4, 1] = value
    with pytest.raises(
        UserError, match=r"network.yaml: layer 'd', kernel: 'w'\[4, 1\] = .* (lies outside fixed<5,2,RND,WRAP>|is no number)"
    ):
        described(DENSE | {"kernel_type": "ap_fixed<5,2,AP_RND>", "round_weights": True}, arrays={"w": kernel})


def test_kernels_of_the_resource_strategy_are_known_by_their_shape(described):
    kernel = np.random.default_rng(3).integers(-8, 8, (SIZE, 3)) / 8
    layer = DENSE | {"kernel_type": "ap_fixed<4,1>"}
    plain = described(layer, arrays={"w": kernel})
    assert described(layer, arrays={"w": kernel.T}).digest == plain.digest
    assert described(layer | {"transposed": True}, arrays={"w": kernel.T}).digest == plain.digest
    with pytest.raises(UserError, match=r"kernel must have shape \(n_in, n_out\) with the 5 elements of 'inputs' as n_in"):
        described(layer | {"transposed": True}, arrays={"w": kernel})


def test_a_turned_kernel_of_a_convolution(described):
    four = {"name": "four", "kind": "select", "input": "inputs", "index": [0, 1, 2, 3]}
    image = {"name": "c", "kind": "convolution", "input": "four", "kernel": "w", "kernel_type": "ap_fixed<4,1>", "accumulator": WIDE}
    kernel = np.random.default_rng(5).integers(-8, 8, (1, 1, 2, 3)) / 8
    plain = described(four, image | {"shape": [1, 2, 2]}, arrays={"w": kernel})
    assert described(four, image | {"shape": [1, 2, 2]}, arrays={"w": np.moveaxis(kernel, -1, 0)}).digest == plain.digest


def test_a_square_kernel_beside_turned_ones_must_say_which_way_it_is(described):
    rng = np.random.default_rng(4)
    arrays = {"w": rng.integers(-8, 8, (3, SIZE)) / 8, "s": rng.integers(-8, 8, (3, 3)) / 8}
    first = DENSE | {"kernel_type": "ap_fixed<4,1>"}
    second = first | {"name": "e", "input": "d", "kernel": "s"}
    with pytest.raises(
        UserError, match=r"layer 'e': its kernel is square, and that of layer 'd' is \(n_out, n_in\) .* `transposed: true` or"
    ):
        described(first, second, arrays=arrays)
    turned = described(first, second | {"transposed": True}, arrays=arrays)
    np.testing.assert_array_equal(turned["e"].weights, (arrays["s"] * 8).T)
    assert described(first, second | {"transposed": False}, arrays=arrays).digest != turned.digest


# -- normalisation -------------------------------------------------------------------------------------------------------

NORM = {"name": "n", "kind": "batch_norm", "input": "inputs", "scale": "s", "bias": "b"}
NORM |= {"scale_type": "ap_fixed<10,3>", "bias_type": "ap_fixed<9,4>", "result": "ap_fixed<8,5,AP_RND,AP_SAT>"}


def test_a_normalisation_is_exact_until_its_cast(described):
    rng = np.random.default_rng(5)
    arrays = {"s": rng.integers(-512, 512, SIZE) / 128, "b": rng.integers(-256, 256, SIZE) / 32}
    contract, hardware = described(NORM, arrays=arrays), _codes(5)
    expected = [
        [
            _cast(Fraction(int(code), 4) * Fraction(s) + Fraction(b), NORM["result"])
            for code, s, b in zip(row, arrays["s"], arrays["b"], strict=True)
        ]
        for row in hardware
    ]
    assert _numbers(contract, hardware, "n_result") == expected
    assert contract.wrapping == ()


def test_a_normalisation_of_channels(described):
    """Two channels, last: elements 0, 2 of the one and 1, 3 of the other."""
    four = {"name": "four", "kind": "select", "input": "inputs", "index": [0, 1, 2, 3]}
    arrays = {"s": np.array([0.5, -1.25]), "b": np.array([1.0, 0.25])}
    contract, hardware = described(four, NORM | {"input": "four", "result": WIDE}, arrays=arrays), _codes(6)
    expected = hardware[:, :4] / 4 * np.tile(arrays["s"], 2) + np.tile(arrays["b"], 2)
    np.testing.assert_array_equal(np.array(_numbers(contract, hardware, "n_result"), float), expected)


def test_what_was_learned_becomes_scale_and_bias(described):
    rng = np.random.default_rng(7)
    learned = {
        "gamma": rng.uniform(0.5, 1.5, SIZE),
        "beta": rng.normal(size=SIZE),
        "mean": rng.normal(size=SIZE),
        "variance": rng.uniform(1, 4, SIZE),
    }
    layer = {key: value for key, value in NORM.items() if key not in {"scale", "bias"}} | {name: name for name in learned}
    contract = described(layer | {"round_weights": True}, arrays=learned)
    scale = learned["gamma"] / np.sqrt(learned["variance"] + 0.001)
    np.testing.assert_array_equal(contract["n"].weights, np.diag(np.floor(scale * 128)))
    np.testing.assert_array_equal(contract["n"].bias, np.floor((learned["beta"] - learned["mean"] * scale) * 32))
    with pytest.raises(
        UserError, match=r"layer 'n', scale\[0\] = .* is no multiple of the LSB .*, or round them to it with `round_weights: true`"
    ):
        described(layer, arrays=learned)
    # a power of two is exact
    exact_one = {"gamma": np.full(SIZE, 0.5), "beta": np.ones(SIZE), "mean": np.full(SIZE, 3.0), "variance": np.full(SIZE, 0.75)}
    contract = described(layer | {"epsilon": 0.25}, arrays=exact_one)
    assert contract["n"].weights.diagonal().tolist() == [64] * SIZE
    assert contract["n"].bias.tolist() == [-16] * SIZE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bias": None}, "give scale and bias, as the firmware has them, or gamma, beta, mean and variance"),
        ({"mean": "s"}, "give scale and bias"),
        ({"scale": None, "bias": None, "gamma": "s"}, "without scale and bias it needs mean and variance"),
        ({"scale": None, "bias": None, "mean": "s", "variance": "v"}, "no variance below 0"),
        ({"scale": "v", "bias": "b"}, r"layer 'n': its arrays must have one number for each of the 5 elements of 'inputs', or"),
    ],
)
def test_normalisations_that_do_not_fit_are_refused(described, change, message):
    arrays = (
        {"s": np.ones(SIZE), "b": np.ones(SIZE), "v": -np.ones(SIZE)} if "variance" in change else {"s": np.ones(SIZE), "b": np.ones(SIZE)}
    )
    arrays |= {"v": np.ones(2)} if change.get("scale") == "v" else {}
    layer = {key: value for key, value in (NORM | change).items() if value is not None}
    with pytest.raises(UserError, match=message):
        described(layer, arrays=arrays)


# -- functions -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "result"),
    [
        (-1.5, 6, "ap_fixed<8,4>"),
        (0, 6, "ap_ufixed<6,3>"),
        (None, 2.75, "ap_fixed<9,6>"),
        (-0.5, None, "ap_fixed<9,6>"),
        (1, 2, "ap_ufixed<4,2>"),
    ],
)
def test_a_clamp(described, low, high, result):
    ends = {name: value for name, value in (("low", low), ("high", high)) if value is not None}
    contract = described({"name": "c", "kind": "clamp", "input": "inputs", "result": result} | ends)
    hardware = _codes(8)
    expected = np.clip(hardware / 4, low, high)
    np.testing.assert_array_equal(np.array(_numbers(contract, hardware, "c"), float), expected)
    assert contract.wrapping == ()


@pytest.mark.parametrize(
    ("ends", "message"),
    [({}, "give low, high or both; a cast alone is kind quantize"), ({"low": 2, "high": 1}, "low 2 is above high 1; swap them")],
)
def test_clamps_that_are_none_are_refused(described, ends, message):
    with pytest.raises(UserError, match=f"layer 'c': {message}"):
        described({"name": "c", "kind": "clamp", "input": "inputs", "result": WIDE} | ends)


FUNCTIONS = {
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), 8),
    "tanh": (np.tanh, 4),
    "softplus": (lambda x: np.log1p(np.exp(x)), 8),
    "softsign": (lambda x: x / (1 + abs(x)), 8),
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_that_of_the_nearest_entry_towards_zero(described, function):
    layer = {"name": "a", "kind": "activation", "input": "inputs", "function": function, "table_size": 256, "result": "ap_fixed<18,8>"}
    contract, hardware = described(layer), _codes(9)
    meaning, reach = FUNCTIONS[function]
    step = 2 * reach / 256
    address = np.clip(np.trunc(hardware / 4 / step), -128, 127)
    found = np.array(_numbers(contract, hardware, "a"), float)
    assert np.all(np.abs(found - meaning(address * step)) < 2**-10 * 1.01)
    assert len(contract["a"].codes) == 256
    with pytest.raises(UserError, match="table_size 1000 is no power of two; give such a table as kind table, with its codes"):
        described(layer | {"table_size": 1000})


_BENCH = """
#include <cstdio>
#include "ap_fixed.h"
#include "nnet_utils/nnet_activation.h"
struct config { static const unsigned n_in = 1, table_size = SIZE, io_type = 0, reuse_factor = 1; typedef TABLE table_t; };
int main() {
    for (int code = LOW; code <= HIGH; code++) {
        DATA in[1]; RESULT out[1];
        in[0].range() = code;
        nnet::FUNCTION<DATA, RESULT, config>(in, out);
        std::printf("%.17g\\n", out[0].to_double());
    }
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("size", [1024, 128])
def test_a_function_is_the_table_that_hls4ml_builds(described, tmp_path, kept_gxx, function, size):
    """Every code of 12 bits through the function in hls4ml's header, compiled."""
    import hls4ml

    utilities = Path(hls4ml.__file__).parent / "templates" / "vivado"
    data, table, result = "ap_fixed<12,5>", "ap_fixed<18,8>", "ap_fixed<12,3,AP_RND,AP_SAT>"
    source = _BENCH.replace("TABLE", table).replace("DATA", data).replace("RESULT", result).replace("FUNCTION", function)
    (tmp_path / "bench.cpp").write_text(source.replace("SIZE", str(size)).replace("LOW", "-2048").replace("HIGH", "2047"))
    command = [shutil.which("g++"), "-O1", "-std=c++17", "-w", f"-I{utilities}", f"-I{utilities / 'ap_types'}", "bench.cpp", "-o", "bench"]
    subprocess.run(command, cwd=tmp_path, check=True)
    printed = subprocess.run([tmp_path / "bench"], capture_output=True, text=True, check=True).stdout
    layer = {
        "name": "a",
        "kind": "activation",
        "input": "q",
        "function": function,
        "table_size": size,
        "table_type": table,
        "result": result,
    }
    contract = described(
        {"name": "q", "kind": "quantize", "input": "inputs", "result": data}, layer, preprocessing={"divide": 1, "result": "ap_fixed<12,5>"}
    )
    address, entries = contract["a_address"].format, contract["a"].codes
    codes = np.arange(-2048, 2048)
    found = entries[address.cast(codes, 7) & (size - 1)] * contract["a"].format.lsb
    np.testing.assert_array_equal(found, [float(line) for line in printed.split()])


# -- scores of vectors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "made"),
    [
        ("squares", lambda x: (x**2).sum(axis=1)),
        ("absolute", lambda x: abs(x).sum(axis=1)),
        ("sum", lambda x: x.sum(axis=1)),
        ("max", lambda x: x.max(axis=1)),
    ],
)
def test_the_score_of_a_vector_is_made_outside_of_the_network(described, function, made):
    layer, hardware = {"name": "q", "kind": "quantize", "input": "inputs", "result": "ap_fixed<7,5>"}, _codes(10)
    contract = described(layer, score={"function": function})
    np.testing.assert_array_equal(np.array(_numbers(contract, hardware, "score"), float)[:, 0], made(hardware / 4))
    with pytest.raises(
        UserError, match=r"the score's input 'q' has 5 elements; it must have one, or say with score.function \(squares, absolute"
    ):
        described(layer, score={"function": None})
