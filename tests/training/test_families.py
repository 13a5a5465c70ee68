"""Trained networks of the families, down to their contracts."""

import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA

from l1ae.config import Config
from l1ae.contract import build_contract
from l1ae.inputs import InputSpec, named_layout
from l1ae.models import Networks, build_float_networks, build_quantized_networks, calibrate, firmware_plan, weight_steps
from l1ae.training import load_trained, train
from l1ae.training._data import TrainingData
from l1ae.training._loop import Trainer
from l1ae.training._pruning import Pruning, sparsity_at
from l1ae.training._train import snap_weights

from ..levels import exhaustive

ALIKE = {"groups": {"eg": {"shift": [5, 6, 6]}, "mu": {"shift": [5, 8, 8]}, "jet": {"shift": [6, 6, 6]}}}


def _config(model=None, inputs=None, **training):
    small = {"architecture": "dense_ae", "score": "squared_error", "encoder": [8], "latent": 3, "decoder": [6]}
    content = {"name": "tiny", "inputs": inputs or {}, "model": small | (model or {}), "training": training}
    return Config.model_validate(content)


def _quantized(config, kernel=0.5):
    steps = weight_steps(firmware_plan(config))
    return build_quantized_networks(
        config, calibrate(config, {s.name: kernel for s in steps}, {s.name: 0.3 for s in steps}, {s.activation: 3.0 for s in steps})
    ).firmware


# -- linear autoencoder and PCA --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_linear_autoencoder_finds_the_principal_components():
    """Bourlard and Kamp, Biol. Cybern. 59 (1988) 291: same subspace. Full slots, so that no input is masked."""
    spec = InputSpec.of(named_layout("ugt"))
    rng = np.random.default_rng(12)
    direction, _ = np.linalg.qr(rng.normal(size=(57, 57)))
    used = np.flatnonzero(spec.present)
    spread = np.where(np.arange(57) < 3, [3.0, 2.4, 1.9, *[0.0] * 54], 0.25)
    network = (rng.normal(size=(4096, 57)) * spread) @ direction.T
    low, high = spec.code_range
    offset = np.where(np.arange(57) % 3 == 0, np.rint(4 * 2.0**spec.shift), spec.offset).astype(int)
    hardware = np.clip(np.rint(network * 2.0**spec.shift) + offset, np.where(np.arange(57) % 3 == 0, 1, low), high)
    hardware[:, ~spec.present] = 0
    hardware = hardware.astype(np.int16)
    model = {"encoder": [], "decoder": [], "batch_norm": False, "latent": 3}
    groups = {group.name: {"offset": spec.layout.block(offset[None], group.name)[0].tolist()} for group in spec.layout.groups}
    config = _config(model, inputs={"network": "fixed<18,8,RND_CONV,SAT>", "groups": groups}, batch_size=128)
    networks = build_float_networks(config)
    trainer = Trainer(config, networks, TrainingData(hardware, hardware[:100], ""), "float")
    for epoch in range(1, 51):
        trainer.train(epoch, 1e-2 if epoch < 30 else 1e-3)
    inputs = config.inputs.spec().to_network_float(hardware.reshape(-1, 57))[:, used]
    pca = PCA(3).fit(inputs)
    assert pca.explained_variance_[2] > 4 * PCA(4).fit(inputs).explained_variance_[3], "a clear gap"
    columns = np.linalg.qr(networks.firmware.get_layer("out").kernel.numpy()[:, used].T)[0]
    cosines = np.linalg.svd(pca.components_ @ columns, compute_uv=False)
    assert np.degrees(np.arccos(np.clip(cosines, -1, 1))).max() < 3.0


# -- pruning ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("epoch", "expected"), [(0, 0.0), (1, 0.8 * (1 - 0.75**3)), (2, 0.7), (4, 0.8), (9, 0.8)])
def test_sparsity_grows_as_a_cubic(epoch, expected):
    assert sparsity_at(0.8, epoch, 4) == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [2, 50])
