"""Make the data set that comes with the package: `python benchmarks/make_shipped.py --shards FOLDER`.

Seed and numbers of events are fixed below, so that the same versions of Pythia, fastjet and numpy make the same stores
again, whatever the number of workers. Interrupt it as you like: finished shards are kept in FOLDER.
"""

import argparse
import sys
from pathlib import Path

from l1ae.data.generator import generate

SEED = 1
EVENTS = {"a4l": 10_000, "lq": 10_000, "h0": 10_000, "hc": 10_000, "background": 100_000}
LIMIT = 8_000_000
"""Bytes that all stores together may have."""


def main() -> None:
    """Generate every store; `--scale 0.1` makes a tenth of the events, the first ones of the full stores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, required=True, help="folder for the shards")
    parser.add_argument("--output", type=Path, default=Path("l1ae/data/shipped"))
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--scale", type=float, default=1.0)
    arguments = parser.parse_args()
    for sample, events in EVENTS.items():
        path = arguments.output / f"{sample}.h5"
        result = generate(sample, round(events * arguments.scale), path, seed=SEED, workers=arguments.workers, shards=arguments.shards)
        seconds = sum(process.truth_seconds + process.detector_seconds for process in result.processes)
        print(f"{path}: {result.events} events, {path.stat().st_size / 1e6:.2f} MB, {seconds:.0f} s of CPU in its shards", flush=True)
    total = sum((arguments.output / f"{sample}.h5").stat().st_size for sample in EVENTS)
    print(f"{total / 1e6:.2f} MB in all, the limit is {LIMIT / 1e6:.0f} MB")
    sys.exit(total > LIMIT)


if __name__ == "__main__":
    main()
