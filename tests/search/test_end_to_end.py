"""Searches from the command to what they leave, with real trainings: small ones, of which every file is looked at."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from scipy.stats import wasserstein_distance

from l1ae.config import load_config
from l1ae.data import SPLIT, TRAIN, VALIDATION, WEIGHT, open_dataset
from l1ae.engine import InlineEngine
from l1ae.pipeline import contract_of, train_stage
from l1ae.search import Ledger, SearchFolder, check_study, finish_search, load_study, run_search

pytest.importorskip("optuna")
pytest.importorskip("distributed")

CONFIGS = Path(__file__).parents[2] / "configs"
COMMAND = (sys.executable, "-c", "from l1ae.cli import main; main()")
TRIALS = 6

TREE = {
    "base": str(CONFIGS / "density_tree.yaml"),
    "kind": "trees",
    "space": {
        "model.density.trees.0.smoothing": {"range": [1e-6, 1e-2], "log": True},
        "model.density.trees.0.populated": {"choices": [3, 10, 30]},
    },
    "set": {"model.density.trees": [{}]},
}
NETWORK = {
    "base": str(CONFIGS / "crossing_ae.yaml"),
    "kind": "autoencoders",
    # two numbers in the middle are one too many for two inputs, and refused
    "space": {"model.latent": {"choices": [1, 2]}, "model.weight_bits": {"range": [2, 4]}},
    "set": {
        "inputs.select": {"features": ["pt"], "jet": 1, "eg": 0, "mu": 0, "met": 1},
        "model.latent": 1,
        "training.float_phase.epochs": 1,
        "training.quantized_phase.epochs": 1,
        "training.batch_size": 256,
    },
}
STUDY = {
    "name": "small",
    "seed": 4,
    "trials": TRIALS,
    "models": {"tree": TREE, "net": NETWORK},
    # trees find most, networks of two objects are smallest: both are on the front
    "objectives": [{"quantity": "efficiency", "kind": "raw", "khz": 100}, {"quantity": "lut"}],
    "budget": {"lut": 5000, "latency_ns": 25},
    "verify": 1,
}


def write_study(path: Path, data: Path, **changes: object) -> Path:
    """A study of the crossings in `data`, on which rates are measured, too."""
    path.write_text(yaml.safe_dump(STUDY | {"set": {"data.source": str(data), "trigger.zero_bias": "data"}} | changes, sort_keys=False))
    return path


def words(study: Path, run: Path, *more: str) -> list[str]:
    """`l1ae search` with one worker, which makes nothing down to synthesis unless asked to."""
    return [*COMMAND, "search", str(study), "--run", str(run), "--workers", "1", *more]


def search(study: Path, run: Path, *more: str) -> SearchFolder:
    """A search to its end."""
    ended = subprocess.run(words(study, run, *more), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert f"front: {run / 'search' / 'front.json'}" in ended.stdout
    return SearchFolder(run / "search")


def without_times(content: Any) -> Any:
    """JSON without how long anything took."""
    if isinstance(content, dict):
        return {key: without_times(value) for key, value in content.items() if key != "seconds"}
    return [without_times(value) for value in content] if isinstance(content, list) else content


def left(folder: SearchFolder) -> dict[str, object]:
    """The files of trials, front and its configurations."""
    paths = sorted((*folder.path.glob("trials/*"), *folder.path.glob("parts/*"), folder.front, *folder.path.glob("front/*.yaml")))
    return {path.name: without_times(json.loads(path.read_text())) if path.suffix == ".json" else path.read_text() for path in paths}


@pytest.fixture(scope="module")
def study(small_zero_bias, tmp_path_factory) -> Path:
    return write_study(tmp_path_factory.mktemp("study") / "small.yaml", small_zero_bias)


@pytest.fixture(scope="module")
def found(study, tmp_path_factory) -> SearchFolder:
    """A search that nothing disturbed; tests leave its files as they are."""
    return search(study, tmp_path_factory.mktemp("undisturbed") / "run", "--no-verify")


@pytest.mark.slow
def test_a_search_leaves_its_front_with_a_configuration_for_each_point(found, study):
    front, trials = found.load_front(), found.trials()
    assert [trial.number for trial in trials] == list(range(len(trials)))
    complete = [trial for trial in trials if trial.state == "complete"]
    assert len(complete) == front.counts.complete == TRIALS
    assert len(trials) == TRIALS + front.counts.refused + front.counts.repeated
    assert {point.kind for point in front.points} == {"trees", "autoencoders"}
    assert {path.name for path in (found.path / "front").iterdir()} == {f"{point.name}.yaml" for point in front.points}
    assert all(point.verified is None for point in front.points)
    page = (found.path / "front.html").read_text()
    assert all(point.name in page for point in front.points)
    # a second definition of the front: nobody else finds as much with as few LUTs
    values = {trial.number: [one.value(trial.measured) for one in load_study(study).config.objectives] for trial in complete}
    for trial in complete:
        efficiency, luts = values[trial.number]
        better = [n for n, (one, other) in values.items() if one >= efficiency and other <= luts and n != trial.number]
        assert (trial.number in {point.trial for point in front.points}) == (not better)


@pytest.mark.slow
def test_a_configuration_of_the_front_makes_the_contract_that_was_chosen(found, tmp_path):
    front = found.load_front()
    assert len({point.digest for point in front.points}) == len(front.points) > 1
    for point in front.points:
        run = train_stage(load_config(found.path / point.configuration), tmp_path / point.name)
        assert contract_of(run).digest == point.digest


@pytest.mark.slow
def test_a_finished_search_that_is_resumed_trains_nothing(found, study):
    before = {path: path.read_bytes() for path in sorted(found.path.glob("trials/*"))}
    front = found.front.read_bytes()
    search(study, found.path.parent, "--resume", "--no-verify")
    # with the seconds that each training took
    assert {path: path.read_bytes() for path in sorted(found.path.glob("trials/*"))} == before
    assert found.front.read_bytes() == front


def test_a_search_needs_no_signals(small_zero_bias, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "background.h5").symlink_to(small_zero_bias / "background.h5")
    objectives = [{"quantity": "label_free", "metric": "wasserstein"}, {"quantity": "lut"}]
    study = load_study(write_study(tmp_path / "small.yaml", alone, models={"tree": TREE}, objectives=objectives, trials=3))
    check_study(study)
    folder = SearchFolder(tmp_path / "search")
    folder.begin(study, resume=False)
    with Ledger(study, folder.path) as ledger:
        run_search(study, folder, ledger, InlineEngine())
        front = finish_search(study, folder, ledger, verify=False)
    trials = folder.trials()
    assert [trial.state for trial in trials] == ["complete"] * 3
    best = front.points[0]
    assert best.values[0].value == min(trial.measured[0].label_free["wasserstein"] for trial in trials)
    assert best.reported == (None, None)
    contract = contract_of(train_stage(load_config(folder.path / best.configuration), tmp_path / "best"))
    events = open_dataset(str(alone)).background.read(extra=(SPLIT, WEIGHT))
    columns = load_config(folder.path / best.configuration).inputs.selected
    codes = contract.evaluate(open_dataset(str(alone), columns).background.read().hw, ["score"])["score"][:, 0] * contract.score.format.lsb
    scores, weights = ([values[events.extra[SPLIT] == part] for part in (TRAIN, VALIDATION)] for values in (codes, events.extra[WEIGHT]))
    assert best.values[0].value == pytest.approx(wasserstein_distance(*scores, *weights))


@pytest.mark.exhaustive
def test_a_seed_and_one_worker_give_the_same_search_twice(found, study, tmp_path):
    assert left(search(study, tmp_path / "run", "--no-verify")) == left(found)


@pytest.mark.exhaustive
def test_a_search_that_was_killed_half_way_gives_the_same_when_it_is_resumed(found, study, tmp_path):
    run = tmp_path / "run"
    child = subprocess.Popen(words(study, run, "--no-verify"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 300
    while len(list(run.glob("search/trials/*.json"))) < TRIALS // 2 and time.monotonic() < end and child.poll() is None:
        time.sleep(0.01)
    child.kill()
    child.wait()
    done = {path.name: path.read_bytes() for path in run.glob("search/trials/*.json")}
    assert TRIALS // 2 <= len(done) < TRIALS
    folder = search(study, run, "--resume", "--no-verify")
    assert {name: (folder.path / "trials" / name).read_bytes() for name in done} == done
    assert left(folder) == left(found)


@pytest.mark.exhaustive
def test_a_point_of_the_front_is_made_down_to_synthesis(small_zero_bias, tmp_path, monkeypatch):
    pytest.importorskip("alkaid")
    pytest.importorskip("pyosys")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    select = {"features": ["pt"], "jet": 2, "eg": 0, "mu": 0, "met": 1}
    few = {"inputs.select": select, "csim.events": 500, "rtl.events": 300, "rtl.vhdl_events": 20}
    study = write_study(tmp_path / "small.yaml", small_zero_bias, models={"tree": TREE | {"set": TREE["set"] | few}}, trials=1)
    folder = search(study, tmp_path / "run")
    (point,) = folder.load_front().points
    made = point.verified
    assert made is not None
    assert made.problems == ()
    assert made.reproduced
    assert made.digest == point.digest
    assert (made.csim_events >= 500, made.csim_mismatches, made.rtl_events >= 300, made.rtl_mismatches) == (True, 0, True, 0)
    assert made.within_budget
    assert 0 < made.lut <= 5000
    assert made.latency_ns == 25
    assert (folder.path / made.run / "report.html").is_file()
    assert f"{made.lut:,}" in (folder.path / "front.html").read_text()
