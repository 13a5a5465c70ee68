"""Studies: what they may say, and the configurations that come of them."""

from pathlib import Path

import pytest
import yaml

from l1ae.config import Config, load_config
from l1ae.errors import UserError
from l1ae.search import check_study, load_study
from l1ae.search._sampling import bases, corners

from .conftest import CONFIGS, PAIRS, STUDY, TREE

SHIPPED = sorted((CONFIGS / "studies").glob("*.yaml"))


def test_there_are_studies():
    assert SHIPPED


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_study_can_be_searched_and_holds_its_base_models(path):
    study = load_study(path)
    assert study.config.name == path.stem
    assert [point.model for point in bases(study)] == list(study.models)
    for point in bases(study):
        model = study.models[point.model]
        assert model.config(point.settings, "") == model.config({}, "")
    check_study(study)


def test_a_base_is_a_candidate_where_the_space_holds_it(study):
    found = {point.model: point for point in bases(study)}
    assert found["tree"].parameters == {"model.density.trees.0.smoothing": 1e-5, "model.density.trees.0.populated": 10}
    assert found["pairs"].parameters == {"model.pair_tables.epochs": 8}
    for name, point in found.items():
        model = study.models[name]
        assert model.config(point.settings, "") == model.config({}, "")


def test_a_base_may_be_named_and_a_file_beside_the_study_wins(write_study):
    named = TREE | {"base": "density_tree"}
    path = write_study(models={"tree": named})
    beside = path.parent / "density_tree.yaml"
    beside.write_text(beside.read_text().replace("name: density_tree", "name: mine"))
    assert load_study(path).models["tree"].config({}, "").name == "mine"
    beside.unlink()
    assert load_study(path).models["tree"].base.resolve() == (CONFIGS / "density_tree.yaml").resolve()


def test_a_base_outside_of_its_space_is_no_candidate(write_study):
    narrow = PAIRS | {"space": {"model.pair_tables.epochs": {"range": [2, 5]}}}
    assert [point.model for point in bases(load_study(write_study(models={"tree": TREE, "pairs": narrow})))] == ["tree"]


def test_corners_are_the_ends_first(study):
    first, last, *others = corners(study, study.models["tree"])
    assert first.parameters == {"model.density.trees.0.smoothing": 1e-6, "model.density.trees.0.populated": 3}
    assert last.parameters == {"model.density.trees.0.smoothing": 1e-2, "model.density.trees.0.populated": 30}
    assert all(1e-6 <= point.parameters["model.density.trees.0.smoothing"] <= 1e-2 for point in others)


def test_a_configuration_file_is_what_was_meant(study, tmp_path):
    point = study.point("tree", {"model.density.trees.0.smoothing": 1.25e-4, "model.density.trees.0.populated": 3})
    settings = study.trained(point, 17, 0)
    path = tmp_path / "elsewhere" / "point.yaml"
    path.parent.mkdir()
    path.write_text(study.text(point, settings, "first\nsecond"))
    config = load_config(path)
    assert config == study.models["tree"].config(settings, "")
    assert (config.name, config.model.density.trees[0].smoothing, config.model.density.trees[0].populated) == ("tiny_0017", 1.25e-4, 3)
    assert path.read_text().startswith("# first\n# second\n")


def test_files_that_a_base_names_are_the_same_from_anywhere(write_study, tmp_path):
    models = {"tree": TREE | {"set": TREE["set"] | {"data.source": "collisions"}}}
    study = load_study(write_study(models=models))
    point = next(iter(corners(study, study.models["tree"])))
    content = yaml.safe_load(study.text(point, study.trained(point, 0, 0), ""))
    assert content["data"]["source"] == str(tmp_path / "collisions")


