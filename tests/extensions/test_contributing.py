"""The examples of CONTRIBUTING.md, followed in a copy of the repository."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from .pages import ROOT, blocks, files_of

_PLACE = re.compile(r"# (?P<file>[\w/.]+\.py), (?P<how>at the end|before: |instead of: )(?P<line>.*)")


def _edited(text, how, line, block, file):
    """A file with a block at its end, before a line (and its decorators), or instead of it."""
    if how == "at the end":
        return f"{text}\n\n{block}"
    lines = text.splitlines(keepends=True)
    found = [number for number, each in enumerate(lines) if each.strip() == line]
    assert len(found) == 1, f"{file} has {len(found)} lines '{line}'; CONTRIBUTING.md needs another place"
    start = found[0]
    if how == "instead of: ":
        return "".join([*lines[:start], block, *lines[start + 1 :]])
    while lines[start - 1].startswith("@"):
        start -= 1
    space = "\n\n" if line.startswith("class ") else ""
    return "".join([*lines[:start], block, space, *lines[start:]])


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the repository in which everything on the page was followed."""
    copy = tmp_path_factory.mktemp("contributing") / "l1ae"
    ignored = shutil.ignore_patterns("__pycache__", ".git", ".venv", "runs", "data", "dist", ".*_cache")
    for name in ("l1ae", "tests", "configs", "firmware", "docs", "benchmarks"):
        # the shipped data are folders called data
        shutil.copytree(ROOT / name, copy / name, ignore=ignored if name != "l1ae" else shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    examples = files_of("docs/extending.md")
    (copy / "l1ae" / "data" / "_json_lines.py").write_text(_inside(examples["l1ae_example/readers.py"]))
    (copy / "l1ae" / "delivery" / "_words_target.py").write_text(_inside(examples["l1ae_example/targets.py"]))
    followed = 0
    for block in blocks("CONTRIBUTING.md", "python"):
        first, _, rest = block.partition("\n")
        place = _PLACE.fullmatch(first)
        assert place, f"where does the block that begins with '{first}' go?"
        file = copy / place["file"]
        file.write_text(_edited(file.read_text(), place["how"], place["line"], rest, place["file"]))
        followed += 1
    assert followed == 18
    return copy


def _inside(text):
    """A module as it is inside its package, which it cannot import whole."""
    own = ("_importing import ImportResult", "_readers import Reader", "_store import Events, StoreWriter")
    modules = "".join(f"from l1ae.data.{each}\n" for each in own)
    text = text.replace("from l1ae.data import Events, ImportResult, Reader, StoreWriter\n", modules)
    return text.replace("from l1ae.delivery import Check, Target\n", "from l1ae.delivery._target import Check, Target\n")


@pytest.fixture
def inside(tree, tmp_path):
    """Run a program where the copy is the package."""

    def run(program, *arguments):
        given = ["-c", f"import sys; sys.path.insert(0, {str(tree)!r})\n{program}", *map(str, arguments)]
        return subprocess.run([sys.executable, *given], cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


_COMMAND = "from l1ae.cli import main; main()"


@pytest.mark.exhaustive
def test_the_walks_through_all_places_pass(tree):
    files = ("tests/contract/test_dispatchers.py", "tests/families/test_records.py")
    environment = {"PYTHONPATH": str(tree), "PATH": "/usr/bin:/bin", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"\d{2,} passed", done.stdout)


_MAXIMUM = """
import json, os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import l1ae
from l1ae.config import Config
from qkeras import QActivation, QDense, quantized_bits, quantized_relu

keras.utils.set_random_seed(5)

def dense(name, size, x):
    bits = quantized_bits(6, 0, alpha=1)
    start = keras.initializers.RandomUniform(-0.9, 0.9, seed=3)
    return QDense(size, name=name, kernel_quantizer=bits, bias_quantizer=bits, bias_initializer=start)(x)

x = inputs = keras.layers.Input((57,))
a = QActivation(quantized_bits(9, 4, alpha=1), name="a")(dense("first", 6, x))
b = QActivation(quantized_bits(8, 3, alpha=1), name="b")(dense("second", 6, x))
x = keras.layers.Maximum(name="larger")([a, b])
x = QActivation(quantized_relu(8, 4), name="last_relu")(dense("last", 1, x))
keras.Model(inputs, x).save("larger.keras")
shifts = {"groups": {name: {"shift": [4, 5, 5]} for name in ("met", "eg", "mu", "jet")}}
config = Config.model_validate({
    "name": "larger", "inputs": shifts, "model": {"architecture": "imported", "source": "larger.keras", "score": "output"},
    "data": {"source": sys.argv[1]}, "trigger": {"zero_bias": "data"}, "csim": {"events": 500}, "rtl": {"events": 500, "vhdl_events": 50},
})
for stage in ("csim", "rtl"):
    run = l1ae.run(config, "run", to=stage)
hardware = l1ae.open_store("zerobias", run.contract.layout).hardware(0, 2000)
codes, slow = (evaluate(hardware, ["a", "b", "larger", "score"]) for evaluate in (run.contract.evaluate, run.contract.evaluate_reference))
scale = {name: run.contract[name].format.lsb for name in codes}
real = {name: values * scale[name] for name, values in codes.items()}
print(json.dumps({
    "file": l1ae.__file__,
    "csim": [run.csim.mismatches, run.csim.events, "larger" in {layer.name for layer in run.csim.layers}],
    "keras": [run.csim.quantized.mismatches, run.csim.quantized.events],
    "rtl": [run.rtl_simulation(language).mismatches for language in ("verilog", "vhdl")],
    "right": bool((real["larger"] == np.maximum(real["a"], real["b"])).all()),
    "both": bool((real["a"] > real["b"]).any() and (real["a"] < real["b"]).any()),
    "reference": all(bool((codes[name] == slow[name]).all()) for name in codes),
    "luts": l1ae.estimate(run).luts_packed.value,
}))
"""


@pytest.mark.exhaustive
def test_the_operation_goes_from_keras_to_the_simulations_without_a_mismatch(inside, tree, small_zero_bias):
    done = inside(_MAXIMUM, small_zero_bias)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["file"].startswith(str(tree))
    assert found["csim"] == [0, 500, True]
    assert found["keras"][0] == 0
    assert found["keras"][1] > 0
    assert found["rtl"] == [0, 0]
    assert found["right"]
    assert found["both"]
    assert found["reference"]
    assert found["luts"] > 0


_FAMILY = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import l1ae
from l1ae.config import Config

shifts = {"groups": {"eg": {"shift": [5, 6, 6]}, "mu": {"shift": [5, 8, 8]}, "jet": {"shift": [6, 6, 6]}}}
config = Config.model_validate({
    "name": "students", "inputs": shifts, "data": {"source": sys.argv[1]}, "trigger": {"zero_bias": "data"}, "csim": {"events": 500},
    "model": {"architecture": "set_student", "score": "output", "objects": [4], "encoder": [4], "target_fpr": 0.05},
    "training": {"batch_size": 128, "float_phase": {"epochs": 2}, "quantized_phase": {"epochs": 1}},
})
run = l1ae.run(config, "run", to="csim")
print(run.csim.mismatches, run.csim.events)
"""


@pytest.mark.exhaustive
def test_the_family_trains_and_is_simulated_without_a_mismatch(inside, small_zero_bias):
    done = inside(_FAMILY, small_zero_bias)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "0 500"


def test_the_reader_is_among_those_of_l1ae(inside, tmp_path):
    (tmp_path / "mine.jsonl").write_text(json.dumps({"jets": [[50.0, 1.2, 0.5]], "met": [12.5, -1.0]}) + "\n")
    done = inside(_COMMAND, "data", "import", "mine.jsonl", "-o", "mine.h5")
    assert done.returncode == 0, done.stderr
    from l1ae import open_store

    store = open_store(tmp_path / "mine.h5")
    jet = store.layout.block(store.layout.to_physical(store.hardware()), "jet")[0, 0]
    np.testing.assert_allclose(jet, [50.0, 1.2, 0.5], atol=0.6)


_TARGETS = """
from l1ae.delivery import TARGETS, verify_delivery, write_delivery, Source
from l1ae.contract import Contract
import l1ae, pathlib, numpy as np
run = l1ae.load_run(sys.argv[1])
events = l1ae.open_store("zerobias", run.contract.layout).hardware(0, 100).astype(np.int64)
folder = pathlib.Path("words"); folder.mkdir()
write_delivery(TARGETS["words"], Source(run.contract, run.config, events), folder)
found = verify_delivery(folder, TARGETS)
print(list(TARGETS), [check.passed for check in found.checks])
"""


def test_the_target_is_among_those_of_l1ae(inside, small_zero_bias, tmp_path):
    import l1ae

    overrides = {"data.source": str(small_zero_bias), "trigger.zero_bias": "data"}
    run = l1ae.run("density_tree", tmp_path / "run", to="train", overrides=overrides)
    done = inside(_TARGETS, run.folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("['cmssw', 'ugt', 'emp', 'vivado', 'words'] [True")
    assert "False" not in done.stdout
