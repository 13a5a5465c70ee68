"""The files beside the code: citation, changelog, release, hooks, workflows, templates and the container file."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import l1ae

ROOT = Path(__file__).parents[2]
PYTHONS = ["3.11", "3.12", "3.13"]


def content(name):
    return yaml.safe_load((ROOT / name).read_text())


# -- citation, changelog, releases ---------------------------------------------------------------------------------------


def test_the_citation_has_what_the_format_asks_for_and_the_version_of_the_package():
    citation = content("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation), "required by the schema of version 1.2.0"
    assert citation["cff-version"] == "1.2.0"
    assert str(citation["version"]) == l1ae.__version__
    assert citation["authors"] == [{"name": "l1ae developers"}]
    assert citation["license"] == "Apache-2.0"
    assert citation["type"] == "software"
    known = {"abstract", "authors", "cff-version", "date-released", "keywords", "license", "message", "title", "type", "version"}
    assert set(citation) <= known, "or another key of the schema, which forbids all others"


def headings():
    return re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_changelog_has_its_form():
    first, *versions = headings()
    assert first == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", version) for version in versions)
    parts = set(re.findall(r"^### (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE))
    assert parts <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    numbers = [tuple(map(int, re.findall(r"\d+", version.partition(" ")[0]))) for version in versions]
    assert numbers == sorted(numbers, reverse=True)


def test_the_version_is_written_in_the_sources_and_in_the_citation_only():
    """Whatever else names it (metadata of the wheel, `l1ae --version`) reads it there."""
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert 'dynamic = ["version"]' in pyproject
    assert 'path = "l1ae/__init__.py"' in pyproject
    assert f'"{l1ae.__version__}"' not in pyproject


@pytest.fixture
def sources(tmp_path):
    """What a release changes, in a copy."""
    for name in (".ci/release", "l1ae/__init__.py", "CHANGELOG.md", "CITATION.cff"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)

    def release(*arguments):
        command = [sys.executable, tmp_path / ".ci" / "release", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return tmp_path, release


def test_a_release_writes_version_and_date_everywhere_and_its_tag_is_checked(sources):
    folder, release = sources
    assert release("--check", "v9.8.7").returncode == 1
    made = release("9.8.7")
    assert made.returncode == 0, made.stderr
    assert "git tag -a v9.8.7" in made.stdout
    assert '__version__ = "9.8.7"' in (folder / "l1ae/__init__.py").read_text()
    citation = yaml.safe_load((folder / "CITATION.cff").read_text())
    assert citation["version"] == "9.8.7"
    changes = (folder / "CHANGELOG.md").read_text()
    assert f"## [Unreleased]\n\n## [9.8.7] - {citation['date-released'].isoformat()}\n" in changes
    assert release("--check", "v9.8.7").returncode == 0
    wrong = release("--check", "v9.8.8")
    assert "tag v9.8.8 is not v9.8.7" in wrong.stderr
    assert "CHANGELOG.md has a version 9.8.7 already" in release("9.8.7").stderr
    assert "says nothing under Unreleased" in release("9.8.8").stderr
    assert "'9.8' is no version X.Y.Z" in release("9.8").stderr


# -- hooks -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_hooks_of_a_commit_find_what_is_wrong_without_a_network(tmp_path):
    bin_folder = Path(sys.executable).parent
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(bin_folder)
    for name in (".pre-commit-config.yaml", "pyproject.toml", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "l1ae").mkdir()
    (tmp_path / "l1ae" / "__init__.py").write_text('"""A package."""\n\n__all__ = ["half"]\n')
    module = tmp_path / "l1ae" / "_half.py"
    right = '"""A module."""\n\n__all__ = ["half"]\n\n\ndef half(x: float) -> float:\n    """Half of x."""\n    return x / 2\n'
    module.write_text(right)
    environment = {**os.environ, "HOME": str(tmp_path), "PRE_COMMIT_HOME": str(tmp_path / "hooks"), "http_proxy": "http://127.0.0.1:9"}
    environment |= {f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def run(*command):
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        assert run(*command).returncode == 0
    hooks = [sys.executable, "-m", "pre_commit", "run", "--all-files"]
    done = run(*hooks)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Passed") == 3
    for wrong, hook in (("x  /  2", "ruff format"), ("x / 2  # noqa", "ruff check"), ('"x / 2"', "mypy")):
        module.write_text(right.replace("x / 2", wrong))
        run("git", "add", "l1ae")
        done = run(*hooks)
        assert done.returncode == 1, hook
        assert re.search(rf"{hook}\.+Failed", done.stdout), done.stdout


# -- workflows ---------------------------------------------------------------------------------------------------------


def test_the_workflow_for_github_runs_what_ci_runs_with_every_python():
    workflow = content(".github/workflows/ci.yml")
    job = workflow["jobs"]["check"]
    assert job["strategy"]["matrix"]["python"] == PYTHONS
    assert job["env"]["PYTHON"] == "python${{ matrix.python }}"
    assert [step["run"] for step in job["steps"] if "run" in step][-1] == ".ci/run"
    # YAML reads the word "on" as true
    assert {"push", "pull_request"} <= set(workflow[True])


def test_the_pipeline_for_gitlab_runs_what_ci_runs_with_every_python():
    job = content(".gitlab-ci.yml")["check"]
    assert job["parallel"]["matrix"] == [{"PYTHON_VERSION": PYTHONS}]
    assert job["variables"]["PYTHON"] == "python${PYTHON_VERSION}"
    assert job["script"][-1] == ".ci/run"


def test_pythons_of_workflows_are_those_of_the_package():
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert re.findall(r"Python :: (3\.\d+)", pyproject) == PYTHONS


def test_ci_takes_the_python_that_a_workflow_names():
    environment = {**os.environ, "PYTHON": "python-of-the-workflow"}
    command = ["make", "-n", "-B", ".venv/.complete"]
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert "python-of-the-workflow -m venv .venv" in said


@pytest.mark.parametrize("name", [".ci/run", ".ci/release"])
def test_what_workflows_call_can_be_run(name):
    assert os.access(ROOT / name, os.X_OK)


# -- templates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bug", "wrong_number", "input_format"])
def test_templates_of_issues_are_forms(name):
    form = content(f".github/ISSUE_TEMPLATE/{name}.yml")
    assert {"name", "description", "body"} <= set(form)
    ids = [item["id"] for item in form["body"] if item["type"] != "markdown"]
    assert len(ids) == len(set(ids)) > 2
    assert {item["type"] for item in form["body"]} <= {"input", "textarea", "dropdown", "checkboxes", "markdown"}
    assert any(item.get("validations", {}).get("required") for item in form["body"])


def test_the_template_of_pull_requests_names_commands_that_exist():
    text = (ROOT / ".github/pull_request_template.md").read_text()
    targets = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    assert set(re.findall(r"`make (\w+)`", text)) <= set(targets.split())


# -- container ---------------------------------------------------------------------------------------------------------


def instructions():
    """The container file, one instruction with its argument each."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Containerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def test_the_container_is_made_of_debian_and_of_what_the_makefile_installs():
    found = instructions()
    assert found[0] == ("FROM", "debian:bookworm-slim")
    assert {kind for kind, _ in found} <= {"FROM", "RUN", "COPY", "WORKDIR", "ENTRYPOINT", "CMD"}
    commands = [argument for kind, argument in found if kind == "RUN"]
    assert "make .venv/.complete" in commands
    packages = set(shlex.split(commands[0].partition("--no-install-recommends")[2].partition("&&")[0]))
    assert {"python3", "python3-venv", "g++", "make", "ghdl", "perl", "tcl"} <= packages
    assert not [argument for argument in commands if "://" in argument or "curl" in argument or "wget" in argument]


def test_no_file_names_the_host_of_a_registry():
    names = ("Containerfile", ".gitlab-ci.yml", ".github/workflows/ci.yml", ".pre-commit-config.yaml", "CONTRIBUTING.md")
    for name in names:
        hosts = set(re.findall(r"https?://([\w.-]+)", (ROOT / name).read_text()))
        assert hosts <= {"semver.org"}, f"{name}: {hosts}"
