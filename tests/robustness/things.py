"""What the campaigns work on: a small data set, files to import, and run folders with every stage."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from l1ae.data import Events, StoreWriter
from l1ae.inputs import named_layout
from tests.robustness.commands import Ended, run

__all__ = ["content_of", "make_things"]

NETWORK = {
    "name": "tiny",
    "data": {"source": "../data"},
    "model": {"architecture": "dense_vae", "score": "kl", "encoder": [6], "latent": 2, "decoder": [6], "target_fpr": 0.05},
    "training": {"batch_size": 256, "float_phase": {"epochs": 1}, "quantized_phase": {"epochs": 1}},
    "csim": {"events": 200},
    "rtl": {"events": 200},
    "trigger": {"zero_bias": "data"},
}
TREE = {
    "name": "tree",
    "data": {"source": "../data"},
    "inputs": {"layout": "ugt", "select": {"features": ["pt"]}},
    "model": {
        "architecture": "density_tree",
        "score": "surprisal",
        "score_type": "ufixed<11,9,TRN,SAT>",
        "table_type": "ufixed<7,5,RND_CONV,SAT>",
        "target_fpr": 0.05,
    },
    "csim": {"events": 200},
    "rtl": {"events": 200, "crossings": 1},
    "trigger": {"zero_bias": "data"},
}

# name of the stage's folder: the command that makes it
STAGES: dict[str, Sequence[str]] = {
    "train": ("train", "configs/{name}.yaml", "--run", "{name}"),
    "evaluation": ("evaluate", "{name}"),
    "baselines": ("baselines", "{name}"),
    "trigger": ("trigger", "{name}"),
    "hls": ("hls", "{name}"),
    "csim": ("csim", "{name}"),
    "rtl": ("rtl", "{name}"),
    "synth": ("synth", "{name}", "--no-per-layer"),
    "delivery/cmssw": ("deliver", "{name}", "--target", "cmssw"),
    "delivery/ugt": ("deliver", "{name}", "--target", "ugt"),
    "delivery/emp": ("deliver", "{name}", "--target", "emp"),
    "delivery/vivado": ("deliver", "{name}", "--target", "vivado"),
    "verification": ("verify", "{name}"),
    "latent": ("latent", "{name}", "--events", "200"),
    "report": ("report", "{name}"),
}


def words(stage: str, name: str) -> list[str]:
    """The command of a stage of the run `name`."""
    return [word.format(name=name) for word in STAGES[stage]]


def _events(path: Path, sample: str, count: int, seed: int) -> None:
    """Falling pT spectra; signals are harder than background."""
    rng = np.random.default_rng(seed)
    layout = named_layout("ugt")
    low, high = layout.code_range
    hardware = rng.integers(low // 2, high // 2 + 1, (count, layout.size))
    scale = rng.exponential(60.0 if sample == "background" else 120.0, (count, 1))
    pt = layout.with_role("energy")
    hardware[:, pt] = np.minimum(scale * rng.uniform(0.5, 1.0, (count, pt.sum())), 511)
    hardware[:, pt] = np.where(rng.random((count, pt.sum())) < 0.6, 0, hardware[:, pt])
    hardware = np.where(layout.mask(hardware), hardware, 0).astype(np.int16)
    events = Events(hardware, np.zeros(count, np.int16), np.arange(count), np.full(count, 20, np.int16))
    with StoreWriter(path, layout, sample=sample, processes=[sample], provenance={"seed": seed}) as writer:
        writer.append(events)


def make_data(folder: Path) -> None:
    """FOLDER/data, the configurations beside it, and foreign tables in FOLDER/tables."""
    for name in ("data", "configs", "tables"):
        (folder / name).mkdir(parents=True)
    _events(folder / "data" / "background.h5", "background", 2000, 1)
    _events(folder / "data" / "a4l.h5", "a4l", 300, 2)
    for content in (NETWORK, TREE):
        (folder / "configs" / f"{content['name']}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    _tables(folder / "tables")
    _generator(folder / "configs" / "generator.yaml")


def _generator(path: Path) -> None:
    """Shards of a second each."""
    from l1ae.data.generator import PROCESSES, DetectorConfig, GeneratorConfig, PileupConfig

    process = PROCESSES["a4l"].model_copy(update={"shard_events": 40})
    config = GeneratorConfig(
        processes={"a4l": process},
        samples={"mine": {"a4l": 1.0}},
        pileup=PileupConfig(library_events=60, shard_events=100),
        detector=DetectorConfig(pileup_mean=3.0),
    )
    path.write_text(yaml.safe_dump(config.model_dump(mode="json", exclude_defaults=True)))


def _tables(folder: Path) -> None:
    import h5py
    import pyarrow as pa
    import pyarrow.parquet as pq
    import uproot

    rng = np.random.default_rng(3)
    codes = {name: rng.integers(0, 100, 400).astype(np.int32) for name in ("a1", "a2", "w")}
    energy = {"name": "e", "role": "energy", "bits": 12, "unit": "GeV", "lsb": 0.5}
    layout = {"name": "two", "groups": [{"name": "cell", "slots": 2, "features": [energy]}]}
    mapping = {"layout": "layout.yaml", "values": "codes", "groups": {"cell": {"e": "a{slot1}"}}, "extra": {"weight": "w"}}
    (folder / "layout.yaml").write_text(yaml.safe_dump(layout))
    (folder / "map.yaml").write_text(yaml.safe_dump(mapping, sort_keys=False))
    np.savez(folder / "t.npz", **codes)
    pq.write_table(pa.table(codes), folder / "t.parquet")
    np.save(folder / "t.npy", np.array(list(zip(*codes.values(), strict=True)), [(name, np.int32) for name in codes]))
    with h5py.File(folder / "t.h5", "w") as file:
        for name, column in codes.items():
            file[name] = column
    with uproot.recreate(folder / "t.root") as root:
        root["events"] = codes
    rows = zip(*codes.values(), strict=True)
    (folder / "t.csv").write_text(",".join(codes) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))


def make_things(folder: Path, stages: Sequence[str], names: Sequence[str] = ("tiny",)) -> None:
    """Data and run folders with these stages. Raises `RuntimeError` when a stage fails on sound inputs."""
    made = run(lambda: make_data(folder), folder)
    _good(made, "data")
    for name in names:
        for stage in stages:
            if not (name == "tree" and stage == "latent"):
                _good(run(words(stage, name), folder, limit=600), f"{name}: {stage}")


def _good(ended: Ended, what: str) -> None:
    if ended.status != 0:
        raise RuntimeError(f"{what} failed on sound inputs:\n{ended.said}")


_TIMES = {"seconds", "finished", "wall_seconds", "tools", "git"}


def content_of(folder: Path) -> dict[str, str]:
    """sha256 of every file below a folder but logs, manifests and pages, by relative path; times in JSON do not count."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not name.startswith("logs/") and "/logs/" not in name and path.name != "report.html":
            found[name] = hashlib.sha256(_without_times(path)).hexdigest()
    return found


def _without_times(path: Path) -> bytes:
    content = path.read_bytes()
    if path.name == "checkpoint.npz":
        return _timeless_checkpoint(path)
    if path.suffix != ".json":
        return content
    try:
        return json.dumps(_timeless(json.loads(content)), sort_keys=True).encode()
    except ValueError:
        return content


def _timeless_checkpoint(path: Path) -> bytes:
    """The state with how long the training took left out, and all arrays."""
    with np.load(path) as arrays:
        state = json.dumps(_timeless(json.loads(str(arrays["state"]))), sort_keys=True)
        return b"".join([state.encode(), *(name.encode() + arrays[name].tobytes() for name in sorted(arrays) if name != "state")])


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in _TIMES}
    return [_timeless(item) for item in value] if isinstance(value, list) else value
