"""Which events a model is trained, validated and judged on."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from l1ae.config import DataConfig
from l1ae.data._store import Events, EventStore, split_fractions
from l1ae.errors import UserError

__all__ = ["SPLIT", "TEST", "TRAIN", "VALIDATION", "events_of", "held_out", "split_columns", "split_parts"]

TRAIN, VALIDATION, TEST = range(3)

SPLIT = "split"
"""Extra column with the recorded part of an event: 0 training, 1 validation, 2 test."""


def split_columns(data: DataConfig, store: EventStore) -> tuple[str, ...]:
    """Extra columns that `split_parts` needs. Raises `UserError` when the store has no recorded split and one is asked for."""
    if data.split != "recorded":
        return ()
    if SPLIT not in store.extra:
        raise UserError(
            f"{store.path}: has no recorded split (extra column '{SPLIT}'), which data.split: recorded asks for; import the events from "
            "files that have one, or set data.split: hash"
        )
    return (SPLIT,)


def split_parts(data: DataConfig, events: Events) -> npt.NDArray[np.int8]:
    """Part (N,) of background events: `TRAIN`, `VALIDATION` or `TEST`, by the hash of their source event or as recorded.

    Raises `UserError` for a recorded part that is none of them.
    """
    if data.split != "recorded":
        return split_fractions(events, (data.train, data.validation), data.split_seed)
    parts = events.extra[SPLIT]
    if ((parts < TRAIN) | (parts > TEST)).any():
        raise UserError(f"recorded split {parts[(parts < TRAIN) | (parts > TEST)][0]} is none of 0 (training), 1 (validation), 2 (test)")
    return parts.astype(np.int8)


def events_of(data: DataConfig, store: EventStore, part: int, *, extra: Sequence[str] = (), size: int = 65536) -> Iterator[Events]:
    """The background events of one part, in blocks, with `extra` columns. Raises `UserError` as `split_columns` and `split_parts`."""
    for events in store.chunks(size, extra=tuple(dict.fromkeys((*extra, *split_columns(data, store))))):
        yield events.select(split_parts(data, events) == part)


def held_out(data: DataConfig, store: EventStore, *, extra: Sequence[str] = (), size: int = 65536) -> Iterator[Events]:
    """The events of a signal or of crossings, in blocks: with `data.split: recorded` those of the test part where the store says it.

    Raises `UserError` when there are none.
    """
    if data.split != "recorded" or SPLIT not in store.extra:
        yield from store.chunks(size, extra=extra)
        return
    found = 0
    for events in store.chunks(size, extra=tuple(dict.fromkeys((*extra, SPLIT)))):
        chosen = events.select(split_parts(data, events) == TEST)
        found += len(chosen)
        if len(chosen):
            yield chosen
    if store.n_events and not found:
        raise UserError(
            f"{store.path}: has no event of the test split, which data.split: recorded judges on; import the split 'test' as well, or set "
            "data.split: hash"
        )
