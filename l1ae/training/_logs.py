"""What a training leaves behind for people: history.csv and TensorBoard."""

import csv
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import tensorflow as tf

from l1ae.files import replacing
from l1ae.training._checkpoint import HistoryRow

__all__ = ["TensorBoardLog", "write_history"]


def write_history(path: Path, rows: Sequence[HistoryRow]) -> None:
    """One line per epoch of both phases. Same training, same bytes."""
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        columns = dict.fromkeys(name for row in rows for name in row.columns())
        writer = csv.DictWriter(file, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row.columns() for row in rows)


class TensorBoardLog:
    """Scalars of one phase, written epoch by epoch; a context manager. A resumed training adds another event file."""

    def __init__(self, folder: Path) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()

    def write(self, row: HistoryRow) -> None:
        """Log one epoch and flush, so that a running TensorBoard shows it."""
        with self._writer.as_default(step=row.epoch):
            for name, value in row.columns().items():
                if name not in ("phase", "epoch"):
                    tf.summary.scalar(name, value)
        self._writer.flush()
