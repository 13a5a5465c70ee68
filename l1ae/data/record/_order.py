"""The order of the study: one sequence out of several data sets, without holding them."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from l1ae.data.record._info import ORDER
from l1ae.data.record._parquet import Columns

__all__ = ["in_sizes", "merged"]

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
        order = np.argsort(np.concatenate([key[:end] for key, end in zip(keys, ends, strict=True)]), kind="stable")
        yield taken[0] if len(taken) == 1 else _part(_joined(taken), order)


def _key(order: npt.NDArray[np.int64], number: int) -> npt.NDArray[np.int64]:
    return np.where(order < 0, _BEHIND + number, order)


def in_sizes(blocks: Iterator[Columns], size: int) -> Iterator[Columns]:
    """The same rows in blocks of exactly `size`, but for the last."""
    pending: list[Columns] = []
    held = 0
    for block in blocks:
        pending.append(block)
        held += _length(block)
        if held < size:
            continue
        joined, start = _joined(pending), 0
        while held - start >= size:
            yield _part(joined, slice(start, start + size))
            start += size
        pending, held = [_part(joined, slice(start, None))], held - start
    if held:
        yield _joined(pending)


def _length(rows: Columns) -> int:
    return int(rows["hw"].shape[-1])


def _part(rows: Columns, index: slice | npt.NDArray[np.int64]) -> Columns:
    return {name: _picked(values, index) for name, values in rows.items()}


def _picked(values: npt.NDArray[np.generic], index: slice | npt.NDArray[np.int64]) -> npt.NDArray[np.generic]:
    # a row that lies together in memory is copied as a whole
    return values.T[index].T if values.ndim > 1 and values.strides[0] < values.strides[-1] else values[..., index]


def _joined(blocks: Sequence[Columns]) -> Columns:
    if len(blocks) == 1:
        return blocks[0]
    return {name: np.concatenate([block[name] for block in blocks], axis=-1) for name in blocks[0]}
