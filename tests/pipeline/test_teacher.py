"""A student of other runs: of a float autoencoder, of density trees, and of both."""

import numpy as np
import pytest
import yaml

from l1ae.config import load_config
from l1ae.data import TRAIN, events_of, open_dataset
from l1ae.errors import UserError
from l1ae.families import squared_error
from l1ae.pipeline import contract_of, train_stage
from l1ae.pipeline._run import Run
from l1ae.pipeline._stages import train_inputs
from l1ae.pipeline._teacher import teachers_of
from l1ae.training import load_trained

STUDENT = {"architecture": "table_student", "score": "output", "activation_bits": 3, "encoder": [4], "target_fpr": 0.05}
PT = {"select": {"features": ["pt"]}, "network": "ufixed<4,6,RND_CONV,SAT>"}


@pytest.fixture(scope="module")
def teachers(make_config, tmp_path_factory):
    """Trained runs: an autoencoder of all columns, and a density tree of pT."""
    folder = tmp_path_factory.mktemp("teachers")
    density = {"architecture": "density_tree", "score": "surprisal", "target_fpr": 0.05}
    return {
        "autoencoder": train_stage(make_config(), folder / "autoencoder"),
        "density": train_stage(make_config(model=density, inputs={"select": {"features": ["pt"]}}, training={}), folder / "density"),
    }


def _student(make_config, *runs):
    teaching = "rank" if runs else "logarithm"
    return make_config(model=STUDENT | {"teacher_run": [str(run.folder) for run in runs], "teaching": teaching}, inputs=PT)


def _events(config):
    store = open_dataset(config.data.source, config.inputs.selected).background
    return np.concatenate([events.hw for events in events_of(config.data, store, TRAIN)])


@pytest.mark.slow
def test_the_teacher_of_a_network_is_its_float_score(make_config, teachers):
    run = teachers["autoencoder"]
    [teacher] = teachers_of(_student(make_config, run))
    hardware, spec = _events(run.config), run.config.inputs.spec()
    assert teacher.layout == run.config.inputs.selected
    inputs = spec.to_network_float(hardware)
    expected = squared_error(inputs, load_trained(run.config, run.path("train")).float_model(inputs), spec.mask(hardware))
    np.testing.assert_allclose(teacher.score(hardware), expected, rtol=1e-5)


def test_the_teacher_of_density_trees_is_what_was_counted(make_config, teachers):
    run = teachers["density"]
    [teacher] = teachers_of(_student(make_config, run))
    hardware, contract = _events(run.config), contract_of(run)
    fixed = contract.evaluate(hardware)[contract.score.name][:, 0] * contract.score.format.lsb
    score = teacher.score(hardware)
    # the firmware leaves a constant out
    assert np.ptp(score - fixed) < 0.02 * np.ptp(score)
    assert np.ptp(score - fixed) > 0, "the teacher is not rounded"


@pytest.mark.slow
def test_a_student_follows_its_teachers_and_is_made_again_when_they_are(make_config, teachers, tmp_path):
    config = _student(make_config, *teachers.values())
    run = train_stage(config, tmp_path / "student")
    assert run.is_current("train", train_inputs(config))
    assert not run.is_current("train", train_inputs(_student(make_config, teachers["density"])))
    assert not run.is_current("train", train_inputs(_student(make_config, *reversed(teachers.values()))))
    assert Run.open(run.folder).config.model.teacher_run == config.model.teacher_run
    again = train_stage(config, tmp_path / "again")
    assert contract_of(again).digest == contract_of(run).digest


def test_where_the_teacher_lies_does_not_matter(make_config, teachers, tmp_path):
    moved = Run(tmp_path / "moved", teachers["density"].config)
    moved.folder.symlink_to(teachers["density"].folder)
    assert train_inputs(_student(make_config, moved)) == train_inputs(_student(make_config, teachers["density"]))


@pytest.mark.parametrize("content", ["none", "config"])
def test_a_folder_without_a_trained_run_is_no_teacher(make_config, tmp_path, content):
    run = Run(tmp_path / "empty", make_config())
    run.folder.mkdir()
    if content == "config":
        run.save_config()
    with pytest.raises(UserError, match="no run folder" if content == "none" else "has not been trained; run `l1ae train` there first"):
        teachers_of(_student(make_config, run))


@pytest.mark.parametrize("names", ["teachers/one", ["teachers/one", "teachers/two"]])
def test_teachers_are_named_relative_to_the_configuration(make_config, tmp_path, names):
    student = _student(make_config).model_dump(mode="json")
    student["model"]["teacher_run"] = names
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(student))
    config = load_config(tmp_path / "config.yaml")
    wanted = [names] if isinstance(names, str) else names
    assert config.model.teacher_run == tuple(str(tmp_path / name) for name in wanted)