def test_pruned_weights_are_zero_in_the_contract(make_config, tmp_path, epochs):
    """As many zeros as asked for in every layer, however long the schedule; in the contract where the network has them."""
    config = make_config(pruning={"sparsity": 0.6, "epochs": epochs}, quantized_phase={"epochs": 3, "learning_rate": 3e-3})
    train(config, tmp_path)
    models = load_trained(config, tmp_path)
    contract = build_contract(config, models.quantized_model)
    for name in ("enc0", "latent", "dec0", "out"):
        kernel = models.quantized_model.get_layer(name).get_weights()[0]
        weights = contract[name].weights
        np.testing.assert_array_equal(weights * contract[name].weight_format.lsb, kernel)
        zeros = (weights == 0).sum()
        assert zeros >= round(0.6 * weights.size)
        # a few more are smaller than half an LSB
        assert zeros < 0.75 * weights.size
        assert (models.float_model.get_layer(name).get_weights()[0] != 0).all()


def test_the_smallest_weights_are_the_ones_that_go(make_config):
    config = make_config(pruning={"sparsity": 0.5, "epochs": 1})
    model = _quantized(config)
    before = {layer.name: layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")}
    Pruning(config, Networks(model), "quantized").start_epoch(1)
    for name, kernel in before.items():
        after = model.get_layer(name).kernel.numpy()
        order = np.sort(np.abs(kernel).ravel())
        np.testing.assert_array_equal(after, np.where(np.abs(kernel) >= order[round(0.5 * kernel.size)], kernel, 0))


@pytest.mark.slow
@pytest.mark.parametrize("paired", [False, True])
def test_the_flattest_edges_go_first_and_what_remains_is_what_was_asked_for(make_config, tmp_path, paired):
    """As many edges as wanted have no table in the contract, after further training too; those of the least spread go."""
    model = {"score": "squared_error", "activation_bits": 3, "encoder": [], "decoder": [], "pairs": paired}
    inputs = {"select": {"features": ["pt"]}, "network": f"ufixed<{3 if paired else 5},6,RND_CONV,SAT>"}
    pruning = {"sparsity": 0.6, "epochs": 1}
    config = make_config("table_ae", model=model, inputs=inputs, pruning=pruning, quantized_phase={"epochs": 2, "learning_rate": 3e-3})
    train(config, tmp_path)
    contract = build_contract(config, load_trained(config, tmp_path).quantized_model)
    edges = 19 * 18 // 2 if paired else 19
    read = [index for index in contract["latent_tables"].index if index]
    assert 0.3 * 2 * edges <= len(read) <= 2 * edges - round(0.6 * 2 * edges)
    network = _quantized(config)
    layer = network.get_layer("latent")
    layer.table.assign(np.random.default_rng(31).normal(0, 1, layer.table.shape) * np.random.default_rng(32).random((edges, 1, 2)))
    spread = np.asarray(layer.entries()).std(axis=1)
    Pruning(config, Networks(network), "quantized").start_epoch(1)
    gone = np.asarray(layer.entries()).std(axis=1) == 0
    np.testing.assert_array_equal(gone, spread < np.sort(spread, axis=None)[round(0.6 * spread.size)])


def test_nothing_is_pruned_in_the_float_phase(make_config):
    config = make_config(pruning={"sparsity": 0.5, "epochs": 1})
    networks = build_float_networks(config)
    hardware = np.ones((128, 57), np.int16)
    trainer = Trainer(config, networks, TrainingData(hardware, hardware, ""), "float")
    trainer.train(1, 0.0)
    assert (networks.firmware.get_layer("enc0").kernel.numpy() != 0).all()
    assert trainer.settled_after == 0
    assert Trainer(config, networks, TrainingData(hardware, hardware, ""), "quantized").settled_after == 1


# -- widths and alphabets --------------------------------------------------------------------------------------------

LAYERS = {
    "enc0": {"weights": "ternary", "activation_bits": 5},
    "latent": {"weight_bits": 4, "activation_bits": 7},
    "dec0": {"weights": "binary"},
    "out": {"weight_bits": 6},
}


def _random_weights(model, scale=0.4):
    rng = np.random.default_rng(21)
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            layer.kernel.assign(rng.normal(0, scale, layer.kernel.shape))


def test_widths_and_alphabets_of_layers_arrive_in_the_contract():
    model = _quantized(config := _config({"layers": LAYERS, "weight_bits": 9, "activation_bits": 6, "output_bits": 11}))
    _random_weights(model, 0.9)
    contract = build_contract(config, model)
    assert [contract[name].weight_format.width for name in ("enc0", "latent", "dec0", "out")] == [2, 4, 2, 6]
    assert [contract[name].format.width for name in ("enc0_relu", "latent_q", "dec0_relu", "out_q")] == [5, 7, 6, 11]
    values = {name: set(np.unique(contract[name].weights * contract[name].weight_format.lsb)) for name in ("enc0", "dec0")}
    assert values == {"enc0": {-0.5, 0.0, 0.5}, "dec0": {-0.5, 0.5}}
    assert (contract["latent"].weights.min(), contract["latent"].weights.max()) == (-8, 7)


@pytest.mark.parametrize("weights", ["fixed", "ternary", "binary"])
def test_snapping_changes_no_code(weights):
    """Before, Keras may use w + (q(w) - w), off by the last bit of float32; after, exactly the contract's weights."""
    config = _config({"layers": {name: {"weights": weights} for name in LAYERS}})
    model = _quantized(config)
    _random_weights(model, 0.9)
    before = build_contract(config, model)
    snap_weights(model)
    after = build_contract(config, model)
    for name in LAYERS:
        np.testing.assert_array_equal(after[name].weights, before[name].weights)
        kernel = model.get_layer(name).kernel
        exact = after[name].weights * after[name].weight_format.lsb
        np.testing.assert_array_equal(kernel.numpy(), exact)
        np.testing.assert_array_equal(np.asarray(model.get_layer(name).kernel_quantizer_internal(kernel)), exact)
    assert before.digest == after.digest


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["ternary", "binary"])
def test_a_trained_network_keeps_its_alphabet(make_config, tmp_path, weights):
    config = make_config(model={"layers": {"enc0": {"weights": weights}}}, quantized_phase={"epochs": 2, "learning_rate": 1e-2})
    train(config, tmp_path)
    models = load_trained(config, tmp_path)
    dense = build_contract(config, models.quantized_model)["enc0"]
    assert set(np.unique(dense.weights)) == ({-1, 0, 1} if weights == "ternary" else {-1, 1})
    mean = np.abs(models.float_model.get_layer("enc0").get_weights()[0]).mean() * (4 / 3 if weights == "ternary" else 1)
    assert 2**-0.5 <= dense.weight_format.lsb / mean <= 2**0.5, "the power of two next to the wanted scale"


