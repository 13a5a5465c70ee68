"""Recorded bits that are the OR of others: no seeds, because a trigger that they hold would never be pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l1ae.data import EventStore

__all__ = ["OrColumns", "or_columns"]

BoolArray = npt.NDArray[np.bool_]
Patterns = tuple[BoolArray, npt.NDArray[np.int64]]

_CONTRIBUTED = 3
"""Events that only excluded seeds explain, from which on a column is their OR and no seed that fires with them by chance."""
_SEEDS = 3
"""Different seeds that a column must hold to be the OR of all: two may well be inside a third."""


@dataclass(frozen=True)
class OrColumns:
    """What the decisions of a store say of its recorded seeds.

    `exact`: names that fire exactly when one of others does, either all others or some that only explain it together with excluded
    ones. `holding`: names that fire whenever any other does, and more often: the OR of a menu of which seeds are not in the
    store, or a seed that is looser than all others.
    """

    exact: frozenset[str] = frozenset()
    holding: frozenset[str] = frozenset()


def or_columns(store: EventStore, columns: Sequence[str], excluded: Sequence[str]) -> OrColumns:
    """ORs among the extra columns `columns`, with the names of these; `excluded` are columns that are not part of the menu.

    All decisions of the store are read, once per process as long as the file is the same.
    """
    if not columns:
        return OrColumns()
    state = store.path.stat()
    return _search(store.path, (state.st_mtime_ns, state.st_size), tuple(columns), tuple(excluded))


@lru_cache(maxsize=8)
def _search(path: Path, state: tuple[int, int], columns: tuple[str, ...], excluded: tuple[str, ...]) -> OrColumns:
    fired, events = _patterns(EventStore.open(path), (*columns, *excluded))
    is_excluded = np.arange(fired.shape[1]) >= len(columns)
    exact: set[str] = set()
    holding: set[str] = set()
    # what never fires, or always, is in every column or holds every column, and says nothing
    telling = fired.any(axis=0) & ~fired.all(axis=0)
    for k, name in enumerate(columns):
        own = fired[:, k]
        different = telling & (is_excluded | (fired != own[:, None]).any(axis=0))
        different[k] = False
        inside = different & ~(fired & ~own[:, None]).any(axis=0)
        if not inside.any():
            continue
        covered = bool((own == fired[:, inside].any(axis=1)).all())
        if covered and _explained(own, fired, inside, is_excluded, events):
            exact.add(name)
        elif inside.sum() >= _SEEDS and (inside == different).all():
            (exact if covered else holding).add(name)
    return OrColumns(frozenset(exact), frozenset(holding))


def _explained(own: BoolArray, fired: BoolArray, inside: BoolArray, is_excluded: BoolArray, events: npt.NDArray[np.int64]) -> bool:
    """Whether excluded seeds are needed: some events have no other reason."""
    without = own & ~fired[:, inside & ~is_excluded].any(axis=1)
    return int(events[without].sum()) >= _CONTRIBUTED


def _patterns(store: EventStore, names: Sequence[str]) -> Patterns:
    """The distinct decisions (P, names) of all events, and in how many events (P,) they occur."""
    rows, counts = np.zeros((0, -(-len(names) // 8)), np.uint8), np.zeros(0, np.int64)
    for events in store.chunks(extra=names):
        block = np.packbits(np.stack([events.extra[name] != 0 for name in names], axis=1), axis=1)
        rows, counts = _merged(np.concatenate([rows, block]), np.concatenate([counts, np.ones(len(block), np.int64)]))
    return np.unpackbits(rows, axis=1, count=len(names)).astype(np.bool_), counts


def _merged(rows: npt.NDArray[np.uint8], counts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Equal rows once, with the sum of their counts."""
    keys = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1]))).ravel()
    _, first, where = np.unique(keys, return_index=True, return_inverse=True)
    return rows[first], np.bincount(where.ravel(), counts, len(first)).astype(np.int64)
