"""Memory and time of every stage against the number of crossings: python benchmarks/scale.py [-n EVENTS ...] [-o docs/scale.md]

Stores of so many crossings are made in a temporary folder from the zero bias that comes with l1ae: its crossings, again and again, each
copy turned in phi by angles that a seed decides, with source events of its own. In the one store nearly all are judged, in the other
nearly all are trained on. Every stage runs in a process of its own; its peak of resident memory and its time are what the kernel says of
that process. `--stage STAGE --run RUN` is such a process.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from results import mark, publish

from l1ae.config import Config, dump_config, load_config
from l1ae.data import SPLIT, TEST, TRAIN, VALIDATION, Events, EventStore, StoreWriter, dataset_folder
from l1ae.inputs import Layout

SEED = 20261129
SIZES = (1_000_000, 3_000_000, 10_000_000)
PART = 50_000
"""Crossings of each of the parts that a store is not about."""
JUDGED, TRAINED = "judged", "trained"
MEASURED = "## Measured\n"


def turned(hardware: npt.NDArray[np.integer], layout: Layout, rng: np.random.Generator) -> npt.NDArray[np.integer]:
    """Codes (N, size) of events turned by an angle each; empty slots stay empty."""
    period = layout.period
    steps = int(period[period > 0].min())
    turn = rng.integers(steps, size=(len(hardware), 1)) * (period // steps)
    low = layout.code_range[0]
    around = np.where(period > 0, low + np.mod(hardware - low + turn, np.maximum(period, 1)), hardware)
    return np.where(layout.mask(hardware), around, hardware).astype(hardware.dtype)


def make_store(path: Path, events: int, most: int, seed: int = SEED) -> None:
    """A store of so many crossings, all of part `most` but for the first ones of each other part."""
    store = EventStore.open(dataset_folder("zerobias") / "background.h5")
    shipped = store.read(extra=store.extra)
    rng, sources = np.random.default_rng(seed), int(shipped.source_event.max()) + 1
    others = [part for part in (TRAIN, VALIDATION, TEST) if part != most]
    with StoreWriter(path, store.layout, sample=store.sample, processes=store.processes, provenance=store.provenance) as writer:
        while writer.written < events:
            copy, start = writer.written // len(shipped), writer.written % len(shipped)
            block = shipped.select(slice(start, min(start + (1 << 16), start + events - writer.written)))
            number = writer.written + np.arange(len(block))
            split = np.select([number < PART, number < 2 * PART], others, most).astype(np.int8)
            hardware = block.hw if copy == 0 else turned(block.hw, store.layout, rng)
            source = block.source_event + copy * sources
            writer.append(Events(hardware, block.process, source, block.pileup, {**block.extra, SPLIT: split}))


def make_data(folder: Path, events: int, most: int) -> Path:
    """A data set: the shipped signals beside a store of so many crossings."""
    folder.mkdir(parents=True)
    for path in dataset_folder("zerobias").glob("*.h5"):
        if path.stem != "background":
            shutil.copy(path, folder)
    make_store(folder / "background.h5", events, most)
    return folder


def with_data(config: Config, data: Path) -> Config:
    """The same run on other data."""
    return config.model_copy(update={"data": config.data.model_copy(update={"source": str(data), "split": "recorded"})})


def short(config: Config) -> Config:
    """One epoch of each phase: how long a training is does not matter here."""
    phases = {name: getattr(config.training, name).model_copy(update={"epochs": 1}) for name in ("float_phase", "quantized_phase")}
    return config.model_copy(update={"training": config.training.model_copy(update=phases)})


# -- the stages, each in a process of its own -----------------------------------------------------------------------


def _stages() -> dict[str, Callable[[Path], object]]:
    from l1ae import pipeline

    def run(folder: Path) -> pipeline.Run:
        return pipeline.Run.open(folder)

    def trained(folder: Path) -> object:
        return pipeline.train_stage(load_config(folder.with_suffix(".yaml")), folder)

    return {
        "train": trained,
        "contract": lambda folder: pipeline.contract_stage(run(folder)),
        "evaluate": lambda folder: pipeline.evaluate_stage(run(folder)),
        "trigger": lambda folder: pipeline.trigger_stage(run(folder)),
        "baselines": lambda folder: pipeline.baselines_stage(run(folder)),
        "hls": lambda folder: pipeline.hls_stage(run(folder)),
        "deliver": lambda folder: pipeline.deliver_stage(run(folder), "cmssw"),
        "csim": lambda folder: pipeline.csim_stage(run(folder), events=EventStore.open(_background(folder)).n_events),
        "verify": lambda folder: pipeline.verify_stage(run(folder)),
    }


def _background(folder: Path) -> Path:
    return dataset_folder(load_config(folder / "config.yaml").data.source) / "background.h5"


@dataclass(frozen=True)
class Measured:
    """What the kernel says of a process: MB of resident memory at its peak, seconds by the clock, and of processors."""

    megabytes: float
    seconds: float
    processor: float


def measured(stage: str, run: Path) -> Measured:
    """One stage in a child."""
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, __file__, "--stage", stage, "--run", str(run)])
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{stage} of {run} failed")
    return Measured(usage.ru_maxrss / 1024, time.perf_counter() - started, usage.ru_utime + usage.ru_stime)


# -- the table -------------------------------------------------------------------------------------------------------

OF_JUDGED = ("contract", "evaluate", "trigger", "baselines", "hls", "deliver", "csim", "verify")
MADE_FROM = ("hls", "deliver")
"""Stages that look at a fixed number of crossings: needed by later ones, not measured."""


def base_run(folder: Path) -> Path:
    """A short training on the shipped crossings, of which every run of judged ones has the weights."""
    from l1ae.pipeline import train_stage

    train_stage(short(load_config(Path(__file__).parents[1] / "configs/dnn_ae.yaml")), folder)
    return folder


def measured_at(folder: Path, base: Path, events: int, stages: Sequence[str]) -> dict[str, Measured]:
    """Every stage on so many crossings."""
    found = {}
    if "train" in stages:
        run = folder / f"run_{TRAINED}_{events}"
        data = _data(folder, events, TRAIN)
        run.with_suffix(".yaml").write_text(dump_config(with_data(short(load_config(base / "config.yaml")), data)))
        found["train"] = measured("train", run)
        shutil.rmtree(run)
    run = folder / f"run_{JUDGED}_{events}"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(base, run)
    (run / "config.yaml").write_text(dump_config(with_data(load_config(base / "config.yaml"), _data(folder, events, TEST))))
    for stage in OF_JUDGED:
        if stage in stages or stage == "contract" or (stage in MADE_FROM and {"csim", "verify"} & set(stages)):
            found[stage] = measured(stage, run)
    shutil.rmtree(run)
    return {stage: found[stage] for stage in found if stage in stages}


def _data(folder: Path, events: int, most: int) -> Path:
    data = folder / f"data_{most}_{events}"
    return data if data.is_dir() else make_data(data, events, most)


def table(found: dict[int, dict[str, Measured]]) -> str:
    """Markdown: for each stage and number of crossings memory and time, and how much the memory grows."""
    sizes = sorted(found)
    head = "".join(f" {size / 1e6:g} million: MB | s | CPU s |" for size in sizes)
    lines = [f"| stage |{head} memory grows by |", "|---|" + "---:|" * (3 * len(sizes) + 1)]
    for stage in found[sizes[0]]:
        rows = [found[size][stage] for size in sizes]
        cells = "".join(f" {row.megabytes:.0f} | {row.seconds:.0f} | {row.processor:.0f} |" for row in rows)
        growth = found[sizes[-1]][stage].megabytes / found[sizes[0]][stage].megabytes - 1
        lines.append(f"| {stage} |{cells} {100 * growth:.1f} % |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--events", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--stages", nargs="+", default=["train", *(stage for stage in OF_JUDGED if stage not in MADE_FROM)])
    parser.add_argument("--folder", type=Path, help="where stores are made, and left for another time")
    parser.add_argument("-o", "--output", type=Path, help=f"a page, of which the section '{MEASURED.strip()}' is made anew")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.stage:
        _stages()[options.stage](options.run)
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        base = folder / "base"
        if not base.is_dir():
            base_run(base)
        found = {}
        for events in options.events:
            found[events] = measured_at(folder, base, events, options.stages)
            print(table(found))
    if options.output:
        publish(options.output, page(options.output.read_text(), found), "python benchmarks/scale.py")
    return 0


def page(text: str, found: dict[int, dict[str, Measured]]) -> str:
    """A page with its last section, `MEASURED`, made anew."""
    cpus = f"{len(os.sched_getaffinity(0))} processors of {platform.machine()}"
    measured = f"{cpus}; MB of resident memory at the peak of a process.\n\n{mark('scale', 'stages')}\n{table(found)}"
    return f"{text.split(MEASURED, maxsplit=1)[0]}{MEASURED}\n{measured}"


if __name__ == "__main__":
    raise SystemExit(main())
