"""The file of working points: examples, round trip, refusals."""

import json
from pathlib import Path

import pytest

from l1ae.errors import UserError
from l1ae.trigger import load_working_points, save_working_points

EXAMPLES = sorted(Path(__file__).parent.glob("example_*.json"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_survive_a_round_trip(path, tmp_path):
    save_working_points(tmp_path / "again.json", load_working_points(path))
    assert json.loads((tmp_path / "again.json").read_text()) == json.loads(path.read_text())


def test_a_point_is_found_by_its_name():
    result = load_working_points(EXAMPLES[-1])
    assert result.point("1kHz").requested_khz == 1.0
    with pytest.raises(UserError, match=r"no working point '2kHz'; there are 0\.001kHz, 0\.15kHz"):
        result.point("2kHz")
    with pytest.raises(UserError, match=r"'0\.001kHz' has no threshold: the sample cannot resolve"):
        result.point("0.001kHz")


def test_names_that_a_newer_version_adds_are_ignored(tmp_path):
    content = json.loads(EXAMPLES[-1].read_text())
    (tmp_path / "file.json").write_text(json.dumps(content | {"something": 1}))
    assert load_working_points(tmp_path / "file.json") == load_working_points(EXAMPLES[-1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: "{", "is damaged .*run `l1ae trigger` again"),
        (lambda content: "[]", "is damaged .it holds a list"),
        (lambda content: json.dumps(content | {"format": "x"}), "no file of working points"),
        (lambda content: json.dumps(content | {"format_version": 2}), "format_version 2, but this l1ae reads 1"),
        (lambda content: json.dumps(content | {"bunches": "many"}), "bunches: .* run `l1ae trigger` again"),
    ],
)
def test_other_files_are_refused(tmp_path, change, message):
    path = tmp_path / "file.json"
    path.write_text(change(json.loads(EXAMPLES[-1].read_text())))
    with pytest.raises(UserError, match=message):
        load_working_points(path)


def test_a_missing_file_names_the_command(tmp_path):
    with pytest.raises(UserError, match="run `l1ae trigger`"):
        load_working_points(tmp_path / "none.json")


def test_files_of_earlier_versions_do_not_name_their_menu(tmp_path):
    content = json.loads(EXAMPLES[0].read_text())
    del content["menu"]["name"]
    (tmp_path / "working_points.json").write_text(json.dumps(content))
    assert load_working_points(tmp_path / "working_points.json").menu.name is None
