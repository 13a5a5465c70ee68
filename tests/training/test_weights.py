"""Weights of events: the weighted sample is what is trained on, whatever the family."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from l1ae.config import Config
from l1ae.data import Events, EventStore, StoreWriter
from l1ae.errors import UserError
from l1ae.families import ARCHITECTURES, Front
from l1ae.inputs import InputSpec, named_layout
from l1ae.models import (
    WeightedBatchNormalization,
    build_float_networks,
    build_quantized_networks,
    calibrate,
    event_weights,
    firmware_plan,
    fold_batch_norm,
    weight_steps,
)
from l1ae.training import _objective, train
from l1ae.training._calibrate import calibrate_on
from l1ae.training._checkpoint import fingerprint
from l1ae.training._data import TrainingData, load_training_data
from l1ae.training._loop import Trainer
from l1ae.training._objective import Batch, objective_for

from ..levels import exhaustive, slow

TRAINED = [name for name, architecture in ARCHITECTURES.items() if not (architecture.imported or architecture.tabular)]
OPTIONS = {
    "convolutions": [{"filters": 2, "pool": [2, 1]}],
    "objects": [4],
    "latent": 3,
    "decoder": [5],
    "extractor": [7],
    "features": 4,
    "teacher": [5],
}
SEED = tf.constant([1, 2], tf.int32)
OF_NO_EVENT = {"weight_decay", "resources"}
"""Terms that do not depend on events."""
OF_A_BATCH = {"variance", "covariance"}
"""Terms with an unbiased covariance, for which one event of weight 2 is not the same as two independent events."""


def _config(architecture, **training):
    """A small network with every penalty that it can have."""
    keys = ARCHITECTURES[architecture].keys
    model = {"architecture": architecture, "score": ARCHITECTURES[architecture].scores[0], "encoder": [6]}
    model |= {key: value for key, value in OPTIONS.items() if key in keys}
    everything = {"weight_decay": 0.1, "learned_widths": {}}
    if "latent" in keys:
        relu = "latent_activation" in keys and not ARCHITECTURES[architecture].variational
        model |= {"latent_activation": "relu"} if relu else {}
        everything |= {"contractive": 0.1, "sparsity": {"l1": 0.1} | ({"kl_weight": 0.1} if relu else {})}
    noise = {"noise": {"masking": 0.1}} if architecture == "latent_ae" else {}
    alike = {"groups": {"eg": {"shift": [5, 6, 6]}, "mu": {"shift": [5, 8, 8]}, "jet": {"shift": [6, 6, 6]}}}
    inputs = alike if ARCHITECTURES[architecture].front is Front.OBJECTS else {}
    inputs |= {"network": "fixed<6,3,RND_CONV,SAT>"} if ARCHITECTURES[architecture].of_tables else {}
    return Config.model_validate({"name": "tiny", "inputs": inputs, "model": model, "training": everything | noise | training})


def _networks(config, phase):
    if phase == "float":
        return build_float_networks(config)
    steps = weight_steps(firmware_plan(config))
    sizes = {step.name: 0.5 for step in steps}
    return build_quantized_networks(config, calibrate(config, sizes, sizes, {step.activation: 2.0 for step in steps}))


def _batch(rows=slice(None), weights=None, count=40, seed=3):
    """Some rows of the same `count` events; the first half is unlike the second."""
    rng = np.random.default_rng(seed)
    scale = np.where(np.arange(count) < count // 2, 1.0, 3.0)[:, None]
    views = [tf.constant((rng.normal(size=(count, 57)) * scale)[rows], tf.float32) for _ in range(3)]
    return Batch(*views, tf.constant((rng.random((count, 57)) < 0.7)[rows]), None if weights is None else tf.constant(weights, tf.float32))


def _terms(config, phase, batch):
    """Values of all terms, gradients of their sum and moving averages afterwards."""
    networks = _networks(config, phase)
    objective = objective_for(config, networks, phase)
    with tf.GradientTape() as tape:
        values = objective(batch, SEED, training=True)
        total = tf.reduce_sum(values)
    gradients = [
        np.zeros(variable.shape) if gradient is None else np.asarray(gradient)
        for variable, gradient in zip(objective.trainable_variables, tape.gradient(total, objective.trainable_variables), strict=True)
    ]
    moving = [variable.numpy() for variable in networks.variables if "moving" in variable.path]
    return dict(zip(objective.names, values.numpy().tolist(), strict=True)), gradients, moving


def _assert_alike(found, expected):
    """Up to rounding of the largest of all: the gradient of a bias before a BatchNormalization is nothing but rounding."""
    largest = max((np.abs(array).max() for array in expected), default=0.0)
    for array, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(array, other, rtol=1e-3, atol=1e-5 * largest)


# -- every objective -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", slow(["float", "quantized"], ("float",)))
@pytest.mark.parametrize("architecture", slow(TRAINED, ("dense_ae", "latent_ae", "table_student")))
def test_every_term_of_every_family_knows_only_events_that_weigh(architecture, phase):
    """20 events of weight 2 and 20 of weight 0 are 20 events: terms, gradients and moving averages."""
    config = _config(architecture)
    half, gradients, moving = _terms(config, phase, _batch(slice(0, 20)))
    found = _terms(config, phase, _batch(weights=[2.0] * 20 + [0.0] * 20))
    assert found[0] == pytest.approx(half, rel=1e-4)
    _assert_alike(found[1], gradients)
    _assert_alike(found[2], moving)
    everything = _terms(config, phase, _batch())[0]
    blind = {name for name, value in everything.items() if value == pytest.approx(half[name], rel=3e-4)}
    assert blind == half.keys() & OF_NO_EVENT, "terms that a batch with the other half would not change prove nothing"


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["float", pytest.param("quantized", marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("architecture", exhaustive(TRAINED, ("dense_vae", "conv_ae", "set_ae", "latent_ae", "table_ae")))
def test_integer_weights_are_repeated_events(architecture, phase, monkeypatch):
    monkeypatch.setattr(tf.random, "stateless_normal", lambda shape, seed: tf.zeros(shape))
    config = _config(architecture)
    repeats = np.random.default_rng(4).integers(1, 4, 40)
    repeated, gradients, moving = _terms(config, phase, _batch(np.repeat(np.arange(40), repeats)))
    found = _terms(config, phase, _batch(weights=repeats / repeats.mean()))
    for name in repeated.keys() - OF_A_BATCH:
        assert found[0][name] == pytest.approx(repeated[name], rel=1e-4), name
    _assert_alike(found[2], moving)
    if not repeated.keys() & OF_A_BATCH:
        _assert_alike(found[1], gradients)


def test_covariances_of_vicreg_are_those_of_numpy_for_weights():
    """numpy.cov with `aweights`: the divisor sum(w) - sum(w^2) / sum(w)."""
    rng = np.random.default_rng(5)
    z, weights = rng.normal(size=(30, 4)) @ rng.normal(size=(4, 4)), rng.exponential(size=30)
    expected = np.cov(z, rowvar=False, aweights=weights)
    found = _objective._covariance(tf.constant(z, tf.float32), tf.constant(weights, tf.float32))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    one = _objective._covariance(tf.constant(z[:1], tf.float32), tf.constant([0.3]))
    np.testing.assert_array_equal(one, np.zeros((4, 4)))


def test_the_loss_of_a_batch_is_unbiased():
    """Mean over all batches of 2 of 4 events, weight and loss correlated: that of the sample, which a ratio within batches is not."""
    loss, weights = np.array([1.0, 2.0, 10.0, 40.0]), np.array([2.0, 1.6, 0.3, 0.1])
    pairs = [(i, j) for i in range(4) for j in range(4) if i != j]
    found = [float(_objective.mean(tf.constant(loss[list(pair)]), tf.constant(weights[list(pair)]))) for pair in pairs]
    assert np.mean(found) == pytest.approx(np.average(loss, weights=weights), rel=1e-12)
    ratios = [np.average(loss[list(pair)], weights=weights[list(pair)]) for pair in pairs]
    assert abs(np.mean(ratios) / np.average(loss, weights=weights) - 1) > 0.1


# -- batch normalization ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(30, 5), (30, 4, 3, 5)])
def test_statistics_of_a_batch_are_weighted(shape):
    rng = np.random.default_rng(6)
    inputs, weights = rng.normal(2.0, 3.0, shape).astype(np.float32), rng.exponential(size=shape[0])
    layer = WeightedBatchNormalization(momentum=0.0, epsilon=1e-3)
    layer.build(shape)
    with event_weights(tf.constant(weights, tf.float32)):
        output = layer(inputs, training=True).numpy()
    rows = inputs.reshape(-1, shape[-1]).astype(np.float64)
    each = np.repeat(weights, len(rows) // shape[0])
    mean = np.average(rows, axis=0, weights=each)
    variance = np.average((rows - mean) ** 2, axis=0, weights=each)
    np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-4)
    np.testing.assert_allclose(output.reshape(-1, shape[-1]), (rows - mean) / np.sqrt(variance + 1e-3), rtol=1e-3, atol=1e-4)


def test_without_weights_the_layer_is_that_of_keras_to_the_last_bit():
    inputs = np.random.default_rng(7).normal(size=(50, 6)).astype(np.float32)
    results = []
    for kind in (WeightedBatchNormalization, keras.layers.BatchNormalization):
        layer = kind()
        layer.build(inputs.shape)
        output = layer(inputs, training=True).numpy()
        with event_weights(tf.ones(50)):
            results.append([output, layer(inputs, training=False).numpy(), *(v.numpy() for v in layer.variables)])
    for first, second in zip(*results, strict=True):
        np.testing.assert_array_equal(first, second)


# -- calibration -----------------------------------------------------------------------------------------------------


def _hardware(count=400, seed=8):
    """Some events are much larger than the others, so that a quantile depends on which count."""
    rng = np.random.default_rng(seed)
    spec = InputSpec.of(named_layout("ugt"))
    hardware = np.tile(spec.offset.reshape(19, 3), (count, 1, 1))
    size = rng.uniform(1, 2, (count, 19)) * np.where(rng.random((count, 1)) < 0.3, 6, 1)
    hardware[:, :, 0] = np.rint(size * 2.0 ** spec.shift[::3])
    low, high = named_layout("ugt").code_range
    return np.clip(hardware.reshape(count, 57), low, high).astype(np.int16)


def test_ranges_of_integer_weights_are_those_of_repeated_events():
    """Loud events repeated, quiet ones not: the median of the activations moves to the loud ones."""
    hardware = _hardware()
    loud = hardware[:, 0] > 150
    assert 0.25 < loud.mean() < 0.35
    repeats = np.where(loud, 9, 1)
    config = _config("dense_ae", hidden_quantile=0.5, output_quantile=0.5)
    model = fold_batch_norm(config, build_float_networks(config)).firmware
    found = calibrate_on(config, model, hardware, repeats / repeats.mean())
    assert found == calibrate_on(config, model, np.repeat(hardware, repeats, axis=0))
    assert found != calibrate_on(config, model, hardware)


def test_calibration_with_weights_sees_the_whole_store_even_where_strata_follow_each_other(monkeypatch):
    monkeypatch.setattr("l1ae.training._calibrate.MAX_EVENTS", 100)
    hardware = _hardware()
    hardware = hardware[np.argsort(hardware[:, ::3].max(axis=1), kind="stable")]
    config = _config("dense_ae", hidden_quantile=0.9, output_quantile=0.9)
    model = fold_batch_norm(config, build_float_networks(config)).firmware
    assert calibrate_on(config, model, hardware, np.ones(400)) == calibrate_on(config, model, hardware[::4], np.ones(100))
    assert calibrate_on(config, model, hardware, np.ones(400)) != calibrate_on(config, model, hardware)


# -- stores with weights ---------------------------------------------------------------------------------------------


def _store(folder, hardware, source, weights=None):
    folder.mkdir(exist_ok=True)
    count = len(hardware)
    extra = {} if weights is None else {"weight": weights}
    with StoreWriter(folder / "background.h5", named_layout("ugt"), sample="s", processes=["p"], provenance={}) as writer:
        writer.append(Events(hardware, np.zeros(count, np.int16), source, np.full(count, -1, np.int16), extra))
    return folder


def _weighted(count=900, seed=9):
    rng = np.random.default_rng(seed)
    weights = rng.exponential(size=count) * (rng.random(count) < 0.7)
    return _hardware(count), np.arange(count), weights


def test_weights_have_mean_one_in_each_part_and_are_part_of_what_a_training_depends_on(tmp_path, make_config):
    hardware, source, weights = _weighted()
    config = make_config(data={"source": str(_store(tmp_path / "a", hardware, source, weights))})
    data = load_training_data(config)
    assert data.weights.mean() == pytest.approx(1, rel=1e-6)
    assert data.validation_weights.mean() == pytest.approx(1, rel=1e-6)
    assert len(data.weights) == len(data.training)
    assert len(data.validation_weights) == len(data.validation)
    by_event = dict(zip(map(bytes, hardware), weights, strict=True))
    given = np.array([by_event[bytes(event)] for event in data.training])
    np.testing.assert_allclose(data.weights, given / given.mean(), rtol=1e-6)
    changed = weights * np.random.default_rng(11).uniform(0.5, 1, len(weights))
    other = load_training_data(make_config(data={"source": str(_store(tmp_path / "b", hardware, source, changed))}))
    scaled = load_training_data(make_config(data={"source": str(_store(tmp_path / "c", hardware, source, weights * 4))}))
    marks = [fingerprint(config, found.digest) for found in (data, other, scaled)]
    assert marks[0] == marks[2] != marks[1]


@pytest.mark.parametrize("power", [0.0, 0.5])
def test_a_power_of_the_weights(power, tmp_path, make_config):
    hardware, source, weights = _weighted()
    folder = str(_store(tmp_path / "a", hardware, source, weights))
    plain, other = (load_training_data(make_config(data={"source": folder}, weight_power=value)) for value in (1.0, power))
    np.testing.assert_array_equal(plain.training, other.training)
    np.testing.assert_allclose(other.weights, plain.weights**power / (plain.weights**power).mean(), rtol=1e-5)


def test_a_store_without_weights_has_none(make_config):
    data = load_training_data(make_config())
    assert data.weights is None
    assert data.validation_weights is None


@pytest.mark.parametrize(("value", "text"), [(-0.5, "-0.5"), (np.nan, "nan"), (np.inf, "inf")])
def test_weights_that_cannot_be_used_are_refused(tmp_path, make_config, value, text):
    hardware, source, weights = _weighted()
    weights[717] = value
    config = make_config(data={"source": str(_store(tmp_path / "a", hardware, source, weights))})
    with pytest.raises(UserError, match=rf"background.h5: event 717 has the weight {text}; weights must be finite and not negative"):
        load_training_data(config)


def test_nothing_but_zeros_is_refused(tmp_path, make_config):
    hardware, source, weights = _weighted()
    config = make_config(data={"source": str(_store(tmp_path / "a", hardware, source, weights * 0))})
    with pytest.raises(UserError, match=r"background.h5: all 900 events have the weight 0.0; make the store again"):
        load_training_data(config)


@pytest.mark.slow
def test_events_of_weight_zero_are_absent_to_the_last_bit(tmp_path, make_config):
    hardware, source, weights = _weighted()
    there = weights > 0
    folders = [_store(tmp_path / "a", hardware, source, weights), _store(tmp_path / "b", hardware[there], source[there], weights[there])]
    assert [EventStore.open(folder / "background.h5").n_events for folder in folders] == [900, int(there.sum())]
    results = []
    for folder in folders:
        config = make_config(data={"source": str(folder)}, float_phase={"epochs": 2}, quantized_phase={"epochs": 2})
        train(config, folder / "run")
        with np.load(folder / "run" / "checkpoint.npz") as file:
            arrays = {name: file[name].tobytes() for name in file.files if name != "state"}
        results.append((arrays, (folder / "run/history.csv").read_bytes(), (folder / "run/calibration.json").read_bytes()))
    assert len(results[0][0]) > 20
    assert results[0] == results[1]


@pytest.mark.slow
def test_an_interrupted_training_with_weights_ends_with_the_same_bytes(tmp_path, make_config):
    hardware, source, weights = _weighted()
    folder = _store(tmp_path / "a", hardware, source, weights)

    def stop(report):
        if (report.phase, report.epoch) == ("float", 1):
            raise KeyboardInterrupt

    config = make_config(data={"source": str(folder)}, float_phase={"epochs": 2}, quantized_phase={"epochs": 1})
    train(config, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "parts", progress=stop)
    train(config, tmp_path / "parts", resume=True)
    assert (tmp_path / "whole/history.csv").read_bytes() == (tmp_path / "parts/history.csv").read_bytes()


def test_the_validation_loss_is_the_weighted_mean(as_network):
    """Over several blocks, against numpy."""
    rng = np.random.default_rng(10)
    hardware, weights = _hardware(300), rng.exponential(size=300)
    weights = (weights / weights.mean()).astype(np.float32)
    config = Config.model_validate(
        {"name": "tiny", "model": {"architecture": "dense_ae", "score": "squared_error", "encoder": [6], "latent": 3, "decoder": [5]}}
    )
    networks = build_float_networks(config)
    found = Trainer(config, networks, TrainingData(hardware, hardware, "", weights, weights), "float")
    inputs, mask = as_network(config, hardware)
    error = (np.where(mask, inputs - networks.firmware(inputs).numpy(), 0).astype(np.float64) ** 2).sum(axis=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("l1ae.training._loop.VALIDATION_BATCH", 128)
        assert found.validate().total == pytest.approx(np.average(error, weights=weights), rel=1e-5)
    assert np.average(error, weights=weights) != pytest.approx(error.mean(), rel=1e-3)


# -- what is learned -------------------------------------------------------------------------------------------------


def _in_hardware(network, spec):
    """Hardware codes, all slots filled, of network values (N, 57); returns the offsets that go with them too."""
    low, high = spec.code_range
    energy = np.arange(57) % 3 == 0
    offset = np.where(energy, np.rint(4 * 2.0**spec.shift), spec.offset).astype(int)
    hardware = np.clip(np.rint(network * 2.0**spec.shift) + offset, np.where(energy, 1, low), high)
    hardware[:, ~spec.present] = 0
    return hardware.astype(np.int16), offset


@pytest.mark.slow
def test_a_linear_autoencoder_finds_the_principal_components_of_the_weighted_covariance():
    """Bourlard and Kamp, Biol. Cybern. 59 (1988) 291, for a weighted squared error.

    Nine in ten events vary along two directions that hardly weigh anything, one in ten along two others: the subspace without weights
    is another one. Expected is that of numpy's weighted covariance.
    """
    spec = InputSpec.of(named_layout("ugt"))
    rng = np.random.default_rng(12)
    direction, _ = np.linalg.qr(rng.normal(size=(57, 57)))
    common = rng.random(4096) < 0.9
    spread = np.full((4096, 57), 0.25)
    spread[common, 0:2] = 3.0
    spread[~common, 2:4] = 2.0
    hardware, offset = _in_hardware((rng.normal(size=(4096, 57)) * spread) @ direction.T, spec)
    weights = np.where(common, 0.02, 1.0)
    weights = (weights / weights.mean()).astype(np.float32)
    groups = {group.name: {"offset": spec.layout.block(offset[None], group.name)[0].tolist()} for group in spec.layout.groups}
    model = {"architecture": "dense_ae", "score": "squared_error", "encoder": [], "decoder": [], "batch_norm": False, "latent": 2}
    inputs = {"network": "fixed<18,8,RND_CONV,SAT>", "groups": groups}
    config = Config.model_validate({"name": "tiny", "inputs": inputs, "model": model, "training": {"batch_size": 128}})
    networks = build_float_networks(config)
    trainer = Trainer(config, networks, TrainingData(hardware, hardware[:100], "", weights, weights[:100]), "float")
    for epoch in range(1, 41):
        trainer.train(epoch, 1e-2 if epoch < 20 else 1e-3)
    used = np.flatnonzero(spec.present)
    events = config.inputs.spec().to_network_float(hardware)[:, used].astype(np.float64)
    columns = np.linalg.qr(networks.firmware.get_layer("out").kernel.numpy()[:, used].T)[0]

    def angle(covariance):
        """Largest angle in degrees between the decoder's image and the two leading eigenvectors."""
        cosines = np.linalg.svd(np.linalg.eigh(covariance)[1][:, -2:].T @ columns, compute_uv=False)
        return float(np.degrees(np.arccos(np.clip(cosines, -1, 1))).max())

    assert angle(np.cov(events, rowvar=False, aweights=weights)) < 4.0
    assert angle(np.cov(events, rowvar=False)) > 60.0


