"""Terms of the loss against numpy, and where their gradients go."""

import numpy as np
import pytest
import tensorflow as tf

from l1ae.config import Config
from l1ae.models import build_float_networks, build_quantized_networks, calibrate, firmware_plan, fold_batch_norm, weight_steps
from l1ae.training import _objective
from l1ae.training._data import TrainingData
from l1ae.training._loop import Trainer
from l1ae.training._objective import Batch, objective_for

SCORES = {"latent_ae": "latent_error", "student": "output", "dense_vae": "kl"}


def _config(architecture="dense_ae", model=None, **training):
    small = {"latent": 3, "decoder": [5]}
    if architecture == "student":
        small = {"teacher": [5], "convolutions": [{"filters": 2, "pool": [2, 1]}]}
    elif architecture == "latent_ae":
        small |= {"extractor": [7], "features": 4}
        training = {"noise": {"masking": 0.1}} | training
    content = {"architecture": architecture, "score": SCORES.get(architecture, "squared_error"), "encoder": [6], **small, **(model or {})}
    return Config.model_validate({"name": "tiny", "model": content, "training": training})


def _batch(count=40, seed=3):
    rng = np.random.default_rng(seed)
    clean, first, second = (tf.constant(rng.normal(size=(count, 57)), tf.float32) for _ in range(3))
    return Batch(first, second, clean, tf.constant(rng.random((count, 57)) < 0.7))


def _quantized(config):
    steps = weight_steps(firmware_plan(config))
    sizes = {step.name: 0.5 for step in steps}
    return build_quantized_networks(config, calibrate(config, sizes, sizes, {step.activation: 2.0 for step in steps}))


def _gradients(config, term, phase="float", networks=None):
    """Largest magnitude of the gradient of one term for each variable, by its name (layer/variable)."""
    networks = networks or (build_float_networks(config) if phase == "float" else _quantized(config))
    objective = objective_for(config, networks, phase)
    variables = networks.trainable_variables
    with tf.GradientTape() as tape:
        value = objective(_batch(), tf.constant([1, 2], tf.int32), training=True)[objective.names.index(term)]
    gradients = tape.gradient(value, variables)
    return {
        variable.path: 0.0 if gradient is None else float(np.abs(gradient).max())
        for variable, gradient in zip(variables, gradients, strict=True)
    }


def _with_gradient(config, term, phase="float"):
    return {path.split("/")[-2] for path, size in _gradients(config, term, phase).items() if size > 0}


# -- contractive -----------------------------------------------------------------------------------------------------


def _encode_float64(networks, inputs):
    """The encoder in numpy and float64: dense, ReLU, dense."""
    layers = [networks.firmware.get_layer(name).get_weights() for name in ("enc0", "latent")]
    (w0, b0), (w1, b1) = ([np.asarray(weight, np.float64) for weight in weights] for weights in layers)
    return np.maximum(inputs @ w0 + b0, 0) @ w1 + b1


def test_jacobian_norm_equals_finite_differences():
    config = _config(contractive=1.0)
    networks = fold_batch_norm(config, build_float_networks(config))
    for layer in ("enc0", "latent"):
        kernel, bias = networks.firmware.get_layer(layer).get_weights()
        networks.firmware.get_layer(layer).set_weights([kernel * 3, bias + 0.1])
    inputs = np.random.default_rng(5).normal(size=(30, 57))
    step = 1e-6
    shifted = [(_encode_float64(networks, inputs + step * unit), _encode_float64(networks, inputs - step * unit)) for unit in np.eye(57)]
    columns = [(above - below) / (2 * step) for above, below in shifted]
    expected = (np.stack(columns, axis=2) ** 2).sum(axis=(1, 2)).mean()
    batch = Batch(tf.constant(inputs, tf.float32), None, None, None)
    objective = objective_for(config, networks, "float")
    found = _objective.jacobian_norm(objective._encode, batch.inputs, 3)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_jacobian_norm_of_a_linear_network_is_that_of_the_product_of_its_weights():
    weights = [np.random.default_rng(k).normal(size=shape) for k, shape in enumerate([(8, 6), (6, 4)])]
    first, second = (tf.constant(weight, tf.float32) for weight in weights)
    found = _objective.jacobian_norm(lambda x: x @ first @ second, tf.random.normal((9, 8)), 4)
    assert float(found) == pytest.approx(np.linalg.norm(weights[0] @ weights[1], "fro") ** 2, rel=1e-5)


