"""Make the data sets that come with the package: `python benchmarks/make_shipped.py --shards FOLDER [--set shipped_regions]`.

`shipped` holds the objects only; `shipped_regions` holds the first of its events again, with the calorimeter image beside
the objects; `shipped_zerobias` holds weighted bunch crossings without selection. Seed and numbers of events are fixed below,
so that the same versions of Pythia, fastjet and numpy make the same stores again, whatever the number of workers. Interrupt
it as you like: finished shards are kept in FOLDER. `--check N` makes the first N events of every store again, compares them with
those that come with the package, and writes nothing there.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from l1ae import data
from l1ae.data import EventStore
from l1ae.data.generator import ZERO_BIAS, GeneratorConfig, RegionConfig, generate

SEED = 1
SIGNALS = ("a4l", "lq", "h0", "hc")
EVENTS = {
    "shipped": dict.fromkeys(SIGNALS, 10_000) | {"background": 100_000},
    "shipped_regions": dict.fromkeys(SIGNALS, 2_000) | {"background": 20_000},
    "shipped_zerobias": {ZERO_BIAS: 150_000},
}
CONFIGS = {"shipped": GeneratorConfig(), "shipped_regions": GeneratorConfig(regions=RegionConfig()), "shipped_zerobias": GeneratorConfig()}
LIMITS = {"shipped": 8_000_000, "shipped_regions": 4_500_000, "shipped_zerobias": 3_000_000}
"""Bytes that all stores of a set together may have."""


def check(name: str, events: int, shards: Path, workers: int | None) -> bool:
    """Make the first events of every store of a set again and compare them with the shipped ones."""
    good = True
    for sample in EVENTS[name]:
        path = shards / f"check-{name}-{sample}.h5"
        generate(sample, events, path, seed=SEED, workers=workers, shards=shards, config=CONFIGS[name], overwrite=True)
        shipped = EventStore.open(Path(data.__file__).parent / name / f"{sample}.h5")
        made, wanted = EventStore.open(path, shipped.layout).read(extra=shipped.extra), shipped.read(0, events, extra=shipped.extra)
        columns = {column: (getattr(made, column), getattr(wanted, column)) for column in ("hw", "process", "source_event", "pileup")}
        columns |= {column: (made.extra[column], wanted.extra[column]) for column in shipped.extra}
        wrong = [column for column, (one, other) in columns.items() if not np.array_equal(one, other)]
        print(f"{shipped.path}: the first {events} events are {'different in ' + ', '.join(wrong) if wrong else 'the same'}", flush=True)
        good &= not wrong
    return good


def main() -> None:
    """Generate every store; `--scale 0.1` makes a tenth of the events, the first ones of the full stores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, required=True, help="folder for the shards")
    parser.add_argument("--set", choices=list(EVENTS), default="shipped")
    parser.add_argument("--output", type=Path, help="default: where the package keeps the set")
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--check", type=int, metavar="N")
    arguments = parser.parse_args()
    if arguments.check:
        sys.exit(not check(arguments.set, arguments.check, arguments.shards, arguments.workers))
    name, options = arguments.set, {"seed": SEED, "workers": arguments.workers, "shards": arguments.shards}
    folder = arguments.output or Path("l1ae/data") / name
    for sample, events in EVENTS[name].items():
        path = folder / f"{sample}.h5"
        result = generate(sample, round(events * arguments.scale), path, config=CONFIGS[name], **options)
        seconds = sum(process.truth_seconds + process.detector_seconds for process in result.processes)
        print(f"{path}: {result.events} events, {path.stat().st_size / 1e6:.2f} MB, {seconds:.0f} s of CPU in its shards", flush=True)
    total = sum((folder / f"{sample}.h5").stat().st_size for sample in EVENTS[name])
    print(f"{total / 1e6:.2f} MB in all, the limit is {LIMITS[name] / 1e6:.0f} MB")
    sys.exit(total > LIMITS[name])


if __name__ == "__main__":
    main()
