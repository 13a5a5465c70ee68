"""Speed of the generator: accepted events per second and core, and what a second worker brings.

    python benchmarks/generator.py [--seconds 60] [--processes w,z] [--layout ugt_full] [--regions] [--json FILE]

Run it on an otherwise quiet machine with at least two cores.

* Speed of a process: CPU time of its shards (shower, hadronisation, detector with the default pileup; the pileup library is
  made beforehand, once for all processes) over accepted events. The error is the spread between shards.
* A second worker: the background sample from the beginning with 1 and with 2 workers, start of the workers included;
  repeated, and the error is the spread of the repetitions. 2.0 would be perfect. Two workers may finish other shards than
  one before enough events are there, so the work done is counted in shards of each process x their CPU time on one core.
"""

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from results import StatedTable, keep

from l1ae.data.generator import PROCESSES, SAMPLES, GeneratorConfig, generate

REPETITIONS = 3


@dataclass(frozen=True)
class Speed:
    """Accepted events per second of CPU time, its error, CPU milliseconds per accepted event in each level, seconds per shard."""

    name: str
    events_per_second: float
    error: float
    truth_ms: float
    detector_ms: float
    shard_seconds: float
    events: int


def one_process(name: str, config: GeneratorConfig) -> GeneratorConfig:
    """The same configuration with a sample that consists of one process."""
    return config.model_copy(update={"samples": {**SAMPLES, f"only {name}": {name: 1.0}}})


def measure_process(name: str, seconds: float, library: Path, folder: Path, config: GeneratorConfig) -> Speed:
    """Make shards of one process until `seconds` of CPU time are spent."""
    shards = folder / name
    shutil.copytree(library, shards)
    rates: list[float] = []
    spent = truth = detector = 0.0
    accepted = 0
    while spent < seconds or len(rates) < 2:
        mine, seed = one_process(name, config), len(rates)
        made = generate(f"only {name}", 1, folder / "out.h5", seed=seed, workers=1, config=mine, shards=shards, overwrite=True)
        (result,) = made.processes
        truth, detector = truth + result.truth_seconds, detector + result.detector_seconds
        accepted += result.accepted
        rates.append(result.accepted / (result.truth_seconds + result.detector_seconds))
        spent = truth + detector
    shutil.rmtree(shards)
    error = float(np.std(rates, ddof=1) / len(rates) ** 0.5)
    return Speed(name, accepted / spent, error, 1e3 * truth / accepted, 1e3 * detector / accepted, spent / len(rates), accepted)


def sample_speed(sample: str, speeds: dict[str, Speed]) -> tuple[float, float]:
    """Events per second and core of a mixture, and its error."""
    cost = sum(fraction / speeds[name].events_per_second for name, fraction in SAMPLES[sample].items())
    variance = sum((fraction * speeds[name].error / speeds[name].events_per_second ** 2) ** 2 for name, fraction in SAMPLES[sample].items())
    return 1 / cost, variance**0.5 / cost**2


def measure_workers(events: int, speeds: dict[str, Speed], library: Path, folder: Path, config: GeneratorConfig) -> dict[str, list[float]]:
    """Work done per second of wall time, in CPU seconds of one core, for each repetition with 1 and with 2 workers."""
    rates: dict[str, list[float]] = {"1": [], "2": []}
    for _ in range(REPETITIONS):
        for workers, measured in rates.items():
            shards = folder / "workers"
            shutil.copytree(library, shards)
            begin = time.perf_counter()
            generate("background", events, folder / "out.h5", workers=int(workers), config=config, shards=shards, overwrite=True)
            seconds = time.perf_counter() - begin
            work = sum(len(list(shards.glob(f"detector/{name}-*/*/*.npz"))) * speeds[name].shard_seconds for name in SAMPLES["background"])
            measured.append(work / seconds)
            shutil.rmtree(shards)
    return rates