def test_jacobian_norm_trains_the_weights():
    """d ||W||^2 / d W = 2 W for one layer; through two layers every kernel of the encoder and none of the decoder."""
    weight = tf.Variable(np.random.default_rng(1).normal(size=(5, 2)), dtype=tf.float32)
    with tf.GradientTape() as tape:
        value = _objective.jacobian_norm(lambda x: x @ weight, tf.random.normal((7, 5)), 2)
    np.testing.assert_allclose(tape.gradient(value, weight), 2 * weight.numpy(), rtol=1e-5)
    found = _gradients(_config(contractive=0.1), "contractive")
    assert {path.split("/")[-2] for path, size in found.items() if path.endswith("kernel") and size > 0} == {"enc0", "latent"}


@pytest.mark.parametrize("term", ["contractive", "l1"])
def test_regularisers_reach_the_weights_through_the_quantizers(term):
    training = {"contractive": {"contractive": 0.1}, "l1": {"sparsity": {"l1": 0.1}}}[term]
    assert _with_gradient(_config(**training), term, "quantized") >= {"enc0", "latent"}


# -- sparse ----------------------------------------------------------------------------------------------------------


def test_activation_divergence_is_the_formula():
    code = np.maximum(np.random.default_rng(6).normal(size=(50, 4)), 0)
    mean = np.tanh(code).mean(axis=0)
    expected = sum(0.05 * np.log(0.05 / m) + 0.95 * np.log(0.95 / (1 - m)) for m in mean)
    assert float(_objective.activation_divergence(tf.constant(code, tf.float32), 0.05)) == pytest.approx(expected, rel=1e-5)


def test_activation_divergence_is_zero_at_its_target_and_finite_for_dead_nodes():
    code = np.full((10, 3), np.arctanh(0.2))
    assert float(_objective.activation_divergence(tf.constant(code, tf.float32), 0.2)) == pytest.approx(0, abs=1e-6)
    assert np.isfinite(float(_objective.activation_divergence(tf.zeros((10, 3)), 0.2)))


@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_terms_of_the_code_are_those_of_the_configured_code(activation):
    config = _config(model={"latent_activation": activation, "batch_norm": False}, sparsity={"l1": 0.5}, weight_decay=0.1)
    networks = build_float_networks(config)
    objective = objective_for(config, networks, "float")
    batch = _batch()
    values = dict(zip(objective.names, objective(batch, tf.constant([1, 2]), training=False).numpy(), strict=True))
    code = _encode_float64(networks, batch.inputs.numpy())
    code = np.maximum(code, 0) if activation == "relu" else code
    assert values["l1"] == pytest.approx(np.abs(code).sum(axis=1).mean(), rel=1e-5)
    kernels = [networks.firmware.get_layer(name).get_weights()[0] for name in ("enc0", "latent", "dec0", "out")]
    assert values["weight_decay"] == pytest.approx(sum((kernel**2).sum() for kernel in kernels), rel=1e-5)
    assert objective.weights(1) == [1.0, 0.5, 0.1]


def _hardware(count=512):
    rng = np.random.default_rng(8)
    hardware = np.zeros((count, 19, 3), np.int16)
    hardware[:, :, 0] = rng.integers(1, 400, (count, 19))
    hardware[:, :, 1:] = rng.integers(0, 100, (count, 19, 2))
    return hardware.reshape(count, 57)


@pytest.mark.slow
def test_l1_draws_the_code_to_zero(as_network):
    data = TrainingData(_hardware(), _hardware(), "")
    sizes = []
    for weight in (0.0, 30.0):
        config = _config(sparsity={"l1": weight}, batch_size=64)
        networks = build_float_networks(config)
        trainer = Trainer(config, networks, data, "float")
        for epoch in range(1, 9):
            losses = trainer.train(epoch, 1e-2)
        assert ("l1" in losses.terms) is (weight > 0)
        inputs, _ = as_network(config, data.training)
        code = tf.keras.Model(networks.firmware.input, networks.firmware.get_layer("latent").output)(inputs)
        sizes.append(float(np.abs(code).mean()))
    assert sizes[1] < sizes[0] / 5


