"""Projects on disk."""

import json
from dataclasses import asdict

import pytest

from l1ae.errors import UserError
from l1ae.rtl import DESCRIPTION, RtlProject, open_design

from .toy import toy_project


def test_what_is_written_is_read(tmp_path):
    project = toy_project(4)
    project.write(tmp_path / "rtl")
    again = open_design(tmp_path / "rtl")
    assert again == RtlProject(project.design, {name: project.files[name] for name in again.files}, project.verilog, project.vhdl)
    content = json.loads((tmp_path / "rtl" / DESCRIPTION).read_text())
    assert content["design"] == asdict(project.design)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rtl"]


def test_files_that_no_compiler_reads_are_written_too(tmp_path):
    project = toy_project()
    files = {**project.files, "toy_v1.xdc": "create_clock\n"}
    RtlProject(project.design, files, project.verilog, project.vhdl).write(tmp_path / "rtl")
    assert (tmp_path / "rtl" / "toy_v1.xdc").read_text() == "create_clock\n"
    assert "toy_v1.xdc" not in open_design(tmp_path / "rtl").files


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "rtl").mkdir()
    toy_project().write(tmp_path / "rtl")
    assert open_design(tmp_path / "rtl").design == toy_project().design


def test_an_unfinished_attempt_is_cleared_away(tmp_path):
    (tmp_path / "rtl.tmp").mkdir()
    (tmp_path / "rtl.tmp" / "rest").write_text("old")
    toy_project().write(tmp_path / "rtl")
    assert not (tmp_path / "rtl" / "rest").exists()
    assert not (tmp_path / "rtl.tmp").exists()


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("text")
    with pytest.raises(UserError, match="is not empty; remove it, or write the RTL elsewhere"):
        toy_project().write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_changed_source_is_read_as_it_is(tmp_path):
    toy_project().write(tmp_path / "rtl")
    (tmp_path / "rtl" / "src" / "toy_v1.v").write_text("module")
    assert open_design(tmp_path / "rtl").files["src/toy_v1.v"] == "module"


def test_no_design(tmp_path):
    with pytest.raises(UserError, match=r"there is no RTL in '.*'; run `l1ae rtl` first"):
        open_design(tmp_path)


def damage(content, what):
    match what:
        case "field":
            del content["design"]["latency"]
        case "list":
            del content["vhdl"]
        case "type":
            content["design"] = 7
        case "names":
            content["verilog"] = 3
        case "outside":
            content["verilog"] = ["../../etc/passwd"]
        case "negative":
            content["design"]["latency"] = -1
        case "true":
            content["design"]["threshold"] = True


@pytest.mark.parametrize("what", ["field", "list", "type", "names", "outside", "negative", "true"])
def test_a_damaged_description(tmp_path, what):
    toy_project().write(tmp_path / "rtl")
    path = tmp_path / "rtl" / DESCRIPTION
    content = json.loads(path.read_text())
    damage(content, what)
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"design.json' is no description of RTL of this version \(.+\); run `l1ae rtl` again"):
        open_design(tmp_path / "rtl")


@pytest.mark.parametrize("text", ["", "{", "[]", "3"])
def test_a_description_that_is_none(tmp_path, text):
    toy_project().write(tmp_path / "rtl")
    (tmp_path / "rtl" / DESCRIPTION).write_text(text)
    with pytest.raises(UserError, match="is damaged"):
        open_design(tmp_path / "rtl")


def test_a_missing_source(tmp_path):
    toy_project().write(tmp_path / "rtl")
    (tmp_path / "rtl" / "src" / "toy_v1.vhd").unlink()
    with pytest.raises(UserError, match=r"is missing or damaged \(.*toy_v1.vhd.*\); run `l1ae rtl` again"):
        open_design(tmp_path / "rtl")