def speed_up(rates: dict[str, list[float]]) -> tuple[float, float]:
    """Ratio of the throughputs with 2 workers and with 1, and its error."""
    ratios = np.array(rates["2"]) / np.array(rates["1"])
    return float(ratios.mean()), float(ratios.std(ddof=1) / len(ratios) ** 0.5)


def make_library(folder: Path) -> tuple[Path, float]:
    """A folder with nothing but the pileup library, and its seconds."""
    begin = time.process_time()
    generate("a4l", 1, folder / "library.h5", workers=1, shards=folder / "library")
    seconds = time.process_time() - begin
    shutil.rmtree(folder / "library" / "detector")
    for truth in (folder / "library" / "truth").iterdir():
        if not truth.name.startswith("pileup-"):
            shutil.rmtree(truth)
    return folder / "library", seconds


def complete(speeds: dict[str, Speed]) -> list[str]:
    """Samples all of whose processes were measured."""
    return [sample for sample, fractions in SAMPLES.items() if set(fractions) <= set(speeds)]


def processes_table(speeds: dict[str, Speed]) -> list[str]:
    """Lines in Markdown: each process, and each mixture of them."""
    lines = ["| process | accepted events/s per core | truth level, ms | detector, ms |", "|---|---|---|---|"]
    for speed in speeds.values():
        rounded = f"{speed.events_per_second:.0f} ± {speed.error:.0f}"
        lines.append(f"| {speed.name} | {rounded} | {speed.truth_ms:.2f} | {speed.detector_ms:.2f} |")
    for sample in complete(speeds):
        if len(SAMPLES[sample]) > 1:
            rate, error = sample_speed(sample, speeds)
            lines.append(f"| {sample} (mixture) | {rate:.0f} ± {error:.0f} | | |")
    return lines


def report(speeds: dict[str, Speed], workers: dict[str, list[float]] | None) -> None:
    """Print the tables."""
    print("\n".join(processes_table(speeds)))
    if workers:
        ratio, error = speed_up(workers)
        print(f"\nthroughput with 2 workers / with 1: {ratio:.2f} ± {error:.2f} (background; {100 * ratio / 2:.0f} % of 2)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="CPU time for each process")
    parser.add_argument("--events", type=int, default=8000, help="background events to compare numbers of workers with; 0 to leave it out")
    parser.add_argument("--processes", default=",".join(PROCESSES), help="names, separated by commas")
    parser.add_argument("--layout", choices=["ugt", "ugt_full"], default="ugt")
    parser.add_argument("--regions", action="store_true", help="with the calorimeter image")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", action="store_true", help="write the table into docs/results, which pages are filled from")
    arguments = parser.parse_args()
    config = GeneratorConfig().read_out(layout=arguments.layout, regions=arguments.regions)
    with tempfile.TemporaryDirectory() as scratch:
        library, library_seconds = make_library(Path(scratch))
        print(f"pileup library: {library_seconds:.0f} s of CPU, once", flush=True)
        speeds = {name: measure_process(name, arguments.seconds, library, Path(scratch), config) for name in arguments.processes.split(",")}
        workers = measure_workers(arguments.events, speeds, library, Path(scratch), config) if arguments.events else None
    report(speeds, workers)
    if arguments.keep:
        keep("generator_speed", "python benchmarks/generator.py", tables={"processes": StatedTable.of(processes_table(speeds))})
    if arguments.json:
        machine = {"machine": platform.processor() or platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()}
        content = {
            "machine": machine,
            "layout": config.layout.name,
            "packages": {name: version(name) for name in ("pythia8mc", "fastjet", "numpy")},
            "pileup_library_seconds": library_seconds,
            "processes": {name: asdict(speed) for name, speed in speeds.items()},
            "samples": {sample: sample_speed(sample, speeds) for sample in complete(speeds)},
            "throughput_by_workers": workers,
            "speed_up": speed_up(workers) if workers else None,
        }
        arguments.json.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