# -- VICReg: algorithm 1 of arXiv:2105.04906, in numpy ---------------------------------------------------------------

Z, ZP = np.random.default_rng(9).normal(0, [[0.3, 1.5, 0.8]], (2, 25, 3)) @ np.array([[1, 0.4, 0], [0, 1, 0], [0.2, 0, 1]])


def test_vicreg_terms_equal_the_algorithm_of_the_paper():
    covariance = np.cov(Z, rowvar=False, ddof=1)
    off_diagonal = covariance[~np.eye(3, dtype=bool)]
    z, zp = tf.constant(Z, tf.float32), tf.constant(ZP, tf.float32)
    assert float(_objective.vicreg_covariance(z)) == pytest.approx((off_diagonal**2).sum() / 3, rel=1e-4)
    hinge = np.maximum(0, 1 - np.sqrt(Z.var(axis=0, ddof=1) + 1e-4))
    assert 0 < (hinge > 0).sum() < 3
    assert float(_objective.vicreg_variance(z)) == pytest.approx(hinge.mean(), rel=1e-4)
    assert float(_objective.vicreg_invariance(z, zp)) == pytest.approx(((Z - ZP) ** 2).mean(), rel=1e-5)


def test_vicreg_of_a_single_event_is_finite():
    """The last block of a validation sample may have one."""
    one = tf.constant(Z[:1], tf.float32)
    assert float(_objective.vicreg_covariance(one)) == 0
    assert float(_objective.vicreg_variance(one)) == pytest.approx(1 - 1e-2, rel=1e-5)


def test_the_latent_objective_puts_the_terms_of_both_views_together():
    config = _config("latent_ae", model={"batch_norm": False})
    networks = build_float_networks(config)
    objective, batch = objective_for(config, networks, "float"), _batch()
    values = dict(zip(objective.names, objective(batch, tf.constant([1, 2]), training=False).numpy(), strict=True))
    first, second = (networks.auxiliary["expander"](networks.firmware(view)[0]) for view in (batch.inputs, batch.second))
    features, reconstruction = (np.asarray(output, np.float64) for output in networks.firmware(batch.clean))
    assert values["reconstruction"] == pytest.approx(((features - reconstruction) ** 2).sum(axis=1).mean(), rel=1e-5)
    for name in ("variance", "covariance"):
        term = getattr(_objective, f"vicreg_{name}")
        assert values[name] == pytest.approx(float(term(first) + term(second)), rel=1e-5)
    assert values["invariance"] == pytest.approx(float(_objective.vicreg_invariance(first, second)), rel=1e-5)
    assert objective.weights(1) == [1.0, 25.0, 25.0, 1.0]


# -- which network learns from what ----------------------------------------------------------------------------------

EXTRACTOR, EXPANDER, TAIL = {"ext0", "features"}, {"expander0", "embedding"}, {"enc0", "latent", "dec0", "out"}


def _layers(paths):
    return {name.removesuffix("_bn") for name in paths}


@pytest.mark.parametrize("phase", ["float", "quantized"])
def test_the_error_of_the_features_does_not_reach_the_extractor_nor_vicreg_the_autoencoder(phase):
    config = _config("latent_ae")
    assert _layers(_with_gradient(config, "reconstruction", phase)) == TAIL
    for term in ("invariance", "variance", "covariance"):
        assert _layers(_with_gradient(config, term, phase)) <= EXTRACTOR | EXPANDER
        assert _layers(_with_gradient(config, term, phase)) >= EXTRACTOR


def test_penalties_on_the_code_of_features_do_not_reach_the_extractor():
    config = _config("latent_ae", sparsity={"l1": 1.0}, contractive=1.0)
    assert _layers(_with_gradient(config, "l1")) == {"enc0", "latent"}
    assert _layers(_with_gradient(config, "contractive")) == {"enc0", "latent"}


STUDENT, TEACHER = {"conv0", "enc0", "output"}, {"teacher0", "teacher_out"}


def test_student_and_teacher_do_not_learn_from_each_other():
    assert _layers(_with_gradient(_config("student"), "distillation")) == STUDENT
    assert _layers(_with_gradient(_config("student"), "teacher")) == TEACHER


