"""Two stores: the reference and what came since."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l1ae import __version__
from l1ae.contract import Contract
from l1ae.data import Events, EventStore, concatenate, weight_columns, weights_of
from l1ae.errors import UserError
from l1ae.inputs import Layout
from l1ae.progress import tracked
from l1ae.watching._compare import PERMUTATIONS, Change, Sample, compare
from l1ae.watching._quantities import Quantity, quantities
from l1ae.watching._result import Block, Watched

__all__ = ["ALPHA", "EVENTS", "SCORE", "WatchOptions", "sample_of", "watch"]

ALPHA = 0.01
EVENTS = 20_000
SCORE = "anomaly score"

_PERIOD = ("run", "lumi")
_PIECE = 65_536  # events
_SHIFT = 40
"""Bits of a source event's number, above which that of its process is."""


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """How to watch: at most `events` of each store and of each block, drawn at random; `blocks` of consecutive new events, 0: none."""

    events: int = EVENTS
    blocks: int = 0
    permutations: int = PERMUTATIONS
    alpha: float = ALPHA
    seed: int = 1


def watch(reference: Path, other: Path, options: WatchOptions | None = None, *, contract: Contract | None = None) -> Watched:
    """Compare the events of a store with those of a reference, in its columns or in those of a contract, whose score is watched, too.

    Blocks end with a luminosity block where the store records runs and luminosity blocks. Raises `UserError` where the stores cannot be
    read, where `other` lacks columns, and for more blocks than events or luminosity blocks.
    """
    chosen = options or WatchOptions()
    first = EventStore.open(reference, None if contract is None else contract.layout)
    second = EventStore.open(other, first.layout)
    rng = np.random.default_rng(chosen.seed)
    expected = sample_of(_drawn(first, np.arange(first.n_events), chosen.events, rng), first.layout, contract)

    def against(positions: npt.NDArray[np.intp]) -> Change:
        found = sample_of(_drawn(second, positions, chosen.events, rng), first.layout, contract)
        return compare(expected, found, permutations=chosen.permutations, seed=chosen.seed)

    parts = list(_blocks(second, chosen.blocks))
    blocks = tuple(
        Block(name, last, against(positions)) for name, last, positions in tracked(parts, "watch: blocks of new events", unit="blocks")
    )
    return Watched(
        reference=str(reference),
        other=str(other),
        layout=first.layout.name,
        score="" if contract is None else contract.project,
        alpha=chosen.alpha,
        seed=chosen.seed,
        change=against(np.arange(second.n_events)),
        blocks=blocks,
        tool=f"l1ae {__version__}",
    )


def sample_of(events: Events, layout: Layout, contract: Contract | None = None) -> Sample:
    """What is watched of events in the columns of a layout: `quantities`, and the score of a contract, with their weights."""
    watched = quantities(events.hw, layout)
    if contract is not None:
        codes = contract.evaluate(events.hw, [contract.score.name])[contract.score.name][:, 0]
        watched = (*watched, Quantity(SCORE, "", np.asarray(codes * contract.score.format.lsb, np.float64)))
    weights = weights_of(events)
    weights = np.ones(len(events)) if weights is None else weights
    groups = (events.process.astype(np.int64) << _SHIFT) + events.source_event.astype(np.int64)
    return Sample(watched, weights, groups)


def _drawn(store: EventStore, positions: npt.NDArray[np.intp], most: int, rng: np.random.Generator) -> Events:
    """At most `most` of the events at rising positions."""
    if len(positions) > most:
        positions = np.sort(rng.choice(positions, most, replace=False))
    if not len(positions):
        return store.read(0, 0, extra=weight_columns(store))
    # a block reads its own events only
    found, end = [], int(positions[-1]) + 1
    for start in range(int(positions[0]), end, _PIECE):
        events = store.read(start, min(start + _PIECE, end), extra=weight_columns(store))
        found.append(events.select(positions[(positions >= start) & (positions < start + len(events))] - start))
    return concatenate(found)


def _blocks(store: EventStore, count: int) -> Iterator[tuple[str, str, npt.NDArray[np.intp]]]:
    """Names of the first and the last part of each block, and the positions of its events."""
    if not count:
        return
    recorded = set(_PERIOD) <= set(store.extra)
    if recorded:
        periods = np.concatenate([np.stack([events.extra[name] for name in _PERIOD], axis=1) for events in store.chunks(extra=_PERIOD)])
        distinct, period = np.unique(periods, axis=0, return_inverse=True)
        names = [f"{run}:{lumi}" for run, lumi in distinct.tolist()]
    else:
        period, names = np.arange(store.n_events), [str(k) for k in range(store.n_events)]
    if count > len(names):
        what = "luminosity blocks" if recorded else "events"
        raise UserError(f"'{store.path}' has {len(names)} {what}, which are not {count} blocks; ask for fewer with --blocks")
    for part in np.array_split(np.arange(len(names)), count):
        positions = np.flatnonzero((period.ravel() >= part[0]) & (period.ravel() <= part[-1]))
        yield names[part[0]], names[part[-1]], positions
