"""Which events a model is trained, validated and judged on, and what each of them counts."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from l1ae.config import DataConfig
from l1ae.data._store import Events, EventStore, concatenate, split_fractions
from l1ae.errors import UserError

__all__ = [
    "SPLIT",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "WEIGHT",
    "check_weights",
    "divided",
    "events_of",
    "held_out",
    "is_recorded",
    "some_of",
    "split_columns",
    "split_parts",
    "weight_columns",
    "weights_of",
]

FloatArray = npt.NDArray[np.float64]

TRAIN, VALIDATION, TEST = range(3)

SPLIT = "split"
"""Extra column with the recorded part of an event: 0 training, 1 validation, 2 test."""

WEIGHT = "weight"
"""Extra column with the weight of an event; without it every event weighs 1."""


def weight_columns(store: EventStore) -> tuple[str, ...]:
    """Extra columns that `weights_of` needs: `WEIGHT` where the store has it."""
    return (WEIGHT,) if WEIGHT in store.extra else ()


def weights_of(events: Events) -> FloatArray | None:
    """Weights (N,) of events that were read with `weight_columns`; None where the store has none, so that all count the same."""
    return np.asarray(events.extra[WEIGHT], np.float64) if WEIGHT in events.extra else None


def check_weights(weights: FloatArray, where: str, first: int = 0) -> None:
    """Raises `UserError` for a weight that is negative or not finite, naming it; event 0 of (N,) is number `first` of `where`."""
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        raise UserError(f"{where}event {first + int(bad[0])} has the weight {weights[bad[0]]}; weights must be finite and not negative")


def is_recorded(data: DataConfig, extra: Collection[str]) -> bool:
    """Whether events with these extra columns are divided as they were recorded; else by the hash of their source event."""
    return data.split == "recorded" or (data.split == "auto" and SPLIT in extra and not data.fractions_given)


def split_columns(data: DataConfig, store: EventStore) -> tuple[str, ...]:
    """Extra columns that `split_parts` needs. Raises `UserError` when the store has no recorded split and one is asked for."""
    if not is_recorded(data, store.extra):
        return ()
    if SPLIT not in store.extra:
        raise UserError(
            f"{store.path}: has no recorded split (extra column '{SPLIT}'), which data.split: recorded asks for; import the events from "
            "files that have one, or set data.split: hash"
        )
    return (SPLIT,)


def split_parts(data: DataConfig, events: Events, where: str = "") -> npt.NDArray[np.int8]:
    """Part (N,) of background events: `TRAIN`, `VALIDATION` or `TEST`, by the hash of their source event or as recorded.

    Raises `UserError` for a recorded part that is none of them; `where` begins the message.
    """
    if not is_recorded(data, events.extra):
        return split_fractions(events, (data.train, data.validation), data.split_seed)
    parts = events.extra[SPLIT]
    if ((parts < TRAIN) | (parts > TEST)).any():
        raise UserError(
            f"{where}recorded split {parts[(parts < TRAIN) | (parts > TEST)][0]} is none of 0 (training), 1 (validation), 2 (test); "
            "make the store again, or set data.split: hash"
        )
    return parts.astype(np.int8)


def divided(
    data: DataConfig, store: EventStore, *, extra: Sequence[str] = (), size: int = 65536
) -> Iterator[tuple[Events, npt.NDArray[np.int8]]]:
    """All background events in blocks, each with the part (N,) of its events; with columns `extra`, and `WEIGHT` where the store has it.

    An event of weight 0 is left out: it is as if it were not in the store. Raises `UserError` as `split_columns`, `split_parts` and
    `check_weights`, and when a store has nothing but weights of 0.
    """
    start = kept = 0
    for block in store.chunks(size, extra=_columns(data, store, extra)):
        events = _counting(block, store, start)
        start, kept = start + len(block), kept + len(events)
        yield events, split_parts(data, events, f"{store.path}: ")
    if start and not kept:
        raise UserError(f"{store.path}: all {start} events have the weight 0.0; make the store again with weights of mean 1")


def _counting(events: Events, store: EventStore, start: int) -> Events:
    """Those events of a block, which begins with event `start` of the store, whose weight is not 0."""
    weights = weights_of(events)
    if weights is None:
        return events
    check_weights(weights, f"{store.path}: ", start)
    return events if weights.all() else events.select(weights > 0)


def events_of(data: DataConfig, store: EventStore, part: int, *, extra: Sequence[str] = (), size: int = 65536) -> Iterator[Events]:
    """The background events of one part, in blocks that are not empty (one that is where the part is), with columns `extra`.

    Raises `UserError` as `divided`, which says what weights do, and when there is nothing to judge on: no event of the test part.
    """
    found = False
    for events, parts in divided(data, store, extra=extra, size=size):
        chosen = events.select(parts == part)
        if len(chosen):
            found = True
            yield chosen
    if found:
        return
    if part == TEST:
        recorded = f"record some as part {TEST}, or set data.split: hash"
        remedy = recorded if is_recorded(data, store.extra) else "use more events, or smaller data.train and data.validation"
        raise UserError(f"{store.path}: has no background event of the test part, on which models and rates are judged; {remedy}")
    # so that nobody has to know the columns of no event
    yield store.read(0, 0, extra=_columns(data, store, extra))


_RUNS, _RUN = 16, 1 << 14


def some_of(data: DataConfig, store: EventStore, part: int, most: int) -> tuple[Events, float]:
    """At most `most` background events of one part, evenly spaced, with `WEIGHT` where the store has it; and what part of all of them
    they are, about.

    Reads at most 262,144 events, in runs that are spread over the store: strata and recorded parts may lie one after the other. Raises
    `UserError` as `divided`, for what is read, and when none of it is of that part.
    """
    last = max(store.n_events - _RUN, 0)
    starts = range(0, store.n_events, _RUN) if store.n_events <= _RUNS * _RUN else (last * k // (_RUNS - 1) for k in range(_RUNS))
    found, read = [], 0
    for start in starts:
        block = store.read(start, start + _RUN, extra=_columns(data, store))
        events = _counting(block, store, start)
        found.append(events.select(split_parts(data, events, f"{store.path}: ") == part))
        read += len(block)
    together = concatenate(found)
    if not len(together):
        raise UserError(f"{store.path}: no event of part {part} among {read:,} that were read; use more events, or larger data.train")
    count = min(most, len(together))
    share = count / (len(together) * store.n_events / read)
    return together.select(np.arange(count) * len(together) // count), share


def _columns(data: DataConfig, store: EventStore, extra: Sequence[str] = ()) -> tuple[str, ...]:
    """Extra columns that are read: those asked for, and those that decide on parts and weights."""
    return tuple(dict.fromkeys((*extra, *split_columns(data, store), *weight_columns(store))))


def held_out(data: DataConfig, store: EventStore, *, extra: Sequence[str] = (), size: int = 65536) -> Iterator[Events]:
    """The events of a signal or of crossings, in blocks: with a recorded split those of the test part where the store says it.

    Raises `UserError` when there are none.
    """
    if not is_recorded(data, store.extra) or SPLIT not in store.extra:
        yield from store.chunks(size, extra=extra)
        return
    found = 0
    for events in store.chunks(size, extra=tuple(dict.fromkeys((*extra, SPLIT)))):
        chosen = events.select(split_parts(data, events, f"{store.path}: ") == TEST)
        found += len(chosen)
        if len(chosen):
            yield chosen
    if store.n_events and not found:
        raise UserError(
            f"{store.path}: has no event of the test split, which data.split: recorded judges on; import the split 'test' as well, or set "
            "data.split: hash"
        )
