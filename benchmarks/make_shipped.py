"""Make the data sets that come with the package: `python benchmarks/make_shipped.py --shards FOLDER [--set shipped_regions]`.

`shipped` holds events with a lepton, the objects only; `shipped_regions` holds the first of these again, with the calorimeter
image beside the objects; `shipped_zerobias` holds weighted bunch crossings without selection, in recorded parts, and signals without
the lepton requirement. Its test part, which sets rates, has another seed than what is trained on, so another library of collisions too,
and other shares of the strata. Seeds and numbers of events are fixed below, so that the same versions of Pythia, fastjet and numpy
make the same stores again, whatever the number of workers. Interrupt it as you like: finished shards are kept in FOLDER. `--check N`
makes the first N events of every store again, compares them with those that come with the package, and writes nothing there.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from l1ae import data
from l1ae.data import SPLIT, TEST, TRAIN, VALIDATION, WEIGHT, Events, EventStore, StoreWriter, split_fractions
from l1ae.data.generator import ZERO_BIAS, GeneratorConfig, RegionConfig, generate, strata
from l1ae.documents import load_yaml

SIGNALS = ("a4l", "lq", "h0", "hc")
SPLIT_SEED = 1
RATES = load_yaml(GeneratorConfig, Path(__file__).parents[1] / "configs/generator/zero_bias_rates.yaml")


@dataclass(frozen=True)
class Piece:
    """Some generated events, and the fractions of their source events that become training and validation; the rest is for testing."""

    sample: str
    events: int
    config: GeneratorConfig
    seed: int = 1
    fractions: tuple[float, float] | None = None


def pieces(name: str) -> dict[str, tuple[Piece, ...]]:
    """What the stores of a set are made of; the first has the events that its file begins with."""
    if name == "shipped_zerobias":
        train = Piece(ZERO_BIAS, 250_000, GeneratorConfig(), fractions=(0.6, 0.4))
        test = Piece(ZERO_BIAS, 310_000, RATES, seed=2, fractions=(0.0, 0.0))
        inclusive = GeneratorConfig().inclusive()
        return {"background": (train, test)} | {s: (Piece(s, 18_000, inclusive, fractions=(0.0, 1 / 3)),) for s in SIGNALS}
    regions = name == "shipped_regions"
    config = GeneratorConfig(regions=RegionConfig()) if regions else GeneratorConfig()
    counts = {"background": 20_000 if regions else 100_000} | dict.fromkeys(SIGNALS, 2_000 if regions else 10_000)
    return {sample: (Piece(sample, events, config),) for sample, events in counts.items()}


LIMITS = {"shipped": 8_000_000, "shipped_regions": 4_500_000, "shipped_zerobias": 13_000_000}
"""Bytes that all stores of a set together may have."""


def make(piece: Piece, shards: Path, workers: int | None, events: int | None = None) -> EventStore:
    """Generate a piece, or the first `events` of it, into the folder of the shards."""
    path = shards / f"{piece.sample}-{piece.seed}-{piece.config.detector_digest(next(iter(piece.config.fractions(piece.sample))))[:12]}.h5"
    generate(
        piece.sample, events or piece.events, path, seed=piece.seed, workers=workers, shards=shards, config=piece.config, overwrite=True
    )
    return EventStore.open(path)


def divided(piece: Piece, store: EventStore, first_source: int) -> Events:
    """The events of a piece with their part and, of zero bias, weights that give every stratum its probability within its part."""
    events = store.read()
    if piece.fractions is None:
        return events
    parts = split_fractions(events, piece.fractions, SPLIT_SEED).astype(np.int8)
    extra = {SPLIT: parts}
    if piece.sample == ZERO_BIAS:
        probability = np.array([stratum.probability for stratum in strata(piece.config.zero_bias, piece.config.detector.pileup_mean)])
        weights = np.zeros(len(events))
        for part in (TRAIN, VALIDATION, TEST):
            mine = events.process[parts == part]
            counts = np.bincount(mine, minlength=len(probability))
            weights[parts == part] = (probability * len(mine) / np.maximum(counts, 1))[mine]
        extra[WEIGHT] = weights
    return replace(events, source_event=events.source_event + first_source, extra=extra)


def blocks(parts: tuple[Piece, ...], stores: list[EventStore]) -> Iterator[Events]:
    """The events of all pieces of a store; no two pieces share a source event."""
    first = 0
    for piece, store in zip(parts, stores, strict=True):
        events = divided(piece, store, first)
        first = int(events.source_event.max()) + 1
        yield events


def write(path: Path, parts: tuple[Piece, ...], stores: list[EventStore]) -> None:
    """One store out of its pieces."""
    begin, *further = stores
    provenance = dict(begin.provenance) | ({"further": [dict(store.provenance) for store in further]} if further else {})
    with StoreWriter(path, begin.own, sample=begin.sample, processes=begin.processes, provenance=provenance) as writer:
        for events in blocks(parts, stores):
            writer.append(events)


def check(name: str, events: int, shards: Path, workers: int | None) -> bool:
    """Make the first events of every piece of a set again and compare them with the shipped ones."""
    good = True
    for sample, parts in pieces(name).items():
        shipped = EventStore.open(Path(data.__file__).parent / name / f"{sample}.h5")
        start = 0
        for piece in parts:
            made, wanted = make(piece, shards / "check", workers, events).read(), shipped.read(start, start + events)
            moved = int((wanted.source_event - made.source_event)[0])
            made = replace(made, source_event=made.source_event + moved)
            columns = ("hw", "process", "source_event", "pileup")
            wrong = [column for column in columns if not np.array_equal(getattr(made, column), getattr(wanted, column))]
            what = f"{shipped.path}: events from {start} on: the first {events}"
            print(f"{what} are {'different in ' + ', '.join(wrong) if wrong else 'the same'}", flush=True)
            good, start = good and not wrong, start + piece.events
    return good


def main() -> None:
    """Generate every store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, required=True, help="folder for the shards")
    parser.add_argument("--set", choices=list(LIMITS), default="shipped")
    parser.add_argument("--output", type=Path, help="default: where the package keeps the set")
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--check", type=int, metavar="N")
    arguments = parser.parse_args()
    if arguments.check:
        sys.exit(not check(arguments.set, arguments.check, arguments.shards, arguments.workers))
    folder = arguments.output or Path(data.__file__).parent / arguments.set
    for sample, parts in pieces(arguments.set).items():
        path = folder / f"{sample}.h5"
        write(path, parts, [make(piece, arguments.shards, arguments.workers) for piece in parts])
        print(f"{path}: {EventStore.open(path).n_events} events, {path.stat().st_size / 1e6:.2f} MB", flush=True)
    total = sum((folder / f"{sample}.h5").stat().st_size for sample in pieces(arguments.set))
    print(f"{total / 1e6:.2f} MB in all, the limit is {LIMITS[arguments.set] / 1e6:.0f} MB")
    sys.exit(total > LIMITS[arguments.set])


if __name__ == "__main__":
    main()
