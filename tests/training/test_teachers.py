"""Students of other runs: what they are taught, event by event, and what they learn from it."""

import numpy as np
import pytest
import tensorflow as tf

from l1ae.errors import UserError
from l1ae.inputs import named_layout
from l1ae.models import build_float_networks
from l1ae.training import Teacher, load_trained, train
from l1ae.training._data import TrainingData, load_training_data, surprise_of_rank
from l1ae.training._loop import Trainer
from l1ae.training._objective import Batch, objective_for

LAYOUT = named_layout("ugt")
TABLES = {"architecture": "table_student", "score": "output", "activation_bits": 3, "encoder": [5]}
PT = {"select": {"features": ["pt"]}, "network": "ufixed<4,6,RND_CONV,SAT>"}


def _config(make_config, runs=("a",), teaching="logarithm", model=None, **changes):
    """A student of pT alone, whose teachers see everything."""
    model = TABLES | {"teacher_run": list(runs), "teaching": teaching} | (model or {})
    return make_config("student", inputs=PT, model=model, **changes)


def _hardest(hardware):
    return hardware.reshape(len(hardware), -1, 3)[:, :, 0].max(axis=1).astype(np.float64)


def _sum(hardware):
    return hardware.reshape(len(hardware), -1, 3)[:, :, 0].sum(axis=1).astype(np.float64)


def test_the_rank_is_the_logarithm_of_the_weighted_fraction_above():
    rng = np.random.default_rng(1)
    reference, weights = rng.integers(0, 30, 200).astype(float), rng.exponential(size=200)
    scores = np.array([-1.0, 0.0, 3.0, 3.5, 29.0, 31.0])
    found = surprise_of_rank(scores, reference, weights)
    shares = [max(weights[reference >= score].sum(), weights.min()) / weights.sum() for score in scores]
    np.testing.assert_allclose(found, -np.log2(shares), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(surprise_of_rank(np.arange(4.0), np.arange(4.0), None), [0, np.log2(4 / 3), 1, 2], rtol=1e-6)


def test_a_monotonic_function_of_the_score_teaches_the_same_rank(make_config):
    config = _config(make_config, teaching="rank")
    plain, bent = (
        load_training_data(config, [Teacher(LAYOUT, score)]) for score in (_sum, lambda hardware: np.expm1(_sum(hardware) / 300) - 5.0)
    )
    np.testing.assert_array_equal(plain.targets, bent.targets)
    np.testing.assert_array_equal(plain.validation_targets, bent.validation_targets)
    assert plain.digest == bent.digest


def test_targets_belong_to_the_students_events_and_several_teachers_are_averaged(make_config):
    config = _config(make_config)
    everything = load_training_data(make_config())
    found = load_training_data(config, [Teacher(LAYOUT, _hardest), Teacher(LAYOUT, _sum)])
    for name in ("training", "validation"):
        hardware, targets = getattr(everything, name), getattr(found, "targets" if name == "training" else "validation_targets")
        expected = (np.log1p(_hardest(hardware)) + np.log1p(_sum(hardware))) / 2
        np.testing.assert_allclose(targets, expected, rtol=1e-6)
        np.testing.assert_array_equal(getattr(found, name), hardware[:, LAYOUT.with_role("energy")])
    assert found.digest != load_training_data(config, [Teacher(LAYOUT, _sum)]).digest


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (lambda hardware: np.where(_sum(hardware) > 300, np.inf, 0.0), "no finite number"),
        (lambda hardware: -_sum(hardware), "of which ln(1 + score) does not exist; set model.teaching: rank"),
    ],
)
def test_scores_that_cannot_be_taught_are_refused(make_config, score, message):
    with pytest.raises(UserError) as error:
        load_training_data(_config(make_config), [Teacher(LAYOUT, score)])
    assert message in str(error.value)