def test_shorter_trainings_have_a_part_of_the_epochs(write_study):
    models = {"net": {"base": "crossing_ae.yaml"}, "pairs": PAIRS, "tree": TREE}
    study = load_study(write_study(models=models, halving={"rungs": 3, "eta": 3}))
    whole = load_config(CONFIGS / "crossing_ae.yaml").training
    point = study.point("net", {})
    short = [study.models["net"].config(study.trained(point, 0, rung), "").training for rung in range(3)]
    expected = [-(-whole.float_phase.epochs // 9), -(-whole.float_phase.epochs // 3), whole.float_phase.epochs]
    assert [one.float_phase.epochs for one in short] == expected
    assert "model.pair_tables.epochs" in study.trained(study.point("pairs", {}), 0, 0)
    assert study.trained(study.point("tree", {}), 4, 0) == {"name": "tiny_0004"}
    assert [study.last_rung(name) for name in ("net", "pairs", "tree")] == [2, 2, 0]


def test_dimensions_may_depend_on_others(write_study):
    space = {
        "shape": {"sets": {"none": {"model.encoder": [], "model.decoder": []}, "one": {"model.encoder": [8], "model.decoder": [8]}}},
        "model.activation_bits": {"range": [4, 6], "when": {"shape": "one"}},
        "model.latent_bits": {"choices": [5], "when": {"model.encoder": [[8]]}},
    }
    study = load_study(write_study(models={"net": {"base": "crossing_ae.yaml", "space": space}}))
    for point in corners(study, study.models["net"]):
        assert (
            ("model.activation_bits" in point.parameters)
            == ("model.latent_bits" in point.parameters)
            == (point.parameters["shape"] == "one")
        )


def changed(**changes) -> dict:
    return STUDY | changes


def space(**dimensions) -> dict:
    return changed(models={"tree": TREE | {"space": dimensions}})


def net(**dimensions) -> dict:
    return changed(models={"net": {"base": "crossing_ae.yaml", "space": dimensions}})


def test_a_step_may_leave_out_the_upper_end(write_study):
    load_study(write_study(**net(**{"model.weight_bits": {"range": [2, 17], "step": 2}})))
    with pytest.raises(UserError, match=r"\(value: 18\)"):
        load_study(write_study(**net(**{"model.weight_bits": {"range": [2, 19], "step": 2}})))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (changed(trails=3), "unknown key 'trails'; did you mean 'trials'"),
        (changed(models={}), "models"),
        (changed(models={"a/b": TREE}), "'a/b' must be a name"),
        (changed(name="../up"), "model name"),
        (changed(models={"tree": TREE | {"base": "nothing.yaml"}}), "models.tree.base: .*nothing.yaml' does not exist"),
        (changed(models={"tree": TREE | {"base": "study.yaml"}}), "unknown key"),
        (changed(models={"tree": TREE | {"set": {"model.latents": 3}}}), "models.tree: unknown key 'model.latents'"),
        (changed(models={"tree": TREE | {"set": TREE["set"] | {"model.density.trees.7.bins": 3}}}), "'7' is no place in a list"),
        (space(**{"model.latnt": {"range": [1, 2]}}), "space.model.latnt: unknown key 'model.latnt'"),
        (space(**{"model.table_type": {"choices": []}}), "choices"),
        (space(**{"model.table_type": {"choices": ["ufixed<7,5>", "ufixed<7,5>"]}}), "given twice"),
        (space(**{"model.table_type": {"choices": ["nothing", "neither"]}}), "space.model.table_type"),
        (net(**{"model.weight_bits": {"range": [1, 8]}}), r"space.model.weight_bits: .*greater than or equal to 2 \(value: 1\)"),
        (net(**{"model.weight_bits": {"range": [8, 20]}}), r"space.model.weight_bits: .*less than or equal to 16 \(value: 20\)"),
        (net(**{"model.weight_bits": {"choices": [4, 40]}}), r"space.model.weight_bits: .*less than or equal to 16 \(value: 40\)"),
        (net(bits={"sets": {"a": {"model.weight_bits": 4}, "b": {"model.weight_bits": 40}}}), r"space.bits: .*\(value: 40\)"),
        (net(**{"model.weight_bits": {"range": [8, 20], "when": {"model.latent": 3}}}), r"less than or equal to 16 \(value: 20\)"),
        (space(**{"model.target_fpr": {"range": [0.3, 0.1]}}), r"range \[0.3, 0.1\] is empty"),
        (space(**{"model.target_fpr": {"range": [0, 0.1], "log": True}}), "no logarithm"),
        (space(**{"model.target_fpr": {"range": [0.1, 0.3], "choices": [1]}}), "either choices, a range or sets"),
        (space(**{"model.target_fpr": {}}), "either choices, a range or sets"),
        (space(**{"version": {"range": [1, 5], "step": 0.5}}), "no step of 0.5"),
        (space(name={"choices": ["a"]}), "the search names its candidates"),
        (space(**{"version": {"range": [1, 5], "when": {"shape": "one"}}}), "'shape' is no dimension further up"),
        (changed(objectives=[]), "objectives"),
        (changed(objectives=[{"quantity": "auc"}]), "quantity"),
        (changed(objectives=[{"quantity": "lut", "khz": 1}]), "khz has no effect on lut"),
        (changed(objectives=[{"quantity": "lut"}, {"quantity": "lut"}]), "once only"),
        (changed(budget={"dsp": 3}), "budget.dsp"),
        (changed(budget={"luts": 3}), "did you mean 'lut'"),
        (changed(sampler="grid"), "sampler"),
        (changed(halving={"rungs": 1}), "halving.rungs"),
    ],
)
def test_what_is_wrong_with_a_study_is_said_with_its_place(write_study, content, message):
    path = write_study(content)
    with pytest.raises(UserError, match=message) as caught:
        load_study(path)
    assert str(path) in str(caught.value)


def test_a_study_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"study '.*none.yaml' does not exist; `l1ae configs` lists those that come with l1ae"):
        load_study(tmp_path / "none.yaml")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget": {"lut": 20}}, r"budget: no candidate that was looked at fits; the nearest is of tree: lut: \d+ to \d+"),
        ({"budget": {"latency_cycles": 1}, "models": {"net": {"base": "dnn_ae.yaml"}}}, "no candidate that was looked at fits"),
    ],
)
def test_what_no_trial_should_find_out_is_found_before(write_study, changes, message):
    study = load_study(write_study(**changes))
    with pytest.raises(UserError, match=message):
        check_study(study)


def test_a_study_that_can_be_passes(study):
    check_study(study)


def test_objectives_need_signals(write_study, small_zero_bias, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "background.h5").symlink_to(small_zero_bias / "background.h5")
    study = load_study(write_study(set={"data.source": str(alone)}))
    with pytest.raises(UserError, match="its data have no signals; add some, or take an objective label_free"):
        check_study(study)
    check_study(load_study(write_study(set={"data.source": str(alone)}, objectives=[{"quantity": "label_free"}, {"quantity": "lut"}])))


def test_a_configuration_is_not_changed_by_its_candidates(study):
    before = Config.model_validate(study.models["tree"].content)
    for point in corners(study, study.models["tree"]):
        study.trained(point, 1, 0)
        study.models["tree"].config(point.settings, "")
    assert Config.model_validate(study.models["tree"].content) == before
    assert Path(study.models["tree"].base).is_file()
