"""Decisions of the recorded menu, and the column that is their OR."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from l1ae.data._bits import is_or_column, pack
from l1ae.data.record._parquet import Batch, Columns, Table, scalars
from l1ae.errors import UserError

__all__ = ["L1BIT", "check_seeds", "seed_names", "seeds_of"]

L1BIT = "L1bit"
"""The OR of all columns beside it: no seed of its own."""

_NO_SEEDS = frozenset({"event", "order", "dataset", "label", "split", "run", "lumi", "bx", "orbit", "time"})
_SHOWN = 5


def seed_names(table: Table) -> tuple[str, ...]:
    """Seeds of a table, in its order, without the OR and without what identifies events."""
    return tuple(name for name in table.names if name not in _NO_SEEDS and not is_or_column(name))


def check_seeds(table: Table, names: Sequence[str]) -> None:
    """Raise `UserError` unless all columns hold decisions."""
    for name in names:
        table.check(name, lambda kind: pa.types.is_boolean(kind) or pa.types.is_integer(kind), "true or false")


def seeds_of(batch: Batch, chosen: Sequence[str], others: Sequence[str], *, with_or: bool) -> Columns:
    """`bits` (bytes, n), which `Bits` describes: `chosen` and, `with_or`, L1bit, which must be the OR of `chosen` and `others`.

    Raises `UserError` naming the first rows where it is not.
    """
    columns = np.empty((len(chosen) + with_or, batch.content.num_rows), np.bool_)
    for k, name in enumerate(chosen):
        columns[k] = _decisions(batch, name)
    if with_or:
        some = columns[: len(chosen)].any(axis=0)
        for name in others:
            some |= _decisions(batch, name)
        columns[-1] = l1bit = _decisions(batch, L1BIT)
        if (l1bit != some).any():
            raise _not_the_or(batch, np.flatnonzero(l1bit != some), l1bit)
    return {"bits": pack(columns).T}


def _decisions(batch: Batch, name: str) -> npt.NDArray[np.bool_]:
    values = scalars(batch, name)
    if values.dtype != np.bool_ and ((values != 0) & (values != 1)).any():
        row = int(np.argmax((values != 0) & (values != 1)))
        raise batch.refuse(row, f"{name} = {values[row]} is no decision; seeds must be true or false, or 1 or 0")
    return values.astype(np.bool_, copy=False)


def _not_the_or(batch: Batch, bad: npt.NDArray[np.int64], l1bit: npt.NDArray[np.bool_]) -> UserError:
    rows = ", ".join(f"{batch.row + row} ({'true' if l1bit[row] else 'false'})" for row in bad[:_SHOWN].tolist())
    return UserError(
        f"{batch.path}: {L1BIT} is not the OR of the seeds beside it in {len(bad)} of rows {batch.row} to "
        f"{batch.row + batch.content.num_rows - 1}, first in {rows}; the file is damaged or columns are missing: download it again, "
        "or import without seeds"
    )
