import json
from pathlib import Path

import pytest
import yaml

from l1ae.evaluation import AtRate, Estimate, RatePoint
from l1ae.search import Measured, Task, load_study

from .pretended import cost

CONFIGS = Path(__file__).parents[2] / "configs"

TREE = {
    "base": "density_tree.yaml",
    "kind": "trees",
    "set": {"model.density.trees": [{}]},
    "space": {
        "model.density.trees.0.smoothing": {"range": [1e-6, 1e-2], "log": True},
        "model.density.trees.0.populated": {"choices": [3, 10, 30]},
    },
}
PAIRS = {"base": "pair_tables.yaml", "kind": "pairs", "space": {"model.pair_tables.epochs": {"range": [2, 9]}}}
STUDY = {
    "name": "tiny",
    "trials": 6,
    "models": {"tree": TREE, "pairs": PAIRS},
    "objectives": [{"quantity": "efficiency"}, {"quantity": "lut"}],
    "budget": {"lut": 5000, "latency_ns": 25},
}


@pytest.fixture
def write_study(tmp_path):
    """A study file beside copies of the bases, with some keys replaced."""

    def write(content: dict | None = None, **changes) -> Path:
        for name in ("density_tree", "pair_tables", "crossing_ae", "dnn_ae", "cms_like"):
            (tmp_path / f"{name}.yaml").write_text((CONFIGS / f"{name}.yaml").read_text())
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump((content or STUDY) | changes, sort_keys=False))
        return path

    return write


@pytest.fixture
def study(write_study):
    return load_study(write_study())


def measured(efficiency: float, lut: float, *, seed: int = 1, reported: float | None = None) -> Measured:
    def at_rate(value: float) -> AtRate:
        mean = Estimate(value, value * 0.9, min(value * 1.1, 1.0))
        rest = (1.0, 5.0, 4.0, 6.0, Estimate(1.0, 0.9, 1.1), 12.0, {"a": mean}, mean, mean)
        return AtRate((RatePoint("pure", *rest), RatePoint("raw", *rest)))

    digest = f"{abs(hash((efficiency, lut, seed))):064x}"[-64:]
    return Measured(seed, digest, at_rate(efficiency), at_rate(efficiency if reported is None else reported), {}, cost(lut), 0.5)


def pretend(task: Task) -> tuple[Measured, ...]:
    """In place of a training: a function of the configuration. More smoothing finds more and costs more."""
    found = []
    for config in task.configs:
        content = config.model_dump(mode="json")
        if config.model.architecture == "pair_tables":
            epochs = content["model"]["pair_tables"]["epochs"]
            found.append(measured(0.01 * epochs, 900 + epochs, seed=config.seed))
        else:
            smoothing = content["model"]["density"]["trees"][0]["smoothing"]
            found.append(measured(min(10 * smoothing, 0.9), 300 + 1e5 * smoothing, seed=config.seed))
    return tuple(found)


def without_times(folder: Path) -> dict[str, object]:
    """What a search left, but for how long it took."""
    found = {}
    for path in sorted(folder.glob("trials/*.json")):
        content = json.loads(path.read_text())
        content.pop("seconds")
        found[path.name] = content
    return found
