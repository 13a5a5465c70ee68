"""Files that a configuration names, and YAML that nobody should read."""

import os
import time
from pathlib import Path

import pytest

from l1ae.config import load_config
from l1ae.documents import yaml_value
from l1ae.errors import UserError

CONFIG = """
name: tiny
model: {architecture: dense_ae, score: squared_error}
data: {source: mine}
trigger: {zero_bias: crossings.h5}
"""


def test_data_lie_relative_to_the_configuration_wherever_a_command_runs(tmp_path, monkeypatch):
    path = tmp_path / "study" / "config.yaml"
    path.parent.mkdir()
    path.write_text(CONFIG)
    found = []
    for folder in (tmp_path, path.parent, Path("/")):
        monkeypatch.chdir(folder)
        config = load_config(Path(os.path.relpath(path)))
        found.append((config.data.source, config.trigger.zero_bias))
    assert found == [(str(path.parent / "mine"), str(path.parent / "crossings.h5"))] * 3


def test_an_override_is_relative_to_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    config = load_config(tmp_path / "config.yaml", ("data.source=../other", "trigger.zero_bias=mine.h5"))
    assert (config.data.source, config.trigger.zero_bias) == (str(tmp_path / "here/../other"), str(tmp_path / "here/mine.h5"))


@pytest.mark.parametrize(("source", "crossings"), [("zerobias", "auto"), ("shipped", "data"), ("shipped_regions", "shipped")])
def test_names_of_what_comes_with_l1ae_are_no_files(tmp_path, source, crossings):
    (tmp_path / "config.yaml").write_text(CONFIG.replace("mine", source).replace("crossings.h5", crossings))
    config = load_config(tmp_path / "config.yaml")
    assert (config.data.source, config.trigger.zero_bias) == (source, crossings)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "more than 10,000,000 values"),
        ("a: &a [*a]", "more than 10,000,000 values"),
        ("a: " + "[" * 100_000, "nested too deeply"),
        ("a: 2026-99-99", "month must be in"),
        ("? [a, b]\n: 1\n? {c: d}\n: 2", "unhashable key"),
        ("a: " + "9" * 5_000, "integer string conversion"),
        ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("a: b: c", "mapping values are not allowed"),
        ("a: \x07", "unacceptable character"),
    ],
)
def test_yaml_that_is_none_or_has_no_end_is_refused_at_once(tmp_path, text, reason):
    begin = time.process_time()
    with pytest.raises(ValueError, match=reason):
        yaml_value(text)
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(UserError, match=f"config.yaml' is no valid YAML: (.|\n)*{reason}"):
        load_config(tmp_path / "config.yaml")
    assert time.process_time() - begin < 10


def test_aliases_are_fine():
    assert yaml_value("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "config.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(UserError, match="is no valid YAML: 'utf-8' codec"):
        load_config(tmp_path / "config.yaml")


@pytest.mark.parametrize("value", [".inf", "-.inf", ".nan", "1e999"])
def test_numbers_that_are_none_are_refused(tmp_path, value):
    (tmp_path / "config.yaml").write_text("name: tiny")
    with pytest.raises(UserError, match=r"model\.target_fpr"):
        load_config(tmp_path / "config.yaml", (f"model.target_fpr={value}",))


@pytest.mark.parametrize(
    ("override", "said", "remedy"),
    [
        ("model.encoder=32,24,16", "model.encoder: must be a list; write for example [32,24,16] (value: '32,24,16')", "[32,24,16]"),
        ("model.encoder=32", "model.encoder: must be a list; write for example [32] (value: 32)", "[32]"),
        ("model=3", "model: must be a section with keys of its own (value: 3)", "{architecture: dense_ae, score: squared_error}"),
    ],
)
def test_values_of_another_kind_are_said_in_words_of_yaml_and_the_remedy_works(tmp_path, override, said, remedy):
    (tmp_path / "config.yaml").write_text("name: tiny\nmodel: {architecture: dense_ae, score: squared_error}")
    with pytest.raises(UserError) as error:
        load_config(tmp_path / "config.yaml", (override,))
    assert said in str(error.value)
    key = override.partition("=")[0]
    load_config(tmp_path / "config.yaml", (f"{key}={remedy}",))
