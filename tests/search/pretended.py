"""Searches whose trainings are pretended, in a moment, and write a line each: what was done twice or not at all can be counted."""

import hashlib
import json
import os
import time
from collections import Counter
from functools import partial
from pathlib import Path

import yaml

from l1ae.config import Config
from l1ae.evaluation import AtRate, Estimate, RatePoint
from l1ae.rtl_results import Estimated, Forecast
from l1ae.search import Measured, Task

__all__ = ["calls", "cost", "forecast", "logged", "pretend", "without_times", "write_study"]

_CONFIGS = Path(__file__).parents[2] / "configs"

_TREE = {
    "base": "density_tree.yaml",
    "kind": "trees",
    "set": {"model.density.trees": [{}]},
    "space": {
        "model.density.trees.0.smoothing": {"range": [1e-6, 1e-2], "log": True},
        "model.density.trees.0.populated": {"choices": [3, 10, 30]},
        "model.density.trees.0.tail": {"choices": ["open", "power_law"]},
    },
}
_PAIRS = {
    "base": "pair_tables.yaml",
    "kind": "pairs",
    "space": {
        "model.pair_tables.epochs": {"range": [2, 24]},
        "model.pair_tables.contrast": {"range": [10.0, 1e5], "log": True},
        "model.pair_tables.decay": {"range": [1e-7, 1e-3], "log": True, "when": {"model.pair_tables.epochs": list(range(10, 25))}},
    },
}
_STUDY = {
    "name": "pretended",
    "trials": 20,
    # three columns, of which a real estimate takes a few hundredths of a second
    "set": {"inputs.select": {"features": ["pt"], "jet": 3, "eg": 0, "mu": 0, "met": 0}},
    "models": {"tree": _TREE, "pairs": _PAIRS},
    "objectives": [{"quantity": "efficiency"}, {"quantity": "lut"}],
    "budget": {"lut": 1000, "latency_ns": 25},
}


def write_study(folder: Path, **changes: object) -> Path:
    """A study file in a folder beside copies of its bases, with some keys replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("density_tree", "pair_tables"):
        (folder / f"{name}.yaml").write_text((_CONFIGS / f"{name}.yaml").read_text())
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(_STUDY | changes))
    return path


def pretend(task: Task) -> tuple[Measured, ...]:
    """In place of a training: a function of the configuration, which is the same in every process."""
    return tuple(_measured(config) for config in task.configs)


def forecast(config: Config) -> Forecast:
    """In place of an estimate: what the pretended training costs."""
    return cost(_found(config.model_dump(mode="json")["model"])[1])


def cost(lut: float) -> Forecast:
    """An estimate of so many LUTs, in one crossing."""
    one = Estimated(1.0, 1.0, 1.0)
    latency = Estimated(25.0, 25.0, 25.0)
    return Forecast(Estimated(lut, lut * 0.7, lut * 1.5), Estimated(10.0, 5.0, 20.0), one, latency, one, 100, 57, 16, ())


def _found(model: dict) -> tuple[float, float]:
    """Efficiency and LUTs of a model: smooth functions of its keys."""
    if model["architecture"] == "pair_tables":
        tables = model["pair_tables"]
        return 0.01 * tables["epochs"] + 1e-7 * tables["contrast"], 300.0 + 60 * tables["epochs"]
    tree = model["density"]["trees"][0]
    return min(10 * tree["smoothing"], 0.09) + 1e-4 * tree["populated"], 300 + 2e5 * tree["smoothing"]


def _measured(config: Config) -> Measured:
    content = config.model_dump(mode="json")
    efficiency, _ = _found(content["model"])
    mean = Estimate(efficiency, efficiency * 0.9, efficiency * 1.1)
    rate = AtRate((RatePoint("pure", 1.0, 5.0, 4.0, 6.0, Estimate(1.0, 0.9, 1.1), 12.0, {"a": mean}, mean, mean),))
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return Measured(content["seed"], digest, rate, rate, {}, forecast(config), 0.5)


def _logged(task: Task, *, log: str, seconds: float) -> tuple[Measured, ...]:
    model = task.configs[0].model
    epochs = model.pair_tables.epochs if model.architecture == "pair_tables" else 0
    time.sleep(seconds)
    found = pretend(task)
    # one write of a few bytes at the end of a file is never mixed with that of another process
    with Path(log).open("a") as file:
        file.write(f"{task.configs[0].name} {epochs} {os.getpid()} {time.time():.3f}\n")
    return found


def logged(log: Path, seconds: float = 0.0) -> partial:
    """`pretend` that takes so many seconds and writes a line to `log` for every call."""
    return partial(_logged, log=str(log), seconds=seconds)


def calls(log: Path) -> Counter[tuple[str, int]]:
    """How often each training was done: by name of the candidate, and its epochs where it has some."""
    lines = (line.split() for line in log.read_text().splitlines()) if log.exists() else ()
    return Counter((name, int(epochs)) for name, epochs, *_ in lines)


def without_times(folder: Path) -> dict[str, object]:
    """What a search left in RUN/search, but for how long it took."""
    found = {}
    for path in sorted((*folder.glob("trials/*.json"), *folder.glob("front.json"), *folder.glob("front/*"))):
        if path.suffix == ".json":
            content = json.loads(path.read_text())
            content.pop("seconds")
            found[path.name] = content
        else:
            found[path.name] = path.read_text()
    return found