# -- deep sets -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sets():
    config = _config({"architecture": "set_ae", "objects": [6, 5], "encoder": [7]}, inputs=ALIKE)
    model = _quantized(config)
    _random_weights(model)
    return build_contract(config, model)


SLOTS = {"eg": (1, 5), "mu": (5, 9), "jet": (9, 19)}


def test_the_order_of_objects_of_a_kind_does_not_matter(sets, hardware):
    rng = np.random.default_rng(31)
    hardware = hardware.reshape(-1, 19, 3)
    code = sets.evaluate(hardware, ["latent_q"])["latent_q"]
    for start, stop in SLOTS.values():
        shuffled = hardware.copy()
        order = np.argsort(rng.random((len(hardware), stop - start)), axis=1)
        shuffled[:, start:stop] = np.take_along_axis(hardware[:, start:stop], order[:, :, None], axis=1)
        assert not np.array_equal(shuffled, hardware)
        np.testing.assert_array_equal(sets.evaluate(shuffled, ["latent_q"])["latent_q"], code)
    exchanged = hardware.copy()
    exchanged[:, [1, 9]] = hardware[:, [9, 1]]
    exchanged[:, 1, 0] = np.minimum(exchanged[:, 1, 0], 511)
    assert not np.array_equal(sets.evaluate(exchanged, ["latent_q"])["latent_q"], code), "another kind is another network"


