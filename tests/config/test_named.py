"""Configurations by name: which file is meant, what is listed, and that a copy of one works anywhere."""

import logging
import shutil
from pathlib import Path

import pytest
import yaml

from l1ae.config import _named as named
from l1ae.config import config_names, config_text, config_title, find_config, load_config
from l1ae.data.generator import GeneratorConfig
from l1ae.documents import load_yaml
from l1ae.errors import UserError
from l1ae.search import load_study

CONFIGS = Path(__file__).parents[2] / "configs"
KINDS = {"configuration": ("", "inputs"), "study": ("studies",), "generator configuration": ("generator",), "description": ("imported",)}


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_file_of_the_folder_has_a_name():
    files = {path.relative_to(CONFIGS) for path in CONFIGS.rglob("*.yaml")}
    found = {Path(place) / f"{name}.yaml" for kind, places in KINDS.items() for place in places for name in config_names(kind)}
    assert files <= found
    for kind, places in KINDS.items():
        stems = [path.stem for place in places for path in (CONFIGS / place).glob("*.yaml")]
        assert sorted(stems) == list(config_names(kind)), "two files of one kind have one name"


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_found_anywhere(kind, elsewhere):
    for name in config_names(kind):
        path = find_config(name, kind)
        assert path.stem == name
        assert find_config(f"{path.parent.name}/{name}" if path.parent != CONFIGS else name, kind) == path


def test_they_are_what_their_kind_says(elsewhere):
    for name in config_names():
        assert load_config(find_config(name)).name == name
    for name in config_names("study"):
        assert load_study(find_config(name, "study")).config.name == name
    for name in config_names("generator configuration"):
        load_yaml(GeneratorConfig, find_config(name, "generator configuration"))


@pytest.mark.parametrize("file", ["dnn_ae", "dnn_ae.yaml"])
def test_a_file_in_the_working_directory_wins_and_that_is_said(file, elsewhere, caplog):
    caplog.set_level(logging.INFO, "l1ae")
    (elsewhere / file).write_text("name: mine\n")
    assert find_config("dnn_ae") == Path(file)
    assert caplog.messages == [f"'{file}' is taken, and not the configuration 'dnn_ae' that comes with l1ae"]


def test_a_folder_does_not_and_nothing_is_said_of_a_path(elsewhere, caplog):
    caplog.set_level(logging.INFO, "l1ae")
    (elsewhere / "dnn_ae").mkdir()
    assert find_config("dnn_ae") == CONFIGS / "dnn_ae.yaml"
    shutil.copy(CONFIGS / "dnn_ae.yaml", elsewhere / "mine.yaml")
    assert find_config("mine.yaml") == Path("mine.yaml")
    assert find_config(elsewhere / "mine.yaml") == elsewhere / "mine.yaml"
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        (
            "dnn_aee",
            "configuration",
            "'dnn_aee': there is no such file, and none of that name comes with l1ae; did you mean dnn_ae",
        ),
        ("one_crosing", "study", "study 'one_crosing': there is no such file, .* did you mean one_crossing"),
        ("one_crossing", "configuration", "configuration 'one_crossing': there is no such file"),
        ("zzz", "configuration", "configuration 'zzz': .*; `l1ae configs` lists those that come with l1ae"),
        ("dnn_ae.yaml", "configuration", "configuration 'dnn_ae.yaml' does not exist; the one that comes with l1ae is called dnn_ae$"),
        ("configs/dnn_ae.yaml", "configuration", "configuration 'configs/dnn_ae.yaml' does not exist; .* is called dnn_ae$"),
        ("some/where/record_a.yaml", "configuration", "'some/where/record_a.yaml' does not exist; did you mean record_ae"),
    ],
)
def test_what_is_neither_is_refused_with_the_nearest_names(source, kind, message, elsewhere):
    with pytest.raises(UserError, match=message):
        find_config(source, kind)


def test_a_copy_of_one_works_anywhere(elsewhere):
    for name in ("cms_like", "record_ae", "dnn_ae"):
        Path(f"my_{name}.yaml").write_text(config_text(name))
        assert load_config(Path(f"my_{name}.yaml")).model == load_config(find_config(name)).model
    for name in config_names("study"):
        Path(f"my_{name}.yaml").write_text(config_text(name))
        copy, original = load_study(Path(f"my_{name}.yaml")), load_study(find_config(name, "study"))
        assert {one.base.resolve() for one in copy.models.values()} == {one.base.resolve() for one in original.models.values()}


def test_the_text_of_a_description_is_had_by_its_folder():
    assert yaml.safe_load(config_text("imported/cms_like"))["layers"]
    assert yaml.safe_load(config_text("cms_like"))["model"]["architecture"] == "imported"
    with pytest.raises(UserError, match=r"'no_such': .*`l1ae configs` lists"):
        config_text("no_such")


def test_data_that_do_not_come_along_are_relative_to_the_working_directory(elsewhere):
    assert load_config(find_config("record_ae")).data.source == str(elsewhere / "data" / "record")
    Path("mine.yaml").write_text("name: mine\ndata: {source: record}\nmodel: {architecture: dense_ae, score: squared_error}\n")
    assert load_config(Path("mine.yaml")).data.source == str(elsewhere / "record")


@pytest.mark.parametrize("name", [*config_names(), *config_names("study"), *config_names("generator configuration")])
def test_every_one_has_a_title_of_one_line(name):
    title = config_title(name)
    assert 15 < len(title) <= 125
    assert title.count("(") == title.count(")")
    assert not title.endswith((".", ":", ","))


def test_a_wheel_has_them_beside_the_package(tmp_path, monkeypatch):
    shutil.copytree(CONFIGS, tmp_path / "configs")
    monkeypatch.setattr(named, "_FOLDERS", (tmp_path / "configs", tmp_path / "none"))
    assert find_config("dnn_ae") == tmp_path / "configs" / "dnn_ae.yaml"
    assert load_config(find_config("cms_like")).model.source == str(tmp_path / "configs" / "imported" / "cms_like.yaml")
