"""What runs where TensorFlow, Keras and QKeras are not installed: models made of tables, and everything that reads a run."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml

from l1ae.config import dump_config
from l1ae.pipeline import contract_stage, csim_stage, deliver_stage, hls_stage, train_stage

pytestmark = pytest.mark.slow

# Read by every Python of a process and its children when it starts.
REFUSING = """
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"tensorflow", "keras", "qkeras", "tensorboard"}:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

sys.meta_path.insert(0, Refusing())
"""

MISSING = "is not installed; a Keras model needs it: pip install 'l1ae[train]'"


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Run Python with some code and arguments, where these packages are missing."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(REFUSING)
    path = os.pathsep.join([str(folder), *sys.path])

    def run(code, *arguments):
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": path})

    return run


@pytest.fixture(scope="module")
def l1ae(python):
    """Run a command, and return what it prints where it succeeds."""

    def run(*arguments):
        result = python("from l1ae.cli import main; main()", *arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    return run


@pytest.fixture(scope="module")
def tree(make_config, tmp_path_factory):
    """The configuration of a density tree."""
    model = {"architecture": "density_tree", "score": "surprisal", "target_fpr": 0.05}
    config = make_config(model=model, inputs={"select": {"features": ["pt"]}}, training={}, csim={"events": 500}, rtl={"crossings": 1})
    path = tmp_path_factory.mktemp("configs") / "tree.yaml"
    path.write_text(dump_config(config))
    return path


@pytest.fixture(scope="module")
def run(l1ae, tree, tmp_path_factory):
    """A run of it down to its deliveries and the comparison of them all."""
    folder = tmp_path_factory.mktemp("runs") / "tree"
    l1ae("run", tree, "--run", folder)
    l1ae("run", tree, "--run", folder, "--to", "verify")
    return folder


@pytest.fixture(scope="module")
def of_keras(make_config, tmp_path_factory):
    """A run of an autoencoder, made with Keras, and its delivery."""
    made = train_stage(make_config(csim={"events": 500}), tmp_path_factory.mktemp("runs") / "keras")
    for stage in (contract_stage, hls_stage, csim_stage):
        stage(made)
    deliver_stage(made, "cmssw")
    return made.folder


@pytest.mark.parametrize("package", ["tensorflow", "keras", "qkeras", "tensorboard"])
def test_the_packages_are_missing(package, python):
    assert f"No module named '{package}'" in python(f"import {package}").stderr


def test_a_density_tree_from_collisions_to_verified_deliveries(run):
    assert (run / "report.html").is_file()
    assert {path.name for path in (run / "delivery").iterdir()} >= {"cmssw", "ugt"}
    assert '"mismatches": 0' in (run / "csim" / "report.json").read_text()
    assert '"passed": true' in (run / "verification" / "report.json").read_text()


@pytest.mark.parametrize(
    "command",
    [
        ("estimate", "{tree}"),
        ("estimate", "{run}"),
        ("evaluate", "{run}"),
        ("trigger", "{run}"),
        ("baselines", "{run}"),
        ("verify", "{run}/delivery/ugt"),
        ("verify", "{run}", "--events", "500"),
        ("report", "{run}"),
    ],
    ids=" ".join,
)
def test_commands_on_a_density_tree(command, l1ae, tree, run):
    assert l1ae(*(word.format(tree=tree, run=run) for word in command))


@pytest.mark.parametrize(
    "command",
    [("estimate", "{run}"), ("trigger", "{run}"), ("baselines", "{run}"), ("report", "{run}"), ("verify", "{run}/delivery")],
    ids=" ".join,
)
def test_commands_on_a_run_of_keras(command, l1ae, of_keras):
    assert l1ae(*(word.format(run=of_keras) for word in command))


@pytest.mark.exhaustive
def test_runs_are_compared(l1ae, run, of_keras, tmp_path):
    assert l1ae("compare", run, of_keras, "-o", tmp_path / "both.html")
    assert (tmp_path / "both.html").is_file()


@pytest.mark.parametrize(
    "command", [("evaluate", "{run}"), ("train", "{config}"), ("run", "{config}"), ("estimate", "{config}")], ids=" ".join
)
def test_what_computes_with_a_keras_model_says_what_to_install(command, python, of_keras, tmp_path):
    shutil.copy(of_keras / "config.yaml", tmp_path / "config.yaml")
    words = [word.format(run=of_keras, config=tmp_path / "config.yaml") for word in command]
    more = ["--run", tmp_path / "run"] if command[0] in {"train", "run"} else []
    result = python("from l1ae.cli import main; main()", *words, *more)
    assert result.returncode == 2
    assert MISSING in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_a_table_becomes_a_store(l1ae, tmp_path):
    np.savez(tmp_path / "events.npz", met_pt=np.arange(20, dtype=np.int64))
    layout = {
        "name": "met",
        "groups": [{"name": "met", "kind": "sums", "slots": 1, "features": [{"name": "pt", "bits": 12, "role": "energy"}]}],
    }
    (tmp_path / "met.yaml").write_text(yaml.safe_dump(layout))
    mapping = {"groups": {"met": {"pt": "met_pt"}}}
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(mapping))
    store = tmp_path / "out.h5"
    options = ("--layout", tmp_path / "met.yaml", "--map", tmp_path / "map.yaml")
    assert "20 events" in l1ae("data", "import", tmp_path / "events.npz", "-o", store, *options)
    assert "20" in l1ae("data", "info", store)


def test_a_study_of_density_trees(l1ae, tree, tmp_path):
    pytest.importorskip("optuna")
    space = {"model.density.trees.0.smoothing": {"range": [1e-6, 1e-2], "log": True}}
    model = {"base": str(tree), "set": {"model.density.trees": [{}]}, "space": space}
    study = {
        "name": "small",
        "trials": 2,
        "models": {"tree": model},
        "objectives": [{"quantity": "efficiency", "kind": "raw", "khz": 100}, {"quantity": "lut"}],
        "budget": {"lut": 5000, "latency_ns": 25},
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    assert "2 trained" in l1ae("search", tmp_path / "study.yaml", "--run", tmp_path / "run", "--no-verify", "--workers", "1")
