"""The run folder: atomic stages, a truthful manifest, nothing done twice."""

import json
import subprocess
import sys

import pytest

from l1ae.errors import UserError
from l1ae.pipeline import Run, evaluate_stage, report_stage, run_all, train_stage


@pytest.fixture
def run(make_config, tmp_path):
    return Run.create(make_config(), tmp_path / "run")


def _fill(text):
    def make(folder):
        (folder / "result.txt").write_text(text)
        return text

    return make


def test_configuration_survives_a_reopening(run):
    assert Run.open(run.folder).config == run.config


def test_a_stage_is_current_until_an_input_or_output_changes(run):
    assert not run.is_current("hls", {"a": "1"})
    assert run.produce("hls", {"a": "1"}, _fill("x")) == "x"
    assert run.is_current("hls", {"a": "1"})
    assert not run.is_current("hls", {"a": "2"})
    (run.path("hls") / "result.txt").write_text("tampered")
    assert not run.is_current("hls", {"a": "1"})


def test_files_that_a_tool_adds_do_not_make_a_stage_stale(run):
    run.produce("hls", {"a": "1"}, _fill("x"))
    (run.path("hls") / "vendor.log").write_text("42")
    assert run.is_current("hls", {"a": "1"})


def test_a_failing_stage_leaves_the_previous_result(run):
    def fail(folder):
        (folder / "result.txt").write_text("half")
        raise RuntimeError("no")

    run.produce("hls", {"a": "1"}, _fill("whole"))
    with pytest.raises(RuntimeError):
        run.produce("hls", {"a": "2"}, fail)
    assert (run.path("hls") / "result.txt").read_text() == "whole"
    assert run.is_current("hls", {"a": "1"})


def test_a_first_stage_that_fails_leaves_no_result(run):
    with pytest.raises(ZeroDivisionError):
        run.produce("hls", {}, lambda folder: 1 / 0)
    assert not run.path("hls").exists()


def test_resume_hands_over_the_unfinished_folder(run):
    def interrupted(folder):
        (folder / "half.txt").write_text("half")
        raise KeyboardInterrupt

    def names(folder):
        return sorted(path.name for path in folder.iterdir())

    assert not run.can_resume("train", {"a": "1"})
    with pytest.raises(KeyboardInterrupt):
        run.produce("train", {"a": "1"}, interrupted, resumable=True)
    assert run.can_resume("train", {"a": "1"})
    assert not run.can_resume("train", {"a": "2"})
    assert run.produce("train", {"a": "1"}, names, resume=True) == ["half.txt"]
    assert not run.can_resume("train", {"a": "1"})
    assert run.produce("train", {"a": "1"}, names, resume=False) == []


def test_manifest_says_what_was_made_from_what(run):
    run.produce("hls", {"a": "1"}, _fill("x"))
    entry = json.loads((run.folder / "manifest.json").read_text())["stages"]["hls"]
    assert entry["inputs"] == {"a": "1"}
    assert entry["outputs"] == {"result.txt": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}  # sha256 of "x"
    assert {"python", "tensorflow", "hls4ml", "numpy"} <= set(entry["tools"])
    assert entry["seconds"] >= 0
    assert entry["git"]


def test_a_folder_that_is_no_run_is_refused(make_config, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match=r"exists and is no run folder .* choose another one with --run"):
        Run.create(make_config(), tmp_path)
    with pytest.raises(UserError, match=r"is no run folder .* make one with `l1ae train"):
        Run.open(tmp_path)


HOLD = """
import sys, time
from pathlib import Path
from l1ae.files import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_on_a_run_folder_is_told_who_holds_it(make_config, run):
    with subprocess.Popen([sys.executable, "-c", HOLD, run.folder], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        for stage in (
            lambda: train_stage(make_config(seed=2), run.folder),
            lambda: run_all(make_config(seed=2), run.folder),
            lambda: evaluate_stage(run),
            lambda: report_stage(run),
            lambda: run.produce("hls", {}, _fill("x")),
        ):
            with pytest.raises(UserError, match=f"'{run.folder}' is being written by process {other.pid} on "):
                stage()
        other.kill()
    assert run.produce("hls", {}, _fill("x")) == "x"
    assert sorted(path.name for path in run.folder.iterdir()) == ["config.yaml", "hls", "manifest.json"]


def test_what_a_first_attempt_could_not_write_does_not_spoil_the_folder(make_config, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / ".config.yaml.tmp").write_text("half")
    assert Run.create(make_config(), folder).folder == folder
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match="exists and is no run folder"):
        Run.create(make_config(), tmp_path / "other")


def test_a_stage_that_did_not_finish_or_was_edited_is_not_read(run):
    with pytest.raises(UserError, match=r"the run's manifest knows nothing of '.*hls'; make it with `l1ae hls`"):
        run.check("hls", "l1ae hls")
    run.produce("hls", {}, _fill("x"))
    run.check("hls", "l1ae hls")
    (run.path("hls") / "result.txt").write_text("y")
    with pytest.raises(UserError, match=r"result.txt' is not as it was left, by its sha256 in the run's manifest; run `l1ae hls` again"):
        run.check("hls", "l1ae hls")
    (run.path("hls") / "result.txt").unlink()
    with pytest.raises(UserError, match=r"result.txt' is gone; run `l1ae hls` again"):
        run.check("hls", "l1ae hls")


@pytest.mark.parametrize("text", ["{", "[]", '{"project": "x", "stages": {"train": {"seconds": -1}}}', '{"project": 3}'])
def test_a_damaged_manifest_is_named_with_its_remedy(run, text):
    (run.folder / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=r"manifest.json' is .*; remove it, and the stages will be made again"):
        run.manifest.stages  # noqa: B018


def test_a_stage_that_fails_leaves_nothing_behind_but_what_can_be_resumed(run):
    def refuse(folder):
        (folder / "result.txt").write_text("half")
        raise UserError("no")

    with pytest.raises(UserError):
        run.produce("latent", {"a": "1"}, refuse)
    assert sorted(path.name for path in run.folder.iterdir()) == ["config.yaml"]
    with pytest.raises(UserError):
        run.produce("train", {"a": "1"}, refuse, resumable=True)
    assert run.can_resume("train", {"a": "1"})
