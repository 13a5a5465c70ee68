"""Foreign networks become contracts that compute what their types say, or are refused."""

import importlib.util
import logging
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import yaml

from l1ae.config import Config, HlsConfig, load_description
from l1ae.contract import Contract, build_contract, for_events, import_description, load_keras
from l1ae.contract import _ops as ops
from l1ae.errors import UserError
from l1ae.inputs import Layout, layout_text, named_layout


def _module(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


foreign, exact = _module("foreign"), _module("exact")

PROJECT = "foreign_v1"


def _hardware(events, seed=5):
    """Codes over the whole port in the first half, of all magnitudes in the second; a tenth of them 0."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(-(1 << foreign.PORT - 1), 1 << foreign.PORT - 1, (events, foreign.SIZE))
    codes[events // 2 :] >>= rng.integers(3, 12, (events - events // 2, 1))
    codes[rng.random(codes.shape) < 0.1] = 0
    return codes


@pytest.mark.slow
@pytest.mark.parametrize("masked", [False, True], ids=["no masks", "masks"])
def test_every_tensor_of_a_deployed_network_is_exact(tmp_path, masked, caplog):
    network = foreign.Foreign(masked)
    contract = import_description(network.write(tmp_path), PROJECT)
    hardware = _hardware(100_000)
    expected, how = network.evaluate(hardware)
    names = [operation.name for operation in contract.operations]
    assert sorted(expected) == sorted(names)
    found = contract.evaluate(hardware, names)
    reference = contract.evaluate_reference(hardware[::50], names)
    for name in names:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
        np.testing.assert_array_equal(reference[name], expected[name][::50], err_msg=name)
    _assert_that_everything_happened(how.counts)
    assert 0.1 < expected["trigger"].mean() < 0.9
    assert contract.threshold == foreign.THRESHOLD
    assert "the score's type ufixed<18,14> can wrap" in caplog.text


def _assert_that_everything_happened(counts):
    """Values out of range and between the steps of their type, by the thousands: products, sums, shifts and results."""
    for name in ("shift", "extract", "enc6", "extract_relu", "features_result", "both", "difference", "distance", "score"):
        assert counts["rounded"][name] > 10_000, name
    for name in ("work", "shift", "extract", "extract_result", "features", "enc6", "dec6_relu", "difference"):
        assert counts["wrapped"][name] > 10_000, name
    assert counts["wrapped"]["distance"] > 100
    for name in ("inputs", "extract_relu", "features_result", "enc6_relu", "latent_result", "both", "skip", "out_result"):
        assert counts["saturated"][name] > 10_000, name


@pytest.mark.slow
@pytest.mark.parametrize("masked", [False, True], ids=["no masks", "masks"])
def test_c_simulation_of_a_deployed_network_agrees_to_the_last_bit(tmp_path, masked):
    from l1ae.hls import convert, simulate

    contract = import_description(foreign.Foreign(masked).write(tmp_path), PROJECT)
    hardware = _hardware(5000, seed=6)
    convert(contract, HlsConfig(), hardware[:10]).write(tmp_path / "hls")
    report = simulate(contract, tmp_path / "hls", "Vitis", hardware)
    assert report.passed, report.first_mismatch or report.type_mismatches
    assert report.corner_vectors > 1000


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("kind", "power"), [("absolute_error", 1), ("squared_error", 2)])
def test_reconstruction_errors_with_and_without_empty_slots(tmp_path, kind, power, masked):
    content = {
        "hardware": {"size": 3, "width": 5, "signed": False},
        "preprocessing": {"offset": 12, "work": "ap_fixed<6,6>", "result": "ap_fixed<6,6>", "gate": [0, 0, -1]},
        "layers": [
            {"name": "turned", "kind": "select", "input": "inputs", "index": [2, 0, 1]},
            {"name": "square", "kind": "multiply", "inputs": ["turned", "turned"], "result": "ap_fixed<12,11>"},
            {"name": "error", "kind": kind, "inputs": ["square", "inputs"], "masked": masked, "result": "ap_ufixed<24,21>"},
        ],
        "score": {"input": "error", "type": "ap_ufixed<22,22>"},
    }
    (tmp_path / "network.yaml").write_text(yaml.safe_dump(content))
    hardware = np.stack(np.meshgrid(*[np.arange(32)] * 3), axis=-1).reshape(-1, 3)
    x = hardware - 12
    x[hardware[:, 0] == 0, :2] = 0
    counted = np.ones(x.shape, bool)
    counted[:, :2] = (hardware[:, :1] != 0) | (not masked)
    expected = (np.abs(x[:, [2, 0, 1]] ** 2 - x) ** power * counted).sum(axis=1)
    found = import_description(tmp_path / "network.yaml", PROJECT).evaluate(hardware)["score"][:, 0]
    np.testing.assert_array_equal(found, expected)


# -- any input -------------------------------------------------------------------------------------------------------


def _network(
    folder, hardware, preprocessing=None, relu="ap_ufixed<10,6,AP_RND_CONV,AP_SAT>", wraps=False, bias_type="ap_fixed<4,1>", seed=21
):
    """A description of three nodes and their squared norm; weights of 4 bits, biases 0 or 1/2."""
    rng, size = np.random.default_rng(seed), _size_of(hardware)
    np.savez(folder / "weights.npz", w=rng.integers(-8, 8, (size, 3)) / 8, b=np.array([0.0, 0.0, 1.0 if "uint" in bias_type else 0.5]))
    dense = {"name": "d", "kind": "dense", "input": "inputs", "kernel": "w", "kernel_type": "ap_fixed<4,1>", "bias": "b", "wraps": wraps}
    content = {
        "weights": "weights.npz",
        "hardware": hardware,
        "preprocessing": {"shift": 2, "work": "ap_fixed<24,18>", "result": "ap_fixed<8,6,AP_RND_CONV,AP_SAT>"} | (preprocessing or {}),
        "layers": [
            dense | {"bias_type": bias_type, "accumulator": "ap_fixed<26,19>"},
            {"name": "r", "kind": "relu", "input": "d", "result": relu},
            {"name": "norm", "kind": "dot", "inputs": ["r"], "accumulator": "ap_ufixed<24,16>"},
        ],
        "score": {"input": "norm", "type": "ap_ufixed<18,14,AP_TRN,AP_SAT>"},
    }
    (folder / "network.yaml").write_text(yaml.safe_dump(content))
    return folder / "network.yaml"


def _size_of(hardware):
    if "size" in hardware:
        return hardware["size"]
    layout = hardware["layout"]
    layout = named_layout(layout) if isinstance(layout, str) else Layout.model_validate(layout)
    return layout.select(hardware.get("select", {})).size if hardware.get("select") else layout.size


def _codes(contract, events, seed):
    port = contract.hardware
    codes = np.random.default_rng(seed).integers(port.low, port.high + 1, (events, port.size))
    codes[::7] = 0
    return np.concatenate([codes, port.low[None], port.high[None]])


def _exact_tensors(contract, codes):
    """Every tensor of one event in rational arithmetic, from the definition of the types."""
    tensors = {"hw": [int(code) for code in codes]}
    for operation in contract.operations[1:]:
        forms = [contract[name].format for name in operation.inputs]
        tensors[operation.name] = exact.evaluate(operation, [tensors[name] for name in operation.inputs], forms)
    return tensors


def _assert_exact(contract, seed, events=30):
    names, codes = [operation.name for operation in contract.operations], _codes(contract, events, seed)
    fast, reference = contract.evaluate(codes, names), contract.evaluate_reference(codes, names)
    for k, event in enumerate(codes):
        for name, expected in _exact_tensors(contract, event).items():
            assert fast[name][k].tolist() == expected == reference[name][k].tolist(), name


PORTS = {
    "signed": ({"size": 20, "width": 13}, "fixed<13,13>"),
    "unsigned": ({"size": 5, "width": 9, "signed": False}, "ufixed<9,9>"),
    "ap_uint": ({"size": 5, "type": "ap_uint<9>"}, "ufixed<9,9>"),
    "fractional": ({"size": 6, "type": "ap_fixed<16,6>"}, "fixed<16,6>"),
    "unsigned fractions": ({"size": 4, "type": "ap_ufixed<10,3>"}, "ufixed<10,3>"),
    "steps of four": ({"size": 4, "type": "ap_fixed<7,9>"}, "fixed<7,9>"),
}


@pytest.mark.parametrize("case", PORTS)
@pytest.mark.parametrize("offset", [0, 3.0, 33.5, -0.625])
def test_any_port_and_any_offset_is_exact(tmp_path, case, offset):
    hardware, form = PORTS[case]
    size = hardware["size"]
    offsets = np.where(np.arange(size) % 2, offset, 1).tolist()
    contract = import_description(_network(tmp_path, hardware, {"offset": offsets, "shift": (np.arange(size) % 4 - 1).tolist()}), PROJECT)
    assert (str(contract.hardware.format), contract.layout) == (form, None)
    _assert_exact(contract, seed=31)
    # the first formula of the description, with its own numbers: (value - offset) >> shift in steps of 2**-6, cast
    codes, port = _codes(contract, 40, seed=32), contract.hardware.format
    found = contract.evaluate(codes, ["inputs"])["inputs"]
    for event, answer in zip(codes.tolist(), found.tolist(), strict=True):
        for k, code in enumerate(event):
            kept = (code * Fraction(2) ** -port.fraction - Fraction(offsets[k])) * 64 // 1
            shifted = kept * 2 if k % 4 == 0 else kept >> (k % 4 - 1)
            assert answer[k] == min(max(round(Fraction(shifted, 64) * 4), -128), 127)
    again = Contract.from_json(contract.to_json())
    assert (again.digest, again["inputs"].offset_fraction) == (contract.digest, contract["inputs"].offset_fraction)


def test_whole_offsets_leave_no_trace_in_the_contract(tmp_path):
    """33.0 is 33, and a contract of integers is serialised as it was before there were fractions."""
    texts = [
        import_description(_network(tmp_path, {"size": 4, "width": 8}, {"offset": offset}), PROJECT).to_json() for offset in (33, 33.0)
    ]
    assert texts[0] == texts[1]
    assert "offset_fraction" not in texts[0]
    half = import_description(_network(tmp_path, {"size": 4, "width": 8}, {"offset": 33.5}), PROJECT)
    assert (half["inputs"].offset.tolist(), half["inputs"].offset_fraction) == ([67] * 4, 1)


@pytest.mark.parametrize(
    "spelling", ["ap_ufixed<10,6,AP_RND,AP_SAT,AP_SAT>", "ap_ufixed<10,6,AP_RND,AP_SAT,0>", "ap_ufixed<10,6,AP_RND,AP_SAT>"]
)
def test_a_last_type_argument_that_changes_nothing(tmp_path, spelling):
    contract = import_description(_network(tmp_path, {"size": 4, "width": 8}, relu=spelling), PROJECT)
    assert str(contract["r"].format) == "ufixed<10,6,RND,SAT>"


def test_integer_types_are_fixed_point_types_without_a_fraction(tmp_path):
    contract = import_description(_network(tmp_path, {"size": 4, "width": 8}, bias_type="ap_uint<1>"), PROJECT)
    assert str(contract["d"].bias_format) == "ufixed<1,1>"
    assert contract["d"].bias.tolist() == [0, 0, 1]
    _assert_exact(contract, seed=33)


def test_an_accumulator_that_cannot_wrap_is_reported_so(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "l1ae"):
        contract = import_description(_network(tmp_path, {"size": 4, "width": 8}, wraps=True), PROJECT)
    assert contract["d"].wraps
    assert contract.wrapping == ()
    assert not contract.decided(contract["d"]).wraps
    assert "proven not to wrap for any input, although the description says `wraps: true`: d" in caplog.text


def test_a_description_brings_its_layout(tmp_path):
    contract = import_description(_network(tmp_path, {"layout": "p2gt", "select": {"jet": 2, "mu": 1}}), PROJECT)
    assert contract.layout.names[:6] == ("jet0_valid", "jet0_pt", "jet0_phi", "jet0_eta", "jet0_z0", "jet1_valid")
    assert str(contract.hardware.format) == "fixed<18,18>"  # z0 has 18 bits and a sign
    _assert_exact(contract, seed=34)
    folder = tmp_path / "file"
    folder.mkdir()
    (folder / "mine.yaml").write_text(layout_text("samples").replace("slots: 32", "slots: 3"))
    path = _network(folder, {"size": 3, "width": 12, "signed": False})
    content = yaml.safe_load(path.read_text()) | {"hardware": {"layout": "mine.yaml", "width": 14}}
    path.write_text(yaml.safe_dump(content))
    contract = import_description(path, PROJECT)
    assert (contract.layout.names, str(contract.hardware.format)) == (("sample0", "sample1", "sample2"), "fixed<14,14>")
    assert load_description(path).files == (folder / "weights.npz", folder / "mine.yaml")
    inline = yaml.safe_load((folder / "mine.yaml").read_text())
    assert import_description(_network(tmp_path, {"layout": inline}), PROJECT).layout.digest == contract.layout.digest


def test_the_shipped_description_is_the_contract_that_it_always_was():
    path = Path(__file__).parents[2] / "configs/imported/cms_like.yaml"
    digest = import_description(path, "cms_like_v1").digest
    assert digest == "41ac5f6e12a01d596b25ba94a7100e04f83115d748fd530864afef4413acae65"


def test_a_network_without_a_layout_takes_that_of_the_events(tmp_path):
    path = _network(tmp_path, {"size": 57, "width": 13})
    assert for_events(import_description(path, PROJECT), named_layout("ugt"), path).layout == named_layout("ugt")
    path = _network(tmp_path, {"size": 57, "width": 12})
    with pytest.raises(
        UserError, match=r"network.yaml: input 0 is met_pt, with codes 0 to 4095, but the hardware port holds -2048 to 2047"
    ):
        for_events(import_description(path, PROJECT), named_layout("ugt"), path)
    path = _network(tmp_path, {"size": 20, "width": 13})
    message = (
        r"network.yaml: the network has 20 inputs without a layout, but the events of this run are 57 columns of layout 'ugt'; choose .*"
        r"kind: vector, slots: 20.*l1ae data import FILE --layout LAYOUT.yaml --map MAP.yaml .*inputs.layout and data.source"
    )
    with pytest.raises(UserError, match=message):
        for_events(import_description(path, PROJECT), named_layout("ugt"), path)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ({}, None),
        ({"select": {"jet": 3}}, r"group 'jet' has 3 slots, 6 are asked for"),
        (
            {"layout": "ugt"},
            r"network.yaml: the network reads 44 columns of layout 'gelato', but .* 57 columns of layout 'ugt': the events: ",
        ),
        ({"turn": True}, r"input 0 is jet0_et, which is column 26 of the events; give inputs.layout the description's layout"),
        ({"more": True}, r"the events have columns that the network does not read; leave them out with inputs.select"),
    ],
    ids=["same", "fewer", "other", "order", "more"],
)
def test_a_layout_of_its_own_must_be_that_of_the_events(tmp_path, events, message):
    path = _network(tmp_path, {"layout": "gelato"})
    contract = import_description(path, PROJECT)
    layout = named_layout(events.get("layout", "gelato")).select(events.get("select", {}))
    if "turn" in events:
        layout = Layout(name="turned", groups=layout.groups[::-1])
    if "more" in events:
        layout = Layout.joined([layout, named_layout("samples")])
    if message is None:
        assert for_events(contract, layout, path).layout == contract.layout
        return
    with pytest.raises(UserError, match=message):
        for_events(contract, layout, path)


def test_a_thousand_and_twenty_four_inputs(tmp_path):
    contract = import_description(_network(tmp_path, {"size": 1024, "width": 8}), PROJECT)
    _assert_exact(contract, seed=35, events=3)


# -- what we made ourselves ----------------------------------------------------------------------------------------


def _described(contract: Contract, folder: Path) -> Path:
    """A description of a contract of ours, written from its integers and formats."""
    arrays, layers, hw, inputs = {}, [], contract.operations[0], contract["inputs"]
    for operation in contract.operations[2:-2]:
        layer = {"name": operation.name, "kind": type(operation).__name__.lower()}
        several = isinstance(operation, ops.Dot | ops.ReconstructionError)
        key, value = ("inputs", list(operation.inputs[:2])) if several else ("input", operation.inputs[0])
        layers.append(layer | {key: value} | _parts_of(operation, arrays))
    assert inputs.offset_fraction == 0
    for name in ("offset", "shift", "gate", "present"):
        arrays[name] = getattr(inputs, name)
    types = {"work": inputs.work.cpp, "result": inputs.format.cpp}
    score = {"input": contract.score.inputs[0], "type": contract.score.format.cpp, "threshold": contract.threshold}
    content = {
        "weights": "arrays.npz",
        "hardware": {"size": hw.size, "width": hw.format.width, "signed": hw.format.signed},
        "preprocessing": {name: name for name in ("offset", "shift", "gate", "present")} | types,
        "layers": layers,
        "score": score,
    }
    np.savez(folder / "arrays.npz", **arrays)
    (folder / "own.yaml").write_text(yaml.safe_dump(content))
    return folder / "own.yaml"


def _parts_of(operation, arrays):
    if isinstance(operation, ops.Dense | ops.Convolution):
        for role, codes, form in (("kernel", operation.weights, operation.weight_format), ("bias", operation.bias, operation.bias_format)):
            arrays[f"{operation.name}.{role}"] = codes * 2.0**-form.fraction
        parts = {"kernel": f"{operation.name}.kernel", "kernel_type": operation.weight_format.cpp}
        parts |= {"bias": f"{operation.name}.bias", "bias_type": operation.bias_format.cpp, "accumulator": operation.format.cpp}
        return parts | (
            {"shape": list(operation.shape), "stride": list(operation.stride)} if isinstance(operation, ops.Convolution) else {}
        )
    if isinstance(operation, ops.Gather):
        return {"kind": "select", "index": operation.index.tolist()}
    if isinstance(operation, ops.ReconstructionError):
        return {"kind": "squared_error", "masked": True, "result": operation.format.cpp}
    if isinstance(operation, ops.Pool):
        arrays[operation.name] = operation.windows
        return {"windows": operation.name, "function": operation.function, "result": operation.format.cpp}
    return {"accumulator" if isinstance(operation, ops.Dot) else "result": operation.format.cpp}


@pytest.fixture(scope="module")
def convolutional():
    """A small convolutional network: configuration and Keras model, with pooling and padding."""
    import keras
    from qkeras import QActivation, QConv2D, QDense, quantized_bits, quantized_relu

    from l1ae.models import SumPooling2D

    keras.utils.set_random_seed(3)

    def quantizers():
        bits = {"kernel_quantizer": quantized_bits(6, 0, alpha=1), "bias_quantizer": quantized_bits(6, 1, alpha=1)}
        return bits | {"bias_initializer": keras.initializers.RandomUniform(-0.5, 0.5, seed=4)}

    inputs = keras.Input((57,))
    x = keras.layers.Reshape((19, 3, 1))(inputs)
    x = QConv2D(4, (3, 3), padding="same", name="conv", **quantizers())(x)
    x = QActivation(quantized_relu(8, 4), name="conv_relu")(x)
    x = keras.layers.MaxPooling2D((2, 1), name="largest")(SumPooling2D((3, 1), name="pool")(x))
    x = QDense(57, name="out", **quantizers())(keras.layers.Flatten()(x))
    model = keras.Model(inputs, QActivation(quantized_bits(12, 5, alpha=1), name="out_q")(x))
    model_section = {"architecture": "imported", "source": "model.keras", "score": "squared_error"}
    return Config.model_validate({"name": "foreign", "model": model_section}), model


def test_description_of_our_own_network_is_the_same_contract(make_network, convolutional, hardware, tmp_path):
    networks = {score: make_network(score).contract for score in ("squared_error", "mu2")}
    networks["convolutional"] = build_contract(*convolutional)
    kinds = {type(operation) for contract in networks.values() for operation in contract.operations}
    assert {ops.Convolution, ops.Gather, ops.Pool, ops.Dot, ops.ReconstructionError} <= kinds
    for name, contract in networks.items():
        (tmp_path / name).mkdir()
        again = import_description(_described(contract, tmp_path / name), contract.project)
        codes = [model.evaluate(hardware, ["score", "trigger"]) for model in (contract, again)]
        np.testing.assert_array_equal(codes[0]["score"], codes[1]["score"])
        np.testing.assert_array_equal(codes[0]["trigger"], codes[1]["trigger"])
        assert again.digest == contract.digest, name


def test_keras_file_gives_the_same_contract(make_network, convolutional, tmp_path):
    dense = make_network("kl")
    for config, model in ((dense.config, dense.model), convolutional):
        model.save(tmp_path / "model.keras")
        assert build_contract(config, load_keras(tmp_path / "model.keras")).digest == build_contract(config, model).digest


# -- refusals ------------------------------------------------------------------------------------------------------


def _layer(which, /, **changes):
    def edit(network):
        layer = next(item for item in network.layers if item["name"] == which)
        layer.update(changes)
        for key in [key for key, value in layer.items() if value is None]:
            del layer[key]

    return edit


def _section(section, **changes):
    return lambda network: network.content[section].update(changes)


def _array(name, change):
    def edit(network):
        network.arrays[name] = change(network.arrays[name])

    return edit


def _swap(network):
    network.layers[3], network.layers[4] = network.layers[4], network.layers[3]


def _first_to(value):
    def change(array):
        array = array.copy()
        array[2, 1] = value
        return array

    return change


NARROW = {"accumulator": "ap_fixed<12,8>", "wraps": False}

REFUSED = {
    "unknown key": (_layer("extract", kernal="x"), r"network.yaml: layer 'extract': unknown key 'kernal'; did you mean 'kernel'\?"),
    "unknown section": (lambda n: n.content.update(score2={}), r"network.yaml: unknown key 'score2'; did you mean 'score'\?"),
    "missing key": (_layer("extract", accumulator=None), r"network.yaml: layer 'extract': accumulator is missing"),
    "unknown kind": (_layer("extract", kind="softmax"), r"layer 'extract': kind 'softmax' is unknown; the kinds are dense, convolution"),
    "no kind": (_layer("extract", kind=None), r"layer 'extract': kind None is unknown"),
    "name": (_layer("extract", name="1st layer"), r"layer '1st layer': name: String should match pattern"),
    "name taken": (_layer("enc9", name="features_result"), r"layer 'features_result': this name is taken; rename the layer"),
    "own name": (_layer("extract", name="inputs"), r"layer 'inputs': this name is taken"),
    "format": (_layer("extract", result="ap_fixed<16>"), r"layer 'extract': result: 'ap_fixed<16>' is no fixed-point format; write for"),
    "rounding": (_layer("extract", result="ap_fixed<16,9,AP_UP,AP_SAT>"), r"layer 'extract': result: .* unknown rounding or overflow mode"),
    "saturation bits": (
        _layer("extract", result="ap_fixed<16,9,AP_TRN,AP_WRAP,2>"),
        r"layer 'extract': result: .* is no fixed-point format",
    ),
    "unknown reference": (
        _layer("enc9", input="feature"),
        r"layer 'enc9' reads 'feature', which does not exist; there are hw, inputs, extract",
    ),
    "score of nothing": (_section("score", input="mu"), r"layer 'score' reads 'mu', which does not exist"),
    "cycle": (_layer("enc9", input="out"), r"the layers .*enc9 -> .*read each other in a circle; cut it"),
    "order": (
        _swap,
        r"layer 'enc9_relu' reads 'enc9', which comes later; list the layers in the order of computation",
    ),
    "score of many": (
        _section("score", input="difference"),
        r"network.yaml: the score's input 'difference' has 10 elements; it must have one",
    ),
    "off the grid": (
        _array("extract.kernel", _first_to(0.3)),
        r"layer 'extract', kernel: 'extract.kernel'\[2, 1\] = 0.29\d* is no multiple of the LSB of fixed<6,2> \(-2 to 1.9375 in steps",
    ),
    "out of range": (_array("extract.kernel", _first_to(2.0)), r"'extract.kernel'\[2, 1\] = 2 lies outside fixed<6,2>"),
    "not a number": (_array("extract.kernel", _first_to(np.nan)), r"'extract.kernel'\[2, 1\] = nan is no number; give the value that"),
    "complex": (
        _array("extract.kernel", lambda a: a + 0j),
        r"layer 'extract', kernel: array 'extract.kernel' must hold real numbers, not complex",
    ),
    "another kernel": (
        _array("enc9.kernel", lambda kernel: kernel[1:, 1:]),
        r"network.yaml: layer 'enc9': kernel must have shape .* the 10 elements of 'features' as n_in, or \(n_out, n_in\), not \(9, 8\)",
    ),
    "flat kernel": (_array("enc9.kernel", np.ravel), r"layer 'enc9': kernel must have shape \(n_in, n_out\) .* not \(90,\)"),
    "short bias": (_array("enc9.bias", lambda a: a[:-1]), r"network.yaml: layer 'enc9': bias must have shape \(9,\), not \(8,\)"),
    "bias without type": (_layer("enc9", bias_type=None), r"layer 'enc9': bias and bias_type belong together; give both or none"),
    "no array": (
        _layer("enc9", kernel="enc.kernel"),
        r"layer 'enc9', kernel: '.*weights.npz' holds no array 'enc.kernel'; it holds extract",
    ),
    "unused array": (
        lambda n: n.arrays.update(old=np.zeros(3)),
        r"weights.npz: no layer of '.*network.yaml' uses the array 'old'; remove it",
    ),
    "offsets": (_array("offset", lambda a: a[:5]), r"network.yaml: preprocessing.offset must have shape \(57,\), not \(5,\)"),
    "offsets off any grid": (
        _array("offset", lambda a: a / 10),
        r"network.yaml: preprocessing.offset: number \d+ is .*, which is no multiple of 2\*\*-24 below 2\*\*31; give the value that",
    ),
    "infinite offset": (_section("preprocessing", offset=float("inf")), r"network.yaml: preprocessing.offset"),
    "complex offsets": (_array("offset", lambda a: a + 0j), r"preprocessing.offset: array 'offset' must hold real numbers, not complex"),
    "shifts that are no integers": (_section("preprocessing", shift=1.5), r"network.yaml: preprocessing.shift"),
    "gate": (_section("preprocessing", gate=57), r"network.yaml: layer 'inputs': gate must lie within -1 to 56"),
    "sizes of two inputs": (
        _layer("difference", inputs=["features", "skip"]),
        r"layer 'difference': its inputs have 10 and 9 elements; they must be as long",
    ),
    "overflow": (
        _layer("enc6", wraps=False),
        r"network.yaml: layer 'enc6': fixed<12,8> holds codes .*; widen it to at least fixed<.*>, or set `wraps: true` if the deployed",
    ),
    "saturating accumulator": (
        _layer("enc6", accumulator="ap_fixed<12,8,AP_TRN,AP_SAT>"),
        r"network.yaml: layer 'enc6': .* a saturating accumulator holds would depend on the order of its additions; widen it",
    ),
    "threshold": (
        _section("score", threshold=1 << 18),
        r"network.yaml: layer 'trigger': threshold 262144 is no code of the score's type ufixed<18,14>",
    ),
    "port": (_section("hardware", width=40), r"network.yaml: hardware.width: .* less than or equal to 31"),
    "too many inputs": (_section("hardware", size=1025), r"network.yaml: hardware.size: .* less than or equal to 1024"),
    "no size": (lambda n: n.content["hardware"].pop("size"), r"network.yaml: hardware: give either layout, which says .*, or size"),
    "size and layout": (_section("hardware", layout="ugt"), r"network.yaml: hardware: give either layout, which says .*, or size"),
    "no width": (lambda n: n.content["hardware"].pop("width"), r"hardware: without a layout the inputs need width, their number of bits"),
    "width and type": (_section("hardware", type="ap_fixed<16,6>"), r"hardware: type fixed<16,6> says width and sign; remove width"),
    "wide type": (lambda n: n.content.update(hardware={"size": 57, "type": "ap_fixed<32,6>"}), r"type fixed<32,6> has more than 31 bits"),
    "select of nothing": (_section("hardware", select={"jet": 3}), r"hardware: select takes a part of a layout, and there is none"),
    "unknown layout": (
        lambda n: n.content.update(hardware={"layout": "ugg"}),
        r"network.yaml: hardware.layout: unknown layout 'ugg'; the layouts are .*ugt",
    ),
    "layout elsewhere": (
        lambda n: n.content.update(hardware={"layout": "../mine.yaml"}),
        r"network.yaml: hardware.layout '../mine.yaml' must lie in the description's folder or below",
    ),
    "unknown group": (
        lambda n: n.content.update(hardware={"layout": "ugt", "select": {"taus": 0}}),
        r"network.yaml: hardware: unknown group 'taus'; the groups of layout 'ugt' are met, eg, mu, jet",
    ),
    "layout of another size": (
        lambda n: n.content.update(hardware={"layout": "ugt", "select": {"jet": 3}}),
        r"network.yaml: preprocessing.offset must have shape \(36,\), not \(57,\)",
    ),
    "codes that the port does not hold": (
        lambda n: n.content.update(hardware={"layout": "ugt", "width": 12}),
        r"network.yaml: input 0 is met_pt, with codes 0 to 4095, but the hardware port holds -2048 to 2047; widen the port",
    ),
    "no file": (lambda n: n.content.update(weights="old.npz"), r"network.yaml: the weights '.*old.npz' do not exist; the name is relative"),
    "arrays without file": (lambda n: n.content.pop("weights"), r"offset: array 'offset' needs a file; name it with `weights: FILE.npz`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case, tmp_path):
    edit, message = REFUSED[case]
    network = foreign.Foreign(masked=False)
    edit(network)
    with pytest.raises(UserError, match=message):
        import_description(network.write(tmp_path), PROJECT)


def test_layers_that_nobody_reads_are_named(tmp_path, caplog):
    network = foreign.Foreign(masked=False)
    network.content["score"]["input"] = "one"
    network.layers.append({"name": "one", "kind": "select", "input": "features", "index": [3]})
    import_description(network.write(tmp_path), PROJECT)
    assert "the score does not depend on distance, which nobody reads" in caplog.text


@pytest.mark.parametrize("content", [b"no zip", b""])
def test_damaged_arrays_are_refused(content, tmp_path):
    path = foreign.Foreign(masked=False).write(tmp_path)
    (tmp_path / "weights.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"weights.npz' is no readable npz file of plain arrays .*; write it with numpy.savez"):
        import_description(path, PROJECT)
    np.savez(tmp_path / "weights.npz", **{"extract.kernel": np.array([{}], object)})
    with pytest.raises(UserError, match=r"weights.npz' is no readable npz file"):
        import_description(path, PROJECT)