def _population(rng, count, hard):
    """Network values (N, 57) of events whose size grows with a hardness that is exponential; `hard` says above 2.5 or below.

    Hard events vary along other directions than soft ones, so that a sample of other shares is learned differently.
    """
    edge = np.exp(-2.5)
    survival = np.where(hard, rng.random(count) * edge, edge + rng.random(count) * (1 - edge))
    hardness = -np.log(survival)[:, None]
    direction = np.linalg.qr(np.random.default_rng(1).normal(size=(57, 57)))[0]
    spread = np.where(hard[:, None], (np.arange(57) // 3) == 1, (np.arange(57) // 3) == 0) * (0.5 + 0.4 * hardness) + 0.05
    return (rng.normal(size=(count, 57)) * spread) @ direction.T, edge


@pytest.mark.exhaustive
@pytest.mark.slow
def test_strata_with_weights_and_plain_events_give_the_same_scores_within_the_spread_of_seeds():
    """Mean reconstruction error of soft and of hard events, which makes up each one's score, after training on

    plain events, on as many in two equal strata with weights, and on those strata without: only the last differs.
    """
    spec = InputSpec.of(named_layout("ugt"))
    rng, count, edge = np.random.default_rng(41), 3072, np.exp(-2.5)
    test_hard = np.arange(4000) < 2000
    test, offset = _in_hardware(_population(rng, 4000, test_hard)[0], spec)
    groups = {group.name: {"offset": spec.layout.block(offset[None], group.name)[0].tolist()} for group in spec.layout.groups}
    inputs = {"network": "fixed<18,8,RND_CONV,SAT>", "groups": groups}
    model = {"architecture": "dense_ae", "score": "squared_error", "encoder": [12], "latent": 3, "decoder": [12]}

    def errors(seed, shares, weighted):
        sample = np.random.default_rng([42, seed])
        hard = sample.random(count) < shares
        hardware = _in_hardware(_population(sample, count, hard)[0], spec)[0]
        weights = np.where(hard, edge / shares, (1 - edge) / (1 - shares))
        weights = (weights / weights.mean()).astype(np.float32) if weighted else None
        config = Config.model_validate({"name": "tiny", "seed": seed, "inputs": inputs, "model": model, "training": {"batch_size": 128}})
        networks = build_float_networks(config)
        trainer = Trainer(config, networks, TrainingData(hardware, hardware[:128], "", weights), "float")
        for epoch in range(1, 11):
            trainer.train(epoch, 1e-2 if epoch < 8 else 1e-3)
        events = config.inputs.spec().to_network_float(test)
        loss = ((events - networks.firmware(events).numpy()) ** 2).sum(axis=1)
        return np.log([loss[~test_hard].mean(), loss[test_hard].mean()])

    plain, strata, blind = (
        np.array([errors(seed, shares, weighted) for seed in range(1, seeds + 1)])
        for seeds, shares, weighted in ((3, edge, False), (3, 0.5, True), (2, 0.5, False))
    )
    spread = np.sqrt((plain.var(axis=0, ddof=1) + strata.var(axis=0, ddof=1)) / 3)
    assert (np.abs(plain.mean(axis=0) - strata.mean(axis=0)) < 4 * spread + 0.03).all()
    assert np.abs(plain.mean(axis=0) - blind.mean(axis=0)).max() > 8 * spread.max() + 0.03