def test_the_loss_is_the_weighted_squared_distance_from_what_is_taught(make_config):
    config = _config(make_config)
    networks = build_float_networks(config)
    rng = np.random.default_rng(2)
    inputs, target, weights = rng.integers(0, 16, (40, 19)), rng.normal(size=40), rng.exponential(size=40)
    batch = Batch(*[tf.constant(inputs, tf.float32)] * 3, None, *(tf.constant(values, tf.float32) for values in (weights, target)))
    objective = objective_for(config, networks, "float")
    assert objective.names == ("distillation",)
    [found] = objective(batch, tf.constant([1, 2]), training=False).numpy()
    student = networks.firmware(inputs.astype(np.float32)).numpy()[:, 0]
    assert found == pytest.approx((weights * (student - target) ** 2).mean(), rel=1e-4)


def test_training_sees_the_target_of_each_event(make_config):
    """Events whose target is that of their only code: what is learned is the target, so shuffled targets would show."""
    config = _config(make_config, model={"encoder": [], "batch_norm": False, "output_bits": 12})
    rng = np.random.default_rng(3)
    hardware = np.zeros((640, 19), np.int16)
    hardware[:, 4] = rng.integers(1, 15, 640) * 4
    spec = config.inputs.spec()
    code = spec.to_network_float(hardware)[:, 4] * 2.0**-spec.network.integer
    targets = (3 + np.sin(code * 9)).astype(np.float32)
    data = TrainingData(hardware, hardware, "", None, None, targets, targets)
    trainer = Trainer(config, build_float_networks(config), data, "float")
    for epoch in range(1, 41):
        trainer.train(epoch, 0.03)
    assert trainer.validate().total < 0.02 * targets.var()


class _StoppedError(Exception):
    pass


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"pruning": {"sparsity": 0.5, "epochs": 2}}, {"learned_widths": {"resource_weight": 1e-3}}])
def test_a_table_student_can_be_resumed_in_either_phase(make_config, tmp_path, options):
    config = _config(make_config, teaching="rank", float_phase={"epochs": 2}, quantized_phase={"epochs": 3}, **options)
    teachers = [Teacher(LAYOUT, _sum)]
    train(config, tmp_path / "straight", teachers=teachers)
    for stop in (("float", 1), ("quantized", 2)):

        def progress(report, stop=stop):
            if (report.phase, report.epoch) == stop:
                raise _StoppedError

        with pytest.raises(_StoppedError):
            train(config, tmp_path / "resumed", resume=True, progress=progress, teachers=teachers)
    train(config, tmp_path / "resumed", resume=True, teachers=teachers)
    for name in ("history.csv", "calibration.json"):
        assert (tmp_path / "resumed" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
    models = [load_trained(config, tmp_path / name).quantized_model for name in ("straight", "resumed")]
    for first, second in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.slow
def test_another_teacher_is_no_continuation(make_config, tmp_path):
    config = _config(make_config, float_phase={"epochs": 1}, quantized_phase={"epochs": 1})
    train(config, tmp_path, teachers=[Teacher(LAYOUT, _sum)])
    with pytest.raises(UserError, match="written for another configuration"):
        train(config, tmp_path, resume=True, teachers=[Teacher(LAYOUT, _hardest)])


@pytest.mark.slow
def test_a_price_on_resources_leaves_fewer_tables(make_config, tmp_path):
    """Tables begin flat and grow as they learn; with a weight on what they cost they grow less."""
    import csv

    luts = []
    for weight in (0.0, 1e-2):
        settings = {"learned_widths": {"initial_bits": 6, "resource_weight": weight}, "float_phase": {"epochs": 1}}
        config = _config(make_config, **settings, quantized_phase={"epochs": 3, "learning_rate": 0.1})
        train(config, tmp_path / str(weight), teachers=[Teacher(LAYOUT, _sum)])
        with (tmp_path / str(weight) / "history.csv").open() as file:
            luts.append([float(row["validation_resources"]) for row in csv.DictReader(file) if row["phase"] == "quantized"][-1])
    assert luts[1] < 0.8 * luts[0]
