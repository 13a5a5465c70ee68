"""The order of the study: one sequence out of several data sets, without holding them."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from l1ae.data.record._info import ORDER
from l1ae.data.record._parquet import Columns

__all__ = ["merged"]

_BEHIND = 1 << 62


def merged(streams: Sequence[Iterator[Columns]]) -> Iterator[Columns]:
    """Rows of all streams by rising `order`, equal ones in the order of the streams, those outside (negative) last.

    In each stream `order` must rise, with those outside last. At most one block of each stream is held.
    """
    heads = [next(stream, None) for stream in streams]
    while any(head is not None for head in heads):
        keys = [_key(head[ORDER], number) if head is not None else np.zeros(0, np.int64) for number, head in enumerate(heads)]
        # nothing behind the smallest of the last keys has been seen completely
        limit = min(int(key[-1]) for key in keys if len(key))
        taken: list[Columns] = []
        ends = [int(np.searchsorted(key, limit, side="right")) for key in keys]
        for number, (head, end) in enumerate(zip(heads, ends, strict=True)):
            if head is None or not end:
                continue
            taken.append(_part(head, slice(0, end)))
            heads[number] = _part(head, slice(end, None)) if end < len(keys[number]) else next(streams[number], None)
        yield taken[0] if len(taken) == 1 else _interleaved(taken, [key[:end] for key, end in zip(keys, ends, strict=True) if end])


def _key(order: npt.NDArray[np.int64], number: int) -> npt.NDArray[np.int64]:
    return np.where(order < 0, _BEHIND + number, order)


def _part(rows: Columns, index: slice) -> Columns:
    return {name: values[..., index] for name, values in rows.items()}


def _interleaved(blocks: Sequence[Columns], keys: Sequence[npt.NDArray[np.int64]]) -> Columns:
    """The rows of all blocks by rising key, equal ones in the order of the blocks."""
    order = np.argsort(np.concatenate(keys), kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    targets = np.split(place, np.cumsum([len(key) for key in keys])[:-1])
    result: Columns = {}
    for name, first in blocks[0].items():
        # rows of several numbers lie together in memory, and are copied as a whole
        joined = np.empty((len(order), *first.shape[:-1]), first.dtype)
        for block, target in zip(blocks, targets, strict=True):
            joined[target] = block[name].T
        result[name] = joined.T
    return result