def test_an_empty_slot_adds_nothing(sets, hardware):
    """The sum over the jets of an event with one jet is that jet's contribution; without any it is 0."""
    hardware = hardware.reshape(-1, 19, 3)
    events = hardware.copy()
    events[:, 9:] = 0
    np.testing.assert_array_equal(sets.evaluate(events, ["jet_sum"])["jet_sum"], 0)
    names = ["jet_sum", "jet_phi1_relu"]
    events[:, 12] = hardware[:, 9]
    codes = sets.evaluate(events, names)
    np.testing.assert_array_equal(codes["jet_sum"], codes["jet_phi1_relu"].reshape(-1, 10, 5)[:, 3])
    full = sets.evaluate(hardware, names)
    np.testing.assert_array_equal(full["jet_sum"], full["jet_phi1_relu"].reshape(-1, 10, 5).sum(axis=1))
    assert full["jet_sum"].any()


# -- every family, from training to a contract that Keras agrees with ------------------------------------------------

FAMILIES = {
    "conv_ae": {
        "convolutions": [{"filters": 3, "padding": "same", "pool": [2, 1], "pooling": "max"}],
        "decoder_shape": [9, 1, 2],
        "deconvolution_out": {"filters": 1, "upsample": [2, 3], "pad": [1, 0], "kernel": [3, 3], "padding": "same"},
    },
    "conv_vae": {"convolutions": [{"filters": 2, "kernel": [3, 3], "pool": [3, 1]}], "score": "rz"},
    "set_vae": {"objects": [4], "score": "kl"},
    "latent_ae": {"extractor": [8], "features": 5, "score": "latent_error"},
    "student": {"convolutions": [{"filters": 2, "kernel": [3, 3]}], "score": "output"},
    "dense_student": {"score": "output"},
    "table_ae": {"activation_bits": 4},
    "table_student": {"score": "output", "activation_bits": 3},
}


@pytest.mark.slow
@pytest.mark.parametrize("architecture", exhaustive(FAMILIES, ("conv_ae", "set_vae", "table_ae")))
def test_families_train_and_their_contracts_equal_keras(make_config, tmp_path, hardware, architecture):
    code = {} if "student" in architecture else {"latent": 2, "decoder": [6]}
    model = {"encoder": [6], **code, "score": "squared_error"} | FAMILIES[architecture]
    noise = {} if "student" in architecture else {"noise": {"drop": 0.1, "masking": 0.1}}
    inputs = ALIKE if architecture == "set_vae" else {"network": "fixed<5,4,RND_CONV,SAT>"} if "table" in architecture else None
    # a student of random events learns nothing at a lower one in two epochs
    first = {"epochs": 2, "learning_rate": 0.01} if architecture == "student" else {"epochs": 2}
    config = make_config(architecture, model=model, inputs=inputs, float_phase=first, quantized_phase={"epochs": 1}, **noise)
    result = train(config, tmp_path)
    assert np.isfinite([result.float_loss, result.quantized_loss]).all()
    models = load_trained(config, tmp_path)
    contract = build_contract(config, models.quantized_model)
    outputs = models.quantized_model(config.inputs.spec().to_network_float(hardware))
    for tensor, output in zip(models.quantized_model.outputs, outputs if isinstance(outputs, list | tuple) else [outputs], strict=True):
        operation = contract[_quantizer_of(tensor)]
        found = contract.evaluate(hardware, [operation.name])[operation.name] * operation.format.lsb
        np.testing.assert_array_equal(found, np.asarray(output, np.float64))


def _quantizer_of(tensor):
    operation = tensor._keras_history.operation
    while isinstance(operation, keras.layers.Reshape):
        operation = operation.input._keras_history.operation
    return operation.name