def test_the_student_learns_the_logarithm_of_the_teachers_error():
    config = _config("student", model={"batch_norm": False})
    networks = build_float_networks(config)
    objective, batch = objective_for(config, networks, "float"), _batch()
    values = dict(zip(objective.names, objective(batch, tf.constant([1, 2]), training=False).numpy(), strict=True))
    difference = np.where(batch.counted, batch.clean - networks.auxiliary["teacher"](batch.clean), 0)
    target = np.log(1 + (difference.astype(np.float64) ** 2).sum(axis=1))
    student = networks.firmware(batch.inputs).numpy()[:, 0]
    assert values["distillation"] == pytest.approx(((student - target) ** 2).mean(), rel=1e-5)
    assert values["teacher"] == pytest.approx(target.mean(), rel=1e-5)


@pytest.mark.parametrize("phase", ["float", "quantized"])
def test_the_teacher_is_frozen_in_the_quantized_phase(phase):
    config = _config("student", batch_size=64)
    networks = build_float_networks(config) if phase == "float" else _quantized(config)
    before = [variable.numpy() for variable in networks.auxiliary["teacher"].variables]
    weights = networks.firmware.get_layer("enc0").kernel.numpy()
    trainer = Trainer(config, networks, TrainingData(_hardware(256), _hardware(64), ""), phase)
    trainer.train(1, 1e-2)
    changed = [not np.array_equal(a, b) for a, b in zip(before, networks.auxiliary["teacher"].variables, strict=True)]
    assert any(changed) is (phase == "float")
    assert not np.array_equal(networks.firmware.get_layer("enc0").kernel.numpy(), weights)


# -- warm-up ---------------------------------------------------------------------------------------------------------


def test_beta_grows_linearly_and_only_in_the_float_phase():
    config = _config("dense_vae", beta=0.8, kl_warmup=4)
    objective = objective_for(config, build_float_networks(config), "float")
    assert objective.names == ("reconstruction", "kl")
    betas = [objective.weights(epoch)[1] for epoch in range(1, 8)]
    assert betas == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 0.8, 0.8])
    assert all(sum(objective.weights(epoch)) == pytest.approx(1) for epoch in range(1, 8))
    assert objective.weights(None) == pytest.approx([0.2, 0.8])
    assert objective_for(config, _quantized(config), "quantized").weights(1) == pytest.approx([0.2, 0.8])


@pytest.mark.slow
def test_the_weights_of_an_epoch_are_those_that_train():
    """In the first epoch of a warm-up the divergence does not count: the same steps as without any."""

    def first_epoch(**training):
        config = _config("dense_vae", batch_size=64, **training)
        networks = build_float_networks(config)
        Trainer(config, networks, TrainingData(_hardware(256), _hardware(64), ""), "float").train(1, 1e-2)
        return networks.firmware.get_layer("mu").kernel.numpy()

    np.testing.assert_array_equal(first_epoch(beta=0.5, kl_warmup=3), first_epoch(beta=0.0))
    assert not np.array_equal(first_epoch(beta=0.5), first_epoch(beta=0.0))


def test_the_model_has_settled_when_the_warm_up_is_over():
    config = _config("dense_vae", kl_warmup=4)
    data = TrainingData(_hardware(), _hardware(), "")
    assert Trainer(config, build_float_networks(config), data, "float").settled_after == 4
    assert Trainer(config, _quantized(config), data, "quantized").settled_after == 0


def test_the_divergence_of_a_variance_that_overflows_is_finite_and_every_other_as_it_is():
    """exp(100) is no float32, nor is its gradient."""
    mu, log_var = (tf.Variable(values) for values in ([[0.5, -2.0], [1.0, 3.0]], [[-3.0, 2.0], [100.0, 9.9]]))
    with tf.GradientTape() as tape:
        divergence = _objective._kl(mu, log_var)
        total = tf.reduce_sum(divergence)
    assert divergence[0].numpy() == pytest.approx(0.5 * (0.25 + np.exp(-3) + 3 - 1 + 4 + np.exp(2) - 2 - 1), rel=1e-6)
    gradient = tape.gradient(total, log_var).numpy()
    assert np.isfinite([*divergence.numpy(), *gradient.ravel()]).all()
    np.testing.assert_allclose(gradient[0], 0.5 * (np.exp([-3.0, 2.0]) - 1), rtol=1e-6)
    assert gradient[1, 0] == pytest.approx(0.5 * (np.exp(10.0) - 1), rel=1e-6)
