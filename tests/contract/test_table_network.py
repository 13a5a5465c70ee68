"""Contracts of table networks: every tensor equals the Keras model, in as few tables as six address bits allow."""

import keras
import numpy as np
import pytest
from qkeras import QActivation, quantized_relu

from l1ae.config import Config
from l1ae.contract import Lookup, Pool, build_contract
from l1ae.errors import UserError
from l1ae.models import TableDense, build_quantized_model, calibrate, firmware_plan, weight_steps

NETWORKS = {
    "autoencoder": (
        "table_ae",
        {"encoder": [6], "latent": 3, "decoder": [5], "layers": {"latent": {"activation_bits": 2}}},
        "ufixed<4,4,RND_CONV,SAT>",
    ),
    "shallow": ("table_ae", {"encoder": [], "latent": 4, "decoder": [], "activation_bits": 5}, "ufixed<3,4,RND_CONV,SAT>"),
    "signed": (
        "table_ae",
        {"encoder": [6], "latent": 3, "decoder": [], "layers": {"latent": {"activation_bits": 6}}},
        "fixed<4,3,RND_CONV,SAT>",
    ),
    "student": ("table_student", {"encoder": [4, 6]}, "fixed<5,5,RND_CONV,SAT>"),
    "pairs": ("table_student", {"encoder": [], "pairs": True}, "fixed<2,2,RND_CONV,SAT>"),
}


def _network(name, *, learned=False):
    """A configuration and its quantized model with random tables, a third of them flat, and one node without any."""
    architecture, changes, network = NETWORKS[name]
    model = {"architecture": architecture, "score": "output" if "student" in architecture else "squared_error", "activation_bits": 3}
    content = {
        "name": "tables",
        "inputs": {"select": {"features": ["pt"]}, "network": network, "groups": {g: {"shift": 7} for g in ("met", "eg", "mu", "jet")}},
        "model": model | changes,
        "training": {"learned_widths": {"initial_bits": 4}} if learned else {},
    }
    config = Config.model_validate(content)
    steps = weight_steps(firmware_plan(config))
    sizes, biases = {step.name: 3.0 for step in steps}, {step.name: 1.0 for step in steps}
    model = build_quantized_model(config, calibrate(config, sizes, biases, {step.activation: 8.0 for step in steps}))
    rng = np.random.default_rng(11)
    for step in steps:
        layer = model.get_layer(step.name)
        layer.slope.assign(rng.normal(0, 0.3, layer.slope.shape))
        layer.table.assign(rng.normal(0, 1, layer.table.shape))
        layer.bias.assign(rng.normal(2.0, 1, layer.bias.shape))
        mask = rng.random((len(layer.index), layer.units)) > 1 / 3
        if layer.units > 2:
            mask[:, 1] = False
        layer.keep(mask.astype(np.float32))
        if learned:
            layer.edge_fraction.assign(rng.uniform(-1, 4, layer.edge_fraction.shape))
    return config, model


@pytest.fixture(scope="module")
def hardware():
    rng = np.random.default_rng(12)
    return np.where(rng.random((500, 19)) < 0.3, 0, rng.integers(0, 4096, (500, 19)))


@pytest.mark.parametrize("learned", [False, True], ids=["one width", "learned widths"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_tensor_equals_the_keras_model_and_the_reference(name, learned, hardware):
    config, model = _network(name, learned=learned)
    contract = build_contract(config, model)
    layers = [layer for layer in model.layers if isinstance(layer, TableDense | QActivation)]
    names = [layer.name for layer in layers]
    inputs = config.inputs.spec().to_network_float(hardware)
    codes, reference = contract.evaluate(hardware, names), contract.evaluate_reference(hardware, names)
    outputs = keras.Model(model.input, [layer.output for layer in layers])(inputs)
    for layer_name, output in zip(names, outputs if isinstance(outputs, list) else [outputs], strict=True):
        found = np.asarray(output, np.float64)
        np.testing.assert_array_equal(codes[layer_name] * contract[layer_name].format.lsb, found, err_msg=layer_name)
        np.testing.assert_array_equal(codes[layer_name], reference[layer_name], err_msg=layer_name)
        assert len(np.unique(found)) > 2, "a tensor without content would hide an error"


def test_the_score_is_that_of_the_keras_model(hardware):
    config, model = _network("student")
    contract = build_contract(config, model)
    output = np.asarray(model(config.inputs.spec().to_network_float(hardware)), np.float64)
    score = config.model.score_type
    np.testing.assert_array_equal(contract.evaluate(hardware)["score"], score.quantize(output))


@pytest.mark.parametrize("name", NETWORKS)
def test_edges_share_tables_of_six_address_bits_and_flat_ones_are_none(name):
    config, model = _network(name)
    contract = build_contract(config, model)
    for step in firmware_plan(config):
        layer, lookup, pool = model.get_layer(step.name), contract[f"{step.name}_tables"], contract[step.name]
        assert isinstance(lookup, Lookup)
        assert isinstance(pool, Pool)
        alive = np.asarray(layer.spread()) > 0
        together = max(6 // (step.address.width * len(step.index[0])), 1)
        counts = np.maximum(-(-alive.sum(axis=0) // together), 1)
        assert pool.windows.shape == (layer.units, counts.max())
        assert lookup.size == counts.sum() + (counts.min() < counts.max())
        assert max(sum(bits) for bits in lookup.bits) <= max(6, step.address.width * len(step.index[0]))
        for unit, (window, count) in enumerate(zip(pool.windows, counts, strict=True)):
            read = [index for element in window[:count] for index in lookup.index[element]]
            assert read == [k for edge, used in zip(step.index, alive[:, unit], strict=True) if used for k in edge]
            assert all(lookup.tables[element].tolist() == [0] for element in window[count:])


def test_every_table_but_the_first_of_a_node_begins_at_0():
    """Then its width is that of its range; the constant is in the first."""
    config, model = _network("autoencoder", learned=True)
    contract = build_contract(config, model)
    for step in firmware_plan(config):
        lookup = contract[f"{step.name}_tables"]
        first = set(contract[step.name].windows[:, 0].tolist())
        assert all(table.min() == 0 for element, table in enumerate(lookup.tables) if element not in first)


@pytest.mark.parametrize(
    "options", [{"bits": 4}, {"bits": 3, "fraction": 1}, {"bits": 3, "signed": True}, {"bits": 3, "entry_fraction": None}]
)
def test_a_layer_for_other_codes_than_its_source_has_is_refused(options):
    config, _ = _network("student")
    inputs = config.inputs.model_copy(update={"network": config.model.score_type.__class__.parse("ufixed<3,3,RND_CONV,SAT>")})
    config = config.model_copy(update={"inputs": inputs})
    source = keras.Input((19,), name="inputs")
    layer = TableDense(1, index=[[k] for k in range(19)], name="output", **{"entry_fraction": 2, **options})
    model = keras.Model(source, QActivation(quantized_relu(6, 6), name="output_relu")(layer(source)))
    with pytest.raises(UserError, match="layer 'output' is no function of the codes of 'inputs', ufixed<3,3"):
        build_contract(config, model)
